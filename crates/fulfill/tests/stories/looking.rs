//! Webhooks that never come: what is paid is found by looking; and events that waited for the engine.

use fulfill_sandbox::{Fault, Method, Trouble};

use crate::{Town, basket, both, shop};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// No delivery arrives any more, and Stripe takes them for answered.
fn firewall(t: &Town) {
    t.sandbox.faults().add(Fault::new(Trouble::Lose));
}

async fn fulfilled(t: &Town) -> i64 {
    t.db.number("SELECT COUNT(*) FROM orders WHERE status = 'fulfilled'").await
}

both!(
    case_07_a_payment_whose_webhook_was_swallowed_is_found_within_ten_minutes,
    shop().looking(),
    async |t| {
        t.listed().await;
        firewall(t);
        let id = t.buy(basket(&[("prod_course", 1)])).await;
        t.turn(9 * MINUTE);
        t.settle().await;
        assert_eq!(fulfilled(t).await, 0);
        t.turn(MINUTE);
        t.listed().await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(order["events"].as_array().unwrap().len(), 0);
        let (_, metrics) = t.text("/metrics").await;
        assert!(metrics.contains("fulfilld_found_by_looking_total 1"), "{metrics}");
        assert!(metrics.contains("fulfilld_listed_sessions_total 1"), "{metrics}");
    }
);

both!(
    case_07_what_was_paid_while_the_service_was_down_is_found_at_start,
    shop().looking(),
    async |t| {
        t.listed().await;
        t.stop(0).await;
        firewall(t);
        let open = t.open_session(basket(&[("prod_course", 1)])).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(t.buy(basket(&[("prod_course", 1)])).await);
            t.turn(20 * HOUR);
        }
        t.start(0).await;
        t.listed().await;
        for id in &ids {
            t.expect(id, "fulfilled").await;
        }
        assert_eq!(t.db.number("SELECT COUNT(*) FROM session").await, 3, "{open} was never paid");
    }
);

both!(case_07_more_than_one_page_of_sessions_is_found, shop().looking(), async |t| {
    t.listed().await;
    firewall(t);
    for _ in 0..130 {
        t.buy(basket(&[("prod_course", 1)])).await;
    }
    t.turn(10 * MINUTE);
    t.listed().await;
    assert_eq!(fulfilled(t).await, 130);
});

both!(case_07_a_list_that_goes_wrong_is_read_again, shop().looking(), async |t| {
    t.listed().await;
    firewall(t);
    for _ in 0..101 {
        t.buy(basket(&[("prod_course", 1)])).await;
    }
    for trouble in [Trouble::EmptyPage, Trouble::Html { status: 502 }, Trouble::Cut] {
        t.sandbox.faults().add(Fault::new(trouble).on("GET", "/v1/checkout/sessions").times(1));
    }
    t.turn(10 * MINUTE);
    t.listed().await;
    assert_eq!(fulfilled(t).await, 101);
});

both!(
    case_07_a_debit_that_is_looked_at_anyway_is_not_asked_for_by_each_list,
    shop().looking().veiled(),
    async |t| {
        t.listed().await;
        let id = t.open_session(basket(&[("prod_course", 1)])).await;
        t.pay(&id, Method::Debit);
        t.expect(&id, "awaiting_payment").await;
        for _ in 0..12 {
            t.turn(10 * MINUTE);
            t.listed().await;
        }
        let asked = t.veil.asked().iter().filter(|path| path.contains(&id)).count();
        assert!((4..=12).contains(&asked), "less and less often: {asked} times in two hours");
        t.until(&id, "fulfilled").await;
    }
);

both!(sales_older_than_the_installation_are_not_touched, shop().looking().asleep(), async |t| {
    firewall(t);
    let old = t.buy(basket(&[("prod_course", 1)])).await;
    t.turn(2 * HOUR);
    t.start(0).await;
    t.listed().await;
    let new = t.buy(basket(&[("prod_course", 1)])).await;
    t.turn(10 * MINUTE);
    t.listed().await;
    t.expect(&new, "fulfilled").await;
    assert_eq!(t.db.number("SELECT COUNT(*) FROM session").await, 1, "{old} is nobody's business");
    // Whoever wants it says so.
    let (_, order) = t.post(&format!("/api/orders/{old}/fulfill"), serde_json::json!({})).await;
    assert_eq!(order["status"], "fulfilled");
});

both!(case_05_06_what_was_acknowledged_is_fulfilled_when_the_engine_is_back, shop(), async |t| {
    t.stop_engine(0).await;
    t.sandbox.faults().add(Fault::new(Trouble::Duplicate));
    let id = t.buy(basket(&[("prod_course", 1)])).await;
    t.sandbox.idle().await;
    assert!(t.sandbox.deliveries().iter().all(|attempt| attempt.status == Some(200)));
    assert_eq!(t.count("checkout.session.completed"), 2, "the second one met the duplicate check");
    assert_eq!(t.db.number("SELECT COUNT(*) FROM orders").await, 0);
    t.run_engine(0);
    t.expect(&id, "fulfilled").await;
});
