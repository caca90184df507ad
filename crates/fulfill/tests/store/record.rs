//! What looks show is written once, whole, and by the owner of the claim only.

use std::sync::Arc;

use fulfill::store::{Look, Looked, Ringer};
use fulfill_rules::{
    DAY, MINUTE,
    delivery::DeliveryStatus,
    fact::Fact,
    order::Status,
    place::{EffectKind, EffectStatus},
};

use crate::{
    Bench,
    bench::{found, key, paid, policy, sale},
    both,
};

both!(a_paid_sale_writes_order_effects_deliveries_and_timeline, async |t| {
    t.receive("evt_1", "cs_test_a").await;
    let claim = t.claim().await;
    let looked = paid(&[("course", 2), ("invite", 1)]);
    let recorded = t.record(Look { claim, looked }).await;
    assert_eq!(recorded.status, Some(Status::Preparing));
    assert_eq!(recorded.placed.as_deref(), Some("grant course ×2"));
    assert!(recorded.deliveries && !recorded.fulfilled);

    let order = t.order("cs_test_a").await;
    assert!(order.placed);
    assert_eq!(order.status, Status::Preparing);
    assert_eq!((order.first_seen_at, order.fulfilled_at), (t.clock.now(), None));
    assert_eq!(order.sale, sale(&[("course", 2), ("invite", 1)]), "the sale is kept whole");
    let [grant] = &order.effects[..] else { panic!("{:?}", order.effects) };
    assert_eq!(
        (grant.kind, grant.status, grant.quantity),
        (EffectKind::Grant, EffectStatus::Done, 2)
    );
    assert_eq!(grant.expires_at, Some(t.clock.now() + 10 * fulfill_rules::DAY));
    let deliveries: Vec<_> = order
        .deliveries
        .iter()
        .map(|d| (d.kind.as_str(), d.line.as_str(), d.owed, d.status))
        .collect();
    assert_eq!(
        deliveries,
        [
            ("invite", "li_1", true, DeliveryStatus::Due),
            ("mail.receipt", "", false, DeliveryStatus::Due)
        ]
    );
    let told: Vec<_> = order.timeline.iter().map(|told| told.what.as_str()).collect();
    assert_eq!(told, ["paid 10.00 EUR", "preparing: the delivery invite is on its way"]);
    assert_eq!(order.events.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["evt_1"]);
    let raw = t.store.raw_session(&key("cs_test_a")).await.unwrap();
    assert_eq!(raw.as_deref(), Some(&b"{\"raw\":true}"[..]));
    let view = t.session("cs_test_a").await;
    assert_eq!((view.seen, view.look_again_at, view.looked_at), (1, None, Some(t.clock.now())));
});

both!(case_01_the_same_fact_again_changes_nothing, async |t| {
    t.store.open_stock(&[("SHIRT".to_owned(), 9)].into()).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
    let lines = [("course", 1), ("shirt", 2), ("invite", 1), ("handmade", 1)];
    t.pay("cs_test_a", &lines).await;
    let before = state(t, "cs_test_a").await;
    t.advance(MINUTE);
    for looked in [paid(&lines), Looked::Settled, paid(&[("course", 5)])] {
        let again = t.look("cs_test_a", looked).await;
        assert_eq!((again.placed, again.fulfilled, again.deliveries), (None, false, false));
        assert!(again.told.is_empty(), "{:?}", again.told);
        assert_eq!(state(t, "cs_test_a").await, before);
    }
    assert_eq!(t.sql("SELECT on_hand FROM shelf WHERE sku = 'SHIRT'").await, 7);
});

both!(case_20_an_order_that_awaits_its_payment_is_placed_when_it_is_paid, async |t| {
    let waiting = t
        .look("cs_test_a", found(Fact::Waiting("processing".into()), sale(&[("course", 1)])))
        .await;
    assert_eq!(waiting.status, Some(Status::AwaitingPayment));
    let order = t.order("cs_test_a").await;
    assert!(!order.placed && order.effects.is_empty());
    assert_eq!(order.reason.as_deref(), Some("processing"));
    assert!(order.look_again_at.is_some_and(|at| at > t.clock.now()), "it is looked at again");
    t.advance(MINUTE);
    let paid = t.pay("cs_test_a", &[("course", 3)]).await;
    assert!(paid.fulfilled);
    let order = t.order("cs_test_a").await;
    assert_eq!((order.status, order.reason, order.look_again_at), (Status::Fulfilled, None, None));
    assert_eq!(order.effects[0].quantity, 3, "what the finished session says counts");
    assert_eq!(order.first_seen_at, t.clock.now() - MINUTE);
    assert_eq!(order.fulfilled_at, Some(t.clock.now()));
});

both!(case_22_a_success_after_a_failure_counts, async |t| {
    let failed = found(Fact::Failed("the payment failed".into()), sale(&[("course", 1)]));
    assert_eq!(t.look("cs_test_a", failed.clone()).await.status, Some(Status::PaymentFailed));
    assert_eq!(t.pay("cs_test_a", &[("course", 1)]).await.status, Some(Status::Fulfilled));
    let after = t.look("cs_test_a", failed).await;
    assert_eq!(after.status, Some(Status::Fulfilled), "what was placed never goes back");
    let kinds: Vec<_> = t.order("cs_test_a").await.deliveries.into_iter().map(|d| d.kind).collect();
    assert_eq!(kinds, ["mail.payment_failed", "mail.receipt"]);
});

both!(case_21_nothing_goes_out_for_an_unpaid_sale, async |t| {
    for (n, (fact, status)) in [
        (Fact::Waiting("w".into()), Status::AwaitingPayment),
        (Fact::Settling("s".into()), Status::AwaitingPayment),
        (Fact::Failed("f".into()), Status::PaymentFailed),
        (Fact::NotFulfillable("n".into()), Status::NotFulfillable),
        (Fact::Unknown("u".into()), Status::NeedsAttention),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("cs_test_s{n}");
        assert_eq!(t.look(&id, found(fact, sale(&[("course", 1)]))).await.status, Some(status));
        let order = t.order(&id).await;
        assert!(order.effects.is_empty() && !order.placed);
        assert!(order.deliveries.iter().all(|d| !d.owed), "only notices");
    }
});

both!(an_open_session_makes_no_order, async |t| {
    let recorded = t.look("cs_test_a", found(Fact::Open, sale(&[("course", 1)]))).await;
    assert_eq!(recorded.status, None);
    let view = t.session("cs_test_a").await;
    assert!(view.order.is_none());
    assert_eq!((view.seen, view.look_again_at), (1, None), "its completion will ring");
});

both!(a_session_that_stripe_does_not_know_keeps_its_doorbell_and_the_reason, async |t| {
    t.receive("evt_1", "cs_test_a").await;
    let claim = t.claim().await;
    let missing = Looked::Missing { why: "Stripe does not know it".into() };
    let recorded = t.record(Look { claim, looked: missing }).await;
    assert_eq!(recorded.status, None);
    let view = t.session("cs_test_a").await;
    assert!(view.missing && view.order.is_none());
    assert_eq!(view.trouble.as_deref(), Some("Stripe does not know it"));
    let tomorrow = Some(t.clock.now() + DAY);
    assert_eq!((view.rung, view.seen, view.look_again_at), (1, 1, tomorrow));
    assert!(!t.receive("evt_1", "cs_test_a").await, "it came before");
    let recorded = t.pay("cs_test_a", &[("course", 1)]).await;
    assert!(recorded.fulfilled, "known after all");
    let view = t.session("cs_test_a").await;
    assert!(!view.missing && view.trouble.is_none());
});

both!(an_order_that_stripe_forgot_is_told_of_it_once_and_looked_at_again, async |t| {
    t.look("cs_test_a", found(Fact::Waiting("processing".into()), sale(&[("course", 1)]))).await;
    let missing = || Looked::Missing { why: "Stripe does not know it".into() };
    for _ in 0..3 {
        let recorded = t.look("cs_test_a", missing()).await;
        assert_eq!(recorded.status, Some(Status::AwaitingPayment));
        let due = t.session("cs_test_a").await.look_again_at;
        assert!(due.is_some_and(|at| at > t.clock.now()), "whoever waits is looked at again");
    }
    let told: Vec<_> = t.order("cs_test_a").await.timeline.into_iter().map(|t| t.what).collect();
    assert_eq!(told, ["awaiting_payment: processing", "Stripe does not know it"]);
    assert!(t.pay("cs_test_a", &[("course", 1)]).await.fulfilled);
    assert_eq!(t.look("cs_test_a", missing()).await.status, Some(Status::Fulfilled));
    assert_eq!(t.session("cs_test_a").await.look_again_at, None);
});

both!(trouble_is_told_once_for_each_reason_and_asks_a_person_in_the_end, async |t| {
    let trouble = |why: &str, again_at, ask_a_person| Looked::Trouble {
        why: why.to_owned(),
        again_at,
        ask_a_person,
    };
    t.look("cs_test_a", found(Fact::Waiting("w".into()), sale(&[("course", 1)]))).await;
    let told_before = t.order("cs_test_a").await.timeline.len();
    for (n, why) in [(1, "503"), (2, "503"), (3, "a time-out")] {
        let again_at = t.clock.now() + MINUTE;
        let recorded = t.look("cs_test_a", trouble(why, again_at, false)).await;
        assert_eq!(recorded.status, Some(Status::AwaitingPayment));
        let view = t.session("cs_test_a").await;
        assert_eq!((view.tries, view.look_again_at), (n, Some(again_at)));
        assert_eq!(view.trouble.as_deref(), Some(why));
    }
    let told: Vec<_> = t.order("cs_test_a").await.timeline.split_off(told_before);
    let told: Vec<_> = told.into_iter().map(|told| told.what).collect();
    assert_eq!(told, ["503", "a time-out"]);

    let recorded = t.look("cs_test_a", trouble("a time-out", t.clock.now() + MINUTE, true)).await;
    assert_eq!(recorded.status, Some(Status::NeedsAttention));
    let order = t.order("cs_test_a").await;
    assert_eq!(
        (order.status, order.reason.as_deref()),
        (Status::NeedsAttention, Some("a time-out"))
    );
    let recorded = t.pay("cs_test_a", &[("course", 1)]).await;
    assert!(recorded.fulfilled);
    assert_eq!(t.session("cs_test_a").await.tries, 0);
});

both!(trouble_with_a_session_nobody_knows_ends_with_a_person_too, async |t| {
    let trouble = |ask_a_person| Looked::Trouble {
        why: "403".into(),
        again_at: t.clock.now() + 1,
        ask_a_person,
    };
    assert_eq!(t.look("cs_test_a", trouble(false)).await.status, None);
    assert!(t.session("cs_test_a").await.order.is_none());
    assert_eq!(t.look("cs_test_a", trouble(true)).await.status, Some(Status::NeedsAttention));
    assert!(t.order("cs_test_a").await.effects.is_empty());
    assert!(t.pay("cs_test_a", &[("course", 1)]).await.fulfilled);
    assert_eq!(t.order("cs_test_a").await.sale, sale(&[("course", 1)]));
});

both!(trouble_keeps_a_visitors_place_and_what_was_seen, async |t| {
    t.store.ring(&key("cs_test_a"), Ringer::Visitor).await.unwrap();
    let claim = t.claim().await;
    t.record(Look { claim, looked: found(Fact::Open, sale(&[])) }).await;
    t.store.ring(&key("cs_test_a"), Ringer::Visitor).await.unwrap();
    let claim = t.claim().await;
    let looked =
        Looked::Trouble { why: "503".into(), again_at: t.clock.now(), ask_a_person: false };
    t.record(Look { claim, looked }).await;
    let view = t.session("cs_test_a").await;
    assert_eq!((view.rung, view.seen), (2, 1), "trouble is no answer to the second ring");
    t.ring("cs_test_b").await;
    assert_eq!(t.store.claim(1, 1).await.unwrap()[0].key, key("cs_test_a"), "still a visitor's");
});

both!(one_batch_serves_the_older_sale_first, async |t| {
    t.store.open_stock(&[("SHIRT".to_owned(), 1)].into()).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
    for id in ["cs_test_z", "cs_test_a"] {
        t.ring(id).await;
    }
    let mut claims = t.store.claim(10, 5).await.unwrap();
    claims.sort_by_key(|claim| std::cmp::Reverse(claim.session));
    let looks = claims.into_iter().map(|claim| Look { claim, looked: paid(&[("shirt", 1)]) });
    let done = t.store.record(looks.collect(), &t.shop).await;
    assert_eq!(done.len(), 2);
    assert_eq!(t.commits("record"), 1, "one transaction for both");
    assert_eq!(t.order("cs_test_z").await.status, Status::Fulfilled);
    assert_eq!(t.order("cs_test_a").await.status, Status::NeedsAttention);
});

both!(a_batch_with_one_bad_look_is_written_one_by_one, async |t| {
    for n in 0..4 {
        let waiting = found(Fact::Waiting("w".into()), sale(&[("course", 1)]));
        t.look(&format!("cs_test_s{n}"), waiting).await;
    }
    let bad = t.session("cs_test_s2").await.session;
    t.sql(&format!("UPDATE orders SET sale = 'torn' WHERE session = {bad}")).await;
    for n in 0..4 {
        t.ring(&format!("cs_test_s{n}")).await;
    }
    let claims = t.store.claim(10, 5).await.unwrap();
    let looks = claims.into_iter().map(|claim| Look { claim, looked: paid(&[("course", 1)]) });
    let (good, failed): (Vec<_>, Vec<_>) =
        t.store.record(looks.collect(), &t.shop).await.into_iter().partition(Result::is_ok);
    assert!(good.iter().all(|r| r.as_ref().is_ok_and(|r| r.fulfilled)));
    assert_eq!(good.len(), 3);
    let [Err((claim, error))] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!(claim.key, key("cs_test_s2"), "{error}");
    for n in [0, 1, 3] {
        assert_eq!(t.order(&format!("cs_test_s{n}")).await.status, Status::Fulfilled);
    }
    assert_eq!(t.sql("SELECT COUNT(*) FROM effect").await, 3);
});

both!(a_line_the_catalog_learns_of_later_takes_from_the_shelf_as_any_other, async |t| {
    t.store.open_stock(&[("MUG".to_owned(), 5)].into()).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
    assert_eq!(t.pay("cs_test_a", &[("mug", 2)]).await.status, Some(Status::NeedsAttention));
    let wider = "[[product]]\nid = \"mug\"\nstock = { sku = \"MUG\", oversell = \"backorder\" }";
    let wider = Arc::new(policy(wider));
    t.ring("cs_test_a").await;
    let look = Look { claim: t.claim().await, looked: paid(&[("mug", 2)]) };
    let done = t.store.record(vec![look], &wider).await;
    assert_eq!(done[0].as_ref().unwrap().status, Some(Status::Fulfilled));
    assert_eq!(t.sql("SELECT on_hand FROM shelf WHERE sku = 'MUG'").await, 3);
    assert_eq!(t.sql("SELECT backordered FROM shelf WHERE sku = 'MUG'").await, 0);
});

both!(what_is_held_is_tried_again_although_stripe_does_not_answer, async |t| {
    let wider = Arc::new(policy("[[product]]\nid = \"mug\"\ngrant = { access = \"mugs\" }"));
    let missing = || Looked::Missing { why: "no such session".into() };
    let again_at = t.clock.now() + 3_600_000;
    let trouble = || Looked::Trouble { why: "503".into(), again_at, ask_a_person: true };
    for (id, looked) in [("cs_test_a", missing()), ("cs_test_b", trouble())] {
        t.pay(id, &[("mug", 1)]).await;
        t.ring(id).await;
        let claim = t.claim().await;
        assert!(!claim.settled, "Stripe is asked while something is held");
        let done = t.store.record(vec![Look { claim, looked }], &t.shop).await;
        assert_eq!(done[0].as_ref().unwrap().status, Some(Status::NeedsAttention), "as it was");
        let reason = t.order(id).await.reason.unwrap();
        assert!(reason.contains("not in the catalog"), "it waits for what it waited for: {reason}");
    }
    for (id, looked) in [("cs_test_a", missing()), ("cs_test_b", trouble())] {
        t.ring(id).await;
        let claim = t.claim().await;
        assert_eq!(claim.key, key(id));
        let done = t.store.record(vec![Look { claim, looked }], &wider).await;
        assert_eq!(done[0].as_ref().unwrap().status, Some(Status::Fulfilled));
        assert_eq!(t.order(id).await.effects.iter().filter(|e| e.subject == "mugs").count(), 1);
    }
});

both!(notes_of_the_first_look_are_told_before_its_outcome, async |t| {
    let looked = |fact| match found(fact, sale(&[("course", 1)])) {
        Looked::Found { fact, sale, raw, .. } => {
            Looked::Found { fact, sale, raw, notes: vec!["the key may not read intents".into()] }
        }
        other => other,
    };
    t.look("cs_test_a", looked(Fact::Paid)).await;
    t.look("cs_test_a", looked(Fact::Paid)).await;
    let told: Vec<_> = t.order("cs_test_a").await.timeline.into_iter().map(|t| t.what).collect();
    assert_eq!(
        told,
        ["the key may not read intents", "paid 10.00 EUR", "fulfilled: grant course ×1"]
    );
});

both!(case_02_many_looks_at_one_paid_session_fulfill_it_once, async |t| {
    let other = t.another().await;
    let tasks = (0..8).map(|n| {
        let store = if n % 2 == 0 { t.store.clone() } else { other.clone() };
        let (shop, clock) = (Arc::clone(&t.shop), t.clock.clone());
        tokio::spawn(async move {
            let (mut fulfilled, mut turns) = (0, 0);
            while turns < 10 {
                store.ring(&key("cs_test_a"), Ringer::Operator).await.unwrap();
                turns += 1;
                // Some let their lease run out before they write.
                for claim in store.claim(1, 1).await.unwrap() {
                    if (n + turns) % 3 == 0 {
                        clock.advance(std::time::Duration::from_secs(11));
                    }
                    let look = Look { claim, looked: paid(&[("course", 1), ("invite", 1)]) };
                    for done in store.record(vec![look], &shop).await {
                        fulfilled += usize::from(done.unwrap().placed.is_some());
                    }
                }
            }
            fulfilled
        })
    });
    let mut placed = 0;
    for task in tasks.collect::<Vec<_>>() {
        placed += task.await.unwrap();
    }
    assert_eq!(placed, 1);
    let order = t.order("cs_test_a").await;
    assert_eq!((order.effects.len(), order.deliveries.len()), (1, 2));
    assert_eq!(order.timeline.len(), 2);
    other.close().await;
});

both!(nothing_to_record_is_no_work, async |t| {
    assert!(t.store.record(Vec::new(), &t.shop).await.is_empty());
    assert_eq!(t.commits("record"), 0);
});

/// All of an order that must not move.
async fn state(t: &Bench, session: &str) -> String {
    let order = t.order(session).await;
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        order.status,
        order.reason,
        order.sale,
        order.effects,
        order.deliveries,
        order.timeline,
        order.fulfilled_at
    )
}
