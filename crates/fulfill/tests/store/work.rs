//! Sessions are rung by anybody and looked at by one worker at a time.

use std::collections::HashSet;

use fulfill::store::{Claim, Look, Ringer};
use fulfill_rules::{SECOND, fact::Fact};

use crate::{
    bench::{arrival, found, key, paid, sale},
    both,
};

/// As long as a claim holds.
const LEASE: i64 = 10 * SECOND;

both!(a_ring_makes_the_session_known_and_due_now, async |t| {
    let bell = t.store.ring(&key("cs_test_a"), Ringer::Operator).await.unwrap();
    assert_eq!(bell.rung, 1);
    let view = t.session("cs_test_a").await;
    assert_eq!((view.session, view.rung), (bell.session, 1));
    assert_eq!(view.look_again_at, Some(t.clock.now()));
    assert_eq!(t.store.next_due().await.unwrap(), Some(t.clock.now()));
    let again = t.store.ring(&key("cs_test_a"), Ringer::Operator).await.unwrap();
    assert_eq!((again.session, again.rung), (bell.session, 2));
});

both!(a_session_that_only_visitors_asked_for_is_a_guess, async |t| {
    t.store.ring(&key("cs_test_a"), Ringer::Visitor).await.unwrap();
    assert!(t.session("cs_test_a").await.guess);
    t.receive("evt_1", "cs_test_a").await;
    assert!(!t.session("cs_test_a").await.guess);
    t.store.ring(&key("cs_test_a"), Ringer::Visitor).await.unwrap();
    assert!(!t.session("cs_test_a").await.guess, "once known, for ever");
});

both!(many_sessions_are_rung_at_once_and_other_modes_left_alone, async |t| {
    let keys = ["cs_test_b", "cs_live_a", "cs_test_a", "cs_test_b"].map(key);
    let bells = t.store.ring_all(&keys, Ringer::Reconciler).await.unwrap();
    assert_eq!(bells.len(), 2, "a twin is rung once, the other mode not at all");
    assert_eq!(t.session("cs_test_b").await.rung, 1);
    assert!(t.store.session_view(&key("cs_live_a")).await.unwrap().is_none());
    assert!(t.store.ring_all(&[], Ringer::Reconciler).await.unwrap().is_empty());
});

both!(a_ring_during_a_look_makes_the_session_due_again_after_it, async |t| {
    t.ring("cs_test_a").await;
    let claim = t.claim().await;
    t.receive("evt_1", "cs_test_a").await;
    let during = t.session("cs_test_a").await;
    assert_eq!(during.rung, 2);
    assert_eq!(during.look_again_at, Some(t.clock.now() + LEASE), "the lease stands");
    assert!(t.store.claim(10, 5).await.unwrap().is_empty(), "nobody else gets it");
    t.record(Look { claim, looked: paid(&[("course", 1)]) }).await;
    let after = t.session("cs_test_a").await;
    assert_eq!((after.seen, after.rung), (1, 2));
    assert_eq!(after.look_again_at, Some(t.clock.now()));
    let second = t.claim().await;
    assert_eq!((second.rung, second.settled), (2, true));
    t.record(Look { claim: second, looked: fulfill::store::Looked::Settled }).await;
    let rest = t.session("cs_test_a").await;
    assert_eq!((rest.seen, rest.look_again_at), (2, None));
});

both!(a_ring_brings_a_later_look_forward_and_puts_none_off, async |t| {
    t.look("cs_test_a", found(Fact::Waiting("w".into()), sale(&[("course", 1)]))).await;
    let later = t.session("cs_test_a").await.look_again_at.unwrap();
    assert!(later > t.clock.now());
    t.ring("cs_test_a").await;
    let due = t.session("cs_test_a").await.look_again_at;
    assert_eq!(due, Some(t.clock.now()));
    t.advance(SECOND);
    t.ring("cs_test_a").await;
    assert_eq!(t.session("cs_test_a").await.look_again_at, due, "it keeps its place in the row");
});

both!(what_has_been_due_the_longest_is_claimed_first, async |t| {
    for id in ["cs_test_c", "cs_test_a", "cs_test_b"] {
        t.ring(id).await;
        t.advance(SECOND);
    }
    for id in ["cs_test_c", "cs_test_a", "cs_test_b"] {
        let claims = t.store.claim(1, 1).await.unwrap();
        assert_eq!(ids(&claims), [id]);
    }
    assert!(t.store.claim(1, 1).await.unwrap().is_empty());
});

both!(nothing_is_claimed_before_it_is_due, async |t| {
    t.look("cs_test_a", found(Fact::Waiting("w".into()), sale(&[("course", 1)]))).await;
    let due = t.session("cs_test_a").await.look_again_at.unwrap();
    assert_eq!(t.store.next_due().await.unwrap(), Some(due));
    t.advance(due - t.clock.now() - 1);
    assert!(t.store.claim(10, 10).await.unwrap().is_empty());
    t.advance(1);
    assert_eq!(t.claim().await.key, key("cs_test_a"));
});

both!(visitors_come_first_but_take_no_more_than_their_share, async |t| {
    for n in 0..4 {
        t.ring(&format!("cs_test_other{n}")).await;
    }
    t.advance(SECOND);
    for n in 0..4 {
        t.store.ring(&key(&format!("cs_test_visitor{n}")), Ringer::Visitor).await.unwrap();
    }
    let visitors =
        |claims: &[Claim]| claims.iter().filter(|c| c.key.id.contains("visitor")).count();
    let first = t.store.claim(4, 2).await.unwrap();
    assert_eq!((first.len(), visitors(&first)), (4, 2));
    let second = t.store.claim(3, 1).await.unwrap();
    assert_eq!((second.len(), visitors(&second)), (3, 1));
    let third = t.store.claim(4, 0).await.unwrap();
    assert!(third.is_empty(), "not even when nobody else waits");
});

both!(a_lease_that_ran_out_hands_the_session_on_and_fences_its_old_owner, async |t| {
    t.ring("cs_test_a").await;
    let lost = t.claim().await;
    assert_eq!((lost.attempt, lost.fence), (1, 1));
    t.advance(LEASE - 1);
    assert!(t.store.claim(10, 5).await.unwrap().is_empty(), "the lease still holds");
    t.advance(1);
    let taken = t.claim().await;
    assert_eq!((taken.session, taken.attempt, taken.fence), (lost.session, 2, 2));

    let late = t
        .store
        .record(vec![Look { claim: lost.clone(), looked: paid(&[("course", 1)]) }], &t.shop)
        .await;
    assert!(late.is_empty(), "the late worker is told nothing was written");
    assert!(t.session("cs_test_a").await.order.is_none());
    assert_eq!(t.store.renew(vec![(lost.session, lost.fence)]).await.unwrap(), 0);
    t.store.give_back(vec![(lost.session, lost.fence)]).await.unwrap();
    assert!(t.store.claim(10, 5).await.unwrap().is_empty(), "a lost claim cannot be given back");

    t.record(Look { claim: taken, looked: paid(&[("course", 1)]) }).await;
    assert_eq!(t.order("cs_test_a").await.effects.len(), 1);
    t.ring("cs_test_a").await;
    let next = t.claim().await;
    assert_eq!((next.attempt, next.fence), (1, 3), "attempts start anew, fences never do");
});

both!(a_late_worker_in_a_batch_does_not_keep_the_others_from_writing, async |t| {
    t.ring("cs_test_a").await;
    let lost = t.claim().await;
    t.advance(LEASE);
    t.ring("cs_test_b").await;
    let mut looks: Vec<Look> = Vec::new();
    looks.push(Look { claim: lost, looked: paid(&[("course", 1)]) });
    for claim in t.store.claim(10, 5).await.unwrap() {
        if claim.key == key("cs_test_b") {
            looks.push(Look { claim, looked: paid(&[("course", 1)]) });
        }
    }
    let done = t.store.record(looks, &t.shop).await;
    let written: Vec<_> = done.into_iter().map(|r| r.unwrap().key).collect();
    assert_eq!(written, [key("cs_test_b")]);
    assert!(t.session("cs_test_a").await.order.is_none());
});

both!(a_renewed_claim_lasts_longer, async |t| {
    t.ring("cs_test_a").await;
    let claim = t.claim().await;
    t.advance(LEASE - SECOND);
    assert_eq!(t.store.renew(vec![(claim.session, claim.fence)]).await.unwrap(), 1);
    t.advance(LEASE - SECOND);
    assert!(t.store.claim(10, 5).await.unwrap().is_empty());
    t.record(Look { claim: claim.clone(), looked: paid(&[("course", 1)]) }).await;
    assert_eq!(t.store.renew(vec![(claim.session, claim.fence)]).await.unwrap(), 0, "it is over");
});

both!(a_claim_given_back_is_as_if_it_had_not_been_made, async |t| {
    t.ring("cs_test_a").await;
    let claim = t.claim().await;
    t.store.give_back(vec![(claim.session, claim.fence)]).await.unwrap();
    let again = t.claim().await;
    assert_eq!(again.attempt, 1);
    assert!(again.fence > claim.fence);
});

both!(case_02_no_session_is_handed_out_twice_among_tasks_and_handles, async |t| {
    let keys: Vec<_> = (0..120).map(|n| key(&format!("cs_test_s{n}"))).collect();
    t.store.ring_all(&keys[..60], Ringer::Reconciler).await.unwrap();
    t.store.ring_all(&keys[60..], Ringer::Visitor).await.unwrap();
    let other = t.another().await;
    let tasks = [&t.store, &other, &t.store, &other].map(|store| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claims = store.claim(7, 3).await.unwrap();
                if claims.is_empty() {
                    return mine;
                }
                mine.extend(claims.into_iter().map(|c| c.session));
            }
        })
    });
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    // SKIP LOCKED may leave a row to whoever has just let go of it.
    all.extend(t.store.claim(200, 100).await.unwrap().into_iter().map(|c| c.session));
    assert_eq!(all.len(), 120, "each is handed out");
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 120, "none twice");
    other.close().await;
});

both!(sessions_sort_by_bytes_so_that_all_lock_them_in_one_order, async |t| {
    for id in ["cs_test_a", "cs_test_B"] {
        t.ring(id).await;
    }
    let first = t.sql("SELECT seq FROM session ORDER BY id LIMIT 1").await;
    assert_eq!(first, t.session("cs_test_B").await.session);
});

both!(sessions_are_recorded_while_further_events_ring_them, async |t| {
    let id = |n: usize| format!("cs_test_{}{n}", if n.is_multiple_of(2) { "A" } else { "a" });
    let sessions: Vec<_> = (0..40).map(|n| key(&id(n))).collect();
    t.store.ring_all(&sessions, Ringer::Reconciler).await.unwrap();
    let other = t.another().await;
    let ringing = async {
        for round in 0..10 {
            let arrivals = (0..40).map(|n| {
                let store = if round % 2 == 0 { &t.store } else { &other };
                store.receive(arrival(&format!("evt_{round}_{n}"), &id(n)))
            });
            for answer in futures_util::future::join_all(arrivals).await {
                answer.unwrap();
            }
            let sorted = tokio::join!(t.store.sort_in(30), other.sort_in(30));
            assert!(sorted.0.unwrap().events + sorted.1.unwrap().events > 0);
        }
        t.sort_in().await;
    };
    let looking = async {
        for round in 0..20 {
            let store = if round % 2 == 0 { &t.store } else { &other };
            let claims = store.claim(40, 40).await.unwrap();
            let looks =
                claims.into_iter().map(|claim| Look { claim, looked: paid(&[("course", 1)]) });
            for done in store.record(looks.collect(), &t.shop).await {
                done.unwrap();
            }
        }
    };
    tokio::join!(ringing, looking);
    for session in &sessions {
        let view = t.session(&session.id).await;
        assert_eq!((view.rung, view.order.unwrap().effects.len()), (11, 1));
    }
    other.close().await;
});

both!(test_and_live_sessions_are_claimed_apart, async |t| {
    let live = t.live().await;
    t.ring("cs_test_a").await;
    live.ring(&key("cs_live_a"), Ringer::Reconciler).await.unwrap();
    live.receive(arrival("evt_1", "cs_live_b")).await.unwrap();
    t.receive("evt_2", "cs_test_b").await;
    let mut of_test = ids(&t.store.claim(10, 5).await.unwrap());
    of_test.sort();
    assert_eq!(
        of_test,
        ["cs_test_a", "cs_test_b"],
        "who sorts in rings the sessions of both modes"
    );
    let mut of_live = ids(&live.claim(10, 5).await.unwrap());
    of_live.sort();
    assert_eq!(of_live, ["cs_live_a", "cs_live_b"]);
    live.close().await;
});

both!(leases_are_void_when_the_only_service_of_an_sqlite_file_starts, async |t| {
    t.ring("cs_test_a").await;
    t.store.ring(&key("cs_test_v"), Ringer::Visitor).await.unwrap();
    assert_eq!(t.store.claim(10, 5).await.unwrap().len(), 2);
    t.look_for_an_invitation().await;
    t.store.void_leases().await.unwrap();
    let (sessions, jobs) = match t.location {
        fulfill::store::Location::Sqlite(_) => (2, 1),
        fulfill::store::Location::Postgres(_) => (0, 0),
    };
    let claims = t.store.claim(10, 5).await.unwrap();
    assert_eq!(claims.len(), sessions);
    assert!(claims.iter().all(|c| c.attempt == 2), "the lost attempt counts");
    assert_eq!(t.store.claim_deliveries(&["invite"], 10).await.unwrap().len(), jobs);
});

impl crate::Bench {
    /// An order with an action of the shop's own, which somebody is carrying out.
    async fn look_for_an_invitation(&self) {
        self.pay("cs_test_invite", &[("invite", 1)]).await;
        assert_eq!(self.store.claim_deliveries(&["invite"], 10).await.unwrap().len(), 1);
    }
}

fn ids(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(|c| c.key.id.clone()).collect()
}
