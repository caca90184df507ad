//! The buyer who comes back from paying before Stripe has told of it.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{
    Bench, http,
    machine::{fdatasync_ms, median},
    program::{Database, Side},
    table::Row,
};

/// Landing page of a payment nobody has told of: the visitor's wait less the API's time.
pub(crate) fn page(bench: &mut Bench, database: Database<'_>) -> Result<()> {
    // A stranger may ask for 60 new ids a minute.
    let visits = if bench.quick { 10 } else { 50 };
    let stub = Side::stub(10, Duration::from_millis(20))?;
    let home = bench.home(database, 10)?;
    let program = home.start("0", stub.address)?;
    let (mut waits, mut calls, mut ready) = (Vec::new(), Vec::new(), 0);
    for _ in 0..visits {
        let webhooks = bench.webhooks(1);
        let id = webhooks.session(0).id();
        let begun = Instant::now();
        let (status, page) =
            http::get(program.address, &format!("/success?session_id={id}"), None)?;
        waits.push(begun.elapsed().as_secs_f64() * 1000.0);
        ready += usize::from(status == 200 && page.contains("data-status=\"fulfilled\""));
        calls.push(call_ms(&stub, &id)?);
    }
    let (wait, call) = (median(waits), median(calls));
    let met = wait - call <= 15.0 && ready == visits;
    let rows = vec![
        Row::judged(
            "page of a new payment, median, less the API's time",
            "15.0 ms",
            format!("{:.1} ms", wait - call),
            met,
        ),
        Row::told("  the page, the API", format!("{wait:.1} ms, {call:.1} ms")),
        Row::told("  shown as fulfilled", format!("{ready} of {visits}")),
    ];
    let fsync = fdatasync_ms(home.folder())?;
    bench.group("page", database, fsync, rows);
    settled(bench, database)
}

fn call_ms(stub: &Side, id: &str) -> Result<f64> {
    let mut stream = TcpStream::connect(stub.address)?;
    stream.set_nodelay(true)?;
    let request = format!("GET /v1/checkout/sessions/{id} HTTP/1.1\r\nHost: stub\r\n\r\n");
    let begun = Instant::now();
    let status = http::exchange(&mut stream, request.as_bytes())?;
    ensure!(status == 200, "the stub answered {status}");
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

/// Pages of orders that are fulfilled, by buyers who come back: each connection asks for one after the
/// other.
fn settled(bench: &mut Bench, database: Database<'_>) -> Result<()> {
    const READERS: usize = 16;
    let time = Duration::from_secs(if bench.quick { 2 } else { 5 });
    let stub = Side::stub(10, Duration::ZERO)?;
    let home = bench.home(database, 10)?;
    let program = home.start("0", stub.address)?;
    let webhooks = bench.webhooks(READERS);
    let ids: Vec<String> = (0..READERS).map(|at| webhooks.session(at).id()).collect();
    for id in &ids {
        let (status, page) =
            http::get(program.address, &format!("/success?session_id={id}"), None)?;
        ensure!(status == 200 && page.contains("data-status=\"fulfilled\""), "{id} is not ready");
    }
    let begun = Instant::now();
    let readers: Vec<_> = ids
        .into_iter()
        .map(|id| {
            let server = program.address;
            std::thread::spawn(move || read(server, &id, time))
        })
        .collect();
    let mut pages = 0;
    for reader in readers {
        pages += reader.join().map_err(|_| anyhow::anyhow!("a reader has panicked"))??;
    }
    let per_second = f64::from(pages) / begun.elapsed().as_secs_f64();
    let measured = format!("{per_second:.0}/s");
    let met = per_second >= 5_000.0;
    let rows = vec![Row::judged("pages of fulfilled orders", "5000/s", measured, met)];
    let fsync = fdatasync_ms(home.folder())?;
    bench.group("settled page", database, fsync, rows);
    Ok(())
}

/// How many pages one connection is shown.
fn read(server: std::net::SocketAddr, id: &str, time: Duration) -> Result<u32> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    let request = format!("GET /success?session_id={id} HTTP/1.1\r\nHost: shop\r\n\r\n");
    let (begun, mut pages) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let status = http::exchange(&mut stream, request.as_bytes())?;
        ensure!(status == 200, "the page answered {status}");
        pages += 1;
    }
    Ok(pages)
}
