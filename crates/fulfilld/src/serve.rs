//! `serve`: the service. Listens before anything slow, stops without leaving anything half done.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::Context as _;
use fulfill::{Fulfill, clock::Stopwatch};
use tokio_util::sync::CancellationToken;

use crate::{
    at_work,
    cli::ServeArgs,
    config::{self, Environment, Need, Settings},
    installation::{opened, shown},
    server::{self, Server},
    signals,
};

/// What the engine keeps of the grace when connections take all they can.
const ENGINE_PART: u32 = 4;
/// Closing the database.
const CLOSING: Duration = Duration::from_secs(5);

/// Runs until a signal.
pub(crate) async fn run(config: Option<&Path>, args: ServeArgs) -> anyhow::Result<ExitCode> {
    let settings = config::load(config, &Environment::read(), Need::Service)?;
    let asked = signals::listen()?;
    let listener = server::bind(settings.listen, "set FULFILLD_LISTEN to another").await?;
    let address = listener.local_addr()?;
    config::prepare(&settings.database).with_context(|| opened(&settings.database))?;
    let _at_work = at_work::begin(&settings.database, "move to PostgreSQL, which takes several")?;
    let fulfill = open(&settings).await.with_context(|| opened(&settings.database))?;
    let mut service = Service::start(fulfill, listener, None);
    announce(&settings, address);
    let broken = tokio::select! {
        () = asked.cancelled() => false,
        () = service.broken() => true,
    };
    if broken {
        tracing::error!(
            "the engine ended by itself: this is a fault of fulfilld; stopping, so that it is started again"
        );
    } else {
        tracing::info!("stopping: what is under way is finished; a second signal ends at once");
    }
    service.stop(Duration::from_secs(args.grace)).await;
    tracing::info!("stopped");
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn open(settings: &Settings) -> anyhow::Result<Fulfill> {
    let secrets = settings.secrets.clone().context("no webhook secret")?;
    let mut builder = Fulfill::builder()
        .database(settings.database.clone())
        .stripe(settings.stripe.clone())
        .webhook_secrets(secrets)
        .products(settings.products.clone())
        .opening_stock(settings.stock.clone())
        .receipts(settings.mail.receipts)
        .behind_proxy(settings.behind_proxy);
    if let Some(token) = &settings.api_token {
        builder = builder.api_token(token.clone());
    }
    if let Some(mail) = &settings.mail.sender {
        builder = builder.mail(mail.clone());
    }
    Ok(builder.open().await?)
}

/// A few lines for whoever started it: where, what, and what is still missing.
fn announce(settings: &Settings, address: std::net::SocketAddr) {
    let mode = if settings.livemode { "live" } else { "test" };
    let (database, products) = (shown(&settings.database), settings.products.len());
    tracing::info!("listening on http://{address}, {mode} mode, {database}, {products} products");
    if let Some(url) = &settings.public_url {
        tracing::info!(
            "webhook endpoint {url}/webhook, landing page {url}/success?session_id={{CHECKOUT_SESSION_ID}}"
        );
    }
    let base = settings.stripe.api_base.trim_end_matches('/');
    if base != fulfill::stripe::API_BASE {
        tracing::warn!("not Stripe, but {base} is asked (STRIPE_API_BASE)");
    }
    if products == 0 {
        let file = settings
            .file
            .as_ref()
            .map_or("fulfilld.toml".into(), |file| file.display().to_string());
        tracing::warn!(
            "the catalog is empty: every order will wait for a person; add [[product]] to {file}"
        );
    }
    if settings.api_token.is_none() {
        tracing::warn!("FULFILLD_API_TOKEN is not set: the API refuses everybody");
    }
    if let Some(mail) = &settings.mail.sender {
        tracing::info!("mail goes out through {}", mail.server());
        for missing in &settings.mail.missing {
            tracing::warn!("{missing}");
        }
    } else if settings.mail.receipts {
        tracing::warn!(
            "FULFILLD_SMTP is not set: mail waits until it is ([mail] receipt = false queues none)"
        );
    }
}

/// A service that listens and works.
#[derive(Debug)]
pub(crate) struct Service {
    fulfill: Fulfill,
    server: Server,
    stop: CancellationToken,
    /// None when it has ended by itself.
    engine: Option<tokio::task::JoinHandle<()>>,
}

impl Service {
    /// Listens first, then works. What `before` has a route for never reaches the service.
    pub(crate) fn start(
        fulfill: Fulfill,
        listener: tokio::net::TcpListener,
        before: Option<axum::Router>,
    ) -> Self {
        let router = match before {
            Some(before) => before.fallback_service(fulfill.router()),
            None => fulfill.router(),
        };
        let server = Server::start(listener, router);
        let stop = CancellationToken::new();
        let engine = Some(tokio::spawn(fulfill.engine().run(stop.clone())));
        Self { fulfill, server, stop, engine }
    }

    /// Waits for what must not happen: a service that takes webhooks and fulfills nothing.
    async fn broken(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.await.ok();
            self.engine = None;
        }
    }

    /// Stops within `grace`: requests first (a landing page may wait for the engine), then the
    /// engine, then the database. What is not finished then is taken up at the next start.
    pub(crate) async fn stop(self, grace: Duration) {
        let watch = Stopwatch::start();
        self.fulfill.pulse().stop();
        if !self.server.stop(grace - grace / ENGINE_PART).await {
            tracing::warn!("some requests took too long and are cut off");
        }
        self.stop.cancel();
        let rest = grace.saturating_sub(watch.elapsed());
        if let Some(mut engine) = self.engine
            && tokio::time::timeout(rest, &mut engine).await.is_err()
        {
            engine.abort();
            tracing::warn!("some work was not finished in time; it is taken up at the next start");
        }
        if tokio::time::timeout(CLOSING, self.fulfill.store().close()).await.is_err() {
            tracing::warn!("the database took too long to close");
        }
    }
}
