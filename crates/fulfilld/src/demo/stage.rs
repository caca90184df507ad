//! Sandbox, service and shop in one process, wired as a merchant would wire them: over HTTP, with a
//! registered webhook endpoint (Checkout waits for its answers, as it waits for nobody else's).

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use fulfill::{
    Brand, Fulfill,
    actions::mail::{Mail, Server},
    clock::Clock,
    store::{Location, Store},
    stripe::{API_VERSION, Client, ClientSettings, Secrets},
};
use fulfill_sandbox::{Sandbox, StartError};
use secrecy::ExposeSecret as _;

use super::{
    frame::Frame,
    goods::{self, POOL},
    mailbox::Mailbox,
    shop::Shop,
};
use crate::{
    at_work::{self, AtWork},
    config,
    endpoint::EVENTS,
    serve::Service,
    server,
};

/// The bearer token of the demo's API: nothing here is worth hiding.
pub(crate) const TOKEN: &str = "token-of-the-demo";
/// Who may sign in to the demo's dashboard.
pub(crate) const PERSON: (&str, &str) = ("demo", "demo-password");
/// The key that the demo uses.
pub(crate) const KEY: &str = "sk_test_demo";
/// The database's file in the demo's folder.
const FILE: &str = "demo.sqlite3";

/// How the stage is set.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) port: u16,
    pub(crate) sandbox_port: u16,
    pub(crate) folder: PathBuf,
    /// How long a bank debit takes.
    pub(crate) settle: Duration,
    /// License keys in the pool.
    pub(crate) keys: usize,
    /// Shirts on the shelf.
    pub(crate) shirts: i64,
    /// Mail is sent, to the demo's own mailbox.
    pub(crate) mailing: bool,
}

/// Everything running.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) url: String,
    /// Settings for the other commands, beside the running demo.
    pub(crate) settings: PathBuf,
    pub(crate) database: PathBuf,
    pub(crate) links: BTreeMap<&'static str, String>,
    service: Service,
    _mailbox: Option<Mailbox>,
    _at_work: AtWork,
}

impl Stage {
    /// Starts everything, on a database that begins anew.
    pub(crate) async fn set(plan: Plan) -> anyhow::Result<Self> {
        let database = plan.folder.join(FILE);
        let location = Location::Sqlite(database.clone());
        config::make_folder(&plan.folder).map_err(|why| {
            anyhow::anyhow!(
                "the demo's folder {}: {why}; name another with --data",
                plan.folder.display()
            )
        })?;
        let at_work = at_work::begin(&location, "name another folder with --data")?;
        forget(&database)?;
        config::prepare(&location)?;
        let address = SocketAddr::from(([127, 0, 0, 1], plan.port));
        let listener = server::bind(address, "choose another with --port").await?;
        let port = listener.local_addr()?.port();
        let sandbox = sandbox(plan.sandbox_port, plan.settle).await?;
        let url = if plan.port == 0 {
            format!("http://127.0.0.1:{port}")
        } else {
            format!("http://localhost:{port}")
        };
        let frame = Frame::new(sandbox.url(), plan.mailing.then_some(PERSON));
        let shop = Shop::open(sandbox.url(), KEY, &url, &frame);
        let shop = shop.await.context("the shop cannot be set up")?;
        let links = shop.links.clone();
        let stripe = ClientSettings {
            api_base: sandbox.url().to_owned(),
            rate_per_second: 0,
            ..ClientSettings::new(KEY.into(), Clock::system())
        };
        let webhook = format!("http://127.0.0.1:{port}/webhook");
        let made =
            Client::new(stripe.clone())?.create_endpoint(&webhook, &EVENTS, API_VERSION).await?;
        let mut builder = Fulfill::builder()
            .database(location)
            .stripe(stripe)
            .webhook_secrets(Secrets::parse(made.secret.expose_secret())?)
            .products(goods::products()?)
            .opening_stock([("SHIRT".to_owned(), plan.shirts)].into())
            .brand(brand(&url)?)
            .public_url(&url)
            .api_token(TOKEN.into());
        let mut pages = shop.router();
        let mailbox = if plan.mailing { Some(Mailbox::open().await?) } else { None };
        if let Some(mailbox) = &mailbox {
            builder = builder.receipts(true).public_url(&url).mail(mail(mailbox, &url)?);
            pages = pages.merge(mailbox.router(&frame));
        }
        let fulfill = builder.open().await?;
        stock_keys(fulfill.store(), plan.keys).await?;
        if plan.mailing {
            fulfill.add_person(PERSON.0, PERSON.1).await?;
        }
        let settings = write_settings(&plan.folder, &database, sandbox.url())?;
        let service = Service::start(fulfill, listener, Some(pages));
        Ok(Self {
            sandbox,
            url,
            settings,
            database,
            links,
            service,
            _mailbox: mailbox,
            _at_work: at_work,
        })
    }

    /// Stops the service first: the sandbox is asked until the last moment.
    pub(crate) async fn strike(self) {
        self.service.stop(Duration::from_secs(5)).await;
        self.sandbox.shutdown().await;
    }
}

/// The demo's shop as its buyers see it.
fn brand(url: &str) -> anyhow::Result<Brand> {
    let logo = include_bytes!("pictures/logo.svg").to_vec();
    Ok(Brand::default()
        .name("Fern & Fable")?
        .logo(logo)?
        .color("#1c6b4a")?
        .url(url)?
        .support("help@example.com")?)
}

fn mail(mailbox: &Mailbox, public_url: &str) -> anyhow::Result<Mail> {
    let mail = Mail::new(Server::parse(&mailbox.url)?, "Fern & Fable <shop@example.com>")?;
    Ok(mail.merchant("you@example.com")?.public_url(public_url))
}

async fn sandbox(port: u16, settle: Duration) -> anyhow::Result<Sandbox> {
    match Sandbox::builder().port(port).settle(settle).start().await {
        Ok(sandbox) => Ok(sandbox),
        Err(StartError::Port { port, source })
            if source.kind() == std::io::ErrorKind::AddrInUse =>
        {
            bail!(
                "port {port} is taken: stop the program that listens there, or choose another with --sandbox-port"
            )
        }
        Err(error) => Err(error.into()),
    }
}

/// The sandbox remembers nothing from the last time, so neither may the service.
fn forget(database: &Path) -> anyhow::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut file = database.as_os_str().to_owned();
        file.push(end);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// So that `fulfilld --config … orders list` and the like work beside the running demo.
fn write_settings(folder: &Path, database: &Path, sandbox: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join("fulfilld.toml");
    let database = std::path::absolute(database)?;
    let text = toml::to_string(&BTreeMap::from([
        ("stripe_secret_key", KEY),
        ("stripe_api_base", sandbox),
        ("database_url", &format!("sqlite:{}", database.display())),
        ("api_token", TOKEN),
    ]))?;
    let text = format!("# Written by `fulfilld demo`, anew each time.\n{text}{}", goods::CATALOG);
    std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

async fn stock_keys(store: &Store, count: usize) -> anyhow::Result<()> {
    let keys: Vec<String> = (1..=count).map(|n| format!("EDITOR-{n:06}-DEMO")).collect();
    store.import_keys(POOL, &keys).await?;
    Ok(())
}
