//! The way into the dashboard: a link for the first person, and for who has lost a password.

use std::{io::Write as _, net::SocketAddr, path::Path, process::ExitCode};

use fulfill::Fulfill;

use crate::{cli::DashboardCommand, config::Settings, installation::Installation, stdout::say};

/// `dashboard link`.
pub(crate) async fn run(
    config: Option<&Path>,
    command: DashboardCommand,
) -> anyhow::Result<ExitCode> {
    let DashboardCommand::Link = command;
    let here = Installation::open(config).await?;
    let link = here.fulfill.sign_in_link().await?;
    say(format_args!("{}{link}", root(&here.settings, here.settings.listen)));
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

/// While nobody can sign in, prints a link for the first one. Not to the log, which others may read.
pub(crate) async fn greet(
    fulfill: &Fulfill,
    settings: &Settings,
    address: SocketAddr,
) -> anyhow::Result<()> {
    if !fulfill.store().people().await?.is_empty() {
        return Ok(());
    }
    let link = fulfill.sign_in_link().await?;
    let link = format!("{}{link}", root(settings, address));
    let told = format!("\nNobody can sign in to the dashboard yet. Within a day, open\n  {link}\n");
    // Whether somebody reads it or not, the service serves.
    writeln!(std::io::stdout(), "{told}").ok();
    Ok(())
}

/// Where people reach it.
fn root(settings: &Settings, address: SocketAddr) -> String {
    match &settings.public_url {
        Some(url) => url.clone(),
        None if address.ip().is_unspecified() => format!("http://localhost:{}", address.port()),
        None => format!("http://{address}"),
    }
}
