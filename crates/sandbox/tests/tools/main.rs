//! The sandbox, used with Stripe's own tools, unmodified: the CLI, stripe-node and stripe-python.
//! `cargo xtask test` installs them; on their own, `cargo xtask tools` does.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on ends there")]

mod commands;
mod listen;
mod offline;
mod sdks;
mod stage;
mod triggers;
