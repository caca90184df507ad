//! Webhook to `fulfilled`: two lines, a stock movement and a grant.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::{
    Bench,
    acks::all_acked,
    bare,
    generator::{Pace, drive},
    http,
    machine::fdatasync_ms,
    program::{Database, Program, Side, TOKEN},
    sale::{SessionId, Webhooks},
    table::Row,
};

/// The line of `/metrics` that says how many orders are fulfilled.
const FULFILLED: &str = "fulfilld_fulfilled_total";
/// Products in the catalog come in pairs, one of each to an order.
const PAIRS: usize = 500;
const CONNECTIONS: usize = 64;
const LIMIT: Duration = Duration::from_secs(120);

/// Orders a second over the whole catalog and of one pair alone, beside bare transactions.
pub(crate) fn orders(bench: &mut Bench, database: Database<'_>) -> Result<()> {
    let wanted = match database {
        Database::Sqlite => 3000.0,
        Database::Postgres(_) => 2000.0,
    };
    let count = if bench.quick { 4000 } else { 20_000 };
    let (mut rows, mut rates) = (Vec::new(), Vec::new());
    let mut fsync = f64::NAN;
    for (what, pairs) in [("orders, over 1,000 products", PAIRS), ("orders, all of one pair", 1)] {
        let time = Duration::from_secs(if bench.quick { 1 } else { 3 });
        let before = bare::orders_per_second(database, pairs, time)?;
        let stub = Side::stub(pairs, Duration::ZERO)?;
        let home = bench.home(database, PAIRS)?;
        let program = home.start("0", stub.address)?;
        let webhooks = bench.webhooks(count);
        let (rate, acked) = fulfill_all(&program, &webhooks, LIMIT)?;
        whole(&program, &webhooks.session(count / 2))?;
        fsync = fdatasync_ms(home.folder())?;
        drop(program);
        let after = bare::orders_per_second(database, pairs, time)?;
        let ceiling = f64::midpoint(before, after);
        let measured = format!("{rate:.0}/s");
        rows.push(match pairs {
            PAIRS => Row::judged(what, format!("{wanted:.0}/s"), measured, rate >= wanted),
            _ => Row::told(what, measured),
        });
        rows.push(
            Row::told("  bare transactions", format!("{ceiling:.0}/s")).ratio(rate / ceiling),
        );
        rows.push(Row::told("  webhooks acked meanwhile", format!("{acked:.0}/s")));
        rates.push(rate);
    }
    if let [spread, same] = rates[..] {
        let share = same / spread;
        let measured = format!("{share:.2}");
        rows.push(Row::judged("one pair against all", "0.80", measured, share >= 0.8));
    }
    bench.group("orders", database, fsync, rows);
    Ok(())
}

/// Orders a second from the first delivery sent until all are fulfilled, and acks a second.
pub(crate) fn fulfill_all(
    program: &Program,
    webhooks: &Webhooks,
    limit: Duration,
) -> Result<(f64, f64)> {
    let report = drive(program.address, CONNECTIONS, Pace::Closed, webhooks, limit)?;
    all_acked(&report)?;
    let count = u64::try_from(webhooks.len())?;
    ensure!(report.acked == count, "only {} of {count} deliveries were acked", report.acked);
    let mut done = 0;
    while report.begun.elapsed() < limit {
        done = fulfilled(program)?;
        if done >= count {
            let count = count as f64;
            return Ok((count / report.begun.elapsed().as_secs_f64(), report.per_second()));
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    bail!("{FULFILLED} is {done}, not {count}, after {limit:?}; it said:\n{}", program.said())
}

fn fulfilled(program: &Program) -> Result<u64> {
    let (status, text) = http::get(program.address, "/metrics", Some(TOKEN))?;
    ensure!(status == 200, "/metrics answered {status}");
    let line = text.lines().find_map(|line| line.strip_prefix(FULFILLED));
    // A counter that never counted may be absent.
    let value: f64 = line.map_or(Ok(0.0), |value| value.trim().parse()).context(FULFILLED)?;
    Ok(value as u64)
}

/// One order looked at: it must hold what the figures claim.
fn whole(program: &Program, session: &SessionId) -> Result<()> {
    let path = format!("/api/orders/{}", session.id());
    let (status, text) = http::get(program.address, &path, Some(TOKEN))?;
    ensure!(status == 200, "{path} answered {status}");
    let order: serde_json::Value = serde_json::from_str(&text)?;
    ensure!(order["status"] == "fulfilled", "{path} is not fulfilled: {text}");
    ensure!(order["lines"].as_array().map(Vec::len) == Some(2), "{path} has not two lines: {text}");
    let effects = order["effects"].as_array().context("no effects")?;
    for kind in ["stock", "grant"] {
        let done = effects.iter().any(|e| e["kind"] == kind && e["status"] == "done");
        ensure!(done, "{path} has no {kind}: {text}");
    }
    Ok(())
}
