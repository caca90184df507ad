//! Which mails follow from a decision: one of each kind in an order's life. They are notices, and an
//! order never waits for one.

use std::collections::BTreeMap;

use crate::{
    fact::{Fact, Sale},
    order::{Decision, NewDelivery, Order, Policy, Status},
    place::{Effect, EffectKind, EffectStatus},
};

/// To the buyer: what was paid for.
pub const RECEIPT: &str = "mail.receipt";
/// To the buyer: keys and links, once all of them are there.
pub const ACCESS: &str = "mail.access";
/// To the buyer: the money is on its way.
pub const PAYMENT_PENDING: &str = "mail.payment_pending";
/// To the buyer: the money will not come.
pub const PAYMENT_FAILED: &str = "mail.payment_failed";
/// To the buyer: the parcel has left; with `carrier`, `tracking`, `url` and `lines` ([`crate::shipment`]).
pub const SHIPPED: &str = "mail.shipped";
/// To the buyer: the link that was asked for. Each request is one, its number in the delivery's line.
pub const LINK: &str = "mail.link";
/// To the merchant: somebody has bought.
pub const NEW_ORDER: &str = "mail.new_order";
/// To the merchant: an order needs a person.
pub const NEEDS_ATTENTION: &str = "mail.needs_attention";

/// Adds the mails that the shop wants to follow from what was decided about a fact.
pub fn add(
    decision: &mut Decision,
    order: Option<&Order>,
    fact: &Fact,
    policy: &Policy,
    sale: &Sale,
) {
    let mut wanted = Wanted::by(policy, sale);
    // The money is there, Stripe only has to say so of the session: nothing is on its way for days.
    wanted.pending &= matches!(fact, Fact::Waiting(_));
    queue(decision, order, wanted);
}

/// Adds the mails that follow where the shop's wishes are not at hand: those that the order's earlier
/// mails show.
pub(crate) fn add_as_before(decision: &mut Decision, order: &Order) {
    let mut wanted = Wanted::as_before(order);
    wanted.access &= !decision.effects.is_empty();
    queue(decision, Some(order), wanted);
}

/// Which mails are wanted about one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    receipt: bool,
    pending: bool,
    failed: bool,
    access: bool,
    merchant: bool,
}

impl Wanted {
    fn by(policy: &Policy, sale: &Sale) -> Self {
        let reachable = sale.customer.email.is_some();
        Self {
            receipt: reachable && policy.receipts,
            pending: reachable && policy.writes(),
            failed: reachable && policy.writes(),
            access: reachable && policy.notices,
            merchant: policy.merchant,
        }
    }

    fn as_before(order: &Order) -> Self {
        let was = |kind: &str| order.deliveries.iter().any(|d| d.kind == kind);
        let merchant = was(NEW_ORDER) || was(NEEDS_ATTENTION);
        Self {
            receipt: false,
            pending: false,
            failed: false,
            access: merchant || was(RECEIPT),
            merchant,
        }
    }
}

fn queue(decision: &mut Decision, order: Option<&Order>, wanted: Wanted) {
    let Some(next) = decision.standing.as_ref().map(|standing| standing.status) else { return };
    let became = |status| next == status && order.is_none_or(|o| o.status != status);
    let placed = decision.placed || order.is_some_and(|o| o.placed);
    let due = [
        (RECEIPT, wanted.receipt && decision.placed),
        (NEW_ORDER, wanted.merchant && decision.placed),
        (ACCESS, wanted.access && placed && all_is_there(order, &decision.effects)),
        (PAYMENT_PENDING, wanted.pending && next == Status::AwaitingPayment),
        (PAYMENT_FAILED, wanted.failed && became(Status::PaymentFailed)),
        (NEEDS_ATTENTION, wanted.merchant && became(Status::NeedsAttention)),
    ];
    for (kind, is_due) in due {
        let before = || order.is_some_and(|o| o.deliveries.iter().any(|d| d.kind == kind));
        if is_due && !before() && !decision.deliveries.iter().any(|d| d.kind == kind) {
            decision.deliveries.push(mail(kind));
        }
    }
}

fn mail(kind: &str) -> NewDelivery {
    NewDelivery { kind: kind.to_owned(), line: String::new(), owed: false, input: BTreeMap::new() }
}

/// There are keys or grants to write of, and none of them has still to come.
fn all_is_there(order: Option<&Order>, changed: &[Effect]) -> bool {
    let same = |a: &Effect, b: &Effect| (&a.line, a.kind, a.unit) == (&b.line, b.kind, b.unit);
    let before = order.map_or(&[][..], |o| &o.effects);
    let unchanged = before.iter().filter(|old| !changed.iter().any(|new| same(old, new)));
    let goods = || {
        let digital = |e: &&Effect| matches!(e.kind, EffectKind::Grant | EffectKind::Key);
        unchanged.clone().chain(changed).filter(digital)
    };
    !goods().any(Effect::is_held)
        && goods().any(|e| e.status == EffectStatus::Done && e.value.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::DeliveryStatus,
        fact::{Customer, Line},
        id::SessionKey,
        order::{ByHand, Owed, by_hand, decide},
        plan::{Catalog, Grant, Key, Product},
        supply::{Pool, Supply},
    };

    fn policy(receipts: bool, notices: bool, merchant: bool) -> Policy {
        let course = Product {
            id: Some("course".into()),
            grant: Some(Grant { access: "course".into(), ..Grant::default() }),
            ..Product::default()
        };
        let editor = Product {
            id: Some("editor".into()),
            key: Some(Key { pool: "editor".into(), seats: false }),
            ..Product::default()
        };
        let catalog = Catalog::new(vec![course, editor]).unwrap();
        Policy { catalog, receipts, notices, merchant }
    }

    fn sale(products: &[&str]) -> Sale {
        let line = |product: &&str| Line {
            id: format!("li_{product}"),
            product: Some((*product).to_owned()),
            quantity: 1,
            ..Line::default()
        };
        let customer = Customer { email: Some("a@example.com".into()), ..Customer::default() };
        Sale { customer, lines: products.iter().map(line).collect(), ..Sale::default() }
    }

    fn supply(keys: usize) -> Supply {
        let free = (0..keys).map(|n| format!("KEY-{n}")).collect();
        let pools = [("editor".to_owned(), Pool { free, releasing: false })].into();
        Supply { pools, ..Supply::default() }
    }

    fn kinds(decision: &Decision) -> Vec<&str> {
        decision.deliveries.iter().map(|d| d.kind.as_str()).collect()
    }

    fn remembered(decision: &Decision) -> Order {
        let standing = decision.standing.clone().unwrap();
        Order {
            key: SessionKey::parse("cs_test_1").unwrap(),
            status: standing.status,
            reason: standing.reason,
            first_seen_at: 0,
            placed: decision.placed,
            has_address: false,
            effects: decision.effects.clone(),
            deliveries: decision
                .deliveries
                .iter()
                .map(|d| Owed { kind: d.kind.clone(), owed: d.owed, status: DeliveryStatus::Due })
                .collect(),
            names: BTreeMap::new(),
        }
    }

    #[test]
    fn each_wish_has_its_mails() {
        let paid = |policy: &Policy, products: &[&str]| {
            let decision = decide(None, &Fact::Paid, &sale(products), &mut supply(9), policy, 0);
            kinds(&decision).join(" ")
        };
        assert_eq!(paid(&policy(true, false, false), &["course"]), RECEIPT);
        assert_eq!(paid(&policy(false, true, false), &["course"]), ACCESS);
        assert_eq!(paid(&policy(false, true, false), &["mug"]), "", "no goods to write of");
        assert_eq!(paid(&policy(false, false, true), &["course"]), NEW_ORDER);
        let all = paid(&policy(true, true, true), &["mug", "course"]);
        assert_eq!(all, "mail.receipt mail.new_order mail.access mail.needs_attention");
    }

    #[test]
    fn keys_are_mailed_once_all_of_them_are_there_and_never_again() {
        let policy = policy(false, true, true);
        let sale = sale(&["course", "editor"]);
        let first = decide(None, &Fact::Paid, &sale, &mut supply(0), &policy, 0);
        assert_eq!(kinds(&first), [NEW_ORDER, NEEDS_ATTENTION]);
        let mut order = remembered(&first);
        let second = decide(Some(&order), &Fact::Paid, &sale, &mut supply(1), &policy, 0);
        assert_eq!(kinds(&second), [ACCESS]);
        let owed = Owed { kind: ACCESS.into(), owed: false, status: DeliveryStatus::Done };
        order.deliveries.push(owed);
        let third = decide(Some(&order), &Fact::Paid, &sale, &mut supply(1), &policy, 0);
        assert_eq!(kinds(&third), [""; 0]);
    }

    #[test]
    fn what_a_person_settles_lets_the_other_goods_be_mailed() {
        let policy = policy(true, true, false);
        let first =
            decide(None, &Fact::Paid, &sale(&["course", "editor"]), &mut supply(0), &policy, 0);
        assert_eq!(kinds(&first), [RECEIPT]);
        let order = remembered(&first);
        let waived = by_hand(&order, ByHand::Waive, &["li_editor".to_owned()], "Kim", 0);
        assert_eq!(kinds(&waived), [ACCESS]);
    }

    #[test]
    fn cases_20_22_a_delayed_payment_is_told_whichever_way_it_goes() {
        let policy = policy(false, true, true);
        let mut order = None;
        let mut told = Vec::new();
        for fact in [
            Fact::Waiting("processing".into()),
            Fact::Waiting("requires_action".into()),
            Fact::Failed("no funds".into()),
            Fact::Failed("no funds".into()),
        ] {
            let decision =
                decide(order.as_ref(), &fact, &sale(&["course"]), &mut supply(0), &policy, 0);
            told.extend(decision.deliveries.iter().map(|d| d.kind.clone()));
            let earlier: Vec<Owed> = order.map(|o: Order| o.deliveries).unwrap_or_default();
            let mut next = remembered(&decision);
            next.deliveries.extend(earlier);
            order = Some(next);
        }
        assert_eq!(told, [PAYMENT_PENDING, PAYMENT_FAILED]);
    }

    #[test]
    fn money_that_is_there_is_not_told_to_be_on_its_way() {
        let policy = policy(true, true, false);
        let decision = |order: Option<&Order>, fact| {
            decide(order, &fact, &sale(&["course"]), &mut supply(0), &policy, 0)
        };
        let settles = decision(None, Fact::Settling("succeeded".into()));
        assert_eq!(kinds(&settles), [""; 0]);
        let waits = decision(Some(&remembered(&settles)), Fact::Waiting("processing".into()));
        assert_eq!(kinds(&waits), [PAYMENT_PENDING], "it is on its way after all");
    }

    #[test]
    fn nobody_writes_to_a_buyer_without_an_address() {
        let mut sale = sale(&["course"]);
        sale.customer.email = None;
        let policy = policy(true, true, true);
        let decision = decide(None, &Fact::Paid, &sale, &mut supply(0), &policy, 0);
        assert_eq!(kinds(&decision), [NEW_ORDER]);
        let waits = Fact::Waiting("processing".into());
        let decision = decide(None, &waits, &sale, &mut supply(0), &policy, 0);
        assert_eq!(kinds(&decision), [""; 0]);
    }
}
