//! Deliveries: signed, tried again, logged.

use std::time::Duration;

use fulfill_sandbox::{Clock, Fault, Method, Purchase, Sandbox, Trouble};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::stage::{Delivery, Endpoint, START_MS, Stage};

const COMPLETED: &str = "enabled_events[]=checkout.session.completed";

/// When it was signed, if it was signed with this secret.
fn verified(delivery: &Delivery, secret: &str) -> Option<i64> {
    let (at, hex) = delivery.signature.strip_prefix("t=")?.split_once(",v1=")?;
    let signature: Vec<u8> = (0..hex.len() / 2)
        .map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap())
        .collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{}", delivery.body).as_bytes());
    mac.verify_slice(&signature).ok()?;
    at.parse().ok()
}

async fn buy(stage: &Stage) -> String {
    let id = stage.session("").await;
    stage.sandbox.pay(&id, Method::Card, Purchase::default()).unwrap();
    id
}

#[tokio::test]
async fn an_event_comes_signed_with_the_endpoints_secret() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    let (_, secret) = endpoint.register(&stage, COMPLETED).await;
    let id = buy(&stage).await;
    stage.sandbox.idle().await;
    let came = endpoint.came();
    assert_eq!(came.len(), 1);
    assert_eq!(verified(&came[0], &secret), Some(START_MS / 1000));
    assert_eq!(verified(&came[0], "whsec_other"), None);
    let event = came[0].json();
    assert_eq!(event["data"]["object"]["id"], json!(id));
    assert_eq!(event["data"]["object"]["payment_status"], "paid");
    assert!(event["data"]["object"].get("line_items").is_none());
    let kept = stage.get(&format!("/v1/events/{}", event["id"].as_str().unwrap())).await;
    assert_eq!(kept["pending_webhooks"], 0);
}

#[tokio::test]
async fn what_is_not_answered_2xx_is_tried_again_at_growing_intervals() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    let (_, secret) = endpoint.register(&stage, COMPLETED).await;
    endpoint.answer_with(&[500, 302, 404]);
    buy(&stage).await;
    stage.sandbox.idle().await;
    for (seconds, attempts) in [(4, 1), (1, 2), (19, 2), (1, 3), (80, 4), (1_000_000, 4)] {
        stage.sandbox.clock().advance(Duration::from_secs(seconds));
        stage.sandbox.idle().await;
        assert_eq!(endpoint.came().len(), attempts);
    }
    let times: Vec<_> = endpoint
        .came()
        .iter()
        .map(|one| verified(one, &secret).unwrap() - START_MS / 1000)
        .collect();
    assert_eq!(times, [0, 5, 25, 105], "each attempt is signed anew");
    let bodies: Vec<_> = endpoint.came().iter().map(|one| one.json()["id"].clone()).collect();
    assert!(bodies.iter().all(|id| *id == bodies[0]));
    let log = stage.sandbox.deliveries();
    assert_eq!(
        log.iter().map(|one| (one.attempt, one.status)).collect::<Vec<_>>(),
        [(1, Some(500)), (2, Some(302)), (3, Some(404)), (4, Some(200))]
    );
    assert_eq!(log[0].next_at_ms, Some(START_MS + 4_000 + 1_000));
    assert_eq!(log[3].next_at_ms, None);
}

#[tokio::test]
async fn retries_end_after_three_days() {
    let stage = Stage::new().await;
    stage
        .post("/v1/webhook_endpoints", &format!("url=http://127.0.0.1:1/nobody&{COMPLETED}"))
        .await;
    buy(&stage).await;
    for _ in 0..20 {
        stage.sandbox.idle().await;
        stage.sandbox.clock().advance(Duration::from_secs(24 * 60 * 60));
    }
    let log = stage.sandbox.deliveries();
    assert_eq!(log.len(), 10);
    assert!(log.iter().all(|one| one.status.is_none()));
    assert_eq!(log[9].next_at_ms, None);
    let failed = stage.get("/v1/events?delivery_success=false").await;
    assert_eq!(failed["data"][0]["pending_webhooks"], 1);
}

#[tokio::test]
async fn an_event_has_the_shape_of_its_endpoints_version_for_ever() {
    let (stage, old, new) = (Stage::new().await, Endpoint::new().await, Endpoint::new().await);
    old.register(&stage, &format!("{COMPLETED}&api_version=2022-11-15")).await;
    new.register(&stage, COMPLETED).await;
    let id = stage.session("&shipping_address_collection[allowed_countries][]=DE").await;
    let shipping = json!({ "address": { "line1": "A 1", "city": "Ulm", "postal_code": "1", "country": "DE" } });
    stage.control("/_sandbox/pay", json!({ "session": id, "shipping": shipping })).await;
    stage.sandbox.idle().await;
    let (old, new) = (old.came()[0].json(), new.came()[0].json());
    assert_eq!(
        (&old["api_version"], &new["api_version"]),
        (&json!("2022-11-15"), &json!("2026-10-28.endive"))
    );
    assert_eq!(old["data"]["object"]["shipping_details"]["address"]["city"], "Ulm");
    assert_eq!(
        new["data"]["object"]["collected_information"]["shipping_details"]["address"]["city"],
        "Ulm"
    );
    stage.post(&format!("/v1/checkout/sessions/{id}"), "metadata[later]=1").await;
    let kept = stage.get(&format!("/v1/events/{}", new["id"].as_str().unwrap())).await;
    assert_eq!(kept["data"]["object"]["metadata"], json!({}));
}

#[tokio::test]
async fn a_thin_event_names_the_object_and_the_snapshot() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    endpoint
        .register(&stage, "enabled_events[]=v1.checkout.session.completed&metadata[payload]=thin")
        .await;
    let id = buy(&stage).await;
    stage.sandbox.idle().await;
    let thin = endpoint.came()[0].json();
    assert_eq!(
        (&thin["object"], &thin["type"]),
        (&json!("v2.core.event"), &json!("v1.checkout.session.completed"))
    );
    assert_eq!(
        thin["related_object"],
        json!({ "id": id, "type": "checkout.session", "url": format!("/v1/checkout/sessions/{id}") })
    );
    assert_eq!(thin["created"], "2026-09-21T14:13:20.000Z");
    let snapshot =
        stage.get(&format!("/v1/events/{}", thin["snapshot_event"].as_str().unwrap())).await;
    assert_eq!(snapshot["type"], "checkout.session.completed");
}

#[tokio::test]
async fn an_event_can_be_sent_again() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    let (we, _) = endpoint.register(&stage, COMPLETED).await;
    buy(&stage).await;
    stage.sandbox.idle().await;
    let event = endpoint.came()[0].json()["id"].as_str().unwrap().to_owned();
    stage.post(&format!("/v1/events/{event}/retry"), &format!("webhook_endpoint={we}")).await;
    stage.sandbox.idle().await;
    assert_eq!(endpoint.came().len(), 2);
    assert_eq!(endpoint.came()[1].json()["id"], json!(event));
}

#[tokio::test]
async fn forwarding_signs_everything_with_one_secret() {
    let endpoint = Endpoint::new().await;
    let sandbox = Sandbox::builder()
        .port(0)
        .clock(Clock::manual(START_MS))
        .forward_to(&endpoint.url)
        .start()
        .await
        .unwrap();
    let stage = Stage { sandbox, http: reqwest::Client::new() };
    stage.post("/v1/products", "name=Tea").await;
    stage.sandbox.idle().await;
    assert_eq!(endpoint.types(), ["product.created"]);
    assert!(verified(&endpoint.came()[0], stage.sandbox.forward_secret()).is_some());
    assert_eq!(
        stage.get("/v1/webhook_endpoints").await["data"],
        json!([]),
        "a listener is no endpoint"
    );
}

#[tokio::test]
async fn deliveries_are_duplicated_delayed_lost_and_split_on_order() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    endpoint.register(&stage, COMPLETED).await;
    let mut expected = 0;
    for (trouble, now, later) in [
        (Trouble::Duplicate, 2, 0),
        (Trouble::Delay { ms: 500 }, 0, 1),
        (Trouble::Lose, 0, 0),
        (Trouble::Split, 2, 0),
    ] {
        stage.sandbox.faults().add(Fault::new(trouble.clone()).of("checkout.session").times(1));
        buy(&stage).await;
        stage.sandbox.idle().await;
        expected += now;
        assert_eq!(endpoint.came().len(), expected, "{trouble:?}");
        stage.sandbox.clock().advance(Duration::from_millis(500));
        stage.sandbox.idle().await;
        expected += later;
        assert_eq!(endpoint.came().len(), expected, "{trouble:?}, later");
    }
    assert_eq!(stage.sandbox.faults().list(), []);
    let ids: Vec<Value> = endpoint.came().iter().map(|one| one.json()["id"].clone()).collect();
    assert_eq!(ids[0], ids[1], "a duplicate is the same event");
    assert_ne!(ids[3], ids[4], "a split has two events");
    let sessions: Vec<Value> =
        endpoint.came().iter().map(|one| one.json()["data"]["object"]["id"].clone()).collect();
    assert_eq!(sessions[3], sessions[4], "about one session");
}

#[tokio::test]
async fn a_delivery_that_is_held_comes_after_the_next_one() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    endpoint.register(&stage, "enabled_events[]=product.created").await;
    stage.sandbox.faults().add(Fault::new(Trouble::Hold).times(1));
    for name in ["first", "second"] {
        stage.post("/v1/products", &format!("name={name}")).await;
        stage.sandbox.idle().await;
    }
    let names: Vec<Value> = stage.sandbox.deliveries().iter().map(|one| json!(one.event)).collect();
    let events = stage.get("/v1/events").await;
    assert_eq!(names.len(), 2);
    assert_eq!(names[0], events["data"][0]["id"], "the newer event was sent first");
}

#[tokio::test]
async fn deliveries_that_are_held_in_a_row_change_places_and_none_is_lost() {
    for (fault, order) in [
        (Fault::new(Trouble::Hold).times(2), ["B", "A", "C", "D"]),
        (Fault::new(Trouble::Hold), ["B", "A", "D", "C"]),
    ] {
        let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
        endpoint.register(&stage, "enabled_events[]=product.created").await;
        stage.sandbox.faults().add(fault);
        for name in ["A", "B", "C", "D"] {
            stage.post("/v1/products", &format!("name={name}")).await;
            stage.sandbox.idle().await;
        }
        let came = endpoint.came();
        let names = came.iter().map(|one| one.json()["data"]["object"]["name"].clone());
        assert_eq!(names.collect::<Vec<_>>(), order);
    }
}
