//! A day in numbers, and the promise that it is told once.

use fulfill::store::{DaySummary, LowPool, LowShelf, Sold, StuckSummary, SummaryClaim};
use fulfill_rules::{
    DAY, MINUTE,
    delivery::{DeliveryStatus, Next},
    plan::{Catalog, Product},
};

use serde_json::json;

use crate::both;

const SUNDAY: &str = "2026-11-01";

both!(of_all_replicas_one_tells_a_day, async |t| {
    let other = t.another().await;
    let first = t.store.claim_summary(SUNDAY).await.unwrap();
    assert_eq!(first, SummaryClaim::Ours { day: SUNDAY.into(), attempt: 1, unheard_of: false });
    let until = t.clock.now() + MINUTE;
    assert_eq!(other.claim_summary(SUNDAY).await.unwrap(), SummaryClaim::Later(until));
    let again_at = t.clock.now() + DAY;
    let later =
        Next { status: DeliveryStatus::Due, due_at: Some(again_at), said: Some("450".into()) };
    assert!(t.store.finish_summary(SUNDAY, 1, &later).await.unwrap());
    assert_eq!(other.claim_summary(SUNDAY).await.unwrap(), SummaryClaim::Later(again_at));
    t.advance(DAY);
    let second = other.claim_summary(SUNDAY).await.unwrap();
    assert_eq!(second, SummaryClaim::Ours { day: SUNDAY.into(), attempt: 2, unheard_of: false });
    // Who was asleep for too long writes nothing over it.
    let done = Next { status: DeliveryStatus::Done, due_at: None, said: None };
    assert!(!t.store.finish_summary(SUNDAY, 1, &done).await.unwrap());
    t.advance(MINUTE);
    let third = t.store.claim_summary(SUNDAY).await.unwrap();
    assert_eq!(third, SummaryClaim::Ours { day: SUNDAY.into(), attempt: 3, unheard_of: true });
    assert!(t.store.finish_summary(SUNDAY, 3, &done).await.unwrap());
    t.advance(DAY);
    assert_eq!(other.claim_summary(SUNDAY).await.unwrap(), SummaryClaim::Over);
    let live = t.live().await.claim_summary(SUNDAY).await.unwrap();
    assert_eq!(
        live,
        SummaryClaim::Ours { day: SUNDAY.into(), attempt: 1, unheard_of: false },
        "each mode has its own"
    );
});

both!(a_day_that_waits_is_told_before_the_one_after_it, async |t| {
    const MONDAY: &str = "2026-11-02";
    let ours =
        |day: &str, attempt| SummaryClaim::Ours { day: day.into(), attempt, unheard_of: false };
    assert_eq!(t.store.claim_summary(SUNDAY).await.unwrap(), ours(SUNDAY, 1));
    let again_at = t.clock.now() + DAY;
    let later =
        Next { status: DeliveryStatus::Due, due_at: Some(again_at), said: Some("450".into()) };
    assert!(t.store.finish_summary(SUNDAY, 1, &later).await.unwrap());
    assert_eq!(t.store.claim_summary(MONDAY).await.unwrap(), ours(MONDAY, 1), "it is not held up");
    let done = Next { status: DeliveryStatus::Done, due_at: None, said: None };
    assert!(t.store.finish_summary(MONDAY, 1, &done).await.unwrap());
    assert_eq!(t.store.claim_summary(MONDAY).await.unwrap(), SummaryClaim::Later(again_at));
    t.advance(DAY);
    assert_eq!(t.store.claim_summary(MONDAY).await.unwrap(), ours(SUNDAY, 2));
});

both!(a_day_that_is_stuck_waits_for_a_person_who_has_it_told_or_not, async |t| {
    let claim = async || t.store.claim_summary(SUNDAY).await.unwrap();
    let first = SummaryClaim::Ours { day: SUNDAY.into(), attempt: 1, unheard_of: false };
    let stuck = Next { status: DeliveryStatus::Stuck, due_at: None, said: Some("550 no".into()) };
    assert_eq!(claim().await, first);
    assert!(!t.store.retry_summary(SUNDAY).await.unwrap(), "it is under way");
    assert!(t.store.finish_summary(SUNDAY, 1, &stuck).await.unwrap());
    assert_eq!(claim().await, SummaryClaim::Over);
    let waits = t.store.to_do(&[]).await.unwrap().summaries;
    let shown = StuckSummary { day: SUNDAY.into(), attempt: 1, said: Some("550 no".into()) };
    assert_eq!(waits, [shown]);
    let counts = t.store.to_do_counts(&[]).await.unwrap();
    assert_eq!((counts.summaries, counts.sum()), (1, 1));
    let live = t.live().await;
    assert!(
        !live.retry_summary(SUNDAY).await.unwrap() && !live.dismiss_summary(SUNDAY).await.unwrap()
    );
    assert!(live.to_do(&[]).await.unwrap().summaries.is_empty());

    assert!(t.store.retry_summary(SUNDAY).await.unwrap());
    assert_eq!(t.store.to_do_counts(&[]).await.unwrap().sum(), 0);
    assert_eq!(claim().await, first, "attempts are counted anew");
    assert!(t.store.finish_summary(SUNDAY, 1, &stuck).await.unwrap());
    assert!(t.store.dismiss_summary(SUNDAY).await.unwrap());
    assert!(!t.store.dismiss_summary(SUNDAY).await.unwrap(), "once");
    assert_eq!(claim().await, SummaryClaim::Over);
    assert!(t.store.to_do(&[]).await.unwrap().summaries.is_empty());
});

both!(many_that_claim_at_once_are_one, async |t| {
    let claims = (0..8).map(|_| {
        let store = t.store.clone();
        tokio::spawn(async move { store.claim_summary(SUNDAY).await.unwrap() })
    });
    let mut ours = 0;
    for claim in claims.collect::<Vec<_>>() {
        ours += usize::from(matches!(claim.await.unwrap(), SummaryClaim::Ours { .. }));
    }
    assert_eq!(ours, 1);
});

both!(a_day_holds_what_was_placed_in_it_and_what_waits_now, async |t| {
    let catalog = catalog(&["plenty", "few"], &["SHIRT", "MUG"]);
    assert!(t.store.day_summary(0, i64::MAX, &catalog).await.unwrap().is_empty());
    for (session, livemode, at, currency, amount) in [
        (1, false, 99, "'eur'", 100),
        (2, false, 100, "'eur'", 2_000),
        (3, false, 150, "'eur'", 500),
        (4, false, 199, "'jpy'", 500),
        (5, false, 200, "'eur'", 9_000),
        (6, true, 150, "'eur'", 70),
        (7, false, 150, "NULL", 0),
    ] {
        t.sql(&format!(
            "INSERT INTO digest (session, livemode, placed_at, currency, amount, haystack) \
             VALUES ({session}, {livemode}, {at}, {currency}, {amount}, '')"
        ))
        .await;
    }
    t.store.add_stock("SHIRT", 6).await.unwrap();
    t.store.add_stock("MUG", 5).await.unwrap();
    let keys = |n: usize| (0..n).map(|n| format!("KEY-{n}")).collect::<Vec<_>>();
    t.store.import_keys("plenty", &keys(10)).await.unwrap();
    t.store.import_keys("few", &keys(9)).await.unwrap();
    let day: DaySummary = t.store.day_summary(100, 200, &catalog).await.unwrap();
    let mut sold = day.sold.clone();
    sold.sort_by_key(|sold| sold.currency.clone());
    let of = |currency: Option<&str>, orders, amount| Sold {
        currency: currency.map(str::to_owned),
        orders,
        amount,
    };
    assert_eq!(sold, [of(None, 1, 0), of(Some("eur"), 2, 2_500), of(Some("jpy"), 1, 500)]);
    assert_eq!(day.pools, [LowPool { pool: "few".into(), free: 9 }]);
    assert_eq!(day.shelves, [LowShelf { sku: "MUG".into(), on_hand: 5, backordered: 0 }]);
    assert_eq!((day.need_attention, day.stuck, day.to_ship), (0, 0, 0));
});

/// A shop that draws from these.
fn catalog(pools: &[&str], skus: &[&str]) -> Catalog {
    let key = |pool: &&str| json!({ "id": format!("prod_{pool}"), "key": { "pool": pool } });
    let stock = |sku: &&str| json!({ "id": format!("prod_{sku}"), "stock": { "sku": sku } });
    let products = pools.iter().map(key).chain(skus.iter().map(stock));
    let products = products.map(|product| serde_json::from_value::<Product>(product).unwrap());
    Catalog::new(products.collect()).unwrap()
}

both!(a_day_tells_of_no_pool_and_no_shelf_that_nothing_takes_from, async |t| {
    let low = async |catalog: &Catalog, days_later: i64| {
        let until = t.clock.now() + days_later * DAY;
        let day = t.store.day_summary(until - DAY, until, catalog).await.unwrap();
        let pools = day.pools.into_iter().map(|low| low.pool);
        pools.chain(day.shelves.into_iter().map(|low| low.sku)).collect::<Vec<_>>()
    };
    let nothing = catalog(&[], &[]);
    for name in ["editor", "slip"] {
        t.store.import_keys(name, &["K-1".to_owned(), "K-2".to_owned()]).await.unwrap();
    }
    t.store.add_stock("SHIRT", 3).await.unwrap();
    t.store.add_stock("SLIP", 3).await.unwrap();
    assert!(low(&nothing, 0).await.is_empty());
    assert_eq!(low(&catalog(&["slip"], &["SLIP"]), 0).await, ["slip", "SLIP"], "the catalog does");
    t.pay("cs_test_a", &[("editor", 1)]).await;
    t.pay("cs_test_b", &[("shirt", 1)]).await;
    assert_eq!(low(&nothing, 1).await, ["editor", "SHIRT"], "orders did, lately");
    assert!(low(&nothing, 31).await.is_empty(), "and long ago");
    t.pay("cs_test_c", &[("editor", 9)]).await;
    t.pay("cs_test_d", &[("shirt", 9)]).await;
    assert_eq!(low(&nothing, 31).await, ["editor", "SHIRT"], "orders wait for them");
});
