//! What an order waits for, in the merchant's language.

use fulfill_rules::{
    delivery::DeliveryStatus,
    order::name,
    place::{Effect, EffectKind, Held},
};

use super::words::Words;
use crate::store::OrderView;

/// All that a person has to see to. Where nothing is held, the reason as the rules wrote it: of a payment
/// that nobody understands there is only that.
pub(super) fn said(order: &OrderView, w: &Words) -> Option<String> {
    let held = order.effects.iter().filter(|effect| effect.is_held());
    let stuck = order.deliveries.iter().filter(|d| d.owed && d.status == DeliveryStatus::Stuck);
    let mut waits: Vec<String> = held
        .filter_map(|effect| of(effect, order, w))
        .chain(stuck.map(|delivery| w.held.stuck.replace("{}", &delivery.kind)))
        .collect();
    if waits.is_empty() {
        return order.reason.clone();
    }
    waits.sort();
    waits.dedup();
    Some(waits.join("; "))
}

fn of(effect: &Effect, order: &OrderView, w: &Words) -> Option<String> {
    let with_subject = |words: &str| words.replace("{}", &effect.subject);
    let line = order.sale.lines.iter().find(|line| line.id == effect.line);
    let called = line.and_then(name).unwrap_or_else(|| effect.line.clone());
    let with_line = |words: &str| words.replace("{}", &called);
    Some(match effect.held {
        // What only follows from it is not said again.
        Some(Held::Stock) if effect.kind != EffectKind::Stock => return None,
        Some(Held::Stock) => with_subject(w.held.stock),
        Some(Held::Keys) => with_subject(w.held.keys),
        Some(Held::Address) => w.held.address.to_owned(),
        Some(Held::Unmatched) if effect.line.is_empty() => w.held.nothing_listed.to_owned(),
        Some(Held::Unmatched) => match effect.mistake() {
            Some(mistake) => format!("{}: {mistake}", with_line(w.held.unreadable)),
            None => with_line(w.held.unmatched),
        },
        Some(Held::Manual) | None => match &effect.note {
            Some(note) => format!("{}: {note}", with_line(w.held.by_hand)),
            None => with_line(w.held.by_hand),
        },
    })
}

#[cfg(test)]
mod tests {
    use fulfill_rules::order::{Names, names, standing};

    use super::*;
    use crate::actions::mail::{samples, words::ALL};

    fn held(line: &str, kind: EffectKind, subject: &str, why: Held) -> Effect {
        let mut effect = samples::order().effects.remove(0);
        (effect.line, effect.kind, effect.subject) = (line.into(), kind, subject.into());
        (effect.status, effect.held) = (fulfill_rules::place::EffectStatus::Held, Some(why));
        effect
    }

    fn waiting() -> OrderView {
        use EffectKind::{Grant, Key, Manual, Parcel, Stock};
        let mut order = samples::order();
        let mut mistyped = held("li_5", Manual, "", Held::Unmatched);
        mistyped.note = Some("the product's metadata cannot be read: fulfilld_grnt".into());
        let mut unclear = held("li_1", Manual, "", Held::Manual);
        unclear.note = Some("Stripe names no quantity".into());
        order.effects = vec![
            held("li_3", Stock, "SHIRT", Held::Stock),
            held("li_3", Grant, "club", Held::Stock),
            held("li_2", Key, "editor", Held::Keys),
            held("li_2", Key, "editor", Held::Keys),
            held("li_4", Parcel, "", Held::Address),
            held("li_1", Manual, "", Held::Unmatched),
            mistyped,
            held("", Manual, "", Held::Unmatched),
            held("li_4", Manual, "", Held::Manual),
            unclear,
        ];
        order
    }

    #[test]
    fn in_english_it_is_what_the_rules_say() {
        let order = waiting();
        let names: Names = names(&order.sale);
        let standing = standing(&order.effects, &[], &[], &names);
        assert_eq!(said(&order, ALL[0]), standing.reason);
    }

    #[test]
    fn no_english_stands_in_a_german_mail() {
        let said = said(&waiting(), ALL[1]).unwrap();
        let all: Vec<&str> = said.split("; ").collect();
        assert_eq!(
            all,
            [
                "bezahlt, aber Stripe zeigt keine Artikel",
                "der Schlüsselvorrat „editor“ ist leer",
                "für ein Paket fehlt die Adresse",
                "zu wenig Bestand von SHIRT",
                "„Removed by the buyer“ liefern Sie selbst aus",
                "„Sticker“: Die Metadaten des Produkts bei Stripe enthalten einen Fehler: fulfilld_grnt",
                "„The whole course“ liefern Sie selbst aus: Stripe names no quantity",
                "„The whole course“ steht nicht im Katalog",
            ]
        );
    }

    #[test]
    fn where_nothing_is_held_the_reason_is_told_as_it_is() {
        let mut order = samples::order();
        order.effects.clear();
        order.reason = Some("payment_status is strange".into());
        assert_eq!(said(&order, ALL[1]).as_deref(), Some("payment_status is strange"));
    }
}
