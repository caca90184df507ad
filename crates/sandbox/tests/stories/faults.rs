//! Trouble with the API, on order.

use fulfill_sandbox::{Fault, Trouble};
use reqwest::Method;
use serde_json::json;

use crate::stage::{Stage, read};

const SESSIONS: &str = "/v1/checkout/sessions";

#[tokio::test]
async fn a_fault_hits_what_it_matches_as_often_as_it_says() {
    let stage = Stage::new().await;
    stage
        .sandbox
        .faults()
        .add(Fault::status(429).retry_after(3).on("GET", SESSIONS).after(1).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        assert_eq!(stage.request(Method::GET, "/v1/events").send().await.unwrap().status(), 200);
        let answer = stage.request(Method::GET, SESSIONS).send().await.unwrap();
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "3");
        }
        statuses.push(read(answer).await.0);
    }
    assert_eq!(statuses, [200, 429, 429, 200]);
}

#[tokio::test]
async fn errors_come_in_the_shape_of_their_status() {
    let stage = Stage::new().await;
    for (fault, status, code) in [
        (Fault::status(500), 500, None),
        (Fault::status(429), 429, Some("rate_limit")),
        (Fault::status(404), 404, Some("resource_missing")),
    ] {
        stage.sandbox.faults().add(fault.times(1));
        let (got, error) = stage.refused(Method::GET, SESSIONS, "").await;
        assert_eq!((got, error["code"].as_str()), (status, code));
    }
    stage
        .sandbox
        .faults()
        .add(Fault::new(Trouble::Forbidden { permission: "rak_event_read".into() }).times(1));
    let (status, error) = stage.refused(Method::GET, SESSIONS, "").await;
    assert_eq!(status, 403);
    assert!(error["message"].as_str().unwrap().contains("rak_event_read"));
    stage.sandbox.faults().add(Fault::new(Trouble::Html { status: 502 }).times(1));
    let answer = stage.request(Method::GET, SESSIONS).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
        (502, "text/html")
    );
    assert!(answer.text().await.unwrap().starts_with("<html>"));
}

#[tokio::test]
async fn a_body_can_end_early_and_a_connection_without_an_answer() {
    let stage = Stage::new().await;
    stage.sandbox.faults().add(Fault::new(Trouble::Cut).on("POST", "/v1/products").times(1));
    let answer = stage.request(Method::POST, "/v1/products").body("name=Tea").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err(), "the body is not whole");
    stage.sandbox.faults().add(Fault::new(Trouble::Drop).on("POST", "/v1/products").times(1));
    assert!(stage.request(Method::POST, "/v1/products").body("name=Tea").send().await.is_err());
    let made = stage.get("/v1/products").await["data"].as_array().unwrap().len();
    assert_eq!(made, 2, "both were carried out all the same");
}

#[tokio::test]
async fn case_28_a_page_comes_empty_or_repeats() {
    let stage = Stage::new().await;
    for n in 0..4 {
        stage.post("/v1/products", &format!("name=n{n}")).await;
    }
    let first = stage.get("/v1/products?limit=2").await;
    let next =
        format!("/v1/products?limit=2&starting_after={}", first["data"][1]["id"].as_str().unwrap());
    stage.sandbox.faults().add(Fault::new(Trouble::EmptyPage).times(1));
    let empty = stage.get(&next).await;
    assert_eq!((&empty["data"], &empty["has_more"]), (&json!([]), &json!(true)));
    stage.sandbox.faults().add(Fault::new(Trouble::RepeatedPage).times(1));
    assert_eq!(stage.get(&next).await["data"], first["data"]);
    assert_eq!(stage.get(&next).await["has_more"], false);
}

#[tokio::test]
async fn faults_are_ordered_seen_and_cleared_over_http() {
    let stage = Stage::new().await;
    let order = json!({ "kind": "status", "status": 500, "method": "GET", "path": "/v1/checkout", "times": 5 });
    let (status, listed) = stage.control("/_sandbox/faults", order).await;
    assert_eq!((status, &listed["data"][0]["kind"]), (200, &json!("status")));
    assert_eq!(stage.refused(Method::GET, SESSIONS, "").await.0, 500);
    let (_, left) =
        read(stage.request(Method::GET, "/_sandbox/faults").send().await.unwrap()).await;
    assert_eq!(left["data"][0]["times"], 4);
    stage.request(Method::DELETE, "/_sandbox/faults").send().await.unwrap();
    stage.get(SESSIONS).await;
    let (status, error) = stage.control("/_sandbox/faults", json!({ "kind": "lunch" })).await;
    assert_eq!(status, 400);
    assert!(error["error"]["message"].as_str().unwrap().contains("lunch"), "{error}");
}

#[tokio::test]
async fn chance_is_drawn_from_the_seed() {
    let mut draws = Vec::new();
    for _ in 0..2 {
        let stage = Stage::new().await;
        stage.sandbox.faults().add(Fault::status(500).chance(0.5));
        let mut hits = Vec::new();
        for _ in 0..20 {
            hits.push(stage.request(Method::GET, SESSIONS).send().await.unwrap().status().as_u16());
        }
        assert!(hits.contains(&500) && hits.contains(&200));
        draws.push(hits);
    }
    assert_eq!(draws[0], draws[1]);
}

#[tokio::test]
async fn an_answer_can_be_changed_as_a_newer_api_would() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    let order = json!({
        "kind": "alter",
        "path": SESSIONS,
        "set": { "/payment_status": "pondering", "/line_items/data/0/quantity": 7 },
        "remove": ["/status", "/nothing/here"],
        "times": 1,
    });
    stage.control("/_sandbox/faults", order).await;
    let path = format!("{SESSIONS}/{id}?expand[]=line_items");
    let altered = stage.get(&path).await;
    assert_eq!(altered["payment_status"], "pondering");
    assert_eq!(altered["line_items"]["data"][0]["quantity"], 7);
    assert!(altered.get("status").is_none());
    assert_eq!(stage.get(&path).await["status"], "open");
}

#[tokio::test]
async fn an_answer_can_be_slow_while_others_are_not() {
    let stage = Stage::new().await;
    stage.sandbox.faults().add(Fault::new(Trouble::Slow { ms: 60_000 }).times(1));
    let patience = std::time::Duration::from_millis(200);
    let slow = stage.request(Method::GET, SESSIONS).timeout(patience).send().await;
    assert!(slow.unwrap_err().is_timeout());
    stage.get(SESSIONS).await;
}
