//! What must happen when somebody has paid. Pure: no IO, no clock, no chance; everything the
//! decision needs comes in as an argument, so each rule can be tested by a table.
//!
//! The way through: [`fact::gate`] reads what Stripe says about a session, [`plan::Catalog`] knows
//! what each product owes, [`order::decide`] puts both together into a [`order::Decision`], and
//! whoever called it writes that decision in one transaction.

pub mod delivery;
pub mod fact;
pub mod id;
pub mod metadata;
pub mod money;
pub mod notice;
pub mod order;
pub mod place;
pub mod plan;
pub mod shipment;
pub mod supply;

/// Milliseconds since 1970-01-01 UTC, as the caller's clock tells them.
pub type Millis = i64;
/// One second in [`Millis`].
pub const SECOND: Millis = 1_000;
/// One minute in [`Millis`].
pub const MINUTE: Millis = 60 * SECOND;
/// One hour in [`Millis`].
pub const HOUR: Millis = 60 * MINUTE;
/// One day in [`Millis`].
pub const DAY: Millis = 24 * HOUR;
