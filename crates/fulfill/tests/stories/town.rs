//! The town a story happens in: a sandbox, one or more nodes of the service, and the time.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use fulfill::{
    Fulfill,
    clock::Clock,
    store::Tripwire,
    stripe::{ClientSettings, Secrets},
};
use fulfill_sandbox::{Method, Purchase, Sandbox};
use reqwest::{StatusCode, header};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{Basket, Plan, database::Database, plan::Endpoint, shop::ann, veil::Veil};

/// A story that takes so long hangs; it fails instead of holding up all others.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// What must not take long gets half of it, however busy the machine is.
const SOON: Duration = Duration::from_secs(60);
/// Monday, 2 November 2026.
pub(crate) const START: i64 = 1_793_577_600_000;
const TOKEN: &str = "the-token-of-the-story";
/// Rounds of a wait for the engine, a few milliseconds each.
const ROUNDS_MAX: usize = 4_000;
/// Without a commit for so long, in real time, the engine waits for its clock.
const QUIET: Duration = Duration::from_millis(15);

/// What the account's endpoint is told of in most stories.
const EVENTS: [&str; 4] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
];

pub(crate) struct Town {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Clock,
    pub(crate) db: Database,
    pub(crate) nodes: Vec<Node>,
    /// Of the sandbox's endpoints, in the plan's order.
    pub(crate) secrets: Vec<String>,
    pub(crate) veil: Veil,
    api_base: String,
    plan: Plan,
    http: reqwest::Client,
    committed: Arc<Notify>,
    closed: Mutex<bool>,
}

/// One replica.
pub(crate) struct Node {
    pub(crate) url: String,
    address: SocketAddr,
    running: Mutex<Option<Running>>,
}

struct Running {
    fulfill: Fulfill,
    serving: CancellationToken,
    server: JoinHandle<()>,
    engine: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Town {
    pub(crate) async fn build(plan: Plan, db: Database) -> Self {
        let clock = Clock::manual(START);
        let sandbox = Sandbox::builder()
            .port(0)
            .seed(7)
            .settle(Duration::from_secs(plan.settle_s))
            .clock(fulfill_sandbox::Clock::manual(START))
            .start()
            .await
            .unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(SOON).build().unwrap();
        let mut listeners = Vec::new();
        for _ in 0..plan.nodes {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let nodes = listeners.iter().map(|listener| {
            let address = listener.local_addr().unwrap();
            Node { url: format!("http://{address}"), address, running: Mutex::default() }
        });
        let nodes = nodes.collect();
        let veil = Veil::default();
        let api_base =
            if plan.veiled { veil.rise(sandbox.url()).await } else { sandbox.url().to_owned() };
        let mut town = Self {
            sandbox,
            veil,
            api_base,
            clock,
            db,
            nodes,
            secrets: Vec::new(),
            plan,
            http,
            committed: Arc::default(),
            closed: Mutex::new(false),
        };
        for endpoint in town.plan.endpoints.clone() {
            let secret = town.register(&endpoint).await;
            town.secrets.push(secret);
        }
        for id in town.plan.products().into_iter().filter_map(|product| product.id) {
            town.stripe("products", &[("id", id.as_str()), ("name", id.as_str())]).await;
        }
        if let Some(permissions) = town.plan.permissions {
            town.sandbox.restrict(RESTRICTED, permissions);
        }
        for (at, listener) in listeners.into_iter().enumerate() {
            if !town.plan.asleep {
                town.open(at, listener).await;
            }
        }
        town
    }

    async fn register(&self, endpoint: &Endpoint) -> String {
        let url = format!("{}/webhook", self.nodes[endpoint.node].url);
        let mut form = vec![("url", url.as_str())];
        let events: &[&str] = if endpoint.everything { &["*"] } else { &EVENTS };
        form.extend(events.iter().map(|event| ("enabled_events[]", *event)));
        form.extend(endpoint.version.map(|version| ("api_version", version)));
        form.extend(endpoint.thin.then_some(("metadata[payload]", "thin")));
        let made = self.stripe("webhook_endpoints", &form).await;
        made["secret"].as_str().unwrap().to_owned()
    }

    async fn open(&self, at: usize, listener: TcpListener) {
        let plan = &self.plan;
        let key = if plan.permissions.is_some() { RESTRICTED } else { self.sandbox.secret_key() };
        let mut stripe = ClientSettings::new(key.into(), self.clock.clone());
        stripe.api_base.clone_from(&self.api_base);
        stripe.rate_per_second = plan.rate_per_second;
        stripe.timeout_ms = plan.timeout_ms;
        let committed = Arc::clone(&self.committed);
        let tripwire: Tripwire = Arc::new(move |_, after| {
            if after {
                committed.notify_waiters();
            }
        });
        let mut builder = Fulfill::builder()
            .database(self.db.location.clone())
            .stripe(stripe)
            .webhook_secrets(Secrets::parse(&self.secrets.join(",")).unwrap())
            .products(plan.products())
            .opening_stock(plan.stock.clone())
            .api_token(TOKEN.into())
            .clock(self.clock.clone())
            .tripwire(tripwire);
        if !plan.looks {
            builder = builder.without_looking();
        }
        for extra in &plan.extra {
            builder = extra(builder);
        }
        let fulfill = builder.open().await.unwrap();
        let serving = CancellationToken::new();
        let service = fulfill.router().into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service)
            .with_graceful_shutdown(serving.clone().cancelled_owned());
        let server = tokio::spawn(async move { server.await.unwrap() });
        let running = Running { fulfill, serving, server, engine: None };
        *self.nodes[at].running.lock().unwrap() = Some(running);
        self.run_engine(at);
    }

    // Nodes.

    /// Starts a node's engine.
    pub(crate) fn run_engine(&self, at: usize) {
        let mut running = self.nodes[at].running.lock().unwrap();
        let running = running.as_mut().expect("the node is up");
        assert!(running.engine.is_none(), "the engine runs already");
        let stop = CancellationToken::new();
        let engine = tokio::spawn(running.fulfill.engine().run(stop.clone()));
        running.engine = Some((stop, engine));
    }

    /// Stops a node's engine in order; the server goes on.
    pub(crate) async fn stop_engine(&self, at: usize) {
        let engine = self.nodes[at].running.lock().unwrap().as_mut().and_then(|r| r.engine.take());
        if let Some((stop, engine)) = engine {
            stop.cancel();
            soon("the engine stops", engine).await.unwrap();
        }
    }

    /// Ends a node's engine wherever it is.
    pub(crate) fn kill_engine(&self, at: usize) {
        let engine = self.nodes[at].running.lock().unwrap().as_mut().and_then(|r| r.engine.take());
        engine.expect("the engine runs").1.abort();
    }

    /// Stops a node in order, server and engine.
    pub(crate) async fn stop(&self, at: usize) {
        self.stop_engine(at).await;
        let running = self.nodes[at].running.lock().unwrap().take();
        if let Some(running) = running {
            running.serving.cancel();
            // A connection on which nobody has asked anything yet would be waited for.
            let mut server = running.server;
            if tokio::time::timeout(Duration::from_secs(1), &mut server).await.is_err() {
                server.abort();
            }
            soon("the store closes", running.fulfill.store().close()).await;
        }
    }

    /// Starts a stopped node again, at its address.
    pub(crate) async fn start(&self, at: usize) {
        let listener = TcpListener::bind(self.nodes[at].address).await.unwrap();
        self.open(at, listener).await;
    }

    fn engine_runs(&self) -> bool {
        self.nodes
            .iter()
            .any(|node| node.running.lock().unwrap().as_ref().is_some_and(|r| r.engine.is_some()))
    }

    // Time.

    /// Turns all clocks; nothing is waited for. The service's goes first: what the sandbox signs as
    /// soon as its own is turned must not come from the future.
    pub(crate) fn turn(&self, by_ms: i64) {
        let by = Duration::from_millis(by_ms.unsigned_abs());
        self.clock.advance(by);
        self.sandbox.clock().advance(by);
    }

    /// Waits until everything that is due is done. The clocks move only where the engine waits for
    /// them, and then by little.
    pub(crate) async fn settle(&self) {
        let (mut step, mut quiet) = (50, 0);
        for _ in 0..ROUNDS_MAX {
            soon("the sandbox is idle", self.sandbox.idle()).await;
            if !self.engine_runs() || self.undone().await == 0 {
                return;
            }
            let commit = self.committed.notified();
            quiet = if tokio::time::timeout(QUIET, commit).await.is_ok() { 0 } else { quiet + 1 };
            // Who holds a lease is at work, unless nothing is heard of them for long.
            if quiet > 0 && (quiet % 40 == 0 || self.db.number(UNDER_WAY).await == 0) {
                self.turn(step);
                step = (step * 2).min(1_000);
            }
        }
        panic!("this does not settle:\n{}", self.everything().await);
    }

    /// Lets time pass, stopping wherever something is due.
    pub(crate) async fn pass(&self, span_ms: i64) {
        let end = self.clock.now() + span_ms;
        loop {
            self.settle().await;
            let now = self.clock.now();
            if now >= end {
                return;
            }
            let next = self.db.number(&self.next_due(now)).await;
            let step = (next - now).min((span_ms / 8).max(1_000)).max(span_ms / 64).max(1);
            self.turn(step.min(end - now));
        }
    }

    /// Waits until outside work is under way.
    pub(crate) async fn until_running(&self) {
        let sql = "SELECT COUNT(*) FROM delivery WHERE status = 'running'";
        for _ in 0..ROUNDS_MAX {
            if self.db.number(sql).await > 0 {
                return;
            }
            tokio::time::timeout(QUIET, self.committed.notified()).await.ok();
        }
        panic!("nothing runs:\n{}", self.everything().await);
    }

    /// Waits until the list of complete sessions has been read to its end at this time or later.
    pub(crate) async fn listed(&self) {
        let since = self.clock.now();
        let sql = "SELECT COALESCE((SELECT value FROM fact WHERE name = 'listed_at_test'), 0)";
        for round in 1..ROUNDS_MAX {
            if self.db.number(sql).await >= since {
                return self.settle().await;
            }
            tokio::time::timeout(QUIET, self.committed.notified()).await.ok();
            // A list that failed, or had not begun to wait for its clock.
            if round % 10 == 0 {
                self.turn(20_000);
            }
        }
        panic!("nobody lists:\n{}", self.everything().await);
    }

    /// Answers while the clock goes on: for callers who wait for what does not come at once.
    pub(crate) async fn while_time_passes<T>(&self, waiting: impl Future<Output = T>) -> T {
        tokio::pin!(waiting);
        loop {
            if let Ok(done) = tokio::time::timeout(QUIET, &mut waiting).await {
                return done;
            }
            self.turn(100);
        }
    }

    /// Lets time pass until a session's order has this status.
    pub(crate) async fn until(&self, id: &str, status: &str) -> Value {
        self.settle().await;
        for _ in 0..200 {
            let (code, order) = self.get(&format!("/api/orders/{id}")).await;
            if code == StatusCode::OK && order["status"] == status {
                return order;
            }
            let now = self.clock.now();
            let next = self.db.number(&self.next_due(now)).await;
            self.turn((next - now).clamp(1, 3_600_000));
            self.settle().await;
        }
        panic!("{id} does not become {status}:\n{}", self.everything().await);
    }

    fn next_due(&self, now: i64) -> String {
        format!(
            "SELECT COALESCE(MIN(due_at), {}) FROM (SELECT due_at FROM session WHERE due_at > {now} \
             UNION ALL SELECT due_at FROM summary WHERE due_at > {now} \
             UNION ALL SELECT due_at FROM delivery WHERE due_at > {now} AND kind IN ({})) AS d",
            now + 3_600_000,
            self.kinds()
        )
    }

    async fn undone(&self) -> i64 {
        let (now, kinds) = (self.clock.now(), self.kinds());
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM doorbell) \
             + (SELECT COUNT(*) FROM session WHERE lease_until IS NOT NULL OR due_at <= {now}) \
             + (SELECT COUNT(*) FROM delivery WHERE kind IN ({kinds}) AND (status = 'running' OR due_at <= {now})) \
             + (SELECT COUNT(*) FROM summary WHERE status = 'running' OR due_at <= {now}) \
             + (SELECT COUNT(*) FROM shelf WHERE releasing) + (SELECT COUNT(*) FROM key_pool WHERE releasing)"
        );
        self.db.number(&sql).await
    }

    fn kinds(&self) -> String {
        let kinds: Vec<String> = self.plan.kinds.iter().map(|kind| format!("'{kind}'")).collect();
        if kinds.is_empty() { "''".to_owned() } else { kinds.join(", ") }
    }

    // The shop.

    /// Asks the sandbox for something, as the shop's own backend does.
    pub(crate) async fn stripe(
        &self,
        path: &str,
        form: &[(impl AsRef<str>, impl AsRef<str>)],
    ) -> Value {
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (k.as_ref(), v.as_ref())).collect();
        let url = format!("{}/v1/{path}", self.sandbox.url());
        let request = self.http.post(url).bearer_auth(self.sandbox.secret_key());
        let answer = request.form(&form).send().await.unwrap();
        let code = answer.status();
        let value: Value = answer.json().await.unwrap();
        assert!(code.is_success(), "{path}: {value:#}");
        value
    }

    /// Makes a session and returns its id.
    pub(crate) async fn open_session(&self, basket: Basket) -> String {
        self.session_with_lines(basket).await.0
    }

    /// Makes a session and returns its id and those of its lines.
    pub(crate) async fn session_with_lines(&self, basket: Basket) -> (String, Vec<String>) {
        let basket = basket
            .with("success_url", "https://shop.example/thanks?session_id={CHECKOUT_SESSION_ID}")
            .with("expand[]", "line_items");
        let made = self.stripe("checkout/sessions", &basket.0).await;
        let lines = made["line_items"]["data"].as_array().unwrap();
        let lines = lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
        (made["id"].as_str().unwrap().to_owned(), lines)
    }

    /// A buyer pays a session; its events are on their way.
    pub(crate) fn pay(&self, id: &str, method: Method) {
        self.sandbox.pay(id, method, ann()).unwrap();
    }

    pub(crate) fn pay_as(&self, id: &str, method: Method, purchase: Purchase) {
        self.sandbox.pay(id, method, purchase).unwrap();
    }

    /// Somebody buys with a card; nothing is waited for.
    pub(crate) async fn buy(&self, basket: Basket) -> String {
        let id = self.open_session(basket).await;
        self.pay(&id, Method::Card);
        id
    }

    // The service.

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.get_at(0, path).await
    }

    pub(crate) async fn get_at(&self, node: usize, path: &str) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.nodes[node].url);
        let answer = self.http.get(url).bearer_auth(TOKEN).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    /// An answer that is text.
    pub(crate) async fn text(&self, path: &str) -> (StatusCode, String) {
        let url = format!("{}{path}", self.nodes[0].url);
        let answer = self.http.get(url).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.post_at(0, path, body).await
    }

    pub(crate) async fn post_at(
        &self,
        node: usize,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.nodes[node].url);
        let answer = self.http.post(url).bearer_auth(TOKEN).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    /// A form that a buyer sends: the answer's status and page.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let url = format!("{}{path}", self.nodes[0].url);
        let answer = self.http.post(url).form(fields).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// Delivers raw bytes with this signature header.
    pub(crate) async fn deliver(
        &self,
        signature: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> StatusCode {
        let mut request = self.http.post(format!("{}/webhook", self.nodes[0].url)).body(body);
        if let Some(signature) = signature {
            request = request.header("Stripe-Signature", signature);
        }
        request.send().await.unwrap().status()
    }

    /// Delivers a body signed now with the first endpoint's secret.
    pub(crate) async fn deliver_signed(&self, body: &str) -> StatusCode {
        let at = self.clock.now() / 1_000;
        let header = fulfill::stripe::sign(&self.secrets[0], at, body.as_bytes());
        self.deliver(Some(&header), body.to_owned()).await
    }

    /// The landing page: its status code, `data-status`, and the HTML.
    pub(crate) async fn page(&self, query: &str) -> (StatusCode, String, String) {
        self.page_at(0, query).await
    }

    pub(crate) async fn page_at(&self, node: usize, query: &str) -> (StatusCode, String, String) {
        let url = format!("{}/success?{query}", self.nodes[node].url);
        let request = self.http.get(url).header(header::ACCEPT, "text/html");
        let answer = request.header(header::ACCEPT_LANGUAGE, "en").send().await.unwrap();
        let code = answer.status();
        let mut html = answer.text().await.unwrap();
        // The page's own style and script, which come last, are looked at elsewhere.
        for (begin, end) in
            [("<style>", "</style>"), ("<script>\"use strict\"", "</script>\n</body>")]
        {
            if let (Some(from), Some(to)) = (html.find(begin), html.rfind(end)) {
                html.replace_range(from..to + end.len(), "");
            }
        }
        let status = html.split("data-status=\"").nth(1).and_then(|rest| rest.split('"').next());
        (code, status.unwrap_or("").to_owned(), html)
    }

    /// The order, once nothing is due any more.
    pub(crate) async fn order(&self, id: &str) -> Value {
        self.settle().await;
        let (code, order) = self.get(&format!("/api/orders/{id}")).await;
        if code != StatusCode::OK {
            panic!("{id}: {code} {order}\n{}", self.everything().await);
        }
        order
    }

    /// The order, which must have this status.
    pub(crate) async fn expect(&self, id: &str, status: &str) -> Value {
        let order = self.order(id).await;
        assert_eq!(order["status"], status, "{order:#}\n{}", self.everything().await);
        order
    }

    /// What the order's timeline tells, line by line.
    pub(crate) async fn told(&self, id: &str) -> Vec<String> {
        told(&self.order(id).await)
    }

    /// Attempts to deliver events of this type.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.sandbox.deliveries().iter().filter(|attempt| attempt.kind == kind).count()
    }

    /// Everything about every session, for a story that fails.
    pub(crate) async fn everything(&self) -> String {
        let mut text = format!("now +{} ms\n", self.clock.now() - START);
        let (_, orders) = self.get("/api/orders?limit=20").await;
        for order in orders["data"].as_array().into_iter().flatten() {
            writeln!(text, "{} {} {}", order["id"], order["status"], order["reason"]).unwrap();
            for line in told(order) {
                writeln!(text, "    {line}").unwrap();
            }
        }
        for (what, sql) in [
            ("sessions", "SELECT COUNT(*) FROM session"),
            ("leased", UNDER_WAY),
            ("events", "SELECT COUNT(*) FROM event"),
            ("deliveries not done", "SELECT COUNT(*) FROM delivery WHERE status <> 'done'"),
        ] {
            writeln!(text, "{what}: {}", self.db.number(sql).await).unwrap();
        }
        writeln!(text, "undone: {}", self.undone().await).unwrap();
        for attempt in self.sandbox.deliveries().iter().rev().take(8) {
            writeln!(text, "  {} {:?} {}", attempt.kind, attempt.status, attempt.answer).unwrap();
        }
        text
    }

    /// Looks that nothing is left undone, and ends.
    pub(crate) async fn close(self) {
        *self.closed.lock().unwrap() = true;
        self.settle().await;
        let sql = format!(
            "SELECT COUNT(*) FROM delivery WHERE kind IN ({}) AND status IN ('due', 'running')",
            self.kinds()
        );
        let unfinished = self.undone().await + self.db.number(&sql).await;
        assert_eq!(unfinished, 0, "work is left undone:\n{}", self.everything().await);
        let forgotten = self.db.number(FORGOTTEN).await;
        assert_eq!(forgotten, 0, "an order has no next step:\n{}", self.everything().await);
        for at in 0..self.nodes.len() {
            self.stop(at).await;
        }
        self.sandbox.faults().clear();
        self.db.close().await;
    }
}

/// Names what does not happen.
pub(crate) async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(SOON, happens).await;
    in_time.unwrap_or_else(|_| panic!("in vain it was waited until {what}"))
}

impl Drop for Town {
    fn drop(&mut self) {
        assert!(*self.closed.lock().unwrap() || std::thread::panicking(), "close the town");
    }
}

/// A key of which only the plan's permissions are true.
pub(crate) const RESTRICTED: &str = "rk_test_restricted0000000000";

const UNDER_WAY: &str = "SELECT (SELECT COUNT(*) FROM session WHERE lease_until IS NOT NULL) \
    + (SELECT COUNT(*) FROM summary WHERE status = 'running') \
    + (SELECT COUNT(*) FROM delivery WHERE status = 'running')";

/// Orders without a next step, a time to look again, or a person asked.
const FORGOTTEN: &str = "SELECT COUNT(*) FROM orders o JOIN session s ON s.seq = o.session WHERE \
    (o.status = 'awaiting_payment' AND s.due_at IS NULL) OR \
    (o.status = 'preparing' AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.session = o.session \
       AND d.owed AND d.status IN ('due', 'running'))) OR \
    (o.status = 'needs_attention' AND s.due_at IS NULL \
       AND NOT EXISTS (SELECT 1 FROM effect e WHERE e.session = o.session AND e.status = 'held') \
       AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.session = o.session AND d.status = 'stuck')) OR \
    (o.status = 'fulfilled' AND EXISTS (SELECT 1 FROM effect e WHERE e.session = o.session AND e.status = 'held'))";

pub(crate) fn told(order: &Value) -> Vec<String> {
    let timeline = order["timeline"].as_array().into_iter().flatten();
    timeline.map(|told| told["what"].as_str().unwrap().to_owned()).collect()
}
