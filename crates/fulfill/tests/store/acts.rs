//! What people do to orders and shelves: told with who did it, and nothing else moves.

use std::time::Duration;

use fulfill::store::{MailsAgain, NotNoted, NotResent, OrdersQuery, StockChange};
use fulfill_rules::{HOUR, MINUTE, notice, order::Status, shipment::Shipment};

use crate::{Bench, bench::key, both, supply::open};

fn post() -> Shipment {
    Shipment::new(Some("Post"), Some("RR-77"), Some("https://post.example/RR-77")).unwrap()
}

async fn told(t: &Bench, id: &str) -> Vec<(String, Option<String>)> {
    t.order(id).await.timeline.into_iter().map(|told| (told.what, told.who)).collect()
}

both!(a_parcel_leaves_once_and_the_buyer_is_told, async |t| {
    open(t, &[("SHIRT", 5)]).await;
    t.pay("cs_test_a", &[("shirt", 1)]).await;
    let shipped = t.store.ship(&key("cs_test_a"), vec![], post(), true, "Ann").await.unwrap();
    assert!(shipped.unwrap().unwrap().deliveries, "the mail is due");
    let order = t.order("cs_test_a").await;
    let parcel = order.effects.iter().find(|e| e.url.is_some()).unwrap();
    assert_eq!((parcel.subject.as_str(), parcel.value.as_deref()), ("Post", Some("RR-77")));
    assert_eq!(order.status, Status::Fulfilled);
    let mails = order.deliveries.iter().filter(|d| d.kind == notice::SHIPPED);
    assert_eq!(mails.count(), 1);
    let last = told(t, "cs_test_a").await.pop().unwrap();
    assert_eq!(last.1.as_deref(), Some("Ann"));
    assert!(last.0.starts_with("shipped by Ann") && last.0.ends_with("(Post, RR-77)"), "{last:?}");

    let again = t.store.ship(&key("cs_test_a"), vec![], post(), true, "Ann").await.unwrap();
    assert!(again.unwrap().unwrap().told.is_empty(), "the same once more changes nothing");
    assert_eq!(told(t, "cs_test_a").await.pop().unwrap(), last);
    let other = Shipment::new(Some("Post"), Some("RR-78"), None).unwrap();
    let again = t.store.ship(&key("cs_test_a"), vec![], other, true, "Ann").await.unwrap();
    assert!(again.unwrap().is_err(), "nothing is left to send");
    let found = OrdersQuery { q: Some("rr-77".into()), limit: 5, ..OrdersQuery::default() };
    assert_eq!(t.store.orders(found).await.unwrap().orders.len(), 1, "by its tracking number");
    assert!(t.store.ship(&key("cs_test_z"), vec![], post(), true, "Ann").await.unwrap().is_none());
});

both!(orders_with_parcels_to_pack_are_found, async |t| {
    open(t, &[("SHIRT", 5)]).await;
    t.pay("cs_test_a", &[("shirt", 1)]).await;
    t.pay("cs_test_b", &[("course", 1)]).await;
    let to_ship = || OrdersQuery { to_ship: true, limit: 5, ..OrdersQuery::default() };
    assert_eq!(t.store.orders(to_ship()).await.unwrap().orders.len(), 1);
    t.store.ship(&key("cs_test_a"), vec![], post(), false, "Ann").await.unwrap();
    assert!(t.store.orders(to_ship()).await.unwrap().orders.is_empty());
});

both!(a_note_is_told_and_changes_nothing, async |t| {
    t.pay("cs_test_a", &[("course", 1)]).await;
    let before = t.order("cs_test_a").await;
    let noted = t.store.add_note(&key("cs_test_a"), " called him <b>\n", "Ann").await.unwrap();
    assert_eq!(noted, Some(Ok(())));
    let after = t.order("cs_test_a").await;
    assert_eq!((after.status, after.effects), (before.status, before.effects));
    let last = told(t, "cs_test_a").await.pop().unwrap();
    assert_eq!(last, ("note by Ann: called him <b>".to_owned(), Some("Ann".to_owned())));
    let nobody = t.store.add_note(&key("cs_test_z"), "x", "Ann").await.unwrap();
    assert_eq!(nobody, None);
    let empty = t.store.add_note(&key("cs_test_a"), " \n", "Ann").await.unwrap();
    assert_eq!(empty, Some(Err(NotNoted)));
});

both!(a_mail_is_sent_again_when_a_person_says_so, async |t| {
    t.pay("cs_test_a", &[("course", 1)]).await;
    let kinds = [notice::RECEIPT];
    let first = t.store.claim_deliveries(&kinds, 5).await.unwrap().remove(0);
    let resend =
        async |mail: &str| t.store.resend(&key("cs_test_a"), mail, "Ann").await.unwrap().unwrap();
    assert_eq!(resend(notice::RECEIPT).await, Err(NotResent::Running(notice::RECEIPT.into())));
    let done = fulfill_rules::delivery::Next {
        status: fulfill_rules::delivery::DeliveryStatus::Done,
        due_at: None,
        said: None,
    };
    t.store.finish_delivery(&first.id, first.attempt, &done).await.unwrap().unwrap();
    assert_eq!(resend(notice::RECEIPT).await, Ok(()));
    let again = t.store.claim_deliveries(&kinds, 5).await.unwrap().remove(0);
    assert_eq!((first.resent, again.resent), (0, 1), "it leaves under another key");
    assert!(matches!(resend(notice::SHIPPED).await, Err(NotResent::Never(_))));
    assert!(matches!(resend("mail.new_order").await, Err(NotResent::Unknown(_))));
});

both!(a_buyer_has_mails_sent_again_three_times_an_hour, async |t| {
    t.pay("cs_test_a", &[("course", 1)]).await;
    t.store.claim_deliveries(&[notice::RECEIPT], 5).await.unwrap().remove(0);
    let again = async |id| t.store.mails_again(&key(id)).await.unwrap();
    assert_eq!(again("cs_test_a").await, MailsAgain::NoneSent, "one is being sent right now");
    t.pay("cs_test_b", &[("course", 1)]).await;
    for _ in 0..3 {
        assert_eq!(again("cs_test_b").await, MailsAgain::Due);
        t.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(again("cs_test_b").await, MailsAgain::Later(HOUR - 3 * MINUTE));
    t.clock.advance(Duration::from_secs(57 * 60));
    assert_eq!(again("cs_test_b").await, MailsAgain::Due);
    assert_eq!(again("cs_test_b").await, MailsAgain::Later(MINUTE));
    let last = told(t, "cs_test_b").await.pop().unwrap();
    assert_eq!(last.1.as_deref(), Some("the buyer"), "{last:?}");
    assert_eq!(again("cs_test_z").await, MailsAgain::NoneSent);
});

both!(every_change_of_a_shelf_is_a_movement, async |t| {
    open(t, &[("SHIRT", 5)]).await;
    t.pay("cs_test_a", &[("shirt", 2)]).await;
    t.store.change_stock("SHIRT", StockChange::To(10), Some("Ann"), Some("counted")).await.unwrap();
    t.store.change_stock("SHIRT", StockChange::By(-99), Some("Ann"), None).await.unwrap();
    let moved = t.store.movements(Some("SHIRT"), None, 10).await.unwrap();
    let short: Vec<_> = moved.iter().map(|m| (m.change, m.on_hand, m.who.as_deref())).collect();
    let ann = Some("Ann");
    assert_eq!(short, [(-10, 0, ann), (7, 10, ann), (-2, 3, None), (5, 5, None)]);
    assert_eq!(moved[2].session_id.as_deref(), Some("cs_test_a"));
    assert_eq!(moved[1].why.as_deref(), Some("counted"));
    let older = t.store.movements(None, Some(moved[1].seq), 1).await.unwrap();
    assert_eq!(older, moved[2..3]);
});

both!(
    where_nothing_changed_there_is_no_movement_and_who_insists_is_told_what_is_there,
    async |t| {
        open(t, &[("SHIRT", 5)]).await;
        let by = StockChange::By;
        let taken =
            async |n| t.store.correct_stock("SHIRT", by(n), Some("Ann"), None).await.unwrap();
        assert_eq!(taken(-6).await, Err(5));
        assert_eq!(taken(-5).await, Ok(0));
        assert_eq!(taken(-1).await, Err(0));
        let none = t.store.correct_stock("NEVER SEEN", by(-1), Some("Ann"), None).await.unwrap();
        assert_eq!(none, Err(0));
        assert_eq!(t.store.change_stock("SHIRT", by(-5), Some("Ann"), None).await.unwrap(), 0);
        assert_eq!(t.store.change_stock("SHIRT", StockChange::To(0), None, None).await.unwrap(), 0);
        let moved = t.store.movements(None, None, 10).await.unwrap();
        let changes: Vec<_> = moved.iter().map(|m| (m.sku.as_str(), m.change)).collect();
        assert_eq!(changes, [("SHIRT", -5), ("SHIRT", 5)]);
        let known = t.store.shelves().await.unwrap();
        assert!(known.iter().all(|shelf| shelf.sku != "NEVER SEEN"), "{known:?}");
    }
);

both!(a_batch_of_orders_leaves_one_movement_each, async |t| {
    open(t, &[("POSTER", 3)]).await;
    t.pay("cs_test_a", &[("poster", 2), ("poster", 2)]).await;
    let moved = t.store.movements(None, None, 10).await.unwrap();
    let short: Vec<_> = moved.iter().map(|m| (m.change, m.on_hand, m.backordered)).collect();
    assert_eq!(short, [(-2, 0, 1), (-2, 1, 0), (3, 3, 0)]);
});

both!(shelves_and_pools_are_listed_with_what_waits, async |t| {
    t.pay("cs_test_a", &[("shirt", 2)]).await;
    t.pay("cs_test_b", &[("editor", 3)]).await;
    t.store.import_keys("editor", &["A", "B"]).await.unwrap();
    let shelf = t.store.shelves().await.unwrap().remove(0);
    assert_eq!((shelf.sku.as_str(), shelf.on_hand, shelf.waiting), ("SHIRT", 0, 1));
    let pool = t.store.pools().await.unwrap().remove(0);
    assert_eq!((pool.pool.as_str(), pool.free, pool.drawn, pool.waiting), ("editor", 2, 0, 3));
});

both!(a_corrected_tracking_number_is_the_parcels_and_queues_no_other_mail, async |t| {
    open(t, &[("SHIRT", 5)]).await;
    t.pay("cs_test_a", &[("shirt", 1), ("shirt", 2)]).await;
    let ship = async |tracking: &str| {
        let shipment = Shipment::new(Some("Post"), Some(tracking), None).unwrap();
        let line = vec!["li_1".to_owned()];
        t.store.ship(&key("cs_test_a"), line, shipment, true, "Ann").await.unwrap();
    };
    let told = async |tracking: &str| {
        t.sql(&format!(
            "SELECT COUNT(*) FROM delivery WHERE kind = 'mail.shipped' \
             AND input LIKE '%\"lines\":\"li_1\"%' AND input LIKE '%{tracking}%'"
        ))
        .await
    };
    ship("RR-1").await;
    assert_eq!(told("RR-1").await, 1);
    ship("RR-2").await;
    assert_eq!((told("RR-1").await, told("RR-2").await), (1, 0), "as it was queued");
    let known = "SELECT COUNT(*) FROM effect WHERE kind = 'parcel' AND value = ";
    let known = async |number: &str| t.sql(&format!("{known}'{number}'")).await;
    assert_eq!((known("RR-1").await, known("RR-2").await), (0, 1), "which is what a mail tells");
});
