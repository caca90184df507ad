//! Two databases, one way to talk to them: an enum of native connections, one SQL text with `$n`.
//! The few differences stand side by side in [`Dialect`].

use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, Connection as _, FromRow, PgConnection, PgPool, Postgres,
    SqliteConnection, SqlitePool, Transaction,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::StoreError;

/// One bound value. Text is freed of NUL, which PostgreSQL cannot store.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(bool),
    Bytes(Option<bytes::Bytes>),
    /// For `{in $n}`.
    List(Vec<String>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        let clean = if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
        Self::Text(Some(clean))
    }
}
impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.clone())
    }
}
impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Text(None), Self::from)
    }
}
impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::from(text.as_deref())
    }
}
impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Text(None), Self::from)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}
impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}
impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}
impl From<bytes::Bytes> for Value {
    fn from(bytes: bytes::Bytes) -> Self {
        Self::Bytes(Some(bytes))
    }
}
impl From<Vec<String>> for Value {
    fn from(list: Vec<String>) -> Self {
        Self::List(list)
    }
}

/// Writes `[a.into(), b.into()]` as values.
macro_rules! vals {
    ($($v:expr),* $(,)?) => { vec![$($crate::store::db::Value::from($v)),*] };
}
pub(super) use vals;

/// Where the two databases differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Fills in `{in $n}`, `{lock}`, `{skip}`, `{blob}` and `{compact}`.
    pub(super) fn write(self, sql: &str) -> String {
        let words: [(&str, &str, &str); 4] = [
            ("{lock}", "", "FOR UPDATE"),
            ("{skip}", "", "FOR UPDATE SKIP LOCKED"),
            ("{blob}", "BLOB", "BYTEA"),
            ("{compact}", "WITHOUT ROWID", ""),
        ];
        let mut out = sql.to_owned();
        for (mark, sqlite, postgres) in words {
            if out.contains(mark) {
                out = out.replace(mark, if self == Self::Sqlite { sqlite } else { postgres });
            }
        }
        while let Some(start) = out.find("{in $") {
            let Some(len) = out[start..].find('}') else { break };
            let n = out[start + 5..start + len].to_owned();
            let list = match self {
                Self::Sqlite => format!("IN (SELECT value FROM json_each(${n}))"),
                Self::Postgres => format!("= ANY(${n})"),
            };
            out.replace_range(start..=start + len, &list);
        }
        out
    }
}

/// A row type both databases can decode.
pub(super) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Row for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// The database. SQLite has one writing connection; PostgreSQL a pool.
#[derive(Debug, Clone)]
pub(super) enum Db {
    Sqlite { read: SqlitePool, write: Arc<Mutex<Writer>>, turn: Arc<Mutex<()>> },
    Postgres(PgPool),
}

/// SQLite's only writing connection.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) conn: SqliteConnection,
    /// A transaction was begun and neither committed nor rolled back: its owner was dropped.
    open: bool,
}

impl Writer {
    pub(super) fn new(conn: SqliteConnection) -> Self {
        Self { conn, open: false }
    }
}

/// Who writes. On SQLite arrivals take the writer directly, everybody else queues for one turn
/// first: so an arrival waits for at most one other transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Arrivals,
    Others,
}

/// A transaction. Dropped without [`Tx::commit`] it is rolled back.
pub(super) enum Tx {
    Sqlite { writer: OwnedMutexGuard<Writer>, _turn: Option<OwnedMutexGuard<()>> },
    Postgres(Transaction<'static, Postgres>),
}

/// Rows of one SQLite insert: a few sizes only, so that few statements are kept prepared.
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

impl Db {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(super) async fn begin(&self, lane: Lane) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite { write, turn, .. } => {
                let _turn = match lane {
                    Lane::Arrivals => None,
                    Lane::Others => Some(Arc::clone(turn).lock_owned().await),
                };
                let mut writer = Arc::clone(write).lock_owned().await;
                if writer.open {
                    sqlx::query("ROLLBACK").execute(&mut writer.conn).await.ok();
                }
                sqlx::query("BEGIN IMMEDIATE").execute(&mut writer.conn).await?;
                writer.open = true;
                Ok(Tx::Sqlite { writer, _turn })
            }
            Self::Postgres(pool) => Ok(Tx::Postgres(pool.begin().await?)),
        }
    }

    /// Reads outside a transaction.
    pub(super) async fn fetch<T: Row>(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        let sql = AssertSqlSafe(self.dialect().write(sql));
        Ok(match self {
            Self::Sqlite { read, .. } => {
                sqlx::query_as_with(sql, sqlite_args(values)?).fetch_all(read).await?
            }
            Self::Postgres(pool) => {
                sqlx::query_as_with(sql, postgres_args(values)?).fetch_all(pool).await?
            }
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                read.close().await;
                let mut writer = write.lock().await;
                if writer.open {
                    sqlx::query("ROLLBACK").execute(&mut writer.conn).await.ok();
                    writer.open = false;
                }
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut writer.conn).await.ok();
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(super) async fn fetch<T: Row>(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        let sql = self.dialect().write(sql);
        self.fetch_written(sql, values).await
    }

    async fn fetch_written<T: Row>(
        &mut self,
        sql: String,
        values: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        let sql = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite { writer, .. } => {
                sqlx::query_as_with(sql, sqlite_args(values)?).fetch_all(&mut writer.conn).await?
            }
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                sqlx::query_as_with(sql, postgres_args(values)?).fetch_all(conn).await?
            }
        })
    }

    pub(super) async fn execute(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let sql = self.dialect().write(sql);
        self.execute_written(sql, values).await
    }

    async fn execute_written(
        &mut self,
        sql: String,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let sql = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite { writer, .. } => {
                let done = sqlx::query_with(sql, sqlite_args(values)?).execute(&mut writer.conn);
                done.await?.rows_affected()
            }
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                let done = sqlx::query_with(sql, postgres_args(values)?).execute(conn);
                done.await?.rows_affected()
            }
        })
    }

    /// Several statements without values, as migrations are.
    pub(super) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let sql = AssertSqlSafe(self.dialect().write(sql));
        match self {
            Self::Sqlite { writer, .. } => {
                sqlx::raw_sql(sql).execute(&mut writer.conn).await?;
            }
            Self::Postgres(tx) => {
                let conn: &mut PgConnection = tx;
                sqlx::raw_sql(sql).execute(conn).await?;
            }
        }
        Ok(())
    }

    /// Inserts many rows: `head` is `table (columns)`, `tail` what follows the values. PostgreSQL
    /// takes them as one array a column, SQLite as a few prepared sizes of `VALUES`.
    pub(super) async fn insert(
        &mut self,
        head: &str,
        rows: Vec<Vec<Value>>,
        tail: &str,
    ) -> Result<(), StoreError> {
        for (sql, values) in self.inserts(head, rows, tail)? {
            match values {
                Bound::Rows(values) => {
                    self.execute_written(sql, values).await?;
                }
                Bound::Columns(args) => {
                    if let Self::Postgres(tx) = self {
                        let conn: &mut PgConnection = tx;
                        sqlx::query_with(AssertSqlSafe(sql), args).execute(conn).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The same, with the rows of `RETURNING`.
    pub(super) async fn insert_returning<T: Row>(
        &mut self,
        head: &str,
        rows: Vec<Vec<Value>>,
        tail: &str,
    ) -> Result<Vec<T>, StoreError> {
        let mut back = Vec::new();
        for (sql, values) in self.inserts(head, rows, tail)? {
            match values {
                Bound::Rows(values) => back.extend(self.fetch_written(sql, values).await?),
                Bound::Columns(args) => {
                    if let Self::Postgres(tx) = self {
                        let conn: &mut PgConnection = tx;
                        back.extend(
                            sqlx::query_as_with(AssertSqlSafe(sql), args).fetch_all(conn).await?,
                        );
                    }
                }
            }
        }
        Ok(back)
    }

    fn inserts(
        &self,
        head: &str,
        rows: Vec<Vec<Value>>,
        tail: &str,
    ) -> Result<Vec<(String, Bound)>, StoreError> {
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let width = first.len();
        if self.dialect() == Dialect::Postgres {
            let (types, args) = columns(rows, width)?;
            let sql = format!("INSERT INTO {head} SELECT * FROM UNNEST({types}) {tail}");
            return Ok(vec![(sql, Bound::Columns(args))]);
        }
        let mut statements = Vec::new();
        let mut left = rows.into_iter();
        while left.len() > 0 {
            let size = CHUNKS.into_iter().find(|size| *size <= left.len()).unwrap_or(1);
            let values: Vec<Value> = left.by_ref().take(size).flatten().collect();
            let mut sql = format!("INSERT INTO {head} VALUES ");
            for row in 0..size {
                sql.push_str(if row == 0 { "(" } else { ",(" });
                for column in 0..width {
                    sql.push_str(if column == 0 { "$" } else { ",$" });
                    sql.push_str(&(row * width + column + 1).to_string());
                }
                sql.push(')');
            }
            sql.push(' ');
            sql.push_str(tail);
            statements.push((sql, Bound::Rows(values)));
        }
        Ok(statements)
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite { mut writer, .. } => {
                sqlx::query("COMMIT").execute(&mut writer.conn).await?;
                writer.open = false;
            }
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(super) async fn rollback(self) {
        match self {
            Self::Sqlite { mut writer, .. } => {
                sqlx::query("ROLLBACK").execute(&mut writer.conn).await.ok();
                writer.open = false;
            }
            Self::Postgres(tx) => {
                tx.rollback().await.ok();
            }
        }
    }
}

enum Bound {
    Rows(Vec<Value>),
    Columns(PgArguments),
}

fn encoding(error: sqlx::error::BoxDynError) -> StoreError {
    StoreError::Database(sqlx::Error::Encode(error))
}

fn sqlite_args(values: Vec<Value>) -> Result<SqliteArguments, StoreError> {
    use sqlx::Arguments as _;
    let mut args = SqliteArguments::default();
    for value in values {
        match value {
            Value::Text(v) => args.add(v),
            Value::Int(v) => args.add(v),
            Value::Bool(v) => args.add(v),
            Value::Bytes(v) => args.add(v.map(Vec::from)),
            Value::List(v) => {
                let list = serde_json::to_string(&v).map_err(|e| encoding(e.into()))?;
                args.add(list)
            }
        }
        .map_err(encoding)?;
    }
    Ok(args)
}

fn postgres_args(values: Vec<Value>) -> Result<PgArguments, StoreError> {
    use sqlx::Arguments as _;
    let mut args = PgArguments::default();
    for value in values {
        match value {
            Value::Text(v) => args.add(v),
            Value::Int(v) => args.add(v),
            Value::Bool(v) => args.add(v),
            Value::Bytes(v) => args.add(v.map(Vec::from)),
            Value::List(v) => args.add(v),
        }
        .map_err(encoding)?;
    }
    Ok(args)
}

/// Turns rows into one array a column.
fn columns(rows: Vec<Vec<Value>>, width: usize) -> Result<(String, PgArguments), StoreError> {
    use sqlx::Arguments as _;
    let count = rows.len();
    let mut turned: Vec<Vec<Value>> = (0..width).map(|_| Vec::with_capacity(count)).collect();
    for row in rows {
        for (column, value) in turned.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let mut types = String::new();
    let mut args = PgArguments::default();
    for (at, column) in turned.into_iter().enumerate() {
        let (name, added) = match column.first() {
            Some(Value::Int(_)) => {
                let all: Vec<Option<i64>> = column
                    .into_iter()
                    .map(|v| if let Value::Int(v) = v { v } else { None })
                    .collect();
                ("bigint", args.add(all))
            }
            Some(Value::Bool(_)) => {
                let all: Vec<bool> =
                    column.into_iter().map(|v| matches!(v, Value::Bool(true))).collect();
                ("boolean", args.add(all))
            }
            Some(Value::Bytes(_)) => {
                let all: Vec<Option<Vec<u8>>> = column
                    .into_iter()
                    .map(|v| if let Value::Bytes(v) = v { v.map(Vec::from) } else { None })
                    .collect();
                ("bytea", args.add(all))
            }
            _ => {
                let all: Vec<Option<String>> = column
                    .into_iter()
                    .map(|v| if let Value::Text(v) = v { v } else { None })
                    .collect();
                ("text", args.add(all))
            }
        };
        added.map_err(encoding)?;
        if at > 0 {
            types.push(',');
        }
        types.push_str(&format!("${}::{name}[]", at + 1));
    }
    Ok((types, args))
}

/// Opens SQLite: the file, a reading pool and the one writing connection.
pub(super) async fn open_sqlite(url: &str) -> Result<Db, StoreError> {
    use sqlx::sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    };
    let options: SqliteConnectOptions = url.parse::<SqliteConnectOptions>()?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(std::time::Duration::from_secs(10))
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864");
    let write = SqliteConnection::connect_with(&options).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_lazy_with(options.pragma("query_only", "on"));
    Ok(Db::Sqlite {
        read,
        write: Arc::new(Mutex::new(Writer::new(write))),
        turn: Arc::default(),
    })
}

/// Opens PostgreSQL.
pub(super) async fn open_postgres(url: &str) -> Result<Db, StoreError> {
    use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new()
        .max_connections(12)
        .acquire_timeout(std::time::Duration::from_secs(10))
        .connect_with(options.application_name("fulfilld"))
        .await?;
    Ok(Db::Postgres(pool))
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
            "SELECT a FROM t WHERE b IN (SELECT value FROM json_each($12)) AND c IN (SELECT value FROM json_each($2))"
        );
    }
}
