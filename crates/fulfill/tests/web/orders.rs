//! Orders over the API.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bench::{Site, event},
    stripe::{line, paid, unpaid},
};

#[tokio::test]
async fn an_order_has_the_contracts_shape() {
    let site = Site::open().await;
    site.api(Method::POST, "/stock/SHIRT-M", Some(json!({ "add": 3 }))).await;
    let mut session = paid("cs_test_a1", &["course", "shirt"]);
    session["line_items"]["data"][1] = line(2, "shirt", 2, 3_800);
    site.buy(session).await;
    let order = site.fulfilled("cs_test_a1").await;
    for (path, wanted) in [
        ("/id", json!("cs_test_a1")),
        ("/status", json!("fulfilled")),
        ("/reason", json!(null)),
        ("/livemode", json!(false)),
        ("/payment_status", json!("paid")),
        ("/currency", json!("eur")),
        ("/amount_total", json!(3_800)),
        ("/presentment", json!(null)),
        ("/customer/email", json!("ada@example.com")),
        ("/customer/name", json!("Ada Lovelace")),
        ("/customer/id", json!("cus_ada")),
        ("/shipping/name", json!("Ada Lovelace")),
        ("/shipping/address/line1", json!("12 St James's Square")),
        ("/shipping/address/postal_code", json!("SW1Y 4JH")),
        ("/lines/0/id", json!("li_1")),
        ("/lines/0/product", json!("prod_course")),
        ("/lines/0/price", json!("price_1")),
        ("/lines/1/description", json!("A nice shirt")),
        ("/lines/1/quantity", json!(2)),
        ("/lines/1/amount_total", json!(3_800)),
        ("/deliveries", json!([])),
        ("/events/0/id", json!("evt_cs_test_a1")),
        ("/events/0/type", json!("checkout.session.completed")),
        ("/created", json!("2023-12-31T23:56:40.000Z")),
        ("/first_seen_at", json!("2024-01-01T00:00:00.000Z")),
        ("/look_again_at", json!(null)),
        ("/payment_intent", json!("pi_secret1")),
        ("/payment_link", json!(null)),
        ("/client_reference_id", json!("user-7")),
        ("/metadata/cart", json!("c-17")),
    ] {
        assert_eq!(order.pointer(path), Some(&wanted), "{path} of {order:#}");
    }
    let effect = |kind: &str| {
        let effects = order["effects"].as_array().unwrap();
        effects.iter().find(|e| e["kind"] == kind).unwrap_or_else(|| panic!("{kind}")).clone()
    };
    assert!(order["fulfilled_at"].as_str().unwrap().starts_with("2024-01-01T00:"));
    let grant = effect("grant");
    assert_eq!((&grant["status"], &grant["value"]), (&json!("done"), &json!("course")));
    assert_eq!(grant["expires_at"], "2024-12-31T00:00:00.000Z");
    assert_eq!(
        (&effect("stock")["value"], &effect("stock")["quantity"]),
        (&json!("SHIRT-M"), &json!(2))
    );
    assert_eq!(effect("parcel")["status"], "to_ship");
    let told: Vec<&str> =
        order["timeline"].as_array().unwrap().iter().filter_map(|t| t["what"].as_str()).collect();
    assert!(told.contains(&"paid 38.00 EUR"), "{told:?}");
    assert_eq!(order["timeline"][0]["at"], "2024-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn what_the_buyer_filled_in_is_told_and_found() {
    let site = Site::open().await;
    let mut session = paid("cs_test_a1", &["course"]);
    session["custom_fields"] = json!([
        { "key": "print", "type": "text", "label": { "custom": "Name on it", "type": "custom" },
            "text": { "value": "Countess" } },
        { "key": "note", "type": "text", "label": { "custom": "Note", "type": "custom" },
            "text": { "value": null } },
        { "key": "color", "type": "dropdown", "label": { "custom": "Color", "type": "custom" },
            "dropdown": { "value": "blue",
                "options": [{ "label": "Sea-green", "value": "blue" }] } },
    ]);
    site.buy(session).await;
    site.buy(paid("cs_test_a2", &["course"])).await;
    let order = site.api_get("/orders/cs_test_a1").await;
    assert_eq!(
        order["custom_fields"],
        json!([
            { "key": "print", "label": "Name on it", "value": "Countess" },
            { "key": "color", "label": "Color", "value": "blue" },
        ])
    );
    assert_eq!(site.api_get("/orders/cs_test_a2").await["custom_fields"], json!([]));
    for (q, count) in [("countess", 1), ("SEA-GREEN", 1), ("blue", 1), ("sea-blue", 0)] {
        let found = site.api_get(&format!("/orders?q={q}")).await;
        assert_eq!(found["data"].as_array().unwrap().len(), count, "{q}");
    }
}

#[tokio::test]
async fn lists_go_page_by_page_newest_first_and_can_be_searched() {
    let site = Site::open().await;
    for n in 1..=5 {
        let mut session =
            paid(&format!("cs_test_a{n}"), &[if n % 2 == 0 { "course" } else { "handmade" }]);
        session["customer_details"]["name"] = format!("Buyer {n}").into();
        site.buy(session).await;
    }
    let ids = |page: &Value| -> Vec<String> {
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| o["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = site.api_get("/orders?limit=2").await;
    assert_eq!(
        (ids(&first), &first["has_more"]),
        (vec!["cs_test_a5".into(), "cs_test_a4".into()], &json!(true))
    );
    let last = site.api_get("/orders?limit=100&after=cs_test_a4").await;
    assert_eq!(ids(&last), ["cs_test_a3", "cs_test_a2", "cs_test_a1"]);
    assert_eq!(last["has_more"], false);
    let open = site.api_get("/orders?status=needs_attention").await;
    assert_eq!(ids(&open), ["cs_test_a5", "cs_test_a3", "cs_test_a1"]);
    assert_eq!(ids(&site.api_get("/orders?q=buyer%204").await), ["cs_test_a4"]);
    assert_eq!(ids(&site.api_get("/orders?q=cs_test_a2").await), ["cs_test_a2"]);
    assert_eq!(ids(&site.api_get("/orders?q=ADA@example.com").await).len(), 5);
    assert_eq!(ids(&site.api_get("/orders?q=%25").await).len(), 0, "a wildcard is a character");
}

#[tokio::test]
async fn where_there_is_no_order_the_reason_is_told() {
    let site = Site::open().await;
    let say = async |id: &str| {
        let answer = site.api(Method::GET, &format!("/orders/{id}"), None).await;
        assert_eq!(answer.status, 404);
        answer.json()["error"]["message"].as_str().unwrap().to_owned()
    };
    assert!(say("cs_test_nobody").await.contains("is not known here"));
    site.landing("cs_test_guess").await;
    assert!(say("cs_test_guess").await.contains("No such checkout.session"));
    site.stripe.knows(unpaid("cs_test_open", "open", "requires_payment_method"));
    site.look("cs_test_open").await;
    assert!(say("cs_test_open").await.contains("nobody has paid"));
    site.stripe.fails("cs_test_down", 500, "Stripe is on fire");
    site.turning(site.landing("cs_test_down")).await;
    let told = say("cs_test_down").await;
    assert!(told.contains("(500)") && told.contains("(next at 2024-01-01T"), "{told}");
    drop(site);

    let idle = Site::idle(|b| b).await;
    idle.deliver(event("evt_1", "checkout.session.completed", "cs_test_a1")).await;
    assert!(idle.known("cs_test_a1").await.is_some(), "it is sorted in");
    let answer = idle.api(Method::GET, "/orders/cs_test_a1", None).await;
    assert!(answer.text.contains("has not been looked at yet"), "{}", answer.text);
}

#[tokio::test]
async fn an_operator_fulfills_what_nobody_told_of() {
    let site = Site::open().await;
    site.stripe.knows(paid("cs_test_a1", &["course"]));
    for _ in 0..2 {
        let answer = site.api(Method::POST, "/orders/cs_test_a1/fulfill", None).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["status"], "fulfilled");
        assert_eq!(answer.json()["effects"].as_array().unwrap().len(), 1);
    }
    assert_eq!(site.stripe.asked("cs_test_a1"), 1, "a placed order is not asked about again");
}

#[tokio::test]
async fn an_operator_is_told_why_nothing_was_fulfilled() {
    let site = Site::open().await;
    site.stripe.knows(unpaid("cs_test_open", "open", "requires_payment_method"));
    site.stripe.fails("cs_test_down", 500, "Stripe is on fire");
    site.stripe.hangs("cs_test_slow");
    for (id, status, kind) in [
        ("cs_test_nobody", 404, "not_found"),
        ("cs_test_open", 409, "not_paid"),
        ("cs_test_down", 502, "stripe_unavailable"),
    ] {
        let path = format!("/orders/{id}/fulfill");
        let answer = site.turning(site.api(Method::POST, &path, None)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.json()["error"]["type"], kind);
        assert!(answer.text.contains(id));
    }
    let answer = site.turning(site.api(Method::POST, "/orders/cs_test_slow/fulfill", None)).await;
    assert_eq!((answer.status, &answer.json()["id"]), (202, &json!("cs_test_slow")));
}

#[tokio::test]
async fn a_person_waives_or_fulfills_what_is_held() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["course", "handmade", "handmade"])).await;
    let act = async |act: &str, body| {
        let answer = site.api(Method::POST, &format!("/orders/cs_test_a1/{act}"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let some = act("fulfill-by-hand", Some(json!({ "lines": ["li_2"] }))).await;
    assert_eq!(some["status"], "needs_attention");
    assert_eq!(some["effects"][1]["note"], "fulfilled by hand by the API");
    let all = act("waive", None).await;
    assert_eq!(all["status"], "fulfilled");
    assert_eq!(all["effects"][2]["note"], "waived by the API");
    let again = act("waive", Some(json!({}))).await;
    assert_eq!(again["timeline"], all["timeline"], "a second time changes nothing");
    assert_eq!(site.landing("cs_test_a1").await.data_status(), "fulfilled");
    assert_eq!(site.meter("fulfilld_fulfilled_total").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn an_order_that_waits_is_there_whatever_stripe_says_of_it_later() {
    let site = Site::open().await;
    let id = "cs_test_a1";
    site.buy(paid(id, &["handmade"])).await;
    let before = site.api(Method::GET, "/orders/cs_test_a1", None).await.json();
    assert_eq!(before["status"], "needs_attention");
    // Trouble is no look: it is tried again.
    for (status, code) in [(503, 202), (404, 200)] {
        site.stripe.fails(id, status, "away");
        let asked = site.api(Method::POST, "/orders/cs_test_a1/fulfill", None);
        let answer = site.turning(asked).await;
        assert_eq!(answer.status, code, "{status}: {}", answer.text);
        let order = answer.json();
        for same in ["status", "reason", "effects"] {
            assert_eq!(order[same], before[same], "{status}: {same}");
        }
    }
}
