//! The process that is stopped: the library with an action of its own, on a socket that it inherits
//! from whoever started it and under a clock that is turned from outside.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    io::Write as _,
    net::SocketAddr,
    os::fd::AsFd as _,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json,
    extract::{Path, State},
    routing::post,
};
use fulfill::{
    Fulfill,
    actions::{Action, Fault, Job, Receipt},
    clock::Clock,
    rules::plan::Product,
    store::{Location, Tripwire},
    stripe::{ClientSettings, Secrets},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::database::Inside;

/// Holds a [`Part`] in the process that is stopped, and nothing in the one that tests.
pub(crate) const VARIABLE: &str = "FULFILLD_CRASH_STORY";
pub(crate) const TOKEN: &str = "the-token-of-the-story";
/// Without a commit for so long, in real time, everybody waits for the clock.
const QUIET: Duration = Duration::from_millis(4);
const QUIET_ROUNDS_MAX: usize = 1_000;

/// What a process is told when it is started.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) database: String,
    pub(crate) api_base: String,
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) now: i64,
    pub(crate) crash: Option<Point>,
    /// Each commit's name is written here.
    pub(crate) trace: PathBuf,
    /// What the action does to the world outside: it writes its job's key here.
    pub(crate) ledger: PathBuf,
}

/// Where a process stops: right before or right after the n-th commit of this name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) nth: usize,
    pub(crate) after: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.after { "after" } else { "before" };
        write!(f, "{side} commit {} of {}", self.nth, self.name)
    }
}

/// How far a process is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) undone: i64,
    pub(crate) under_way: i64,
}

const CATALOG: &str = r#"
[[product]]
id = "prod_course"
grant = { access = "course", days = 365 }
[[product]]
id = "prod_shirt"
stock = { sku = "SHIRT", oversell = "hold" }
parcel = {}
[[product]]
id = "prod_editor"
key = { pool = "editor" }
[[product]]
id = "prod_seat"
action = { kind = "ledger", input = { page = "seats" } }
"#;

#[derive(Deserialize)]
struct Catalog {
    product: Vec<Product>,
}

/// The world outside: at least once, always under the same key.
struct Ledger(PathBuf);

#[derive(Deserialize)]
struct Input {
    page: String,
}

impl Action for Ledger {
    const KIND: &'static str = "ledger";
    type Input = Input;

    async fn run(&self, job: Job<Input>) -> Result<Receipt, Fault> {
        append(&self.0, &job.key);
        Ok(Receipt::said(format!("booked under {}", job.input.page)))
    }
}

fn append(path: &std::path::Path, line: &str) {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Not a test: what the tests start again as a process.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test tells its process what to do")]
fn process() {
    if let Ok(part) = std::env::var(VARIABLE) {
        let part = serde_json::from_str(&part).unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(serve(part));
    }
}

fn tripwire(part: &Part, committed: Arc<Notify>) -> Tripwire {
    let (crash, trace) = (part.crash.clone(), part.trace.clone());
    let passed = Mutex::new(HashMap::<&str, usize>::new());
    Arc::new(move |name, after| {
        let mut passed = passed.lock().unwrap();
        let nth = passed.entry(name).or_default();
        if after {
            committed.notify_waiters();
        } else {
            *nth += 1;
            append(&trace, name);
        }
        let here = |p: &Point| p.name == name && p.nth == *nth && p.after == after;
        if crash.as_ref().is_some_and(here) {
            std::process::abort();
        }
    })
}

struct Outside {
    clock: Clock,
    committed: Arc<Notify>,
    inside: tokio::sync::Mutex<Inside>,
}

async fn serve(part: Part) {
    let clock = Clock::manual(part.now);
    let committed = Arc::<Notify>::default();
    let mut stripe = ClientSettings::new(part.key.as_str().into(), clock.clone());
    stripe.api_base.clone_from(&part.api_base);
    stripe.rate_per_second = 0;
    let fulfill = Fulfill::builder()
        .database(Location::parse(&part.database).unwrap())
        .stripe(stripe)
        .webhook_secrets(Secrets::parse(&part.secret).unwrap())
        .products(toml::from_str::<Catalog>(CATALOG).unwrap().product)
        .opening_stock(BTreeMap::from([("SHIRT".to_owned(), 10)]))
        .api_token(TOKEN.into())
        .clock(clock.clone())
        .action(Ledger(part.ledger.clone()))
        .without_looking()
        .tripwire(tripwire(&part, Arc::clone(&committed)))
        .open()
        .await
        .unwrap();
    let inside = Inside::open(&part.database).await.into();
    let outside = Arc::new(Outside { clock, committed, inside });
    let app = fulfill
        .router()
        .merge(axum::Router::new().route("/turn/{to}", post(turn)).with_state(outside));
    tokio::spawn(fulfill.engine().run(CancellationToken::new()));
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
}

/// Turns the clock this far and answers when nobody commits any more.
async fn turn(State(outside): State<Arc<Outside>>, Path(to): Path<i64>) -> Json<Progress> {
    let by = u64::try_from(to - outside.clock.now()).unwrap_or(0);
    outside.clock.advance(Duration::from_millis(by));
    for _ in 0..QUIET_ROUNDS_MAX {
        if tokio::time::timeout(QUIET, outside.committed.notified()).await.is_err() {
            break;
        }
    }
    let now = outside.clock.now();
    let mut inside = outside.inside.lock().await;
    Json(Progress {
        undone: inside.number(&UNDONE.replace("NOW", &now.to_string())).await,
        under_way: inside.number(UNDER_WAY).await,
    })
}

const UNDONE: &str = "SELECT \
    (SELECT COUNT(*) FROM doorbell) \
    + (SELECT COUNT(*) FROM session WHERE lease_until IS NOT NULL OR due_at <= NOW) \
    + (SELECT COUNT(*) FROM delivery WHERE kind = 'ledger' AND status IN ('due', 'running')) \
    + (SELECT COUNT(*) FROM shelf WHERE releasing) + (SELECT COUNT(*) FROM key_pool WHERE releasing)";
const UNDER_WAY: &str = "SELECT (SELECT COUNT(*) FROM session WHERE lease_until IS NOT NULL) \
    + (SELECT COUNT(*) FROM delivery WHERE status = 'running')";
