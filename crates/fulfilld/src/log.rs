//! What is logged, and where: standard error, so that standard output is for answers.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::cli::Command;

/// Starts logging: `--log`, else `RUST_LOG`, else what suits the command.
pub(crate) fn start(asked: Option<&str>, command: &Command) {
    let usual = match command {
        Command::Serve(_) => "info",
        Command::Demo(args) if !args.buy => "warn,fulfill=info,fulfilld=info,fulfill_sandbox=info",
        Command::Sandbox(_) => "warn,fulfill_sandbox=info",
        _ => "warn",
    };
    let filter = match asked {
        Some(asked) => EnvFilter::builder().parse_lossy(asked),
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual)),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}
