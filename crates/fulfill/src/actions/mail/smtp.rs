//! One mail handed to a mail server, and what is known of it afterwards. The steps are taken one by
//! one, because it matters at which of them a connection was cut.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailParameter},
    },
};

use super::{
    server::{Server, Tls},
    trust::{Trust, Trusted, refused, told},
};
use crate::clock::{Stopwatch, real_sleep};

/// Connections kept for the next mail.
const IDLE_MAX: usize = 4;
/// A connection that nobody needs for so long is closed.
const IDLE_TIME: Duration = Duration::from_secs(20);
/// Of what a server says, so much is told.
const SAID_MAX: usize = 300;

/// A mail was not taken, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was not; another time it may be.
    NotNow(String),
    /// It was not and will not be: the server's code, and what it said.
    Never(String, String),
    /// It was handed over, and nothing was heard of it.
    Unknown(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::NotNow(why) | Self::Never(_, why) | Self::Unknown(why)) = self;
        f.write_str(why)
    }
}

/// Why no conversation came about.
enum Unmet {
    Error(Error),
    /// It hides nothing, and has to.
    Naked,
}

impl From<Error> for Unmet {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Connections kept for the next mail, and since when.
type Idle = Arc<Mutex<Vec<(Stopwatch, AsyncSmtpConnection)>>>;

/// A mail server and the connections to it.
pub(super) struct Smtp {
    server: Server,
    name: ClientId,
    trust: Option<Trust>,
    idle: Idle,
    patience: Duration,
}

impl Smtp {
    /// `name` is who we say we are; nothing is sent yet.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub(super) fn new(
        server: Server,
        name: &str,
        patience: Duration,
        trusted: &[Trusted],
    ) -> Result<Self, Error> {
        let trust = match server.tls {
            Tls::Never => None,
            _ => Some(Trust::new(&server.host, trusted)?),
        };
        let name = ClientId::Domain(name.to_owned());
        Ok(Self { server, name, trust, idle: Idle::default(), patience })
    }

    /// Begins a conversation and ends it before any mail.
    pub(super) async fn check(&self) -> Result<(), Failure> {
        let Ok(met) = tokio::time::timeout(self.patience, self.connect()).await else {
            let why = format!("no answer from the mail server within {:?}", self.patience);
            return Err(Failure::NotNow(why));
        };
        let mut connection = met.map_err(|failure| Failure::NotNow(short(&failure.to_string())))?;
        connection.quit().await.ok();
        Ok(())
    }

    /// Hands a mail over; what the server said to it.
    pub(super) async fn send(
        &self,
        from: &Address,
        to: &Address,
        mail: &[u8],
    ) -> Result<String, Failure> {
        let handed_over = AtomicBool::new(false);
        let talk = self.talk(from, to, mail, &handed_over);
        let Ok(ended) = tokio::time::timeout(self.patience, talk).await else {
            let why = format!("no answer from the mail server within {:?}", self.patience);
            return Err(match handed_over.load(Ordering::Relaxed) {
                true => Failure::Unknown(why),
                false => Failure::NotNow(why),
            });
        };
        // What a server says is told and logged, and many name the address they refuse.
        let clean = |text: String| short(&without(&text, to.as_ref()));
        ended.map(clean).map_err(|failure| match failure {
            Failure::NotNow(why) => Failure::NotNow(clean(why)),
            Failure::Never(code, why) => Failure::Never(code, clean(why)),
            Failure::Unknown(why) => Failure::Unknown(clean(why)),
        })
    }

    async fn talk(
        &self,
        from: &Address,
        to: &Address,
        mail: &[u8],
        handed_over: &AtomicBool,
    ) -> Result<String, Failure> {
        let mut connection = match self.kept().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let mut options = Vec::new();
        if !(from.as_ref() as &str).is_ascii() || !(to.as_ref() as &str).is_ascii() {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let why = "the mail server takes no address with letters beyond ASCII (SMTPUTF8)";
                return Err(Failure::Never("address".into(), why.into()));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        // A sender that is refused is about us, not about this mail.
        let ours = |error: Error| Failure::NotNow(told(&error));
        connection.command(Mail::new(Some(from.clone()), options)).await.map_err(ours)?;
        connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(known)?;
        connection.command(Data).await.map_err(known)?;
        handed_over.store(true, Ordering::Relaxed);
        match connection.message(mail).await {
            Ok(answer) => {
                self.keep(connection);
                let said = answer.first_line().unwrap_or_default();
                Ok(said.to_owned())
            }
            Err(error) if error.status().is_some() => Err(known(error)),
            Err(error) => Err(Failure::Unknown(told(&error))),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let by_signature = self.trust.as_ref().map(Trust::by_signature);
        let mut connection = match self.meet(by_signature).await {
            Ok(connection) => connection,
            Err(unmet) => self.meet_by_sight(unmet).await?,
        };
        if let Some(login) = &self.server.login {
            let credentials = Credentials::new(login.user.clone(), login.password());
            let ways = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&ways, &credentials).await.map_err(|error| {
                Failure::NotNow(format!("the mail server does not let us in: {}", told(&error)))
            })?;
        }
        Ok(connection)
    }

    /// Once more, where it may be that the server shows a certificate that the merchant named.
    async fn meet_by_sight(&self, unmet: Unmet) -> Result<AsyncSmtpConnection, Failure> {
        if let (Unmet::Error(error), Some(trust)) = (&unmet, &self.trust)
            && let Some(any) = trust.by_sight(error)
        {
            let connection = self.meet(Some(any)).await.map_err(|unmet| self.not_now(&unmet))?;
            // Nothing has been said to it but our name.
            if connection.peer_certificate().is_ok_and(|shown| trust.is_known(&shown)) {
                return Ok(connection);
            }
        }
        Err(self.not_now(&unmet))
    }

    /// Connects and hides what will be said, if it is to be.
    async fn meet(&self, trust: Option<&TlsParameters>) -> Result<AsyncSmtpConnection, Unmet> {
        let Server { host, port, tls, .. } = &self.server;
        let at_once = trust.cloned().filter(|_| *tls == Tls::FromTheStart);
        let (at, limit) = ((host.as_str(), *port), Some(self.patience));
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(at, limit, &self.name, at_once, None).await?;
        if let (Tls::Required | Tls::IfOffered, Some(trust)) = (tls, trust) {
            if connection.can_starttls() {
                connection.starttls(trust.clone(), &self.name).await?;
            } else if *tls == Tls::Required {
                return Err(Unmet::Naked);
            }
        }
        Ok(connection)
    }

    /// Whatever goes wrong before a mail begins is no answer to this mail.
    fn not_now(&self, unmet: &Unmet) -> Failure {
        let Server { host, port, .. } = &self.server;
        Failure::NotNow(match unmet {
            Unmet::Naked => {
                "the mail server offers no STARTTLS; ?tls=none in its URL goes without".into()
            }
            Unmet::Error(error) => refused(host, error)
                .unwrap_or_else(|| format!("the mail server {host}:{port}: {}", told(error))),
        })
    }

    /// A kept connection that still answers.
    async fn kept(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (since, mut connection) = lock(&self.idle).pop()?;
            if since.elapsed() < IDLE_TIME && connection.test_connected().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = lock(&self.idle);
        if idle.len() < IDLE_MAX {
            idle.push((Stopwatch::start(), connection));
            tokio::spawn(part(Arc::clone(&self.idle)));
        }
    }
}

/// Says goodbye on connections that nobody has needed for a while.
async fn part(idle: Idle) {
    real_sleep(IDLE_TIME).await;
    let old: Vec<_> =
        lock(&idle).extract_if(.., |(since, _)| since.elapsed() >= IDLE_TIME).collect();
    for (_, mut connection) in old {
        connection.quit().await.ok();
    }
}

fn lock(idle: &Idle) -> std::sync::MutexGuard<'_, Vec<(Stopwatch, AsyncSmtpConnection)>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Up to here nothing was handed over. What asks for a login is about us, not about the mail.
fn known(error: Error) -> Failure {
    match error.status() {
        Some(code) if error.is_permanent() && !matches!(u16::from(code), 530 | 535) => {
            // The code is said before it.
            let (why, before) = (told(&error), format!("permanent error ({code}): "));
            Failure::Never(code.to_string(), why.strip_prefix(&before).unwrap_or(&why).to_owned())
        }
        _ => Failure::NotNow(told(&error)),
    }
}

/// The text without the address, however it is written.
fn without(text: &str, address: &str) -> String {
    let (mut rest, mut left, address) = (text, String::new(), address.to_ascii_lowercase());
    while let Some(at) = rest.to_ascii_lowercase().find(&address) {
        left.push_str(&rest[..at]);
        left.push_str("the address");
        rest = &rest[at + address.len()..];
    }
    left + rest
}

fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID_MAX).collect()
}
