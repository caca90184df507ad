use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    fact::{Customer, Line, Shipping},
    plan::Product,
    supply::{Pool, Shelf},
};

fn policy(text: &str) -> Policy {
    #[derive(serde::Deserialize)]
    struct File {
        product: Vec<Product>,
    }
    let products = toml::from_str::<File>(text).unwrap().product;
    Policy { catalog: Catalog::new(products).unwrap(), receipts: true, ..Policy::default() }
}

const SHOP: &str = r#"
[[product]]
id = "course"
grant = { access = "course", days = 10, url = "https://example.com" }
[[product]]
id = "shirt"
stock = { sku = "SHIRT", oversell = "hold" }
parcel = {}
[[product]]
id = "poster"
stock = { sku = "POSTER", oversell = "backorder" }
[[product]]
id = "editor"
key = { pool = "editor" }
[[product]]
id = "team"
key = { pool = "editor", seats = true }
[[product]]
id = "handmade"
manual = true
[[product]]
id = "invite"
action = { kind = "invite" }
[[product]]
id = "ticket"
stock = { sku = "SEAT" }
grant = { access = "concert" }
action = { kind = "seat" }
"#;

fn sale(lines: &[(&str, i64)]) -> Sale {
    Sale {
        payment_status: Some("paid".into()),
        amount_total: Some(1000),
        currency: Some("eur".into()),
        customer: Customer { email: Some("a@example.com".into()), ..Customer::default() },
        shipping: Some(Shipping::default()),
        lines: lines
            .iter()
            .enumerate()
            .map(|(at, (product, quantity))| Line {
                id: format!("li_{at}"),
                product: Some((*product).to_owned()),
                quantity: *quantity,
                ..Line::default()
            })
            .collect(),
        ..Sale::default()
    }
}

fn supply(shelves: &[(&str, i64)], keys: usize) -> Supply {
    let mut supply = Supply::default();
    for (sku, on_hand) in shelves {
        supply.shelves.insert((*sku).into(), Shelf { on_hand: *on_hand, ..Shelf::default() });
    }
    let free = (0..keys).map(|n| format!("KEY-{n}")).collect();
    supply.pools.insert("editor".into(), Pool { free, releasing: false });
    supply
}

/// What the store would remember after writing a decision.
fn remember(before: Option<&Order>, decision: &Decision, now: Millis) -> Option<Order> {
    let standing = decision.standing.clone()?;
    let mut order = before.cloned().unwrap_or_else(|| Order {
        key: SessionKey::parse("cs_test_1").unwrap(),
        status: standing.status,
        reason: None,
        first_seen_at: now,
        placed: false,
        has_address: true,
        effects: Vec::new(),
        deliveries: Vec::new(),
        names: Names::new(),
    });
    order.status = standing.status;
    order.reason = standing.reason;
    order.placed |= decision.placed;
    for effect in &decision.effects {
        let same =
            |e: &Effect| (&e.line, e.kind, e.unit) == (&effect.line, effect.kind, effect.unit);
        match order.effects.iter_mut().find(|e| same(e)) {
            Some(there) => *there = effect.clone(),
            None => order.effects.push(effect.clone()),
        }
    }
    for new in &decision.deliveries {
        order.deliveries.push(Owed {
            kind: new.kind.clone(),
            owed: new.owed,
            status: DeliveryStatus::Due,
        });
    }
    Some(order)
}

fn pay(lines: &[(&str, i64)], supply: &mut Supply) -> Order {
    let decision = decide(None, &Fact::Paid, &sale(lines), supply, &policy(SHOP), 0);
    remember(None, &decision, 0).unwrap()
}

#[test]
fn what_each_product_owes() {
    let mut s = supply(&[("SHIRT", 5), ("POSTER", 0), ("SEAT", 1)], 12);
    for (product, quantity, status, effects) in [
        ("course", 1, Status::Fulfilled, 1),
        ("shirt", 2, Status::Fulfilled, 2),
        ("poster", 2, Status::Fulfilled, 1),
        ("editor", 10, Status::Fulfilled, 10),
        ("team", 10, Status::Fulfilled, 1),
        ("handmade", 1, Status::NeedsAttention, 1),
        ("invite", 1, Status::Preparing, 0),
        ("ticket", 1, Status::Preparing, 2),
        ("unheard of", 1, Status::NeedsAttention, 1),
        ("unheard of", 0, Status::Fulfilled, 0),
    ] {
        let order = pay(&[(product, quantity)], &mut s);
        assert_eq!((order.status, order.effects.len()), (status, effects), "{product}");
    }
    assert_eq!((s.shelves["SHIRT"].on_hand, s.shelves["POSTER"].backordered), (3, 2));
}

#[test]
fn case_31_ten_bought_ten_keys_or_one_with_ten_seats() {
    let mut s = supply(&[], 11);
    let each = pay(&[("editor", 10)], &mut s);
    let keys: std::collections::BTreeSet<_> =
        each.effects.iter().map(|e| e.value.clone()).collect();
    assert_eq!(keys.len(), 10);
    let seats = pay(&[("team", 10)], &mut s);
    assert_eq!((seats.effects.len(), seats.effects[0].quantity), (1, 10));
}

#[test]
fn case_32_held_stock_holds_the_whole_line_and_the_rest_goes_out() {
    let mut s = supply(&[("SEAT", 0)], 0);
    let order = pay(&[("ticket", 1), ("course", 1)], &mut s);
    assert_eq!(order.status, Status::NeedsAttention);
    assert_eq!(order.effects.iter().filter(|e| e.is_held()).count(), 2, "no grant without a seat");
    assert!(!order.deliveries.iter().any(|d| d.kind == "seat"), "no action without a seat");
    s.shelves.get_mut("SEAT").unwrap().on_hand = 1;
    let next = decide(Some(&order), &Fact::Paid, &sale(&[("ticket", 1)]), &mut s, &policy(SHOP), 9);
    let order = remember(Some(&order), &next, 9).unwrap();
    assert_eq!(order.status, Status::Preparing, "{:?}", order.reason);
    assert!(order.deliveries.iter().any(|d| d.kind == "seat"));
}

#[test]
fn a_dry_pool_holds_all_keys_of_a_line_and_releases_them_together() {
    let mut s = supply(&[], 7);
    let order = pay(&[("editor", 10)], &mut s);
    assert_eq!(order.status, Status::NeedsAttention);
    assert_eq!(s.pools["editor"].free.len(), 7, "all or nothing");
    let mut s = supply(&[], 10);
    let next =
        decide(Some(&order), &Fact::Paid, &sale(&[("editor", 10)]), &mut s, &policy(SHOP), 9);
    let order = remember(Some(&order), &next, 9).unwrap();
    assert_eq!(order.status, Status::Fulfilled);
    assert!(s.pools["editor"].free.is_empty());
}

#[test]
fn keys_by_the_ten_thousand_are_handed_over_by_a_person() {
    let mut s = supply(&[], 3);
    let order = pay(&[("editor", 10_001)], &mut s);
    assert_eq!(order.status, Status::NeedsAttention);
    let [effect] = &order.effects[..] else { panic!("{:#?}", order.effects.len()) };
    assert_eq!((effect.kind, effect.quantity), (EffectKind::Manual, 10_001));
    assert!(effect.note.as_ref().unwrap().starts_with("10001 keys"), "{:?}", effect.note);
    assert_eq!(pay(&[("team", 10_001)], &mut s).effects[0].kind, EffectKind::Key, "one with seats");
}

#[test]
fn a_parcel_without_an_address_asks_a_person() {
    let mut bought = sale(&[("shirt", 1)]);
    bought.shipping = None;
    let mut s = supply(&[("SHIRT", 5)], 0);
    let decision = decide(None, &Fact::Paid, &bought, &mut s, &policy(SHOP), 0);
    assert_eq!(decision.standing.unwrap().status, Status::NeedsAttention);
}

#[test]
fn a_person_can_waive_or_fulfill_what_is_held() {
    let mut s = supply(&[], 0);
    let order = pay(&[("handmade", 1), ("unheard of", 1)], &mut s);
    let one = by_hand(&order, ByHand::Fulfill, &["li_0".into()], "ann", 0);
    let order = remember(Some(&order), &one, 1).unwrap();
    assert_eq!(order.status, Status::NeedsAttention);
    let rest = by_hand(&order, ByHand::Waive, &[], "ann", 0);
    let order = remember(Some(&order), &rest, 2).unwrap();
    assert_eq!(order.status, Status::Fulfilled);
    assert_eq!(
        rest.timeline[1], "fulfilled: manual ×1 (done by hand by ann), manual ×1 (waived by ann)",
        "told as what it was"
    );
    assert!(by_hand(&order, ByHand::Waive, &[], "ann", 0).effects.is_empty());
}

#[test]
fn what_a_person_waived_or_handed_over_is_not_told_as_handed_out() {
    for (act, told) in [
        (ByHand::Waive, "fulfilled: grant course ×1, key editor ×2 (waived by ann)"),
        (ByHand::Fulfill, "fulfilled: grant course ×1, key editor ×2 (done by hand by ann)"),
    ] {
        let order = pay(&[("course", 1), ("editor", 2)], &mut supply(&[], 0));
        let decision = by_hand(&order, act, &[], "ann", 0);
        assert_eq!(decision.timeline.last().unwrap(), told);
    }
}

#[test]
fn what_is_waived_gives_nothing_and_what_is_done_by_hand_has_its_term() {
    let mut s = supply(&[("SEAT", 0)], 0);
    let held = pay(&[("ticket", 1)], &mut s);
    let waived = by_hand(&held, ByHand::Waive, &[], "ann", 7);
    assert!(waived.effects.iter().all(|e| e.value.is_none()));
    let mut course = held.clone();
    course.effects.iter_mut().for_each(|e| e.days = Some(10));
    let done = by_hand(&course, ByHand::Fulfill, &[], "ann", 7);
    let grant = done.effects.iter().find(|e| e.kind == EffectKind::Grant).unwrap();
    assert_eq!((grant.value.as_deref(), grant.expires_at), (Some("concert"), Some(7 + 10 * DAY)));
}

#[test]
fn an_order_that_is_not_paid_is_not_fulfilled_by_a_mail_or_by_hand() {
    let mut s = supply(&[], 0);
    let waiting = Fact::Waiting("the payment is processing".into());
    let decision = decide(None, &waiting, &sale(&[("course", 1)]), &mut s, &policy(SHOP), 0);
    let order = remember(None, &decision, 0).unwrap();
    for next in [after_delivery(&order), by_hand(&order, ByHand::Fulfill, &[], "ann", 1)] {
        assert_eq!(next.standing.unwrap().status, Status::AwaitingPayment);
        assert!(next.timeline.is_empty() && next.effects.is_empty());
    }
}

#[test]
fn an_unmatched_line_goes_out_when_the_catalog_learns_of_it() {
    let bought = sale(&[("new thing", 1)]);
    let mut s = supply(&[], 0);
    let first = decide(None, &Fact::Paid, &bought, &mut s, &policy(SHOP), 0);
    let order = remember(None, &first, 0).unwrap();
    assert_eq!(order.status, Status::NeedsAttention);
    let wider = policy("[[product]]\nid = \"new thing\"\ngrant = { access = \"it\" }");
    let next = decide(Some(&order), &Fact::Paid, &bought, &mut s, &wider, 1);
    let order = remember(Some(&order), &next, 1).unwrap();
    assert_eq!(order.status, Status::Fulfilled);
    assert_eq!(next.timeline.last().unwrap(), "fulfilled: grant it ×1", "by nobody's hand");
    assert!(order.effects.iter().any(|e| e.kind == EffectKind::Grant));
}

#[test]
fn what_waits_for_a_person_is_not_told_as_nothing_owed() {
    let mut s = supply(&[], 0);
    assert_eq!(summary(&pay(&[("handmade", 1)], &mut s).effects), NOTHING_YET);
    assert_eq!(summary(&pay(&[("editor", 1)], &mut s).effects), NOTHING_YET);
    let some = pay(&[("handmade", 1), ("course", 1)], &mut s);
    assert_eq!(summary(&some.effects), "grant course ×1");
    assert_eq!(summary(&[]), "nothing was owed");
}

#[test]
fn paid_without_line_items_asks_a_person() {
    let mut s = supply(&[], 0);
    let order = pay(&[], &mut s);
    assert_eq!(order.status, Status::NeedsAttention);
    let again = decide(Some(&order), &Fact::Paid, &sale(&[]), &mut s, &policy(SHOP), 1);
    assert!(again.timeline.is_empty() && again.effects.is_empty());
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        Just(Fact::Open),
        Just(Fact::Paid),
        Just(Fact::Waiting("w".into())),
        Just(Fact::Settling("s".into())),
        Just(Fact::Failed("f".into())),
        Just(Fact::NotFulfillable("n".into())),
        Just(Fact::Unknown("u".into())),
    ]
}

fn any_lines() -> impl Strategy<Value = Vec<(&'static str, i64)>> {
    let product = prop::sample::select(vec![
        "course",
        "shirt",
        "poster",
        "editor",
        "team",
        "handmade",
        "invite",
        "ticket",
        "unheard of",
    ]);
    prop::collection::vec((product, 0_i64..6), 0..6)
}

proptest! {
    #[test]
    fn a_duplicate_fact_changes_nothing(fact in any_fact(), lines in any_lines(), keys in 0_usize..12, stock in 0_i64..6) {
        let bought = sale(&lines);
        let mut s = supply(&[("SHIRT", stock), ("SEAT", stock), ("POSTER", stock)], keys);
        let first = decide(None, &fact, &bought, &mut s, &policy(SHOP), 0);
        let Some(order) = remember(None, &first, 0) else { return Ok(()) };
        let left = s.clone();
        let second = decide(Some(&order), &fact, &bought, &mut s, &policy(SHOP), 1);
        prop_assert!(second.effects.is_empty(), "{:?}", second.effects);
        prop_assert!(second.timeline.is_empty(), "{:?}", second.timeline);
        prop_assert!(second.deliveries.is_empty());
        prop_assert_eq!(s, left);
    }

    #[test]
    fn any_order_of_arrival_ends_the_same(before in prop::collection::vec(any_fact(), 0..6), after in prop::collection::vec(any_fact(), 0..6), lines in any_lines()) {
        let bought = sale(&lines);
        let (shelves, keys) = ([("SHIRT", 3), ("SEAT", 1), ("POSTER", 1)], 5);
        let mut plain = supply(&shelves, keys);
        let straight = decide(None, &Fact::Paid, &bought, &mut plain, &policy(SHOP), 0);
        let straight = remember(None, &straight, 0).unwrap();
        let mut s = supply(&shelves, keys);
        let mut order = None;
        for fact in before.iter().chain([&Fact::Paid]).chain(&after) {
            let decision = decide(order.as_ref(), fact, &bought, &mut s, &policy(SHOP), 0);
            order = remember(order.as_ref(), &decision, 0).or(order);
        }
        let order = order.unwrap();
        prop_assert_eq!((order.status, order.reason), (straight.status, straight.reason));
        prop_assert_eq!(order.effects, straight.effects);
        prop_assert_eq!(s, plain);
    }

    #[test]
    fn no_state_without_a_next_step_a_time_or_a_person(fact in any_fact(), lines in any_lines(), age in 0_i64..6 * DAY) {
        let mut s = supply(&[("SHIRT", 1)], 2);
        let bought = sale(&lines);
        let first = decide(None, &Fact::Waiting("w".into()), &bought, &mut s, &policy(SHOP), 0);
        let order = remember(None, &first, 0);
        let decision = decide(order.as_ref(), &fact, &bought, &mut s, &policy(SHOP), age);
        let standing = decision.standing.unwrap();
        let looked_after = match standing.status {
            Status::AwaitingPayment | Status::PaymentFailed => decision.look_again_at.is_some_and(|at| at > age),
            Status::NeedsAttention => standing.reason.is_some(),
            Status::Preparing => decision.deliveries.iter().any(|d| d.owed),
            Status::Fulfilled | Status::NotFulfillable => true,
        };
        prop_assert!(looked_after, "{standing:?}");
    }

    #[test]
    fn no_key_goes_out_twice_and_no_stock_below_zero(orders in prop::collection::vec(any_lines(), 1..8), keys in 0_usize..20, stock in 0_i64..10) {
        let mut s = supply(&[("SHIRT", stock), ("SEAT", stock), ("POSTER", stock)], keys);
        let mut given: BTreeMap<String, usize> = BTreeMap::new();
        let mut taken = 0;
        for lines in &orders {
            for effect in pay(lines, &mut s).effects.iter().filter(|e| !e.is_held()) {
                if effect.kind == EffectKind::Key {
                    *given.entry(effect.value.clone().unwrap()).or_default() += 1;
                }
                if effect.kind == EffectKind::Stock && effect.subject == "SHIRT" {
                    taken += effect.quantity;
                }
            }
        }
        prop_assert!(given.values().all(|n| *n == 1));
        prop_assert_eq!(given.len() + s.pools["editor"].free.len(), keys);
        prop_assert_eq!(taken + s.shelves["SHIRT"].on_hand, stock);
        prop_assert!(s.shelves.values().all(|shelf| shelf.on_hand >= 0));
    }
}

#[test]
fn a_quantity_that_cannot_be_asks_a_person_and_none_left_owes_nothing() {
    let policy = policy(SHOP);
    for (quantity, without_quantity, said) in [
        (-2, false, Some("'Course' waits for a person: Stripe names a quantity of -2")),
        (1, true, Some("'Course' waits for a person: Stripe names no quantity")),
        (0, false, None),
    ] {
        let line = Line {
            id: "li_1".into(),
            product: Some("course".into()),
            description: Some("Course".into()),
            quantity,
            without_quantity,
            ..Line::default()
        };
        let sale = Sale { lines: vec![line], ..Sale::default() };
        let decide = |order: Option<&Order>| {
            decide(order, &Fact::Paid, &sale, &mut Supply::default(), &policy, 0)
        };
        let decision = decide(None);
        let standing = decision.standing.clone().unwrap();
        assert_eq!(standing.reason.as_deref(), said);
        let status = if said.is_some() { Status::NeedsAttention } else { Status::Fulfilled };
        assert_eq!(standing.status, status);
        assert!(decision.effects.iter().all(|effect| effect.kind == EffectKind::Manual));
        assert_eq!(decision.deliveries, [], "nothing goes out by itself");
        let order = remember(None, &decision, 0).unwrap();
        assert_eq!(decide(Some(&order)).effects, [], "nor when it is done again");
    }
}

#[test]
fn a_line_is_called_by_its_description_and_by_its_id_where_it_has_none() {
    let line = |id: &str, said: Option<&str>, metadata: &[(&str, &str)]| Line {
        id: id.into(),
        description: said.map(Into::into),
        quantity: 1,
        metadata: metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..Line::default()
    };
    let long = "é".repeat(61);
    let lines = vec![
        line("li_1", Some("A\nmug"), &[]),
        line("li_2", None, &[]),
        line("li_3", Some(&long), &[]),
        line("li_4", Some("Course"), &[("fulfilld_grnt", "course")]),
    ];
    let sale = Sale { lines, ..Sale::default() };
    let policy = Policy::default();
    let decision = decide(None, &Fact::Paid, &sale, &mut Supply::default(), &policy, 0);
    let reason = decision.standing.unwrap().reason.unwrap();
    let said: Vec<&str> = reason.split("; ").collect();
    assert!(said.contains(&"'A mug' is not in the catalog"), "{reason}");
    assert!(said.contains(&"line li_2 is not in the catalog"), "{reason}");
    let cut = format!("'{}…' is not in the catalog", "é".repeat(60));
    assert!(said.contains(&cut.as_str()), "{reason}");
    assert!(reason.contains("'Course': the product's metadata cannot be read: "), "{reason}");
}
