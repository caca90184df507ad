//! What a price can say.

use fulfill_sandbox::{Method as Pays, Purchase};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{stage::Stage, terms::price};

async fn session(stage: &Stage, price: &str, quantity: i64, more: &str) -> Value {
    let form = format!(
        "mode=payment&success_url=http://x&line_items[0][price]={price}&line_items[0][quantity]={quantity}{more}"
    );
    stage.post("/v1/checkout/sessions", &form).await
}

#[tokio::test]
async fn fractions_of_a_cent_add_up_and_are_rounded_once() {
    let stage = Stage::new().await;
    let form = "currency=eur&unit_amount_decimal=0.5&product_data[name]=Sheet";
    let sheet = stage.post("/v1/prices", form).await;
    assert_eq!(
        (&sheet["unit_amount"], &sheet["unit_amount_decimal"]),
        (&Value::Null, &json!("0.5"))
    );
    let id = sheet["id"].as_str().unwrap();
    assert_eq!(session(&stage, id, 101, "").await["amount_total"], 51);
    assert_eq!(session(&stage, id, 1000, "").await["amount_total"], 500);
}

#[tokio::test]
async fn a_price_for_a_dozen_counts_dozens() {
    let stage = Stage::new().await;
    let dozen =
        price(&stage, 600, "transform_quantity[divide_by]=12&transform_quantity[round]=up").await;
    assert_eq!(session(&stage, &dozen, 25, "").await["amount_total"], 1800);
    let whole =
        price(&stage, 600, "transform_quantity[divide_by]=12&transform_quantity[round]=down").await;
    assert_eq!(session(&stage, &whole, 25, "").await["amount_total"], 1200);
}

#[tokio::test]
async fn the_session_chooses_among_a_prices_currencies() {
    let stage = Stage::new().await;
    let tea = price(&stage, 1000, "currency_options[usd][unit_amount]=1150").await;
    let dollars = session(&stage, &tea, 2, "&currency=usd").await;
    assert_eq!((&dollars["amount_total"], &dollars["currency"]), (&json!(2300), &json!("usd")));
    assert_eq!(session(&stage, &tea, 1, "").await["amount_total"], 1000);
    let shown = stage.get(&format!("/v1/prices/{tea}?expand[]=currency_options")).await;
    assert_eq!(shown["currency_options"]["usd"]["unit_amount"], 1150);
    assert!(stage.get(&format!("/v1/prices/{tea}")).await.get("currency_options").is_none());
    let form = format!(
        "mode=payment&success_url=http://x&line_items[0][price]={tea}&line_items[0][quantity]=1&currency=gbp"
    );
    let (_, error) = stage.refused(Method::POST, "/v1/checkout/sessions", &form).await;
    assert_eq!(error["param"], "line_items[0][price]");
}

#[tokio::test]
async fn the_buyer_chooses_the_amount_within_its_bounds() {
    let stage = Stage::new().await;
    let form = "currency=eur&product_data[name]=Gift&custom_unit_amount[enabled]=true&custom_unit_amount[minimum]=500&custom_unit_amount[preset]=1000&custom_unit_amount[maximum]=5000";
    let gift = stage.post("/v1/prices", form).await;
    assert_eq!(
        (&gift["unit_amount"], &gift["custom_unit_amount"]["preset"]),
        (&Value::Null, &json!(1000))
    );
    let made = session(&stage, gift["id"].as_str().unwrap(), 1, "&expand[]=line_items").await;
    assert_eq!(made["amount_total"], 1000);
    let (id, line) =
        (made["id"].as_str().unwrap(), made["line_items"]["data"][0]["id"].as_str().unwrap());
    let give = |amount| {
        let purchase =
            Purchase { amounts: [(line.to_owned(), amount)].into(), ..Purchase::default() };
        stage.sandbox.pay(id, Pays::Card, purchase).map_err(|error| error.to_string())
    };
    assert_eq!(give(499).unwrap_err(), format!("amount[{line}]: Choose at least €5.00."));
    assert_eq!(give(5001).unwrap_err(), format!("amount[{line}]: Choose at most €50.00."));
    give(1234).unwrap();
    let done = stage.retrieve(id).await;
    assert_eq!(
        (&done["amount_total"], &done["payment_intent"]["amount"]),
        (&json!(1234), &json!(1234))
    );
}

#[tokio::test]
async fn prices_are_listed_by_what_they_say() {
    let stage = Stage::new().await;
    let (_, month, year) = (
        price(&stage, 1, "").await,
        price(&stage, 2, "recurring[interval]=month").await,
        price(&stage, 3, "recurring[interval]=year").await,
    );
    let ids = async |query: &str| {
        let list = stage.get(&format!("/v1/prices?{query}")).await;
        let ids = list["data"].as_array().unwrap().iter();
        ids.map(|price| price["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("type=recurring").await, [year.clone(), month.clone()]);
    assert_eq!(ids("recurring[interval]=year").await, [year]);
    assert_eq!(ids("type=recurring&recurring[interval]=month").await, [month]);
    for (form, param) in [
        ("billing_scheme=tiered", "billing_scheme"),
        ("tiers_mode=volume", "tiers"),
        ("unit_amount=1&unit_amount_decimal=1", "unit_amount_decimal"),
        ("unit_amount_decimal=1.0000000000001", "unit_amount_decimal"),
        (
            "unit_amount=1&recurring[interval]=year&recurring[interval_count]=4",
            "recurring[interval_count]",
        ),
        (
            "unit_amount=1&transform_quantity[divide_by]=0&transform_quantity[round]=up",
            "transform_quantity[divide_by]",
        ),
        ("unit_amount=1&currency_options[usd][amount]=1", "currency_options[usd][unit_amount]"),
    ] {
        let form = format!("currency=eur&product_data[name]=x&{form}");
        assert_eq!(
            stage.refused(Method::POST, "/v1/prices", &form).await.1["param"],
            param,
            "{form}"
        );
    }
}

#[tokio::test]
async fn products_keep_what_they_are_given_and_are_found_by_it() {
    let stage = Stage::new().await;
    stage.post("/v1/products", "id=a&name=A&url=http://shop.example/a&statement_descriptor=1234&shippable=true&package_dimensions[height]=1.5&package_dimensions[length]=2&package_dimensions[weight]=3&package_dimensions[width]=4&marketing_features[0][name]=Green").await;
    stage.post("/v1/products", "id=b&name=B&active=false").await;
    let ids = async |query: &str| {
        let list = stage.get(&format!("/v1/products?{query}")).await;
        let ids = list["data"].as_array().unwrap().iter();
        ids.map(|product| product["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("url=http://shop.example/a", &["a"][..]),
        ("shippable=true", &["a"]),
        ("active=false", &["b"]),
        ("ids[]=a&ids[]=b", &["b", "a"]),
        ("ids[]=a&active=false", &[]),
    ] {
        assert_eq!(ids(query).await, expected, "{query}");
    }
    let product = stage.get("/v1/products/a").await;
    assert_eq!(product["statement_descriptor"], "1234");
    assert_eq!(product["package_dimensions"]["height"], 1.5);
    let tea = price(&stage, 1, "").await;
    let (_, error) =
        stage.refused(Method::POST, "/v1/products/a", &format!("default_price={tea}")).await;
    assert_eq!(error["param"], "default_price");
}
