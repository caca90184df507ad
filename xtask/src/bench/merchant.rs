//! A merchant among many orders: finds one, and takes all of them along as CSV.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use super::{
    Bench,
    acks::megabytes,
    http,
    machine::{fdatasync_ms, median},
    orders::fulfill_all,
    program::{Database, Program, Side, TOKEN},
    sale::SessionId,
    table::Row,
};

/// All of them must be fulfilled by then.
const LIMIT: Duration = Duration::from_secs(600);
/// How often each question is asked.
const TIMES: usize = 15;
/// Read from the report at once.
const READ_BYTES: usize = 1 << 20;

/// The slowest of a merchant's questions, and the report of all orders.
pub(crate) fn merchant(bench: &mut Bench, database: Database<'_>) -> Result<()> {
    let count = if bench.quick { 10_000 } else { 100_000 };
    let stub = Side::stub(100, Duration::ZERO)?;
    let home = bench.home(database, 100)?;
    let program = home.start("0", stub.address)?;
    let webhooks = bench.webhooks(count);
    fulfill_all(&program, &webhooks, LIMIT)?;
    let mut rows = search(&program, &webhooks.session(0), count)?;
    rows.extend(report(&program, count)?);
    let fsync = fdatasync_ms(home.folder())?;
    bench.group("merchant", database, fsync, rows);
    Ok(())
}

/// Asks for what people have in hand. What only the oldest order has, or none, takes longest.
fn search(program: &Program, oldest: &SessionId, count: usize) -> Result<Vec<Row>> {
    let buyer = String::from_utf8_lossy(oldest.buyer()).into_owned();
    let questions = [
        ("session id", oldest.id(), Some(1)),
        ("mail address", format!("buyer.{buyer}@example.com"), Some(1)),
        ("part of a mail address", buyer[2..10].to_owned(), Some(1)),
        ("part of a name that all have", "bergstr".to_owned(), None),
        ("part of a name that nobody has", "lindgr".to_owned(), Some(0)),
        ("name and mail address", format!("lindgr {buyer}"), Some(0)),
        ("amount that all paid", "68.00".to_owned(), None),
        ("amount that nobody paid", "12.34".to_owned(), Some(0)),
    ];
    let mut told = Vec::new();
    let mut slowest = 0.0;
    for (what, q, wanted) in questions {
        let path = format!("/api/orders?limit=20&q={}", q.replace(' ', "%20").replace('@', "%40"));
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let begun = Instant::now();
            let (status, text) = http::get(program.address, &path, Some(TOKEN))?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            ensure!(status == 200, "{path} answered {status}: {text}");
            let found: serde_json::Value = serde_json::from_str(&text)?;
            let found = found["data"].as_array().context("no orders in the answer")?.len();
            ensure!(found == wanted.unwrap_or(20), "{what}: {found} orders were found");
        }
        let ms = median(times);
        slowest = f64::max(slowest, ms);
        told.push(Row::told(format!("  {what}"), format!("{ms:.1} ms")));
    }
    let what = format!("search in {count} orders, median of the slowest question");
    let mut rows = vec![Row::judged(what, "50.0 ms", format!("{slowest:.1} ms"), slowest <= 50.0)];
    rows.append(&mut told);
    Ok(rows)
}

/// Takes the report twice: what the first one leaves in the allocator's hands is no growth.
fn report(program: &Program, count: usize) -> Result<Vec<Row>> {
    let before = program.resident_bytes()?;
    let first = download(program, count)?;
    let second = download(program, count)?;
    let grown = first.peak.max(second.peak).saturating_sub(before);
    let rate = count as f64 / second.took.as_secs_f64();
    let size = megabytes(second.bytes);
    Ok(vec![
        Row::judged(
            format!("CSV of {count} orders, growth of memory"),
            "16.0 MB",
            megabytes(grown),
            grown <= 16_000_000,
        ),
        Row::told("  rows a second, size", format!("{rate:.0}/s, {size}")),
    ])
}

struct Download {
    /// The most memory that the program had meanwhile.
    peak: u64,
    bytes: u64,
    took: Duration,
}

fn download(program: &Program, count: usize) -> Result<Download> {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(program.address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let request = format!(
        "GET /api/reports/orders.csv HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
        program.address
    );
    stream.write_all(request.as_bytes())?;
    let mut buffer = vec![0; READ_BYTES];
    let (mut bytes, mut lines, mut peak, mut looked) = (0, 0, 0, 0);
    loop {
        let read = stream.read(&mut buffer)?;
        if bytes == 0 {
            ensure!(buffer[..read].starts_with(b"HTTP/1.0 200"), "the report was refused");
        }
        if read == 0 {
            break;
        }
        bytes += read as u64;
        lines += buffer[..read].iter().filter(|&&byte| byte == b'\n').count();
        if bytes - looked >= READ_BYTES as u64 {
            looked = bytes;
            peak = program.resident_bytes()?.max(peak);
        }
    }
    peak = program.resident_bytes()?.max(peak);
    // Lines of the answer's head, the columns' names; no text in the reports has a line end.
    ensure!(lines > count && lines < count + 20, "the report has {lines} lines, not {count}");
    Ok(Download { peak, bytes, took: begun.elapsed() })
}
