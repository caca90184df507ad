//! Coupons and promotion codes.

use std::time::Duration;

use fulfill_sandbox::{Method as Pays, Purchase};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    stage::{START_MS, Stage},
    terms::price,
};

const START: i64 = START_MS / 1000;

/// Pays a new session over 12 euro with a code.
async fn buy(stage: &Stage, more: &str, code: &str) -> Result<Value, String> {
    let id = stage.session(&format!("&allow_promotion_codes=true{more}")).await;
    let purchase = Purchase { promotion_code: Some(code.to_owned()), ..Purchase::default() };
    stage.sandbox.pay(&id, Pays::Card, purchase).map_err(|error| error.to_string())?;
    Ok(stage.retrieve(&id).await)
}

#[tokio::test]
async fn a_code_works_for_whom_when_and_as_often_as_it_says() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=HALF&percent_off=50&duration=once").await;
    let ann = stage.post("/v1/customers", "email=ann@example.com").await;
    let ann = ann["id"].as_str().unwrap();
    for more in [
        "code=ONCE&max_redemptions=1".to_owned(),
        format!("code=SOON&expires_at={}", START + 600),
        format!("code=ANN&customer={ann}"),
        "code=FIRST&restrictions[first_time_transaction]=true".to_owned(),
        "code=BIG&restrictions[minimum_amount]=1201&restrictions[minimum_amount_currency]=eur"
            .to_owned(),
        "code=OTHER&restrictions[minimum_amount]=1&restrictions[minimum_amount_currency]=usd"
            .to_owned(),
        "code=OFF&active=false".to_owned(),
    ] {
        stage
            .post(
                "/v1/promotion_codes",
                &format!("promotion[type]=coupon&promotion[coupon]=HALF&{more}"),
            )
            .await;
    }
    let as_ann = format!("&customer={ann}");
    assert_eq!(buy(&stage, "", "first").await.unwrap()["amount_total"], 600);
    for (more, code, expected) in [
        ("", "once", Ok(600)),
        ("", "ONCE", Err("This code has been used up.")),
        ("", "first", Err("This code is for a first order only.")),
        ("", "SOON", Ok(600)),
        ("", "ANN", Err("This code is for another customer.")),
        (&*as_ann, "ANN", Ok(600)),
        ("", "BIG", Err("This code needs an order of at least €12.01.")),
        ("", "OTHER", Err("This code is not for these items.")),
        ("", "OFF", Err("This code is invalid.")),
        ("", "NONE", Err("This code is invalid.")),
    ] {
        let got =
            buy(&stage, more, code).await.map(|session| session["amount_total"].as_i64().unwrap());
        let expected = expected.map_err(|text| format!("promotion_code: {text}"));
        assert_eq!(got, expected, "{code}");
    }
    stage.sandbox.advance(Duration::from_secs(601));
    assert_eq!(
        buy(&stage, "", "SOON").await.unwrap_err(),
        "promotion_code: This code has expired."
    );
    let used = stage.get("/v1/promotion_codes?code=once").await;
    assert_eq!(
        (&used["data"][0]["times_redeemed"], &used["data"][0]["active"]),
        (&json!(1), &json!(false))
    );
}

#[tokio::test]
async fn a_coupon_for_some_products_leaves_the_others_as_they_are() {
    let stage = Stage::new().await;
    stage.post("/v1/products", "id=prod_a&name=A").await;
    stage.post("/v1/products", "id=prod_b&name=B").await;
    let prices = [
        stage.post("/v1/prices", "product=prod_a&currency=eur&unit_amount=1000").await,
        stage.post("/v1/prices", "product=prod_b&currency=eur&unit_amount=500").await,
    ];
    let coupon = stage
        .post("/v1/coupons", "id=A&percent_off=20&applies_to[products][]=prod_a&name=For+A")
        .await;
    assert!(coupon.get("applies_to").is_none());
    let coupon = stage.get("/v1/coupons/A?expand[]=applies_to").await;
    assert_eq!(coupon["applies_to"], json!({ "products": ["prod_a"] }));
    let line = |n: usize| {
        format!(
            "&line_items[{n}][price]={}&line_items[{n}][quantity]=1",
            prices[n]["id"].as_str().unwrap()
        )
    };
    let form = format!(
        "mode=payment&success_url=http://x&discounts[0][coupon]=A{}{}&expand[]=line_items.data.discounts&expand[]=total_details.breakdown",
        line(0),
        line(1)
    );
    let session = stage.post("/v1/checkout/sessions", &form).await;
    assert_eq!(session["amount_total"], 1300);
    let lines = &session["line_items"]["data"];
    assert_eq!(
        (&lines[0]["amount_discount"], &lines[1]["amount_discount"]),
        (&json!(200), &json!(0))
    );
    assert_eq!(
        lines[0]["discounts"][0]["discount"]["source"],
        json!({ "coupon": "A", "type": "coupon" })
    );
    assert_eq!(lines[1]["discounts"], json!([]));
    assert_eq!(session["total_details"]["breakdown"]["discounts"][0]["amount"], 200);
}

#[tokio::test]
async fn a_coupon_ends_after_its_redemptions_its_date_or_its_deletion() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=ONE&amount_off=100&currency=eur&currency_options[usd][amount_off]=120&max_redemptions=1").await;
    let coupon = stage.get("/v1/coupons/ONE?expand[]=currency_options").await;
    assert_eq!(coupon["currency_options"], json!({ "usd": { "amount_off": 120 } }));
    let id = stage.session("&discounts[0][coupon]=ONE").await;
    stage.sandbox.pay(&id, Pays::Card, Purchase::default()).unwrap();
    let used = stage.get("/v1/coupons/ONE").await;
    assert_eq!((&used["valid"], &used["times_redeemed"]), (&json!(false), &json!(1)));
    let form = "mode=payment&success_url=http://x&discounts[0][coupon]=ONE&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=900&line_items[0][price_data][product_data][name]=Tea";
    let (_, error) = stage.refused(Method::POST, "/v1/checkout/sessions", form).await;
    assert_eq!(error["code"], "coupon_expired");
    let renamed = stage.post("/v1/coupons/ONE", "name=Once&metadata[a]=1").await;
    assert_eq!(renamed["name"], "Once");
    let gone = stage.request(Method::DELETE, "/v1/coupons/ONE").send().await.unwrap();
    assert_eq!(
        gone.json::<Value>().await.unwrap(),
        json!({ "id": "ONE", "object": "coupon", "deleted": true })
    );
    assert_eq!(stage.refused(Method::GET, "/v1/coupons/ONE", "").await.0, 404);
    for (form, param) in [
        ("percent_off=10&duration=repeating", "duration_in_months"),
        ("percent_off=101", "percent_off"),
        ("amount_off=5", "currency"),
        ("percent_off=5&redeem_by=1", "redeem_by"),
        ("percent_off=5&max_redemptions=0", "max_redemptions"),
        ("percent_off=5&applies_to[products][]=prod_no", "applies_to[products]"),
    ] {
        assert_eq!(
            stage.refused(Method::POST, "/v1/coupons", form).await.1["param"],
            param,
            "{form}"
        );
    }
    let types = stage.event_types().await;
    for kind in ["coupon.created", "coupon.updated", "coupon.deleted"] {
        assert!(types.iter().any(|other| other == kind), "{kind}");
    }
}

#[tokio::test]
async fn a_code_can_be_used_again_once_the_other_is_switched_off() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=TEN&percent_off=10").await;
    let form = "promotion[type]=coupon&promotion[coupon]=TEN&code=TEA";
    let first = stage.post("/v1/promotion_codes", form).await;
    assert_eq!(stage.refused(Method::POST, "/v1/promotion_codes", form).await.1["param"], "code");
    let path = format!("/v1/promotion_codes/{}", first["id"].as_str().unwrap());
    stage.post(&path, "active=false&metadata[a]=1").await;
    stage.post("/v1/promotion_codes", form).await;
    assert_eq!(stage.refused(Method::POST, &path, "active=true").await.1["param"], "active");
    let active = stage
        .get("/v1/promotion_codes?active=true&coupon=TEN&expand[]=data.promotion.coupon")
        .await;
    assert_eq!(active["data"].as_array().unwrap().len(), 1);
    assert_eq!(active["data"][0]["promotion"]["coupon"]["percent_off"], 10.0);
    let tea = price(&stage, 100, "").await;
    let both = format!(
        "mode=payment&success_url=http://x&line_items[0][price]={tea}&line_items[0][quantity]=1&discounts[0][coupon]=TEN&allow_promotion_codes=true"
    );
    assert_eq!(
        stage.refused(Method::POST, "/v1/checkout/sessions", &both).await.1["param"],
        "discounts"
    );
}

/// The page, with these fields: its status and what it says.
async fn page(stage: &Stage, id: &str, form: &str) -> (u16, String) {
    let url = format!("{}/c/pay/{id}", stage.sandbox.url());
    let answer = stage.http.post(url).body(form.to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn nothing_is_due_or_as_much_as_can_be_charged_whatever_the_buyer_takes_away() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=MOST&percent_off=97").await;
    stage
        .post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=MOST&code=MOST")
        .await;
    let adjustable = "&line_items[0][adjustable_quantity][enabled]=true&line_items[0][quantity]=3";
    let cup = price(&stage, 2_000, "").await;
    let optional = format!("&optional_items[0][price]={cup}&optional_items[0][quantity]=1");
    let given = stage.session(&format!("{adjustable}&discounts[0][coupon]=MOST{optional}")).await;
    let typed = stage.session(&format!("{adjustable}&allow_promotion_codes=true")).await;
    let line = |id: String| {
        let stage = &stage;
        async move {
            let lines = stage.get(&format!("/v1/checkout/sessions/{id}/line_items")).await;
            lines["data"][0]["id"].as_str().unwrap().to_owned()
        }
    };
    let (in_given, in_typed) = (line(given.clone()).await, line(typed.clone()).await);
    let card = "email=ann@example.com&name=Ann&method=card&card_number=4242424242424242&exp=12/34&cvc=123&billing_country=DE";
    let less = "the least that can be charged.";
    for (id, form, field) in [
        (&given, format!("quantity[{in_given}]=1"), "order"),
        (&typed, format!("quantity[{in_typed}]=1&promotion_code=MOST"), "promotion_code"),
    ] {
        for action in ["update", "pay"] {
            let (status, html) = page(&stage, id, &format!("{card}&{form}&action={action}")).await;
            assert_eq!(status, 422, "{form}");
            assert!(
                html.contains(&format!("<a href=\"#{field}\">")) && html.contains(less),
                "{html}"
            );
        }
    }
    let quantities = json!({ "session": given, "quantities": { in_given.as_str(): 1 } });
    let (status, answer) = stage.control("/_sandbox/pay", quantities).await;
    assert!(status == 400 && answer.to_string().contains(less), "{answer}");
    // With the optional item the total is enough: 3 per cent of 32 euros.
    let with_cup =
        json!({ "session": given, "quantities": { in_given.as_str(): 1 }, "optional": { cup: 1 } });
    let (status, paid) = stage.control("/_sandbox/pay", with_cup).await;
    assert_eq!((status, &paid["amount_total"]), (200, &json!(96)));
    assert_eq!(page(&stage, &typed, &format!("{card}&promotion_code=MOST")).await.0, 303);
    let open = stage.session(&format!("{adjustable}&discounts[0][coupon]=MOST")).await;
    let line = line(open.clone()).await;
    let form = format!("line_items[0][id]={line}&line_items[0][quantity]=1");
    let path = format!("/v1/checkout/sessions/{open}");
    let (status, error) = stage.refused(Method::POST, &path, &form).await;
    assert_eq!((status, &error["code"]), (400, &json!("amount_too_small")));
}
