//! Stripe's API in trouble: each order ends well, and its timeline tells what was the matter.

use fulfill_sandbox::{Fault, Method, Trouble};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{Town, basket, both, shop};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const SESSIONS: &str = "/v1/checkout/sessions/";

/// Somebody buys while the API does this for so many requests; at last the order is fulfilled, and
/// the trouble is told once.
async fn after_trouble(t: &Town, fault: Fault, times: u64, says: &str) {
    let id = t.open_session(basket(&[("prod_course", 1)])).await;
    t.sandbox.faults().add(fault.on("GET", SESSIONS).times(times));
    t.pay(&id, Method::Card);
    t.until(&id, "fulfilled").await;
    let told = t.told(&id).await;
    assert!(told[0].contains(says), "{told:?}");
    assert_eq!(&told[1..], ["paid 10.00 EUR", "fulfilled: grant course ×1"], "told once");
}

both!(stripe_says_429, shop(), async |t| {
    after_trouble(t, Fault::status(429), 4, "too many requests (429)").await;
});

both!(stripe_says_429_and_when_to_come_back, shop().veiled(), async |t| {
    let id = t.open_session(basket(&[("prod_course", 1)])).await;
    t.sandbox.faults().add(Fault::status(429).retry_after(30).on("GET", SESSIONS).times(1));
    t.pay(&id, Method::Card);
    t.pass(25 * SECOND).await;
    assert_eq!(t.veil.asked().len(), 1, "not before the time that Stripe named");
    let order = t.until(&id, "fulfilled").await;
    assert!(order["timeline"][0]["what"].as_str().unwrap().contains("429"));
    assert_eq!(t.veil.asked().len(), 2);
});

both!(stripe_says_429_to_many, shop().rate(20), async |t| {
    let mut ids = Vec::new();
    for _ in 0..30 {
        ids.push(t.open_session(basket(&[("prod_course", 1)])).await);
    }
    t.sandbox.faults().add(Fault::status(429).on("GET", SESSIONS).chance(0.3));
    ids.iter().for_each(|id| t.pay(id, Method::Card));
    for id in &ids {
        t.until(id, "fulfilled").await;
    }
});

both!(stripe_says_500, shop(), async |t| {
    after_trouble(t, Fault::status(500), 6, "Stripe has trouble answering (500)").await;
});

both!(a_proxy_answers_502_with_a_web_page, shop(), async |t| {
    after_trouble(t, Fault::new(Trouble::Html { status: 502 }), 2, "(502)").await;
});

both!(a_proxy_answers_200_with_a_web_page, shop(), async |t| {
    after_trouble(t, Fault::new(Trouble::Html { status: 200 }), 2, "a web page").await;
});

both!(an_answer_is_cut_off_in_its_middle, shop(), async |t| {
    after_trouble(t, Fault::new(Trouble::Cut), 3, "the answer was cut off").await;
});

both!(the_connection_ends_without_an_answer, shop(), async |t| {
    after_trouble(t, Fault::new(Trouble::Drop), 3, "Stripe cannot be reached").await;
});

both!(an_answer_takes_too_long, shop().timeout_ms(100), async |t| {
    after_trouble(
        t,
        Fault::new(Trouble::Slow { ms: 400 }),
        2,
        "no whole answer from Stripe in time",
    )
    .await;
});

both!(stripe_is_down_for_an_hour, shop(), async |t| {
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(t.open_session(basket(&[("prod_course", 1)])).await);
    }
    t.sandbox.faults().add(Fault::status(503).on("GET", SESSIONS));
    ids.iter().for_each(|id| t.pay(id, Method::Card));
    t.pass(HOUR).await;
    let (code, answer) = t.get(&format!("/api/orders/{}", ids[0])).await;
    assert!(code == StatusCode::NOT_FOUND || answer["status"] == "needs_attention", "{answer}");
    let (code, status, html) = t.while_time_passes(t.page(&format!("session_id={}", ids[0]))).await;
    assert_eq!(code, StatusCode::OK);
    assert!(matches!(&*status, "unknown" | "needs_attention") && !html.contains("fail"), "{html}");
    t.sandbox.faults().clear();
    t.pass(40 * MINUTE).await;
    for id in &ids {
        t.expect(id, "fulfilled").await;
        let told = t.told(id).await;
        assert!(told.iter().filter(|line| line.contains("(503)")).count() <= 2, "{told:?}");
    }
});

both!(stripe_is_down_for_a_day_and_a_person_is_asked, shop(), async |t| {
    let id = t.open_session(basket(&[("prod_course", 1)])).await;
    t.sandbox.faults().add(Fault::status(503).on("GET", SESSIONS));
    t.pay(&id, Method::Card);
    t.pass(24 * HOUR).await;
    let order = t.expect(&id, "needs_attention").await;
    assert!(order["reason"].as_str().unwrap().contains("(503)"), "{order}");
    assert_ne!(order["look_again_at"], Value::Null, "it goes on by itself, too");
    t.sandbox.faults().clear();
    let (code, order) = t.post(&format!("/api/orders/{id}/fulfill"), json!({})).await;
    assert_eq!((code, &order["status"]), (StatusCode::OK, &json!("fulfilled")));
});

both!(
    a_key_that_may_not_read_payment_intents_still_fulfills_and_says_so,
    shop().restricted_to(&["checkout_session_read", "product_read", "plan_read"]),
    async |t| {
        let card = t.buy(basket(&[("prod_course", 1)])).await;
        t.expect(&card, "fulfilled").await;
        let told = t.told(&card).await;
        assert!(told[0].contains("may not read payment intents"), "{told:?}");
        assert_eq!(told[1..], ["paid 10.00 EUR", "fulfilled: grant course ×1"]);
        // Whether a debit failed is learned from the event then.
        let debit = t.open_session(basket(&[("prod_course", 1)])).await;
        t.pay(&debit, Method::DebitFails);
        t.expect(&debit, "awaiting_payment").await;
        let order = t.until(&debit, "payment_failed").await;
        assert_eq!(order["reason"], "told that the payment failed (async_payment_failed)");
    }
);

both!(
    a_key_that_may_not_read_sessions_asks_a_person,
    shop().restricted_to(&["event_read"]),
    async |t| {
        let id = t.buy(basket(&[("prod_course", 1)])).await;
        let order = t.until(&id, "needs_attention").await;
        let reason = order["reason"].as_str().unwrap();
        assert!(reason.contains("403") && reason.contains("rak_checkout_session_read"), "{reason}");
        t.sandbox.restrict(
            crate::town::RESTRICTED,
            &["checkout_session_read", "payment_intent_read", "product_read"],
        );
        let (_, order) = t.post(&format!("/api/orders/{id}/fulfill"), json!({})).await;
        assert_eq!(order["status"], "fulfilled");
    }
);

both!(a_key_that_stripe_refuses_asks_a_person, shop(), async |t| {
    let id = t.open_session(basket(&[("prod_course", 1)])).await;
    t.sandbox.faults().add(Fault::status(401).on("GET", SESSIONS));
    t.pay(&id, Method::Card);
    let order = t.until(&id, "needs_attention").await;
    assert!(order["reason"].as_str().unwrap().contains("STRIPE_SECRET_KEY"), "{order}");
    t.sandbox.faults().clear();
    t.until(&id, "fulfilled").await;
});

both!(
    a_session_that_stripe_does_not_know_is_asked_for_three_times_and_kept,
    shop().veiled(),
    async |t| {
        let body = json!({
            "id": "evt_1", "type": "checkout.session.completed", "livemode": false,
            "data": { "object": { "id": "cs_test_unheard" } },
        });
        assert_eq!(t.deliver_signed(&body.to_string()).await, StatusCode::OK);
        t.pass(HOUR).await;
        assert_eq!(t.veil.asked().len(), 3, "{:?}", t.veil.asked());
        let (code, answer) = t.get("/api/orders/cs_test_unheard").await;
        assert_eq!(code, StatusCode::NOT_FOUND);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("not known to Stripe"), "{message}");
        assert_eq!(t.db.number("SELECT COUNT(*) FROM orders").await, 0);
        assert_eq!(t.db.number("SELECT COUNT(*) FROM event").await, 1, "the doorbell is kept");
        let (code, _) =
            t.while_time_passes(t.post("/api/orders/cs_test_unheard/fulfill", json!({}))).await;
        assert_eq!(code, StatusCode::NOT_FOUND);
    }
);
