//! A database of its own for each life, and questions to it past the service.

use std::{path::Path, time::Duration};

use fulfill::store::Location;
use rusqlite::OpenFlags;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// The URL of a fresh database; on PostgreSQL a schema is one, and costs a hundredth.
pub(crate) async fn create(kind: Kind, folder: &Path) -> String {
    match kind {
        Kind::Sqlite => format!("sqlite:{}", folder.join("life.db").display()),
        Kind::Postgres => {
            let name = format!("crash_{}", uuid::Uuid::now_v7().simple());
            administer(&format!("CREATE SCHEMA {name}")).await;
            format!("{}?options[search_path]={name}", cluster())
        }
    }
}

/// Nothing is left behind.
pub(crate) async fn discard(url: &str) {
    if let Some((_, name)) = url.split_once("=") {
        administer(&format!("DROP SCHEMA {name} CASCADE")).await;
    }
}

async fn administer(sql: &str) {
    let mut admin = PgConnection::connect(&cluster()).await.unwrap();
    admin.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    admin.close().await.unwrap();
}

/// Where the PostgreSQL of the tests is.
#[expect(clippy::disallowed_methods, reason = "xtask tells the tests where PostgreSQL is")]
fn cluster() -> String {
    std::env::var("FULFILLD_TEST_POSTGRES").expect(
        "crashes are tried on PostgreSQL, too, and FULFILLD_TEST_POSTGRES does not say where one is: use cargo xtask test",
    )
}

/// A connection beside the service's own.
pub(crate) enum Inside {
    Sqlite(rusqlite::Connection),
    Postgres(PgConnection),
}

impl Inside {
    pub(crate) async fn open(url: &str) -> Self {
        match Location::parse(url).unwrap() {
            Location::Sqlite(path) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let conn = rusqlite::Connection::open_with_flags(path, flags).unwrap();
                conn.busy_timeout(Duration::from_secs(10)).unwrap();
                Self::Sqlite(conn)
            }
            Location::Postgres(url) => Self::Postgres(PgConnection::connect(&url).await.unwrap()),
        }
    }

    /// The rows that a question has for an answer, each one text.
    pub(crate) async fn texts(&mut self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(conn) => {
                let mut statement = conn.prepare_cached(sql).unwrap();
                let rows = statement.query_map([], |row| row.get(0)).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Self::Postgres(conn) => {
                let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(conn).await;
                rows.unwrap().iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// The only number that a question has for an answer.
    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        let text = self.texts(&format!("SELECT CAST(({sql}) AS TEXT)")).await;
        text[0].parse().unwrap()
    }
}
