//! Questions and their answers.

use fulfill::store::{GrantsOf, Look, Looked, OrdersQuery, Ringer};
use fulfill_rules::{
    DAY,
    fact::{Customer, Fact, Sale},
    order::{ByHand, Status},
    shipment::Shipment,
};

use crate::{
    Bench,
    bench::{found, key, sale},
    both,
};

both!(nothing_is_known_of_a_session_nobody_rang, async |t| {
    assert!(t.store.session_view(&key("cs_test_a")).await.unwrap().is_none());
    assert!(t.store.raw_session(&key("cs_test_a")).await.unwrap().is_none());
    assert_eq!(t.store.seen(1).await.unwrap(), None);
    assert!(ids(t, OrdersQuery::default()).await.is_empty());
});

both!(whoever_waits_for_a_look_sees_when_it_is_over, async |t| {
    let bell = t.store.ring(&key("cs_test_a"), Ringer::Visitor).await.unwrap();
    assert_eq!(t.store.seen(bell.session).await.unwrap(), Some(0));
    let claim = t.claim().await;
    let looked = found(Fact::Paid, sale(&[("course", 1)]));
    t.record(Look { claim, looked }).await;
    assert_eq!(t.store.seen(bell.session).await.unwrap(), Some(bell.rung));
});

both!(orders_are_listed_newest_first_and_by_pages, async |t| {
    for n in 0..7 {
        t.pay(&format!("cs_test_s{n}"), &[("course", 1)]).await;
    }
    let page = |after: Option<&str>| OrdersQuery {
        limit: 3,
        after: after.map(str::to_owned),
        ..OrdersQuery::default()
    };
    let first = t.store.orders(page(None)).await.unwrap();
    assert!(first.has_more);
    assert_eq!(names(&first), ["cs_test_s6", "cs_test_s5", "cs_test_s4"]);
    let second = t.store.orders(page(Some("cs_test_s4"))).await.unwrap();
    assert!(second.has_more);
    assert_eq!(names(&second), ["cs_test_s3", "cs_test_s2", "cs_test_s1"]);
    let last = t.store.orders(page(Some("cs_test_s1"))).await.unwrap();
    assert!(!last.has_more);
    assert_eq!(names(&last), ["cs_test_s0"]);
    let exact = t.store.orders(page(Some("cs_test_s3"))).await.unwrap();
    assert!(!exact.has_more, "a full page may be the last one");
    assert!(ids(t, page(Some("cs_test_unheard"))).await.is_empty());
    let widest = OrdersQuery { limit: i64::MAX, ..OrdersQuery::default() };
    assert_eq!(ids(t, widest).await.len(), 7);
    let narrowest = OrdersQuery { limit: -5, ..OrdersQuery::default() };
    assert_eq!(ids(t, narrowest).await.len(), 1);
});

both!(a_page_of_orders_shows_each_with_its_own_parts, async |t| {
    t.receive("evt_1", "cs_test_a").await;
    t.pay("cs_test_a", &[("course", 1)]).await;
    t.pay("cs_test_b", &[("handmade", 1), ("invite", 1)]).await;
    let page = t.store.orders(OrdersQuery { limit: 10, ..OrdersQuery::default() }).await.unwrap();
    for listed in page.orders {
        let alone = t.order(&listed.key.id).await;
        assert_eq!(listed.effects, alone.effects);
        assert_eq!(listed.timeline, alone.timeline);
        assert_eq!(listed.events, alone.events);
        assert_eq!(listed.deliveries.len(), alone.deliveries.len());
        assert_eq!(listed.events.len(), usize::from(listed.key.id == "cs_test_a"));
    }
});

both!(orders_are_listed_by_status, async |t| {
    t.pay("cs_test_a", &[("course", 1)]).await;
    t.pay("cs_test_b", &[("handmade", 1)]).await;
    t.pay("cs_test_c", &[("invite", 1)]).await;
    t.look("cs_test_d", found(Fact::Waiting("w".into()), sale(&[]))).await;
    t.look("cs_test_e", found(Fact::Failed("f".into()), sale(&[]))).await;
    t.look("cs_test_f", found(Fact::NotFulfillable("n".into()), sale(&[]))).await;
    for (status, id) in [
        (Status::Fulfilled, "cs_test_a"),
        (Status::NeedsAttention, "cs_test_b"),
        (Status::Preparing, "cs_test_c"),
        (Status::AwaitingPayment, "cs_test_d"),
        (Status::PaymentFailed, "cs_test_e"),
        (Status::NotFulfillable, "cs_test_f"),
    ] {
        let query = OrdersQuery { status: Some(status), limit: 10, ..OrdersQuery::default() };
        assert_eq!(ids(t, query).await, [id]);
    }
    let counts = t.store.counts().await.unwrap();
    assert_eq!(counts.open_orders.len(), 5, "{:?}", counts.open_orders);
    assert!(counts.open_orders.contains(&("preparing".to_owned(), 1)));
});

both!(an_order_is_found_by_what_a_person_has_in_hand, async |t| {
    t.store.import_keys("editor", &["AAAA-1111".to_owned(), "free".to_owned()]).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
    pay_as(t, "cs_test_a", "Zoë@Example.COM", "Zoë 100% O'Hara", &[("editor", 1)]).await;
    pay_as(t, "cs_test_b", "bob@example.com", "Bob_by \\ Tables", &[("course", 1)]).await;
    pay_as(t, "cs_test_c", "carl@example.com", "Bobby 1000 ÅNGSTRÖM", &[("course", 1)]).await;
    for (q, found) in [
        ("cs_test_a", &["cs_test_a"][..]),
        ("cs_test_", &["cs_test_c", "cs_test_b", "cs_test_a"]),
        ("zoë@example.com", &["cs_test_a"]),
        (" ZOË@EXAMPLE.COM ", &["cs_test_a"]),
        ("@example.com", &["cs_test_c", "cs_test_b", "cs_test_a"]),
        ("AAAA-1111", &["cs_test_a"]),
        ("free", &[]),
        ("100%", &["cs_test_a"]),
        ("bob_by", &["cs_test_b"]),
        ("\\", &["cs_test_b"]),
        ("o'hara", &["cs_test_a"]),
        ("BOB", &["cs_test_c", "cs_test_b"]),
        ("zoë", &["cs_test_a"]),
        ("ångström", &["cs_test_c"]),
        ("ÅNGSTRÖM", &["cs_test_c"]),
        ("cus_bob@example.com", &[]),
        ("ref-zoë@example.com", &[]),
        ("ref-1", &["cs_test_c", "cs_test_b", "cs_test_a"]),
        ("%", &["cs_test_a"]),
        ("b_b", &["cs_test_b"]),
        ("", &["cs_test_c", "cs_test_b", "cs_test_a"]),
        ("'; DROP TABLE orders; --", &[]),
    ] {
        let query = OrdersQuery { q: Some(q.to_owned()), limit: 10, ..OrdersQuery::default() };
        assert_eq!(ids(t, query).await, found, "{q:?}");
    }
    let both = OrdersQuery {
        q: Some("bob".into()),
        status: Some(Status::Fulfilled),
        after: Some("cs_test_c".into()),
        limit: 10,
        ..OrdersQuery::default()
    };
    assert_eq!(ids(t, both).await, ["cs_test_b"], "all conditions hold together");
});

both!(ids_and_keys_are_found_by_how_they_begin, async |t| {
    let keys = ["EDIT-AAAA-1", "EDIT-AAAB-2", "EDIT-é-3", "Édit~"].map(str::to_owned);
    t.store.import_keys("editor", &keys).await.unwrap();
    for session in ["cs_test_a1", "cs_test_a2", "cs_test_b1", "cs_test_b2"] {
        t.pay(session, &[("editor", 1)]).await;
    }
    t.store.import_keys("editor", &["FREE-1".to_owned()]).await.unwrap();
    for (q, found) in [
        ("cs_test_a", &["cs_test_a2", "cs_test_a1"][..]),
        ("cs_test_a1", &["cs_test_a1"]),
        ("cs_test_", &["cs_test_b2", "cs_test_b1", "cs_test_a2", "cs_test_a1"]),
        ("cs_test_c", &[]),
        ("cs_", &[]),
        ("EDIT-AAA", &["cs_test_a2", "cs_test_a1"]),
        ("edit-aaab", &["cs_test_a2"]),
        ("EDIT", &["cs_test_b1", "cs_test_a2", "cs_test_a1"]),
        ("EDI", &[]),
        ("Édit", &["cs_test_b2"]),
        ("FREE", &[]),
        ("EDIT-AAAC", &[]),
    ] {
        let query = |status| OrdersQuery {
            q: Some(q.to_owned()),
            limit: 10,
            status,
            ..OrdersQuery::default()
        };
        assert_eq!(ids(t, query(None)).await, found, "{q:?}");
        assert_eq!(ids(t, query(Some(Status::Fulfilled))).await, found, "{q:?} and fulfilled");
        assert!(ids(t, query(Some(Status::Preparing))).await.is_empty(), "{q:?} and preparing");
    }
});

both!(keys_are_found_by_any_of_their_blocks, async |t| {
    let keys = ["AB12-CD34-EF56", "AB12-GH78-IJ90"];
    t.store.import_keys("editor", &keys[..1]).await.unwrap();
    t.pay("cs_test_a", &[("editor", 1)]).await;
    t.pay("cs_test_b", &[("editor", 1)]).await;
    t.store.import_keys("editor", &keys[1..]).await.unwrap();
    t.store.release(&t.shop).await.unwrap();
    for (q, found) in [
        ("ef56", &["cs_test_a"][..]),
        ("CD34-EF", &["cs_test_a"]),
        ("cd34 ann", &["cs_test_a"]),
        ("IJ90", &["cs_test_b"]),
        ("gh78 ij90", &["cs_test_b"]),
        ("AB12", &["cs_test_b", "cs_test_a"]),
        ("EF56-CD34", &[]),
    ] {
        let query = OrdersQuery { q: Some(q.into()), limit: 10, ..OrdersQuery::default() };
        assert_eq!(ids(t, query).await, found, "{q}");
    }
});

both!(what_very_many_begin_with_is_found_by_the_newest, async |t| {
    let keys: Vec<String> = (0..1_100).map(|n| format!("LOT-{n:04}")).collect();
    t.store.import_keys("editor", &keys).await.unwrap();
    for n in 0..11 {
        t.pay(&format!("cs_test_{n:02}"), &[("editor", 100)]).await;
    }
    for q in ["LOT-", "lot-"] {
        let query = OrdersQuery { q: Some(q.into()), limit: 2, ..OrdersQuery::default() };
        assert_eq!(ids(t, query).await, ["cs_test_10", "cs_test_09"], "{q}");
    }
    let query = OrdersQuery { q: Some("LOT-00".into()), limit: 2, ..OrdersQuery::default() };
    assert_eq!(ids(t, query).await, ["cs_test_00"]);
});

both!(a_parcel_is_found_by_who_carries_it_and_its_number, async |t| {
    t.store.add_stock("SHIRT", 5).await.unwrap();
    for session in ["cs_test_a", "cs_test_b"] {
        t.pay(session, &[("shirt", 1)]).await;
    }
    let way = Shipment::new(Some("Post AG"), Some("RR 123 456 AT"), None).unwrap();
    t.store.ship(&key("cs_test_a"), vec![], way, false, "ann").await.unwrap().unwrap().unwrap();
    for (q, found) in [
        ("rr123456at", &["cs_test_a"][..]),
        ("RR 123 456 AT", &["cs_test_a"]),
        ("123456", &["cs_test_a"]),
        ("post", &["cs_test_a"]),
        ("rr123457at", &[]),
    ] {
        let query = OrdersQuery { q: Some(q.into()), limit: 10, ..OrdersQuery::default() };
        assert_eq!(ids(t, query).await, found, "{q}");
    }
});

both!(grants_are_found_by_mail_customer_and_reference, async |t| {
    t.pay("cs_test_a", &[("course", 2)]).await;
    t.advance(DAY);
    t.pay("cs_test_b", &[("course", 1)]).await;
    pay_as(t, "cs_test_c", "bob@example.com", "Bob", &[("course", 1)]).await;
    let by = |email: &str, customer: &str, reference: &str| {
        let some = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        GrantsOf {
            email: some(email),
            customer: some(customer),
            client_reference_id: some(reference),
        }
    };
    for (of, sessions) in [
        (by(" ANN@example.com ", "", ""), &["cs_test_b", "cs_test_a"][..]),
        (by("", "cus_1", ""), &["cs_test_b", "cs_test_a"]),
        (by("", "", "ref-1"), &["cs_test_c", "cs_test_b", "cs_test_a"]),
        (by("ann@example.com", "cus_1", "ref-1"), &["cs_test_b", "cs_test_a"]),
        (by("bob@example.com", "cus_1", ""), &[]),
        (by("nobody@example.com", "", ""), &[]),
        (by("", "", ""), &[]),
    ] {
        let found = t.store.grants(of.clone()).await.unwrap();
        let found: Vec<_> = found.iter().map(|g| g.session_id.as_str()).collect();
        assert_eq!(found, sessions, "{of:?}");
    }
    let first = t.store.grants(by("", "cus_1", "")).await.unwrap().remove(1);
    assert_eq!((first.access.as_str(), first.quantity), ("course", 2));
    assert_eq!(first.url.as_deref(), Some("https://example.com/course"));
    assert_eq!(first.expires_at, Some(t.clock.now() + 9 * DAY));
});

both!(what_is_held_or_waived_or_unpaid_is_not_granted, async |t| {
    let mine = || GrantsOf { email: Some("ann@example.com".into()), ..GrantsOf::default() };
    t.look("cs_test_u", found(Fact::Waiting("w".into()), sale(&[("course", 1)]))).await;
    t.pay("cs_test_a", &[("ticket", 1)]).await;
    assert!(t.store.grants(mine()).await.unwrap().is_empty(), "held for want of a seat");
    t.store.by_hand(&key("cs_test_a"), ByHand::Waive, Vec::new(), "ann").await.unwrap();
    assert_eq!(t.order("cs_test_a").await.status, Status::Fulfilled);
    assert!(t.store.grants(mine()).await.unwrap().is_empty(), "waived");
    let rung = t.claim().await;
    assert!(rung.settled, "what a person does is looked at by the engine");
    t.record(Look { claim: rung, looked: Looked::Settled }).await;
    assert!(t.store.grants(mine()).await.unwrap().is_empty(), "waived for good");
    let live = t.live().await;
    t.pay("cs_test_b", &[("course", 1)]).await;
    assert_eq!(t.store.grants(mine()).await.unwrap().len(), 1);
    assert!(live.grants(mine()).await.unwrap().is_empty(), "test grants open nothing live");
    live.close().await;
});

both!(text_of_any_kind_survives, async |t| {
    let mut odd = sale(&[("course", 1)]);
    odd.customer.name = Some("שלום \u{202e}abc\u{202c} 👩‍👩‍👧 <script>\0'\"$1 ?2 {lock}".into());
    odd.customer.email = Some("👩@пример.рф".into());
    odd.metadata = Some("{\"a\":\"\\u0000\"}".into());
    odd.lines[0].description = Some("一\0二 \u{feff}".into());
    odd.client_reference_id = Some("ref\0{in $1}".into());
    t.look("cs_test_a", found(Fact::Paid, odd.clone())).await;
    let order = t.order("cs_test_a").await;
    assert_eq!(order.sale, odd);
    let query = |q: &str| OrdersQuery { q: Some(q.to_owned()), limit: 5, ..OrdersQuery::default() };
    for q in ["👩@ПРИМЕР.рф", "שלום", "👩‍👩‍👧", "<SCRIPT>", "$1 ?2 {lock}", "a\0b\0"]
    {
        let found = ids(t, query(q)).await.len();
        assert_eq!(found, usize::from(!q.contains('\0')), "{q:?}");
    }
    let of = GrantsOf { client_reference_id: Some("ref\0{in $1}".into()), ..GrantsOf::default() };
    assert_eq!(t.store.grants(of).await.unwrap().len(), 1);
    let why = "الدفع \0 🎉".to_owned();
    t.look("cs_test_b", found(Fact::Waiting(why), sale(&[]))).await;
    let reason = t.order("cs_test_b").await.reason.unwrap();
    assert_eq!(reason, "الدفع \u{fffd} 🎉", "what PostgreSQL cannot keep is shown as replaced");
});

both!(what_waits_is_counted, async |t| {
    t.ring("cs_test_due1").await;
    t.ring("cs_test_due2").await;
    let claims = t.store.claim(10, 5).await.unwrap();
    t.store.give_back(claims.iter().map(|c| (c.session, c.fence)).collect()).await.unwrap();
    let counts = t.store.counts().await.unwrap();
    assert_eq!((counts.work_due, counts.work_later), (2, 0));
    let looks = t.store.claim(10, 5).await.unwrap().into_iter();
    let looks = looks.map(|claim| Look {
        claim,
        looked: found(Fact::Waiting("w".into()), sale(&[("course", 1)])),
    });
    t.store.record(looks.collect(), &t.shop).await;
    let counts = t.store.counts().await.unwrap();
    assert_eq!((counts.work_due, counts.work_later), (0, 2));
    assert_eq!(counts.open_orders, [("awaiting_payment".to_owned(), 2)]);
    let due = ("mail.payment_pending".to_owned(), "due".to_owned(), 2);
    assert_eq!(counts.deliveries, [due]);
    t.store.claim_deliveries(&["mail.payment_pending"], 1).await.unwrap();
    assert_eq!(t.store.counts().await.unwrap().deliveries.len(), 2, "one runs, one is due");
    let live = t.live().await;
    let none = live.counts().await.unwrap();
    assert_eq!((none.work_due, none.work_later, none.open_orders.len()), (0, 0, 0));
    live.close().await;
});

/// Pays as somebody else.
async fn pay_as(t: &Bench, session: &str, email: &str, name: &str, lines: &[(&str, i64)]) {
    let customer = Customer {
        id: Some("cus_2".into()),
        email: Some(email.to_owned()),
        name: Some(name.to_owned()),
        phone: None,
    };
    let sale = Sale { customer, ..sale(lines) };
    assert_eq!(t.look(session, found(Fact::Paid, sale)).await.status, Some(Status::Fulfilled));
}

fn names(page: &fulfill::store::OrdersPage) -> Vec<&str> {
    page.orders.iter().map(|order| order.key.id.as_str()).collect()
}

async fn ids(t: &Bench, query: OrdersQuery) -> Vec<String> {
    let page = t.store.orders(query).await.unwrap();
    page.orders.into_iter().map(|order| order.key.id).collect()
}
