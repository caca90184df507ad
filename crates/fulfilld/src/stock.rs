//! `stock add`: goods arrive. And what arrives goes out at once to those who waited.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use fulfill::rules::order::Status;

use crate::{cli::StockCommand, installation::Installation, stdout::say};

/// Adds.
pub(crate) async fn run(config: Option<&Path>, command: StockCommand) -> anyhow::Result<ExitCode> {
    let StockCommand::Add { sku, units } = command;
    let sku = sku.trim().to_owned();
    if sku.is_empty() {
        bail!("the SKU needs a name, as the catalog has it: stock = {{ sku = \"…\" }}");
    }
    let here = Installation::open(config).await?;
    let on_hand = here
        .fulfill
        .store()
        .add_stock(&sku, units)
        .await
        .with_context(|| format!("{sku}: nothing was added"))?;
    say(format_args!("{sku}: {on_hand} on the shelf"));
    let known = here.settings.products.iter().filter_map(|p| p.stock.as_ref());
    if !known.into_iter().any(|stock| stock.sku == sku) {
        say(format_args!("note: no product in the catalog takes from {sku}"));
    }
    release(&here).await?;
    here.close().await;
    Ok(ExitCode::SUCCESS)
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
