use std::{fs, path::PathBuf};

use fulfill_rules::{
    fact::{Address, Customer, Presentment, Shipping},
    id::SessionKey,
    order::Status,
};

use super::*;

/// What is looked at: every kind, and what is special about some of its orders.
const MAILS: [(&str, &str); 9] = [
    ("receipt", notice::RECEIPT),
    ("receipt_in_the_buyers_currency", notice::RECEIPT),
    ("access", notice::ACCESS),
    ("payment_pending", notice::PAYMENT_PENDING),
    ("payment_failed", notice::PAYMENT_FAILED),
    ("shipped", notice::SHIPPED),
    ("new_order", notice::NEW_ORDER),
    ("new_order_in_the_buyers_currency", notice::NEW_ORDER),
    ("needs_attention", notice::NEEDS_ATTENTION),
];

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

fn order() -> OrderView {
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
    OrderView {
        key: SessionKey::parse("cs_test_a1b2c3").unwrap(),
        session: 1,
        status: Status::NeedsAttention,
        reason: Some("not enough stock of SHIRT".into()),
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
        ],
        deliveries: Vec::new(),
        timeline: Vec::new(),
        events: Vec::new(),
    }
}

fn shop() -> Shop {
    Shop { public_url: Some("https://shop.example".into()), language: None }
}

fn parcel_input() -> BTreeMap<String, String> {
    [("carrier", "Post"), ("tracking", "RR123456785AT"), ("url", "https://post.example/t?n=RR1")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn every_mail_in_every_language_is_as_it_was_looked_at() {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/actions/mail/letter/snapshots");
    let mut changed = Vec::new();
    for words in words::ALL {
        for (name, kind) in MAILS {
            let mut order = order();
            order.sale.locale = Some(words.lang.into());
            if name.ends_with("currency") {
                order.sale.presentment =
                    Some(Presentment { amount: 50_712_345, currency: "huf".into() });
            }
            let input = if kind == notice::SHIPPED { parcel_input() } else { BTreeMap::new() };
            let shop = Shop { language: Some(words), ..shop() };
            let letter = Letter::write(kind, &order, &input, &shop).unwrap();
            for (end, text) in [
                ("txt", format!("Subject: {}\n\n{}\n", letter.subject, letter.text)),
                ("html", letter.html.clone() + "\n"),
            ] {
                let path = folder.join(words.lang).join(format!("{name}.{end}"));
                if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    let new = path.with_extension(format!("{end}.new"));
                    fs::write(&new, text).unwrap();
                    changed.push(new.display().to_string());
                }
            }
        }
    }
    assert!(
        changed.is_empty(),
        "look at these, and take off .new if they are right:\n{}",
        changed.join("\n")
    );
}

#[test]
fn case_26_a_buyer_is_told_what_the_buyer_paid() {
    let mut order = order();
    order.sale.presentment = Some(Presentment { amount: 1_050, currency: "huf".into() });
    let write = |kind| Letter::write(kind, &order, &BTreeMap::new(), &shop()).unwrap().text;
    let (buyers, merchants) = (write(notice::RECEIPT), write(notice::NEW_ORDER));
    assert!(buyers.contains("HUF\u{a0}10.50") && !buyers.contains('€'), "{buyers}");
    assert!(merchants.contains("€1,238.50") && merchants.contains("HUF\u{a0}10.50"), "{merchants}");
}

#[test]
fn nothing_a_buyer_types_becomes_markup_or_another_line() {
    let mut order = order();
    let evil = "<script>alert(1)</script>\r\nBcc: eve@example.com\u{202e}\u{2028}x";
    order.sale.customer.name = Some(evil.into());
    order.sale.lines[0].description = Some(evil.into());
    order.sale.shipping.as_mut().unwrap().address.line1 = Some(evil.into());
    order.effects[0].url = Some("javascript:alert(1)".into());
    for (_, kind) in MAILS {
        let letter = Letter::write(kind, &order, &parcel_input(), &shop()).unwrap();
        assert!(!letter.html.contains("<script") && !letter.html.contains("javascript:"), "{kind}");
        assert!(!letter.text.contains("\nBcc") && !letter.subject.contains(['\r', '\n']), "{kind}");
        assert!(!letter.text.contains(['\u{202e}', '\u{2028}']), "{kind}");
    }
}

#[test]
fn names_from_right_to_left_and_emoji_stay_themselves() {
    let mut order = order();
    order.sale.customer.name = Some("שרה 👩‍🚀".into());
    let letter = Letter::write(notice::RECEIPT, &order, &BTreeMap::new(), &shop()).unwrap();
    assert!(letter.text.starts_with("Hello שרה 👩‍🚀,"), "{}", letter.text);
}

#[test]
fn what_was_waived_or_removed_is_not_written_of() {
    for (_, kind) in MAILS {
        let letter = Letter::write(kind, &order(), &BTreeMap::new(), &shop()).unwrap();
        assert!(
            !letter.text.contains("waived-access") && !letter.text.contains("Removed"),
            "{kind}"
        );
    }
}
