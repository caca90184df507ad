//! Events and the endpoints that want them: filters, kinds, resending, what the log keeps.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Endpoint, Stage};

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn events_are_narrowed_by_type_object_time_and_delivery() {
    let stage = Stage::new().await;
    let first = stage.post("/v1/products", "name=Tea").await;
    let nobody = "url=http://127.0.0.1:1/&enabled_events[]=customer.created";
    stage.post("/v1/webhook_endpoints", nobody).await;
    stage.sandbox.advance(std::time::Duration::from_secs(10));
    let second = stage.post("/v1/products", "name=Coffee").await;
    stage.post(&format!("/v1/products/{}", first["id"].as_str().unwrap()), "name=Tee").await;
    stage.post("/v1/customers", "email=ada@example.com").await;
    let all = stage.get("/v1/events").await;
    let [customer, updated, coffee, tea] = ids(&all)[..] else { panic!("{all}") };
    let related = |product: &Value| format!("related_object={}", product["id"].as_str().unwrap());
    let at = second["created"].as_i64().unwrap();
    for (filter, expected) in [
        ("type=product.created".to_owned(), vec![coffee, tea]),
        ("type=product.*".to_owned(), vec![updated, coffee, tea]),
        ("types[]=product.updated&types[]=customer.created".to_owned(), vec![customer, updated]),
        (related(&first), vec![updated, tea]),
        (related(&second), vec![coffee]),
        (format!("created[lt]={at}"), vec![tea]),
        (format!("created[gte]={at}&limit=2"), vec![customer, updated]),
        ("delivery_success=false".to_owned(), vec![customer]),
        (format!("delivery_success=true&ending_before={coffee}"), vec![updated]),
    ] {
        let list = stage.get(&format!("/v1/events?{filter}")).await;
        assert_eq!(ids(&list), expected, "{filter}");
    }
    let many: String = (0..21).map(|_| "types[]=product.created&").collect();
    for refused in [&*many, "type=a.b&types[]=a.b", "nonsense=1", "limit=0"] {
        let (status, _) = stage.refused(Method::GET, &format!("/v1/events?{refused}"), "").await;
        assert_eq!(status, 400, "{refused}");
    }
}

#[tokio::test]
async fn an_endpoint_wants_events_that_stripe_knows_and_shows_its_secret_once() {
    let stage = Stage::new().await;
    let url = "url=http://127.0.0.1:1/hook";
    for (events, message) in [
        ("enabled_events[]=product.invented", "product.invented"),
        ("enabled_events[]=*&enabled_events[]=product.created", "alone"),
        ("api_version=2026-10-28.endive", "enabled_events"),
    ] {
        let form = format!("{url}&{events}");
        let (status, error) = stage.refused(Method::POST, "/v1/webhook_endpoints", &form).await;
        assert_eq!(status, 400);
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
    }
    let form = format!(
        "{url}&enabled_events[]=product.created&api_version=2023-10-16&description=shop&metadata[a]=b"
    );
    let made = stage.post("/v1/webhook_endpoints", &form).await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!((&made["api_version"], &made["status"]), (&json!("2023-10-16"), &json!("enabled")));
    let path = format!("/v1/webhook_endpoints/{}", made["id"].as_str().unwrap());
    assert_eq!(stage.get(&path).await.get("secret"), None);
    let changed = stage.post(&path, "disabled=true&description=&metadata[a]=").await;
    assert_eq!(
        (&changed["status"], &changed["description"], &changed["metadata"]),
        (&json!("disabled"), &Value::Null, &json!({}))
    );
    stage.post("/v1/products", "name=Tea").await;
    stage.sandbox.idle().await;
    assert!(stage.sandbox.deliveries().is_empty(), "a disabled endpoint gets nothing");
    let (status, _) = stage.refused(Method::POST, &path, "api_version=2024-06-20").await;
    assert_eq!(status, 400, "an endpoint keeps its version");
    let gone = stage.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    assert_eq!(stage.get("/v1/webhook_endpoints").await["data"], json!([]));
}

#[tokio::test]
async fn the_log_keeps_the_request_and_the_answer_and_an_event_is_sent_again() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    let (id, _) = endpoint.register(&stage, "enabled_events[]=product.created").await;
    endpoint.answer_with(&[200]);
    stage.post("/v1/products", "name=Tea").await;
    stage.sandbox.idle().await;
    let event = endpoint.came()[0].json()["id"].as_str().unwrap().to_owned();
    for again in [json!({ "event": event, "endpoint": id }), json!({ "event": event })] {
        assert_eq!(stage.control("/_sandbox/resend", again).await.0, 200);
        stage.sandbox.idle().await;
    }
    let none = json!({ "event": "evt_none" });
    assert_eq!(stage.control("/_sandbox/resend", none).await.0, 400);
    let log = stage.get(&format!("/_sandbox/deliveries?event={event}")).await;
    let attempts = log["data"].as_array().unwrap();
    assert_eq!((attempts.len(), endpoint.came().len()), (3, 3));
    for (attempt, came) in attempts.iter().zip(endpoint.came()) {
        assert_eq!(attempt["request_body"], json!(came.body));
        assert_eq!(attempt["request_headers"]["Stripe-Signature"], json!(came.signature));
        assert_eq!(attempt["answer_headers"]["content-length"], "0");
        assert!(attempt["ms"].is_u64());
    }
    let short = stage.get("/_sandbox/deliveries").await;
    assert_eq!(short["data"][0].get("request_body"), None);
}

#[tokio::test]
async fn a_destination_of_v2_gets_thin_events_and_both_ids_lead_to_the_event() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    let body = json!({
        "name": "orders", "type": "webhook_endpoint", "event_payload": "thin",
        "enabled_events": ["v1.product.created"], "webhook_endpoint": { "url": endpoint.url },
    });
    let made = stage.post("/v2/core/event_destinations", &body.to_string()).await;
    assert_eq!(made["webhook_endpoint"], json!({ "signing_secret": null, "url": null }));
    let product = stage.post("/v1/products", "name=Tea").await;
    stage.sandbox.idle().await;
    let thin = endpoint.came()[0].json();
    assert_eq!(thin["related_object"]["id"], product["id"]);
    assert!(thin["reason"]["request"]["id"].as_str().unwrap().starts_with("req_"));
    let (id, snapshot) = (thin["id"].as_str().unwrap(), thin["snapshot_event"].as_str().unwrap());
    assert_eq!(stage.get(&format!("/v2/core/events/{id}")).await, thin);
    assert_eq!(stage.get(&format!("/v1/events/{snapshot}")).await["type"], "product.created");
    let path = format!("/v2/core/event_destinations/{}", made["id"].as_str().unwrap());
    let change = json!({ "name": "all", "metadata": { "a": 1 } }).to_string();
    let renamed = stage.post(&path, &change).await;
    assert_eq!((&renamed["name"], &renamed["metadata"]), (&json!("all"), &json!({ "a": "1" })));
    for (body, status) in [("name=form", 400), ("{\"nonsense\":1}", 400), ("[", 400)] {
        assert_eq!(stage.refused(Method::POST, &path, body).await.0, status, "{body}");
    }
    assert_eq!(stage.get("/v1/webhook_endpoints").await["data"], json!([]));
}

#[tokio::test]
async fn a_json_body_that_would_be_gigabytes_as_a_form_is_refused() {
    let stage = Stage::new().await;
    let body = format!("{{\"{}\":[{}1]}}", "k".repeat(400_000), "1,".repeat(200_000));
    let (status, error) = stage.refused(Method::POST, "/v2/core/event_destinations", &body).await;
    assert_eq!(status, 400);
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("Invalid request parameter name: kkk"), "{message}");
    stage.post("/v1/products", "name=Tea").await;
}

#[tokio::test]
async fn lists_of_v2_lead_from_page_to_page_and_back() {
    let stage = Stage::new().await;
    for name in ["a", "b", "c", "d", "e"] {
        stage.post("/v1/products", &format!("name={name}")).await;
    }
    let whole = stage.get("/v2/core/events?limit=100").await;
    let ids = |page: &Value| -> Vec<Value> {
        page["data"].as_array().unwrap().iter().map(|event| event["id"].clone()).collect()
    };
    assert_eq!(
        (&whole["next_page_url"], &whole["previous_page_url"]),
        (&Value::Null, &Value::Null)
    );
    let (mut url, mut seen) =
        ("/v2/core/events?limit=2&types[]=v1.product.created".to_owned(), Vec::new());
    let end = loop {
        let page = stage.get(&url).await;
        seen.extend(ids(&page));
        match page["next_page_url"].as_str() {
            Some(next) => next.clone_into(&mut url),
            None => break page,
        }
    };
    assert_eq!(seen, ids(&whole));
    let before = stage.get(end["previous_page_url"].as_str().unwrap()).await;
    assert_eq!(ids(&before), ids(&whole)[2..4]);
    assert_eq!(stage.refused(Method::GET, "/v2/core/events?limit=0", "").await.0, 400);
    assert_eq!(stage.refused(Method::GET, "/v2/core/events?page=x", "").await.0, 400);
}
