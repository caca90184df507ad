//! What was bought goes out: keys, stock, parcels, work by hand, mails; and waits where it must.

use fulfill_sandbox::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{Town, basket, both, shop};

const DAY: i64 = 24 * 3_600_000;

fn keys(order: &Value) -> Vec<&str> {
    let effects = order["effects"].as_array().unwrap().iter().filter(|e| e["kind"] == "key");
    effects.filter_map(|e| e["value"].as_str()).collect()
}

async fn import(t: &Town, keys: &[&str]) {
    let (code, told) = t.post("/api/keys/editor", json!({ "keys": keys })).await;
    assert_eq!(code, StatusCode::OK, "{told}");
}

both!(case_31_one_key_for_each_unit_or_one_with_seats, shop(), async |t| {
    import(t, &["K-1", "K-2", "K-3", "K-4"]).await;
    let id = t.buy(basket(&[("prod_editor", 3)])).await;
    assert_eq!(keys(&t.expect(&id, "fulfilled").await), ["K-1", "K-2", "K-3"]);
    let id = t.buy(basket(&[("prod_team", 10)])).await;
    let order = t.expect(&id, "fulfilled").await;
    assert_eq!(keys(&order), ["K-4"]);
    assert_eq!(order["effects"][0]["quantity"], 10);
    assert!(t.page(&format!("session_id={id}")).await.2.contains("10 seats"));
});

both!(
    case_34_a_payment_that_comes_when_the_stock_is_gone_waits_for_new_stock,
    shop().stock("SHIRT", 1),
    async |t| {
        let late = t.open_session(basket(&[("prod_shirt", 1)]).shipped()).await;
        t.pay(&late, Method::Debit);
        t.expect(&late, "awaiting_payment").await;
        let quick = t.buy(basket(&[("prod_shirt", 1)]).shipped()).await;
        t.expect(&quick, "fulfilled").await;
        t.pass(3 * DAY + 60_000).await;
        let order = t.expect(&late, "needs_attention").await;
        assert_eq!(order["reason"], "not enough stock of SHIRT");
        assert!(
            order["effects"].as_array().unwrap().iter().all(|e| e["status"] == "held"),
            "no parcel either"
        );
        t.post("/api/stock/SHIRT", json!({ "add": 5 })).await;
        let order = t.expect(&late, "fulfilled").await;
        assert!(order["effects"].as_array().unwrap().iter().any(|e| e["status"] == "to_ship"));
        assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'SHIRT'").await, 4);
        assert_eq!(
            t.told(&late).await,
            [
                "awaiting_payment: the payment is processing",
                "paid 10.00 EUR",
                "needs_attention: not enough stock of SHIRT",
                "fulfilled: stock SHIRT ×1, parcel ×1",
            ]
        );
    }
);

both!(
    case_32_a_backorder_goes_out_and_says_what_is_missing,
    shop().stock("POSTER", 2),
    async |t| {
        let id = t.buy(basket(&[("prod_poster", 5)])).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(order["effects"][0]["note"], "3 on backorder");
    }
);

both!(a_dry_pool_is_served_by_the_next_import_the_oldest_first, shop(), async |t| {
    let mut ids = Vec::new();
    for quantity in [1, 2, 1] {
        ids.push(t.buy(basket(&[("prod_editor", quantity)])).await);
        let order = t.expect(ids.last().unwrap(), "needs_attention").await;
        assert_eq!(order["reason"], "the key pool 'editor' is dry");
    }
    import(t, &["K-1", "K-2", "K-3"]).await;
    assert_eq!(keys(&t.expect(&ids[0], "fulfilled").await), ["K-1"]);
    assert_eq!(keys(&t.expect(&ids[1], "fulfilled").await), ["K-2", "K-3"]);
    t.expect(&ids[2], "needs_attention").await;
    let (_, told) = t.post("/api/keys/editor", json!({ "keys": ["K-1", "K-4"] })).await;
    assert_eq!((&told["new"], &told["known"]), (&json!(1), &json!(1)));
    assert_eq!(keys(&t.expect(&ids[2], "fulfilled").await), ["K-4"]);
});

both!(a_line_that_nobody_knows_waits_and_the_others_go_out, shop(), async |t| {
    t.stripe("products", &[("id", "prod_mug"), ("name", "Mug")]).await;
    let (id, lines) = t.session_with_lines(basket(&[("prod_course", 1), ("prod_mug", 1)])).await;
    t.pay(&id, Method::Card);
    let order = t.expect(&id, "needs_attention").await;
    assert_eq!(order["reason"], "'Mug' is not in the catalog");
    let (_, grants) = t.get("/api/grants?email=ann@example.com&access=course").await;
    assert_eq!(grants["has_access"], true, "what is known went out");
    let (code, html) = {
        let page = t.page(&format!("session_id={id}")).await;
        (page.1, page.2)
    };
    assert_eq!(code, "needs_attention");
    assert!(html.contains("course"), "{html}");

    let path = format!("/api/orders/{id}/waive");
    let (code, _) = t.post(&path, json!({ "lines": ["li_of_nobody"] })).await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    let (code, order) = t.post(&path, json!({ "lines": [lines[1]] })).await;
    assert_eq!((code, &order["status"]), (StatusCode::OK, &json!("fulfilled")));
    let told = t.told(&id).await;
    assert_eq!(told[2], "waived by the API: 'Mug'");
});

both!(handmade_work_waits_for_a_person_who_says_that_it_is_done, shop(), async |t| {
    let id = t.buy(basket(&[("prod_handmade", 2)])).await;
    let order = t.expect(&id, "needs_attention").await;
    let name = order["lines"][0]["description"].as_str().unwrap();
    assert_eq!(order["reason"], format!("'{name}' waits for a person"));
    let (code, order) = t.post(&format!("/api/orders/{id}/fulfill-by-hand"), json!({})).await;
    assert_eq!((code, &order["status"]), (StatusCode::OK, &json!("fulfilled")));
    assert_eq!(order["effects"][0]["note"], "fulfilled by hand by the API");
    let (_, again) = t.post(&format!("/api/orders/{id}/fulfill-by-hand"), json!({})).await;
    assert_eq!(again["timeline"], order["timeline"], "a second time changes nothing");
});

both!(what_is_not_paid_cannot_be_fulfilled_by_hand, shop(), async |t| {
    let id = t.open_session(basket(&[("prod_handmade", 1)])).await;
    t.pay(&id, Method::Debit);
    t.expect(&id, "awaiting_payment").await;
    let (_, order) = t.post(&format!("/api/orders/{id}/fulfill-by-hand"), json!({})).await;
    assert_ne!(order["status"], "fulfilled", "{order}");
    t.expect(&id, "awaiting_payment").await;
});

both!(a_parcel_has_its_address_on_the_list, shop().stock("SHIRT", 5), async |t| {
    let id = t.buy(basket(&[("prod_shirt", 1)]).shipped()).await;
    let order = t.expect(&id, "fulfilled").await;
    assert_eq!(order["shipping"]["name"], "Ann Smith");
    assert_eq!(order["shipping"]["address"]["line1"], "Hauptstraße 1");
    assert_eq!(order["shipping"]["address"]["postal_code"], "10115");
    let without = t.buy(basket(&[("prod_shirt", 1)])).await;
    let order = t.expect(&without, "needs_attention").await;
    assert_eq!(order["reason"], "a parcel has no address");
    assert_eq!(order["shipping"], Value::Null);
});

both!(
    case_38_without_a_mail_server_mails_wait_and_hold_nothing_up,
    shop().and(|builder| builder.receipts(true)),
    async |t| {
        let id = t.buy(basket(&[("prod_course", 1)])).await;
        let order = t.expect(&id, "fulfilled").await;
        let mail = &order["deliveries"][0];
        assert_eq!(
            (&mail["kind"], &mail["status"], &mail["owed"]),
            (&json!("mail.receipt"), &json!("due"), &json!(false))
        );
        assert_eq!(mail["attempts"], 0);
        t.pass(30 * DAY).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(order["deliveries"].as_array().unwrap().len(), 1);
        let (code, metrics) = t.text("/metrics").await;
        assert_eq!(code, StatusCode::OK);
        let waits = "fulfilld_deliveries{kind=\"mail.receipt\",status=\"due\"} 1";
        assert!(metrics.contains(waits), "the program says so: {metrics}");
    }
);

both!(
    case_39_without_a_mail_server_keys_and_news_wait_for_one_too,
    shop().and(|builder| builder.receipts(true).mail_later(true)),
    async |t| {
        let id = t.buy(basket(&[("prod_course", 1), ("prod_handmade", 1)])).await;
        let order = t.expect(&id, "needs_attention").await;
        let waits: Vec<_> = order["deliveries"].as_array().unwrap().iter().collect();
        let kinds: Vec<_> = waits.iter().map(|mail| mail["kind"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            ["mail.access", "mail.needs_attention", "mail.new_order", "mail.receipt"]
        );
        assert!(waits.iter().all(|mail| mail["status"] == "due" && mail["attempts"] == 0));
    }
);

both!(grants_answer_whether_this_customer_may_use_it, shop(), async |t| {
    let basket = basket(&[("prod_course", 2)])
        .with("client_reference_id", "user-17")
        .with("customer_creation", "always");
    let id = t.buy(basket).await;
    let order = t.expect(&id, "fulfilled").await;
    let customer = order["customer"]["id"].as_str().unwrap();
    for of in [
        "email=ann@EXAMPLE.com".to_owned(),
        format!("customer={customer}"),
        "client_reference_id=user-17".to_owned(),
    ] {
        let (code, grants) = t.get(&format!("/api/grants?{of}")).await;
        assert_eq!(code, StatusCode::OK);
        let grant = &grants["data"][0];
        assert_eq!(
            (&grant["access"], &grant["active"], &grants["has_access"]),
            (&json!("course"), &json!(true), &json!(true))
        );
        assert_eq!(grant["url"], "https://example.com/course");
        assert!(grant["expires_at"].as_str().unwrap().starts_with("2027-11-02T00:00:0"), "{grant}");
        assert_eq!(grant["session_id"], id);
    }
    for of in [
        "email=bob@example.com",
        "customer=cus_x",
        "client_reference_id=user-1",
        "email=ann@example.com&access=other",
    ] {
        let (_, grants) = t.get(&format!("/api/grants?{of}")).await;
        assert_eq!((&grants["data"], &grants["has_access"]), (&json!([]), &json!(false)), "{of}");
    }
    assert_eq!(t.get("/api/grants").await.0, StatusCode::BAD_REQUEST);
    t.pass(366 * DAY).await;
    let (_, grants) = t.get("/api/grants?email=ann@example.com&access=course").await;
    assert_eq!(
        (&grants["has_access"], &grants["data"][0]["active"]),
        (&json!(false), &json!(false))
    );
});
