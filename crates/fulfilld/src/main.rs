//! `fulfilld`: every paid Stripe Checkout Session is fulfilled, once, and the merchant can prove it.

mod at_work;
mod buyer;
mod cli;
mod config;
mod demo;
mod endpoint;
mod fulfill_sessions;
mod installation;
mod keys;
mod log;
mod mail;
mod orders;
mod report;
mod sandbox;
mod sandbox_clock;
mod serve;
mod server;
mod sign_in;
mod signals;
mod stdout;
mod stock;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command, OrdersCommand};

fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start(cli.log.as_deref(), &cli.command);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(anyhow::anyhow!("no threads can be started: {error}")),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("fulfilld: {}", told(&error));
        ExitCode::FAILURE
    })
}

/// An error with its causes, each said once: some repeat what they were caused by.
fn told(error: &anyhow::Error) -> String {
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = cli.config.as_deref();
    if !matches!(cli.command, Command::Demo(_) | Command::Sandbox(_)) {
        config::unknown_variables().iter().for_each(|said| tracing::warn!("{said}"));
    }
    match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Serve(args) => serve::run(config, args).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Fulfill(args) => fulfill_sessions::run(config, args).await,
        Command::Orders { command } => match command {
            OrdersCommand::List(args) => orders::list(config, args).await,
            OrdersCommand::Show(args) => orders::show(config, args).await,
            OrdersCommand::Waive(args) => orders::waive(config, args).await,
            OrdersCommand::FulfillByHand(args) => orders::fulfill_by_hand(config, args).await,
            OrdersCommand::Ship(args) => orders::ship(config, args).await,
            OrdersCommand::Note(args) => orders::note(config, args).await,
            OrdersCommand::Resend(args) => orders::resend(config, args).await,
            OrdersCommand::PutAside(args) => orders::put_aside(config, args).await,
        },
        Command::Keys { command } => keys::run(config, command).await,
        Command::Stock { command } => stock::run(config, command).await,
        Command::Mail { command } => mail::run(config, command).await,
        Command::Dashboard { command } => sign_in::run(config, command).await,
        Command::Report(args) => report::run(config, args).await,
        Command::Endpoint { command } => endpoint::run(config, command).await,
    }
}
