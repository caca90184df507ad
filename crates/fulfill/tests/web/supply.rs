//! Keys, stock and grants over the API.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bench::{Site, TOKEN, send},
    stripe::paid,
};

async fn import(site: &Site, text: &str) -> Value {
    let request = site.request(Method::POST, "/api/keys/editor").bearer_auth(TOKEN);
    let answer = send(request.body(text.to_owned())).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn keys_come_one_a_line_or_as_json_and_twice_is_once() {
    let site = Site::open().await;
    let first = import(&site, "\u{feff}K-1\r\n\r\n  K-2  \nK-2\nK-3").await;
    assert_eq!(
        (&first["pool"], &first["new"], &first["known"], &first["free"]),
        (&json!("editor"), &json!(3), &json!(0), &json!(3))
    );
    let again =
        site.api(Method::POST, "/keys/editor", Some(json!({ "keys": ["K-3", "K-4"] }))).await;
    let again = again.json();
    assert_eq!((&again["new"], &again["known"], &again["free"]), (&json!(1), &json!(1), &json!(4)));
}

#[tokio::test]
async fn a_large_import_is_taken_whole() {
    let site = Site::open().await;
    let keys: String = (0..60_000).map(|n| format!("KEY-{n:020}-ABCDEFGH\n")).collect();
    assert!(keys.len() > 1 << 20, "more than other bodies may have");
    assert_eq!(import(&site, &keys).await["free"], 60_000);
}

#[tokio::test]
async fn imported_keys_release_an_order_that_waits() {
    let site = Site::open().await;
    let order = site.buy(paid("cs_test_a1", &["editor"])).await.order.unwrap();
    assert_eq!(order.status.as_str(), "needs_attention");
    import(&site, "K-1").await;
    assert_eq!(site.fulfilled("cs_test_a1").await["effects"][0]["value"], "K-1");
}

#[tokio::test]
async fn added_stock_releases_an_order_that_waits() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["shirt"])).await;
    let added = site.api(Method::POST, "/stock/SHIRT-M", Some(json!({ "add": 2 }))).await;
    assert_eq!((added.status, &added.json()["on_hand"]), (200, &json!(2)));
    assert_eq!(site.fulfilled("cs_test_a1").await["effects"][0]["status"], "to_ship");
}

#[tokio::test]
async fn grants_answer_whether_a_customer_may_use_it() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["course", "book", "handmade"])).await;
    for whose in ["email=ADA@Example.com", "customer=cus_ada", "client_reference_id=user-7"] {
        let grants = site.api_get(&format!("/grants?{whose}")).await;
        assert_eq!(grants["data"].as_array().unwrap().len(), 2, "{whose}");
        assert_eq!(grants["has_access"], true);
    }
    let course = site.api_get("/grants?email=ada@example.com&access=course").await;
    assert_eq!(
        course["data"],
        json!([{ "access": "course", "url": "https://example.com/course?a=1&b=2",
            "expires_at": "2024-12-31T00:00:00.000Z", "active": true,
            "session_id": "cs_test_a1", "quantity": 1 }])
    );
    for nobody in [
        "email=eve@example.com",
        "email=ada@example.com&customer=cus_eve",
        "customer=cus_ada&access=moon",
    ] {
        let none = site.api_get(&format!("/grants?{nobody}")).await;
        assert_eq!((&none["data"], &none["has_access"]), (&json!([]), &json!(false)), "{nobody}");
    }
    site.clock.advance(Duration::from_secs(366 * 86_400));
    let ended = site.api_get("/grants?customer=cus_ada&access=course").await;
    assert_eq!((&ended["data"][0]["active"], &ended["has_access"]), (&json!(false), &json!(false)));
    let book = site.api_get("/grants?customer=cus_ada&access=book").await;
    assert_eq!((&book["data"][0]["expires_at"], &book["has_access"]), (&json!(null), &json!(true)));
}

#[tokio::test]
async fn what_was_counted_is_set_with_a_reason_and_listed() {
    let site = Site::open().await;
    let set = json!({ "set": 7, "why": "stocktaking" });
    let answer = site.api(Method::POST, "/stock/SHIRT-M", Some(set)).await;
    assert_eq!((answer.status, &answer.json()["on_hand"]), (200, &json!(7)));
    let moved = site.fulfill.store().movements(Some("SHIRT-M"), None, 1).await.unwrap().remove(0);
    assert_eq!(moved.who.as_deref(), Some("the API"));
    assert_eq!(moved.why.as_deref(), Some("stocktaking"));
    import(&site, "K-1\nK-2").await;
    let stock = site.api(Method::GET, "/stock", None).await.json();
    let shirt = stock["data"].as_array().unwrap().iter().find(|s| s["sku"] == "SHIRT-M").unwrap();
    assert_eq!((&shirt["on_hand"], &shirt["waiting"]), (&json!(7), &json!(0)));
    let keys = site.api(Method::GET, "/keys", None).await;
    assert_eq!((&keys.json()["data"][0]["free"]), (&json!(2)));
    assert!(!keys.text.contains("K-1"), "never a key itself");
    for bad in [json!({}), json!({ "set": -1 }), json!({ "set": 1, "add": 1 })] {
        assert_eq!(site.api(Method::POST, "/stock/SHIRT-M", Some(bad)).await.status, 400);
    }
}
