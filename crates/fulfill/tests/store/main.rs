//! The store's stories. Each is told twice: on a fresh SQLite file and in a fresh PostgreSQL database.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on ends there")]

mod acts;
mod bench;
mod deliveries;
mod inbox;
mod nodes;
mod people;
mod record;
mod reports;
mod sign_in;
mod summary;
mod supply;
mod todo;
mod views;
mod work;

pub(crate) use bench::{Bench, both};
