//! A sandbox to play on, and an endpoint that takes its deliveries.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use fulfill_sandbox::{Builder, Clock, Sandbox};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use crate::shapes;

/// 2026-09-21, some time in the morning.
pub(crate) const START_MS: i64 = 1_790_000_000_000;

pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::of(Sandbox::builder().seed(7)).await
    }

    /// A sandbox with further settings; on a clock that stands until it is turned.
    pub(crate) async fn of(builder: Builder) -> Self {
        let sandbox = builder.port(0).clock(Clock::manual(START_MS)).start();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self { sandbox: sandbox.await.unwrap(), http: http.build().unwrap() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.sandbox.url()))
            .bearer_auth(self.sandbox.secret_key())
    }

    /// A GET that succeeds.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        let (status, value) = read(answer).await;
        assert_eq!(status, 200, "GET {path}: {value}");
        value
    }

    /// A POST that succeeds.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Value {
        let answer = self.request(Method::POST, path).body(form.to_owned()).send().await.unwrap();
        let (status, value) = read(answer).await;
        assert_eq!(status, 200, "POST {path} {form}: {value}");
        value
    }

    /// A request that is refused: its status and its error.
    pub(crate) async fn refused(&self, method: Method, path: &str, form: &str) -> (u16, Value) {
        let answer = self.request(method, path).body(form.to_owned()).send().await.unwrap();
        let (status, mut value) = read(answer).await;
        assert!(status >= 400, "{path} {form}: {value}");
        (status, value["error"].take())
    }

    /// A control of the sandbox.
    pub(crate) async fn control(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.request(Method::POST, path).body(body.to_string()).send().await.unwrap();
        read(answer).await
    }

    /// Turns the clock until what was on its way has arrived.
    pub(crate) async fn settle(&self) {
        self.turn(3).await;
    }

    /// Turns the clock, and waits until what was due is done.
    pub(crate) async fn turn(&self, seconds: i64) {
        let turned = serde_json::json!({ "seconds": seconds });
        let (status, _) = self.control("/_sandbox/clock/advance", turned).await;
        assert_eq!(status, 200);
        self.sandbox.idle().await;
    }

    /// The types of the events since there were `known` of them, oldest first.
    pub(crate) async fn events_after(&self, known: usize) -> Vec<String> {
        self.event_types().await.split_off(known)
    }

    /// An intent over 20 dollars, confirmed with this payment method.
    pub(crate) async fn intent(&self, method: &str) -> Value {
        let form = format!(
            "amount=2000&currency=usd&payment_method_types[]=card&confirm=true&payment_method={method}"
        );
        self.post("/v1/payment_intents", &form).await
    }

    /// An open session over one thing for 12 euro, with more parameters if wanted.
    pub(crate) async fn session(&self, more: &str) -> String {
        let form = format!(
            "mode=payment&success_url=http://shop.example/done?id={{CHECKOUT_SESSION_ID}}&cancel_url=http://shop.example/cart\
             &line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=1200\
             &line_items[0][price_data][product_data][name]=Tea{more}"
        );
        let session = self.post("/v1/checkout/sessions", &form).await;
        session["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn retrieve(&self, session: &str) -> Value {
        self.get(&format!("/v1/checkout/sessions/{session}?expand[]=payment_intent")).await
    }

    pub(crate) async fn event_ids(&self) -> Vec<String> {
        let events = self.get("/v1/events?limit=100").await;
        let events = events["data"].as_array().unwrap().iter();
        events.map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The types of all events, oldest first.
    pub(crate) async fn event_types(&self) -> Vec<String> {
        let events = self.get("/v1/events?limit=100").await;
        let types = events["data"].as_array().unwrap().iter().rev();
        types.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// An answer: its status, and its JSON, which has the shape of its version.
pub(crate) async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let version = answer.headers().get("stripe-version").cloned();
    // What the CLI alone asks for is nowhere written down.
    let path = answer.url().path();
    let of_cli = ["/v1/payment_pages", "/v1/stripecli"].iter().any(|begin| path.starts_with(begin));
    let of_api = path.starts_with("/v1/") && !of_cli;
    let text = answer.text().await.unwrap();
    let value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
    if let Some(version) = version.filter(|_| of_api) {
        shapes::check(&value, version.to_str().unwrap());
    }
    (status, value)
}

/// A delivery as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) signature: String,
    pub(crate) body: String,
}

impl Delivery {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Debug, Default)]
struct Inbox {
    came: Mutex<Vec<Delivery>>,
    answers: Mutex<VecDeque<u16>>,
}

/// An endpoint. It answers 200 unless told otherwise.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    inbox: Arc<Inbox>,
}

impl Endpoint {
    pub(crate) async fn new() -> Self {
        let inbox = Arc::new(Inbox::default());
        let app = Router::new().fallback(take).with_state(Arc::clone(&inbox));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, inbox }
    }

    /// Answers the next deliveries with these.
    pub(crate) fn answer_with(&self, statuses: &[u16]) {
        self.inbox.answers.lock().unwrap().extend(statuses);
    }

    pub(crate) fn came(&self) -> Vec<Delivery> {
        let came = self.inbox.came.lock().unwrap().clone();
        for event in came.iter().map(Delivery::json) {
            if let Some(version) = event["api_version"].as_str() {
                shapes::check(&event, version);
            }
        }
        came
    }

    /// The types of what came, in order.
    pub(crate) fn types(&self) -> Vec<String> {
        self.came().iter().map(|one| one.json()["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Registers it for these events; its id and secret.
    pub(crate) async fn register(&self, stage: &Stage, more: &str) -> (String, String) {
        let made = stage.post("/v1/webhook_endpoints", &format!("url={}&{more}", self.url)).await;
        (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
    }
}

async fn take(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: String) -> StatusCode {
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    inbox.came.lock().unwrap().push(Delivery { signature, body });
    let status = inbox.answers.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}
