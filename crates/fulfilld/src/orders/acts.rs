//! What a person does to an order from the command line: ship it, note something, send a mail again.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use fulfill::{
    rules::{id::SessionKey, shipment::Shipment},
    store::MAILS,
};

use super::{WHO, unknown};
use crate::{
    cli::{NoteArgs, PutAsideArgs, ResendArgs, ShipArgs},
    installation::Installation,
    stdout::say,
};

/// Parcels leave.
pub(crate) async fn ship(config: Option<&Path>, args: ShipArgs) -> anyhow::Result<ExitCode> {
    let shipment =
        Shipment::new(args.carrier.as_deref(), args.tracking.as_deref(), args.url.as_deref())?;
    let here = Installation::open(config).await?;
    let key = here.key(&args.id)?;
    let mail = here.fulfill.policy().writes();
    let moved =
        done(&key, here.fulfill.store().ship(&key, args.lines, shipment, mail, WHO).await?)?;
    for told in &moved.told {
        say(format_args!("{key}: {told}"));
    }
    if moved.told.is_empty() {
        say(format_args!("{key}: that was known already"));
    }
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Writes into the timeline.
pub(crate) async fn note(config: Option<&Path>, args: NoteArgs) -> anyhow::Result<ExitCode> {
    let here = Installation::open(config).await?;
    let key = here.key(&args.id)?;
    done(&key, here.fulfill.store().add_note(&key, &args.text, WHO).await?)?;
    say(format_args!("{key}: noted"));
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Makes a mail due again.
pub(crate) async fn resend(config: Option<&Path>, args: ResendArgs) -> anyhow::Result<ExitCode> {
    let mail = format!("mail.{}", args.mail.trim_start_matches("mail."));
    if !MAILS.contains(&mail.as_str()) {
        let known: Vec<&str> = MAILS.iter().map(|mail| mail.trim_start_matches("mail.")).collect();
        bail!("there is no mail '{}' to a buyer, only {}", args.mail, known.join(", "));
    }
    let here = Installation::open(config).await?;
    let key = here.key(&args.id)?;
    done(&key, here.fulfill.store().resend(&key, &mail, WHO).await?)?;
    say(format_args!("{key}: {mail} is due; `fulfilld serve` sends it"));
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Nobody waits any more for what is stuck.
pub(crate) async fn put_aside(
    config: Option<&Path>,
    args: PutAsideArgs,
) -> anyhow::Result<ExitCode> {
    let here = Installation::open(config).await?;
    let key = here.key(&args.id)?;
    let store = here.fulfill.store();
    let view = store.session_view(&key).await?.filter(|view| view.order.is_some());
    let Some(view) = view else { bail!("{}", unknown(&key)) };
    match store.put_aside(view.session, WHO).await? {
        0 => bail!("{key}: nothing is stuck, so nothing was changed"),
        1 => say(format_args!("{key}: what was stuck is put aside")),
        count => say(format_args!("{key}: {count} stuck deliveries are put aside")),
    }
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

/// What an act came to, or why it was refused.
fn done<T, E: std::fmt::Display>(key: &SessionKey, act: Option<Result<T, E>>) -> anyhow::Result<T> {
    match act {
        None => bail!("{}", unknown(key)),
        Some(act) => act.map_err(|why| anyhow::anyhow!("{key}: {why}")),
    }
}
