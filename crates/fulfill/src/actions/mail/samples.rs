//! Orders that never were: what templates are tried with before anything is sent, and what is shown
//! to whoever looks at the mails.

use std::collections::BTreeMap;

use fulfill_rules::{
    fact::{Address, CustomField, Customer, Line, Presentment, Sale, Shipping},
    id::SessionKey,
    notice,
    order::Status,
    place::{Effect, EffectKind, EffectStatus, Held},
};
use jiff::civil::date;

use super::{
    ORDER_KINDS,
    letter::{Letter, Shop},
    summary,
    templates::{TemplateMistake, file_name},
    words,
};
use crate::store::{DaySummary, LowPool, LowShelf, OrderView, Sold};

/// A mail as it would be sent, about an order that never was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// As its template's file is called.
    pub mail: &'static str,
    /// `en` or `de`.
    pub language: &'static str,
    /// What is special about the order.
    pub about: &'static str,
    /// Its subject.
    pub subject: String,
    /// Its words as plain text.
    pub text: String,
    /// Its words as HTML.
    pub html: String,
}

type Made = (&'static str, fn() -> OrderView);

const ORDERS: [Made; 7] = [
    ("euros", order),
    ("euros, paid in forints", paid_in_forints),
    ("yen", in_yen),
    ("dinars, live", in_dinars),
    ("free", free),
    (IN_PARTS, order),
    ("hardly anything known", bare),
];

/// Of this order one parcel of several leaves.
const IN_PARTS: &str = "euros, sent in parts";

type MadeDay = (&'static str, fn() -> DaySummary);

const DAYS: [MadeDay; 2] = [("a good day", full_day), ("a quiet day, in test mode", quiet_day)];

/// Every mail in every language about every order; what cannot be written is a mistake.
pub(super) fn all(shop: &Shop) -> Result<Vec<Sample>, Vec<TemplateMistake>> {
    let (mut samples, mut mistakes) = (Vec::new(), Vec::new());
    for words in words::ALL {
        // Everybody is spoken to in the language that is looked at.
        let shop = Shop { language: Some(words), ..shop.clone() };
        for (about, of) in DAYS {
            let written = Letter::summary(&of(), date(2027, 3, 7), about != DAYS[1].0, &shop);
            note(summary::KIND, words.lang, about, written, &mut samples, &mut mistakes);
        }
        for kind in ORDER_KINDS {
            for (about, order) in ORDERS {
                let mut order = order();
                order.sale.locale = Some(words.lang.to_owned());
                let input = match (kind, order.sale.lines.is_empty()) {
                    (notice::SHIPPED, _) if about == IN_PARTS => parcel_of_a_part(),
                    (notice::SHIPPED, false) => parcel(),
                    (notice::LINK, _) => link(),
                    _ => BTreeMap::new(),
                };
                let written = Letter::write(kind, &order, &input, &shop);
                note(kind, words.lang, about, written, &mut samples, &mut mistakes);
            }
        }
    }
    if mistakes.is_empty() { Ok(samples) } else { Err(mistakes) }
}

/// A link to a buyer's orders.
pub(super) fn link() -> BTreeMap<String, String> {
    [("link".to_owned(), "17-1790003600-abc".to_owned())].into()
}

/// Keeps a sample, or a mistake that is new.
fn note(
    kind: &'static str,
    language: &'static str,
    about: &'static str,
    written: Result<Letter, TemplateMistake>,
    samples: &mut Vec<Sample>,
    mistakes: &mut Vec<TemplateMistake>,
) {
    match written {
        Ok(Letter { subject, text, html }) => {
            let mail = file_name(kind);
            samples.push(Sample { mail, language, about, subject, text, html });
        }
        Err(mistake) if mistakes.contains(&mistake) => {}
        Err(mistake) => mistakes.push(mistake),
    }
}

/// A day with one of everything.
pub(super) fn full_day() -> DaySummary {
    let sold = |currency: &str, orders, amount| Sold {
        currency: Some(currency.to_owned()),
        orders,
        amount,
    };
    let shelf =
        |sku: &str, on_hand, backordered| LowShelf { sku: sku.to_owned(), on_hand, backordered };
    DaySummary {
        sold: vec![sold("eur", 12, 148_750), sold("jpy", 1, 500), sold("kwd", 2, 2_468)],
        need_attention: 3,
        awaiting_payment: 2,
        to_ship: 5,
        stuck: 1,
        pools: vec![LowPool { pool: "editor".to_owned(), free: 0 }],
        shelves: vec![shelf("POSTER", 0, 4), shelf("SHIRT-M", 3, 0)],
    }
}

fn quiet_day() -> DaySummary {
    DaySummary { awaiting_payment: 1, ..DaySummary::default() }
}

fn line(id: &str, what: &str, quantity: i64, amount: i64) -> Line {
    Line {
        id: id.into(),
        description: Some(what.into()),
        quantity,
        amount_total: Some(amount),
        currency: Some("eur".into()),
        ..Line::default()
    }
}

fn answer(label: &str, value: &str) -> CustomField {
    let (key, label) = (label.to_lowercase(), label.to_owned());
    CustomField { key, label, value: value.to_owned(), chosen: None }
}

fn effect(line: &str, kind: EffectKind, unit: i64, value: &str) -> Effect {
    Effect {
        line: line.into(),
        kind,
        unit,
        quantity: 1,
        status: EffectStatus::Done,
        subject: value.into(),
        value: Some(value.into()),
        url: None,
        days: None,
        expires_at: None,
        held: None,
        backorder: false,
        note: None,
    }
}

/// One of everything.
pub(super) fn order() -> OrderView {
    let address = Address {
        line1: Some("Hauptstraße 1".into()),
        city: Some("Wien".into()),
        postal_code: Some("1010".into()),
        country: Some("AT".into()),
        ..Address::default()
    };
    let sale = Sale {
        locale: Some("en".into()),
        currency: Some("eur".into()),
        amount_total: Some(123_850),
        created: Some(1_804_377_600),
        customer: Customer {
            email: Some("ann@example.com".into()),
            name: Some("Ann Smith".into()),
            ..Customer::default()
        },
        shipping: Some(Shipping { name: Some("Ann Smith".into()), address }),
        custom_fields: vec![answer("Name on the shirt", "Ann"), answer("Color", "Blue")],
        lines: vec![
            line("li_1", "The whole course", 1, 120_000),
            line("li_2", "Editor license", 2, 1_900),
            line("li_3", "T-shirt", 1, 1_950),
            line("li_4", "Removed by the buyer", 0, 0),
            line("li_5", "Sticker", 3, 0),
        ],
        ..Sale::default()
    };
    let mut course = effect("li_1", EffectKind::Grant, 1, "course");
    course.url = Some("https://example.com/course?a=1&b=2".into());
    course.expires_at = Some(1_835_913_600_000);
    let mut parcel = effect("li_3", EffectKind::Parcel, 1, "");
    parcel.status = EffectStatus::ToShip;
    let mut waived = effect("li_5", EffectKind::Grant, 1, "waived-access");
    waived.note = Some("waived by Kim".into());
    let mut short = effect("li_5", EffectKind::Stock, 1, "STICKER");
    (short.status, short.held) = (EffectStatus::Held, Some(Held::Stock));
    OrderView {
        key: key("cs_test_a1b2c3"),
        session: 1,
        status: Status::NeedsAttention,
        reason: Some("not enough stock of STICKER".into()),
        placed: true,
        first_seen_at: 0,
        fulfilled_at: None,
        look_again_at: None,
        sale,
        effects: vec![
            course,
            effect("li_2", EffectKind::Key, 1, "EDITOR-000001"),
            effect("li_2", EffectKind::Key, 2, "EDITOR-000002"),
            parcel,
            waived,
            short,
        ],
        deliveries: Vec::new(),
        timeline: Vec::new(),
        events: Vec::new(),
    }
}

fn key(id: &str) -> SessionKey {
    let livemode = id.starts_with("cs_live_");
    SessionKey { account: String::new(), livemode, id: id.to_owned() }
}

fn paid_in_forints() -> OrderView {
    let mut order = order();
    order.sale.presentment = Some(Presentment { amount: 1_050, currency: "huf".into() });
    order
}

/// One line, one key with seats, nothing to ship.
fn small(id: &str, currency: &str, amount: i64) -> OrderView {
    let mut order = order();
    let mut line = line("li_1", "Editor license", 1, amount);
    line.currency = Some(currency.into());
    let mut key_drawn = effect("li_1", EffectKind::Key, 1, "EDITOR-000003");
    key_drawn.quantity = 5;
    let sale = Sale {
        currency: Some(currency.into()),
        amount_total: Some(amount),
        lines: vec![line],
        shipping: None,
        custom_fields: Vec::new(),
        ..order.sale
    };
    order.key = key(id);
    order.sale = sale;
    order.effects = vec![key_drawn];
    order
}

fn in_yen() -> OrderView {
    small("cs_test_d4e5f6", "jpy", 500)
}

fn in_dinars() -> OrderView {
    small("cs_live_g7h8i9", "kwd", 1_234)
}

/// An order that cost nothing.
pub(super) fn free() -> OrderView {
    let mut order = small("cs_test_m4n5o6", "eur", 0);
    order.sale.payment_status = Some("no_payment_required".to_owned());
    order
}

/// Of such an order little can be said, and no template may stumble over that.
fn bare() -> OrderView {
    OrderView {
        key: key("cs_test_j1k2l3"),
        reason: None,
        sale: Sale::default(),
        effects: Vec::new(),
        ..order()
    }
}

/// What is told with a parcel that has left.
pub(super) fn parcel() -> BTreeMap<String, String> {
    [("carrier", "Post"), ("tracking", "RR123456785AT"), ("url", "https://post.example/t?n=RR1")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The same of a parcel with one of the order's lines.
pub(super) fn parcel_of_a_part() -> BTreeMap<String, String> {
    let mut input = parcel();
    input.insert("lines".to_owned(), "li_3".to_owned());
    input
}
