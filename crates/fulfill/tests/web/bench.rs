//! The site of a small shop, and the moves that stories share.

use std::{net::SocketAddr, time::Duration};

use fulfill::{
    Builder, Fulfill,
    clock::Clock,
    store::{Location, Ringer, SessionView},
    stripe::{ClientSettings, Secrets, sign},
};
use fulfill_rules::{Millis, id::SessionKey, plan::Product};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::stripe::Stripe;

/// The current signing secret, and the one that is being rolled out.
pub(crate) const SECRET: &str = "whsec_current";
pub(crate) const OLD_SECRET: &str = "whsec_old";
pub(crate) const TOKEN: &str = "token-of-the-shop";
/// Monday, 1 January 2024.
pub(crate) const START: Millis = 1_704_067_200_000;

const OWN_SCRIPT: &str = concat!("<script>", include_str!("../../templates/page.js"), "</script>");

const CATALOG: &str = r#"
    [[product]]
    id = "prod_course"
    grant = { access = "course", days = 365, url = "https://example.com/course?a=1&b=2" }
    [[product]]
    id = "prod_book"
    grant = { access = "book" }
    [[product]]
    id = "prod_editor"
    key = { pool = "editor" }
    [[product]]
    id = "prod_team"
    key = { pool = "team", seats = true }
    [[product]]
    id = "prod_shirt"
    stock = { sku = "SHIRT-M" }
    parcel = {}
    [[product]]
    id = "prod_handmade"
    manual = true
    [[product]]
    id = "prod_evil"
    grant = { access = "<script>alert(1)</script>", url = "javascript:alert(1)" }
"#;

pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) fulfill: Fulfill,
    pub(crate) stripe: Stripe,
    pub(crate) clock: Clock,
    http: reqwest::Client,
    stop: CancellationToken,
    folder: tempfile::TempDir,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The status on the page's root element.
    pub(crate) fn data_status(&self) -> &str {
        let (_, rest) = self.text.split_once(" data-status=\"").expect("a page");
        rest.split_once('"').unwrap().0
    }
}

impl Site {
    pub(crate) async fn open() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let site = Self::idle(change).await;
        tokio::spawn(site.fulfill.engine().run(site.stop.clone()));
        site
    }

    /// Without an engine: nobody looks at anything.
    pub(crate) async fn idle(change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::tokenless(|builder| change(builder.api_token(TOKEN.to_owned().into()))).await
    }

    /// Without an engine and without a token for the API.
    pub(crate) async fn tokenless(change: impl FnOnce(Builder) -> Builder) -> Self {
        #[derive(serde::Deserialize)]
        struct Catalog {
            product: Vec<Product>,
        }
        let folder = tempfile::tempdir().unwrap();
        let (stripe, clock) = (Stripe::default(), Clock::manual(START));
        let settings = ClientSettings {
            api_base: stripe.serve().await,
            rate_per_second: 0,
            ..ClientSettings::new("sk_test_123".to_owned().into(), clock.clone())
        };
        let builder = Fulfill::builder()
            .database(Location::Sqlite(folder.path().join("shop.db")))
            .stripe(settings)
            .webhook_secrets(Secrets::parse(&format!("{SECRET},{OLD_SECRET}")).unwrap())
            .products(toml::from_str::<Catalog>(CATALOG).unwrap().product)
            .clock(clock.clone())
            .without_looking();
        let fulfill = change(builder).open().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let service = fulfill.router().into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, service);
        tokio::spawn(served.with_graceful_shutdown(stop.clone().cancelled_owned()).into_future());
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        Self { url, fulfill, stripe, clock, http, stop, folder }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Delivers a body, signed now with the current secret.
    pub(crate) async fn deliver(&self, body: impl Into<Vec<u8>>) -> Answer {
        let body = body.into();
        let signature = sign(SECRET, self.clock.now() / 1_000, &body);
        self.deliver_signed(body, &signature).await
    }

    pub(crate) async fn deliver_signed(&self, body: impl Into<Vec<u8>>, signature: &str) -> Answer {
        let request = self.request(Method::POST, "/webhook").header("stripe-signature", signature);
        send(request.body(body.into())).await
    }

    /// Stripe knows the session and tells that it is complete; returns once it was looked at. The
    /// clock stands still meanwhile.
    pub(crate) async fn buy(&self, session: Value) -> SessionView {
        let id = session["id"].as_str().unwrap().to_owned();
        self.stripe.knows(session);
        let told =
            self.deliver(event(&format!("evt_{id}"), "checkout.session.completed", &id)).await;
        assert_eq!((told.status, told.text.as_str()), (200, "ok"));
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        for _ in 0..12_000 {
            let view = self.known(&id).await.expect("it was rung");
            if view.seen >= view.rung {
                return view;
            }
            pace.tick().await;
        }
        panic!("{id} was not looked at");
    }

    /// Returns once the session was looked at; the clock stands still meanwhile.
    pub(crate) async fn look(&self, id: &str) -> SessionView {
        let (door, patience) = (self.fulfill.door(), Duration::from_secs(60));
        let key = SessionKey::parse(id).unwrap();
        let look = door.fulfill_checkout(&key, Ringer::Operator, patience);
        let looked = tokio::time::timeout(patience, look).await.expect("the look hangs");
        looked.unwrap().expect("it was rung")
    }

    /// Turns the clock until the order is fulfilled: what was brought in is handed out by then.
    pub(crate) async fn fulfilled(&self, id: &str) -> Value {
        let done = async {
            loop {
                let order = self.api_get(&format!("/orders/{id}")).await;
                if order["status"] == "fulfilled" {
                    return order;
                }
                self.clock.sleep(Duration::from_secs(1)).await;
            }
        };
        self.turning(done).await
    }

    /// The disk is gone.
    pub(crate) async fn lose_the_database(&self) {
        self.fulfill.store().close().await;
        std::fs::remove_dir_all(self.folder.path()).unwrap();
    }

    /// What is known of a session, once everything that was received is sorted in.
    pub(crate) async fn known(&self, id: &str) -> Option<SessionView> {
        while self.fulfill.store().sort_in(100).await.unwrap().events == 100 {}
        self.fulfill.store().session_view(&SessionKey::parse(id).unwrap()).await.unwrap()
    }

    pub(crate) async fn landing(&self, id: &str) -> Answer {
        self.get(&format!("/success?session_id={id}")).await
    }

    /// Calls the API as the shop does.
    pub(crate) async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, &format!("/api{path}")).bearer_auth(TOKEN);
        send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Gets JSON from the API, which must answer 200.
    pub(crate) async fn api_get(&self, path: &str) -> Value {
        let answer = self.api(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Turns the clock, a second at a time, until this is over.
    pub(crate) async fn turning<T>(&self, what: impl Future<Output = T>) -> T {
        let mut what = std::pin::pin!(what);
        for _ in 0..600 {
            match tokio::time::timeout(Duration::from_millis(25), what.as_mut()).await {
                Ok(done) => return done,
                Err(_) => self.clock.advance(Duration::from_secs(1)),
            }
        }
        panic!("ten minutes on the clock were not enough");
    }

    /// What `/metrics` says under this name.
    pub(crate) async fn meter(&self, name: &str) -> Option<String> {
        let metrics = self.get("/metrics").await;
        let mut lines = metrics.text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::to_owned)
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    // The pages' own script is the one that they may have; it is looked at by itself.
    Answer { status, headers, text: text.replace(OWN_SCRIPT, "") }
}

/// A snapshot event about a session.
pub(crate) fn event(id: &str, kind: &str, session: &str) -> String {
    json!({
        "id": id, "object": "event", "type": kind, "api_version": "2019-02-19",
        "created": 1_704_067_100, "livemode": false, "pending_webhooks": 1,
        "data": { "object": { "id": session, "object": "checkout.session" } },
    })
    .to_string()
}
