//! What people settle by hand.

use fulfill_rules::{
    fact::Fact,
    order::{ByHand, Status},
    place::{EffectKind, EffectStatus},
};

use crate::{
    bench::{found, key, sale},
    both,
};

both!(a_held_line_is_settled_by_hand_and_the_rest_waits, async |t| {
    t.pay("cs_test_a", &[("handmade", 1), ("unheard of", 2), ("course", 1)]).await;
    let id = key("cs_test_a");
    let moved =
        t.store.by_hand(&id, ByHand::Fulfill, vec!["li_0".into()], "ann").await.unwrap().unwrap();
    assert_eq!((moved.status, moved.fulfilled), (Some(Status::NeedsAttention), false));
    let order = t.order("cs_test_a").await;
    let by_line = |line: &str| order.effects.iter().find(|e| e.line == line).unwrap();
    assert_eq!(by_line("li_0").status, EffectStatus::Done);
    assert_eq!(by_line("li_0").note.as_deref(), Some("fulfilled by hand by ann"));
    assert_eq!(by_line("li_1").status, EffectStatus::Held);
    assert_eq!(order.reason.as_deref(), Some("line li_1 is not in the catalog"));

    let moved = t.store.by_hand(&id, ByHand::Waive, Vec::new(), "bob").await.unwrap().unwrap();
    assert!(moved.fulfilled);
    let order = t.order("cs_test_a").await;
    assert_eq!(order.status, Status::Fulfilled);
    assert!(order.timeline.iter().any(|t| t.what == "fulfilled by hand by ann: li_0"));
    assert!(order.timeline.iter().any(|t| t.what == "waived by bob: everything that was held"));
});

both!(settling_by_hand_twice_changes_nothing_more, async |t| {
    t.pay("cs_test_a", &[("handmade", 1)]).await;
    let id = key("cs_test_a");
    t.store.by_hand(&id, ByHand::Waive, Vec::new(), "ann").await.unwrap().unwrap();
    let before = t.order("cs_test_a").await;
    for lines in [vec![], vec!["li_0".to_owned()], vec!["li_9".to_owned()]] {
        let again = t.store.by_hand(&id, ByHand::Fulfill, lines, "bob").await.unwrap().unwrap();
        assert!(!again.fulfilled && again.told.is_empty(), "{:?}", again.told);
    }
    let after = t.order("cs_test_a").await;
    assert_eq!((after.effects, after.timeline), (before.effects, before.timeline));
});

both!(nothing_is_settled_by_hand_before_it_is_paid, async |t| {
    let waiting = found(Fact::Waiting("processing".into()), sale(&[("course", 1)]));
    t.look("cs_test_a", waiting).await;
    for act in [ByHand::Fulfill, ByHand::Waive] {
        let moved = t.store.by_hand(&key("cs_test_a"), act, Vec::new(), "ann").await.unwrap();
        assert_eq!(moved.unwrap().status, Some(Status::AwaitingPayment));
    }
    let order = t.order("cs_test_a").await;
    assert_eq!(
        (order.status, order.reason.as_deref()),
        (Status::AwaitingPayment, Some("processing"))
    );
    assert_eq!(order.timeline.len(), 1);
});

both!(there_is_nothing_to_settle_where_there_is_no_order, async |t| {
    let nothing = t.store.by_hand(&key("cs_test_a"), ByHand::Waive, Vec::new(), "ann").await;
    assert!(nothing.unwrap().is_none());
    t.ring("cs_test_a").await;
    let nothing = t.store.by_hand(&key("cs_test_a"), ByHand::Waive, Vec::new(), "ann").await;
    assert!(nothing.unwrap().is_none());
});

both!(a_waived_line_takes_nothing_when_its_stock_arrives, async |t| {
    t.pay("cs_test_a", &[("shirt", 1), ("editor", 1)]).await;
    t.store.by_hand(&key("cs_test_a"), ByHand::Waive, Vec::new(), "ann").await.unwrap();
    t.store.add_stock("SHIRT", 1).await.unwrap();
    t.store.import_keys("editor", &["K".to_owned()]).await.unwrap();
    assert!(t.store.release(&t.shop).await.unwrap().is_empty());
    assert_eq!(t.sql("SELECT on_hand FROM shelf WHERE sku = 'SHIRT'").await, 1);
    assert_eq!(t.sql("SELECT COUNT(*) FROM license_key WHERE session IS NULL").await, 1);
    let order = t.order("cs_test_a").await;
    let key = order.effects.iter().find(|e| e.kind == EffectKind::Key).unwrap();
    assert_eq!((key.status, &key.value), (EffectStatus::Done, &None));
});

both!(one_pair_of_hands_is_enough, async |t| {
    t.pay("cs_test_a", &[("handmade", 1)]).await;
    let (other, id) = (t.another().await, key("cs_test_a"));
    let (a, b) = tokio::join!(
        t.store.by_hand(&id, ByHand::Fulfill, Vec::new(), "ann"),
        other.by_hand(&id, ByHand::Fulfill, Vec::new(), "bob")
    );
    let fulfilled = [a, b].into_iter().filter(|r| r.as_ref().unwrap().as_ref().unwrap().fulfilled);
    assert_eq!(fulfilled.count(), 1);
    let order = t.order("cs_test_a").await;
    let by = order.timeline.iter().filter(|told| told.what.contains("by hand")).count();
    assert_eq!(by, 2, "{:?}", order.timeline);
    other.close().await;
});
