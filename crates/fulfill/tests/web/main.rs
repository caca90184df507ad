//! The web's stories: a real server on a free port, an engine beside it, a stand-in for Stripe, and a
//! clock that only the story turns.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod acts;
mod api;
mod bench;
mod buyers;
mod dashboard;
mod guesses;
mod health;
mod landing;
mod markup;
mod orders;
mod reports;
mod secrets;
mod stripe;
mod supply;
mod webhook;
