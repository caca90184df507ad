//! `cargo xtask bench`: the promises of speed and size, measured from outside. It speaks to the
//! program as Stripe, a buyer and a merchant do, over loopback, and imports nothing of it.

mod acks;
mod bare;
mod baseline;
mod generator;
mod http;
mod machine;
mod merchant;
mod orders;
mod page;
mod program;
mod sale;
mod sandbox;
mod start;
mod stub;
mod table;
mod template;

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};

use self::{
    program::{Database, Home},
    sale::Webhooks,
    table::{Row, Table},
};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only this part; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// The database.
    #[arg(long, value_enum, default_value_t = Which::Both)]
    db: Which,
    /// Short runs: a look, not a figure to quote.
    #[arg(long)]
    quick: bool,
    /// Measure the binary as it lies there.
    #[arg(long)]
    no_build: bool,
    /// The program; nothing is built.
    #[arg(long)]
    binary: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Deliveries acked a second, against a server that only verifies them.
    Acks,
    /// A lone delivery.
    Lone,
    /// Deliveries at half of the maximum.
    Latency,
    /// Orders fulfilled a second.
    Orders,
    /// The landing page of a new payment, and of orders that are fulfilled.
    Page,
    /// A search among 100,000 orders, and all of them as CSV.
    Merchant,
    /// From start to first ack, and idle memory.
    Start,
    /// The pretend Stripe: sessions created, paid and delivered a second, and retrieved.
    Sandbox,
    /// The binary's size.
    Size,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Sqlite,
    Postgres,
    Both,
}

/// Processes that the bench starts beside the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Child {
    #[command(hide = true)]
    BenchBaseline,
    #[command(hide = true)]
    BenchStub {
        #[arg(long)]
        products: u64,
        #[arg(long)]
        delay_ms: u64,
    },
}

impl Child {
    /// Serves until the bench lets go.
    pub(crate) fn serve(self) -> Result<()> {
        match self {
            Self::BenchBaseline => baseline::serve(),
            Self::BenchStub { products, delay_ms } => {
                stub::serve(products, Duration::from_millis(delay_ms))
            }
        }
    }
}

type Measure = fn(&mut Bench, Database<'_>) -> Result<()>;

/// A run: what all parts share.
struct Bench {
    binary: PathBuf,
    quick: bool,
    table: Table,
    /// The number of the next session that nobody has heard of.
    next: u64,
}

impl Bench {
    fn home(&self, database: Database<'_>, pairs: usize) -> Result<Home> {
        Home::new(&self.binary, database, pairs)
    }

    /// Deliveries for sessions that were never told of before.
    fn webhooks(&mut self, count: usize) -> Webhooks {
        let first = self.next;
        self.next += count as u64;
        Webhooks::signed(first, count)
    }

    fn group(&mut self, name: &str, database: Database<'_>, fsync_ms: f64, rows: Vec<Row>) {
        let title = format!("{name}, {} (fdatasync {fsync_ms:.2} ms)", database.name());
        self.table.push(title, rows);
    }
}

/// Measures and prints the table. A missed promise is told, not an error; what cannot be measured is.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = program(options)?;
    println!("{}\n{}", machine::describe(), machine::busy()?);
    let asked = |part| options.only.is_empty() || options.only.contains(&part);
    let cluster = match options.db {
        Which::Sqlite => None,
        Which::Postgres | Which::Both if without_database(&options.only) => None,
        Which::Postgres | Which::Both => Some(bare::cluster()?),
    };
    let mut databases = Vec::new();
    if options.db != Which::Postgres {
        databases.push(Database::Sqlite);
    }
    databases.extend(cluster.as_ref().map(Database::Postgres));
    let mut bench = Bench { binary, quick: options.quick, table: Table::default(), next: 1 };
    let mut failed = 0;
    let parts: [(Part, Measure); 7] = [
        (Part::Acks, acks::acks),
        (Part::Lone, acks::lone),
        (Part::Latency, acks::latency),
        (Part::Orders, orders::orders),
        (Part::Page, page::page),
        (Part::Merchant, merchant::merchant),
        (Part::Start, start::start),
    ];
    for (part, measure) in parts.into_iter().filter(|(part, _)| asked(*part)) {
        for &database in &databases {
            if let Err(error) = measure(&mut bench, database) {
                eprintln!("{part:?}, {}: {error:#}", database.name());
                failed += 1;
            }
        }
    }
    if asked(Part::Sandbox)
        && let Err(error) = sandbox::sandbox(&mut bench)
    {
        eprintln!("Sandbox: {error:#}");
        failed += 1;
    }
    if asked(Part::Size) {
        let row = start::size(&bench.binary)?;
        bench.table.push("size".into(), vec![row]);
    }
    println!("{}", bench.table);
    let missed = bench.table.missed();
    println!("{missed} missed, {failed} not measured");
    ensure!(failed == 0, "{failed} parts could not be measured");
    Ok(())
}

fn without_database(only: &[Part]) -> bool {
    !only.is_empty() && only.iter().all(|part| matches!(part, Part::Sandbox | Part::Size))
}

fn program(options: &Options) -> Result<PathBuf> {
    if let Some(binary) = &options.binary {
        return binary.canonicalize().with_context(|| format!("no program at {binary:?}"));
    }
    if !options.no_build {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--locked", "-p", "fulfilld"]);
        let status = cargo.current_dir(crate::root()).status().context("cannot run cargo")?;
        if !status.success() {
            bail!("fulfilld was not built");
        }
    }
    // This binary lies beside it.
    let here = std::env::current_exe()?;
    let binary = here.with_file_name("fulfilld");
    ensure!(
        binary.exists(),
        "there is no {binary:?}: leave out --no-build, or name it with --binary"
    );
    Ok(binary)
}
