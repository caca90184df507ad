//! Parcels, notes and mails over the API.

use reqwest::Method;
use serde_json::json;

use crate::{bench::Site, stripe::paid};

#[tokio::test]
async fn a_parcel_is_shipped_and_the_order_says_how() {
    let site = Site::open().await;
    site.api(Method::POST, "/stock/SHIRT-M", Some(json!({ "add": 1 }))).await;
    site.buy(paid("cs_test_a1", &["shirt"])).await;
    let way = json!({ "carrier": "Post", "tracking": "RR1", "url": "https://post.example/RR1" });
    let order = site.api(Method::POST, "/orders/cs_test_a1/ship", Some(way.clone())).await;
    assert_eq!(order.status, 200, "{}", order.text);
    let order = order.json();
    let effects = order["effects"].as_array().unwrap();
    let parcel = effects.iter().find(|e| e["kind"] == "parcel").unwrap();
    assert_eq!((&parcel["status"], &parcel["value"]), (&json!("shipped"), &json!("RR1")));
    assert_eq!(parcel["url"], "https://post.example/RR1");
    let last = order["timeline"].as_array().unwrap().last().unwrap();
    assert_eq!(last["who"], "the API");
    let again = site.api(Method::POST, "/orders/cs_test_a1/ship", Some(way)).await;
    assert_eq!((again.status, again.json()), (200, order), "the same once more changes nothing");
    let other = json!({ "tracking": "RR2" });
    let again = site.api(Method::POST, "/orders/cs_test_a1/ship", Some(other)).await;
    assert_eq!(again.status, 409);
    assert!(again.text.contains("cs_test_a1"), "{}", again.text);
    for bad in [json!({ "url": "javascript:1" }), json!({ "carrier": "a\u{1}" }), json!({ "x": 1 })]
    {
        let bad = site.api(Method::POST, "/orders/cs_test_a1/ship", Some(bad)).await;
        assert_eq!(bad.status, 400, "{}", bad.text);
    }
    assert_eq!(site.api(Method::POST, "/orders/cs_test_none/ship", None).await.status, 404);
}

#[tokio::test]
async fn a_note_is_in_the_timeline_with_who_wrote_it() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    let note = json!({ "text": " called\nhim " });
    let order = site.api(Method::POST, "/orders/cs_test_a1/note", Some(note)).await.json();
    let last = order["timeline"].as_array().unwrap().last().unwrap();
    assert_eq!(last["what"], "note by the API: called him");
    let empty = site.api(Method::POST, "/orders/cs_test_a1/note", None).await;
    assert_eq!(empty.status, 400);
    let long = json!({ "text": "x".repeat(2_001) });
    assert_eq!(site.api(Method::POST, "/orders/cs_test_a1/note", Some(long)).await.status, 400);
}

#[tokio::test]
async fn a_mail_that_never_was_cannot_be_sent_again() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    for (mail, status) in [("mail.shipped", 409), ("mail.new_order", 400), ("", 400)] {
        let asked = json!({ "mail": mail });
        let answer = site.api(Method::POST, "/orders/cs_test_a1/resend", Some(asked)).await;
        assert_eq!(answer.status, status, "{mail}: {}", answer.text);
    }
}
