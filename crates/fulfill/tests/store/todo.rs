//! What waits for a person, and what is counted for pictures.

use fulfill_rules::{DAY, HOUR, order::ByHand, shipment::Shipment};

use crate::{Bench, bench::key, both, supply::open};

async fn waits(t: &Bench) -> Vec<String> {
    t.store.to_do().await.unwrap().orders.into_iter().map(|order| order.key.id).collect()
}

both!(what_waits_for_a_person_can_be_worked_to_empty, async |t| {
    open(t, &[("SHIRT", 1)]).await;
    t.pay("cs_test_a", &[("unheard of", 1)]).await;
    t.pay("cs_test_b", &[("course", 1)]).await;
    t.pay("cs_test_c", &[("shirt", 1)]).await;
    t.pay("cs_test_d", &[("editor", 2)]).await;
    assert_eq!(waits(t).await, ["cs_test_a", "cs_test_c", "cs_test_d"], "the oldest first");
    let counts = t.store.to_do_counts().await.unwrap();
    assert_eq!((counts.attention, counts.parcels, counts.stuck, counts.sum()), (2, 1, 0, 3));
    let list = t.store.to_do().await.unwrap();
    assert_eq!((list.pools[0].pool.as_str(), list.pools[0].waiting), ("editor", 2));
    assert!(list.shelves.is_empty(), "nobody waits for what is just sold out");

    t.store.by_hand(&key("cs_test_a"), ByHand::Waive, vec![], "Ann").await.unwrap();
    t.store.ship(&key("cs_test_c"), vec![], Shipment::default(), false, "Ann").await.unwrap();
    let keys: Vec<String> = (0..20).map(|n| format!("K-{n}")).collect();
    t.store.import_keys("editor", &keys).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
    let list = t.store.to_do().await.unwrap();
    assert!(list.orders.is_empty() && list.pools.is_empty(), "{list:#?}");
    assert_eq!(t.store.to_do_counts().await.unwrap().sum(), 0);
});

both!(orders_and_revenue_are_counted_by_day, async |t| {
    t.pay("cs_test_a", &[("course", 1)]).await;
    t.advance(DAY);
    t.pay("cs_test_b", &[("course", 1)]).await;
    t.pay("cs_test_c", &[("course", 1)]).await;
    let days = t.store.days(3, 2 * HOUR).await.unwrap();
    let orders: Vec<i64> = days.iter().map(|day| day.orders).collect();
    assert_eq!(orders, [0, 1, 2]);
    assert!(days.iter().all(|day| (day.begins_at + 2 * HOUR) % DAY == 0));
    let sum: i64 = days.iter().flat_map(|day| day.revenue.values()).sum();
    assert!(sum > 0, "{days:#?}");
    assert_eq!(t.store.days(1, 2 * HOUR).await.unwrap()[0].orders, 2);
    assert_eq!(t.store.spans(3).await.unwrap().counts.iter().sum::<i64>(), 3);
});
