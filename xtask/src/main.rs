//! The project's own commands: `cargo xtask test` sets up what the tests need and runs them all.
#![expect(clippy::disallowed_methods, reason = "a tool asks the time and the environment itself")]

#[cfg(feature = "bench")]
mod bench;
mod commands;
mod postgres;
mod tools;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Sets up what the tests need (PostgreSQL, Stripe's CLI and SDKs, a browser) and runs
    /// everything: format, lints, tests, docs.
    Test {
        /// Tests only: no format, lints and docs. For the inner loop.
        #[arg(long)]
        fast: bool,
        /// Handed to `cargo test`.
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Installs Stripe's CLI and SDKs below `target/tools`, as `test` does, and says where.
    Tools,
    /// Runs a command with a private PostgreSQL in `FULFILLD_TEST_POSTGRES`.
    Postgres {
        /// Leave fsync on, as in production.
        #[arg(long)]
        durable: bool,
        /// The command.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Measures speed and size of the release build; `cargo xtask bench --help` says what.
    #[cfg(not(feature = "bench"))]
    #[command(disable_help_flag = true)]
    Bench {
        /// Handed to the release build of this command.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Measures speed and size of the release build.
    #[cfg(feature = "bench")]
    Bench(bench::Options),
    #[cfg(feature = "bench")]
    #[command(flatten)]
    Child(bench::Child),
}

fn main() -> ExitCode {
    match run(Args::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Test { fast, rest } => test(fast, &rest),
        Task::Tools => {
            println!("{}", tools::ready(&root())?.display());
            Ok(())
        }
        Task::Postgres { durable, command } => {
            let cluster = postgres::Cluster::start(durable)?;
            let (program, args) = command.split_first().context("no command given")?;
            let status = Command::new(program)
                .args(args)
                .env("FULFILLD_TEST_POSTGRES", cluster.url())
                .status()
                .with_context(|| format!("cannot run {program}"))?;
            drop(cluster);
            if status.success() { Ok(()) } else { bail!("{program} ended with {status}") }
        }
        #[cfg(not(feature = "bench"))]
        Task::Bench { rest } => bench(&rest),
        #[cfg(feature = "bench")]
        Task::Bench(options) => bench::run(&options),
        #[cfg(feature = "bench")]
        Task::Child(child) => child.serve(),
    }
}

/// The bench takes the cores it measures on, so it runs as a release build; and only it needs the
/// dependencies behind the feature.
#[cfg(not(feature = "bench"))]
fn bench(args: &[String]) -> Result<()> {
    let build = ["run", "--release", "--locked", "-p", "xtask", "--features", "bench", "--"];
    let mut command = Command::new("cargo");
    let status = command.args(build).arg("bench").args(args).current_dir(root()).status()?;
    if status.success() { Ok(()) } else { bail!("the bench ended with {status}") }
}

/// What the tests find outside.
struct World {
    postgres: String,
    tools: PathBuf,
}

struct Step {
    name: &'static str,
    took: Duration,
    failed: bool,
}

fn test(fast: bool, rest: &[String]) -> Result<()> {
    let mut steps = Vec::new();
    let begun = Instant::now();
    let cluster = postgres::Cluster::start(false).context("PostgreSQL for the tests")?;
    steps.push(Step { name: "postgresql", took: begun.elapsed(), failed: false });
    let begun = Instant::now();
    let tools = tools::ready(&root()).context("Stripe's tools and a browser for the tests")?;
    steps.push(Step { name: "tools", took: begun.elapsed(), failed: false });
    let world = World { postgres: cluster.url(), tools };
    if !fast {
        steps.push(cargo("format", &["fmt", "--all", "--check"], &world));
        let lint =
            ["clippy", "--locked", "--workspace", "--all-targets", "--features", "xtask/bench"];
        let lint = [&lint[..], &["--", "-D", "warnings"]].concat();
        steps.push(cargo("lints", &lint, &world));
    }
    let mut tests = vec!["test", "--locked", "--workspace", "--no-fail-fast"];
    tests.extend(rest.iter().map(String::as_str));
    steps.push(cargo("tests", &tests, &world));
    if !fast {
        steps.push(cargo("docs", &["doc", "--locked", "--workspace", "--no-deps"], &world));
    }
    drop(cluster);
    println!("\n{:<12} {:>8}  result", "step", "seconds");
    for step in &steps {
        let result = if step.failed { "FAILED" } else { "ok" };
        println!("{:<12} {:>8.1}  {result}", step.name, step.took.as_secs_f64());
    }
    let failed: Vec<&str> = steps.iter().filter(|s| s.failed).map(|s| s.name).collect();
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn cargo(name: &'static str, args: &[&str], world: &World) -> Step {
    println!("== {name}: cargo {}", args.join(" "));
    let begun = Instant::now();
    let status = Command::new("cargo")
        .args(args)
        .current_dir(root())
        .env("FULFILLD_TEST_POSTGRES", &world.postgres)
        .env("FULFILLD_TEST_TOOLS", &world.tools)
        .env("RUSTDOCFLAGS", "-D warnings")
        .status();
    let failed = !status.is_ok_and(|status| status.success());
    Step { name, took: begun.elapsed(), failed }
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
