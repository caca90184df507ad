//! Objects have the shape of the version that is asked for; another version gets the nearest older
//! one.

use fulfill_sandbox::{Method as Pays, PostalAddress, Purchase, ShipTo};
use reqwest::Method;
use serde_json::Value;

use crate::stage::{Stage, read};

const VERSIONS: [&str; 5] =
    ["2022-11-15", "2023-10-16", "2025-03-31.basil", "2026-04-22.dahlia", "2026-10-28.endive"];

async fn at(stage: &Stage, version: &str, path: &str) -> Value {
    let request = stage.request(Method::GET, path).header("Stripe-Version", version);
    let (status, value) = read(request.send().await.unwrap()).await;
    assert_eq!(status, 200, "{version} {path}: {value}");
    value
}

/// What a pointer finds in each of [`VERSIONS`]: `-` nothing, `null`, `x` something.
async fn found(stage: &Stage, path: &str, pointer: &str) -> String {
    let mut found = Vec::new();
    for version in VERSIONS {
        let value = at(stage, version, path).await;
        found.push(match value.pointer(pointer) {
            None => "-".to_owned(),
            Some(Value::Null) => "null".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(_) => "x".to_owned(),
        });
    }
    found.join(" ")
}

#[tokio::test]
async fn what_moved_stands_where_each_version_has_it() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=TEN&percent_off=10").await;
    let code =
        stage.post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=TEN").await;
    let id = stage
        .session("&shipping_address_collection[allowed_countries][]=DE&discounts[0][coupon]=TEN")
        .await;
    let address = PostalAddress {
        line1: Some("Weg 1".into()),
        country: Some("DE".into()),
        ..PostalAddress::default()
    };
    let shipping = Some(ShipTo { name: Some("Ann".into()), address });
    stage.sandbox.pay(&id, Pays::Card, Purchase { shipping, ..Purchase::default() }).unwrap();
    let session = format!("/v1/checkout/sessions/{id}?expand[]=total_details.breakdown");
    let code = format!("/v1/promotion_codes/{}", code["id"].as_str().unwrap());
    let discount = "/total_details/breakdown/discounts/0/discount";
    for (path, pointer, expected) in [
        (&session, "/shipping_details/name", "Ann Ann - - -"),
        (&session, "/collected_information/shipping_details/name", "- - Ann Ann Ann"),
        (&session, "/ui_mode", "hosted hosted hosted hosted_page hosted_page"),
        (&session, "/currency_conversion", "null null null - -"),
        (&session, "/customer_account", "- - - null null"),
        (&session, "/payment_method_types", "x x x x x"),
        (&session, &format!("{discount}/source/coupon"), "- - - TEN TEN"),
        (&session, &format!("{discount}/coupon/id"), "TEN TEN TEN - -"),
        (&session, "/discounts/0/coupon", "TEN TEN TEN TEN TEN"),
        (&code, "/promotion/coupon", "- - - TEN TEN"),
        (&code, "/coupon/id", "TEN TEN TEN - -"),
    ] {
        assert_eq!(found(&stage, path, pointer).await, expected, "{pointer}");
    }
    let before = at(&stage, "2020-08-27", &session).await;
    assert_eq!(before["shipping"]["name"], "Ann");
    assert_eq!(at(&stage, "2024-06-20", &session).await, at(&stage, "2023-10-16", &session).await);
}

#[tokio::test]
async fn parameters_belong_to_their_versions() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=TEN&percent_off=10").await;
    let session = "mode=payment&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=900&line_items[0][price_data][product_data][name]=Tea";
    let hosted = format!("{session}&success_url=http://x");
    let embedded = format!("{session}&return_url=http://x");
    let cases = [
        ("/v1/checkout/sessions", format!("{hosted}&payment_method_types[]=card"), "y y y y n"),
        ("/v1/checkout/sessions", format!("{hosted}&ui_mode=hosted"), "y y y n n"),
        ("/v1/checkout/sessions", format!("{hosted}&ui_mode=hosted_page"), "n n n y y"),
        ("/v1/checkout/sessions", format!("{embedded}&ui_mode=embedded"), "y y y n n"),
        ("/v1/checkout/sessions", format!("{embedded}&ui_mode=elements"), "n n n y y"),
        ("/v1/promotion_codes", "coupon=TEN".to_owned(), "y y y n n"),
        (
            "/v1/promotion_codes",
            "promotion[type]=coupon&promotion[coupon]=TEN".to_owned(),
            "n n n y y",
        ),
    ];
    for (path, form, expected) in cases {
        let mut taken = Vec::new();
        for version in VERSIONS {
            let request = stage.request(Method::POST, path).header("Stripe-Version", version);
            let (status, _) = read(request.body(form.clone()).send().await.unwrap()).await;
            taken.push(if status == 200 { "y" } else { "n" });
        }
        assert_eq!(taken.join(" "), expected, "{form}");
        stage.post(path, &form).await;
    }
}

#[tokio::test]
async fn every_object_and_event_has_the_shape_of_every_version() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=TEN&percent_off=10").await;
    stage.post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=TEN").await;
    let rate =
        "display_name=Post&type=fixed_amount&fixed_amount[amount]=500&fixed_amount[currency]=eur";
    stage.post("/v1/shipping_rates", rate).await;
    let form = "currency=usd&unit_amount=1500&recurring[interval]=month&product_data[name]=Paper";
    let price = stage.post("/v1/prices", form).await;
    let price = price["id"].as_str().unwrap();
    let form = "payment_method=pm_card_visa&coupon=TEN&source=tok_visa\
                &invoice_settings[default_payment_method]=pm_card_visa";
    let customer = stage.post("/v1/customers", form).await;
    let customer = customer["id"].as_str().unwrap();
    let form = format!("customer={customer}&items[0][price]={price}&coupon=TEN");
    stage.post("/v1/subscriptions", &form).await;
    let form = format!("line_items[0][price]={price}&line_items[0][quantity]=1");
    stage.post("/v1/payment_links", &form).await;
    let more = "&shipping_address_collection[allowed_countries][]=DE&discounts[0][coupon]=TEN";
    let paid = stage.session(more).await;
    let shipping = Some(ShipTo { name: None, address: PostalAddress::default() });
    stage.sandbox.pay(&paid, Pays::Card, Purchase { shipping, ..Purchase::default() }).unwrap();
    let intent = stage.retrieve(&paid).await["payment_intent"]["id"].take();
    stage
        .post("/v1/refunds", &format!("amount=100&payment_intent={}", intent.as_str().unwrap()))
        .await;
    stage.intent("pm_card_createDispute").await;
    stage.session("").await;
    stage.post("/v1/setup_intents", "payment_method=pm_card_visa&confirm=true").await;
    stage.post("/v1/webhook_endpoints", "url=http://shop.example/&enabled_events[]=*").await;
    for version in VERSIONS.into_iter().chain(["2020-08-27"]) {
        for path in [
            "/v1/checkout/sessions?expand[]=data.line_items&expand[]=data.payment_intent",
            &format!("/v1/checkout/sessions/{paid}?expand[]=total_details.breakdown"),
            &format!("/v1/checkout/sessions/{paid}?expand[]=payment_intent.latest_charge.refunds"),
            &format!("/v1/checkout/sessions/{paid}?expand[]=line_items.data.price.product"),
            "/v1/payment_links?expand[]=data.line_items",
            "/v1/payment_intents?expand[]=data.latest_charge.balance_transaction",
            "/v1/setup_intents?expand[]=data.payment_method",
            "/v1/charges?expand[]=data.payment_intent",
            "/v1/disputes?expand[]=data.charge",
            "/v1/refunds?expand[]=data.charge",
            "/v1/subscriptions?expand[]=data.customer&expand[]=data.default_payment_method",
            &format!("/v1/customers/{customer}/payment_methods"),
            &format!("/v1/customers/{customer}/sources"),
            "/v1/customers",
            "/v1/coupons",
            "/v1/events?limit=100",
            "/v1/plans",
            "/v1/prices?expand[]=data.product",
            "/v1/products",
            "/v1/promotion_codes",
            "/v1/shipping_rates",
            "/v1/webhook_endpoints",
        ] {
            let list = at(&stage, version, path).await;
            assert_ne!(list["data"], Value::Array(Vec::new()), "nothing at {path}");
        }
    }
}
