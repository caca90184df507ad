//! `demo`: everything in one process, to look at in a browser or to be bought from by a script.

mod frame;
mod goods;
mod mailbox;
mod rush;
mod shop;
mod stage;

use std::{process::ExitCode, time::Duration};

use crate::{cli::DemoArgs, signals, stdout::say};
use stage::{PERSON, Plan, Stage, TOKEN};

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
        mailing: true,
    })
    .await?;
    tell(&stage);
    asked.cancelled().await;
    stage.strike().await;
    Ok(ExitCode::SUCCESS)
}

fn tell(stage: &Stage) {
    let (url, sandbox) = (&stage.url, stage.sandbox.url());
    let (database, settings) = (stage.database.display(), stage.settings.display());
    let link = stage.links.get("course").map_or("", String::as_str);
    let program = std::env::args().next().unwrap_or_else(|| "fulfilld".to_owned());
    say(format_args!(
        "\
A pretend Stripe and fulfilld, wired together. No account is needed, no money moves.

  the shop      {url}/
  the mailbox   {url}/mailbox
  my orders     {url}/my-orders
  the dashboard {url}/dashboard   (name {name}, password {password})
  the sandbox   {sandbox}/_sandbox/   (the pretend Stripe: payments, events, its clock)
  the database  {database}   (begins anew each time)

Try:
  1. Open the shop and buy the course with card 4242 4242 4242 4242: you land on your order.
  2. Look into the mailbox: the receipt, and the access that was bought.
  3. Look into the dashboard: the order, and all that happened to it.
  Or follow a Payment Link: {link}
  A bank debit of AT61 1904 3002 3457 3201 arrives after {settle} seconds.

  curl -H 'Authorization: Bearer {TOKEN}' {url}/api/orders
  {program} --config {settings} orders list
  {program} demo --buy --count 100

Events pass below. Ctrl-C stops everything.
",
        settle = SETTLE.as_secs(),
        name = PERSON.0,
        password = PERSON.1,
    ));
}
