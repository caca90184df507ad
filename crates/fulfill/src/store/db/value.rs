//! What goes into a statement and what comes out of it, the same for both databases.

use rusqlite::types::{ToSqlOutput, ValueRef};
use sqlx::{Row as _, postgres::PgRow};

use crate::store::StoreError;

/// One bound value. Text is freed of NUL, which PostgreSQL cannot store.
#[derive(Debug, Clone)]
pub(in crate::store) enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(bool),
    Bytes(Option<bytes::Bytes>),
    /// For `{in $n}`.
    Texts(Vec<String>),
    /// For `{in $n}`.
    Ints(Vec<i64>),
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
impl From<Option<bytes::Bytes>> for Value {
    fn from(bytes: Option<bytes::Bytes>) -> Self {
        Self::Bytes(bytes)
    }
}
impl From<Vec<String>> for Value {
    fn from(list: Vec<String>) -> Self {
        Self::Texts(list)
    }
}
impl From<Vec<i64>> for Value {
    fn from(list: Vec<i64>) -> Self {
        Self::Ints(list)
    }
}

/// Writes `vals![a, b]` as values.
macro_rules! vals {
    ($($v:expr),* $(,)?) => { vec![$($crate::store::db::Value::from($v)),*] };
}
pub(in crate::store) use vals;

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        fn list<T: serde::Serialize>(list: &[T]) -> rusqlite::Result<ToSqlOutput<'_>> {
            let json = serde_json::to_string(list)
                .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
            Ok(ToSqlOutput::from(json))
        }
        Ok(match self {
            Self::Text(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Int(Some(number)) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Bool(yes) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*yes))),
            Self::Bytes(Some(bytes)) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Text(None) | Self::Int(None) | Self::Bytes(None) => {
                ToSqlOutput::Borrowed(ValueRef::Null)
            }
            Self::Texts(texts) => return list(texts),
            Self::Ints(ints) => return list(ints),
        })
    }
}

/// A row of either database.
pub(in crate::store) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r PgRow),
}

/// What can be read from a row of either database, by position.
pub(in crate::store) trait FromRow: Sized + Send {
    fn of(row: Row<'_>) -> Result<Self, StoreError> {
        match row {
            Row::Sqlite(row) => Self::sqlite(row),
            Row::Postgres(row) => Self::postgres(row),
        }
    }
    fn sqlite(row: &rusqlite::Row<'_>) -> Result<Self, StoreError>;
    fn postgres(row: &PgRow) -> Result<Self, StoreError>;
}

macro_rules! tuple_rows {
    ($($name:ident $at:tt),+) => {
        impl<$($name),+> FromRow for ($($name,)+)
        where $($name: rusqlite::types::FromSql + Send
            + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>),+
        {
            fn sqlite(row: &rusqlite::Row<'_>) -> Result<Self, StoreError> {
                Ok(($(row.get::<_, $name>($at)?,)+))
            }
            fn postgres(row: &PgRow) -> Result<Self, StoreError> {
                Ok(($(row.try_get::<$name, _>($at)?,)+))
            }
        }
    };
}
tuple_rows!(A 0);
tuple_rows!(A 0, B 1);
tuple_rows!(A 0, B 1, C 2);
tuple_rows!(A 0, B 1, C 2, D 3);
tuple_rows!(A 0, B 1, C 2, D 3, E 4);
tuple_rows!(A 0, B 1, C 2, D 3, E 4, F 5);

/// Defines a struct whose fields are a statement's columns, in their order.
macro_rules! rows {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $kind:ty),+ $(,)? }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $kind),+ }
        impl $crate::store::db::FromRow for $name {
            fn sqlite(row: &rusqlite::Row<'_>) -> Result<Self, $crate::store::StoreError> {
                let mut at = 0..;
                Ok(Self { $($field: row.get::<usize, $kind>(at.next().unwrap_or_default())?),+ })
            }
            fn postgres(row: &sqlx::postgres::PgRow) -> Result<Self, $crate::store::StoreError> {
                use sqlx::Row as _;
                let mut at = 0_usize..;
                Ok(Self { $($field: row.try_get::<$kind, usize>(at.next().unwrap_or_default())?),+ })
            }
        }
    };
}
pub(in crate::store) use rows;
