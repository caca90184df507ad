//! Webhook to 200: how many, how fast alone, how fast at half of the maximum.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{
    Bench,
    generator::{Pace, Report, drive},
    http,
    machine::{Disk, fdatasync_ms, median},
    program::{Database, Side},
    table::Row,
};

/// More than the baseline can take in a second on any machine this was run on.
const PER_SECOND_MAX: usize = 110_000;
const CONNECTIONS_OPEN: usize = 256;

/// Acks a second, closed loop, program and baseline in turn with the same requests.
pub(crate) fn acks(bench: &mut Bench, database: Database<'_>) -> Result<()> {
    let wanted = match database {
        Database::Sqlite => 0.35,
        Database::Postgres(_) => 0.2,
    };
    let (rounds, time) = if bench.quick { (1, 2) } else { (3, 3) };
    let baseline = Side::baseline()?;
    let stub = Side::stub(1, Duration::ZERO)?;
    let mut rows = Vec::new();
    let mut fsync = f64::NAN;
    for connections in [128, 256] {
        let home = bench.home(database, 10)?;
        let program = home.start("20", stub.address)?;
        let (mut ceilings, mut acked, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let webhooks = bench.webhooks(PER_SECOND_MAX * time);
            let time = Duration::from_secs(u64::try_from(time)?);
            let run = |server| drive(server, connections, Pace::Closed, &webhooks, time);
            let (ceiling, ours) = (run(baseline.address)?, run(program.address)?);
            all_acked(&ceiling)?;
            all_acked(&ours)?;
            ceilings.push(ceiling.per_second());
            acked.push(ours.per_second());
            ratios.push(ours.per_second() / ceiling.per_second());
        }
        fsync = fdatasync_ms(home.folder())?;
        let (ceiling, acked, ratio) = (median(ceilings), median(acked), median(ratios));
        let what = format!("acks, {connections} connections");
        let measured = format!("{acked:.0}/s of {ceiling:.0}/s");
        rows.push(
            Row::judged(what, format!("ratio {wanted}"), measured, ratio >= wanted).ratio(ratio),
        );
        let memory = megabytes(program.resident_bytes()?);
        rows.push(Row::told("  memory afterwards", memory));
    }
    bench.group("acks", database, fsync, rows);
    Ok(())
}

/// One connection, one delivery after the other, a bare fdatasync between each two.
pub(crate) fn lone(bench: &mut Bench, database: Database<'_>) -> Result<()> {
    let count = if bench.quick { 100 } else { 400 };
    let stub = Side::stub(1, Duration::ZERO)?;
    let baseline = Side::baseline()?;
    let home = bench.home(database, 10)?;
    let program = home.start("20", stub.address)?;
    let webhooks = bench.webhooks(count);
    let mut lines = [TcpStream::connect(program.address)?, TcpStream::connect(baseline.address)?];
    let mut disk = Disk::open(home.folder())?;
    let (mut syncs, mut times) = (Vec::new(), [Vec::new(), Vec::new()]);
    let mut request = Vec::new();
    for line in &lines {
        line.set_nodelay(true)?;
        line.set_read_timeout(Some(Duration::from_secs(20)))?;
    }
    for index in 0..count {
        syncs.push(disk.append()?.as_secs_f64() * 1000.0);
        webhooks.render(index, &mut request);
        for (line, times) in lines.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            let status = http::exchange(line, &request)?;
            ensure!(status == 200, "a lone delivery was answered {status}");
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let [ours, bare] = times.map(median);
    let sync = median(syncs);
    let rows = vec![
        Row::judged(
            "a lone ack, median, less one fsync",
            "0.30 ms",
            format!("{:.2} ms", ours - sync),
            ours - sync <= 0.3,
        ),
        Row::told("  the ack, the fsync", format!("{ours:.2} ms, {sync:.2} ms")),
        Row::told("  the baseline's answer", format!("{bare:.2} ms")),
    ];
    bench.group("lone", database, sync, rows);
    Ok(())
}

/// Open loop at half of the closed loop's maximum, the engine working beside it.
pub(crate) fn latency(bench: &mut Bench, database: Database<'_>) -> Result<()> {
    let mut rows = Vec::new();
    let mut fsync = f64::NAN;
    let stub = Side::stub(10, Duration::ZERO)?;
    let half = half_of_maximum(bench, database, &stub)?;
    for (rate, engine) in [("20", "engine at 20/s"), ("0", "engine without limit")] {
        let home = bench.home(database, 10)?;
        let program = home.start(rate, stub.address)?;
        let time = Duration::from_secs(if bench.quick { 3 } else { 8 });
        let webhooks = bench.webhooks((half * time.as_secs_f64()) as usize);
        let pace = Pace::Open(half);
        let report = drive(program.address, CONNECTIONS_OPEN, pace, &webhooks, time)?;
        ensure!(report.refused == 0, "{} deliveries were refused", report.refused);
        fsync = fdatasync_ms(home.folder())?;
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| report.quantile_ms(share));
        let what = format!("p99 at {half:.0}/s, {engine}");
        let measured = format!("{p99:.1} ms");
        rows.push(match rate {
            "0" => Row::told(what, measured),
            _ => Row::judged(what, "25 ms", measured, p99 <= 25.0),
        });
        rows.push(Row::told("  p50, max", format!("{p50:.1} ms, {max:.1} ms")));
    }
    bench.group("latency", database, fsync, rows);
    Ok(())
}

fn half_of_maximum(bench: &mut Bench, database: Database<'_>, stub: &Side) -> Result<f64> {
    let home = bench.home(database, 10)?;
    let program = home.start("20", stub.address)?;
    let time = if bench.quick { 1 } else { 3 };
    let webhooks = bench.webhooks(PER_SECOND_MAX * time);
    let time = Duration::from_secs(u64::try_from(time)?);
    let report = drive(program.address, 128, Pace::Closed, &webhooks, time)?;
    all_acked(&report)?;
    Ok(report.per_second() / 2.0)
}

/// Fails when a delivery was answered with anything but 200: then the figures mean nothing.
pub(crate) fn all_acked(report: &Report) -> Result<()> {
    ensure!(report.refused == 0, "{} deliveries were refused", report.refused);
    ensure!(report.acked > 0, "no delivery was answered in time");
    Ok(())
}

/// In millions of bytes, as a person reads it.
pub(crate) fn megabytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    format!("{:.1} MB", bytes / 1e6)
}
