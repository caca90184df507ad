//! Manners: keys, errors, versions, idempotency.

use reqwest::Method;
use serde_json::json;

use crate::stage::{Stage, read};

const LINE: &str = "&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=50&line_items[0][price_data][product_data][name]=Tea";

#[tokio::test]
async fn only_test_keys_are_taken_as_bearer_or_as_basic_user() {
    let stage = Stage::new().await;
    let url = format!("{}/v1/events", stage.sandbox.url());
    let none = stage.http.get(&url).send().await.unwrap();
    assert_eq!(none.status(), 401);
    let live = stage.http.get(&url).bearer_auth("sk_live_123456789012345678").send().await.unwrap();
    let (status, body) = read(live).await;
    assert_eq!((status, &body["error"]["type"]), (401, &json!("invalid_request_error")));
    assert!(!body.to_string().contains("123456789012"), "the key is not shown whole");
    for key in ["sk_test_1", "rk_test_1"] {
        assert_eq!(stage.http.get(&url).bearer_auth(key).send().await.unwrap().status(), 200);
        let basic = stage.http.get(&url).basic_auth(key, Some("")).send().await.unwrap();
        assert_eq!(basic.status(), 200);
    }
}

#[tokio::test]
async fn errors_name_the_parameter_and_the_reason() {
    let stage = Stage::new().await;
    let payment = "mode=payment&success_url=http://x";
    for (form, code, param) in [
        ("success_url=http://x".to_owned(), "parameter_missing", "mode"),
        (format!("mode=payment{LINE}"), "parameter_missing", "success_url"),
        (payment.to_owned(), "parameter_missing", "line_items"),
        (format!("{payment}{LINE}&colour=red"), "parameter_unknown", "colour"),
        (
            format!("{payment}{LINE}&line_items[0][size]=M"),
            "parameter_unknown",
            "line_items[0][size]",
        ),
        (
            format!("{payment}{LINE}&line_items[0][price_data][product_data][size]=M"),
            "parameter_unknown",
            "line_items[0][price_data][product_data][size]",
        ),
        (
            format!("{payment}&line_items[0][price]=price_no&line_items[0][quantity]=1"),
            "resource_missing",
            "line_items[0][price]",
        ),
        (format!("{payment}{LINE}&expires_at=soon"), "parameter_invalid_integer", "expires_at"),
        (format!("{payment}{LINE}&customer=cus_no"), "resource_missing", "customer"),
        (format!("mode=payment&success_url=nowhere{LINE}"), "url_invalid", "success_url"),
    ] {
        let (status, error) = stage.refused(Method::POST, "/v1/checkout/sessions", &form).await;
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!(code), &json!(param)),
            "{form}: {error}"
        );
        assert!(matches!(status, 400 | 404));
        assert_eq!(error["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_404_and_says_so() {
    let stage = Stage::new().await;
    let (status, error) = stage.refused(Method::GET, "/v1/checkout/sessions/cs_test_no", "").await;
    assert_eq!(status, 404);
    assert_eq!(error["code"], "resource_missing");
    assert_eq!(error["message"], "No such checkout session: 'cs_test_no'");
    for path in [
        "/v1/payment_intents/pi_no",
        "/v1/products/prod_no",
        "/v1/prices/price_no",
        "/v1/events/evt_no",
        "/v1/customers/cus_no",
        "/v1/webhook_endpoints/we_no",
        "/v1/payment_links/plink_no",
        "/v1/coupons/no",
        "/v1/nothing",
        "/v1/",
    ] {
        assert_eq!(stage.refused(Method::GET, path, "").await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_the_version() {
    let stage = Stage::new().await;
    let answer = stage
        .request(Method::GET, "/v1/events")
        .header("stripe-version", "2023-10-16")
        .send()
        .await
        .unwrap();
    assert!(answer.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(answer.headers()["stripe-version"], "2023-10-16");
    let wrong = stage
        .request(Method::GET, "/v1/events")
        .header("stripe-version", "newest")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn a_key_for_idempotency_replays_the_answer_and_refuses_another_request() {
    let stage = Stage::new().await;
    let send = |form: &'static str| {
        stage
            .request(Method::POST, "/v1/products")
            .header("idempotency-key", "once")
            .body(form)
            .send()
    };
    let first = send("name=Tea").await.unwrap();
    assert!(first.headers().get("idempotent-replayed").is_none());
    let first = read(first).await;
    let again = send("name=Tea").await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(read(again).await, first);
    let (status, other) = read(send("name=Coffee").await.unwrap()).await;
    assert_eq!((status, &other["error"]["type"]), (400, &json!("idempotency_error")));
    assert_eq!(stage.get("/v1/products").await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_that_was_refused_may_be_mended_under_the_same_key() {
    let stage = Stage::new().await;
    let send = |form: &'static str| {
        stage
            .request(Method::POST, "/v1/products")
            .header("idempotency-key", "once")
            .body(form)
            .send()
    };
    assert_eq!(send("nome=Tea").await.unwrap().status(), 400);
    assert_eq!(send("name=Tea").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_restricted_key_is_told_which_permission_it_lacks() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    stage
        .sandbox
        .pay(&id, fulfill_sandbox::Method::Card, fulfill_sandbox::Purchase::default())
        .unwrap();
    let key = "rk_test_narrow";
    let (status, _) = stage
        .control("/_sandbox/keys", json!({ "key": key, "permissions": ["checkout_session_read"] }))
        .await;
    assert_eq!(status, 200);
    let get = |path: String| {
        stage.http.get(format!("{}{path}", stage.sandbox.url())).bearer_auth(key).send()
    };
    assert_eq!(get(format!("/v1/checkout/sessions/{id}")).await.unwrap().status(), 200);
    for (path, permission) in [
        ("/v1/events?limit=1".to_owned(), "rak_event_read"),
        (format!("/v1/checkout/sessions/{id}?expand[]=payment_intent"), "rak_payment_intent_read"),
    ] {
        let (status, body) = read(get(path).await.unwrap()).await;
        assert_eq!(status, 403);
        assert!(body["error"]["message"].as_str().unwrap().contains(permission), "{body}");
    }
}

#[tokio::test]
async fn the_shipping_address_stands_where_the_version_has_it() {
    let stage = Stage::new().await;
    let id = stage.session("&shipping_address_collection[allowed_countries][]=DE").await;
    let shipping = json!({ "name": "Ann", "address": { "line1": "Hauptstr. 1", "city": "Ulm", "postal_code": "89073", "country": "DE" } });
    let (status, paid) = stage
        .control("/_sandbox/pay", json!({ "session": id, "method": "card", "shipping": shipping }))
        .await;
    assert_eq!((status, &paid["payment_status"]), (200, &json!("paid")));
    for (version, place) in [
        ("2020-08-27", "/shipping"),
        ("2022-11-15", "/shipping_details"),
        ("2023-10-16", "/shipping_details"),
        ("2025-03-31.basil", "/collected_information/shipping_details"),
        ("2026-10-28.endive", "/collected_information/shipping_details"),
    ] {
        let answer = stage
            .request(Method::GET, &format!("/v1/checkout/sessions/{id}"))
            .header("stripe-version", version)
            .send()
            .await
            .unwrap();
        let (_, session) = read(answer).await;
        for candidate in
            ["/shipping", "/shipping_details", "/collected_information/shipping_details"]
        {
            let found = session.pointer(&format!("{candidate}/address/line1"));
            assert_eq!(found.is_some(), candidate == place, "{version} {candidate}");
        }
    }
    let intent = stage.retrieve(&id).await["payment_intent"].clone();
    assert_eq!(intent["shipping"]["address"]["city"], "Ulm");
}

#[tokio::test]
async fn a_version_that_dropped_a_parameter_refuses_it_when_asked_for_by_name() {
    let stage = Stage::new().await;
    let form = format!("mode=payment&success_url=http://x&payment_method_types[]=card{LINE}");
    for (version, expected) in
        [(None, 200), (Some("2026-03-25.dahlia"), 200), (Some("2026-10-28.endive"), 400)]
    {
        let mut request = stage.request(Method::POST, "/v1/checkout/sessions").body(form.clone());
        if let Some(version) = version {
            request = request.header("stripe-version", version);
        }
        assert_eq!(request.send().await.unwrap().status(), expected, "{version:?}");
    }
}

#[tokio::test]
async fn the_same_seed_and_calls_give_the_same_ids() {
    let (one, two) = (Stage::new().await, Stage::new().await);
    assert_eq!(one.session("").await, two.session("").await);
    assert_eq!(one.sandbox.secret_key(), two.sandbox.secret_key());
}

#[tokio::test]
async fn odd_requests_get_an_error_in_stripes_shape() {
    let stage = Stage::new().await;
    for form in [
        "a[=1",
        "[]=1",
        "a[b][c][d][e][f][g][h][i][j]=1",
        "name=%FF%FE",
        "name[a]=1&name=2",
        "metadata=x",
        "images[a]=1",
        "active=perhaps&name=x",
    ] {
        let (status, error) = stage.refused(Method::POST, "/v1/products", form).await;
        assert_eq!(
            (status, &error["type"]),
            (400, &json!("invalid_request_error")),
            "{form}: {error}"
        );
    }
    let large = "a".repeat(2 * 1024 * 1024);
    let answer = stage.request(Method::POST, "/v1/products").body(large).send().await.unwrap();
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let stage = Stage::new().await;
    let port = stage.sandbox.url().rsplit(':').next().unwrap().parse().unwrap();
    let error = fulfill_sandbox::Sandbox::builder().port(port).start().await.unwrap_err();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn a_page_from_elsewhere_reaches_neither_the_api_nor_the_controls_nor_the_pages() {
    let stage = Stage::new().await;
    let session = stage.session("").await;
    let page = format!("/c/pay/{session}");
    let made = stage.get("/v1/products").await["data"].as_array().unwrap().len();
    for path in [
        "/v1/products",
        "/v2/core/events",
        "/_sandbox/faults",
        "/_sandbox/",
        &page,
        "/stripecli/subscribe",
    ] {
        let bent = stage.request(Method::GET, path).header("host", "evil.example:12111");
        let (status, answer) = read(bent.send().await.unwrap()).await;
        assert_eq!((status, &answer["error"]["type"]), (421, &json!("invalid_request_error")));
    }
    for (host, path) in [("api.stripe.com", "/v1/products"), ("stripe:12111", &page)] {
        let named = stage.request(Method::GET, path).header("host", host);
        assert_eq!(named.send().await.unwrap().status(), 200, "{host}");
    }
    for (origin, expected) in
        [("http://evil.example", 403), ("null", 403), ("http://localhost:3000", 200)]
    {
        let sent = stage.request(Method::POST, "/v1/products").header("origin", origin);
        assert_eq!(read(sent.body("name=Tea").send().await.unwrap()).await.0, expected, "{origin}");
    }
    assert_eq!(stage.get("/v1/products").await["data"].as_array().unwrap().len(), made + 1);
}
