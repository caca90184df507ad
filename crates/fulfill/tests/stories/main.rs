//! Stories over HTTP: a real server with its engine, the sandbox as Stripe, and clocks that only the
//! story turns. Each is told twice: on a fresh SQLite file and in a fresh PostgreSQL database.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on ends there")]

mod database;
mod plan;
mod post_office;
mod shop;
mod town;
mod veil;

mod api_trouble;
mod callers;
mod find;
mod goods;
mod lines;
mod looking;
mod mail;
mod once;
mod outage;
mod page;
mod payment;
mod signatures;
mod versions;
mod work;

pub(crate) use plan::{Plan, both, shop};
pub(crate) use shop::{Basket, basket};
pub(crate) use town::Town;
