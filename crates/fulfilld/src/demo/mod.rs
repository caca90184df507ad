//! `demo`: everything in one process, to look at in a browser or to be bought from by a script.

mod goods;
mod rush;
mod shop;
mod stage;

use std::{process::ExitCode, time::Duration};

use crate::{cli::DemoArgs, signals};
use stage::{KEY, Plan, Stage, TOKEN};

/// How long a bank debit takes in the demo.
const SETTLE: Duration = Duration::from_secs(10);
const KEYS: usize = 200;
const SHIRTS: i64 = 20;

/// Runs until a signal, or with `--buy` until everything is bought.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    if args.buy {
        return rush::run(&args).await;
    }
    let asked = signals::listen()?;
    let stage = Stage::set(Plan {
        port: args.port,
        sandbox_port: args.sandbox_port,
        folder: args.data,
        settle: SETTLE,
        keys: KEYS,
        shirts: SHIRTS,
    })
    .await?;
    tell(&stage);
    asked.cancelled().await;
    stage.strike().await;
    Ok(ExitCode::SUCCESS)
}

fn tell(stage: &Stage) {
    let (url, sandbox) = (&stage.url, stage.sandbox.url());
    let database = stage.database.display();
    let link = stage.links.get("course").map_or("", String::as_str);
    println!(
        "\
fulfilld demo: a pretend Stripe and the service, wired together. No money moves.

  the shop      {url}/
  the service   {url}   (webhook, landing page, API)
  the sandbox   {sandbox}
  the database  {database}   (begins anew each time)

Try:
  Open the shop, buy the course with card 4242 4242 4242 4242, and look at where you land.
  Or open a Payment Link: {link}
  A bank debit (AT61 1904 3002 3457 3201) arrives {settle} seconds later, IT60 X054 2811 1010 0000 0123 456 fails.

  curl -H 'Authorization: Bearer {TOKEN}' {url}/api/orders
  STRIPE_SECRET_KEY={KEY} DATABASE_URL=sqlite:{database} fulfilld orders list
  fulfilld demo --buy --count 100

Below you see events passing. Ctrl-C stops everything.
",
        settle = SETTLE.as_secs(),
    );
}
