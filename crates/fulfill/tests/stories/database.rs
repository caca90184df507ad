//! A database of one's own for each story, and questions to it that nobody else answers.

use std::{sync::Mutex, time::Duration};

use fulfill::store::Location;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Where the story's service keeps everything, with a second connection to look inside.
pub(crate) struct Database {
    pub(crate) location: Location,
    inside: Inside,
}

enum Inside {
    Sqlite { conn: Mutex<rusqlite::Connection>, _folder: tempfile::TempDir },
    Postgres(tokio::sync::Mutex<PgConnection>),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("story.db");
        let conn = rusqlite::Connection::open(&path).unwrap();
        conn.busy_timeout(Duration::from_secs(10)).unwrap();
        let inside = Inside::Sqlite { conn: Mutex::new(conn), _folder: folder };
        Self { location: Location::Sqlite(path), inside }
    }

    pub(crate) async fn postgres() -> Self {
        let cluster = cluster();
        let name = format!("story_{}", uuid::Uuid::now_v7().simple());
        let mut admin = PgConnection::connect(&cluster).await.unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        admin.close().await.unwrap();
        let (server, _) = cluster.rsplit_once('/').unwrap();
        let url = format!("{server}/{name}");
        let conn = PgConnection::connect(&url).await.unwrap();
        Self { location: Location::Postgres(url), inside: Inside::Postgres(conn.into()) }
    }

    /// Ends it: a hundred databases would fill the disk.
    pub(crate) async fn close(&self) {
        if let Location::Postgres(url) = &self.location {
            let (_, name) = url.rsplit_once('/').unwrap();
            let mut admin = PgConnection::connect(&cluster()).await.unwrap();
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            admin.execute(AssertSqlSafe(drop)).await.unwrap();
            admin.close().await.unwrap();
        }
    }

    /// The only number that a question has for an answer.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        match &self.inside {
            Inside::Sqlite { conn, .. } => {
                conn.lock().unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
            }
            Inside::Postgres(conn) => {
                let mut conn = conn.lock().await;
                sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
                    .fetch_one(&mut *conn)
                    .await
                    .unwrap()
            }
        }
    }

    /// Does something to the database behind the service's back.
    pub(crate) async fn run(&self, sql: &str) {
        match &self.inside {
            Inside::Sqlite { conn, .. } => conn.lock().unwrap().execute_batch(sql).unwrap(),
            Inside::Postgres(conn) => {
                let mut conn = conn.lock().await;
                conn.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
            }
        }
    }
}

/// Where the PostgreSQL of the tests is.
#[expect(clippy::disallowed_methods, reason = "xtask tells the tests where PostgreSQL is")]
fn cluster() -> String {
    std::env::var("FULFILLD_TEST_POSTGRES").expect(
        "the stories are told on PostgreSQL, too, and FULFILLD_TEST_POSTGRES does not say where one is: use cargo xtask test",
    )
}
