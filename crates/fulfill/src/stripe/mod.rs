//! Speaks Stripe: checks signatures, reads the few shapes needed, asks for the truth.
//!
//! An event is a doorbell ([`Envelope`]); what happened is read from the session itself
//! ([`Client::session`]), at a pinned API version.

mod client;
mod endpoints;
pub mod envelope;
mod error;
mod lenient;
pub mod rate;
mod retrieve;
mod sale;
mod shapes;
pub mod signature;
#[cfg(test)]
mod tests;
mod wire;

pub use client::{
    API_BASE, API_VERSION, Client, ClientMistake, ClientSettings, Listed, SessionPage, TIMEOUT_MS,
    check_api_base,
};
pub use endpoints::{Endpoint, NewEndpoint};
pub use envelope::{Envelope, Unreadable, envelope};
pub use error::{ApiError, ApiErrorKind};
pub use rate::{Asker, Permits, Purpose, Rate};
pub use retrieve::Retrieved;
pub use signature::{Rejected, SecretMistake, Secrets, TOLERANCE_MS, Verified, sign, verify};
