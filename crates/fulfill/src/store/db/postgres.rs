//! PostgreSQL: a pool; many rows travel as one array a column.

use std::time::Duration;

use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, PgConnection, PgPool,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions},
};

use super::{Take, Value, value::Row};
use crate::store::StoreError;

/// Connections of one process.
const CONNECTIONS: u32 = 12;

/// How long a connection is waited for: a server that is just starting refuses at first.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn open(url: &str) -> Result<PgPool, StoreError> {
    open_within(url, PATIENCE).await
}

async fn open_within(url: &str, patience: Duration) -> Result<PgPool, StoreError> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.application_name("fulfilld").options([
        ("statement_timeout", "30s"),
        // Every statement finds its rows by an index. A plan made while a table was small would go on
        // reading all of it when it has grown.
        ("enable_seqscan", "off"),
        // Compiling a plan takes longer than any of our statements, and without scans a small table
        // without an index looks expensive enough for it.
        ("jit", "off"),
        ("idle_in_transaction_session_timeout", "30s"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(patience)
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await;
    match pool {
        // The pool keeps for itself what it tried again for; a connection without one says it.
        Err(sqlx::Error::PoolTimedOut) => {
            match tokio::time::timeout(patience, PgConnection::connect_with(&options)).await {
                Ok(Err(cause)) => Err(cause.into()),
                _ => Err(sqlx::Error::PoolTimedOut.into()),
            }
        }
        pool => Ok(pool?),
    }
}

fn encoding(error: sqlx::error::BoxDynError) -> StoreError {
    StoreError::Postgres(sqlx::Error::Encode(error))
}

fn arguments(values: Vec<Value>) -> Result<PgArguments, StoreError> {
    let mut args = PgArguments::default();
    for value in values {
        match value {
            Value::Text(v) => args.add(v),
            Value::Int(v) => args.add(v),
            Value::Bool(v) => args.add(v),
            Value::Bytes(v) => args.add(v.map(Vec::from)),
            Value::Texts(v) => args.add(v),
            Value::Ints(v) => args.add(v),
        }
        .map_err(encoding)?;
    }
    Ok(args)
}

pub(super) async fn fetch(
    conn: &mut PgConnection,
    sql: String,
    values: Vec<Value>,
    take: Take<'_>,
) -> Result<(), StoreError> {
    let rows = sqlx::query_with(AssertSqlSafe(sql), arguments(values)?).fetch_all(conn).await?;
    rows.iter().map(Row::Postgres).try_for_each(take)
}

pub(super) async fn execute(
    conn: &mut PgConnection,
    sql: String,
    values: Vec<Value>,
) -> Result<u64, StoreError> {
    let done = sqlx::query_with(AssertSqlSafe(sql), arguments(values)?).execute(conn).await?;
    Ok(done.rows_affected())
}

/// One statement for all rows: `{rows}` in `sql` becomes the arrays, unnested.
pub(super) async fn with_rows(
    conn: &mut PgConnection,
    sql: &str,
    rows: Vec<Vec<Value>>,
    take: Take<'_>,
) -> Result<(), StoreError> {
    let Some(first) = rows.first() else { return Ok(()) };
    let (types, args) = columns(first.len(), rows)?;
    let sql = sql.replace("{rows}", &format!("SELECT * FROM UNNEST({types})"));
    let rows = sqlx::query_with(AssertSqlSafe(sql), args).fetch_all(conn).await?;
    rows.iter().map(Row::Postgres).try_for_each(take)
}

/// Turns rows into one array a column.
fn columns(width: usize, rows: Vec<Vec<Value>>) -> Result<(String, PgArguments), StoreError> {
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
            Some(Value::Int(_)) => (
                "bigint",
                args.add(every(column, |v| match v {
                    Value::Int(v) => v,
                    _ => None,
                })),
            ),
            Some(Value::Bool(_)) => {
                ("boolean", args.add(every(column, |v| matches!(v, Value::Bool(true)))))
            }
            Some(Value::Bytes(_)) => (
                "bytea",
                args.add(every(column, |v| match v {
                    Value::Bytes(v) => v.map(Vec::from),
                    _ => None,
                })),
            ),
            _ => (
                "text",
                args.add(every(column, |v| match v {
                    Value::Text(v) => v,
                    _ => None,
                })),
            ),
        };
        added.map_err(encoding)?;
        if at > 0 {
            types.push(',');
        }
        types.push_str(&format!("${}::{name}[]", at + 1));
    }
    Ok((types, args))
}

fn every<T>(column: Vec<Value>, take: impl Fn(Value) -> T) -> Vec<T> {
    column.into_iter().map(take).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_refuses_is_told_as_that_and_not_as_a_pool_that_is_slow() {
        // Nobody listens there any more.
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        drop(taken);
        let url = format!("postgres://shop:hush@127.0.0.1:{port}/shop");
        let said = open_within(&url, Duration::from_millis(50)).await.unwrap_err().to_string();
        assert!(said.contains("refused") && !said.contains("pool"), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
}
