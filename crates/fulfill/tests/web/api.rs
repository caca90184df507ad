//! Who may call the API, and how it refuses.

use reqwest::Method;

use crate::{
    bench::{Site, TOKEN, send},
    stripe::paid,
};

#[tokio::test]
async fn only_the_bearer_of_the_token_is_answered() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    let with = |value: String| {
        send(site.request(Method::GET, "/api/orders/cs_test_a1").header("authorization", value))
    };
    for good in [format!("Bearer {TOKEN}"), format!("bearer  {TOKEN} ")] {
        assert_eq!(with(good).await.status, 200);
    }
    for bad in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {TOKEN}x"),
        format!("Bearer {}", &TOKEN[1..]),
        format!("Bearer {}", TOKEN.to_uppercase()),
        format!("Basic {TOKEN}"),
        TOKEN.to_owned(),
    ] {
        let answer = with(bad.clone()).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{bad}");
        assert_eq!(answer.json()["error"]["type"], "unauthorized");
        assert!(!answer.text.contains("ada@example.com"));
    }
    let in_query = site.get(&format!("/api/orders?token={TOKEN}")).await;
    assert_eq!(in_query.status, 401);
}

#[tokio::test]
async fn without_a_token_the_api_is_off_and_says_how_to_switch_it_on() {
    for site in
        [Site::tokenless(|b| b).await, Site::idle(|b| b.api_token(String::new().into())).await]
    {
        off(&site).await;
    }
}

async fn off(site: &Site) {
    for header in ["Bearer ", "Bearer x", ""] {
        let answer =
            send(site.request(Method::GET, "/api/orders").header("authorization", header)).await;
        assert_eq!(answer.status, 401);
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("FULFILLD_API_TOKEN"), "{message}");
    }
}

#[tokio::test]
async fn every_refusal_is_json_and_names_what_is_wrong() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    let (get, post) = (Method::GET, Method::POST);
    for (method, path, status, named) in [
        (&get, "/orders?limit=0", 400, "limit"),
        (&get, "/orders?limit=101", 400, "limit"),
        (&get, "/orders?limit=ten", 400, "limit"),
        (&get, "/orders?limit=5&limit=6", 400, "limit"),
        (&get, "/orders?status=happy", 400, "awaiting_payment"),
        (&get, "/orders?after=li_1", 400, "after"),
        (&get, "/orders?after=cs_test_nobody", 400, "after"),
        (&get, "/orders?q=%00", 400, "q"),
        (&get, "/orders?page=2", 400, "page"),
        (&get, "/orders/li_1", 400, "cs_test_"),
        (&get, "/orders/cs_test_nobody", 404, "cs_test_nobody"),
        (&get, "/orders/cs_live_a1", 404, "live session"),
        (&get, "/grants", 400, "email"),
        (&get, "/grants?email=", 400, "email"),
        (&get, "/grants?access=course", 400, "email"),
        (&get, "/nowhere", 404, "nothing"),
        (&get, "", 404, "nothing"),
        (&post, "/orders", 405, "method"),
        (&get, "/orders/cs_test_a1/fulfill", 405, "method"),
        (&post, "/orders/cs_live_a1/fulfill", 404, "live session"),
        (&post, "/orders/cs_test_nobody/waive", 404, "cs_test_nobody"),
        (&post, "/stock/SHIRT-M", 400, "add"),
        (&post, "/keys/editor", 400, "keys"),
    ] {
        let answer = site.api(method.clone(), path, None).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let error = answer.json()["error"].clone();
        assert!(error["type"].is_string());
        assert!(error["message"].as_str().unwrap().contains(named), "{path}: {error}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn bodies_that_do_not_fit_are_refused() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["handmade"])).await;
    for (path, body, status) in [
        ("/api/orders/cs_test_a1/waive", "{\"lines\":7}".to_owned(), 400),
        ("/api/orders/cs_test_a1/waive", "{\"line\":[]}".to_owned(), 400),
        ("/api/orders/cs_test_a1/waive", "{\"lines\":[\"li_9\"]}".to_owned(), 400),
        ("/api/orders/cs_test_a1/waive", "not json".to_owned(), 400),
        ("/api/orders/cs_test_a1/waive", " ".repeat((1 << 20) + 1), 413),
        ("/api/stock/SHIRT-M", "{\"add\":0}".to_owned(), 400),
        ("/api/stock/SHIRT-M", "{\"add\":1e30}".to_owned(), 400),
        ("/api/stock/SHIRT-M", "{\"add\":5,\"sku\":\"X\"}".to_owned(), 400),
        ("/api/keys/editor", "a\nb\u{7}c".to_owned(), 400),
        ("/api/keys/editor", "x".repeat(501), 400),
        ("/api/keys/%20", "a".to_owned(), 400),
    ] {
        let request = site.request(Method::POST, path).bearer_auth(TOKEN).body(body.clone());
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{path} {body:.40}: {}", answer.text);
        assert!(answer.json()["error"]["message"].is_string());
    }
    let order = site.api_get("/orders/cs_test_a1").await;
    assert_eq!(order["effects"][0]["status"], "held", "none of it did anything");
}

#[tokio::test]
async fn trouble_of_ours_is_told_without_its_cause() {
    let site = Site::idle(|b| b).await;
    site.lose_the_database().await;
    let answer = site.api(Method::GET, "/orders", None).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["type"].as_str()),
        (503, Some("unavailable"))
    );
    assert!(!answer.text.to_lowercase().contains("sql"), "{}", answer.text);
}
