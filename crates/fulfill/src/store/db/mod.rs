//! Two databases, one way to talk to them: one SQL text with `$n`, whole transactions as closures.
//! The few differences in the SQL stand side by side in [`Dialect`].

mod postgres;
mod sqlite;
mod value;

use std::{any::Any, path::Path, sync::Arc};

use futures_util::future::BoxFuture;
use rusqlite::Connection;
use sqlx::{PgConnection, PgPool, Postgres, Transaction, pool::PoolConnection};

use self::value::Row;
pub(super) use self::value::{FromRow, Value, rows, vals};
use super::StoreError;

/// Where the two databases differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// Mark, SQLite, PostgreSQL.
const WORDS: [(&str, &str, &str); 10] = [
    ("{lock}", "", "FOR UPDATE"),
    ("{skip}", "", "FOR UPDATE SKIP LOCKED"),
    // By bytes, as Rust sorts: rows are locked in the order of their names, the same by whom ever.
    ("{text}", "TEXT", "TEXT COLLATE \"C\""),
    ("{blob}", "BLOB", "BYTEA"),
    ("{serial}", "INTEGER PRIMARY KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    ("{number_key}", "INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"),
    ("{compact}", "WITHOUT ROWID", ""),
    ("{place of}", "instr", "strpos"),
    ("{array}", "json_array", "json_build_array"),
    ("{list}", "json_group_array", "json_agg"),
];

impl Dialect {
    /// Fills in the marks and `{in $n}`.
    pub(super) fn write(self, sql: &str) -> String {
        // To SQLite `$n` is a name, numbered where it first stands; `?n` is the n-th value.
        let mut out = if self == Self::Sqlite { sql.replace('$', "?") } else { sql.to_owned() };
        if !out.contains('{') {
            return out;
        }
        for (mark, sqlite, postgres) in WORDS {
            if out.contains(mark) {
                out = out.replace(mark, if self == Self::Sqlite { sqlite } else { postgres });
            }
        }
        let place = if self == Self::Sqlite { '?' } else { '$' };
        while let Some(start) = out.find(&format!("{{in {place}")) {
            let Some(len) = out[start..].find('}') else { break };
            let n = out[start + 5..start + len].to_owned();
            let list = match self {
                Self::Sqlite => format!("IN (SELECT value FROM json_each(?{n}))"),
                Self::Postgres => format!("= ANY(${n})"),
            };
            out.replace_range(start..=start + len, &list);
        }
        out
    }
}

/// Who writes. On SQLite arrivals go first. On PostgreSQL their transaction is the one statement that it
/// consists of: it saves the journeys of begin and commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Arrivals,
    Others,
}

/// Called right before (`false`) and right after (`true`) each commit, with the transaction's name:
/// where tests stop the process.
pub type Tripwire = Arc<dyn Fn(&'static str, bool) + Send + Sync>;

/// The database.
#[derive(Clone)]
pub(super) struct Db {
    kind: Kind,
    tripwire: Option<Tripwire>,
}

#[derive(Clone)]
enum Kind {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(PgPool),
}

/// A transaction, inside its closure.
pub(super) enum Tx {
    Sqlite(Connection),
    Postgres(Pg),
}

/// What a transaction's body returns, its type forgotten: so there is one way through the databases for
/// all bodies, and not a copy of it for each.
type Anything = Box<dyn Any + Send>;
type Body =
    Box<dyn for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<Anything, StoreError>> + Send + Sync>;
type BodyOnce =
    Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Anything, StoreError>> + Send>;

fn remember<T: 'static>(value: Anything) -> Result<T, StoreError> {
    let value = value.downcast().map_err(|_| StoreError::Unusable("a body's result".into()))?;
    Ok(*value)
}

/// A connection to PostgreSQL.
pub(super) enum Pg {
    Begun(Transaction<'static, Postgres>),
    /// Each statement is a transaction.
    Alone(PoolConnection<Postgres>),
}

impl std::ops::Deref for Pg {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        match self {
            Self::Begun(tx) => tx,
            Self::Alone(conn) => conn,
        }
    }
}

impl std::ops::DerefMut for Pg {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Begun(tx) => tx,
            Self::Alone(conn) => conn,
        }
    }
}

/// Takes row after row.
type Take<'f> = &'f mut (dyn FnMut(Row<'_>) -> Result<(), StoreError> + Send);

/// How often a transaction that PostgreSQL refused for another's sake is tried.
const TRIES: u32 = 8;

impl Db {
    pub(super) fn sqlite(path: &Path, tripwire: Option<Tripwire>) -> Result<Self, StoreError> {
        Ok(Self { kind: Kind::Sqlite(Arc::new(sqlite::Sqlite::open(path)?)), tripwire })
    }

    pub(super) async fn postgres(
        url: &str,
        tripwire: Option<Tripwire>,
    ) -> Result<Self, StoreError> {
        Ok(Self { kind: Kind::Postgres(postgres::open(url).await?), tripwire })
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self.kind {
            Kind::Sqlite(_) => Dialect::Sqlite,
            Kind::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs one writing transaction. The body may run again (deadlocks and serialization errors are
    /// tried anew), and on SQLite it must not wait for anything but the transaction.
    pub(super) async fn write<T, F>(
        &self,
        name: &'static str,
        lane: Lane,
        body: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync + 'static,
    {
        let body: Body = Box::new(move |tx| {
            let value = body(tx);
            Box::pin(async move { Ok(Box::new(value.await?) as Anything) })
        });
        remember(self.write_any(name, lane, body).await?)
    }

    async fn write_any(
        &self,
        name: &'static str,
        lane: Lane,
        body: Body,
    ) -> Result<Anything, StoreError> {
        match &self.kind {
            Kind::Sqlite(sqlite) => {
                let (done, result) = tokio::sync::oneshot::channel();
                let db = self.clone();
                sqlite.send(
                    lane,
                    Box::new(move |conn| {
                        let trip = |after| db.trip(name, after);
                        done.send(sqlite::transact(conn, true, Box::new(body), &trip)).ok();
                    }),
                )?;
                result.await.map_err(|_| StoreError::Closed)?
            }
            Kind::Postgres(pool) => {
                let mut tries = 0;
                loop {
                    tries += 1;
                    match self.attempt(pool, name, lane, &body).await {
                        Err(error) if error.is_contention() && tries < TRIES => {
                            tracing::debug!(name, tries, %error, "trying the transaction again");
                        }
                        result => return result,
                    }
                }
            }
        }
    }

    fn trip(&self, name: &'static str, after: bool) {
        if let Some(trip) = &self.tripwire {
            trip(name, after);
        }
    }

    /// The database's own time, where several machines share one.
    pub(super) async fn now(&self) -> Result<Option<i64>, StoreError> {
        match &self.kind {
            Kind::Sqlite(_) => Ok(None),
            Kind::Postgres(pool) => {
                let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT";
                Ok(Some(sqlx::query_scalar(sql).fetch_one(pool).await?))
            }
        }
    }

    async fn attempt(
        &self,
        pool: &PgPool,
        name: &'static str,
        lane: Lane,
        body: &Body,
    ) -> Result<Anything, StoreError> {
        if lane == Lane::Arrivals {
            let mut tx = Tx::Postgres(Pg::Alone(pool.acquire().await?));
            self.trip(name, false);
            let value = body(&mut tx).await?;
            self.trip(name, true);
            return Ok(value);
        }
        let mut tx = Tx::Postgres(Pg::Begun(pool.begin().await?));
        let value = body(&mut tx).await?;
        self.trip(name, false);
        if let Tx::Postgres(Pg::Begun(tx)) = tx {
            tx.commit().await?;
        }
        self.trip(name, true);
        Ok(value)
    }

    /// Reads by one statement, which sees one state by itself: on PostgreSQL it is the only journey.
    pub(super) async fn first<T: FromRow + 'static>(
        &self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Option<T>, StoreError> {
        let sql = sql.into();
        if let Kind::Postgres(pool) = &self.kind {
            let mut tx = Tx::Postgres(Pg::Alone(pool.acquire().await?));
            return tx.first(&sql, values).await;
        }
        self.read(move |tx| Box::pin(async move { tx.first(&sql, values).await })).await
    }

    /// Runs one reading transaction: all of it sees one state.
    pub(super) async fn read<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let body: BodyOnce = Box::new(move |tx| {
            let value = body(tx);
            Box::pin(async move { Ok(Box::new(value.await?) as Anything) })
        });
        remember(self.read_any(body).await?)
    }

    async fn read_any(&self, body: BodyOnce) -> Result<Anything, StoreError> {
        match &self.kind {
            Kind::Sqlite(sqlite) => sqlite.read(body).await,
            Kind::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                let mut tx = Tx::Postgres(Pg::Begun(pool.begin_with(begin).await?));
                body(&mut tx).await
            }
        }
    }

    /// Lets queued transactions finish.
    pub(super) async fn close(&self) {
        match &self.kind {
            Kind::Sqlite(sqlite) => sqlite.close().await,
            Kind::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(super) async fn fetch<T: FromRow>(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each(sql, values, &mut |row| {
            found.push(T::of(row)?);
            Ok(())
        })
        .await?;
        Ok(found)
    }

    async fn each(
        &mut self,
        sql: &str,
        values: Vec<Value>,
        take: Take<'_>,
    ) -> Result<(), StoreError> {
        let sql = self.dialect().write(sql);
        match self {
            Self::Sqlite(conn) => sqlite::fetch(conn, &sql, &values, take),
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                postgres::fetch(conn, sql, values, take).await
            }
        }
    }

    /// The first row, where there is one.
    pub(super) async fn first<T: FromRow>(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    pub(super) async fn execute(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let sql = self.dialect().write(sql);
        match self {
            Self::Sqlite(conn) => sqlite::execute(conn, &sql, &values),
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                postgres::execute(conn, sql, values).await
            }
        }
    }

    /// Several statements without values, as migrations are.
    pub(super) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let sql = self.dialect().write(sql);
        match self {
            Self::Sqlite(conn) => conn.execute_batch(&sql)?,
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await?;
            }
        }
        Ok(())
    }

    /// Runs `sql` for many rows. `{rows}` stands where the values come from: PostgreSQL takes all of
    /// them in one statement, SQLite (where a statement costs no journey) one by one.
    pub(super) async fn for_rows<T: FromRow>(
        &mut self,
        sql: &str,
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each_of_rows(sql, rows, &mut |row| {
            found.push(T::of(row)?);
            Ok(())
        })
        .await?;
        Ok(found)
    }

    async fn each_of_rows(
        &mut self,
        sql: &str,
        rows: Vec<Vec<Value>>,
        take: Take<'_>,
    ) -> Result<(), StoreError> {
        let sql = self.dialect().write(sql);
        match self {
            Self::Sqlite(conn) => {
                let width = rows.first().map_or(0, Vec::len);
                let marks: Vec<String> = (1..=width).map(|n| format!("?{n}")).collect();
                let sql = sql.replace("{rows}", &format!("VALUES ({})", marks.join(",")));
                for row in rows {
                    sqlite::fetch(conn, &sql, &row, take)?;
                }
                Ok(())
            }
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                postgres::with_rows(conn, &sql, rows, take).await
            }
        }
    }

    /// Updates many rows, each found by the `keys` its values begin with.
    pub(super) async fn update(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: Vec<Vec<Value>>,
    ) -> Result<(), StoreError> {
        let named = |columns: &[&str], join: &str, write: &dyn Fn(usize, &str) -> String| {
            let all: Vec<String> = columns.iter().enumerate().map(|(n, c)| write(n, c)).collect();
            all.join(join)
        };
        match self {
            Self::Sqlite(conn) => {
                let sets = named(columns, ", ", &|n, c| format!("{c} = ?{}", keys.len() + n + 1));
                let wheres = named(keys, " AND ", &|n, c| format!("{c} = ?{}", n + 1));
                let sql = format!("UPDATE {table} SET {sets} WHERE {wheres}");
                for row in rows {
                    sqlite::execute(conn, &sql, &row)?;
                }
            }
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                let sets = named(columns, ", ", &|_, c| format!("{c} = v.{c}"));
                let wheres = named(keys, " AND ", &|_, c| format!("t.{c} = v.{c}"));
                let names = [keys, columns].concat().join(", ");
                let sql = format!(
                    "UPDATE {table} AS t SET {sets} FROM ({{rows}}) AS v({names}) WHERE {wheres}"
                );
                postgres::with_rows(conn, &sql, rows, &mut |_| Ok(())).await?;
            }
        }
        Ok(())
    }

    /// Inserts numbered rows (`seq`) that have a name (`id`, at `name_at` among the values) and tells
    /// number and name of those that are new. SQLite tells the number by itself: its RETURNING sets up
    /// a table of its own each time, which costs more than the insert.
    pub(super) async fn insert_named(
        &mut self,
        head: &str,
        rows: Vec<Vec<Value>>,
        tail: &str,
        name_at: usize,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let Self::Sqlite(conn) = self else {
            let sql = format!("INSERT INTO {head} {{rows}} {tail} RETURNING seq, id");
            return self.for_rows(&sql, rows).await;
        };
        let sql = sqlite::insert(head, &rows, tail);
        let mut new = Vec::with_capacity(rows.len());
        for mut row in rows {
            if sqlite::execute(conn, &sql, &row)? > 0
                && let Value::Text(Some(name)) = row.swap_remove(name_at)
            {
                new.push((conn.last_insert_rowid(), name));
            }
        }
        Ok(new)
    }

    /// Inserts rows whose last column is a number, and tells the numbers of those that are new.
    pub(super) async fn insert_new(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<i64>, StoreError> {
        let head = format!("{table} ({})", columns.join(", "));
        let tail = "ON CONFLICT DO NOTHING";
        let Self::Sqlite(conn) = self else {
            let number = columns.last().copied().unwrap_or_default();
            let sql = format!("INSERT INTO {head} {{rows}} {tail} RETURNING {number}");
            let new: Vec<(i64,)> = self.for_rows(&sql, rows).await?;
            return Ok(new.into_iter().map(|(number,)| number).collect());
        };
        let sql = sqlite::insert(&head, &rows, tail);
        let mut new = Vec::with_capacity(rows.len());
        for row in rows {
            if sqlite::execute(conn, &sql, &row)? > 0
                && let Some(Value::Int(Some(number))) = row.last()
            {
                new.push(*number);
            }
        }
        Ok(new)
    }

    /// Appends numbered rows to `head`, and their numbers to `queue` (`table (column)`); on PostgreSQL
    /// in one statement.
    pub(super) async fn append(
        &mut self,
        head: &str,
        queue: &str,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), StoreError> {
        let Self::Sqlite(conn) = self else {
            let sql = format!(
                "WITH new AS (INSERT INTO {head} {{rows}} RETURNING seq) \
                 INSERT INTO {queue} SELECT seq FROM new"
            );
            self.for_rows::<()>(&sql, rows).await?;
            return Ok(());
        };
        let sql = sqlite::insert(head, &rows, "");
        let queue = format!("INSERT INTO {queue} VALUES (?1)");
        for row in rows {
            sqlite::execute(conn, &sql, &row)?;
            sqlite::execute(conn, &queue, &[Value::from(conn.last_insert_rowid())])?;
        }
        Ok(())
    }

    /// Inserts many rows: `head` is `table (columns)`, `tail` what follows the values.
    pub(super) async fn insert(
        &mut self,
        head: &str,
        rows: Vec<Vec<Value>>,
        tail: &str,
    ) -> Result<(), StoreError> {
        self.for_rows::<()>(&format!("INSERT INTO {head} {{rows}} {tail}"), rows).await?;
        Ok(())
    }
}

impl FromRow for () {
    fn sqlite(_: &rusqlite::Row<'_>) -> Result<Self, StoreError> {
        Ok(())
    }
    fn postgres(_: &sqlx::postgres::PgRow) -> Result<Self, StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn the_differences_are_filled_in() {
        let sql = "SELECT a FROM t WHERE b {in $12} AND c {in $2} {skip}";
        assert_eq!(
            Dialect::Postgres.write(sql),
            "SELECT a FROM t WHERE b = ANY($12) AND c = ANY($2) FOR UPDATE SKIP LOCKED"
        );
        assert_eq!(
            Dialect::Sqlite.write(sql).trim_end(),
            "SELECT a FROM t WHERE b IN (SELECT value FROM json_each(?12)) AND c IN (SELECT value FROM json_each(?2))"
        );
    }
}
