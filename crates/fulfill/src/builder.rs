//! The library's door: from settings to a router and an engine.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fulfill_rules::{
    DAY, Millis,
    order::Policy,
    plan::{Catalog, CatalogMistake, Product},
};
use secrecy::SecretString;

use crate::{
    actions::{Action, Actions, mail::Mail},
    brand::Brand,
    clock::Clock,
    door::Door,
    engine::{Engine, Parts},
    links::Links,
    meters::Meters,
    pulse::Pulse,
    sign_in::{self, Passwords, PersonMistake, Token},
    store::{Location, Store, StoreError, Tripwire},
    stripe::{Client, ClientMistake, ClientSettings, Secrets},
    wake::Wake,
    web::{self, Web},
    zone::Zone,
};

/// Why nothing was opened. Each names what to change.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No database was given.
    #[error("no database: call Builder::database")]
    NoDatabase,
    /// No API key was given.
    #[error("no API key: call Builder::stripe")]
    NoStripe,
    /// No webhook secret was given: unsigned events are never accepted (case 15).
    #[error("no webhook secret: call Builder::webhook_secrets")]
    NoSecrets,
    /// The catalog has mistakes; all of them.
    #[error("the catalog has mistakes: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Catalog(Vec<CatalogMistake>),
    /// The catalog names actions that nobody added.
    #[error("the catalog names actions that do not exist: {}", .0.join(", "))]
    Actions(Vec<String>),
    /// Mail cannot be sent from this machine.
    #[error("mail: {0}")]
    Mail(String),
    /// The API key or address cannot be right.
    #[error(transparent)]
    Client(#[from] ClientMistake),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Settings, one by one.
#[derive(Default)]
pub struct Builder {
    database: Option<Location>,
    stripe: Option<ClientSettings>,
    secrets: Option<Secrets>,
    products: Vec<Product>,
    stock: BTreeMap<String, i64>,
    receipts: bool,
    mail_later: Option<bool>,
    brand: Brand,
    api_token: Option<SecretString>,
    behind_proxy: bool,
    public_url: Option<String>,
    clock: Option<Clock>,
    actions: Actions,
    mail: Option<Mail>,
    tripwire: Option<Tripwire>,
    no_looks: bool,
    keep_bodies: Option<Duration>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("products", &self.products.len()).finish_non_exhaustive()
    }
}

impl Builder {
    /// Where everything is kept.
    #[must_use]
    pub fn database(mut self, location: Location) -> Self {
        self.database = Some(location);
        self
    }

    /// How Stripe is asked.
    #[must_use]
    pub fn stripe(mut self, settings: ClientSettings) -> Self {
        self.stripe = Some(settings);
        self
    }

    /// The secrets that deliveries may be signed with.
    #[must_use]
    pub fn webhook_secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// What products owe.
    #[must_use]
    pub fn products(mut self, products: Vec<Product>) -> Self {
        self.products = products;
        self
    }

    /// Opening stock by SKU, taken once for ever.
    #[must_use]
    pub fn opening_stock(mut self, stock: BTreeMap<String, i64>) -> Self {
        self.stock = stock;
        self
    }

    /// Queue a receipt for each order (leave it off where Stripe sends receipts).
    #[must_use]
    pub fn receipts(mut self, yes: bool) -> Self {
        self.receipts = yes;
        self
    }

    /// How the shop shows itself on its pages and in its mails.
    #[must_use]
    pub fn brand(mut self, brand: Brand) -> Self {
        self.brand = brand;
        self
    }

    /// The bearer token of the API; without one the API refuses everything.
    #[must_use]
    pub fn api_token(mut self, token: SecretString) -> Self {
        self.api_token = Some(token);
        self
    }

    /// A proxy of one's own stands in front: addresses are the last ones of `X-Forwarded-For`.
    #[must_use]
    pub fn behind_proxy(mut self, yes: bool) -> Self {
        self.behind_proxy = yes;
        self
    }

    /// Where people reach the service, as `https://shop.example.com`: the dashboard's links say it, and
    /// over https its login is never sent without TLS.
    #[must_use]
    pub fn public_url(mut self, url: &str) -> Self {
        self.public_url = Some(url.trim_end_matches('/').to_owned());
        self
    }

    /// The time; the system's by default.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Adds outside work of one's own.
    #[must_use]
    pub fn action<A: Action>(mut self, action: A) -> Self {
        self.actions.add(action);
        self
    }

    /// There is no mail server yet: every mail is queued, `to_merchant` those to the merchant, too, and waits
    /// until [`Builder::mail`] is given. Without either, only what [`Builder::receipts`] asks for is queued.
    #[must_use]
    pub fn mail_later(mut self, to_merchant: bool) -> Self {
        self.mail_later = Some(to_merchant);
        self
    }

    /// Sends mail.
    #[must_use]
    pub fn mail(mut self, mail: Mail) -> Self {
        self.mail = Some(mail);
        self
    }

    /// How long event bodies are kept; 30 days by default.
    #[must_use]
    pub fn keep_bodies(mut self, span: Duration) -> Self {
        self.keep_bodies = Some(span);
        self
    }

    /// Do not list complete sessions at start and every ten minutes: for tests that count requests.
    #[must_use]
    pub fn without_looking(mut self) -> Self {
        self.no_looks = true;
        self
    }

    /// Called at each commit: for tests that stop the process there.
    #[must_use]
    pub fn tripwire(mut self, tripwire: Tripwire) -> Self {
        self.tripwire = Some(tripwire);
        self
    }

    /// Checks the settings and opens the database.
    ///
    /// # Errors
    /// [`OpenError`] says what to change.
    pub async fn open(self) -> Result<Fulfill, OpenError> {
        let location = self.database.ok_or(OpenError::NoDatabase)?;
        let mut stripe = self.stripe.ok_or(OpenError::NoStripe)?;
        let secrets = self.secrets.ok_or(OpenError::NoSecrets)?;
        let catalog = Catalog::new(self.products).map_err(OpenError::Catalog)?;
        let kinds = self.actions.kinds();
        let mut unknown: Vec<String> = catalog
            .products()
            .iter()
            .filter_map(|product| product.action.as_ref())
            .filter(|own| !kinds.contains(&own.kind.as_str()))
            .map(|own| own.kind.clone())
            .collect();
        unknown.sort();
        unknown.dedup();
        if !unknown.is_empty() {
            return Err(OpenError::Actions(unknown));
        }
        let clock = self.clock.unwrap_or_else(Clock::system);
        stripe.clock = clock.clone();
        let client = Client::new(stripe)?;
        let store =
            Store::open_with_tripwire(&location, client.livemode(), clock.clone(), self.tripwire)
                .await?;
        store.open_stock(&self.stock).await?;
        let mailing = self.mail.is_some();
        let policy = Policy {
            catalog,
            receipts: self.receipts,
            notices: mailing || self.mail_later.is_some(),
            merchant: self.mail.as_ref().map_or(self.mail_later == Some(true), Mail::has_merchant),
        };
        let mut actions = self.actions;
        let brand = Arc::new(with_zone(self.brand, self.mail.as_ref()));
        let links = Links::new(store.secret("links", fresh_secret()).await?.into());
        let daily = match self.mail {
            Some(mail) => mail
                .add_to(&mut actions, &store, &clock, &brand, &links)
                .map_err(OpenError::Mail)?,
            None => None,
        };
        let keep = self.keep_bodies.map(|span| Millis::try_from(span.as_millis()));
        let wake = Wake::default();
        Ok(Fulfill {
            door: Door::new(store.clone(), wake.clone(), clock.clone()),
            secrets,
            api_token: self.api_token,
            behind_proxy: self.behind_proxy,
            public_url: self.public_url,
            passwords: Passwords::default(),
            brand,
            mailing,
            links,
            parts: Parts {
                store,
                client,
                policy: Arc::new(policy),
                actions,
                daily,
                clock,
                wake,
                meters: Meters::default(),
                pulse: Pulse::default(),
                node: uuid::Uuid::now_v7().to_string(),
                keep_bodies: keep.transpose().ok().flatten().unwrap_or(30 * DAY),
                looks: !self.no_looks,
            },
        })
    }
}

/// Where nobody said where the shop is, it is where its day is summed up.
fn with_zone(mut brand: Brand, mail: Option<&Mail>) -> Brand {
    brand.time_zone = brand.time_zone.or_else(|| mail.and_then(Mail::time_zone).cloned());
    brand
}

/// 256 bits of chance, in hex.
fn fresh_secret() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An opened installation: serve its [`router`](Fulfill::router), run its [`engine`](Fulfill::engine).
#[derive(Clone)]
pub struct Fulfill {
    parts: Parts,
    door: Door,
    secrets: Secrets,
    api_token: Option<SecretString>,
    behind_proxy: bool,
    public_url: Option<String>,
    passwords: Passwords,
    brand: Arc<Brand>,
    mailing: bool,
    links: Links,
}

impl std::fmt::Debug for Fulfill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fulfill").field("store", &self.parts.store).finish_non_exhaustive()
    }
}

impl Fulfill {
    /// Begins with nothing set.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// With whose midnight the days of reports begin.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.brand.zone()
    }

    /// Webhook, landing page, dashboard, API, health and metrics.
    pub fn router(&self) -> axum::Router {
        web::router(Web {
            store: self.parts.store.clone(),
            door: self.door.clone(),
            wake: self.parts.wake.clone(),
            meters: self.parts.meters.clone(),
            pulse: self.parts.pulse.clone(),
            clock: self.parts.clock.clone(),
            secrets: self.secrets.clone(),
            api_token: self.api_token.clone(),
            behind_proxy: self.behind_proxy,
            public_url: self.public_url.clone(),
            policy: Arc::clone(&self.parts.policy),
            passwords: self.passwords.clone(),
            brand: Arc::clone(&self.brand),
            mailing: self.mailing,
            links: self.links.clone(),
        })
    }

    /// A one-time link to the dashboard, from the router's root: whoever opens it within a day chooses
    /// a name and a password, or a new password for a name that is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn sign_in_link(&self) -> Result<String, StoreError> {
        let token = Token::new("");
        self.parts.store.invite(&token.digest(), None).await?;
        Ok(format!("/dashboard/setup?token={}", token.show()))
    }

    /// Lets somebody sign in to the dashboard.
    ///
    /// # Errors
    /// [`PersonMistake`] says what to change.
    pub async fn add_person(&self, name: &str, password: &str) -> Result<(), PersonMistake> {
        sign_in::add_person(&self.parts.store, &self.passwords, name, password).await
    }

    /// What fulfills. Each call gives another one; a process needs one.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine::new(self.parts.clone())
    }

    /// The one door to fulfillment.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// What is remembered.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.parts.store
    }

    /// What the shop wants.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.parts.policy
    }

    /// Talks to Stripe.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.parts.client
    }

    /// What is counted.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.parts.meters
    }

    /// Whether this replica is fit to work.
    #[must_use]
    pub fn pulse(&self) -> &Pulse {
        &self.parts.pulse
    }
}
