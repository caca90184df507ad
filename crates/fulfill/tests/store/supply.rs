//! Stock and keys: never below zero, never twice, the oldest first.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fulfill::store::{Look, Ringer, Store};
use fulfill_rules::{order::Status, place::EffectKind};

use crate::{
    Bench,
    bench::{key, paid},
    both,
};

both!(opening_stock_is_taken_once_for_ever, async |t| {
    open(t, &[("SHIRT", 5)]).await;
    t.pay("cs_test_a", &[("shirt", 2)]).await;
    open(t, &[("SHIRT", 5)]).await;
    t.another().await.open_stock(&shelves(&[("SHIRT", 100)])).await.unwrap();
    assert_eq!(on_hand(t, "SHIRT").await, 3);
    open(t, &[("SHIRT", 5), ("SEAT", 7)]).await;
    assert_eq!((on_hand(t, "SHIRT").await, on_hand(t, "SEAT").await), (3, 7));
});

both!(two_replicas_that_open_the_same_shelves_at_once_open_them_once, async |t| {
    let other = t.another().await;
    let skus: BTreeMap<String, i64> = (0..20).map(|n| (format!("SKU{n}"), 3)).collect();
    let (a, b) = tokio::join!(t.store.open_stock(&skus), other.open_stock(&skus));
    a.unwrap();
    b.unwrap();
    assert_eq!(t.sql("SELECT CAST(SUM(on_hand) AS BIGINT) FROM shelf").await, 60);
    other.close().await;
});

both!(case_32_what_is_not_there_is_held_and_goes_out_when_it_comes, async |t| {
    open(t, &[("SHIRT", 1)]).await;
    assert_eq!(t.pay("cs_test_a", &[("shirt", 2)]).await.status, Some(Status::NeedsAttention));
    assert_eq!(on_hand(t, "SHIRT").await, 1, "all or nothing");
    let order = t.order("cs_test_a").await;
    assert!(order.effects.iter().all(fulfill_rules::place::Effect::is_held), "no parcel either");
    assert_eq!(t.store.add_stock("SHIRT", 4).await.unwrap(), 5);
    let moved = t.store.release(&t.shop).await.unwrap();
    assert_eq!(moved.len(), 1);
    assert!(moved[0].fulfilled);
    assert_eq!(t.order("cs_test_a").await.status, Status::Fulfilled);
    assert_eq!(on_hand(t, "SHIRT").await, 3);
    assert!(t.store.release(&t.shop).await.unwrap().is_empty(), "the release is over");
});

both!(case_32_backorders_go_out_and_new_stock_pays_them_first, async |t| {
    open(t, &[("POSTER", 1)]).await;
    let recorded = t.pay("cs_test_a", &[("poster", 4)]).await;
    assert!(recorded.fulfilled);
    assert_eq!((on_hand(t, "POSTER").await, backordered(t, "POSTER").await), (0, 3));
    assert_eq!(t.order("cs_test_a").await.effects[0].note.as_deref(), Some("3 on backorder"));
    assert_eq!(t.store.add_stock("POSTER", 2).await.unwrap(), 0);
    assert_eq!(backordered(t, "POSTER").await, 1);
    assert_eq!(t.store.add_stock("POSTER", 2).await.unwrap(), 1);
    assert_eq!(backordered(t, "POSTER").await, 0);
});

both!(a_shelf_that_was_never_opened_holds_the_line, async |t| {
    assert_eq!(t.pay("cs_test_a", &[("shirt", 1)]).await.status, Some(Status::NeedsAttention));
    assert_eq!(on_hand(t, "SHIRT").await, 0);
    open(t, &[("SHIRT", 1)]).await;
    assert_eq!(t.order("cs_test_a").await.status, Status::Fulfilled, "its opening releases it");
    assert_eq!(on_hand(t, "SHIRT").await, 0);
});

both!(case_32_the_last_unit_goes_to_exactly_one_of_a_hundred_buyers, async |t| {
    open(t, &[("SEAT", 1)]).await;
    buy_side_by_side(t, 100, &[("ticket", 1)]).await;
    let done = "SELECT COUNT(*) FROM orders WHERE status = 'fulfilled'";
    assert_eq!(t.sql(done).await, 1);
    let held = "SELECT COUNT(*) FROM orders WHERE status = 'needs_attention'";
    assert_eq!(t.sql(held).await, 99);
    assert_eq!(
        t.sql("SELECT COUNT(*) FROM effect WHERE kind = 'grant' AND status = 'done'").await,
        1
    );
    assert_eq!(on_hand(t, "SEAT").await, 0);
});

both!(stock_sold_side_by_side_adds_up, async |t| {
    open(t, &[("SEAT", 30), ("SHIRT", 25), ("POSTER", 10)]).await;
    buy_side_by_side(t, 40, &[("poster", 1), ("shirt", 1), ("ticket", 2)]).await;
    assert_eq!(on_hand(t, "SEAT").await, 0);
    assert_eq!(on_hand(t, "SHIRT").await, 0);
    assert_eq!((on_hand(t, "POSTER").await, backordered(t, "POSTER").await), (0, 30));
    let sold =
        "SELECT CAST(SUM(quantity) AS BIGINT) FROM effect WHERE kind = 'stock' AND status = 'done'";
    assert_eq!(t.sql(sold).await, 30 + 25 + 40);
});

both!(an_import_of_keys_can_be_run_again, async |t| {
    let keys = keys(0..1_200);
    let first = t.store.import_keys("editor", &keys).await.unwrap();
    assert_eq!((first.new, first.known, first.free), (1_200, 0, 1_200));
    let again = t.store.import_keys("editor", &keys).await.unwrap();
    assert_eq!((again.new, again.known, again.free), (0, 1_200, 1_200));
    let twins: Vec<String> = ["K-1", "NEW", "NEW"].map(str::to_owned).into();
    let third = t.store.import_keys("editor", &twins).await.unwrap();
    assert_eq!((third.new, third.known, third.free), (1, 1, 1_201));
    assert_eq!((again.repeated, third.repeated), (0, 1), "twice in one list is not in the pool");
});

both!(imports_side_by_side_take_every_key_once, async |t| {
    let other = t.another().await;
    let (some, more) = (keys(0..700), keys(300..1_000));
    let (a, b) =
        tokio::join!(t.store.import_keys("editor", &some), other.import_keys("editor", &more));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!((a.new + b.new, a.known + b.known), (1_000, 400));
    assert_eq!(t.sql("SELECT COUNT(*) FROM license_key").await, 1_000);
    assert_eq!(t.sql("SELECT COUNT(DISTINCT position) FROM license_key").await, 1_000);
    other.close().await;
});

both!(keys_go_out_in_the_order_of_their_import, async |t| {
    import(t, &["zebra", "apple", "mango"]).await;
    t.pay("cs_test_a", &[("editor", 2)]).await;
    t.pay("cs_test_b", &[("editor", 1)]).await;
    assert_eq!(keys_of(t, "cs_test_a").await, ["zebra", "apple"]);
    assert_eq!(keys_of(t, "cs_test_b").await, ["mango"]);
    import(t, &["zebra", "kiwi"]).await;
    t.pay("cs_test_c", &[("editor", 1)]).await;
    assert_eq!(keys_of(t, "cs_test_c").await, ["kiwi"], "a key that went out stays out");
});

both!(case_31_ten_bought_ten_keys_or_one_with_ten_seats, async |t| {
    t.store.import_keys("editor", &keys(0..11)).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
    t.pay("cs_test_a", &[("editor", 10)]).await;
    t.pay("cs_test_b", &[("team", 10)]).await;
    let all: BTreeSet<String> = keys_of(t, "cs_test_a").await.into_iter().collect();
    assert_eq!(all.len(), 10);
    let one = t.order("cs_test_b").await.effects;
    assert_eq!((one.len(), one[0].quantity), (1, 10));
    assert!(!all.contains(one[0].value.as_ref().unwrap()));
    assert_eq!(t.sql("SELECT COUNT(*) FROM license_key WHERE session IS NULL").await, 0);
});

both!(a_dry_pool_holds_all_keys_of_a_line_and_the_next_import_serves_the_oldest_first, async |t| {
    import(t, &["K-0"]).await;
    for (id, count) in [("cs_test_z", 2), ("cs_test_m", 1), ("cs_test_a", 1)] {
        let recorded = t.pay(id, &[("editor", count)]).await;
        let taken = if id == "cs_test_m" { Status::Fulfilled } else { Status::NeedsAttention };
        assert_eq!(recorded.status, Some(taken), "{id}");
    }
    assert_eq!(keys_of(t, "cs_test_z").await.len(), 0, "all or nothing");
    let moved = import(t, &["K-1"]).await;
    assert_eq!(moved, ["cs_test_a"], "the older line wants two, and one is there");
    let moved = import(t, &["K-2", "K-3", "K-4"]).await;
    assert_eq!(moved, ["cs_test_z"]);
    assert_eq!(keys_of(t, "cs_test_z").await, ["K-2", "K-3"]);
    assert_eq!(t.store.counts().await.unwrap().open_orders, []);
});

both!(the_oldest_of_many_waiting_orders_are_served_first, async |t| {
    for n in 0..50 {
        t.pay(&format!("cs_test_s{}", 99 - n), &[("editor", 1)]).await;
    }
    t.store.import_keys("editor", &keys(0..45)).await.unwrap();
    let moved = t.store.release(&t.shop).await.unwrap();
    assert_eq!(moved.iter().filter(|m| m.fulfilled).count(), 45);
    for n in 0..50 {
        let order = t.order(&format!("cs_test_s{}", 99 - n)).await;
        assert_eq!(order.status == Status::Fulfilled, n < 45, "order {n}");
    }
    assert_eq!(keys_of(t, "cs_test_s99").await, ["K-0"]);
});

both!(newcomers_wait_while_older_orders_are_being_served, async |t| {
    t.pay("cs_test_old", &[("editor", 1), ("shirt", 1)]).await;
    t.store.import_keys("editor", &["K".to_owned()]).await.unwrap();
    t.store.add_stock("SHIRT", 1).await.unwrap();
    let newcomer = t.pay("cs_test_new", &[("editor", 1), ("shirt", 1)]).await;
    assert_eq!(newcomer.status, Some(Status::NeedsAttention));
    t.store.release(&t.shop).await.unwrap();
    assert_eq!(t.order("cs_test_old").await.status, Status::Fulfilled);
    assert_eq!(t.order("cs_test_new").await.status, Status::NeedsAttention);
    assert_eq!(t.sql("SELECT COUNT(*) FROM key_pool WHERE releasing").await, 0);
    assert_eq!(t.sql("SELECT COUNT(*) FROM shelf WHERE releasing").await, 0);
});

both!(a_newcomer_that_waited_for_a_release_is_served_by_it, async |t| {
    t.pay("cs_test_old", &[("editor", 2)]).await;
    t.store.import_keys("editor", &keys(0..3)).await.unwrap();
    assert_eq!(t.pay("cs_test_new", &[("editor", 1)]).await.status, Some(Status::NeedsAttention));
    let moved = t.store.release(&t.shop).await.unwrap();
    assert_eq!(moved.iter().filter(|m| m.fulfilled).count(), 2);
    assert_eq!(keys_of(t, "cs_test_old").await, ["K-0", "K-1"]);
    assert_eq!(keys_of(t, "cs_test_new").await, ["K-2"]);
});

both!(where_nobody_waits_newcomers_are_served_before_any_release, async |t| {
    t.store.import_keys("editor", &keys(0..1)).await.unwrap();
    t.store.open_stock(&shelves(&[("SHIRT", 1)])).await.unwrap();
    t.store.add_stock("SEAT", 1).await.unwrap();
    assert!(t.pay("cs_test_a", &[("editor", 1), ("shirt", 1), ("ticket", 1)]).await.fulfilled);
    assert!(t.store.release(&t.shop).await.unwrap().is_empty());
});

both!(releases_side_by_side_with_sales_and_imports_draw_no_key_twice, async |t| {
    let other = t.another().await;
    let filling = async {
        for n in 0..6 {
            other.import_keys("editor", &keys(n * 10..n * 10 + 10)).await.unwrap();
            tokio::join!(async { other.release(&t.shop).await.unwrap() }, async {
                t.store.release(&t.shop).await.unwrap()
            });
        }
    };
    tokio::join!(filling, buy_side_by_side(t, 60, &[("editor", 1)]));
    t.store.release(&t.shop).await.unwrap();
    let drawn = "SELECT COUNT(DISTINCT value) FROM effect WHERE kind = 'key' AND status = 'done'";
    assert_eq!(t.sql(drawn).await, 60, "60 orders, 60 keys, each its own");
    assert_eq!(t.sql("SELECT COUNT(*) FROM license_key WHERE session IS NULL").await, 0);
    assert_eq!(t.sql("SELECT COUNT(*) FROM orders WHERE status = 'fulfilled'").await, 60);
    other.close().await;
});

both!(orders_side_by_side_draw_each_key_once, async |t| {
    t.store.import_keys("editor", &keys(0..70)).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
    buy_side_by_side(t, 50, &[("editor", 2)]).await;
    assert_eq!(t.sql("SELECT COUNT(*) FROM orders WHERE status = 'fulfilled'").await, 35);
    let drawn = "SELECT COUNT(DISTINCT value) FROM effect WHERE kind = 'key' AND status = 'done'";
    assert_eq!(t.sql(drawn).await, 70);
    let owned = "SELECT COUNT(*) FROM license_key k JOIN effect e ON e.session = k.session \
                 AND e.line = k.line AND e.unit = k.unit AND e.value = k.license_key";
    assert_eq!(t.sql(owned).await, 70, "pool and orders agree on who has which key");
});

both!(test_and_live_have_stock_and_keys_of_their_own, async |t| {
    let live = t.live().await;
    open(t, &[("SHIRT", 3)]).await;
    live.open_stock(&shelves(&[("SHIRT", 1)])).await.unwrap();
    import(t, &["SAME"]).await;
    live.import_keys("editor", &["SAME".to_owned()]).await.unwrap();
    live.release(&t.shop).await.unwrap();
    live.ring(&key("cs_live_a"), Ringer::Reconciler).await.unwrap();
    let claim = live.claim(1, 1).await.unwrap().remove(0);
    let looked = paid(&[("shirt", 1), ("editor", 1)]);
    let done = live.record(vec![Look { claim, looked }], &t.shop).await;
    assert_eq!(done[0].as_ref().unwrap().status, Some(Status::Fulfilled));
    assert_eq!(
        t.pay("cs_test_a", &[("shirt", 3), ("editor", 1)]).await.status,
        Some(Status::Fulfilled)
    );
    assert_eq!(t.sql("SELECT CAST(SUM(on_hand) AS BIGINT) FROM shelf").await, 0);
    let held = t.pay("cs_test_b", &[("shirt", 1)]).await;
    assert_eq!(held.status, Some(Status::NeedsAttention));
    live.add_stock("SHIRT", 5).await.unwrap();
    assert!(live.release(&t.shop).await.unwrap().is_empty(), "live stock serves no test order");
    assert_eq!(t.order("cs_test_b").await.status, Status::NeedsAttention);
    live.close().await;
});

/// As the service does at its start.
pub(crate) async fn open(t: &Bench, stock: &[(&str, i64)]) {
    t.store.open_stock(&shelves(stock)).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
}

fn shelves(stock: &[(&str, i64)]) -> BTreeMap<String, i64> {
    stock.iter().map(|(sku, amount)| ((*sku).to_owned(), *amount)).collect()
}

async fn on_hand(t: &Bench, sku: &str) -> i64 {
    t.sql(&format!("SELECT on_hand FROM shelf WHERE sku = '{sku}'")).await
}

async fn backordered(t: &Bench, sku: &str) -> i64 {
    t.sql(&format!("SELECT backordered FROM shelf WHERE sku = '{sku}'")).await
}

fn keys(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("K-{n}")).collect()
}

/// Imports keys and releases; returns the orders that were fulfilled by it.
async fn import(t: &Bench, keys: &[&str]) -> Vec<String> {
    let keys: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
    t.store.import_keys("editor", &keys).await.unwrap();
    let moved = t.store.release(&t.shop).await.unwrap();
    moved.into_iter().filter(|m| m.fulfilled).map(|m| m.key.id).collect()
}

/// The keys an order has, by unit.
async fn keys_of(t: &Bench, session: &str) -> Vec<String> {
    let effects = t.order(session).await.effects.into_iter();
    effects.filter(|e| e.kind == EffectKind::Key).filter_map(|e| e.value).collect()
}

/// `count` buyers of the same lines, looked at by four workers on two handles.
async fn buy_side_by_side(t: &Bench, count: usize, lines: &[(&str, i64)]) {
    let sessions: Vec<_> = (0..count).map(|n| key(&format!("cs_test_s{n}"))).collect();
    t.store.ring_all(&sessions, Ringer::Reconciler).await.unwrap();
    let other = t.another().await;
    let lines: Vec<(String, i64)> = lines.iter().map(|(p, q)| ((*p).to_owned(), *q)).collect();
    let tasks = [&t.store, &other, &t.store, &other].map(|store: &Store| {
        let (store, shop, lines) = (store.clone(), Arc::clone(&t.shop), lines.clone());
        tokio::spawn(async move {
            let lines: Vec<(&str, i64)> = lines.iter().map(|(p, q)| (p.as_str(), *q)).collect();
            let mut count = 0;
            loop {
                let claims = store.claim(5, 5).await.unwrap();
                if claims.is_empty() {
                    return count;
                }
                let looks = claims.into_iter().map(|claim| Look { claim, looked: paid(&lines) });
                for done in store.record(looks.collect(), &shop).await {
                    done.unwrap();
                    count += 1;
                }
            }
        })
    });
    let mut looked_at = 0;
    for task in tasks {
        looked_at += task.await.unwrap();
    }
    assert_eq!(looked_at, count);
    other.close().await;
}
