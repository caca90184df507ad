//! The service in trouble, and deliveries that come in any order: nothing verified is lost.

use fulfill_sandbox::{Fault, Method, Trouble};
use serde_json::json;

use crate::{basket, both, plan::Endpoint, shop};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

both!(a_disk_that_refuses_is_answered_503_and_stripes_retry_fulfills, shop(), async |t| {
    let id = t.open_session(basket(&[("prod_course", 1)])).await;
    t.db.run("ALTER TABLE event RENAME TO event_elsewhere").await;
    t.pay(&id, Method::Card);
    t.sandbox.idle().await;
    let attempts = t.sandbox.deliveries();
    assert_eq!(attempts.iter().map(|a| a.status).collect::<Vec<_>>(), [Some(503)]);
    assert_eq!(t.db.number("SELECT COUNT(*) FROM session").await, 0, "nothing half stored");
    t.db.run("ALTER TABLE event_elsewhere RENAME TO event").await;
    t.pass(MINUTE).await;
    t.expect(&id, "fulfilled").await;
    assert_eq!(t.count("checkout.session.completed"), 2);
});

both!(a_decision_that_cannot_be_written_is_tried_again, shop(), async |t| {
    let id = t.open_session(basket(&[("prod_course", 1)])).await;
    t.db.run("ALTER TABLE effect RENAME TO effect_elsewhere").await;
    t.pay(&id, Method::Card);
    t.pass(MINUTE).await;
    assert_eq!(t.db.number("SELECT COUNT(*) FROM orders WHERE placed").await, 0, "all or nothing");
    t.db.run("ALTER TABLE effect_elsewhere RENAME TO effect").await;
    t.until(&id, "fulfilled").await;
    let told = t.told(&id).await;
    assert!(told[0].contains("could not be written"), "{told:?}");
    assert_eq!(told[told.len() - 1], "fulfilled: grant course ×1");
});

both!(
    deliveries_duplicated_reordered_split_delayed_and_dropped_end_the_same,
    shop().looking().stock("POSTER", 1_000),
    async |t| {
        t.listed().await;
        for trouble in [
            Trouble::Duplicate,
            Trouble::Hold,
            Trouble::Split,
            Trouble::Lose,
            Trouble::Delay { ms: 90_000 },
        ] {
            t.sandbox.faults().add(Fault::new(trouble).chance(0.3));
        }
        let mut ids = Vec::new();
        for n in 0..40 {
            let id = t.open_session(basket(&[("prod_poster", 1), ("prod_course", 1)])).await;
            let ways = [Method::Card, Method::Debit, Method::DebitFails];
            t.pay(&id, ways[n % ways.len()]);
            ids.push(id);
        }
        t.pass(20 * MINUTE).await;
        t.sandbox.faults().clear();
        t.pass(5 * DAY).await;
        t.listed().await;
        for (n, id) in ids.iter().enumerate() {
            let order = t.expect(id, ["fulfilled", "fulfilled", "payment_failed"][n % 3]).await;
            let placed = t.told(id).await.iter().filter(|line| line.starts_with("paid")).count();
            assert_eq!(placed, usize::from(n % 3 < 2), "{order:#}");
        }
        assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'POSTER'").await, 1_000 - 27);
    }
);

both!(
    a_graceful_stop_in_the_middle_leaves_nothing_half_done,
    shop().stock("POSTER", 100),
    async |t| {
        t.sandbox
            .faults()
            .add(Fault::new(Trouble::Slow { ms: 60 }).on("GET", "/v1/checkout/sessions/"));
        let mut ids = Vec::new();
        for _ in 0..20 {
            ids.push(t.open_session(basket(&[("prod_poster", 1)])).await);
        }
        ids.iter().for_each(|id| t.pay(id, Method::Card));
        t.sandbox.idle().await;
        t.stop(0).await;
        let leased = "SELECT COUNT(*) FROM session WHERE lease_until IS NOT NULL";
        assert_eq!(t.db.number(leased).await, 0, "what was begun is finished or given back");
        t.sandbox.faults().clear();
        t.start(0).await;
        for id in &ids {
            t.expect(id, "fulfilled").await;
        }
        assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'POSTER'").await, 80);
        assert_eq!(
            t.db.number("SELECT on_hand + backordered FROM shelf WHERE sku = 'POSTER'").await,
            80
        );
    }
);

both!(
    a_node_that_comes_and_goes_while_another_works_loses_nothing,
    shop()
        .nodes(2)
        .stock("POSTER", 100)
        .endpoints(&[Endpoint::default(), Endpoint { node: 1, ..Endpoint::default() }]),
    async |t| {
        let mut ids = Vec::new();
        for round in 0..6 {
            if round % 2 == 0 {
                t.stop(1).await
            } else {
                t.start(1).await
            }
            for _ in 0..4 {
                ids.push(t.buy(basket(&[("prod_poster", 1)])).await);
            }
        }
        t.pass(10 * MINUTE).await;
        for id in &ids {
            t.expect(id, "fulfilled").await;
        }
        assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'POSTER'").await, 100 - 24);
        let (_, page) = t.get_at(1, "/api/orders?limit=100").await;
        assert_eq!(page["data"].as_array().unwrap().len(), 24);
    }
);

both!(
    an_engine_that_is_killed_in_the_middle_is_followed_by_another,
    shop().stock("POSTER", 100),
    async |t| {
        t.sandbox
            .faults()
            .add(Fault::new(Trouble::Slow { ms: 80 }).on("GET", "/v1/checkout/sessions/"));
        let mut ids = Vec::new();
        for _ in 0..20 {
            ids.push(t.buy(basket(&[("prod_poster", 1)])).await);
        }
        t.sandbox.idle().await;
        t.kill_engine(0);
        t.sandbox.faults().clear();
        // The leases of whoever was killed run out.
        t.turn(11_000);
        t.run_engine(0);
        for id in &ids {
            t.expect(id, "fulfilled").await;
        }
        assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'POSTER'").await, 80);
    }
);

both!(ready_and_healthy_are_said_without_stripe, shop(), async |t| {
    t.sandbox.faults().add(Fault::status(500));
    assert_eq!(t.text("/healthz").await, (reqwest::StatusCode::OK, "ok".to_owned()));
    assert_eq!(t.text("/readyz").await.0, reqwest::StatusCode::OK);
    let (code, _) = t.post("/api/orders/cs_test_x/waive", json!({})).await;
    assert_eq!(code, reqwest::StatusCode::NOT_FOUND);
});
