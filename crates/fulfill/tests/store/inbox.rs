//! What arrives is stored, sorted in once, and rings once.

use bytes::Bytes;
use fulfill::store::{Arrival, Received, Sorted};
use futures_util::future::join_all;

use crate::{
    bench::{arrival, key},
    both,
};

both!(a_new_event_rings_its_session, async |t| {
    let received = t.store.receive(arrival("evt_1", "cs_test_a")).await.unwrap();
    assert_eq!(received, Received::Rang);
    assert_eq!(t.sql("SELECT COUNT(*) FROM doorbell").await, 1, "stored, and nothing else");
    assert!(t.store.session_view(&key("cs_test_a")).await.unwrap().is_none());
    assert!(t.store.is_announced(&key("cs_test_a")).await.unwrap(), "but known from now on");
    assert!(!t.store.is_announced(&key("cs_test_b")).await.unwrap());
    assert_eq!(t.sort_in().await, Sorted { events: 1, duplicates: 0 });
    let view = t.session("cs_test_a").await;
    assert_eq!((view.rung, view.seen), (1, 0));
    assert_eq!(view.look_again_at, Some(t.clock.now()), "due at once");
    assert!(!view.guess, "an event is no guess");
    assert!(view.order.is_none());
});

both!(case_03_events_are_unique_by_their_id_across_calls_and_handles, async |t| {
    let other = t.another().await;
    assert!(t.receive("evt_1", "cs_test_a").await);
    assert!(!t.receive("evt_1", "cs_test_a").await);
    other.receive(arrival("evt_1", "cs_test_a")).await.unwrap();
    assert_eq!(other.sort_in(10).await.unwrap(), Sorted { events: 1, duplicates: 1 });
    assert_eq!(t.session("cs_test_a").await.rung, 1);
    assert_eq!(t.sql("SELECT COUNT(*) FROM event").await, 1, "nothing is kept twice");
    other.close().await;
});

both!(twins_in_one_batch_are_one_event, async |t| {
    let twins = (0..8).map(|_| t.store.receive(arrival("evt_twin", "cs_test_a")));
    assert!(join_all(twins).await.into_iter().all(|answer| answer.unwrap() == Received::Rang));
    assert_eq!(t.sort_in().await, Sorted { events: 8, duplicates: 7 });
    assert_eq!(t.session("cs_test_a").await.rung, 1);
    assert_eq!(t.sql("SELECT COUNT(*) FROM event").await, 1);
});

both!(arrivals_side_by_side_share_commits_and_ring_once_for_each_new_event, async |t| {
    let arrivals = (0..200).map(|n| {
        let store = t.store.clone();
        tokio::spawn(async move {
            store.receive(arrival(&format!("evt_{n}"), &format!("cs_test_s{}", n % 20))).await
        })
    });
    for answer in join_all(arrivals).await {
        assert_eq!(answer.unwrap().unwrap(), Received::Rang);
    }
    assert_eq!(t.sort_in().await, Sorted { events: 200, duplicates: 0 });
    for n in 0..20 {
        assert_eq!(t.session(&format!("cs_test_s{n}")).await.rung, 10);
    }
    assert_eq!(t.sql("SELECT COUNT(*) FROM heard WHERE session > 0").await, 200);
    let commits = t.commits("inbox");
    assert!(commits < 200, "200 arrivals took {commits} commits");
});

both!(all_that_wait_while_a_commit_is_under_way_share_the_next_one, async |t| {
    // Nothing is polled between the pushes: all of them wait when the writer gets to them.
    let arrivals =
        (0..300).map(|n| t.store.receive(arrival(&format!("evt_{n}"), &format!("cs_test_s{n}"))));
    let answers = join_all(arrivals).await;
    assert!(answers.into_iter().all(|a| a.unwrap() == Received::Rang));
    let commits = t.commits("inbox");
    assert!(commits <= 30, "300 arrivals at once took {commits} commits");
});

both!(two_handles_take_and_sort_in_overlapping_batches_in_any_order, async |t| {
    let other = t.another().await;
    let tasks = (0..6_u64).map(|task| {
        let store = if task % 2 == 0 { t.store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let mut new = 0;
            for round in 0..5_u64 {
                // Each task goes through the same events in an order of its own.
                let ids = (0..40_u64).map(|n| (n * (2 * task + 1) + round) % 40 + 40 * round);
                let arrivals = ids.map(|id| {
                    store.receive(arrival(
                        &format!("evt_{id}"),
                        &format!("cs_test_s{}", 40 - id % 40),
                    ))
                });
                for answer in join_all(arrivals).await {
                    answer.unwrap();
                }
                let sorted = store.sort_in(50).await.unwrap();
                new += sorted.events - sorted.duplicates;
            }
            new
        })
    });
    let new: usize = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    let rest = t.sort_in().await;
    assert_eq!(new + rest.events - rest.duplicates, 200, "each event is new to exactly one sorter");
    assert_eq!(t.sql("SELECT COUNT(*) FROM event").await, 200);
    assert_eq!(t.sql("SELECT COUNT(*) FROM doorbell").await, 0);
    // Two replicas may both find a session new and ring it once too often; no ring is lost.
    assert!(t.sql("SELECT CAST(SUM(rung) AS BIGINT) FROM session").await >= 200);
    other.close().await;
});

both!(one_sorts_in_beside_another, async |t| {
    for n in 0..300 {
        let arrival = arrival(&format!("evt_{n}"), &format!("cs_test_s{}", n % 7));
        t.store.receive(arrival).await.unwrap();
    }
    let other = t.another().await;
    let sorters = (0..8).map(|n| {
        let store = if n % 2 == 0 { t.store.clone() } else { other.clone() };
        tokio::spawn(async move { store.sort_in(64).await.unwrap() })
    });
    for sorter in join_all(sorters).await {
        assert_eq!(sorter.unwrap().duplicates, 0);
    }
    t.sort_in().await;
    assert_eq!(t.sql("SELECT COUNT(*) FROM heard").await, 300);
    other.close().await;
});

both!(events_of_another_account_or_mode_are_stored_and_not_acted_on, async |t| {
    let of_account = Arrival { account: "acct_1".into(), ..arrival("evt_1", "cs_test_a") };
    let live = arrival("evt_2", "cs_live_a");
    let says_live = Arrival { livemode: Some(true), ..arrival("evt_3", "cs_test_a") };
    let live_by_its_session = Arrival { livemode: None, ..arrival("evt_4", "cs_live_a") };
    let live_without_session = Arrival { session: None, ..live.clone() };
    for (n, arrival) in [of_account, live, says_live, live_by_its_session].into_iter().enumerate() {
        assert_eq!(t.store.receive(arrival.clone()).await.unwrap(), Received::Noted, "{n}");
        assert_eq!(t.sort_in().await.duplicates, 0, "{n}");
        assert_eq!(t.store.receive(arrival).await.unwrap(), Received::Noted, "{n}");
        assert_eq!(t.sort_in().await.duplicates, 1, "{n}");
    }
    let again = Arrival { id: "evt_5".into(), ..live_without_session };
    assert_eq!(t.store.receive(again).await.unwrap(), Received::Noted);
    t.sort_in().await;
    assert_eq!(t.sql("SELECT COUNT(*) FROM event").await, 5);
    assert_eq!(t.sql("SELECT COUNT(*) FROM session").await, 0);
    assert_eq!(t.store.next_due().await.unwrap(), None);
});

both!(case_10_events_of_no_use_are_stored_and_not_acted_on, async |t| {
    let unused = Arrival {
        kind: "invoice.created".into(),
        session: None,
        created: None,
        livemode: None,
        ..arrival("evt_1", "cs_test_a")
    };
    assert_eq!(t.store.receive(unused.clone()).await.unwrap(), Received::Noted);
    assert_eq!(t.store.receive(unused).await.unwrap(), Received::Noted);
    assert_eq!(t.sort_in().await.duplicates, 1);
    assert_eq!(t.sql("SELECT COUNT(*) FROM session").await, 0);
});

both!(a_body_that_cannot_be_read_is_kept_for_a_person, async |t| {
    let unreadable = Arrival {
        id: "sha256:1".into(),
        kind: String::new(),
        session: None,
        livemode: None,
        quarantined: true,
        body: Bytes::from_static(b"\0\xff not json"),
        ..arrival("evt_1", "cs_test_a")
    };
    assert_eq!(t.store.receive(unreadable.clone()).await.unwrap(), Received::Quarantined);
    assert_eq!(t.store.receive(unreadable).await.unwrap(), Received::Quarantined);
    assert_eq!(t.sort_in().await.duplicates, 1);
    assert_eq!(t.store.counts().await.unwrap().quarantined, 1);
    assert_eq!(t.store.next_due().await.unwrap(), None);
});

both!(what_events_say_of_a_delayed_payment_is_handed_to_whoever_looks, async |t| {
    let of_kind = |id: &str, kind: &str| Arrival { kind: kind.into(), ..arrival(id, "cs_test_a") };
    t.store.receive(of_kind("evt_1", "checkout.session.completed")).await.unwrap();
    t.sort_in().await;
    let first = t.claim().await;
    assert!(!first.told.succeeded && !first.told.failed);
    t.store.give_back(vec![(first.session, first.fence)]).await.unwrap();
    t.store.receive(of_kind("evt_2", "checkout.session.async_payment_failed")).await.unwrap();
    t.sort_in().await;
    let second = t.claim().await;
    assert!(!second.told.succeeded && second.told.failed);
    t.store.give_back(vec![(second.session, second.fence)]).await.unwrap();
    t.store.receive(of_kind("evt_3", "checkout.session.async_payment_succeeded")).await.unwrap();
    t.sort_in().await;
    let third = t.claim().await;
    assert!(third.told.succeeded && third.told.failed);
});

both!(odd_text_in_an_event_is_stored, async |t| {
    let odd = Arrival {
        id: "evt_\0\u{1f381}".into(),
        kind: "עברית \u{202e}\0".into(),
        ..arrival("evt_1", "cs_test_a")
    };
    assert_eq!(t.store.receive(odd.clone()).await.unwrap(), Received::Rang);
    assert_eq!(t.store.receive(odd).await.unwrap(), Received::Rang);
    assert_eq!(t.sort_in().await, Sorted { events: 2, duplicates: 1 });
    assert_eq!(t.session("cs_test_a").await.rung, 1);
});

both!(case_05_what_cannot_be_stored_is_not_acknowledged_and_welcome_again, async |t| {
    t.receive("evt_0", "cs_test_a").await;
    t.sql("ALTER TABLE event RENAME TO away").await;
    let arrivals = (0..20).map(|n| t.store.receive(arrival(&format!("evt_{n}"), "cs_test_a")));
    assert!(join_all(arrivals).await.iter().all(Result::is_err));
    assert_eq!(t.sql("SELECT COUNT(*) FROM doorbell").await, 0, "no ring without its event");
    t.sql("ALTER TABLE away RENAME TO event").await;
    assert_eq!(t.session("cs_test_a").await.rung, 1);
    let arrivals = (0..20).map(|n| t.store.receive(arrival(&format!("evt_{n}"), "cs_test_a")));
    assert!(join_all(arrivals).await.into_iter().all(|answer| answer.unwrap() == Received::Rang));
    assert_eq!(t.sort_in().await, Sorted { events: 20, duplicates: 1 });
});

both!(a_closed_store_refuses_every_arrival, async |t| {
    t.store.close().await;
    for n in 0..3 {
        let refused = t.store.receive(arrival(&format!("evt_{n}"), "cs_test_a")).await;
        assert!(refused.is_err(), "arrival {n} was acknowledged by a closed store");
    }
    assert!(t.store.ring(&key("cs_test_a"), fulfill::store::Ringer::Operator).await.is_err());
});
