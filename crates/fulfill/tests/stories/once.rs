//! One payment, however often it is told of: one fulfillment.

use fulfill_sandbox::{Fault, Method, Trouble};
use reqwest::StatusCode;

use crate::{basket, both, plan::Endpoint, shop};

both!(case_09_a_card_payment_is_fulfilled_though_nothing_was_known_of_it, shop(), async |t| {
    let id = t.buy(basket(&[("prod_course", 1)])).await;
    let order = t.expect(&id, "fulfilled").await;
    assert_eq!(t.told(&id).await, ["paid 10.00 EUR", "fulfilled: grant course ×1"]);
    assert_eq!(order["id"], id);
    assert_eq!(order["payment_status"], "paid");
    assert_eq!(order["amount_total"], 1_000);
    assert_eq!(order["customer"]["email"], "Ann@Example.com");
    assert_eq!(order["effects"][0]["kind"], "grant");
    assert_eq!(order["effects"][0]["value"], "course");
});

both!(case_01_webhook_and_success_page_at_once_fulfill_once, shop(), async |t| {
    let id = t.open_session(basket(&[("prod_editor", 1)])).await;
    t.post("/api/keys/editor", serde_json::json!({ "keys": ["K-1", "K-2"] })).await;
    t.settle().await;
    t.pay(&id, Method::Card);
    let query = format!("session_id={id}");
    let (page, ()) = tokio::join!(t.page(&query), t.settle());
    assert_eq!((page.0, page.1.as_str()), (StatusCode::OK, "fulfilled"), "{}", page.2);
    assert!(page.2.contains("K-1"), "the key is on the page: {}", page.2);
    t.expect(&id, "fulfilled").await;
    assert_eq!(t.db.number("SELECT COUNT(*) FROM license_key WHERE session IS NOT NULL").await, 1);
});

both!(case_02_three_simultaneous_deliveries_fulfill_once, shop().stock("POSTER", 10), async |t| {
    t.sandbox.faults().add(Fault::new(Trouble::Split));
    t.sandbox.faults().add(Fault::new(Trouble::Duplicate));
    let id = t.buy(basket(&[("prod_poster", 2)])).await;
    t.expect(&id, "fulfilled").await;
    assert!(t.count("checkout.session.completed") >= 2);
    assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'POSTER'").await, 8);
    assert_eq!(t.told(&id).await, ["paid 20.00 EUR", "fulfilled: stock POSTER ×2"]);
});

both!(case_03_two_events_of_one_sale_fulfill_once, shop().stock("POSTER", 10), async |t| {
    let id = t.open_session(basket(&[("prod_poster", 1)])).await;
    t.pay(&id, Method::Debit);
    t.expect(&id, "awaiting_payment").await;
    let order = t.until(&id, "fulfilled").await;
    let events: Vec<&str> =
        order["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(events, ["checkout.session.completed", "checkout.session.async_payment_succeeded"]);
    assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'POSTER'").await, 9);
});

both!(
    case_04_an_endpoint_registered_twice_has_no_effect_on_orders,
    shop().stock("POSTER", 10).endpoints(&[Endpoint::default(), Endpoint::default()]),
    async |t| {
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(t.count("checkout.session.completed"), 2, "told twice");
        assert_eq!(order["events"].as_array().unwrap().len(), 1, "one event, stored once");
        assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'POSTER'").await, 9);
    }
);
