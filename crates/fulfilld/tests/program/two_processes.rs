//! Two real `serve` on one PostgreSQL: whoever asks whichever of them, as often as they like and while
//! either of them dies, a payment is fulfilled once and all see the same.

use std::{
    fs,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fulfill_sandbox::{Fault, Method, Purchase, Sandbox, Trouble};
use futures_util::{
    StreamExt as _,
    future::{join, join_all},
    stream::FuturesUnordered,
};
use reqwest::{Client, Method as Verb, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tokio::{sync::watch, task::block_in_place};

use crate::running::{Running, fulfilld, run};

/// A story that takes so long hangs. A lease that nobody gave back runs out after ten seconds.
const PATIENCE: Duration = Duration::from_secs(120);
const TOKEN: &str = "the-token-of-the-story";
const CATALOG: &str = r#"
[[product]]
id = "prod_editor"
key = { pool = "editor" }

[[product]]
id = "prod_shirt"
stock = { sku = "SHIRT", oversell = "hold" }

[stock]
SHIRT = 25
"#;

struct Pair {
    sandbox: Sandbox,
    replicas: [Replica; 2],
    secrets: String,
    database: String,
    folder: TempDir,
    http: Client,
    /// Calls that were cut off because somebody died.
    cut_off: AtomicUsize,
}

/// One process, at an address that it keeps.
struct Replica {
    running: Mutex<Option<Running>>,
    address: String,
    lives: watch::Sender<u32>,
}

impl Pair {
    async fn open() -> Self {
        let sandbox = Sandbox::builder().port(0).start().await.unwrap();
        let http = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let replicas = [(); 2].map(|()| Replica {
            running: Mutex::default(),
            address: "127.0.0.1:0".to_owned(),
            lives: watch::Sender::new(0),
        });
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("fulfilld.toml"), CATALOG).unwrap();
        let (database, secrets) = (database().await, String::new());
        let mut pair =
            Self { sandbox, replicas, secrets, database, folder, http, cut_off: 0.into() };
        for product in ["prod_editor", "prod_shirt"] {
            pair.stripe("products", &[("id", product), ("name", product)]).await;
        }
        // A process needs the secret to start, and Stripe its address.
        let mut endpoints = Vec::new();
        for _ in 0..2 {
            let form = [
                ("url", "http://127.0.0.1:9/"),
                ("enabled_events[]", "checkout.session.completed"),
            ];
            endpoints.push(pair.stripe("webhook_endpoints", &form).await);
        }
        let secrets: Vec<&str> = endpoints.iter().map(|e| e["secret"].as_str().unwrap()).collect();
        pair.secrets = secrets.join(",");
        for (at, endpoint) in endpoints.iter().enumerate() {
            pair.replicas[at].address = pair.start(at);
            let url = format!("http://{}/webhook", pair.replicas[at].address);
            let path = format!("webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
            pair.stripe(&path, &[("url", &url)]).await;
        }
        pair
    }

    /// Starts a process and returns its address.
    fn start(&self, at: usize) -> String {
        let mut command = fulfilld(self.folder.path(), &["serve"]);
        command
            .env("STRIPE_SECRET_KEY", self.sandbox.secret_key())
            .env("STRIPE_WEBHOOK_SECRET", &self.secrets)
            .env("STRIPE_API_BASE", self.sandbox.url())
            .env("STRIPE_API_RATE", "0")
            .env("DATABASE_URL", &self.database)
            .env("FULFILLD_LISTEN", &self.replicas[at].address)
            .env("FULFILLD_API_TOKEN", TOKEN);
        let running = Running::start(command);
        let said = running.heard("listening on http://");
        *self.replicas[at].running.lock().unwrap() = Some(running);
        self.replicas[at].lives.send_modify(|lives| *lives += 1);
        said.split(',').next().unwrap().to_owned()
    }

    /// SIGKILL: nothing is finished, nothing is given back. Then another life begins.
    fn kill_and_start_again(&self, at: usize) {
        drop(self.replicas[at].running.lock().unwrap().take());
        self.start(at);
    }

    async fn stripe(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}/v1/{path}", self.sandbox.url()));
        let request = request.bearer_auth(self.sandbox.secret_key()).form(form);
        let value: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(value["error"].is_null(), "{path}: {value:#}");
        value
    }

    /// Somebody is about to buy these.
    async fn session(&self, lines: &[(&str, &str)]) -> String {
        let mut form = vec![
            ("mode".to_owned(), "payment"),
            ("success_url".to_owned(), "https://shop.example/thanks"),
        ];
        for (at, (product, quantity)) in lines.iter().enumerate() {
            let line = format!("line_items[{at}]");
            form.extend([
                (format!("{line}[price_data][product]"), *product),
                (format!("{line}[price_data][currency]"), "eur"),
                (format!("{line}[price_data][unit_amount]"), "1000"),
                (format!("{line}[quantity]"), *quantity),
            ]);
        }
        let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        self.stripe("checkout/sessions", &form).await["id"].as_str().unwrap().to_owned()
    }

    fn pay(&self, id: &str) {
        self.sandbox.pay(id, Method::Card, Purchase::default()).unwrap();
    }

    /// Asks a process; when it dies over the question, asks its next life.
    async fn ask(&self, at: usize, verb: Verb, path: &str, body: Value) -> (StatusCode, String) {
        let replica = &self.replicas[at];
        loop {
            let mut lives = replica.lives.subscribe();
            let url = format!("http://{}{path}", replica.address);
            let request = self.http.request(verb.clone(), url).bearer_auth(TOKEN).json(&body);
            let answer = async {
                let answer = request.send().await?;
                Ok::<_, reqwest::Error>((answer.status(), answer.text().await?))
            };
            if let Ok(answer) = answer.await {
                return answer;
            }
            self.cut_off.fetch_add(1, Ordering::Relaxed);
            lives.changed().await.unwrap();
        }
    }

    async fn page(&self, at: usize, id: &str) -> (StatusCode, String) {
        self.ask(at, Verb::GET, &format!("/success?session_id={id}"), Value::Null).await
    }

    async fn post(&self, at: usize, path: &str, body: Value) -> Value {
        let (code, text) = self.ask(at, Verb::POST, path, body).await;
        assert_eq!(code, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn fulfill(&self, at: usize, id: &str) -> Value {
        self.post(at, &format!("/api/orders/{id}/fulfill"), json!({})).await
    }

    /// What both processes say about an order.
    async fn order(&self, id: &str) -> Value {
        let path = format!("/api/orders/{id}");
        let (ours, theirs) = join(
            self.ask(0, Verb::GET, &path, Value::Null),
            self.ask(1, Verb::GET, &path, Value::Null),
        )
        .await;
        assert_eq!(ours, theirs);
        serde_json::from_str(&ours.1).unwrap()
    }
}

/// The URL of a fresh database.
#[expect(clippy::disallowed_methods, reason = "xtask tells the tests where PostgreSQL is")]
async fn database() -> String {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let cluster = std::env::var("FULFILLD_TEST_POSTGRES").expect(
        "two processes share a PostgreSQL, and FULFILLD_TEST_POSTGRES does not say where one is: use cargo xtask test",
    );
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("two_{}_{made}", std::process::id());
    let mut admin = PgConnection::connect(&cluster).await.unwrap();
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    admin.close().await.unwrap();
    let (server, _) = cluster.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

fn keys(from: usize, to: usize) -> Value {
    json!({ "keys": (from..=to).map(|n| format!("K-{n:03}")).collect::<Vec<_>>() })
}

fn told(order: &Value) -> Vec<&str> {
    order["timeline"].as_array().unwrap().iter().map(|t| t["what"].as_str().unwrap()).collect()
}

async fn in_time(story: impl Future<Output = ()>) {
    assert!(tokio::time::timeout(PATIENCE, story).await.is_ok(), "the story hangs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_02_ten_callers_of_two_processes_see_one_fulfillment() {
    in_time(async {
        let pair = Pair::open().await;
        pair.post(0, "/api/keys/editor", keys(1, 20)).await;
        let id = pair.session(&[("prod_editor", "2"), ("prod_shirt", "3")]).await;
        // Both endpoints are told, one of them twice.
        pair.sandbox.faults().add(Fault::new(Trouble::Duplicate).times(1));
        pair.pay(&id);
        let (pages, operators) = join(
            join_all((0..5).map(|n| pair.page(n % 2, &id))),
            join_all((0..2).map(|n| pair.fulfill(n, &id))),
        )
        .await;
        pair.sandbox.idle().await;
        let delivered = pair.sandbox.deliveries();
        assert_eq!(delivered.len(), 3);
        assert!(delivered.iter().all(|a| a.status == Some(200)), "{delivered:#?}");
        for (code, html) in pages {
            assert_eq!(code, StatusCode::OK);
            assert!(html.contains("data-status=\"fulfilled\""), "{html}");
            assert!(html.contains("K-001") && html.contains("K-002"), "{html}");
        }
        let order = pair.order(&id).await;
        for seen in operators {
            assert_eq!(seen["effects"], order["effects"]);
        }
        assert_eq!(told(&order), ["paid 50.00 EUR", "fulfilled: key editor ×2, stock SHIRT ×3"]);
        assert_eq!(pair.post(1, "/api/keys/editor", keys(1, 20)).await["free"], 18);
        assert_eq!(pair.post(1, "/api/stock/SHIRT", json!({ "add": 1 })).await["on_hand"], 23);
    })
    .await;
}

/// Everybody buys a shirt and an editor; there are 25 shirts, and fewer keys than buyers.
async fn everybody_buys(pair: &Pair, ids: &[String]) {
    pair.sandbox.faults().add(Fault::new(Trouble::Slow { ms: 40 }).on("GET", "/v1/checkout/"));
    ids.iter().for_each(|id| pair.pay(id));
    let mut callers = FuturesUnordered::new();
    for (n, id) in ids.iter().enumerate() {
        for at in [n % 2, (n + 1) % 2] {
            callers.push(async move {
                let (code, html) = pair.page(at, id).await;
                assert_eq!(code, StatusCode::OK, "{html}");
            });
        }
    }
    let all = callers.len();
    let mut answered = 0;
    while callers.next().await.is_some() {
        answered += 1;
        for at in 0..2 {
            if answered == (at + 1) * all / 4 {
                block_in_place(|| pair.kill_and_start_again(at));
            }
        }
    }
    pair.sandbox.faults().clear();
    // Deliveries that a dead process has not answered come again.
    pair.sandbox.clock().advance(Duration::from_secs(60));
    pair.sandbox.idle().await;
    assert!(pair.cut_off.load(Ordering::Relaxed) > 0, "nobody died in the middle of anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_32_two_processes_killed_in_the_middle_of_many_orders_fulfill_each_once() {
    in_time(async {
        let pair = Pair::open().await;
        pair.post(0, "/api/keys/editor", keys(1, 30)).await;
        let lines = [("prod_editor", "1"), ("prod_shirt", "1")];
        let ids = join_all((0..40).map(|_| pair.session(&lines))).await;
        everybody_buys(&pair, &ids).await;
        // Each look waits for what the dead have held.
        join_all(ids.iter().enumerate().map(|(n, id)| pair.fulfill(n % 2, id))).await;
        let orders = join_all(ids.iter().map(|id| pair.order(id))).await;
        let done = |orders: &[Value], kind: &str| {
            let effects = orders.iter().flat_map(|order| order["effects"].as_array().unwrap());
            let done = effects.filter(|e| e["kind"] == kind && e["status"] == "done");
            done.map(|e| e["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(done(&orders, "stock").len(), 25);
        assert_eq!(done(&orders, "key").len(), 30);

        pair.post(0, "/api/keys/editor", keys(31, 40)).await;
        pair.post(1, "/api/stock/SHIRT", json!({ "add": 15 })).await;
        // What arrived is handed out by either process, a moment after the answer.
        let orders = loop {
            join_all(ids.iter().enumerate().map(|(n, id)| pair.fulfill(n % 2, id))).await;
            let orders = join_all(ids.iter().map(|id| pair.order(id))).await;
            if orders.iter().all(|order| order["status"] == "fulfilled") {
                break orders;
            }
        };
        for order in &orders {
            let paid = told(order).into_iter().filter(|what| what.starts_with("paid"));
            assert_eq!(paid.count(), 1, "{order:#}");
            // One event for each payment, whichever process was told, however often.
            let events = order["events"].as_array().unwrap();
            assert_eq!(events.len(), 1, "{order:#}");
        }
        let mut drawn = done(&orders, "key");
        drawn.sort();
        drawn.dedup();
        assert_eq!(drawn.len(), 40, "nobody has another's key");
        assert_eq!(pair.post(0, "/api/keys/editor", keys(1, 40)).await["free"], 0);
        assert_eq!(pair.post(0, "/api/stock/SHIRT", json!({ "add": 1 })).await["on_hand"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_later_start_logs_nothing_of_tables_that_are_there_and_a_wrong_name_is_told() {
    let database = database().await;
    let folder = tempfile::tempdir().unwrap();
    let list = |database: &str| {
        let mut list = fulfilld(folder.path(), &["--log", "info", "orders", "list"]);
        list.env("STRIPE_SECRET_KEY", "sk_test_a").env("DATABASE_URL", database);
        run(list)
    };
    for start in ["first", "second"] {
        let said = list(&database);
        assert_eq!(said.code, Some(0), "{start}: {}", said.err);
        assert!(!said.err.contains("already exists"), "{start}: {}", said.err);
    }
    let said = list(&format!("{database}_not"));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("_not\" does not exist"), "{}", said.err);
}
