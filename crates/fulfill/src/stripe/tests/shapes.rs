use fulfill_rules::fact::{Address, CustomField, Fact, Intent, Presentment, gate};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{line, retrieve_from, retrieved, session};
use crate::stripe::{
    Retrieved, lenient,
    sale::{sale, seen},
    shapes::Session,
};

/// The session with these fields set over it.
fn with(fields: Value) -> Value {
    let mut session = session(&[line(1)], false);
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    session.as_object_mut().unwrap().extend(fields);
    session
}

fn shipping(line1: &str) -> Value {
    json!({ "name": "Ada", "carrier": null, "address": { "line1": line1, "line2": null,
        "city": "Köln", "state": null, "postal_code": "50667", "country": "DE" } })
}

fn nowhere() -> Value {
    json!({ "name": null, "address": { "line1": null, "country": null } })
}

#[tokio::test]
async fn case_17_the_address_is_found_in_all_four_places_in_order() {
    let pi = |place: Value| json!({ "id": "pi_1", "status": "succeeded", "shipping": place });
    for (version, fields) in [
        (
            "newest",
            json!({ "collected_information": { "shipping_details": shipping("here") },
            "shipping_details": shipping("no"), "payment_intent": pi(shipping("no")) }),
        ),
        (
            "2025-03-31.basil",
            json!({ "shipping_cost": null,
            "collected_information": { "shipping_details": shipping("here") } }),
        ),
        (
            "2023-10-16",
            json!({ "collected_information": null, "shipping": shipping("no"),
            "shipping_details": shipping("here") }),
        ),
        ("2022-11-15", json!({ "shipping_details": shipping("here") })),
        ("before 2022-08-01", json!({ "shipping": shipping("here") })),
        ("the payment's", json!({ "payment_intent": pi(shipping("here")) })),
        (
            "empty ones are passed over",
            json!({
            "collected_information": { "shipping_details": nowhere() }, "shipping": {},
            "shipping_details": 7, "payment_intent": pi(shipping("here")) }),
        ),
    ] {
        let found = retrieved(&with(fields)).await.sale.shipping.unwrap();
        assert_eq!(found.name.as_deref(), Some("Ada"), "{version}");
        let expected = Address {
            line1: Some("here".into()),
            city: Some("Köln".into()),
            postal_code: Some("50667".into()),
            country: Some("DE".into()),
            ..Address::default()
        };
        assert_eq!(found.address, expected, "{version}");
    }
    assert_eq!(retrieved(&session(&[line(1)], false)).await.sale.shipping, None);
}

#[tokio::test]
async fn the_buyer_is_found_wherever_stripe_names_them() {
    for (fields, expected) in [
        (json!({ "customer": "cus_1" }), ("cus_1", "buyer@example.com", "Ada")),
        (
            json!({ "customer": { "id": "cus_1", "object": "customer", "email": "no" } }),
            ("cus_1", "buyer@example.com", "Ada"),
        ),
        (json!({ "customer_account": "acct_1" }), ("acct_1", "buyer@example.com", "Ada")),
        (
            json!({ "customer_details": null, "customer_email": "given@example.com" }),
            ("", "given@example.com", ""),
        ),
        (
            json!({ "customer_details": { "email": null, "business_name": "Ada Ltd" },
            "customer_email": "given@example.com" }),
            ("", "given@example.com", "Ada Ltd"),
        ),
        (
            json!({ "customer_details": { "name": null, "individual_name": "Ada L" } }),
            ("", "", "Ada L"),
        ),
    ] {
        let buyer = retrieved(&with(fields.clone())).await.sale.customer;
        let text = |field: Option<String>| field.unwrap_or_default();
        let found = (text(buyer.id), text(buyer.email), text(buyer.name));
        assert_eq!((&*found.0, &*found.1, &*found.2), expected, "{fields}");
    }
}

#[tokio::test]
async fn the_payment_intent_is_read_in_every_form() {
    for (intent, expected, id) in [
        (json!(null), Intent::Absent, None),
        (json!("pi_1"), Intent::NotReadable, Some("pi_1")),
        (json!(7), Intent::NotReadable, None),
        (json!({ "id": "pi_1" }), Intent::NotReadable, Some("pi_1")),
        (
            json!({ "id": "pi_1", "status": "brand_new" }),
            Intent::Status("brand_new".into()),
            Some("pi_1"),
        ),
    ] {
        let found = retrieved(&with(json!({ "payment_intent": intent }))).await;
        assert_eq!(
            (found.seen.intent, found.sale.payment_intent.as_deref()),
            (expected, id),
            "{intent}"
        );
    }
}

#[tokio::test]
async fn a_missing_status_with_paid_comes_through() {
    let mut paid = session(&[line(1)], false);
    paid.as_object_mut().unwrap().remove("status");
    let found = retrieved(&paid).await;
    assert_eq!(found.seen.status, None);
    assert_eq!(gate(&found.seen), Fact::Paid);
}

#[tokio::test]
async fn unknown_values_come_through_in_stripes_words() {
    let fields = json!({ "status": "brand_new", "payment_status": "half_paid", "mode": "barter" });
    let seen = retrieved(&with(fields)).await.seen;
    let words = [seen.status, seen.payment_status, seen.mode].map(Option::unwrap);
    assert_eq!(words, ["brand_new", "half_paid", "barter"]);
}

#[tokio::test]
async fn case_26_what_the_buyer_saw_and_paid_is_kept_beside_the_settlement() {
    let fields = json!({ "presentment_details":
        { "presentment_amount": 1_234, "presentment_currency": "JPY" } });
    let sale = retrieved(&with(fields)).await.sale;
    assert_eq!(sale.presentment, Some(Presentment { amount: 1_234, currency: "jpy".into() }));
    assert_eq!((sale.amount_total, sale.currency.as_deref()), (Some(1_000), Some("eur")));
}

/// A custom field that is typed in, as Stripe has it.
fn typed(kind: &str, key: &str, value: impl Into<Value>) -> Value {
    json!({ "key": key, "type": kind, "optional": true,
        "label": { "custom": format!("Your {key}"), "type": "custom" },
        kind: { "default_value": null, "maximum_length": null, "minimum_length": null,
            "value": value.into() } })
}

fn chosen(value: impl Into<Value>) -> Value {
    json!({ "key": "color", "type": "dropdown", "optional": false,
        "label": { "custom": "Color", "type": "custom" },
        "dropdown": { "default_value": null, "value": value.into(), "options": [
            { "label": "Red", "value": "red" }, { "label": "Light blue", "value": "blue" }] } })
}

fn answer(key: &str, label: &str, value: &str, chosen: Option<&str>) -> CustomField {
    let [key, label, value] = [key, label, value].map(str::to_owned);
    CustomField { key, label, value, chosen: chosen.map(str::to_owned) }
}

#[tokio::test]
async fn what_a_buyer_filled_in_is_kept_and_what_was_left_empty_is_not() {
    let unnamed = json!({ "key": "size", "text": { "value": "L" } });
    let fields = json!({ "custom_fields": [
        typed("text", "engraving", "For Ada"), typed("numeric", "year", "1843"), chosen("blue"),
        typed("text", "note", json!(null)), typed("text", "blank", " "), chosen(json!(null)),
        chosen("gone"), unnamed, "odd", { "key": "kind", "type": "brand_new" },
    ] });
    assert_eq!(
        retrieved(&with(fields)).await.sale.custom_fields,
        [
            answer("engraving", "Your engraving", "For Ada", None),
            answer("year", "Your year", "1843", None),
            answer("color", "Color", "blue", Some("Light blue")),
            answer("color", "Color", "gone", None),
            answer("size", "size", "L", None),
        ]
    );
    assert_eq!(retrieved(&session(&[line(1)], false)).await.sale.custom_fields, []);
}

#[tokio::test]
async fn custom_fields_are_a_handful_and_their_lengths_limited() {
    let long = "ü".repeat(5_000);
    let fields: Vec<Value> = (0..50).map(|_| typed("text", &long, long.as_str())).collect();
    let kept = retrieved(&with(json!({ "custom_fields": fields }))).await.sale.custom_fields;
    assert_eq!(kept.len(), 10);
    let lengths = [&kept[9].key, &kept[9].label, &kept[9].value].map(|text| text.chars().count());
    assert_eq!(lengths, [200, 100, 300]);
}

#[tokio::test]
async fn case_29_metadata_of_product_price_and_line_the_line_winning() {
    let mut item = line(1);
    item["price"]["product"]["metadata"] =
        json!({ "a": "product", "b": "product", "c": "product" });
    item["price"]["metadata"] = json!({ "b": "price", "c": "price", "odd": 7 });
    item["price"]["lookup_key"] = json!("course");
    item["metadata"] = json!({ "c": "line" });
    let line = retrieved(&session(&[item], false)).await.sale.lines.remove(0);
    let metadata: Vec<_> = line.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(metadata, [("a", "product"), ("b", "price"), ("c", "line")]);
    assert_eq!(line.lookup_key.as_deref(), Some("course"));
    assert_eq!((line.product.as_deref(), line.price.as_deref()), (Some("prod_1"), Some("price_1")));
}

#[tokio::test]
async fn case_30_the_quantity_is_the_finished_sessions() {
    for (quantity, expected) in [
        (json!(7), Some(7)),
        (json!(0), Some(0)),
        (json!("3"), Some(3)),
        (json!(null), None),
        (json!(1.5), None),
        (json!(-1), None),
    ] {
        let mut item = line(1);
        item["quantity"] = quantity.clone();
        let units = retrieved(&session(&[item], false)).await.sale.lines[0].units();
        assert_eq!(units, expected, "{quantity}");
    }
}

#[tokio::test]
async fn what_is_billed_by_use_has_no_quantity_and_counts_as_one() {
    let mut item = line(1);
    item["quantity"] = json!(null);
    item["price"]["recurring"] = json!({ "interval": "month", "usage_type": "metered" });
    assert_eq!(retrieved(&session(&[item], false)).await.sale.lines[0].units(), Some(1));
}

#[tokio::test]
async fn lines_are_read_with_whatever_they_have() {
    let mut unexpanded = line(1);
    unexpanded["price"]["product"] = json!("prod_1");
    let mut deleted = line(2);
    deleted["price"]["product"] = json!({ "id": "prod_2", "object": "product", "deleted": true });
    let mut unnamed = line(3);
    unnamed["description"] = json!(null);
    let bare = json!({ "price": null });
    let sale = retrieved(&session(&[unexpanded, deleted, unnamed, bare], false)).await.sale;
    let products: Vec<_> = sale.lines.iter().map(|line| line.product.as_deref()).collect();
    assert_eq!(products, [Some("prod_1"), Some("prod_2"), Some("prod_3"), None]);
    assert_eq!(sale.lines[2].description.as_deref(), Some("Product 3"));
    assert_eq!((sale.lines[3].id.as_str(), sale.lines[3].quantity), ("line-4", 1));
}

#[tokio::test]
async fn metadata_is_kept_as_it_was_written() {
    let text = |fields| async { retrieved(&with(fields)).await.sale.metadata };
    let kept = text(json!({ "metadata": { "z": "ü", "a": "<b>" } })).await;
    assert_eq!(kept.as_deref(), Some(r#"{"z":"ü","a":"<b>"}"#));
    for none in [json!({}), json!(null), json!("text"), json!([1])] {
        assert_eq!(text(json!({ "metadata": none })).await, None);
    }
}

#[tokio::test]
async fn text_that_postgresql_cannot_hold_is_replaced() {
    let sale = retrieved(&with(json!({ "client_reference_id": "a\u{0}b" }))).await.sale;
    assert_eq!(sale.client_reference_id.as_deref(), Some("a\u{fffd}b"));
}

#[tokio::test]
async fn half_an_emoji_makes_no_session_unreadable() {
    let mut item = line(1);
    item["description"] = json!("cut");
    let mut whole = session(&[item], false);
    whole["client_reference_id"] = json!("cut");
    whole["metadata"] = json!({ "note": "cut" });
    let written = r"\ud83d\ude00 \\ud83d \uD83D\u0041 \udc00 \u00fc \ud83d";
    let read = r"😀 \ud83d �A � ü �";
    let body = whole.to_string().replace("cut", written);
    let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json");
    let Retrieved { sale, raw, .. } = retrieve_from(answer).await.unwrap();
    assert_eq!(sale.lines[0].description.as_deref(), Some(read));
    assert_eq!(sale.client_reference_id.as_deref(), Some(read));
    for kept in [sale.metadata.unwrap().as_bytes(), &raw] {
        let kept: Value = serde_json::from_slice(kept).expect("what is kept can be read, too");
        let note = kept["metadata"]["note"].as_str().or(kept["note"].as_str());
        assert_eq!(note, Some(read));
    }
    let whole = whole.to_string();
    assert!(matches!(lenient::mended(whole.as_bytes()), std::borrow::Cow::Borrowed(_)));
    for odd in [r"\", r"\u", r"\ud8", r"\ud800", r"\ud800\", r"\ud800\udc0", r"\uzzzz"] {
        let mended = lenient::mended(odd.as_bytes()).into_owned();
        assert_eq!(mended.len(), odd.len(), "{odd}");
    }
}

/// Every field, at any depth, in turn replaced by values of every type.
#[test]
fn case_16_no_field_of_another_type_fails_a_paid_session() {
    let whole = with(json!({ "shipping": shipping("x"), "payment_link": "plink_1",
        "collected_information": { "shipping_details": shipping("y") }, "locale": "de",
        "custom_fields": [typed("text", "engraving", "For Ada"), chosen("blue")] }));
    let mut pointers = Vec::new();
    paths(&whole, String::new(), &mut pointers);
    assert!(pointers.len() > 40);
    for pointer in pointers.iter().filter(|path| *path != "/payment_status") {
        for odd in
            ["null", "1.5", "-7", "18446744073709551615", "true", "\"x\"", "[[]]", "{\"x\":{}}"]
        {
            let mut session = whole.clone();
            *session.pointer_mut(pointer).unwrap() = odd.parse().unwrap();
            let text = session.to_string();
            let mut read: Session = lenient::read(text.as_bytes()).unwrap().unwrap();
            assert_eq!(gate(&seen(&read)), Fact::Paid, "{pointer} = {odd}");
            let lines = read.line_items.take().and_then(|list| list.data);
            sale(read, None, lines.map(|items| items.read).unwrap_or_default());
        }
    }
}

fn paths(value: &Value, at: String, into: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let path = format!("{at}/{name}");
        paths(child, path.clone(), into);
        into.push(path);
    }
}
