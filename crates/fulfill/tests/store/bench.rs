//! A fresh database for each story, a clock that only the story turns, and the few moves that
//! stories share.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use fulfill::{
    clock::Clock,
    store::{
        Arrival, Claim, Location, Look, Looked, OrderView, Recorded, Ringer, SessionView, Sorted,
        Store, Tripwire,
    },
};
use fulfill_rules::{
    Millis,
    fact::{Address, Customer, Fact, Line, Sale, Shipping},
    id::SessionKey,
    order::Policy,
    plan::{Catalog, Product},
};

/// Tells one story on both databases.
macro_rules! both {
    ($name:ident, $story:expr $(,)?) => {
        async fn $name(bench: $crate::Bench) {
            $crate::bench::tell(bench, $story).await;
        }

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::$name($crate::Bench::on_sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                super::$name($crate::Bench::on_postgres().await).await;
            }
        }
    };
}
pub(crate) use both;

/// A story that takes so long hangs; it fails instead of holding up all others.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a story and closes its store.
pub(crate) async fn tell(bench: Bench, story: impl AsyncFnOnce(&Bench)) {
    tokio::time::timeout(PATIENCE, story(&bench)).await.expect("the story hangs");
    bench.store.close().await;
}

/// Monday, 1 January 2024.
const START: Millis = 1_704_067_200_000;

const SHOP: &str = r#"
[[product]]
id = "course"
grant = { access = "course", days = 10, url = "https://example.com/course" }
[[product]]
id = "shirt"
stock = { sku = "SHIRT", oversell = "hold" }
parcel = {}
[[product]]
id = "poster"
stock = { sku = "POSTER", oversell = "backorder" }
[[product]]
id = "editor"
key = { pool = "editor" }
[[product]]
id = "team"
key = { pool = "editor", seats = true }
[[product]]
id = "handmade"
manual = true
[[product]]
id = "invite"
action = { kind = "invite", input = { room = "blue" } }
[[product]]
id = "ticket"
stock = { sku = "SEAT" }
grant = { access = "concert", days = 1 }
"#;

/// One database, one clock, one shop.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) location: Location,
    pub(crate) shop: Arc<Policy>,
    commits: Arc<Mutex<Vec<&'static str>>>,
    /// Keeps the folder for as long as the story lasts.
    _folder: Option<tempfile::TempDir>,
}

impl Bench {
    pub(crate) async fn on_sqlite() -> Self {
        let (location, folder) = fresh_file();
        Self::at(location, Some(folder)).await
    }

    pub(crate) async fn on_postgres() -> Self {
        Self::at(fresh_database().await, None).await
    }

    /// A database of the same kind that no store has opened yet.
    pub(crate) async fn untouched(&self) -> (Location, Option<tempfile::TempDir>) {
        match self.location {
            Location::Sqlite(_) => {
                let (location, folder) = fresh_file();
                (location, Some(folder))
            }
            Location::Postgres(_) => (fresh_database().await, None),
        }
    }

    async fn at(location: Location, folder: Option<tempfile::TempDir>) -> Self {
        let clock = Clock::manual(START);
        let commits = Arc::<Mutex<Vec<&'static str>>>::default();
        let seen = Arc::clone(&commits);
        let tripwire: Tripwire = Arc::new(move |name, after| {
            if after {
                seen.lock().unwrap().push(name);
            }
        });
        let store = Store::open_with_tripwire(&location, false, clock.clone(), Some(tripwire))
            .await
            .unwrap();
        let shop = Arc::new(policy(SHOP));
        Self { store, clock, location, shop, commits, _folder: folder }
    }

    /// A second handle on the same database, as another process has it.
    pub(crate) async fn another(&self) -> Store {
        Store::open(&self.location, false, self.clock.clone()).await.unwrap()
    }

    /// The handle of the live mode's service on the same database.
    pub(crate) async fn live(&self) -> Store {
        Store::open(&self.location, true, self.clock.clone()).await.unwrap()
    }

    pub(crate) fn advance(&self, by: Millis) {
        self.clock.advance(Duration::from_millis(by.unsigned_abs()));
    }

    /// Commits so far of transactions with this name.
    pub(crate) fn commits(&self, name: &str) -> usize {
        self.commits.lock().unwrap().iter().filter(|n| **n == name).count()
    }

    /// Changes or counts rows past the store, for what no question of the store shows.
    pub(crate) async fn sql(&self, sql: &str) -> i64 {
        match &self.location {
            Location::Sqlite(path) => {
                let conn = rusqlite::Connection::open(path).unwrap();
                conn.busy_timeout(Duration::from_secs(10)).unwrap();
                if sql.starts_with("SELECT") {
                    conn.query_row(sql, [], |row| row.get(0)).unwrap()
                } else {
                    i64::try_from(conn.execute(sql, []).unwrap()).unwrap()
                }
            }
            Location::Postgres(url) => {
                use sqlx::Connection as _;
                let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
                let sql = sqlx::AssertSqlSafe(sql.to_owned());
                let found = if sql.0.starts_with("SELECT") {
                    sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
                } else {
                    let done = sqlx::query(sql).execute(&mut conn).await.unwrap();
                    i64::try_from(done.rows_affected()).unwrap()
                };
                conn.close().await.unwrap();
                found
            }
        }
    }

    /// Receives an event and sorts it in; false when it came before.
    pub(crate) async fn receive(&self, event: &str, session: &str) -> bool {
        self.store.receive(arrival(event, session)).await.unwrap();
        self.sort_in().await.duplicates == 0
    }

    /// Sorts in all that was received.
    pub(crate) async fn sort_in(&self) -> Sorted {
        let mut all = Sorted::default();
        loop {
            let some = self.store.sort_in(100).await.unwrap();
            all.events += some.events;
            all.duplicates += some.duplicates;
            if some.events < 100 {
                return all;
            }
        }
    }

    pub(crate) async fn ring(&self, session: &str) {
        self.store.ring(&key(session), Ringer::Reconciler).await.unwrap();
    }

    /// Claims the only session that is due.
    pub(crate) async fn claim(&self) -> Claim {
        let mut claims = self.store.claim(10, 5).await.unwrap();
        assert_eq!(claims.len(), 1, "exactly one session is due: {claims:?}");
        claims.remove(0)
    }

    /// Writes one look, which must be writable and whose claim must still hold.
    pub(crate) async fn record(&self, look: Look) -> Recorded {
        let mut done = self.store.record(vec![look], &self.shop).await;
        assert_eq!(done.len(), 1, "the claim was lost");
        done.remove(0).unwrap()
    }

    /// Rings a session, claims it, and records what the look at it shows.
    pub(crate) async fn look(&self, session: &str, looked: Looked) -> Recorded {
        self.ring(session).await;
        let claim = self.claim().await;
        assert_eq!(claim.key, key(session));
        self.record(Look { claim, looked }).await
    }

    /// A paid sale, from the ring to the record.
    pub(crate) async fn pay(&self, session: &str, lines: &[(&str, i64)]) -> Recorded {
        self.look(session, found(Fact::Paid, sale(lines))).await
    }

    pub(crate) async fn session(&self, session: &str) -> SessionView {
        self.store.session_view(&key(session)).await.unwrap().expect("the session is known")
    }

    pub(crate) async fn order(&self, session: &str) -> OrderView {
        self.session(session).await.order.expect("there is an order")
    }
}

fn fresh_file() -> (Location, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Location::Sqlite(folder.path().join("store.db")), folder)
}

async fn fresh_database() -> Location {
    use sqlx::{Connection as _, Executor as _};
    let cluster = cluster();
    let name = format!("store_{}", uuid::Uuid::now_v7().simple());
    let mut admin = sqlx::PgConnection::connect(&cluster).await.unwrap();
    // Sorted as people's databases are, not by bytes; before version 15 as the cluster happens to be.
    let like_a_dictionary = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'";
    let create = |how: &str| sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} {how}"));
    if admin.execute(create(like_a_dictionary)).await.is_err() {
        admin.execute(create("")).await.unwrap();
    }
    admin.close().await.unwrap();
    let (server, _) = cluster.rsplit_once('/').unwrap();
    Location::Postgres(format!("{server}/{name}"))
}

/// Where the PostgreSQL of the tests is.
#[expect(clippy::disallowed_methods, reason = "xtask tells the tests where PostgreSQL is")]
fn cluster() -> String {
    std::env::var("FULFILLD_TEST_POSTGRES").expect(
        "the store is tested on PostgreSQL, too, and FULFILLD_TEST_POSTGRES does not say where one is: use cargo xtask test",
    )
}

pub(crate) fn policy(catalog: &str) -> Policy {
    #[derive(serde::Deserialize)]
    struct File {
        product: Vec<Product>,
    }
    let products = toml::from_str::<File>(catalog).unwrap().product;
    Policy { catalog: Catalog::new(products).unwrap(), receipts: true, ..Policy::default() }
}

pub(crate) fn key(session: &str) -> SessionKey {
    SessionKey::parse(session).unwrap()
}

/// An event that says a checkout was completed.
pub(crate) fn arrival(event: &str, session: &str) -> Arrival {
    Arrival {
        id: event.to_owned(),
        kind: "checkout.session.completed".to_owned(),
        account: String::new(),
        livemode: Some(session.starts_with("cs_live_")),
        created: Some(START / 1000),
        session: Some(session.to_owned()),
        quarantined: false,
        body: Bytes::from(format!("{{\"id\":\"{event}\"}}")),
    }
}

/// A sale of these products and quantities.
pub(crate) fn sale(lines: &[(&str, i64)]) -> Sale {
    Sale {
        payment_status: Some("paid".into()),
        amount_total: Some(1000),
        currency: Some("eur".into()),
        created: Some(START / 1000),
        client_reference_id: Some("ref-1".into()),
        customer: Customer {
            id: Some("cus_1".into()),
            email: Some("Ann@Example.com".into()),
            name: Some("Ann Smith".into()),
            ..Customer::default()
        },
        shipping: Some(Shipping { name: None, address: Address::default() }),
        lines: (0..)
            .zip(lines)
            .map(|(at, (product, quantity))| Line {
                id: format!("li_{at}"),
                product: Some((*product).to_owned()),
                quantity: *quantity,
                ..Line::default()
            })
            .collect(),
        ..Sale::default()
    }
}

pub(crate) fn found(fact: Fact, sale: Sale) -> Looked {
    Looked::Found { fact, sale: Box::new(sale), raw: b"{\"raw\":true}".to_vec(), notes: Vec::new() }
}

pub(crate) fn paid(lines: &[(&str, i64)]) -> Looked {
    found(Fact::Paid, sale(lines))
}
