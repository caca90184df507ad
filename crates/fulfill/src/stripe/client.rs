//! Asks Stripe. One attempt a call: whoever calls owns the retries; only pages go on within a call.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fulfill_rules::{Millis, id::SessionKey};
use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};

use super::{
    ApiError, ApiErrorKind, Asker, Permits, Purpose, Rate,
    retrieve::Forbidden,
    shapes::{List, Session},
    wire::{Answer, BODY_BYTES_MAX, Wire, too_slow},
};
use crate::clock::Clock;

/// The version that every request is pinned to: the newest whose shapes this room was checked against.
pub const API_VERSION: &str = "2026-05-27.dahlia";
/// Where Stripe is.
pub const API_BASE: &str = "https://api.stripe.com";
/// Time limit of a call, all its pages together.
pub const TIMEOUT_MS: Millis = 8_000;

/// What a client needs.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// `sk_…` or `rk_…`.
    pub api_key: SecretString,
    /// [`API_BASE`], or a stand-in.
    pub api_base: String,
    /// Requests a second for each endpoint, all replicas together; 0 for no limit.
    pub rate_per_second: u32,
    /// Limit of a call, all its pages together.
    pub timeout_ms: Millis,
    /// Tells the time for the rate.
    pub clock: Clock,
}

impl ClientSettings {
    /// The usual settings: Stripe itself, 20 requests a second.
    #[must_use]
    pub fn new(api_key: SecretString, clock: Clock) -> Self {
        let api_base = API_BASE.to_owned();
        Self { api_key, api_base, rate_per_second: 20, timeout_ms: TIMEOUT_MS, clock }
    }
}

/// Why a client cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ClientMistake {
    #[error("no API key is set: STRIPE_SECRET_KEY takes a secret (sk_) or restricted (rk_) key")]
    NoKey,
    #[error("STRIPE_SECRET_KEY is a publishable key (pk_): the secret key beside it is needed")]
    PublishableKey,
    #[error(
        "STRIPE_SECRET_KEY is a webhook secret (whsec_): that belongs in STRIPE_WEBHOOK_SECRET"
    )]
    WebhookSecret,
    #[error("STRIPE_SECRET_KEY should start with sk_test_, sk_live_, rk_test_ or rk_live_")]
    NotAKey,
    #[error("STRIPE_API_BASE '{0}' should look like https://api.stripe.com")]
    Base(String),
    #[error("a live key is sent to '{0}' only over https")]
    LiveKeyInTheClear(String),
    #[error("the connection to Stripe cannot be set up: {0}")]
    Setup(String),
}

/// One session of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub key: SessionKey,
    /// `status`.
    pub status: Option<String>,
    /// `payment_status`.
    pub payment_status: Option<String>,
    /// Seconds since 1970.
    pub created: Option<i64>,
}

/// One page of a list of sessions, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPage {
    /// Those whose id can be one.
    pub sessions: Vec<Listed>,
    /// Whether there is another page.
    pub has_more: bool,
    /// What to give as `after` for the next page.
    pub next: Option<String>,
}

/// Talks to Stripe under one key. Clones share connections and rates.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    wire: Wire,
    livemode: bool,
    timeout: Duration,
    clock: Clock,
    retrieve: Mutex<Rate>,
    list: Mutex<Rate>,
    forbidden: Forbidden,
}

/// Whether an address may be asked instead of Stripe's, whatever the key.
///
/// # Errors
/// [`ClientMistake::Base`].
pub fn check_api_base(text: &str) -> Result<(), ClientMistake> {
    base(text, false).map(|_url| ())
}

impl Client {
    /// Checks the key's kind and the address; sends nothing.
    ///
    /// # Errors
    /// [`ClientMistake`], which names what was given instead.
    pub fn new(settings: ClientSettings) -> Result<Self, ClientMistake> {
        let livemode = mode_of(settings.api_key.expose_secret())?;
        let base = base(&settings.api_base, livemode)?;
        let limit_ms = u64::try_from(settings.timeout_ms).unwrap_or(0).max(1);
        let timeout = Duration::from_millis(limit_ms);
        let wire = Wire::new(&settings.api_key, API_VERSION, &base, timeout)
            .map_err(ClientMistake::Setup)?;
        let rate = Rate::new(settings.rate_per_second, settings.clock.now());
        Ok(Self(Arc::new(Inner {
            wire,
            livemode,
            timeout,
            clock: settings.clock,
            retrieve: Mutex::new(rate.clone()),
            list: Mutex::new(rate),
            forbidden: Forbidden::default(),
        })))
    }

    /// Whether the key moves real money.
    #[must_use]
    pub fn livemode(&self) -> bool {
        self.0.livemode
    }

    /// What may be sent now for this purpose. Nothing here waits.
    #[must_use]
    pub fn permits(&self, purpose: Purpose, asker: Asker) -> Permits {
        self.rate(purpose).permits(self.0.clock.now(), asker)
    }

    /// Takes up to `wanted` permits and returns how many were granted; one call of
    /// [`Client::session`] or [`Client::sessions_since`] uses one.
    #[must_use]
    pub fn take(&self, purpose: Purpose, asker: Asker, wanted: u32) -> u32 {
        self.rate(purpose).take(self.0.clock.now(), asker, wanted)
    }

    /// Divides the rate by the replicas at work.
    pub fn set_share(&self, nodes: u32) {
        self.rate(Purpose::Retrieve).set_share(nodes);
        self.rate(Purpose::List).set_share(nodes);
    }

    /// Lists complete sessions created at `created_gte` (seconds since 1970) or later, newest first,
    /// 100 at a time; `after` is the last page's `next`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn sessions_since(
        &self,
        created_gte: i64,
        after: Option<&str>,
    ) -> Result<SessionPage, ApiError> {
        let what = "the list of complete sessions";
        let created = created_gte.to_string();
        let mut query = vec![("status", "complete"), ("created[gte]", &created), ("limit", "100")];
        query.extend(after.map(|id| ("starting_after", id)));
        let request = self.0.wire.get("/v1/checkout/sessions").query(&query);
        let answer = self.ask(Purpose::List, request, what).await?;
        let list: List<Session> = answer.read(what)?;
        let has_more = list.has_more.unwrap_or(false);
        let data = list.data.ok_or_else(|| answer.garbled(what, "the answer is not a list"))?.read;
        let mut ids: HashSet<&str> = after.into_iter().collect();
        let repeats = !data.iter().filter_map(|s| s.id.as_deref()).all(|id| ids.insert(id));
        let next = data.last().and_then(|session| session.id.clone());
        if repeats || has_more && next.is_none() {
            return Err(answer.garbled(what, "its pages repeat or end without an end"));
        }
        let sessions = data.into_iter().filter_map(|session| {
            let key = SessionKey::parse(session.id.as_deref()?).ok()?;
            let Session { status, payment_status, created, .. } = session;
            Some(Listed { key, status, payment_status, created })
        });
        Ok(SessionPage { sessions: sessions.collect(), has_more, next })
    }

    /// Asks whether Stripe answers under this key; any restricted key that is enough may do this.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn ping(&self) -> Result<(), ApiError> {
        let what = "asking whether Stripe answers";
        let request = self.0.wire.get("/v1/events?limit=1");
        self.ask(Purpose::List, request, what).await?.read::<List<Session>>(what).map(|_| ())
    }

    pub(super) async fn in_time<T>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        tokio::time::timeout(self.0.timeout, call).await.unwrap_or_else(|_| Err(too_slow(what)))
    }

    /// A call that is one request.
    pub(super) async fn ask(
        &self,
        purpose: Purpose,
        request: RequestBuilder,
        what: &str,
    ) -> Result<Answer, ApiError> {
        let mut budget = BODY_BYTES_MAX;
        self.in_time(what, self.send(purpose, request, what, &mut budget)).await
    }

    /// Sends once, and slows down where Stripe says that this is too much.
    pub(super) async fn send(
        &self,
        purpose: Purpose,
        request: RequestBuilder,
        what: &str,
        budget: &mut usize,
    ) -> Result<Answer, ApiError> {
        let answer = self.0.wire.send(request, what, budget).await;
        if let Err(error) = &answer
            && error.kind == ApiErrorKind::RateLimited
        {
            let pause = self.rate(purpose).too_many(self.0.clock.now(), error.retry_after_ms);
            if pause > 0 {
                tracing::warn!(
                    ?purpose,
                    pause_ms = pause,
                    "Stripe asks to wait: nothing is asked until then"
                );
            }
        }
        answer
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.0.wire
    }

    pub(super) fn now(&self) -> Millis {
        self.0.clock.now()
    }

    fn rate(&self, purpose: Purpose) -> MutexGuard<'_, Rate> {
        let rate = match purpose {
            Purpose::Retrieve => &self.0.retrieve,
            Purpose::List => &self.0.list,
        };
        rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forbidden(&self) -> &Forbidden {
        &self.0.forbidden
    }

    pub(super) fn debit(&self) {
        self.rate(Purpose::Retrieve).debit(self.0.clock.now());
    }
}

fn mode_of(key: &str) -> Result<bool, ClientMistake> {
    let mut parts = key.splitn(3, '_');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(""), None, _) => Err(ClientMistake::NoKey),
        (Some("pk"), ..) => Err(ClientMistake::PublishableKey),
        (Some("whsec"), ..) => Err(ClientMistake::WebhookSecret),
        (Some("sk" | "rk"), Some(mode @ ("test" | "live")), Some(tail))
            if !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Ok(mode == "live")
        }
        _ => Err(ClientMistake::NotAKey),
    }
}

fn base(text: &str, livemode: bool) -> Result<Url, ClientMistake> {
    let mistake = || ClientMistake::Base(text.chars().take(200).collect());
    let url = Url::parse(text.trim()).map_err(|_| mistake())?;
    let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let host = url.host_str().ok_or_else(mistake)?;
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme() {
        _ if !bare => Err(mistake()),
        "http" if livemode && !local => Err(ClientMistake::LiveKeyInTheClear(host.to_owned())),
        "http" | "https" => Ok(url),
        _ => Err(mistake()),
    }
}
