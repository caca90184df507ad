//! The processes of a run: the program under test, and our own children. All die with their handle.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::{
    bare::{create_database, drop_database},
    http, machine,
    sale::{SECRET, Webhooks},
};
use crate::postgres::Cluster;

/// Bearer token of the program's API.
pub(crate) const TOKEN: &str = "bench-token-4f6a1d0c9be2";

/// Ends this process when its parent has gone: a child of ours holds the other end.
pub(crate) fn end_with_stdin() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This binary again, as the baseline or the stub.
pub(crate) struct Side {
    pub(crate) address: SocketAddr,
    _process: Killed,
    _stdin: ChildStdin,
}

impl Side {
    /// Starts a hidden subcommand that says its address on the first line.
    pub(crate) fn start(args: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Killed(command.spawn().context("cannot start ourselves again")?);
        let stdin = process.0.stdin.take().context("no standard input")?;
        let stdout = process.0.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("{args:?} said {line:?}"))?;
        Ok(Self { address, _process: process, _stdin: stdin })
    }

    /// The baseline server.
    pub(crate) fn baseline() -> Result<Self> {
        Self::start(&["bench-baseline"])
    }

    /// The constant Stripe.
    pub(crate) fn stub(products: usize, delay: Duration) -> Result<Self> {
        let (products, delay) = (products.to_string(), delay.as_millis().to_string());
        Self::start(&["bench-stub", "--products", &products, "--delay-ms", &delay])
    }
}

/// Which database the program keeps its rows in.
#[derive(Clone, Copy)]
pub(crate) enum Database<'a> {
    Sqlite,
    Postgres(&'a Cluster),
}

impl Database<'_> {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// A folder, a catalog and an empty database; all gone when dropped.
pub(crate) struct Home {
    folder: TempDir,
    binary: PathBuf,
    database: String,
    postgres: Option<String>,
}

impl Home {
    /// `pairs` pairs of products: one with stock, one with a grant.
    pub(crate) fn new(binary: &Path, database: Database<'_>, pairs: usize) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("fulfilld-bench-").tempdir()?;
        fs::write(folder.path().join("fulfilld.toml"), catalog(pairs))?;
        let (database, postgres) = match database {
            Database::Sqlite => {
                (format!("sqlite:{}", folder.path().join("fulfilld.db").display()), None)
            }
            Database::Postgres(cluster) => {
                let url = create_database(&cluster.url())?;
                (url.clone(), Some(url))
            }
        };
        Ok(Self { folder, binary: binary.to_owned(), database, postgres })
    }

    /// Where the data lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts `serve`, not waiting until it is ready.
    pub(crate) fn spawn(&self, rate: &str, stub: SocketAddr) -> Result<Program> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = fs::File::create(self.log())?;
        let begun = Instant::now();
        let process = Command::new(&self.binary)
            .arg("serve")
            .current_dir(self.folder())
            .env("STRIPE_SECRET_KEY", "sk_test_bench51QwB7WZ01zgkW")
            .env("STRIPE_WEBHOOK_SECRET", SECRET)
            .env("STRIPE_API_BASE", format!("http://{stub}"))
            .env("STRIPE_API_RATE", rate)
            .env("DATABASE_URL", &self.database)
            .env("FULFILLD_DATA", self.folder())
            .env("FULFILLD_LISTEN", address.to_string())
            .env("FULFILLD_API_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {:?}", self.binary))?;
        Ok(Program { address, begun, process: Killed(process), log: self.log() })
    }

    /// Starts `serve` and waits until it is ready.
    pub(crate) fn start(&self, rate: &str, stub: SocketAddr) -> Result<Program> {
        let mut program = self.spawn(rate, stub)?;
        program.wait(|address| Ok(http::get(address, "/readyz", None)?.0 == 200))?;
        Ok(program)
    }

    fn log(&self) -> PathBuf {
        self.folder().join("log")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let dropped = self.postgres.as_deref().map_or(Ok(()), drop_database);
        if let Err(error) = dropped {
            eprintln!("a database was left behind: {error:#}");
        }
    }
}

fn catalog(pairs: usize) -> String {
    let mut products = String::new();
    let mut stock = String::from("\n[stock]\n");
    for n in 0..pairs {
        products.push_str(&format!(
            "[[product]]\nid = \"prod_BenchShirt{n:04}\"\nstock = {{ sku = \"SHIRT-{n:04}\", oversell = \"hold\" }}\n\n\
             [[product]]\nid = \"prod_BenchCourse{n:04}\"\ngrant = {{ access = \"course-{n:04}\", days = 365, url = \"https://example.com/course/{n:04}\" }}\n\n"
        ));
        stock.push_str(&format!("SHIRT-{n:04} = 1000000\n"));
    }
    products + &stock
}

/// Starts `sandbox` in a folder, not waiting until it is ready.
pub(crate) fn spawn_sandbox(binary: &Path, folder: &Path, more: &[&str]) -> Result<Program> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let log = folder.join("log");
    let file = fs::File::create(&log)?;
    let begun = Instant::now();
    let process = Command::new(binary)
        .args(["sandbox", "--seed", "7", "--port", &address.port().to_string()])
        .args(more)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot start {binary:?}"))?;
    Ok(Program { address, begun, process: Killed(process), log })
}

/// A running `fulfilld`; killed when dropped.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    /// When it was started.
    pub(crate) begun: Instant,
    process: Killed,
    log: PathBuf,
}

impl Program {
    /// Resident memory in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        machine::resident_bytes(self.process.0.id())
    }

    /// Waits until the first of `webhooks` that is answered 200; the time since the start.
    pub(crate) fn first_ack(&mut self, webhooks: &Webhooks) -> Result<Duration> {
        let mut request = Vec::new();
        webhooks.render(0, &mut request);
        self.wait(|address| {
            let mut stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            Ok(http::exchange(&mut stream, &request)? == 200)
        })?;
        Ok(self.begun.elapsed())
    }

    /// Waits until a page is answered 200; the time since the start.
    pub(crate) fn ready(&mut self, path: &str) -> Result<Duration> {
        self.wait(|address| Ok(http::get(address, path, None)?.0 == 200))?;
        Ok(self.begun.elapsed())
    }

    fn wait(&mut self, ready: impl Fn(SocketAddr) -> Result<bool>) -> Result<()> {
        while !ready(self.address).unwrap_or(false) {
            if let Some(status) = self.process.0.try_wait()? {
                bail!("the program ended with {status}; it said:\n{}", self.said());
            }
            if self.begun.elapsed() > Duration::from_secs(30) {
                bail!("the program is not ready after 30 s; it said:\n{}", self.said());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// The end of its log.
    pub(crate) fn said(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let tail = &log[log.len().saturating_sub(2000)..];
        String::from_utf8_lossy(tail).into_owned()
    }
}
