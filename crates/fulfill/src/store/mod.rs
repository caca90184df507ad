//! What this program remembers, and the only room with SQL. One text for SQLite and PostgreSQL.
//!
//! [`inbox`](Store::receive) takes what arrives, [`sort`](Store::sort_in) rings its sessions, [`work`](Store::claim) hands out sessions to look
//! at, [`record`](Store::record) writes what was decided, [`deliveries`](Store::claim_deliveries)
//! what has to leave the house, and `views` answer questions.

mod acts;
mod buyers;
mod charts;
mod db;
mod deliveries;
mod digest;
mod find;
mod inbox;
mod nodes;
mod orders;
mod people;
mod record;
mod reports;
mod secrets;
mod shelves;
mod sign_in;
mod sort;
mod summary;
mod supply;
mod todo;
mod views;
mod work;

use std::{path::PathBuf, sync::Arc};

use fulfill_rules::Millis;

pub(crate) use self::buyers::MAILS_AGAIN;
use self::db::{Db, Lane, vals};
pub use self::{
    acts::{Act, MAILS, NotNoted, NotResent},
    buyers::MailsAgain,
    charts::{DayView, SPANS, Spans},
    db::Tripwire,
    deliveries::{Job, JobKey},
    inbox::{Arrival, Received},
    nodes::Nodes,
    people::Imported,
    record::{Look, Looked, Recorded},
    reports::{Part, PartQuery, ReportedOrder},
    shelves::{MovementView, PoolView, ShelfView, StockChange},
    sign_in::{Accepted, ApiToken, Invitation, Made, Person},
    sort::Sorted,
    summary::{DaySummary, LowPool, LowShelf, Sold, StuckSummary, SummaryClaim},
    todo::{FEW_KEYS, Quarantined, ToDo, ToDoCounts, Troubled},
    views::{
        Counts, DeliveryView, EventView, GrantView, GrantsOf, OrderView, OrdersPage, OrdersQuery,
        SessionView, Told,
    },
    work::{Bell, Claim, Ringer},
};
use crate::clock::Clock;

/// Where everything is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL URL. May hold a password: never print it.
    Postgres(String),
}

/// What is wrong with a database URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a database URL starts with sqlite: (a file's path follows) or postgres://")]
pub struct NotADatabase;

impl Location {
    /// Reads `sqlite:PATH` or `postgres://…`.
    ///
    /// # Errors
    /// [`NotADatabase`] for anything else.
    pub fn parse(url: &str) -> Result<Self, NotADatabase> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let path = path.split('?').next().unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err(NotADatabase);
            }
            return Ok(Self::Sqlite(path.into()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        Err(NotADatabase)
    }
}

/// Something could not be remembered or recalled. The text is for the log, never for a stranger.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused, or could not be reached.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] sqlx::Error),
    /// The store was closed.
    #[error("the database is closed")]
    Closed,
    /// It cannot work like this.
    #[error("the database is not usable: {0}")]
    Unusable(String),
    /// A row does not say what it must.
    #[error("a row cannot be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Another transaction was in the way: the same one may well succeed now.
    pub(crate) fn is_contention(&self) -> bool {
        match self {
            Self::Postgres(sqlx::Error::Database(error)) => {
                matches!(error.code().as_deref(), Some("40P01" | "40001" | "55P03"))
            }
            _ => false,
        }
    }
}

/// Remembers everything of one mode (test or live), in one database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: Db,
    clock: Clock,
    livemode: bool,
    inbox: Arc<inbox::Inbox>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("livemode", &self.livemode).finish_non_exhaustive()
    }
}

/// Each migration, in order: for SQLite, for PostgreSQL. One that has landed never changes.
const MIGRATIONS: [[&str; 2]; 3] = [
    [include_str!("migrations/0001_first.sql"); 2],
    [
        include_str!("migrations/0002_sorted_in_later.sqlite.sql"),
        include_str!("migrations/0002_sorted_in_later.postgres.sql"),
    ],
    [
        include_str!("migrations/0003_people.sqlite.sql"),
        include_str!("migrations/0003_people.postgres.sql"),
    ],
];

impl Store {
    /// Opens the database, making or migrating it where needed; replicas may do so at once.
    ///
    /// # Errors
    /// When it cannot be opened, or is of a newer version than this program.
    pub async fn open(
        location: &Location,
        livemode: bool,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        Self::open_with_tripwire(location, livemode, clock, None).await
    }

    /// The same with a [`Tripwire`] at each commit, for tests that stop the process there.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with_tripwire(
        location: &Location,
        livemode: bool,
        clock: Clock,
        tripwire: Option<Tripwire>,
    ) -> Result<Self, StoreError> {
        let db = match location {
            Location::Sqlite(path) => Db::sqlite(path, tripwire)?,
            Location::Postgres(url) => Db::postgres(url, tripwire).await?,
        };
        let store = Self { db, clock, livemode, inbox: Arc::default() };
        store.migrate().await?;
        store.note_installation().await?;
        Ok(store)
    }

    /// The mode whose orders this store works on.
    #[must_use]
    pub fn livemode(&self) -> bool {
        self.livemode
    }

    /// Lets what is queued finish.
    pub async fn close(&self) {
        self.db.close().await;
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        self.db
            .write("migrate", Lane::Others, |tx| {
                Box::pin(async move {
                    if tx.dialect() == db::Dialect::Postgres {
                        // Any number will do, as long as all replicas take the same.
                        tx.execute("SELECT pg_advisory_xact_lock(424242)", vals![]).await?;
                        // That a table is there already would be told, and logged, at each start.
                        tx.script("SET LOCAL client_min_messages = warning").await?;
                    }
                    tx.script("CREATE TABLE IF NOT EXISTS migration (n BIGINT PRIMARY KEY)").await?;
                    let done: Vec<(i64,)> = tx.fetch("SELECT n FROM migration", vals![]).await?;
                    let newest = done.iter().map(|(n,)| *n).max().unwrap_or(0);
                    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
                    if newest > known {
                        return Err(StoreError::Unusable(format!(
                            "it has migration {newest}, this program knows {known}: use the newer program"
                        )));
                    }
                    for (at, [sqlite, postgres]) in (1_i64..).zip(MIGRATIONS) {
                        if at > newest {
                            let sql = match tx.dialect() {
                                db::Dialect::Sqlite => sqlite,
                                db::Dialect::Postgres => postgres,
                            };
                            tx.script(sql).await?;
                            tx.execute("INSERT INTO migration (n) VALUES ($1)", vals![at]).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }
}

/// Packs a body or a raw session for keeping.
fn pack(bytes: &[u8]) -> Vec<u8> {
    lz4_flex::compress_prepend_size(bytes)
}

/// The other way round.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    lz4_flex::decompress_size_prepended(packed).map_err(|e| StoreError::Corrupt(e.to_string()))
}
