//! Fulfills every paid Stripe Checkout Session exactly once, and can prove it.
//!
//! [`Fulfill::builder`] gives a [`Router`](axum::Router) to serve (webhook, landing page, API) and an
//! [`Engine`] to run beside it. A product's own outside work is an [`Action`](actions::Action).

pub mod actions;
mod announce;
mod brand;
mod builder;
pub mod clock;
mod door;
mod engine;
mod language;
mod links;
mod meters;
mod pulse;
pub mod reports;
mod sign_in;
pub mod store;
pub mod stripe;
mod wake;
mod web;
mod zone;

pub use brand::{Brand, BrandMistake};
pub use builder::{Builder, Fulfill, OpenError};
pub use door::Door;
pub use engine::Engine;
pub use fulfill_rules as rules;
pub use language::address::address_rows;
pub use meters::Meters;
pub use pulse::Pulse;
pub use sign_in::PersonMistake;
pub use wake::Wake;
pub use zone::Zone;
