use std::collections::BTreeMap;

use fulfill_rules::notice;
use proptest::prelude::*;

use super::*;
use crate::{
    actions::mail::{ORDER_KINDS, Server, letter::is_to_merchant, samples},
    store::OrderView,
};

#[test]
fn an_address_is_one_and_carries_no_header() {
    for (text, shown) in [
        ("shop@example.com", "shop@example.com"),
        ("The Shop <shop@example.com>", "\"The Shop\" <shop@example.com>"),
        ("shop@пример.рф", "shop@xn--e1afmkfd.xn--p1ai"),
    ] {
        let shown_here = mailbox(text).unwrap().to_string();
        assert_eq!(shown_here.replace('"', ""), shown.replace('"', ""));
    }
    for bad in [
        "shop",
        "@example.com",
        "shop@",
        "Shop <shop>",
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "a@b.example, c@d.example",
        "<a@b.example> SIZE=1",
    ] {
        assert!(mailbox(bad).is_err(), "{bad}");
    }
}

/// An order with this text wherever a buyer, a merchant or Stripe can put one.
fn order_of(text: &str) -> (OrderView, BTreeMap<String, String>) {
    let mut order = samples::order();
    let some = || Some(text.to_owned());
    let sale = &mut order.sale;
    sale.customer.name = some();
    sale.customer.phone = some();
    sale.lines.iter_mut().for_each(|line| line.description = some());
    if let Some(shipping) = &mut sale.shipping {
        let to = &mut shipping.address;
        shipping.name = some();
        (to.line1, to.line2, to.city) = (some(), some(), some());
        (to.state, to.postal_code, to.country) = (some(), some(), some());
    }
    order.reason = some();
    for effect in &mut order.effects {
        effect.value = some();
        effect.url = Some(format!("https://example.com/{text}"));
    }
    let input = ["carrier", "tracking", "url"].map(|name| (name.to_owned(), text.to_owned()));
    (order, input.into())
}

fn written(kind: &str, text: &str) -> (Letter, String) {
    let mail = Mail::new(Server::parse("smtp://localhost").unwrap(), "shop@example.com").unwrap();
    let mail = mail.public_url("https://shop.example").merchant("kim@shop.example").unwrap();
    let (order, input) = order_of(text);
    let letter = Letter::write(kind, &order, &input, &mail.shop).unwrap();
    let name = Some(one_line(text)).filter(|name| !name.is_empty());
    let to = Mailbox::new(name, "ann@example.com".parse().unwrap());
    let sent = message(&mail, "key", 0, letter.clone(), to, is_to_merchant(kind)).unwrap();
    (letter, String::from_utf8(sent.formatted()).unwrap())
}

/// Names of the headers of a message, in their order.
fn headers(raw: &str) -> Vec<String> {
    let head = raw.split("\r\n\r\n").next().unwrap();
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    lines.map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

/// The names of all tags and attributes, in their order.
fn markup(html: &str) -> Vec<String> {
    let tags = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap());
    tags.map(|tag| tag.split('"').step_by(2).collect::<String>()).collect()
}

const EVIL: [&str; 6] = [
    "x\r\nBcc: eve@example.com\r\n\r\n<p>",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='x",
    "{{ 7 * 7 }}{% include 'layout.txt' %}",
    "x\u{202e}\u{2028}\u{85}\u{0}y",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn no_field_becomes_a_header_or_markup(
        head in "[\\PC\r\n<>\"'&:;=@{}%]{0,40}",
        evil in 0..EVIL.len(),
        tail in "[\\PC\r\n<>\"'&:;=@{}%]{0,40}",
    ) {
        let text = format!("{head}x{}{tail}", EVIL[evil]);
        for kind in ORDER_KINDS {
            let (letter, raw) = written(kind, &text);
            let (plain, plain_raw) = written(kind, "x");
            prop_assert_eq!(headers(&raw), headers(&plain_raw), "{}", kind);
            prop_assert!(!letter.subject.contains(['\r', '\n']));
            let links = |markup: Vec<String>| -> Vec<String> {
                // A text that makes a web address none takes its link with it.
                markup.into_iter().filter(|tag| !tag.starts_with("a ") && tag != "/a").collect()
            };
            prop_assert!(!letter.html.to_lowercase().contains("<script"));
            let (evil, harmless) = (links(markup(&letter.html)), links(markup(&plain.html)));
            let known: std::collections::BTreeSet<&String> = harmless.iter().collect();
            for tag in &evil {
                prop_assert!(known.contains(tag) || tag.starts_with("p ") || tag == "/p", "{}: {}", kind, tag);
            }
        }
    }
}

#[test]
fn texts_are_flowed_and_say_so() {
    let (_, raw) = written(notice::PAYMENT_PENDING, "Ann");
    assert!(raw.contains("format=flowed"), "{raw}");
}

#[test]
fn another_key_is_another_mail() {
    assert_eq!(id("cs_test_1.mail.receipt"), id("cs_test_1.mail.receipt"));
    assert_ne!(id("cs_test_1.mail.receipt"), id("cs_test_1.mail.receipt.1"));
}
