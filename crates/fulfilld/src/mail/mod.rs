//! `mail`: the mails as they would be sent, one that is, and their templates as files.

mod preview;

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use fulfill::{
    actions::{Fault, mail::write_templates},
    clock::Clock,
};

use crate::{
    cli::MailCommand,
    config::{self, Environment, Preview},
    stdout::say,
};

/// Shows or writes.
pub(crate) async fn run(config: Option<&Path>, command: MailCommand) -> anyhow::Result<ExitCode> {
    match command {
        MailCommand::Preview { port } => preview::run(config, port).await,
        MailCommand::Test { to } => test(config, &to).await,
        MailCommand::Templates { folder } => write(&folder),
    }
}

async fn test(config: Option<&Path>, to: &str) -> anyhow::Result<ExitCode> {
    let Preview { sender, has_server } = config::preview(config, &Environment::read())?;
    if !has_server {
        bail!("no mail server is named: set FULFILLD_SMTP, as smtps://user:password@host");
    }
    match sender.try_out(to, &Clock::system()).await {
        Ok(said) => {
            say(format_args!("{} took it: {said}", sender.server()));
            Ok(ExitCode::SUCCESS)
        }
        Err(Fault::Retry { why, .. } | Fault::Refuse { why, .. }) => bail!("{to}: {why}"),
    }
}

fn write(folder: &Path) -> anyhow::Result<ExitCode> {
    let shown = folder.display();
    let new = write_templates(folder).with_context(|| format!("{shown} cannot be written"))?;
    say(format_args!("{shown}: {new} new files"));
    if new > 0 {
        say("keep those that you change and delete the rest: what is not there stays built in");
        say("`fulfilld mail preview` shows the mails; docs/mail.md says what templates are given");
    }
    Ok(ExitCode::SUCCESS)
}
