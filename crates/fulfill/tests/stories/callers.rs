//! N callers at once on one session, in one process and across several: one fulfillment, and all see
//! the same.

use fulfill_sandbox::{Fault, Method, Trouble};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{Town, basket, both, plan::Endpoint, shop};

/// Webhook three times, page five times, operator twice, on one session, spread over the nodes.
async fn all_at_once(t: &Town) {
    let keys: Vec<String> = (1..=20).map(|n| format!("K-{n:02}")).collect();
    t.post("/api/keys/editor", json!({ "keys": keys })).await;
    t.settle().await;
    t.sandbox.faults().add(Fault::new(Trouble::Split).times(1));
    t.sandbox.faults().add(Fault::new(Trouble::Duplicate).times(1));
    let id =
        t.open_session(basket(&[("prod_editor", 2), ("prod_poster", 3), ("prod_course", 1)])).await;
    let (query, fulfill) = (format!("session_id={id}"), format!("/api/orders/{id}/fulfill"));
    let nodes = t.nodes.len();
    t.pay(&id, Method::Card);
    let pages = join_all((0..5).map(|n| t.page_at(n % nodes, &query)));
    let operators = join_all((0..2).map(|n| t.post_at((n + 1) % nodes, &fulfill, json!({}))));
    let all = async { tokio::join!(pages, operators) };
    let (pages, operators) = t.while_time_passes(all).await;
    for (code, status, html) in &pages {
        assert_eq!((*code, status.as_str()), (StatusCode::OK, "fulfilled"));
        assert!(html.contains("K-01") && html.contains("K-02"), "all see the same keys: {html}");
    }
    let order = t.expect(&id, "fulfilled").await;
    for (code, told) in &operators {
        assert_eq!((*code, &told["effects"]), (StatusCode::OK, &order["effects"]));
    }
    let effects = order["effects"].as_array().unwrap();
    let kinds: Vec<&str> = effects.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|k| **k == "key").count(), 2);
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert_eq!(
        t.told(&id).await,
        [
            "paid 60.00 EUR".to_owned(),
            "fulfilled: grant course ×1, key editor ×2, stock POSTER ×3".to_owned(),
        ]
    );
    assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'POSTER'").await, 97);
    assert_eq!(t.db.number("SELECT COUNT(*) FROM license_key WHERE session IS NOT NULL").await, 2);
}

both!(
    case_02_webhooks_pages_and_operator_at_once_in_one_process,
    shop().stock("POSTER", 100),
    all_at_once
);

both!(
    case_02_webhooks_pages_and_operator_at_once_across_two_processes,
    shop()
        .stock("POSTER", 100)
        .nodes(2)
        .endpoints(&[Endpoint::default(), Endpoint { node: 1, ..Endpoint::default() }]),
    all_at_once
);

both!(
    case_32_the_last_unit_under_a_hundred_parallel_buyers_goes_to_exactly_one,
    shop().stock("SHIRT", 1),
    async |t| {
        let ids =
            join_all((0..100).map(|_| t.open_session(basket(&[("prod_shirt", 1)]).shipped())))
                .await;
        t.settle().await;
        ids.iter().for_each(|id| t.pay(id, Method::Card));
        t.settle().await;
        let (_, fulfilled) = t.get("/api/orders?status=fulfilled").await;
        let (_, held) = t.get("/api/orders?status=needs_attention&limit=100").await;
        assert_eq!(fulfilled["data"].as_array().unwrap().len(), 1, "{}", t.everything().await);
        let held = held["data"].as_array().unwrap();
        assert_eq!(held.len(), 99);
        assert!(held.iter().all(|order| order["reason"] == "not enough stock of SHIRT"));
        assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'SHIRT'").await, 0);
    }
);

both!(
    case_32_a_hundred_buyers_of_fifty_units_across_two_processes,
    shop()
        .stock("SHIRT", 50)
        .nodes(2)
        .endpoints(&[Endpoint::default(), Endpoint { node: 1, ..Endpoint::default() }]),
    async |t| {
        let keys: Vec<String> = (0..60).map(|n| format!("K-{n:02}")).collect();
        t.post("/api/keys/editor", json!({ "keys": keys })).await;
        let lines = [("prod_shirt", 1), ("prod_editor", 1)];
        let ids = join_all((0..100).map(|_| t.open_session(basket(&lines).shipped()))).await;
        t.settle().await;
        ids.iter().for_each(|id| t.pay(id, Method::Card));
        t.settle().await;
        let sold = "SELECT COUNT(*) FROM effect WHERE kind = 'stock' AND status = 'done'";
        assert_eq!(t.db.number(sold).await, 50);
        assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'SHIRT'").await, 0);
        let drawn = "SELECT COUNT(*) FROM effect WHERE kind = 'key' AND status = 'done'";
        assert_eq!(t.db.number(drawn).await, 60);
        let different =
            "SELECT COUNT(DISTINCT value) FROM effect WHERE kind = 'key' AND status = 'done'";
        assert_eq!(t.db.number(different).await, 60, "nobody has another's key");
        // With stock and keys for all, all are served.
        let more: Vec<String> = (60..100).map(|n| format!("K-{n:02}")).collect();
        t.post("/api/keys/editor", json!({ "keys": more })).await;
        let (code, shelf) = t.post("/api/stock/SHIRT", json!({ "add": 50 })).await;
        assert_eq!((code, &shelf["on_hand"]), (StatusCode::OK, &json!(50)));
        t.settle().await;
        let left = "SELECT COUNT(*) FROM orders WHERE status <> 'fulfilled'";
        assert_eq!(t.db.number(left).await, 0, "{}", t.everything().await);
        let (_, order) = t.get(&format!("/api/orders/{}", ids[0])).await;
        let effects = order["effects"].as_array().unwrap();
        assert!(
            effects.iter().any(|e| e["kind"] == "key" && e["value"] != Value::Null),
            "{order:#}"
        );
    }
);
