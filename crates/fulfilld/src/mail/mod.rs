//! `mail`: the mails as they would be sent, and their templates as files.

mod preview;

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use fulfill::actions::mail::write_templates;

use crate::{cli::MailCommand, stdout::say};

/// Shows or writes.
pub(crate) async fn run(config: Option<&Path>, command: MailCommand) -> anyhow::Result<ExitCode> {
    match command {
        MailCommand::Preview { port } => preview::run(config, port).await,
        MailCommand::Templates { folder } => write(&folder),
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
