//! Stands between the service and the sandbox, counts what is asked and changes what is answered: for
//! states that a buyer and a sandbox cannot bring about.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;

type Change = Arc<dyn Fn(&mut Value) + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Veil(Arc<Inner>);

#[derive(Default)]
struct Inner {
    behind: Mutex<String>,
    asked: Mutex<Vec<String>>,
    change: Mutex<Option<Change>>,
    version: Mutex<Option<&'static str>>,
    http: reqwest::Client,
}

impl Veil {
    /// Begins to stand before this address; returns its own.
    pub(crate) async fn rise(&self, behind: &str) -> String {
        behind.clone_into(&mut self.0.behind.lock().unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(pass).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        url
    }

    /// From now on changes each session that is retrieved.
    pub(crate) fn change(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        *self.0.change.lock().unwrap() = Some(Arc::new(change));
    }

    /// From now on changes nothing.
    pub(crate) fn lift(&self) {
        *self.0.change.lock().unwrap() = None;
    }

    /// From now on the sandbox is asked in this API version, whatever the service pins.
    pub(crate) fn version(&self, version: &'static str) {
        *self.0.version.lock().unwrap() = Some(version);
    }

    /// Paths asked for, queries included, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.asked.lock().unwrap().clone()
    }
}

async fn pass(State(veil): State<Veil>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned();
    veil.0.asked.lock().unwrap().push(path.clone());
    let url = format!("{}{path}", veil.0.behind.lock().unwrap());
    let mut asked = veil.0.http.get(url);
    let version = *veil.0.version.lock().unwrap();
    for (name, value) in request.headers() {
        if *name != header::HOST && (version.is_none() || name != "stripe-version") {
            asked = asked.header(name, value);
        }
    }
    if let Some(version) = version {
        asked = asked.header("Stripe-Version", version);
    }
    let Ok(answer) = asked.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
    let retry_after = answer.headers().get(header::RETRY_AFTER).cloned();
    let mut body = answer.bytes().await.unwrap_or_default();
    let change = veil.0.change.lock().unwrap().clone();
    if let (Some(change), Ok(mut value)) = (change, serde_json::from_slice::<Value>(&body))
        && value["object"] == "checkout.session"
    {
        change(&mut value);
        body = Bytes::from(value.to_string());
    }
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    kind.map(|kind| headers.insert(header::CONTENT_TYPE, kind));
    retry_after.map(|after| headers.insert(header::RETRY_AFTER, after));
    response
}
