//! Outside work is handed to one worker at a time, finished by the newest, and moves its order.

use std::collections::{BTreeMap, HashSet};

use fulfill::store::{DeliveryView, Job, Look, Ringer};
use fulfill_rules::{
    MINUTE, SECOND,
    delivery::{self, DeliveryStatus, Next, Outcome},
    fact::Fact,
    order::Status,
};

use crate::{
    Bench,
    bench::{found, key, paid, sale},
    both,
};

/// As long as an attempt may take.
const LEASE: i64 = MINUTE;

both!(a_delivery_carries_all_its_action_needs, async |t| {
    t.pay("cs_test_a", &[("course", 1), ("invite", 1)]).await;
    let job = claim(t, "invite").await;
    assert_eq!((job.id.kind.as_str(), job.id.line.as_str(), job.attempt), ("invite", "li_1", 1));
    assert_eq!(job.key, key("cs_test_a"));
    assert_eq!(job.input, BTreeMap::from([("room".to_owned(), "blue".to_owned())]));
    assert_eq!(job.sale, sale(&[("course", 1), ("invite", 1)]));
});

both!(deliveries_are_claimed_by_kind_and_by_nobody_twice, async |t| {
    t.pay("cs_test_a", &[("invite", 1)]).await;
    assert!(t.store.claim_deliveries(&["other"], 10).await.unwrap().is_empty());
    assert!(t.store.claim_deliveries(&[], 10).await.unwrap().is_empty());
    let jobs = t.store.claim_deliveries(&["invite", "mail.receipt"], 10).await.unwrap();
    let kinds: Vec<_> = jobs.iter().map(|j| j.id.kind.as_str()).collect();
    assert_eq!(kinds, ["invite", "mail.receipt"]);
    assert!(t.store.claim_deliveries(&["invite", "mail.receipt"], 10).await.unwrap().is_empty());
    assert_eq!(view(t, "invite").await.status, DeliveryStatus::Running);
    let due = t.store.next_delivery_due(&["invite", "mail.receipt"]).await.unwrap();
    assert_eq!(due, Some(t.clock.now() + LEASE));
    assert_eq!(t.store.next_delivery_due(&["other"]).await.unwrap(), None);
});

both!(claims_of_deliveries_keep_to_their_count_and_take_the_longest_due_first, async |t| {
    for n in 0..4 {
        t.pay(&format!("cs_test_s{n}"), &[("invite", 1)]).await;
        t.advance(SECOND);
    }
    for n in [0, 1, 2] {
        let jobs = t.store.claim_deliveries(&["invite", "mail.receipt"], 1).await.unwrap();
        assert_eq!(jobs.len(), 1);
        assert_eq!(jobs[0].key, key(&format!("cs_test_s{n}")));
    }
    assert_eq!(t.store.claim_deliveries(&["invite", "mail.receipt"], 3).await.unwrap().len(), 3);
});

both!(an_order_is_fulfilled_when_what_it_owes_is_done, async |t| {
    t.pay("cs_test_a", &[("course", 1), ("invite", 1)]).await;
    let job = claim(t, "invite").await;
    t.advance(SECOND);
    let moved = finish(t, &job, Outcome::Done(Some("room 7".into()))).await.unwrap();
    assert!(moved.fulfilled);
    let order = t.order("cs_test_a").await;
    assert_eq!((order.status, order.reason), (Status::Fulfilled, None));
    assert_eq!(order.fulfilled_at, Some(t.clock.now()));
    let told: Vec<_> = order.timeline.iter().map(|told| told.what.as_str()).collect();
    assert_eq!(told[2..], ["invite of line li_1 done: room 7", "fulfilled: grant course ×1"]);
    let done = view(t, "invite").await;
    assert_eq!((done.status, done.due_at, done.attempts), (DeliveryStatus::Done, None, 1));
    assert_eq!(done.said.as_deref(), Some("room 7"));
    assert!(finish(t, &job, Outcome::Done(None)).await.is_none(), "once");
    assert_eq!(t.order("cs_test_a").await.timeline.len(), 4);
});

both!(an_order_waits_for_all_of_its_owed_deliveries, async |t| {
    t.pay("cs_test_a", &[("invite", 1), ("invite", 1)]).await;
    let jobs = t.store.claim_deliveries(&["invite"], 10).await.unwrap();
    assert_eq!(jobs.len(), 2, "one a line");
    assert!(!finish(t, &jobs[0], Outcome::Done(None)).await.unwrap().fulfilled);
    assert_eq!(t.order("cs_test_a").await.status, Status::Preparing);
    assert!(finish(t, &jobs[1], Outcome::Done(None)).await.unwrap().fulfilled);
});

both!(whoever_takes_over_is_told_that_nobody_knows_how_far_the_one_before_came, async |t| {
    t.pay("cs_test_a", &[("invite", 1)]).await;
    let first = claim(t, "invite").await;
    assert!(!first.unheard_of);
    t.advance(LEASE);
    let second = claim(t, "invite").await;
    assert!(second.unheard_of);
    let later = Outcome::Retry { after_ms: None, why: "busy".into() };
    finish(t, &second, later).await.expect("the claim holds");
    t.advance(60 * MINUTE);
    let third = claim(t, "invite").await;
    assert!(!third.unheard_of, "the second has said how it ended");
    t.store.void_leases().await.unwrap();
    t.advance(LEASE);
    assert!(claim(t, "invite").await.unheard_of, "a start does not make it forgotten");
});

both!(a_lease_that_ran_out_hands_the_delivery_on_and_fences_its_old_owner, async |t| {
    t.pay("cs_test_a", &[("invite", 1)]).await;
    let lost = claim(t, "invite").await;
    t.advance(LEASE - 1);
    assert!(t.store.claim_deliveries(&["invite"], 1).await.unwrap().is_empty());
    t.advance(1);
    let taken = claim(t, "invite").await;
    assert_eq!((taken.attempt, &taken.id), (2, &lost.id));
    assert!(finish(t, &lost, Outcome::Done(None)).await.is_none());
    assert!(finish(t, &lost, refused()).await.is_none());
    assert_eq!(view(t, "invite").await.status, DeliveryStatus::Running);
    assert_eq!(t.order("cs_test_a").await.status, Status::Preparing);
    assert!(finish(t, &taken, Outcome::Done(None)).await.unwrap().fulfilled);
});

both!(a_failed_attempt_is_made_again_later, async |t| {
    t.pay("cs_test_a", &[("invite", 1)]).await;
    let job = claim(t, "invite").await;
    let again = Outcome::Retry { after_ms: Some(30 * SECOND), why: "503".into() };
    let moved = finish(t, &job, again).await.unwrap();
    assert_eq!(moved.status, Some(Status::Preparing));
    assert_eq!(moved.told, ["invite of line li_0: attempt 1 failed: 503"]);
    assert!(t.store.claim_deliveries(&["invite"], 1).await.unwrap().is_empty());
    t.advance(30 * SECOND);
    assert_eq!(claim(t, "invite").await.attempt, 2);
});

both!(a_stuck_delivery_asks_a_person_who_can_have_it_tried_again, async |t| {
    t.pay("cs_test_a", &[("invite", 1)]).await;
    let job = claim(t, "invite").await;
    let moved = finish(t, &job, refused()).await.unwrap();
    assert_eq!(moved.status, Some(Status::NeedsAttention));
    let order = t.order("cs_test_a").await;
    assert_eq!(order.reason.as_deref(), Some("the delivery invite is stuck"));
    assert_eq!(t.store.counts().await.unwrap().deliveries.last().unwrap().1, "stuck");
    assert!(t.store.claim_deliveries(&["invite"], 1).await.unwrap().is_empty());

    assert_eq!(t.store.unstick(order.session, "ann").await.unwrap(), 1);
    assert_eq!(t.store.unstick(order.session, "ann").await.unwrap(), 0, "nothing is stuck now");
    let order = t.order("cs_test_a").await;
    assert_eq!(order.status, Status::Preparing);
    let by_ann: Vec<&str> = order
        .timeline
        .iter()
        .filter(|told| told.who.as_deref() == Some("ann"))
        .map(|told| told.what.as_str())
        .collect();
    assert_eq!(
        by_ann,
        ["what was stuck is tried again", "preparing: the delivery invite is on its way"]
    );
    let job = claim(t, "invite").await;
    assert!(finish(t, &job, Outcome::Done(None)).await.unwrap().fulfilled);
});

both!(what_is_stuck_for_good_is_put_aside, async |t| {
    t.pay("cs_test_a", &[("invite", 1)]).await;
    for kind in ["invite", "mail.receipt"] {
        let job = claim(t, kind).await;
        finish(t, &job, refused()).await.unwrap();
    }
    let stuck = t.order("cs_test_a").await;
    assert_eq!(stuck.status, Status::NeedsAttention);
    assert_eq!(t.store.put_aside(stuck.session, "ann").await.unwrap(), 2);
    assert_eq!(t.store.put_aside(stuck.session, "ann").await.unwrap(), 0, "nothing is stuck now");
    assert_eq!(view(t, "invite").await.status, DeliveryStatus::Dismissed);
    let order = t.order("cs_test_a").await;
    assert_eq!(order.status, Status::Fulfilled, "nobody waits for it");
    let told: Vec<_> = order.timeline.iter().rev().take(3).collect();
    assert!(told.iter().all(|told| told.who.as_deref() == Some("ann")), "{told:?}");
    assert_eq!(told[1].what, "mail.receipt is put aside");
    assert_eq!(t.store.to_do(&[]).await.unwrap().orders.len(), 0);
    assert_eq!(t.store.unstick(order.session, "ann").await.unwrap(), 0, "it stays so");
    t.store.resend(&key("cs_test_a"), "mail.receipt", "ann").await.unwrap().unwrap().unwrap();
    assert_eq!(claim(t, "mail.receipt").await.attempt, 2, "but may be sent after all");
});

both!(case_38_mail_never_holds_an_order, async |t| {
    assert!(t.pay("cs_test_a", &[("course", 1)]).await.fulfilled);
    let job = claim(t, "mail.receipt").await;
    let moved = finish(t, &job, refused()).await.unwrap();
    assert_eq!(moved.status, Some(Status::Fulfilled));
    assert!(!moved.fulfilled, "it was before");
    assert_eq!(view(t, "mail.receipt").await.status, DeliveryStatus::Stuck);
    let told = t.order("cs_test_a").await.timeline;
    assert_eq!(
        told.last().unwrap().what,
        "mail.receipt is stuck: refused (no): it will never work"
    );
});

both!(case_21_a_mail_about_an_unpaid_order_does_not_fulfill_it, async |t| {
    let waiting = found(Fact::Waiting("processing".into()), sale(&[("course", 1)]));
    t.look("cs_test_a", waiting.clone()).await;
    let failed = found(Fact::Failed("it failed".into()), sale(&[("course", 1)]));
    t.look("cs_test_b", failed).await;
    let pending = claim(t, "mail.payment_pending").await;
    let moved = finish(t, &pending, Outcome::Done(None)).await.unwrap();
    assert_eq!((moved.status, moved.fulfilled), (Some(Status::AwaitingPayment), false));
    let about_failure = claim(t, "mail.payment_failed").await;
    let moved = finish(t, &about_failure, refused()).await.unwrap();
    assert_eq!(moved.status, Some(Status::PaymentFailed));
    let stuck = t.order("cs_test_b").await;
    assert_eq!(stuck.reason.as_deref(), Some("it failed"));
    t.store.unstick(stuck.session, "ann").await.unwrap();
    assert_eq!(t.order("cs_test_b").await.status, Status::PaymentFailed);
    let order = t.order("cs_test_a").await;
    assert_eq!(
        (order.status, order.reason.as_deref()),
        (Status::AwaitingPayment, Some("processing"))
    );
    assert_eq!(order.timeline.last().unwrap().what, "mail.payment_pending done");
    assert!(t.pay("cs_test_a", &[("course", 1)]).await.fulfilled, "its payment does");
});

both!(a_delivery_appears_once_however_often_its_reason_does, async |t| {
    let waiting = |why: &str| found(Fact::Waiting(why.to_owned()), sale(&[("course", 1)]));
    for why in ["one", "two", "one"] {
        t.look("cs_test_a", waiting(why)).await;
    }
    let jobs = t.store.claim_deliveries(&["mail.payment_pending"], 10).await.unwrap();
    assert_eq!(jobs.len(), 1);
    finish(t, &jobs[0], Outcome::Done(None)).await;
    t.look("cs_test_a", waiting("three")).await;
    assert!(t.store.claim_deliveries(&["mail.payment_pending"], 10).await.unwrap().is_empty());
});

both!(no_delivery_is_handed_out_twice_among_tasks_and_handles, async |t| {
    let sessions: Vec<_> = (0..60).map(|n| key(&format!("cs_test_s{n}"))).collect();
    t.store.ring_all(&sessions, Ringer::Reconciler).await.unwrap();
    let claims = t.store.claim(100, 100).await.unwrap();
    let looks = claims.into_iter().map(|claim| Look { claim, looked: paid(&[("invite", 1)]) });
    t.store.record(looks.collect(), &t.shop).await;
    let other = t.another().await;
    let tasks = [&t.store, &other, &t.store, &other].map(|store| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut mine: Vec<Job> = Vec::new();
            loop {
                let jobs = store.claim_deliveries(&["invite", "mail.receipt"], 7).await.unwrap();
                if jobs.is_empty() {
                    return mine;
                }
                for job in &jobs {
                    let done = delivery::next(job.attempt, Outcome::Done(None), 0, 0);
                    assert!(
                        store.finish_delivery(&job.id, job.attempt, &done).await.unwrap().is_some()
                    );
                }
                mine.extend(jobs);
            }
        })
    });
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    assert_eq!(all.len(), 120);
    assert_eq!(all.iter().map(|job| &job.id).collect::<HashSet<_>>().len(), 120);
    assert_eq!(t.sql("SELECT COUNT(*) FROM orders WHERE status = 'fulfilled'").await, 60);
    assert!(t.store.counts().await.unwrap().deliveries.is_empty());
    other.close().await;
});

both!(test_and_live_deliveries_are_claimed_apart, async |t| {
    t.pay("cs_test_a", &[("invite", 1)]).await;
    let live = t.live().await;
    assert!(live.claim_deliveries(&["invite", "mail.receipt"], 10).await.unwrap().is_empty());
    assert_eq!(live.next_delivery_due(&["invite"]).await.unwrap(), None);
    live.close().await;
});

fn refused() -> Outcome {
    Outcome::Refused { code: "no".into(), why: "it will never work".into() }
}

/// Claims the only delivery of this kind that is due.
async fn claim(t: &Bench, kind: &str) -> Job {
    let mut jobs = t.store.claim_deliveries(&[kind], 10).await.unwrap();
    assert_eq!(jobs.len(), 1, "exactly one {kind} is due");
    jobs.remove(0)
}

async fn finish(t: &Bench, job: &Job, outcome: Outcome) -> Option<fulfill::store::Recorded> {
    let next: Next = delivery::next(job.attempt, outcome, t.clock.now(), 0);
    t.store.finish_delivery(&job.id, job.attempt, &next).await.unwrap()
}

/// The only order's delivery of this kind.
async fn view(t: &Bench, kind: &str) -> DeliveryView {
    let order = t.order("cs_test_a").await;
    order.deliveries.into_iter().find(|d| d.kind == kind).expect("there is such a delivery")
}
