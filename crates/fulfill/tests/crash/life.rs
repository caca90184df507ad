//! An order's life, told to a process that may stop at any commit: whatever got no answer is said
//! again, as Stripe, buyers and merchants do.

use std::{
    net::TcpListener,
    os::{fd::OwnedFd, unix::process::ExitStatusExt as _},
    process::Stdio,
    time::Duration,
};

use fulfill_sandbox::{Clock, Fault, Method, PostalAddress, Purchase, Sandbox, ShipTo, Trouble};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    child::{Part, Point, Progress, TOKEN, VARIABLE},
    database::{self, Inside, Kind},
    snapshot::Snapshot,
};

/// A life that takes so long hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// Monday, 2 November 2026.
const START: i64 = 1_793_577_600_000;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
/// How long a debit is on its way: less than a signature may be off, since the clocks are turned one
/// after the other.
const SETTLE: i64 = 2 * MINUTE;
const EVENTS: [&str; 2] =
    ["checkout.session.completed", "checkout.session.async_payment_succeeded"];
/// Rounds of a wait.
const ROUNDS_MAX: usize = 2_000;
/// SIGABRT.
const ABORTED: i32 = 6;

/// How a life went.
pub(crate) struct Ended {
    pub(crate) crashed: bool,
    /// A job of the outside work was done twice, under one key.
    pub(crate) worked_twice: bool,
    /// The names of the commits.
    pub(crate) trace: Vec<String>,
    pub(crate) snapshot: Snapshot,
    /// What the process logged.
    pub(crate) said: String,
}

/// Leads one life, whose process stops at `crash`.
pub(crate) async fn lead(kind: Kind, crash: Option<Point>) -> Ended {
    let name = crash.as_ref().map_or("no crash".to_owned(), ToString::to_string);
    let mut life = Life::begin(kind, crash).await;
    let told = tokio::time::timeout(PATIENCE, life.tell()).await;
    assert!(told.is_ok(), "a life with {name} hangs; its process said:\n{}", life.said());
    life.end().await
}

struct Life {
    kind: Kind,
    sandbox: Sandbox,
    /// Open as long as the life: whoever calls while no process runs is served by the next one.
    listener: TcpListener,
    url: String,
    part: Part,
    process: Child,
    /// What the service's clock shows.
    now: i64,
    crashed: bool,
    http: reqwest::Client,
    folder: TempDir,
}

impl Life {
    async fn begin(kind: Kind, crash: Option<Point>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::builder()
            .port(0)
            .seed(7)
            .settle(Duration::from_millis(SETTLE.unsigned_abs()))
            .clock(Clock::manual(START))
            .start()
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let endpoint = format!("{url}/webhook");
        let mut form = vec![("url", endpoint.as_str())];
        form.extend(EVENTS.map(|event| ("enabled_events[]", event)));
        let part = Part {
            database: database::create(kind, folder.path()).await,
            api_base: sandbox.url().to_owned(),
            key: sandbox.secret_key().to_owned(),
            secret: stripe(&http, &sandbox, "webhook_endpoints", &form).await["secret"]
                .as_str()
                .unwrap()
                .to_owned(),
            now: START,
            crash,
            trace: folder.path().join("trace"),
            ledger: folder.path().join("ledger"),
        };
        let process = start(&part, &listener, &folder);
        Self {
            kind,
            sandbox,
            listener,
            url,
            part,
            process,
            now: START,
            crashed: false,
            http,
            folder,
        }
    }

    /// The script. Each line may be said twice.
    async fn tell(&mut self) {
        for product in ["course", "shirt", "editor", "seat", "mystery"] {
            let id = format!("prod_{product}");
            self.stripe("products", &[("id", &id), ("name", product)]).await;
        }
        let shirt = self.session(&[("course", 1), ("shirt", 2), ("editor", 1), ("seat", 1)]).await;
        let mystery = self.session(&[("editor", 1), ("mystery", 1)]).await;
        let debit = self.session(&[("shirt", 1), ("seat", 1)]).await;

        self.post("/api/keys/editor", json!({ "keys": ["K-1"] })).await;
        // A webhook.
        self.pay(&shirt, Method::Card);
        self.until(&shirt, "fulfilled").await;
        // A buyer who is faster than the webhook, a dry pool, a line that nobody knows.
        let late = Trouble::Delay { ms: 5 * SECOND };
        self.sandbox.faults().add(Fault::new(late).times(1));
        self.pay(&mystery, Method::Card);
        self.visit(&mystery, "needs_attention").await;
        self.turn(5 * SECOND).await;
        // People bring what is missing.
        self.post("/api/keys/editor", json!({ "keys": ["K-2", "K-3"] })).await;
        let order = self.until(&mystery, "needs_attention").await;
        let line = order["lines"][1]["id"].as_str().unwrap();
        self.post(&format!("/api/orders/{mystery}/waive"), json!({ "lines": [line] })).await;
        self.until(&mystery, "fulfilled").await;
        // The parcel leaves.
        let way = json!({ "carrier": "Post", "tracking": "RR-1" });
        self.post(&format!("/api/orders/{shirt}/ship"), way).await;
        // A payment that takes its time.
        self.pay(&debit, Method::Debit);
        self.until(&debit, "awaiting_payment").await;
        self.turn(SETTLE).await;
        self.until(&debit, "fulfilled").await;
        // Somebody asks once more, and webhooks that were not answered come again.
        self.post(&format!("/api/orders/{shirt}/fulfill"), json!({})).await;
        self.turn(10 * SECOND).await;
        self.settle().await;
    }

    async fn end(mut self) -> Ended {
        let orders = self.get("/api/orders?limit=100").await;
        self.process.kill().await.unwrap();
        let mut inside = Inside::open(&self.part.database).await;
        let mut jobs = lines(&self.part.ledger);
        let all = jobs.len();
        jobs.sort();
        jobs.dedup();
        let snapshot = Snapshot::take(orders, &jobs, &mut inside).await;
        drop(inside);
        database::discard(&self.part.database).await;
        let trace = lines(&self.part.trace);
        let said = self.said();
        Ended { crashed: self.crashed, worked_twice: jobs.len() < all, trace, snapshot, said }
    }

    // Stripe.

    async fn stripe(&self, path: &str, form: &[(&str, &str)]) -> Value {
        stripe(&self.http, &self.sandbox, path, form).await
    }

    async fn session(&self, lines: &[(&str, u32)]) -> String {
        let mut form = vec![
            ("mode".to_owned(), "payment".to_owned()),
            ("success_url".to_owned(), "https://shop.example/thanks".to_owned()),
            ("shipping_address_collection[allowed_countries][0]".to_owned(), "DE".to_owned()),
        ];
        for (at, (product, quantity)) in lines.iter().enumerate() {
            let line = format!("line_items[{at}]");
            form.extend([
                (format!("{line}[price_data][product]"), format!("prod_{product}")),
                (format!("{line}[price_data][currency]"), "eur".to_owned()),
                (format!("{line}[price_data][unit_amount]"), "1000".to_owned()),
                (format!("{line}[quantity]"), quantity.to_string()),
            ]);
        }
        let form: Vec<_> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        self.stripe("checkout/sessions", &form).await["id"].as_str().unwrap().to_owned()
    }

    fn pay(&self, id: &str, method: Method) {
        let address = PostalAddress {
            line1: Some("Hauptstraße 1".into()),
            city: Some("Berlin".into()),
            postal_code: Some("10115".into()),
            country: Some("DE".into()),
            ..PostalAddress::default()
        };
        let ann = Purchase {
            email: Some("ann@example.com".into()),
            shipping: Some(ShipTo { name: Some("Ann Smith".into()), address }),
            ..Purchase::default()
        };
        self.sandbox.pay(id, method, ann).unwrap();
    }

    // The service.

    async fn post(&mut self, path: &str, body: Value) -> Value {
        self.say(self.http.post(format!("{}{path}", self.url)).json(&body)).await
    }

    async fn get(&mut self, path: &str) -> Value {
        self.say(self.http.get(format!("{}{path}", self.url))).await
    }

    async fn say(&mut self, request: RequestBuilder) -> Value {
        let (code, body) = self.answered(request).await;
        assert_eq!(code, StatusCode::OK, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// A buyer looks at the page.
    async fn visit(&mut self, id: &str, status: &str) {
        let page = self.http.get(format!("{}/success?session_id={id}", self.url));
        let (_, html) = self.answered(page).await;
        assert!(html.contains(&format!("data-status=\"{status}\"")), "{html}");
    }

    /// Asks until there is an answer: a process that stops in the middle is started again.
    async fn answered(&mut self, request: RequestBuilder) -> (StatusCode, String) {
        let request = request.bearer_auth(TOKEN).build().unwrap();
        loop {
            let sent = self.http.execute(request.try_clone().unwrap());
            let answer = async {
                let answer = sent.await?;
                Ok::<_, reqwest::Error>((answer.status(), answer.text().await?))
            };
            tokio::select! {
                answer = answer => match answer {
                    Ok(answer) => return answer,
                    Err(error) => self.start_again(&error.to_string()).await,
                },
                _ = self.process.wait() => self.start_again("nothing").await,
            }
        }
    }

    /// The process has stopped where it should; another one takes over when its leases are void (on
    /// SQLite at once; on PostgreSQL it might be another replica's, so they run out).
    async fn start_again(&mut self, instead: &str) {
        let status = self.process.wait().await.unwrap();
        let due = self.part.crash.is_some() && !self.crashed;
        assert!(
            due && status.signal() == Some(ABORTED),
            "the process ended with {status} ({instead}):\n{}",
            self.said()
        );
        self.crashed = true;
        self.part.crash = None;
        self.advance(if self.kind == Kind::Sqlite { 0 } else { 61 * SECOND });
        self.now = self.sandbox.clock().now_ms();
        self.part.now = self.now;
        self.process = start(&self.part, &self.listener, &self.folder);
    }

    /// Lets time pass. Stripe's clock goes ahead: what it has to tell is dealt with before the service's
    /// follows, so that no answer is under way when hours go by.
    async fn turn(&mut self, by_ms: i64) {
        self.advance(by_ms);
        self.deliver().await;
        self.settle().await;
        self.now = self.sandbox.clock().now_ms();
        self.progress().await;
    }

    fn advance(&self, by_ms: i64) {
        self.sandbox.clock().advance(Duration::from_millis(by_ms.unsigned_abs()));
    }

    /// How far the service is when nobody commits any more.
    async fn progress(&mut self) -> Progress {
        let url = format!("{}/turn/{}", self.url, self.now);
        let progress = self.say(self.http.post(url)).await;
        serde_json::from_value(progress).unwrap()
    }

    /// Stripe delivers what it has to.
    async fn deliver(&mut self) {
        loop {
            let stopped = tokio::select! {
                () = self.sandbox.idle() => false,
                _ = self.process.wait() => true,
            };
            if !stopped {
                return;
            }
            self.start_again("nothing").await;
        }
    }

    /// Waits until everything that is due is done. The clocks move only where all wait for them.
    async fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            self.deliver().await;
            let progress = self.progress().await;
            if progress.undone == 0 {
                return;
            }
            if progress.under_way == 0 {
                self.advance(SECOND);
                self.now += SECOND;
            }
        }
        panic!("this does not settle:\n{}", self.said());
    }

    /// Lets time pass until an order has this status.
    async fn until(&mut self, id: &str, status: &str) -> Value {
        for _ in 0..100 {
            self.settle().await;
            let orders = self.get("/api/orders?limit=100").await;
            let found = orders["data"].as_array().unwrap().iter().find(|order| order["id"] == id);
            if let Some(order) = found.filter(|order| order["status"] == status) {
                return order.clone();
            }
            self.turn(SECOND).await;
        }
        panic!("{id} does not become {status}:\n{}", self.said());
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }
}

async fn stripe(
    http: &reqwest::Client,
    sandbox: &Sandbox,
    path: &str,
    form: &[(&str, &str)],
) -> Value {
    let request = http.post(format!("{}/v1/{path}", sandbox.url()));
    let answer = request.bearer_auth(sandbox.secret_key()).form(form).send().await.unwrap();
    let code = answer.status();
    let value: Value = answer.json().await.unwrap();
    assert!(code.is_success(), "{path}: {value:#}");
    value
}

/// The test starts itself, as the process that is stopped.
fn start(part: &Part, listener: &TcpListener, folder: &TempDir) -> Child {
    let said = folder.path().join("said");
    let said = std::fs::OpenOptions::new().create(true).append(true).open(said).unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::process", "--nocapture"])
        .env(VARIABLE, serde_json::to_string(part).unwrap())
        .stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())))
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn lines(path: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}
