//! The real program, run as people run it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod by_hand;
mod demo;
mod help;
mod reports;
mod running;
mod sandbox;
mod serve;
mod settings;
mod shop;
mod two_processes;
