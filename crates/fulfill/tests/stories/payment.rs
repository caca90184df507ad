//! The payment gate over HTTP: what is paid goes out, what is not waits honestly or has failed.

use fulfill_sandbox::{Fault, Method, Trouble};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{Basket, Town, basket, both, shop};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Buys a course by bank debit.
async fn debit(t: &Town, method: Method) -> String {
    let id = t.open_session(basket(&[("prod_course", 1)])).await;
    t.pay(&id, method);
    id
}

async fn page_says(t: &Town, id: &str) -> String {
    t.page(&format!("session_id={id}")).await.1
}

both!(case_20_21_a_debit_on_its_way_waits_and_gives_nothing_yet, shop(), async |t| {
    let id = debit(t, Method::Debit).await;
    let order = t.expect(&id, "awaiting_payment").await;
    assert_eq!(order["reason"], "the payment is processing");
    let again = order["look_again_at"].as_str().unwrap();
    assert!(again.starts_with("2026-11-02T00:10:0"), "in ten minutes: {again}");
    assert_eq!(order["effects"], json!([]));
    assert_eq!(page_says(t, &id).await, "awaiting_payment");
    let (_, grants) = t.get("/api/grants?email=ann@example.com").await;
    assert_eq!((&grants["data"], &grants["has_access"]), (&json!([]), &json!(false)));

    t.pass(3 * DAY + MINUTE).await;
    t.expect(&id, "fulfilled").await;
    assert_eq!(page_says(t, &id).await, "fulfilled");
    assert_eq!(
        t.told(&id).await,
        [
            "awaiting_payment: the payment is processing",
            "paid 10.00 EUR",
            "fulfilled: grant course ×1",
        ]
    );
    let (_, grants) = t.get("/api/grants?email=ANN@example.com&access=course").await;
    assert_eq!(grants["has_access"], true);
});

both!(case_22_a_debit_that_fails_is_told_honestly, shop(), async |t| {
    let id = debit(t, Method::DebitFails).await;
    t.expect(&id, "awaiting_payment").await;
    t.pass(3 * DAY + MINUTE).await;
    let order = t.expect(&id, "payment_failed").await;
    assert_eq!(order["reason"], "the payment failed (requires_payment_method)");
    assert_eq!(order["effects"], json!([]));
    assert_ne!(order["look_again_at"], Value::Null, "a later success would be seen");
    assert_eq!(page_says(t, &id).await, "payment_failed");
    t.pass(10 * DAY).await;
    let order = t.expect(&id, "payment_failed").await;
    assert_eq!(order["look_again_at"], Value::Null, "after a week nobody asks any more");
    assert_eq!(t.told(&id).await.len(), 2);
});

both!(case_22_a_payment_that_succeeds_after_it_failed_wins, shop().veiled(), async |t| {
    let id = debit(t, Method::DebitFails).await;
    t.pass(3 * DAY + MINUTE).await;
    t.expect(&id, "payment_failed").await;
    t.veil.change(|session| session["payment_status"] = "paid".into());
    t.pass(DAY + MINUTE).await;
    t.expect(&id, "fulfilled").await;
    assert_eq!(
        t.told(&id).await,
        [
            "awaiting_payment: the payment is processing",
            "payment_failed: the payment failed (requires_payment_method)",
            "paid 10.00 EUR",
            "fulfilled: grant course ×1",
        ]
    );
});

both!(case_19_a_success_that_is_told_before_the_completion_counts, shop(), async |t| {
    let late = Fault::new(Trouble::Delay { ms: 5 * DAY }).of("checkout.session.completed").times(1);
    t.sandbox.faults().add(late);
    let id = debit(t, Method::Debit).await;
    t.pass(3 * DAY + MINUTE).await;
    let before = t.expect(&id, "fulfilled").await;
    t.pass(3 * DAY).await;
    let after = t.expect(&id, "fulfilled").await;
    assert_eq!(after["events"].as_array().unwrap().len(), 2, "the completion came, too");
    assert_eq!(before["timeline"], after["timeline"]);
    assert_eq!(before["effects"], after["effects"]);
});

both!(case_19_a_completion_that_is_told_after_the_failure_changes_nothing, shop(), async |t| {
    let late = Fault::new(Trouble::Delay { ms: 5 * DAY }).of("checkout.session.completed").times(1);
    t.sandbox.faults().add(late);
    let id = debit(t, Method::DebitFails).await;
    t.pass(3 * DAY + MINUTE).await;
    t.expect(&id, "payment_failed").await;
    t.pass(3 * DAY).await;
    let order = t.expect(&id, "payment_failed").await;
    assert_eq!(order["events"].as_array().unwrap().len(), 2);
});

both!(a_reserved_payment_waits_until_it_is_captured, shop(), async |t| {
    let basket =
        basket(&[("prod_course", 1)]).with("payment_intent_data[capture_method]", "manual");
    let id = t.buy(basket).await;
    let order = t.expect(&id, "awaiting_payment").await;
    assert_eq!(order["reason"], "authorized only: capture the payment (requires_capture)");
    let intent = order["payment_intent"].as_str().unwrap();
    t.stripe(&format!("payment_intents/{intent}/capture"), &[("expand[]", "latest_charge")]).await;
    t.pass(11 * MINUTE).await;
    t.expect(&id, "fulfilled").await;
});

both!(a_reserved_payment_that_is_canceled_has_failed, shop(), async |t| {
    let basket =
        basket(&[("prod_course", 1)]).with("payment_intent_data[capture_method]", "manual");
    let id = t.buy(basket).await;
    let order = t.expect(&id, "awaiting_payment").await;
    let intent = order["payment_intent"].as_str().unwrap();
    t.stripe(&format!("payment_intents/{intent}/cancel"), &[("expand[]", "latest_charge")]).await;
    t.pass(11 * MINUTE).await;
    let order = t.expect(&id, "payment_failed").await;
    assert_eq!(order["reason"], "the payment was canceled");
});

both!(a_buyer_who_still_has_to_act_is_waited_for, shop().veiled(), async |t| {
    t.veil.change(|session| {
        session["payment_status"] = "unpaid".into();
        session["payment_intent"]["status"] = "requires_action".into();
    });
    let id = t.buy(basket(&[("prod_course", 1)])).await;
    let order = t.expect(&id, "awaiting_payment").await;
    assert_eq!(order["reason"], "the buyer still has to act (requires_action)");
    t.veil.lift();
    t.pass(11 * MINUTE).await;
    t.expect(&id, "fulfilled").await;
});

both!(case_24_a_free_order_without_a_payment_intent_is_fulfilled, shop(), async |t| {
    let coupon = t.stripe("coupons", &[("percent_off", "100"), ("duration", "once")]).await;
    let basket =
        basket(&[("prod_course", 1)]).with("discounts[0][coupon]", coupon["id"].as_str().unwrap());
    let id = t.open_session(basket).await;
    t.pay(&id, Method::Free);
    let order = t.expect(&id, "fulfilled").await;
    assert_eq!(order["payment_intent"], Value::Null);
    assert_eq!(order["payment_status"], "no_payment_required");
    assert_eq!(order["amount_total"], 0);
    assert_eq!(t.told(&id).await, ["nothing to pay", "fulfilled: grant course ×1"]);
    assert!(t.page(&format!("session_id={id}")).await.2.contains("Free"));
});

both!(case_25_yen_dinar_and_forint_are_shown_in_their_own_digits, shop(), async |t| {
    for (currency, minor, told, shown) in [
        ("jpy", 1_050, "1050 JPY", "JPY\u{a0}1,050"),
        ("kwd", 10_500, "10.500 KWD", "KWD\u{a0}10.500"),
        ("huf", 21_050, "210.50 HUF", "HUF\u{a0}210.50"),
        ("usd", 1_050, "10.50 USD", "$10.50"),
        ("isk", 1_000, "10.00 ISK", "ISK\u{a0}10.00"),
    ] {
        let basket =
            Basket(Vec::new()).with("mode", "payment").line("prod_course", 1, minor, currency);
        let id = t.buy(basket).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!((&order["amount_total"], &order["currency"]), (&json!(minor), &json!(currency)));
        assert_eq!(t.told(&id).await[0], format!("paid {told}"));
        let (_, _, html) = t.page(&format!("session_id={id}")).await;
        assert!(html.contains(shown), "{shown}: {html}");
    }
});

both!(case_26_the_page_shows_what_the_buyer_paid_in_another_currency, shop().veiled(), async |t| {
    t.veil.change(|session| {
        session["presentment_details"] =
            json!({ "presentment_amount": 1_687, "presentment_currency": "jpy" });
    });
    let id = t.buy(basket(&[("prod_course", 1)])).await;
    let order = t.expect(&id, "fulfilled").await;
    assert_eq!((&order["amount_total"], &order["currency"]), (&json!(1_000), &json!("eur")));
    assert_eq!(order["presentment"], json!({ "amount": 1_687, "currency": "jpy" }));
    let (_, _, html) = t.page(&format!("session_id={id}")).await;
    assert!(html.contains("€10.00") && html.contains("JPY\u{a0}1,687"), "{html}");
});

both!(an_open_session_makes_no_order_and_an_expired_one_owes_nothing, shop(), async |t| {
    let id = t.open_session(basket(&[("prod_course", 1)])).await;
    let (code, status, _) = t.page(&format!("session_id={id}")).await;
    assert_eq!((code, status.as_str()), (StatusCode::OK, "unknown"));
    let (code, answer) = t.get(&format!("/api/orders/{id}")).await;
    assert_eq!(code, StatusCode::NOT_FOUND);
    assert!(answer["error"]["message"].as_str().unwrap().contains("nobody has paid"), "{answer}");
    let (code, _) = t.post(&format!("/api/orders/{id}/fulfill"), json!({})).await;
    assert_eq!(code, StatusCode::CONFLICT);
    t.pass(25 * HOUR).await;
    let order = t.expect(&id, "not_fulfillable").await;
    assert_eq!(order["reason"], "the session expired before it was paid");
    assert_eq!(order["look_again_at"], Value::Null);
});

both!(a_setup_session_has_nothing_to_fulfill, shop(), async |t| {
    let basket = Basket(Vec::new())
        .with("mode", "setup")
        .with("currency", "eur")
        .with("success_url", "https://shop.example/")
        .with("payment_method_types[]", "card");
    let made = t.stripe("checkout/sessions", &basket.0).await;
    let id = made["id"].as_str().unwrap();
    t.pay(id, Method::Card);
    t.expect(id, "not_fulfillable").await;
});

both!(the_first_payment_of_a_subscription_is_fulfilled, shop(), async |t| {
    let basket = Basket(Vec::new())
        .with("mode", "subscription")
        .line("prod_course", 1, 900, "eur")
        .with("line_items[0][price_data][recurring][interval]", "month");
    let id = t.buy(basket).await;
    let order = t.expect(&id, "fulfilled").await;
    assert_eq!((&order["mode"], &order["payment_intent"]), (&json!("subscription"), &Value::Null));
});

both!(a_payment_status_nobody_knows_is_held_for_a_person, shop().veiled(), async |t| {
    t.veil.change(|session| session["payment_status"] = "half_paid".into());
    let id = t.buy(basket(&[("prod_course", 1)])).await;
    let order = t.expect(&id, "needs_attention").await;
    assert_eq!(order["reason"], "the payment_status is 'half_paid', which is not known here");
    assert_eq!(order["effects"], json!([]));
    t.veil.lift();
    t.pass(11 * MINUTE).await;
    t.expect(&id, "fulfilled").await;
});

both!(
    a_session_with_fields_missing_or_of_other_shapes_is_fulfilled_if_it_is_paid,
    shop().veiled(),
    async |t| {
        t.veil.change(|session| {
            let fields = session.as_object_mut().unwrap();
            for name in
                ["status", "mode", "customer_details", "amount_total", "currency", "metadata"]
            {
                fields.remove(name);
            }
            fields.insert("created".into(), json!({ "odd": true }));
            fields.insert("locale".into(), json!(17));
            fields.insert("field_of_tomorrow".into(), json!([1, 2, 3]));
        });
        let id = t.buy(basket(&[("prod_course", 1)])).await;
        t.expect(&id, "fulfilled").await;
        assert_eq!(t.told(&id).await, ["paid", "fulfilled: grant course ×1"]);
    }
);
