//! Where an order stands and what to do about it, in plain words.

use fulfill_rules::{
    Millis,
    delivery::DeliveryStatus,
    fact::Line,
    notice,
    order::{self, Status},
    place::{Effect, EffectKind, EffectStatus, Held},
};

use crate::store::{DeliveryView, OrderView, SessionView};

/// A word with a color: `good`, `waits`, `bad`, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mood {
    pub(super) word: &'static str,
    pub(super) color: &'static str,
}

const fn mood(word: &'static str, color: &'static str) -> Mood {
    Mood { word, color }
}

pub(super) fn status(status: Status) -> Mood {
    match status {
        Status::AwaitingPayment => mood("Waiting for payment", "waits"),
        Status::Preparing => mood("Being prepared", "waits"),
        Status::Fulfilled => mood("Fulfilled", "good"),
        Status::NeedsAttention => mood("Needs attention", "bad"),
        Status::PaymentFailed => mood("Payment failed", ""),
        Status::NotFulfillable => mood("Nothing to fulfill", ""),
    }
}

pub(super) fn effect_status(effect: &Effect) -> Mood {
    match effect.status {
        EffectStatus::Done if effect.is_waived() => mood("waived", ""),
        EffectStatus::Done if effect.by_hand().is_some() => mood("done by hand", "good"),
        EffectStatus::Done if effect.kind == EffectKind::Parcel => mood("settled", ""),
        EffectStatus::Done => mood("done", "good"),
        EffectStatus::Held => mood("waits", "bad"),
        EffectStatus::ToShip => mood("to pack", "waits"),
        EffectStatus::Shipped => mood("shipped", "good"),
    }
}

pub(super) fn delivery_status(status: DeliveryStatus) -> Mood {
    match status {
        DeliveryStatus::Due => mood("will be tried", "waits"),
        DeliveryStatus::Running => mood("under way", "waits"),
        DeliveryStatus::Done => mood("done", "good"),
        DeliveryStatus::Stuck => mood("stuck", "bad"),
        DeliveryStatus::Dismissed => mood("put aside", "waits"),
    }
}

/// What an effect is, for people.
pub(super) fn effect(effect: &Effect) -> String {
    let subject = effect.value.as_deref().unwrap_or(&effect.subject);
    match effect.kind {
        EffectKind::Grant if subject.is_empty() => "Access".to_owned(),
        EffectKind::Grant => format!("Access to {subject}"),
        EffectKind::Key if effect.subject.is_empty() => "License key".to_owned(),
        EffectKind::Key => format!("License key from pool {}", effect.subject),
        EffectKind::Stock => format!("{} × {subject} from the shelf", effect.quantity),
        EffectKind::Parcel => "Parcel".to_owned(),
        EffectKind::Manual => "By hand".to_owned(),
    }
}

/// Outside work, for people.
pub(super) fn delivery(kind: &str) -> String {
    match kind {
        notice::RECEIPT => "Mail to the buyer: receipt".to_owned(),
        notice::ACCESS => "Mail to the buyer: keys and access".to_owned(),
        notice::PAYMENT_PENDING => "Mail to the buyer: payment is on its way".to_owned(),
        notice::PAYMENT_FAILED => "Mail to the buyer: payment failed".to_owned(),
        notice::SHIPPED => "Mail to the buyer: parcel has left".to_owned(),
        notice::NEW_ORDER => "Mail to you: new order".to_owned(),
        notice::NEEDS_ATTENTION => "Mail to you: an order needs attention".to_owned(),
        "mail.link" => "Mail to the buyer: link to their orders".to_owned(),
        other => match other.strip_prefix("mail.") {
            Some(name) => format!("Mail: {}", name.replace('_', " ")),
            None => format!("Your action “{other}”"),
        },
    }
}

/// An entry of the timeline, with a mail by its name where it begins with the kind of one, and a status
/// as it is called everywhere else.
pub(super) fn told(what: &str) -> String {
    let (word, rest) =
        what.split_once(": ").map_or((what, None), |(word, rest)| (word, Some(rest)));
    if let Some(known) = Status::parse(word) {
        let shown = status(known).word;
        return rest.map_or_else(|| shown.to_owned(), |rest| format!("{shown}: {rest}"));
    }
    match what.split_once(' ') {
        Some((kind, rest)) if kind.starts_with("mail.") => {
            format!("{} – {rest}", delivery(kind.trim_end_matches(':')))
        }
        _ => what.to_owned(),
    }
}

/// Why something is not done yet, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) what: String,
    pub(super) advice: String,
}

fn why(what: impl Into<String>, advice: impl Into<String>) -> Why {
    Why { what: what.into(), advice: advice.into() }
}

/// Why an effect is held; `line` is what it belongs to.
pub(super) fn held(effect: &Effect, line: Option<&Line>) -> Why {
    let subject = &effect.subject;
    match effect.held {
        Some(Held::Stock) if subject.is_empty() => why(
            "It waits for its stock.",
            "It goes on by itself as soon as there are units on the shelf.",
        ),
        Some(Held::Stock) => why(
            format!("There is not enough of {subject} on the shelf."),
            "Put units on the shelf: then it goes out by itself, the oldest order first.",
        ),
        Some(Held::Keys) => why(
            format!("The key pool “{subject}” is dry."),
            "Import keys: then they go out by themselves, the oldest order first.",
        ),
        Some(Held::Address) => why(
            "There is no address to send it to.",
            "Ask the buyer, send it, and say that it was done by hand.",
        ),
        Some(Held::Unmatched) if effect.unreadable().is_some() => why(
            sentence(effect.unreadable().unwrap_or_default()),
            "Correct it at Stripe, wait a minute, and do this order again: then it goes out. Or hand it over \
             and say so, or waive it.",
        ),
        Some(Held::Unmatched) => unmatched(line),
        Some(Held::Manual) => {
            why("You hand this over yourself.", "Do it, then say that it is done.")
        }
        None => why("It waits.", "Look at the order's history."),
    }
}

/// A line of which nobody said what it owes: how the catalog names it, and where else it can be said.
fn unmatched(line: Option<&Line>) -> Why {
    let Some(line) = line else {
        return why(
            "It is paid, but Stripe shows no line items.",
            "Look at the payment at Stripe. Hand over what was bought and say so, or waive it.",
        );
    };
    let by_product = line.product.as_deref().map(|id| ("id", id));
    let Some((field, id)) = by_product.or(line.price.as_deref().map(|id| ("price", id))) else {
        return why(
            format!("Stripe names no product for “{}”.", order::name(line).unwrap_or_default()),
            "Hand it over and say so, or waive it.",
        );
    };
    let what = match order::name(line) {
        Some(name) => format!("The catalog does not know “{name}” ({id})."),
        None => format!("The catalog does not know {id}."),
    };
    why(
        what,
        format!(
            "Add a [[product]] with {field} = \"{id}\" to the settings file and start again, or say it in its \
             metadata at Stripe, such as fulfilld_key or fulfilld_grant. Then do this order again: it goes \
             out. Or hand it over and say so, or waive it.",
        ),
    )
}

/// Everything that keeps a session from being fulfilled. Empty: nothing does.
pub(super) fn not_fulfilled(view: &SessionView) -> Vec<Why> {
    let Some(order) = &view.order else { return vec![no_order(view)] };
    match order.status {
        Status::Fulfilled => Vec::new(),
        Status::AwaitingPayment => vec![why(
            reason(order, "Stripe has not said yet that it is paid."),
            "Nothing needs to be done. As soon as Stripe says that the money is there, it goes out.",
        )],
        Status::PaymentFailed => vec![why(
            reason(order, "The payment failed."),
            "Nothing is owed. If the buyer pays after all, it goes out by itself.",
        )],
        Status::NotFulfillable => {
            vec![why(reason(order, "There is nothing to hand out."), "Nothing needs to be done.")]
        }
        Status::Preparing | Status::NeedsAttention => unfinished(view, order),
    }
}

fn unfinished(view: &SessionView, order: &OrderView) -> Vec<Why> {
    let mut all: Vec<Why> = Vec::new();
    for one in order.effects.iter().filter(|effect| is_cause(effect, order)) {
        let one = held(one, line_of(one, order));
        if !all.contains(&one) {
            all.push(one);
        }
    }
    for one in order.deliveries.iter().filter(|delivery| delivery.owed) {
        all.extend(waits(one));
    }
    if all.is_empty() {
        let advice = match &view.trouble {
            Some(trouble) => {
                let trouble = open_ended(trouble);
                format!("The last look at Stripe failed: {trouble}. It is tried again.")
            }
            None => "“Do again” looks at Stripe now.".to_owned(),
        };
        all.push(why(reason(order, "It is being worked on."), advice));
    }
    all
}

/// The line that an effect belongs to, where Stripe lists it.
pub(super) fn line_of<'a>(effect: &Effect, order: &'a OrderView) -> Option<&'a Line> {
    order.sale.lines.iter().find(|line| line.id == effect.line)
}

/// Held, and not only because another effect of its line is (a parcel waits for its stock).
pub(super) fn is_cause(effect: &Effect, order: &OrderView) -> bool {
    let mut others = order.effects.iter().filter(|other| other.line == effect.line);
    let follows = effect.subject.is_empty()
        && others.any(|other| other.held == effect.held && !other.subject.is_empty());
    effect.is_held() && !follows
}

fn waits(delivery: &DeliveryView) -> Option<Why> {
    let name = self::delivery(&delivery.kind);
    let said = open_ended(delivery.said.as_deref().unwrap_or("no answer yet"));
    match delivery.status {
        DeliveryStatus::Done | DeliveryStatus::Dismissed => None,
        DeliveryStatus::Stuck => Some(why(
            format!("{name} is stuck: {}.", said.trim_end_matches('.')),
            "Remove the cause, then press “Do again”; or put it aside: then nobody waits for it any more.",
        )),
        DeliveryStatus::Due | DeliveryStatus::Running => Some(why(
            format!("{name} is not through yet (attempt {}): {said}.", delivery.attempts),
            "It is tried again by itself.",
        )),
    }
}

fn no_order(view: &SessionView) -> Why {
    match view.trouble.as_deref().map(open_ended) {
        Some(trouble) if view.missing => why(
            format!("Stripe does not know this session: {trouble}."),
            "Check that the key is of the account and the mode that the session is of.",
        ),
        Some(trouble) => why(
            format!("Stripe could not be asked: {trouble}."),
            "It is tried again by itself. “Do again” tries it now.",
        ),
        None if view.seen < view.rung => {
            why("It has not been looked at yet.", "That happens within moments.")
        }
        None => why(
            "The checkout is open: nobody has paid, so there is no order yet.",
            "Nothing needs to be done.",
        ),
    }
}

fn reason(order: &OrderView, otherwise: &str) -> String {
    sentence(order.reason.as_deref().unwrap_or(otherwise))
}

/// What others said, for a sentence of ours that ends or goes on behind it.
fn open_ended(said: &str) -> &str {
    said.trim_end().trim_end_matches('.')
}

/// `a name …` → `A name ….`
pub(super) fn sentence(text: &str) -> String {
    let mut signs = text.trim_end_matches('.').chars();
    let first = signs.next().into_iter().flat_map(char::to_uppercase);
    first.chain(signs).chain(['.']).collect()
}

/// `3 min`, `2 h 5 min`, `4 d`.
pub(super) fn span(ms: Millis) -> String {
    let seconds = ms.max(0) / 1_000;
    let parts = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(at) = parts.iter().position(|(unit, _)| seconds >= *unit) else {
        return if ms > 0 { format!("{ms} ms") } else { "0 s".to_owned() };
    };
    let (unit, name) = parts[at];
    let rest = parts.get(at + 1).map(|(small, name)| (seconds % unit / small, *name));
    match rest {
        Some((count, small)) if count > 0 && seconds / unit < 10 => {
            format!("{} {name} {count} {small}", seconds / unit)
        }
        _ => format!("{} {name}", seconds / unit),
    }
}

#[cfg(test)]
mod tests {
    use fulfill_rules::{
        delivery::DeliveryStatus,
        fact::{Line, Sale},
        id::SessionKey,
        order::Status,
        place::{Effect, EffectKind, EffectStatus, Held},
    };

    use super::{not_fulfilled, span, told};
    use crate::store::{DeliveryView, OrderView, SessionView};

    #[test]
    fn the_timeline_names_mails_as_people_do() {
        for (written, shown) in [
            ("mail.receipt done: sent", "Mail to the buyer: receipt – done: sent"),
            (
                "mail.receipt: attempt 1 failed: 450",
                "Mail to the buyer: receipt – attempt 1 failed: 450",
            ),
            ("paid 38.00 EUR", "paid 38.00 EUR"),
            ("needs_attention: it waits: long", "Needs attention: it waits: long"),
            ("awaiting_payment", "Waiting for payment"),
            ("fulfilled by hand by Ann: 'mug'", "fulfilled by hand by Ann: 'mug'"),
            ("note by Ann: fulfilled: no", "note by Ann: fulfilled: no"),
            ("noted", "noted"),
        ] {
            assert_eq!(told(written), shown);
        }
    }

    #[test]
    fn what_others_said_is_ended_once() {
        let mut view = view(Status::NeedsAttention, None);
        view.order = None;
        view.trouble = Some("Stripe refuses (400): no such thing.".to_owned());
        let said = "Stripe could not be asked: Stripe refuses (400): no such thing.";
        assert_eq!(not_fulfilled(&view)[0].what, said);
    }

    fn view(status: Status, reason: Option<&str>) -> SessionView {
        let key = SessionKey::parse("cs_test_a1").unwrap();
        let order = OrderView {
            key: key.clone(),
            session: 1,
            status,
            reason: reason.map(str::to_owned),
            placed: true,
            first_seen_at: 0,
            fulfilled_at: None,
            look_again_at: None,
            sale: Sale::default(),
            effects: Vec::new(),
            deliveries: Vec::new(),
            timeline: Vec::new(),
            events: Vec::new(),
        };
        SessionView {
            key,
            session: 1,
            rung: 1,
            seen: 1,
            looked_at: Some(0),
            tries: 0,
            missing: false,
            guess: false,
            trouble: None,
            look_again_at: None,
            order: Some(order),
        }
    }

    fn with_held(held: Held) -> SessionView {
        let mut view = view(Status::NeedsAttention, None);
        let effect = Effect {
            line: "li_1".into(),
            kind: EffectKind::Stock,
            unit: 1,
            quantity: 1,
            status: EffectStatus::Held,
            subject: "SHIRT-M".into(),
            value: None,
            url: None,
            days: None,
            expires_at: None,
            held: Some(held),
            backorder: false,
            note: None,
        };
        let order = view.order.as_mut().unwrap();
        order.effects = vec![effect.clone(), effect];
        order.sale.lines = vec![Line {
            id: "li_1".into(),
            product: Some("prod_mug".into()),
            price: Some("price_mug".into()),
            description: Some("Mug,\nblue".into()),
            quantity: 1,
            ..Line::default()
        }];
        view
    }

    fn with_delivery(status: DeliveryStatus) -> SessionView {
        let mut view = view(Status::Preparing, None);
        view.order.as_mut().unwrap().deliveries = vec![DeliveryView {
            kind: "invite".into(),
            line: "li_1".into(),
            owed: true,
            status,
            attempts: 3,
            due_at: None,
            said: Some("the room is closed".into()),
        }];
        view
    }

    #[test]
    fn every_order_that_is_not_fulfilled_says_why_and_what_to_do() {
        let open = SessionView { order: None, ..view(Status::Preparing, None) };
        let missing =
            SessionView { missing: true, trouble: Some("no such".into()), ..open.clone() };
        let trouble = SessionView { trouble: Some("Stripe is away".into()), ..open.clone() };
        let unseen = SessionView { seen: 0, ..open.clone() };
        for (view, said) in [
            (
                view(Status::AwaitingPayment, Some("a debit is processing")),
                "A debit is processing.",
            ),
            (view(Status::PaymentFailed, None), "The payment failed."),
            (view(Status::NotFulfillable, Some("it expired.")), "It expired."),
            (view(Status::Preparing, None), "It is being worked on."),
            (with_held(Held::Stock), "There is not enough of SHIRT-M on the shelf."),
            (with_held(Held::Keys), "The key pool “SHIRT-M” is dry."),
            (with_held(Held::Address), "There is no address to send it to."),
            (with_held(Held::Unmatched), "The catalog does not know “Mug, blue” (prod_mug)."),
            (with_held(Held::Manual), "You hand this over yourself."),
            (
                with_delivery(DeliveryStatus::Stuck),
                "Your action “invite” is stuck: the room is closed.",
            ),
            (
                with_delivery(DeliveryStatus::Due),
                "Your action “invite” is not through yet (attempt 3): the room is closed.",
            ),
            (open, "The checkout is open: nobody has paid, so there is no order yet."),
            (missing, "Stripe does not know this session: no such."),
            (trouble, "Stripe could not be asked: Stripe is away."),
            (unseen, "It has not been looked at yet."),
        ] {
            let whys = not_fulfilled(&view);
            assert_eq!(whys.len(), 1, "said once: {whys:?}");
            assert_eq!(whys[0].what, said);
            assert!(!whys[0].advice.is_empty());
        }
        assert!(not_fulfilled(&view(Status::Fulfilled, None)).is_empty());
    }

    #[test]
    fn what_the_catalog_does_not_know_is_named_as_the_catalog_would() {
        let of = |change: fn(&mut Line)| {
            let mut view = with_held(Held::Unmatched);
            change(&mut view.order.as_mut().unwrap().sale.lines[0]);
            not_fulfilled(&view).remove(0)
        };
        let plain = of(|_| {});
        assert!(plain.advice.contains("id = \"prod_mug\""), "{plain:?}");
        assert!(plain.advice.contains("fulfilld_key"), "{plain:?}");
        let unnamed = of(|line| (line.product, line.description) = (None, None));
        assert_eq!(unnamed.what, "The catalog does not know price_mug.");
        assert!(unnamed.advice.contains("price = \"price_mug\""), "{unnamed:?}");
        let without = of(|line| (line.product, line.price) = (None, None));
        assert_eq!(without.what, "Stripe names no product for “Mug, blue”.");
        let unlisted = of(|line| line.id.clear());
        assert_eq!(unlisted.what, "It is paid, but Stripe shows no line items.");
    }

    #[test]
    fn spans_are_short() {
        for (ms, said) in [
            (0, "0 s"),
            (250, "250 ms"),
            (4_200, "4 s"),
            (62_000, "1 min 2 s"),
            (3_600_000, "1 h"),
            (7_500_000, "2 h 5 min"),
            (4 * 86_400_000 + 3_600_000, "4 d 1 h"),
            (40 * 86_400_000 + 3_600_000, "40 d"),
        ] {
            assert_eq!(span(ms), said, "{ms}");
        }
    }
}
