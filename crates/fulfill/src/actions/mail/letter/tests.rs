use std::{fs, path::PathBuf};

use fulfill_rules::fact::Presentment;
use jiff::civil::date;

use super::*;
use crate::actions::mail::samples::{free, full_day, link, order, parcel, parcel_of_a_part};

/// What is looked at: every kind, and what is special about some of its orders.
const MAILS: [(&str, &str); 12] = [
    ("link", notice::LINK),
    ("receipt", notice::RECEIPT),
    ("receipt_in_the_buyers_currency", notice::RECEIPT),
    ("receipt_free", notice::RECEIPT),
    ("access", notice::ACCESS),
    ("payment_pending", notice::PAYMENT_PENDING),
    ("payment_failed", notice::PAYMENT_FAILED),
    ("shipped", notice::SHIPPED),
    ("shipped_in_parts", notice::SHIPPED),
    ("new_order", notice::NEW_ORDER),
    ("new_order_in_the_buyers_currency", notice::NEW_ORDER),
    ("needs_attention", notice::NEEDS_ATTENTION),
];

fn shop() -> Shop {
    let brand = Arc::new(Brand::default().name("Fern & Fable").unwrap());
    Shop { public_url: Some("https://shop.example".into()), brand, ..Shop::default() }
}

fn compare(lang: &str, name: &str, letter: &Letter, changed: &mut Vec<String>) {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/actions/mail/letter/snapshots");
    for (end, text) in [
        ("txt", format!("Subject: {}\n\n{}\n", letter.subject, letter.text)),
        ("html", letter.html.clone() + "\n"),
    ] {
        let path = folder.join(lang).join(format!("{name}.{end}"));
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let new = path.with_extension(format!("{end}.new"));
            fs::write(&new, text).unwrap();
            changed.push(new.display().to_string());
        }
    }
}

#[test]
fn every_mail_in_every_language_is_as_it_was_looked_at() {
    let mut changed = Vec::new();
    for words in words::ALL {
        for (name, kind) in MAILS {
            let mut order = if name.ends_with("free") { free() } else { order() };
            order.sale.locale = Some(words.lang.into());
            if name.ends_with("currency") {
                order.sale.presentment =
                    Some(Presentment { amount: 50_712_345, currency: "huf".into() });
            }
            let input = match kind {
                notice::SHIPPED if name.ends_with("parts") => parcel_of_a_part(),
                notice::SHIPPED => parcel(),
                notice::LINK => link(),
                _ => BTreeMap::new(),
            };
            let shop = Shop { language: Some(words), ..shop() };
            let letter = Letter::write(kind, &order, &input, &shop).unwrap();
            compare(words.lang, name, &letter, &mut changed);
        }
        let shop = Shop { language: Some(words), ..shop() };
        let letter = Letter::summary(&full_day(), date(2027, 3, 7), true, &shop).unwrap();
        compare(words.lang, "summary", &letter, &mut changed);
    }
    assert!(
        changed.is_empty(),
        "look at these, and take off .new if they are right:\n{}",
        changed.join("\n")
    );
}

#[test]
fn subjects_begin_or_end_with_the_shops_name_and_do_without_where_there_is_none() {
    let unnamed = Shop { brand: Arc::default(), ..shop() };
    for words in words::ALL {
        let subjects = |shop: &Shop| {
            let shop = Shop { language: Some(words), ..shop.clone() };
            let mut order = order();
            order.sale.locale = Some(words.lang.into());
            let mut all: Vec<String> = MAILS
                .into_iter()
                .map(|(_, kind)| {
                    Letter::write(kind, &order, &BTreeMap::new(), &shop).unwrap().subject
                })
                .collect();
            let day = Letter::summary(&full_day(), date(2027, 3, 7), true, &shop).unwrap();
            all.push(day.subject);
            all
        };
        for subject in subjects(&shop()) {
            let name = "Fern & Fable";
            assert!(subject.starts_with(name) || subject.ends_with(name), "{subject}");
            assert_eq!(subject.matches(name).count(), 1, "{subject}");
        }
        let plain = subjects(&unnamed);
        assert!(plain.iter().all(|subject| !subject.contains("Fern")), "{plain:?}");
        let usual = ["Thank you for your order", "Vielen Dank für Ihre Bestellung"];
        assert!(usual.contains(&plain[1].as_str()), "{plain:?}");
    }
}

#[test]
fn a_corrected_number_is_told_in_the_mail_about_its_own_parcel() {
    let mut order = order();
    let parcel = |line: &str, number: &str| Effect {
        line: line.to_owned(),
        status: EffectStatus::Shipped,
        subject: "Post".to_owned(),
        value: Some(number.to_owned()),
        ..order.effects.iter().find(|e| e.kind == EffectKind::Parcel).unwrap().clone()
    };
    order.effects = vec![parcel("li_1", "RR-1"), parcel("li_2", "RR-2"), parcel("li_3", "RR-3")];
    let told = |lines: &str| {
        let mut input = parcel_of_a_part();
        input.insert(LINES.to_owned(), lines.to_owned());
        let letter = Letter::write(notice::SHIPPED, &order, &input, &shop()).unwrap();
        let told = |text: &str| ["RR-1", "RR-2", "RR-3"].map(|number| text.contains(number));
        assert!(!letter.text.contains(&input["tracking"]), "what it was before");
        assert_eq!(told(&letter.text), told(&letter.html));
        told(&letter.text)
    };
    assert_eq!(told("li_2"), [false, true, false]);
    assert_eq!(told("li_1 li_3"), [true, false, true]);
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
    order.sale.custom_fields[0].label = evil.into();
    order.sale.custom_fields[0].value = evil.into();
    order.sale.custom_fields[1].chosen = Some(evil.into());
    order.effects[0].url = Some("javascript:alert(1)".into());
    for (_, kind) in MAILS {
        let letter = Letter::write(kind, &order, &parcel(), &shop()).unwrap();
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
