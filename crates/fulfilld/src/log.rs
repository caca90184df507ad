//! What is logged, and where: standard error, so that standard output is for answers.

use std::io::IsTerminal as _;

use tracing_subscriber::{
    filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::cli::Command;

/// Starts logging: what was asked for, else what suits the command.
pub(crate) fn start(asked: Option<&str>, command: &Command) {
    let usual = match command {
        Command::Serve(_) => "info",
        Command::Demo(args) if !args.buy => "warn,fulfill=info,fulfilld=info,fulfill_sandbox=info",
        Command::Sandbox(_) => "warn,fulfill_sandbox=info",
        _ => "warn",
    };
    let asked = asked.filter(|words| !words.trim().is_empty()).unwrap_or(usual);
    let filter: Targets = match asked.parse() {
        Ok(filter) => filter,
        Err(wrong) => {
            eprintln!("--log or RUST_LOG is '{asked}': {wrong}; write for example fulfill=debug");
            usual.parse().unwrap_or_default()
        }
    };
    let lines = fmt::layer()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(lines).init();
}
