//! A pretend Stripe, offline: the API around Checkout, the page where a buyer pays, events and
//! their deliveries. It has its own idea of Stripe and shares no code with what is tested
//! against it.
//!
//! `/_sandbox/` in a browser shows the payments, the events and their deliveries, and makes Payment
//! Links.
//!
//! What Stripe does not have and tests need (pay without the page, turn the clock, order trouble,
//! read the delivery log, restrict a key) is under `/_sandbox/…` and on [`Sandbox`]:
//!
//! - `POST /_sandbox/pay` `{session, method, …}`: [`Method`], [`Purchase`]; answers the session
//! - `POST /_sandbox/clock/advance` `{seconds}`, `GET /_sandbox/clock`: `{now_ms, ahead_ms}`
//! - `GET /_sandbox/deliveries`: every [`Attempt`], oldest first; with `?event=evt_…` those of one
//!   event, with the whole request and the answer's headers
//! - `POST /_sandbox/resend` `{event, endpoint}`: delivers it again; without `endpoint`, to all
//! - `GET /_sandbox/listeners`, `POST /_sandbox/listeners/cut`: who listens with Stripe's CLI; breaks
//!   their connections
//! - `GET|POST|DELETE /_sandbox/faults`: [`Fault`]; they end with the process
//! - `POST /_sandbox/keys` `{key, permissions: ["checkout_session_read", …]}`
//! - `POST /_sandbox/dispute` `{payment, reason, inquiry}`: the bank of the buyer wants the money
//!   of a session, an intent or a charge back; a debit is returned this way
//! - `POST /_sandbox/voucher` `{payment, paid}`: a voucher is paid, or expires, now
//! - `POST /_sandbox/bank` `{payment_intent, approve}`: the buyer answers the bank's question about
//!   an intent that no session has
//! - `POST /_sandbox/idle`: answers when nothing is due and no delivery is on its way
//!
//! An endpoint made with `metadata[payload]=thin` gets thin events.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = fulfill_sandbox::Sandbox::builder().port(0).seed(7).start().await?;
//! println!("{} takes {}", sandbox.url(), sandbox.secret_key());
//! sandbox.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod app;
mod body;
mod buy;
mod calendar;
mod change;
mod checkout;
mod clock;
mod control;
mod deliver;
mod email;
mod error;
mod faults;
mod form;
mod host;
mod http;
mod idempotency;
mod ids;
mod instruments;
mod journal;
mod listen;
mod look;
mod money;
mod news;
mod page;
mod payments;
mod post;
mod refusal;
mod render;
mod server;
mod shorthand;
mod state;
mod subscriptions;
mod version;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use self::{
    app::App,
    buy::Buy,
    change::{Restrict, Start},
    state::{Job, Outgoing, State},
};
pub use self::{
    buy::{Method, PayError, PostalAddress, Presentment, Purchase, ShipTo},
    clock::Clock,
    deliver::Attempt,
    faults::{Fault, FaultError, Faults, Trouble, read as read_faults},
    journal::DataError,
    news::Delivery,
    post::Exchange,
};

/// The port that the sandbox listens on unless told otherwise.
pub const PORT: u16 = 12_111;

const SETTLE: Duration = Duration::from_secs(2);
/// How long a stop waits for what is on its way.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port cannot be listened on.
    #[error(
        "the sandbox cannot listen on 127.0.0.1:{port}: {source}. Is another one running? Choose another port, or 0 for any free one."
    )]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The Unix socket cannot be made.
    #[error("the sandbox cannot make the socket {}: {source}", path.display())]
    Socket {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data file will not do.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The thread that writes the data file cannot be started.
    #[error("the sandbox cannot start the writer of its data file: {0}")]
    Writer(#[source] std::io::Error),
    /// The client that delivers events cannot be made.
    #[error("the sandbox cannot make its HTTP client: {0}")]
    Client(#[source] reqwest::Error),
}

/// How a sandbox will run.
#[derive(Debug, Clone)]
pub struct Builder {
    port: u16,
    socket: Option<PathBuf>,
    data: Option<PathBuf>,
    seed: Option<u64>,
    settle: Duration,
    clock: Clock,
    forward_to: Option<String>,
    body_within: Duration,
}

impl Builder {
    /// The port on 127.0.0.1; 0 takes any free one. [`PORT`] if left out.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Listens on a Unix socket too, as Stripe's CLI wants it.
    #[must_use]
    pub fn socket(mut self, path: impl AsRef<Path>) -> Self {
        self.socket = Some(path.as_ref().to_owned());
        self
    }

    /// Keeps everything in this file, and goes on where the file ends. In memory if left out.
    #[must_use]
    pub fn data(mut self, path: impl AsRef<Path>) -> Self {
        self.data = Some(path.as_ref().to_owned());
        self
    }

    /// The same seed and the same calls give the same ids. The data file's, or random, if left out.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long a debit is on its way, on the sandbox's clock. Two seconds if left out.
    #[must_use]
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// The sandbox's clock. The system's if left out.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Delivers every event to this URL, signed with [`Sandbox::forward_secret`], as Stripe's CLI
    /// does; Checkout does not wait for its answers.
    #[must_use]
    pub fn forward_to(mut self, url: impl Into<String>) -> Self {
        self.forward_to = Some(url.into());
        self
    }

    /// How long a request's body may take before its sender is told 408. Half a minute if left out.
    #[must_use]
    pub fn body_within(mut self, within: Duration) -> Self {
        self.body_within = within;
        self
    }

    /// Starts it, on the runtime of the caller.
    ///
    /// # Errors
    /// [`StartError`] when the port is taken, the socket cannot be made or the data file will not do.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        let Self { port, socket, data, seed, settle, clock, forward_to, body_within } = self;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.map_err(|source| StartError::Port { port, source })?;
        let bound = listener.local_addr().map_err(|source| StartError::Port { port, source })?;
        let unix = match &socket {
            None => None,
            Some(path) => Some(
                bind_socket(path)
                    .map_err(|source| StartError::Socket { path: path.clone(), source })?,
            ),
        };
        let url = format!("http://{bound}");
        let settle_ms = i64::try_from(settle.as_millis()).unwrap_or(i64::MAX / 4);
        let Begun { state, seed, kept } = begin(data, seed, clock).await?;
        let (secret_key, forward_secret) =
            (state.secret_key.clone(), state.forward_secret.to_string());
        let client = client().map_err(StartError::Client)?;
        let app = App::new(state, seed, Faults::new(seed), client, body_within);
        let owed = keep(&app, kept)?;
        app.change(Start { base: url.clone(), settle_ms, forward_to });
        app.lanes.expect(owed.len());
        app.send(Outgoing { jobs: owed, ..Outgoing::default() });
        app.tasks.spawn(server::serve(Arc::clone(&app), listener));
        if let Some(unix) = unix {
            app.tasks.spawn(server::serve(Arc::clone(&app), unix));
        }
        app.tasks.spawn(Arc::clone(&app).keep_agenda());
        Ok(Sandbox { app, url, secret_key, forward_secret, socket })
    }
}

/// A state to start on, and the file behind it.
struct Begun {
    state: State,
    seed: u64,
    kept: Option<Kept>,
}

struct Kept {
    disk: journal::Stored,
    sum: journal::Sum,
    owed: Vec<Job>,
}

async fn begin(
    data: Option<PathBuf>,
    seed: Option<u64>,
    clock: Clock,
) -> Result<Begun, StartError> {
    let Some(path) = data else {
        let seed = seed.unwrap_or_else(rand::random);
        return Ok(Begun { state: State::new(clock, seed), seed, kept: None });
    };
    let opened = tokio::task::spawn_blocking(move || journal::open(&path, seed, &clock)).await;
    let opened = opened.map_err(|error| StartError::Writer(std::io::Error::other(error)))??;
    let journal::Opened { state, seed, owed, disk, sum } = opened;
    Ok(Begun { state, seed, kept: Some(Kept { disk, sum, owed }) })
}

/// Keeps what is changed from now on; the deliveries that are owed from before.
fn keep(app: &Arc<App>, kept: Option<Kept>) -> Result<Vec<Job>, StartError> {
    let Some(Kept { disk, sum, owed }) = kept else { return Ok(Vec::new()) };
    let journal = journal::Journal::start(disk, sum, Arc::downgrade(app));
    app.keep(journal.map_err(StartError::Writer)?);
    Ok(owed)
}

/// A socket left behind by a sandbox that crashed is replaced; one that answers is not.
fn bind_socket(path: &Path) -> std::io::Result<tokio::net::UnixListener> {
    use std::os::unix::fs::FileTypeExt as _;
    if std::fs::symlink_metadata(path).is_ok_and(|there| !there.file_type().is_socket()) {
        let say = "a file that is no socket has this name; it is left as it is";
        return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, say));
    }
    match tokio::net::UnixListener::bind(path) {
        Err(error)
            if error.kind() == std::io::ErrorKind::AddrInUse
                && std::os::unix::net::UnixStream::connect(path).is_err() =>
        {
            std::fs::remove_file(path)?;
            tokio::net::UnixListener::bind(path)
        }
        bound => bound,
    }
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the program may have chosen a provider already; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(64)
        .build()
}

/// A running sandbox.
pub struct Sandbox {
    app: Arc<App>,
    url: String,
    secret_key: String,
    forward_secret: String,
    socket: Option<PathBuf>,
}

impl Sandbox {
    /// How a sandbox will run.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            port: PORT,
            socket: None,
            data: None,
            seed: None,
            settle: SETTLE,
            clock: Clock::system(),
            forward_to: None,
            body_within: body::WITHIN,
        }
    }

    /// Where its API and its pages are: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A key that it takes. Any other that starts with `sk_test_` or `rk_test_` does as well.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// The secret that deliveries to [`Builder::forward_to`] are signed with.
    #[must_use]
    pub fn forward_secret(&self) -> &str {
        &self.forward_secret
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.app.clock
    }

    /// Trouble on order.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.app.faults
    }

    /// Pays a session as a buyer would on its page, and returns once it is done; the events are on
    /// their way then.
    ///
    /// # Errors
    /// [`PayError`] when the session is not open, the bank declines or a quantity is not allowed.
    pub fn pay(&self, session: &str, method: Method, purchase: Purchase) -> Result<(), PayError> {
        self.app.run_due();
        self.app.change(Buy {
            session: session.to_owned(),
            method,
            purchase: Box::new(purchase),
        })?;
        match self.app.journal() {
            None => Ok(()),
            Some(journal) => {
                journal.stored_blocking().map_err(|why| PayError::NotStored(why.to_string()))
            }
        }
    }

    /// The buyer's bank wants the money of a session, an intent or a charge back; a bank debit is
    /// returned this way. The dispute's id; none when there is nothing to dispute.
    #[must_use]
    pub fn dispute(&self, payment: &str) -> Option<String> {
        let raise =
            payments::RaiseDispute { payment: payment.to_owned(), reason: None, inquiry: false };
        self.app.change(raise).ok().map(|id| id.to_string())
    }

    /// A voucher of a session or an intent is paid now, or expires now. False when none waits.
    pub fn voucher(&self, payment: &str, paid: bool) -> bool {
        self.app.change(payments::PayVoucher { payment: payment.to_owned(), paid })
    }

    /// Gives a restricted key (`rk_test_…`) these permissions and no others, as
    /// `checkout_session_read`.
    pub fn restrict(&self, key: &str, permissions: &[&str]) {
        let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
        self.app.change(Restrict { key: key.to_owned(), permissions });
    }

    /// Sets the clock forward and carries out what is due then.
    pub fn advance(&self, by: Duration) {
        self.app.advance(by);
    }

    /// Carries out what is due on the clock, then waits until no delivery waits or is on its way.
    pub async fn idle(&self) {
        loop {
            self.app.run_due();
            self.app.lanes.idle().await;
            if !self.app.read().is_due() && self.app.lanes.is_idle() {
                return;
            }
        }
    }

    /// The attempts to deliver, oldest first; the log keeps the last ten thousand.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Attempt> {
        self.app.read().attempts.iter().cloned().collect()
    }

    /// Deliveries as they go out and are answered. Whoever is slow to read misses the oldest.
    #[must_use]
    pub fn watch(&self) -> tokio::sync::broadcast::Receiver<Delivery> {
        self.app.news.watch()
    }

    /// Stops: no new connections, and at most five seconds for what is on its way.
    pub async fn shutdown(self) {
        self.app.stop.cancel();
        self.app.tasks.close();
        let _ = tokio::time::timeout(STOP_WITHIN, self.app.tasks.wait()).await;
        if let Some(journal) = self.app.journal() {
            journal.close().await;
        }
        if let Some(path) = &self.socket {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Secrets stay out of it.
impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.app.stop.cancel();
    }
}
