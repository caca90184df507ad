//! `stock`: what is on the shelves. And what arrives goes out at once to those who waited.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use fulfill::{rules::order::Status, store::StockChange};

use crate::{
    cli::StockCommand,
    installation::Installation,
    orders::WHO,
    stdout::{say, say_table},
};

/// Adds, sets, or lists.
pub(crate) async fn run(config: Option<&Path>, command: StockCommand) -> anyhow::Result<ExitCode> {
    match command {
        StockCommand::Add { sku, units, why } => {
            change(config, sku, StockChange::By(units), why).await
        }
        StockCommand::Set { sku, units, why } => {
            change(config, sku, StockChange::To(units), why).await
        }
        StockCommand::List => list(config).await,
    }
}

async fn list(config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let here = Installation::open(config).await?;
    let shelves = here.fulfill.store().shelves().await.context("the shelves cannot be read")?;
    let rows = shelves
        .into_iter()
        .map(|s| [s.sku, s.on_hand.to_string(), s.backordered.to_string(), s.waiting.to_string()]);
    say_table(["SKU", "ON HAND", "BACKORDERED", "WAITING"], rows.collect());
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn change(
    config: Option<&Path>,
    sku: String,
    change: StockChange,
    why: Option<String>,
) -> anyhow::Result<ExitCode> {
    let sku = sku.trim().to_owned();
    if sku.is_empty() {
        bail!("the SKU needs a name, as the catalog has it: stock = {{ sku = \"…\" }}");
    }
    let here = Installation::open(config).await?;
    let on_hand = here
        .fulfill
        .store()
        .change_stock(&sku, change, Some(WHO), why.as_deref())
        .await
        .with_context(|| format!("{sku}: nothing was changed"))?;
    say(format_args!("{sku}: {on_hand} on the shelf"));
    let known = here.settings.products.iter().filter_map(|p| Some(p.stock.as_ref()?.sku.as_str()));
    if let Some(note) = unknown(&here, &sku, "takes", known) {
        say(note);
    }
    release(&here).await?;
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Told of a name that no product of the settings has, where others have one: it may be mistyped. What
/// products at Stripe say in their metadata is not known here.
pub(crate) fn unknown<'a>(
    here: &Installation,
    name: &str,
    does: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let mut known: Vec<&str> = known.collect();
    if known.is_empty() || known.contains(&name) {
        return None;
    }
    known.sort_unstable();
    known.dedup();
    let file = here.settings.file.as_ref().map(|file| file.display().to_string());
    Some(format!(
        "note: no product in {} {does} from {name}, only from {}; unless one at Stripe names it in its \
         metadata, nothing does",
        file.as_deref().unwrap_or("the settings"),
        known.join(", ")
    ))
}

/// Serves orders that waited, the oldest first, and says which. A running `serve` does the same
/// within seconds; both at once do it once.
pub(crate) async fn release(here: &Installation) -> anyhow::Result<()> {
    let moved = here.fulfill.store().release(here.fulfill.policy()).await.context(
        "orders that wait could not be served now; a running `fulfilld serve` does it within seconds",
    )?;
    for order in moved {
        let status = order.status.map_or("", Status::as_str);
        say(format_args!("{}: {status}", order.key));
    }
    Ok(())
}
