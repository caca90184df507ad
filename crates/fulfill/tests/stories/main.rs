//! Stories over HTTP: a real server with its engine, the sandbox as Stripe, and clocks that only the
//! story turns. Each is told twice: on a fresh SQLite file and in a fresh PostgreSQL database.

mod database;
mod plan;
mod shop;
mod town;
mod veil;

mod callers;
mod goods;
mod lines;
mod looking;
mod once;
mod page;
mod payment;
mod signatures;
mod trouble;
mod versions;

pub(crate) use plan::{Plan, both, shop};
pub(crate) use shop::{Basket, basket};
pub(crate) use town::Town;
