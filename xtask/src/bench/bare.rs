//! What the database alone can do: the rows of one order, one transaction each, nothing around it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, TransactionBehavior, params};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{program::Database, sale::SessionId};
use crate::postgres::Cluster;

const CLIENTS: u64 = 20;

const EVENT: &str = "INSERT INTO event (id, livemode, session_id, type, received_at, body) \
                     VALUES ($1, FALSE, $2, 'checkout.session.completed', $3, $4)";
const SESSION: &str =
    "INSERT INTO session (id, due_at, rung, attempt) VALUES ($1, NULL, 1, 1) RETURNING seq";
const ORDER: &str = "INSERT INTO orders (session, status, first_seen_at, email, sale) \
                     VALUES ($1, 'fulfilled', $2, $3, $4)";
const SHELF: &str = "UPDATE shelf SET on_hand = on_hand - 2 WHERE sku = $1";
const EFFECTS: &str = "INSERT INTO effect (session, line, kind, status, subject, value) VALUES \
     ($1, 'li_1ShirtA1B2C3D4E5F6G7H8I9J0K1L2', 'stock', 'done', 'SHIRT-0001', NULL), \
     ($1, 'li_1CourseA1B2C3D4E5F6G7H8I9J0K1L', 'grant', 'done', 'course-0001', 'https://example.com/course/0001')";
const DELIVERY: &str = "INSERT INTO delivery (session, kind, status, input) \
                        VALUES ($1, 'mail.receipt', 'due', $2)";
const TIMELINE: &str = "INSERT INTO timeline (session, n, at, what) VALUES \
     ($1, 1, $2, 'Stripe told of the payment'), ($1, 2, $2, 'two lines are paid'), \
     ($1, 3, $2, 'fulfilled: 2 of SHIRT-0001, access to course-0001')";

/// Whole orders a second, each in its own durable transaction: one connection on SQLite, twenty
/// clients on PostgreSQL. `pairs` stock rows are written to in turn.
pub(crate) fn orders_per_second(
    database: Database<'_>,
    pairs: usize,
    time: Duration,
) -> Result<f64> {
    let pairs = u64::try_from(pairs)?;
    let (count, took) = match database {
        Database::Sqlite => sqlite(pairs, time)?,
        Database::Postgres(cluster) => {
            let url = create_database(&cluster.url())?;
            let result = runtime()?.block_on(postgres(&url, pairs, time));
            drop_database(&url)?;
            result?
        }
    };
    let count = count as f64;
    Ok(count / took.as_secs_f64())
}

/// What one order's rows hold besides numbers.
struct Texts {
    body: Vec<u8>,
    sale: String,
    input: String,
}

impl Texts {
    fn new() -> Self {
        let session = include_str!("templates/session.json");
        Self {
            body: include_bytes!("templates/event.json")[..2000].to_vec(),
            sale: session.chars().take(3000).collect(),
            input: session.chars().take(300).collect(),
        }
    }
}

fn sqlite(pairs: u64, time: Duration) -> Result<(u64, Duration)> {
    let folder = tempfile::Builder::new().prefix("fulfilld-bare-").tempdir()?;
    let mut db = Connection::open(folder.path().join("bare.db"))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    let schema = include_str!("templates/bare.sql")
        .replace("{serial}", "INTEGER PRIMARY KEY")
        .replace("{blob}", "BLOB");
    db.execute_batch(&schema)?;
    for sku in 0..pairs {
        db.execute("INSERT INTO shelf VALUES ($1, 1000000000)", [i64::try_from(sku)?])?;
    }
    let texts = Texts::new();
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < time {
        let id = SessionId::numbered(count).id();
        let (event, email) =
            (format!("evt_1{}", &id[10..33]), format!("{}@example.com", &id[40..52]));
        let at = i64::try_from(count)?;
        let sku = i64::try_from(count % pairs)?;
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.prepare_cached(EVENT)?.execute(params![event, id, at, texts.body])?;
        let seq: i64 = tx.prepare_cached(SESSION)?.query_row([&id], |row| row.get(0))?;
        tx.prepare_cached(ORDER)?.execute(params![seq, at, email, texts.sale])?;
        tx.prepare_cached(SHELF)?.execute([sku])?;
        tx.prepare_cached(EFFECTS)?.execute([seq])?;
        tx.prepare_cached(DELIVERY)?.execute(params![seq, texts.input])?;
        tx.prepare_cached(TIMELINE)?.execute([seq, at])?;
        tx.commit()?;
        count += 1;
    }
    Ok((count, begun.elapsed()))
}

async fn postgres(url: &str, pairs: u64, time: Duration) -> Result<(u64, Duration)> {
    let mut db = PgConnection::connect(url).await?;
    let schema = include_str!("templates/bare.sql")
        .replace("{serial}", "BIGSERIAL PRIMARY KEY")
        .replace("{blob}", "BYTEA");
    db.execute(AssertSqlSafe(schema)).await?;
    sqlx::query("INSERT INTO shelf SELECT n, 1000000000 FROM generate_series(0, $1 - 1) AS n")
        .bind(i64::try_from(pairs)?)
        .execute(&mut db)
        .await?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(PgConnection::connect(url).await?);
    }
    let begun = Instant::now();
    let clients = clients
        .into_iter()
        .zip(0..)
        .map(|(db, client)| tokio::spawn(postgres_client(db, client, pairs, begun + time)));
    let mut count = 0;
    for client in clients.collect::<Vec<_>>() {
        count += client.await??;
    }
    Ok((count, begun.elapsed()))
}

async fn postgres_client(
    mut db: PgConnection,
    client: u64,
    pairs: u64,
    end: Instant,
) -> Result<u64> {
    let texts = Texts::new();
    let mut count = 0;
    while Instant::now() < end {
        let number = count * CLIENTS + client;
        let id = SessionId::numbered(number).id();
        let (event, email) =
            (format!("evt_1{}", &id[10..33]), format!("{}@example.com", &id[40..52]));
        let at = i64::try_from(number)?;
        let sku = i64::try_from(number % pairs)?;
        let mut tx = db.begin().await?;
        let event = sqlx::query(EVENT).bind(&event).bind(&id).bind(at).bind(&texts.body);
        event.execute(&mut *tx).await?;
        let seq: i64 = sqlx::query_scalar(SESSION).bind(&id).fetch_one(&mut *tx).await?;
        let order = sqlx::query(ORDER).bind(seq).bind(at).bind(&email).bind(&texts.sale);
        order.execute(&mut *tx).await?;
        sqlx::query(EFFECTS).bind(seq).execute(&mut *tx).await?;
        sqlx::query(DELIVERY).bind(seq).bind(&texts.input).execute(&mut *tx).await?;
        sqlx::query(TIMELINE).bind(seq).bind(at).execute(&mut *tx).await?;
        // Last, so that the hot row is locked for as short as can be.
        sqlx::query(SHELF).bind(sku).execute(&mut *tx).await?;
        tx.commit().await?;
        count += 1;
    }
    Ok(count)
}

/// An empty database of its own in the cluster; its URL.
pub(crate) fn create_database(cluster: &str) -> Result<String> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let name = format!("bench_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    administer(cluster, format!("CREATE DATABASE {name}"))?;
    let (server, _) = cluster.rsplit_once('/').context("the cluster's URL names no database")?;
    Ok(format!("{server}/{name}"))
}

/// Drops what [`create_database`] made.
pub(crate) fn drop_database(url: &str) -> Result<()> {
    let (server, name) = url.rsplit_once('/').context("the URL names no database")?;
    administer(&format!("{server}/postgres"), format!("DROP DATABASE {name} WITH (FORCE)"))
}

fn administer(url: &str, statement: String) -> Result<()> {
    runtime()?.block_on(async {
        let mut db = PgConnection::connect(url).await?;
        db.execute(AssertSqlSafe(statement)).await?;
        Ok(db.close().await?)
    })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A durable cluster, as in production.
pub(crate) fn cluster() -> Result<Cluster> {
    Cluster::start(true).context("PostgreSQL for the bench")
}
