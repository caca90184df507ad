//! The pretend Stripe: how many sessions a second it makes, lets be paid and tells of, how many it
//! shows, how soon it is there, and whether it slows when it holds many.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::channel,
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    Bench,
    acks::megabytes,
    generator::{Load, Pace, drive},
    http,
    program::{Program, spawn_sandbox},
    table::Row,
};

const CONNECTIONS: usize = 32;
const LIMIT: Duration = Duration::from_secs(300);
const HEAD: &str = "Host: sandbox\r\nAuthorization: Bearer sk_test_bench\r\n";
const ENDPOINT: &str = "enabled_events[]=checkout.session.completed";
const LINE: &str = "mode=payment&success_url=http://shop.example/done&line_items[0][quantity]=2&line_items[0][price]=";

/// Rates on an empty sandbox and on one that holds many sessions; in a file, too.
pub(crate) fn sandbox(bench: &mut Bench) -> Result<()> {
    let (some, many) = if bench.quick { (5_000, 20_000) } else { (20_000, 100_000) };
    let folder = tempfile::Builder::new().prefix("fulfilld-bench-").tempdir()?;
    let mut shop = Shop::open(bench, folder.path(), &[])?;
    let mut rows = vec![Row::judged(
        "ready after the start",
        "100 ms",
        format!("{:.0} ms", shop.ready.as_secs_f64() * 1000.0),
        shop.ready <= Duration::from_millis(100),
    )];
    let first = (shop.buy(some)?, shop.retrieve(2 * some)?);
    shop.buy(many - some)?;
    let then = (shop.buy(some)?, shop.retrieve(2 * some)?);
    let rate = |what: &str, wanted: f64, rate: f64| {
        Row::judged(what, format!("{wanted:.0}/s"), format!("{rate:.0}/s"), rate >= wanted)
    };
    rows.push(rate("created, paid and delivered", 2_000.0, first.0));
    rows.push(rate("retrieved with line_items", 10_000.0, first.1));
    for (what, first, then) in
        [("created, paid, delivered", first.0, then.0), ("retrieved", first.1, then.1)]
    {
        let what = format!("  {what} with {many} held: share of that");
        let kept = then / first;
        rows.push(Row::judged(what, "0.90", format!("{kept:.2} ({then:.0}/s)"), kept >= 0.9));
    }
    rows.push(Row::told("  memory then", megabytes(shop.program.resident_bytes()?)));
    drop(shop);
    let mut kept = Shop::open(bench, folder.path(), &["--data", "sandbox.data"])?;
    rows.push(Row::told("with --data", format!("{:.0}/s", kept.buy(some)?)));
    kept.buy(many - some)?;
    drop(kept);
    let mut again = spawn_sandbox(&bench.binary, folder.path(), &["--data", "sandbox.data"])?;
    let ready = again.ready("/_sandbox/clock")?;
    let size = std::fs::metadata(folder.path().join("sandbox.data"))?.len();
    let what = format!("  {many} sessions ({}) read at the start", megabytes(size));
    rows.push(Row::told(what, format!("{:.1} s", ready.as_secs_f64())));
    bench.table.push("sandbox".into(), rows);
    Ok(())
}

/// A sandbox with a price, and an endpoint that answers at once.
struct Shop {
    program: Program,
    ready: Duration,
    came: Arc<AtomicU64>,
    price: String,
    sessions: Vec<String>,
    paid: u64,
}

impl Shop {
    fn open(bench: &Bench, folder: &Path, more: &[&str]) -> Result<Self> {
        let mut program = spawn_sandbox(&bench.binary, folder, more)?;
        let ready = program.ready("/_sandbox/clock")?;
        let (endpoint, came) = receiver()?;
        let url = format!("url=http://{endpoint}/webhook&{ENDPOINT}");
        post(&program, "/v1/webhook_endpoints", &url)?;
        let price = "currency=eur&unit_amount=1200&product_data[name]=Tea";
        let price = post(&program, "/v1/prices", price)?;
        Ok(Self { program, ready, came, price, sessions: Vec::new(), paid: 0 })
    }

    /// Sessions a second, from the first request until the endpoint has been told of all.
    fn buy(&mut self, count: usize) -> Result<f64> {
        let begun = Instant::now();
        let mut open = vec![None; CONNECTIONS];
        let mut paid = 0;
        let mut load = Buying { count, shop: self, open: &mut open, paid: &mut paid };
        let report = drive(load.shop.program.address, CONNECTIONS, Pace::Closed, &mut load, LIMIT)?;
        ensure!(report.refused == 0, "{} requests were refused", report.refused);
        self.paid += paid;
        while self.came.load(Ordering::Relaxed) < self.paid {
            if begun.elapsed() > LIMIT {
                bail!("{} of {} deliveries came", self.came.load(Ordering::Relaxed), self.paid);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let paid = paid as f64;
        Ok(paid / begun.elapsed().as_secs_f64())
    }

    fn retrieve(&self, count: usize) -> Result<f64> {
        let load = Retrieving { count, sessions: &self.sessions };
        let report = drive(self.program.address, CONNECTIONS, Pace::Closed, load, LIMIT)?;
        ensure!(report.refused == 0, "{} requests were refused", report.refused);
        Ok(report.per_second())
    }
}

/// Every connection makes a session, pays it, and begins again.
struct Buying<'a> {
    count: usize,
    shop: &'a mut Shop,
    open: &'a mut [Option<String>],
    paid: &'a mut u64,
}

impl Load for &mut Buying<'_> {
    fn total(&self) -> usize {
        2 * self.count
    }

    fn render(&mut self, _number: usize, connection: usize, out: &mut Vec<u8>) {
        out.clear();
        let request = match &self.open[connection] {
            None => whole("/v1/checkout/sessions", &format!("{LINE}{}", self.shop.price)),
            Some(session) => whole("/_sandbox/pay", &format!("{{\"session\":\"{session}\"}}")),
        };
        out.extend_from_slice(request.as_bytes());
    }

    fn answered(&mut self, connection: usize, answer: &[u8]) {
        match self.open[connection].take() {
            Some(session) => {
                *self.paid += 1;
                self.shop.sessions.push(session);
            }
            None => self.open[connection] = id(answer, "cs_test_"),
        }
    }
}

struct Retrieving<'a> {
    count: usize,
    sessions: &'a [String],
}

impl Load for Retrieving<'_> {
    fn total(&self) -> usize {
        self.count
    }

    fn render(&mut self, number: usize, _connection: usize, out: &mut Vec<u8>) {
        // A stride that is prime to any count visits them all, near and far.
        let session = &self.sessions[number * 7_919 % self.sessions.len()];
        out.clear();
        out.extend_from_slice(
            format!(
                "GET /v1/checkout/sessions/{session}?expand[]=line_items HTTP/1.1\r\n{HEAD}\r\n"
            )
            .as_bytes(),
        );
    }
}

fn whole(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\n{HEAD}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn post(program: &Program, path: &str, form: &str) -> Result<String> {
    let mut stream = std::net::TcpStream::connect(program.address)?;
    let (status, answer) = http::converse(&mut stream, whole(path, form).as_bytes())?;
    let text = String::from_utf8_lossy(&answer);
    ensure!(status == 200, "{path} answered {status}: {text}");
    id(&answer, "\"id\":\"").map(|id| id[6..].to_owned()).context("an object without an id")
}

/// The first word in an answer that begins so, up to the next quote.
fn id(answer: &[u8], begins: &str) -> Option<String> {
    let at = answer.windows(begins.len()).position(|window| window == begins.as_bytes())?;
    let rest = &answer[at + begins.len()..];
    let end = rest.iter().position(|&byte| byte == b'"')?;
    Some(begins.to_owned() + std::str::from_utf8(&rest[..end]).ok()?)
}

/// An endpoint that answers 200 to everything, on a thread of its own; what came is counted.
fn receiver() -> Result<(SocketAddr, Arc<AtomicU64>)> {
    let came = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&came);
    let (say, hear) = channel();
    std::thread::spawn(move || -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            say.send(listener.local_addr()?)?;
            loop {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(take(stream, Arc::clone(&counted)));
            }
        })
    });
    Ok((hear.recv()?, came))
}

async fn take(mut stream: TcpStream, came: Arc<AtomicU64>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::with_capacity(16 << 10);
    while stream.read_buf(&mut bytes).await? > 0 {
        while let Some(length) = http::length(&bytes)?
            && length <= bytes.len()
        {
            came.fetch_add(1, Ordering::Relaxed);
            bytes.drain(..length);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
        }
    }
    Ok(())
}
