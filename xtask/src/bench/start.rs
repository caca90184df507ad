//! From nothing to the first ack; what the program weighs.

use std::{path::Path, time::Duration};

use anyhow::Result;

use super::{
    Bench,
    acks::{all_acked, megabytes},
    generator::{Pace, drive},
    machine::fdatasync_ms,
    program::{Database, Home, Side},
    table::Row,
};

/// First ack after the start, empty and with a backlog; idle memory.
pub(crate) fn start(bench: &mut Bench, database: Database<'_>) -> Result<()> {
    let backlog = if bench.quick { 10_000 } else { 100_000 };
    let stub = Side::stub(10, Duration::ZERO)?;
    let mut rows = Vec::new();
    let mut judge = |what: String, took: Duration| {
        let ms = took.as_secs_f64() * 1000.0;
        rows.push(Row::judged(what, "100 ms", format!("{ms:.0} ms"), ms <= 100.0));
    };
    let home = bench.home(database, 1)?;
    judge("first ack after the start, empty".into(), start_ms(bench, &home, &stub)?);
    judge("  the same, started again".into(), start_ms(bench, &home, &stub)?);
    let home = bench.home(database, 1000)?;
    judge("  empty, 2,000 products".into(), start_ms(bench, &home, &stub)?);

    let home = bench.home(database, 1)?;
    let program = home.start("1", stub.address)?;
    let webhooks = bench.webhooks(backlog);
    let limit = Duration::from_secs(100);
    all_acked(&drive(program.address, 128, Pace::Closed, &webhooks, limit)?)?;
    drop(program);
    judge(format!("  {backlog} sessions due, after a kill"), start_ms(bench, &home, &stub)?);
    judge(format!("  {backlog} sessions due, again"), start_ms(bench, &home, &stub)?);

    let home = bench.home(database, 1000)?;
    let program = home.start("20", stub.address)?;
    std::thread::sleep(Duration::from_secs(3));
    let memory = program.resident_bytes()?;
    rows.push(Row::judged(
        "idle memory, 2,000 products",
        "25.0 MB",
        megabytes(memory),
        memory <= 25_000_000,
    ));
    let fsync = fdatasync_ms(home.folder())?;
    bench.group("start", database, fsync, rows);
    Ok(())
}

fn start_ms(bench: &mut Bench, home: &Home, stub: &Side) -> Result<Duration> {
    let webhooks = bench.webhooks(1);
    home.spawn("1", stub.address)?.first_ack(&webhooks)
}

/// The binary's size.
pub(crate) fn size(binary: &Path) -> Result<Row> {
    let bytes = std::fs::metadata(binary)?.len();
    Ok(Row::judged("binary", "25.0 MB", megabytes(bytes), bytes <= 25_000_000))
}
