//! What waits for a person, and what is counted for pictures.

use fulfill::{
    Zone,
    store::{Arrival, Look, Looked, Ringer, ToDo, Troubled},
};
use fulfill_rules::{DAY, HOUR, MINUTE, SECOND, fact::Fact, order::ByHand, shipment::Shipment};

use crate::{
    Bench,
    bench::{arrival, found, key, paid, sale},
    both,
    supply::open,
};

async fn waits(t: &Bench) -> Vec<String> {
    waits_of(&t.store.to_do(&[]).await.unwrap())
}

fn waits_of(list: &ToDo) -> Vec<String> {
    list.orders.iter().map(|order| order.key.id.clone()).collect()
}

both!(what_waits_for_a_person_can_be_worked_to_empty, async |t| {
    open(t, &[("SHIRT", 1)]).await;
    t.pay("cs_test_a", &[("unheard of", 1)]).await;
    t.pay("cs_test_b", &[("course", 1)]).await;
    t.pay("cs_test_c", &[("shirt", 1)]).await;
    t.pay("cs_test_d", &[("editor", 2)]).await;
    assert_eq!(waits(t).await, ["cs_test_a", "cs_test_c", "cs_test_d"], "the oldest first");
    let counts = t.store.to_do_counts(&[]).await.unwrap();
    assert_eq!((counts.attention, counts.parcels, counts.stuck), (2, 1, 0));
    assert_eq!((counts.pools, counts.shelves, counts.sum()), (1, 0, 4), "a pool is waited for");
    let list = t.store.to_do(&[]).await.unwrap();
    assert_eq!((list.pools[0].pool.as_str(), list.pools[0].waiting), ("editor", 2));
    assert!(list.shelves.is_empty(), "nobody waits for what is just sold out");

    t.store.by_hand(&key("cs_test_a"), ByHand::Waive, vec![], "Ann").await.unwrap();
    t.store.ship(&key("cs_test_c"), vec![], Shipment::default(), false, "Ann").await.unwrap();
    let keys: Vec<String> = (0..20).map(|n| format!("K-{n}")).collect();
    t.store.import_keys("editor", &keys).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
    let list = t.store.to_do(&[]).await.unwrap();
    assert!(list.orders.is_empty() && list.pools.is_empty(), "{list:#?}");
    assert_eq!(t.store.to_do_counts(&[]).await.unwrap().sum(), 0);
});

both!(a_pool_that_nothing_draws_from_does_not_run_dry, async |t| {
    t.store.import_keys("slip", &["K-1".to_owned()]).await.unwrap();
    let low = async |drawn: &[String]| {
        let list = t.store.to_do(drawn).await.unwrap().pools;
        let counts = t.store.to_do_counts(drawn).await.unwrap();
        assert_eq!((counts.pools, counts.sum()), (list.len() as i64, list.len() as i64));
        list.into_iter().map(|pool| pool.pool).collect::<Vec<_>>()
    };
    assert!(low(&[]).await.is_empty());
    assert_eq!(low(&["slip".to_owned()]).await, ["slip"], "the catalog draws from it");

    t.store.import_keys("editor", &["E-1".to_owned(), "E-2".to_owned()]).await.unwrap();
    assert!(low(&[]).await.is_empty());
    t.pay("cs_test_a", &[("editor", 1)]).await;
    assert_eq!(low(&["editor".to_owned()]).await, ["editor"], "the catalog draws from it");
    assert!(low(&[]).await.is_empty(), "the catalog drew from it once, and does not any more");
    let mut own = sale(&[("prod_own", 1)]);
    let says = [("fulfilld_key", "editor"), ("fulfilld_seats", "yes")];
    own.lines[0].metadata.extend(says.map(|(name, value)| (name.to_owned(), value.to_owned())));
    t.look("cs_test_b", found(Fact::Paid, own)).await;
    assert_eq!(low(&[]).await, ["editor"], "a product has, by its own metadata");
});

both!(what_is_listed_and_what_is_counted_is_the_same, async |t| {
    open(t, &[("SHIRT", 0)]).await;
    t.pay("cs_test_a", &[("shirt", 1)]).await;
    let (list, counts) =
        (t.store.to_do(&[]).await.unwrap(), t.store.to_do_counts(&[]).await.unwrap());
    assert_eq!((list.orders.len(), list.shelves.len()), (1, 1), "{list:#?}");
    assert_eq!((counts.orders, counts.shelves, counts.sum()), (1, 1, 2));
});

/// Looks at all that is due, and at nothing successfully.
async fn fail(t: &Bench, ask_a_person: bool) {
    for claim in t.store.claim(10, 5).await.unwrap() {
        let looked = Looked::Trouble {
            why: "Stripe is away".into(),
            again_at: t.clock.now() + MINUTE,
            ask_a_person: ask_a_person && !claim.guess,
        };
        t.record(Look { claim, looked }).await;
    }
    t.advance(MINUTE);
}

both!(a_session_that_cannot_be_looked_at_waits_for_a_person_until_there_is_an_order, async |t| {
    t.store.ring(&key("cs_test_guess"), Ringer::Visitor).await.unwrap();
    let heard_at = t.clock.now();
    t.receive("evt_1", "cs_test_a").await;
    for tries in 1..5 {
        fail(t, false).await;
        assert_eq!(t.store.to_do_counts(&[]).await.unwrap().sum(), 0, "after {tries} tries");
    }
    fail(t, false).await;
    let waits = Troubled {
        key: key("cs_test_a"),
        first_rung_at: heard_at,
        tries: 5,
        why: "Stripe is away".into(),
        again_at: t.clock.now(),
        unknown: false,
        event: Some(("evt_1".into(), "checkout.session.completed".into())),
    };
    assert_eq!(t.store.to_do(&[]).await.unwrap().troubled, [waits]);
    let counts = t.store.to_do_counts(&[]).await.unwrap();
    assert_eq!((counts.sessions, counts.sum()), (1, 1));
    let live = t.live().await;
    assert!(live.to_do(&[]).await.unwrap().troubled.is_empty(), "each mode has its own");

    fail(t, true).await;
    let list = t.store.to_do(&[]).await.unwrap();
    assert!(list.troubled.is_empty(), "{list:#?}");
    assert_eq!(waits_of(&list), ["cs_test_a"]);
    let counts = t.store.to_do_counts(&[]).await.unwrap();
    assert_eq!((counts.sessions, counts.attention, counts.sum()), (0, 1, 1));
});

/// Looks at all that is due; Stripe knows nothing of it.
async fn unknown(t: &Bench) -> usize {
    let claims = t.store.claim(10, 5).await.unwrap();
    let count = claims.len();
    for claim in claims {
        let looked = Looked::Missing { why: "Stripe does not know it".into() };
        t.record(Look { claim, looked }).await;
    }
    count
}

both!(an_event_about_a_session_that_stripe_does_not_know_waits_for_a_week, async |t| {
    // Of these nobody but people told.
    t.store.ring(&key("cs_test_guess"), Ringer::Visitor).await.unwrap();
    t.store.ring(&key("cs_test_typed"), Ringer::Operator).await.unwrap();
    assert_eq!(unknown(t).await, 2);
    assert_eq!(t.store.to_do_counts(&[]).await.unwrap().sum(), 0);
    let heard_at = t.clock.now();
    t.receive("evt_1", "cs_test_a").await;
    t.receive("evt_2", "cs_test_b").await;
    for day in 0..7 {
        assert_eq!(unknown(t).await, 2, "on day {day} both are asked for, and nothing else");
        let list = t.store.to_do(&[]).await.unwrap();
        let of = |id: &str, event: &str| Troubled {
            key: key(id),
            first_rung_at: heard_at,
            tries: 0,
            why: "Stripe does not know it".into(),
            again_at: t.clock.now() + DAY,
            unknown: true,
            event: Some((event.into(), "checkout.session.completed".into())),
        };
        assert_eq!(list.troubled, [of("cs_test_a", "evt_1"), of("cs_test_b", "evt_2")]);
        let counts = t.store.to_do_counts(&[]).await.unwrap();
        assert_eq!((counts.sessions, counts.sum()), (2, 2));
        t.advance(DAY);
    }
    assert_eq!(unknown(t).await, 2);
    assert_eq!(t.store.to_do_counts(&[]).await.unwrap().sum(), 0, "nobody minded it for a week");
    t.advance(DAY);
    assert_eq!(unknown(t).await, 0);
});

both!(an_event_about_a_session_that_stripe_does_not_know_is_put_aside_or_found, async |t| {
    t.receive("evt_1", "cs_test_a").await;
    t.receive("evt_2", "cs_test_b").await;
    assert_eq!(unknown(t).await, 2);
    assert!(!t.store.dismiss_session(&key("cs_test_c")).await.unwrap());
    assert!(t.store.dismiss_session(&key("cs_test_a")).await.unwrap());
    assert!(!t.store.dismiss_session(&key("cs_test_a")).await.unwrap(), "once");
    let list = t.store.to_do(&[]).await.unwrap().troubled;
    assert_eq!(list.iter().map(|one| one.key.id.as_str()).collect::<Vec<_>>(), ["cs_test_b"]);
    assert!(t.pay("cs_test_b", &[("course", 1)]).await.fulfilled, "with another key");
    assert_eq!(t.store.to_do_counts(&[]).await.unwrap().sum(), 0);
    assert!(!t.store.dismiss_session(&key("cs_test_b")).await.unwrap());
});

both!(orders_and_revenue_are_counted_by_day, async |t| {
    let zone = Zone::parse("+02:00").unwrap();
    t.pay("cs_test_a", &[("course", 1)]).await;
    t.advance(DAY);
    t.pay("cs_test_b", &[("course", 1)]).await;
    t.pay("cs_test_c", &[("course", 1)]).await;
    let days = t.store.days(3, &zone).await.unwrap();
    let orders: Vec<i64> = days.iter().map(|day| day.orders).collect();
    assert_eq!(orders, [0, 1, 2]);
    assert!(days.iter().all(|day| (day.begins_at + 2 * HOUR) % DAY == 0));
    let sum: i64 = days.iter().flat_map(|day| day.revenue.values()).sum();
    assert!(sum > 0, "{days:#?}");
    assert_eq!(t.store.days(1, &zone).await.unwrap()[0].orders, 2);
    assert_eq!(t.store.spans(3).await.unwrap().counts.iter().sum::<i64>(), 3);
});

/// How many orders took less than each of the spans.
async fn spans(t: &Bench) -> [i64; 7] {
    t.store.spans(30).await.unwrap().counts
}

both!(how_long_an_order_took_is_counted_from_its_payment_not_from_its_checkout, async |t| {
    let told = async |event: &str, session: &str, kind: &str| {
        let arrival = Arrival { kind: kind.into(), ..arrival(event, session) };
        t.store.receive(arrival).await.unwrap();
        t.sort_in().await;
    };
    let waits = || found(Fact::Waiting("processing".into()), sale(&[("course", 1)]));
    let look = async |session: &str, looked: Looked| {
        let claim = t.claim().await;
        assert_eq!(claim.key, key(session));
        t.record(Look { claim, looked }).await
    };
    // A debit arrives after five days; its event is looked at half a minute later.
    told("evt_1", "cs_test_debit", "checkout.session.completed").await;
    look("cs_test_debit", waits()).await;
    t.advance(5 * DAY);
    told("evt_2", "cs_test_debit", "checkout.session.async_payment_succeeded").await;
    t.advance(30 * SECOND);
    assert!(look("cs_test_debit", paid(&[("course", 1)])).await.fulfilled);
    assert_eq!(spans(t).await, [0, 0, 1, 0, 0, 0, 0]);
    // Another one's event never came: a look finds it.
    t.look("cs_test_found", waits()).await;
    t.advance(5 * DAY);
    assert!(t.pay("cs_test_found", &[("course", 1)]).await.fulfilled);
    assert_eq!(spans(t).await, [1, 0, 1, 0, 0, 0, 0]);
    // A visitor came before the card was charged.
    t.look("cs_test_early", waits()).await;
    t.advance(2 * HOUR);
    told("evt_3", "cs_test_early", "checkout.session.completed").await;
    t.advance(5 * SECOND);
    assert!(look("cs_test_early", paid(&[("course", 1)])).await.fulfilled);
    assert_eq!(spans(t).await, [1, 1, 1, 0, 0, 0, 0]);
    // A card while Stripe's API was down: nobody waited for the payment, the buyer waited for us.
    told("evt_4", "cs_test_card", "checkout.session.completed").await;
    t.advance(2 * HOUR);
    assert!(look("cs_test_card", paid(&[("course", 1)])).await.fulfilled);
    assert_eq!(spans(t).await, [1, 1, 1, 0, 1, 0, 0]);
});

both!(an_order_counts_on_the_day_that_the_shops_clock_shows, async |t| {
    for (session, moment) in [
        // Vienna's clocks were turned forward on 31 March 2024: that day had 23 hours.
        ("'before'", "2024-03-30T22:59:59Z"),
        ("'first'", "2024-03-30T23:00:00Z"),
        ("'last'", "2024-03-31T21:59:59Z"),
        ("'after'", "2024-03-31T22:00:00Z"),
    ] {
        let at = moment.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        t.sql(&format!(
            "INSERT INTO digest (session, livemode, placed_at, currency, amount, haystack) \
             VALUES ({at}, FALSE, {at}, 'eur', 100, {session})"
        ))
        .await;
    }
    let now = "2024-04-01T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    t.advance(now - t.clock.now());
    for (zone, wanted) in [("Europe/Vienna", [1, 2, 1]), ("UTC", [2, 2, 0]), ("-11:00", [2, 2, 0])]
    {
        let days = t.store.days(3, &Zone::parse(zone).unwrap()).await.unwrap();
        let orders: Vec<i64> = days.iter().map(|day| day.orders).collect();
        assert_eq!(orders, wanted, "{zone}: {days:#?}");
    }
});
