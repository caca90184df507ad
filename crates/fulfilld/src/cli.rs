//! The command line: one definition yields the parser and the help.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use fulfill::{reports::Report, rules::order::Status};

/// Every paid Stripe Checkout Session is fulfilled, once, and you can prove it.
#[derive(Debug, Parser)]
#[command(name = "fulfilld", version, long_about = long_about(), after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// The settings file; fulfilld.toml in the working folder if left out
    #[arg(long, global = true, value_name = "FILE", help_heading = "For every command")]
    pub(crate) config: Option<PathBuf>,
    /// What is logged: warn, info, fulfill=debug…
    #[arg(
        long,
        global = true,
        env = "RUST_LOG",
        value_name = "FILTER",
        help_heading = "For every command"
    )]
    pub(crate) log: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

fn long_about() -> String {
    format!(
        "Every paid Stripe Checkout Session is fulfilled, once, and you can prove it.\n\n\
         Settings come from fulfilld.toml in the working folder (or --config FILE) and from the \
         environment, which wins. Variables, and what they are called in the file:\n\n{}",
        crate::config::variables().trim_end()
    )
}

const EXAMPLES: &str = "\
Examples:
  fulfilld demo                                    try it: no account, no settings
  fulfilld endpoint create --url https://shop.example.com/webhook
  fulfilld serve                                   fulfill what is paid, from now on
  fulfilld orders list --status needs_attention    what waits for you
  fulfilld keys import editor keys.txt             one license key a line
  fulfilld fulfill cs_live_a1B2…                   look at a session now";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sandbox and service together, to try everything: no account, no settings
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// Take webhooks, fulfill orders, answer landing page and API
    ///
    /// Checks all settings first and names every mistake at once. SIGTERM or Ctrl-C stops gently:
    /// what is under way is finished; a second signal ends at once, and nothing is lost either way.
    Serve(ServeArgs),
    /// A pretend Stripe, offline, for tests in any language
    #[command(after_help = SANDBOX_EXAMPLES)]
    Sandbox(SandboxArgs),
    /// Look at Checkout Sessions now, and fulfill those that are paid
    ///
    /// Safe at any time and any number of times, beside a running `serve` or without one. Ends with
    /// 0 when every session is fulfilled.
    Fulfill(FulfillArgs),
    /// See orders, and settle by hand what is held
    Orders {
        #[command(subcommand)]
        command: OrdersCommand,
    },
    /// License keys to sell
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Goods on the shelf
    Stock {
        #[command(subcommand)]
        command: StockCommand,
    },
    /// Look at the mails that go out, and write your own
    Mail {
        #[command(subcommand)]
        command: MailCommand,
    },
    /// The merchant's pages: who may sign in
    Dashboard {
        #[command(subcommand)]
        command: DashboardCommand,
    },
    /// Orders, lines or stock movements as CSV, for spreadsheets and bookkeeping
    ///
    /// Amounts are decimal numbers, moments are in UTC, and text that a spreadsheet would calculate with
    /// has an apostrophe in front. Any number of rows takes the same memory.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// The webhook endpoint at Stripe
    Endpoint {
        #[command(subcommand)]
        command: EndpointCommand,
    },
}

const DEMO_EXAMPLES: &str = "\
Examples:
  fulfilld demo                               open http://localhost:4242/ and buy something
  fulfilld demo --buy                         one purchase by card, over HTTP, and its order
  fulfilld demo --buy --method debit-fails    a bank debit that comes back
  fulfilld demo --buy --count 1000            a rush
  fulfilld demo --buy --lines 40 --json       an order of 40 lines, as the API tells it";

#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// Where the shop and the service listen
    #[arg(long, value_name = "PORT", default_value_t = 4242)]
    pub(crate) port: u16,
    /// Where the sandbox listens
    #[arg(long, value_name = "PORT", default_value_t = 12_111)]
    pub(crate) sandbox_port: u16,
    /// Folder for the demo's own database, which begins anew each time
    #[arg(long, value_name = "FOLDER", default_value = "fulfilld-demo")]
    pub(crate) data: PathBuf,
    /// Buy as a buyer's browser would, on temporary data and free ports, then stop
    #[arg(long)]
    pub(crate) buy: bool,
    /// How the purchase is paid
    #[arg(long, value_enum, default_value_t, requires = "buy")]
    pub(crate) method: Method,
    /// Lines of each order, 1 to 100
    #[arg(long, default_value_t = 1, requires = "buy", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) lines: u16,
    /// How many purchases
    #[arg(long, default_value_t = 1, requires = "buy", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) count: u32,
    /// Print orders as the API tells them, one a line
    #[arg(long, requires = "buy")]
    pub(crate) json: bool,
}

/// How a purchase is paid, and how that ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// A card: paid at once
    #[default]
    Card,
    /// A bank debit: paid some time later
    Debit,
    /// A bank debit that fails some time later
    DebitFails,
    /// Nothing to pay
    Free,
    /// A card that the bank declines
    Declined,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// How long a stop waits for what is under way
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub(crate) grace: u64,
}

const SANDBOX_EXAMPLES: &str = "\
Examples:
  fulfilld sandbox --forward-to http://localhost:4242/webhook
  fulfilld sandbox --data shop.data --seed 7       ids repeat, and everything is there tomorrow
  fulfilld sandbox --faults faults.json            [{\"kind\": \"status\", \"status\": 429, \"chance\": 0.1}]
  fulfilld sandbox clock advance 3d                three days pass in the one that runs
  STRIPE_API_BASE=http://127.0.0.1:12111 STRIPE_SECRET_KEY=sk_test_sandbox fulfilld serve
  curl http://127.0.0.1:12111/v1/products -u sk_test_sandbox: -d name=Course";

/// How long a debit takes when nobody says.
pub(crate) const SETTLE_SECONDS: f64 = 2.0;

#[derive(Debug, Clone, Args)]
pub(crate) struct SandboxArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SandboxCommand>,
    /// Where it listens; 0 for a free port
    #[arg(long, global = true, default_value_t = 12_111)]
    pub(crate) port: u16,
    /// A Unix socket to listen on, too
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// Keep everything in this file, and go on where it ends; a crash loses nothing that was answered
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Send every event here, signed, and say each one and its answer
    #[arg(long, value_name = "URL")]
    pub(crate) forward_to: Option<String>,
    /// The same calls give the same ids and events from run to run, but for the times in them
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How long a bank debit takes
    #[arg(long, value_name = "SECONDS", default_value_t = SETTLE_SECONDS)]
    pub(crate) settle: f64,
    /// Trouble from the start: a JSON list of what POST /_sandbox/faults takes
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum SandboxCommand {
    /// See the clock of a sandbox that runs, and turn it
    #[command(after_help = CLOCK_EXAMPLES)]
    Clock(ClockArgs),
}

const CLOCK_EXAMPLES: &str = "\
Examples:
  fulfilld sandbox clock                       what time it is there
  fulfilld sandbox clock advance 3d            debits arrive, retries go out
  fulfilld sandbox clock advance 24h --port 8000
  fulfilld sandbox clock advance 1h30m --url http://127.0.0.1:12111";

#[derive(Debug, Clone, Args)]
pub(crate) struct ClockArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ClockCommand>,
    /// Where it is, if not on this machine's loopback
    #[arg(long, global = true, value_name = "URL", conflicts_with = "port")]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ClockCommand {
    /// Set it forward, and carry out what is due then
    #[command(after_help = CLOCK_EXAMPLES)]
    Advance {
        /// 30s, 15m, 2h, 3d, 1w, or several together: 1d12h
        #[arg(value_parser = crate::sandbox_clock::duration)]
        by: Duration,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct FulfillArgs {
    /// Checkout Sessions, cs_test_… or cs_live_…
    #[arg(required = true, value_name = "CS_ID", num_args = 1..=1_000)]
    pub(crate) ids: Vec<String>,
    /// How long to wait for each
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) wait: u64,
    /// Print orders as the API tells them, one a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum OrdersCommand {
    /// The newest orders
    List(ListArgs),
    /// Everything about one order: what was bought, what went out, what happened when
    Show(ShowArgs),
    /// Let go of what is held: it is not owed any more
    Waive(ByHandArgs),
    /// Note that what is held was done outside this program
    FulfillByHand(ByHandArgs),
    /// Parcels leave: take them off the packing list, and tell the buyer by mail
    Ship(ShipArgs),
    /// Write something into an order's timeline, for the merchant's eyes
    Note(NoteArgs),
    /// Send a mail to the buyer again
    Resend(ResendArgs),
    /// Put aside what is stuck, such as a mail to an address that does not exist
    PutAside(PutAsideArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ShipArgs {
    /// The order's Checkout Session
    #[arg(value_name = "CS_ID")]
    pub(crate) id: String,
    /// Who carries it
    #[arg(long)]
    pub(crate) carrier: Option<String>,
    /// The number it can be followed by
    #[arg(long)]
    pub(crate) tracking: Option<String>,
    /// Where it can be followed
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Only this line (li_…); may be given several times. A line that has left is corrected. All
    /// parcels that wait if left out
    #[arg(long = "line", value_name = "LI_ID")]
    pub(crate) lines: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NoteArgs {
    /// The order's Checkout Session
    #[arg(value_name = "CS_ID")]
    pub(crate) id: String,
    /// What to remember
    pub(crate) text: String,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct PutAsideArgs {
    /// The order's Checkout Session
    #[arg(value_name = "CS_ID")]
    pub(crate) id: String,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ResendArgs {
    /// The order's Checkout Session
    #[arg(value_name = "CS_ID")]
    pub(crate) id: String,
    /// receipt, access, payment_pending, payment_failed or shipped
    pub(crate) mail: String,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ListArgs {
    /// Only orders that stand here
    #[arg(long, value_parser = status)]
    pub(crate) status: Option<Status>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=100))]
    pub(crate) limit: i64,
    /// Those before this session
    #[arg(long, value_name = "CS_ID")]
    pub(crate) after: Option<String>,
    /// A session id, mail address, license key, or part of a name
    #[arg(long, value_name = "TEXT")]
    pub(crate) q: Option<String>,
    /// As the API tells it
    #[arg(long)]
    pub(crate) json: bool,
}

fn status(word: &str) -> Result<Status, String> {
    Status::parse(word).ok_or_else(|| {
        let known: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
        format!("one of {}", known.join(", "))
    })
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ShowArgs {
    /// The order's Checkout Session
    #[arg(value_name = "CS_ID")]
    pub(crate) id: String,
    /// As the API tells it
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ByHandArgs {
    /// The order's Checkout Session
    #[arg(value_name = "CS_ID")]
    pub(crate) id: String,
    /// Only this line (li_…); may be given several times. Everything that is held if left out
    #[arg(long = "line", value_name = "LI_ID")]
    pub(crate) lines: Vec<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum KeysCommand {
    /// Import license keys, one a line; safe to repeat
    ///
    /// Keys are sold in the order of the file. Keys that the pool has already stay as they are. Orders
    /// that waited for keys get theirs at once, the oldest first.
    Import {
        /// The pool, as the catalog names it: key = { pool = "…" }
        pool: String,
        /// A text file, or - for standard input
        file: PathBuf,
    },
    /// All pools: keys that are free, that were drawn, and that orders wait for
    List,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum StockCommand {
    /// Put units on the shelf; orders that waited for them get theirs at once, the oldest first
    Add {
        /// The SKU, as the catalog names it: stock = { sku = "…" }
        sku: String,
        /// How many more
        #[arg(value_parser = clap::value_parser!(i64).range(1..=1_000_000_000))]
        units: i64,
        /// Where they come from, for whoever asks later
        #[arg(long)]
        why: Option<String>,
    },
    /// Say how many units are there, as they were counted
    Set {
        /// The SKU, as the catalog names it: stock = { sku = "…" }
        sku: String,
        /// How many
        #[arg(value_parser = clap::value_parser!(i64).range(0..=1_000_000_000))]
        units: i64,
        /// Why it is not what it was, for whoever asks later
        #[arg(long)]
        why: Option<String>,
    },
    /// All shelves: units there, owed on backorder, and lines that wait
    List,
}

const REPORT_EXAMPLES: &str = "\
Examples:
  fulfilld report orders --output orders.csv
  fulfilld report lines --from 2026-11-01 --until 2026-11-30 --bom --output november.csv
  fulfilld report stock --from 2026-11-05T09:30:00+01:00 | less";

#[derive(Debug, Clone, Args)]
pub(crate) struct ReportArgs {
    /// What is reported: one row an order, a line of an order, or a change of a shelf
    #[arg(value_name = "orders|lines|stock", value_parser = report)]
    pub(crate) report: Report,
    /// The first day (of the shop's time zone), or a moment; an order counts from when it was first heard of
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// The last day, which is included; or a moment, which is not
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<String>,
    /// Into this file, which is replaced once all is written; standard output if left out
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Begin with a byte order mark: some spreadsheets need it to read umlauts
    #[arg(long)]
    pub(crate) bom: bool,
}

fn report(name: &str) -> Result<Report, String> {
    Report::named(name)
        .ok_or_else(|| format!("one of {}", Report::ALL.map(Report::name).join(", ")))
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum DashboardCommand {
    /// Print a link that lets somebody in, once, within a day
    ///
    /// Whoever opens it chooses a name and a password. With a name that is there already they choose a
    /// new password: for when one is lost.
    Link,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum EndpointCommand {
    /// Make the endpoint at Stripe with exactly the events needed, and print its secret once
    Create {
        /// Where Stripe reaches `serve`, as `https://shop.example.com/webhook`
        #[arg(long)]
        url: String,
        /// Make another one, though there is one with this URL
        #[arg(long)]
        again: bool,
        /// Print {"id", "url", "secret"}
        #[arg(long)]
        json: bool,
    },
}

const MAIL_EXAMPLES: &str = "\
Examples:
  fulfilld mail preview                        every mail in every language, in the browser
  fulfilld mail test you@example.com           whether mail gets out
  fulfilld mail templates mail                 the words as files, to change them";

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum MailCommand {
    /// See every mail in every language in the browser; nothing is sent
    ///
    /// Uses the shop's settings and templates; needs no keys. A page that is loaded again reads the
    /// templates again.
    #[command(after_help = MAIL_EXAMPLES)]
    Preview {
        /// Where the pages are; 0 for a free port
        #[arg(long, default_value_t = 4244)]
        port: u16,
    },
    /// Send one mail now, and see what the mail server says
    ///
    /// A receipt about an order that never was goes to the address that you name.
    #[command(after_help = MAIL_EXAMPLES)]
    Test {
        /// Who gets it
        #[arg(value_name = "ADDRESS")]
        to: String,
    },
    /// Write the built-in templates into a folder, as a start for your own
    ///
    /// Keep what you change and delete the rest: what is not there stays built in. Files that are
    /// there already are left as they are.
    #[command(after_help = MAIL_EXAMPLES)]
    Templates {
        /// The folder; mail beside the settings file is used unasked
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}
