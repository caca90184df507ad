//! An installation opened for one command: the same settings as `serve`, usually beside it.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, anyhow};
use fulfill::{Fulfill, rules::id::SessionKey, store::Location, stripe::Secrets};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, StatusCode, body::Bytes};
use tower::ServiceExt as _;

use crate::config::{self, Environment, Need, Settings};

/// Nobody can reach the API of an installation that does not listen.
const TOKEN: &str = "this-process";
/// The largest answer of the API: a hundred orders of a hundred lines.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// Closing waits no longer for what is queued.
const CLOSING: Duration = Duration::from_secs(5);

/// An opened installation that does not listen.
pub(crate) struct Installation {
    pub(crate) fulfill: Fulfill,
    pub(crate) settings: Settings,
}

impl Installation {
    /// Opens it by the settings.
    pub(crate) async fn open(config: Option<&Path>) -> anyhow::Result<Self> {
        let settings = config::load(config, &Environment::read(), Need::Store)?;
        config::prepare(&settings.database).with_context(|| made(&settings.database))?;
        let builder = Fulfill::builder()
            .database(settings.database.clone())
            .stripe(settings.stripe.clone())
            // Nothing is received here, so nothing is signed.
            .webhook_secrets(Secrets::parse("whsec_unused")?)
            .products(settings.products.clone())
            // Days are the shop's.
            .brand(settings.brand.clone())
            // Before anybody adds to it: opening stock is taken once.
            .opening_stock(settings.stock.clone())
            .api_token(TOKEN.into())
            .without_looking();
        let fulfill = settings
            .mail
            .add_to(builder)
            .open()
            .await
            .with_context(|| opened(&settings.database))?;
        Ok(Self { fulfill, settings })
    }

    /// What the API answers to `GET path`.
    pub(crate) async fn api(&self, path: &str) -> anyhow::Result<(StatusCode, String)> {
        let request = Request::get(path)
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(Empty::<Bytes>::new())?;
        let answer =
            self.fulfill.router().oneshot(request).await.map_err(|never| match never {})?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow!("{path}: {error}"))?.to_bytes();
        Ok((status, String::from_utf8(body.into())?))
    }

    /// Reads a session id, which has to be of the key's mode.
    pub(crate) fn key(&self, id: &str) -> anyhow::Result<SessionKey> {
        let key = SessionKey::parse(id).map_err(|why| anyhow!("{id}: {why}"))?;
        if key.livemode != self.settings.livemode {
            let (its, ours) = if key.livemode { ("live", "test") } else { ("test", "live") };
            return Err(anyhow!(
                "{id} is a {its} session, and STRIPE_SECRET_KEY is a {ours} key: use the {its} key"
            ));
        }
        Ok(key)
    }

    /// Lets what is queued finish.
    pub(crate) async fn close(&self) {
        tokio::time::timeout(CLOSING, self.fulfill.store().close()).await.ok();
    }
}

/// How to call a database in an error: a URL may hold a password.
pub(crate) fn shown(database: &Location) -> String {
    match database {
        Location::Sqlite(path) => format!("SQLite, {}", path.display()),
        Location::Postgres(url) => {
            let at = reqwest::Url::parse(url).ok();
            let host = at.as_ref().and_then(|url| url.host_str()).unwrap_or("(several hosts)");
            let name = at.as_ref().map_or("", |url| url.path().trim_start_matches('/'));
            format!("PostgreSQL, {name} at {host}")
        }
    }
}

fn made(database: &Location) -> String {
    format!("the database ({}) cannot be made", shown(database))
}

/// What to say when a database cannot be used.
pub(crate) fn opened(database: &Location) -> String {
    format!("the database ({}) cannot be used", shown(database))
}
