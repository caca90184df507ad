//! `serve`: the service. Listens before anything slow, stops without leaving anything half done.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::Context as _;
use fulfill::{Fulfill, clock::Stopwatch};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    at_work,
    cli::ServeArgs,
    config::{self, Environment, Need, Settings},
    installation::{opened, shown},
    server::{self, Server},
    sign_in, signals,
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
    let heard = fulfill.store().has_received().await.unwrap_or(true);
    let mut service = Service::start(fulfill.clone(), listener, None);
    announce(&settings, address, heard);
    if let Err(error) = sign_in::greet(&fulfill, &settings, address).await {
        tracing::warn!(%error, "no link to the dashboard can be made");
    }
    let _mail = try_mail(&settings);
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
        .brand(settings.brand.clone())
        .behind_proxy(settings.behind_proxy);
    if let Some(url) = &settings.public_url {
        builder = builder.public_url(url);
    }
    if let Some(token) = &settings.api_token {
        builder = builder.api_token(token.clone());
    }
    Ok(settings.mail.add_to(builder).open().await?)
}

/// A few lines for whoever started it: where, what, and what is still missing.
fn announce(settings: &Settings, address: std::net::SocketAddr, heard: bool) {
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
    if let Some(mail) = &settings.mail.sender {
        tracing::info!("mail goes out through {}", mail.server());
    }
    for missing in missing(settings, heard) {
        tracing::warn!("{missing}");
    }
}

/// What is not set up yet, and what that means.
fn missing(settings: &Settings, heard: bool) -> Vec<String> {
    let mut missing = Vec::new();
    let mut add = |text: &str| missing.push(text.to_owned());
    if settings.products.is_empty() {
        let file = settings.file.as_ref().map(|file| file.display().to_string());
        let file = file.unwrap_or_else(|| "fulfilld.toml".to_owned());
        add(&format!(
            "the catalog is empty: only products whose metadata at Stripe says what they owe go out \
             (fulfilld_grant, fulfilld_key, …: docs/setting-up.md), every other line waits for a \
             person; add [[product]] to {file}"
        ));
    }
    if settings.public_url.is_none() {
        add("FULFILLD_PUBLIC_URL is not set: nobody outside this machine can be told where it is \
             (the webhook endpoint, the landing page, links in mails)");
    }
    if !heard {
        let url = settings.public_url.as_deref().unwrap_or("https://YOUR-ADDRESS");
        add(&format!(
            "Stripe has delivered nothing yet: `fulfilld endpoint create --url {url}/webhook` makes the \
             endpoint; until events come, payments are found by looking every 10 minutes"
        ));
    }
    if settings.api_token.is_none() {
        add("FULFILLD_API_TOKEN is not set: only tokens made in the dashboard open the API");
    }
    if settings.mail.sender.is_some() {
        settings.mail.missing.iter().for_each(|text| add(text));
    } else if settings.mail.receipts {
        add(
            "FULFILLD_SMTP is not set: mail waits until it is; until then keys and links are on the \
             landing page only ([mail] receipt = false queues no mail at all)",
        );
    } else {
        add(
            "FULFILLD_SMTP is not set, and [mail] receipt = false: no mail is written, not even of keys \
             and links, nor later about the orders of this time",
        );
    }
    missing
}

/// Says soon whether the mail server lets us in, and not only when somebody has bought.
fn try_mail(settings: &Settings) -> Option<AbortOnDropHandle<()>> {
    let mail = settings.mail.sender.clone()?;
    Some(AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(why) = mail.check().await {
            tracing::warn!("mail waits: {why}; `fulfilld mail test ADDRESS` tries it again");
        }
    })))
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
