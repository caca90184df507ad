//! Payment Links.

use fulfill_sandbox::{Method as Pays, Purchase};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{stage::Stage, terms::price};

/// Follows a link; the session's id.
async fn follow(stage: &Stage, link: &Value, query: &str) -> Option<String> {
    let url = format!("{}{query}", link["url"].as_str().unwrap());
    let visit = stage.http.get(url).send().await.unwrap();
    let to = visit.headers().get("location")?.to_str().unwrap();
    to.rsplit('/').next().map(str::to_owned)
}

#[tokio::test]
async fn a_link_gives_its_sessions_all_its_terms() {
    let stage = Stage::new().await;
    let (tea, wrap) = (price(&stage, 900, "").await, price(&stage, 200, "").await);
    let rate = stage.post("/v1/shipping_rates", "display_name=Post&type=fixed_amount&fixed_amount[amount]=400&fixed_amount[currency]=eur").await;
    let rate = rate["id"].as_str().unwrap();
    let link = stage
        .post(
            "/v1/payment_links",
            &format!(
                "line_items[0][price]={tea}&line_items[0][quantity]=2&optional_items[0][price]={wrap}&optional_items[0][quantity]=1\
                 &shipping_options[0][shipping_rate]={rate}&shipping_address_collection[allowed_countries][]=DE&phone_number_collection[enabled]=true\
                 &custom_fields[0][key]=note&custom_fields[0][label][type]=custom&custom_fields[0][label][custom]=Note&custom_fields[0][type]=text\
                 &payment_intent_data[description]=Tea&submit_type=donate&inactive_message=Sold+out&restrictions[completed_sessions][limit]=1\
                 &after_completion[type]=hosted_confirmation&after_completion[hosted_confirmation][custom_message]=Enjoy"
            ),
        )
        .await;
    assert_eq!(link["restrictions"]["completed_sessions"], json!({ "count": 0, "limit": 1 }));
    assert_eq!(link["payment_intent_data"]["description"], "Tea");
    assert!(link["custom_fields"][0]["text"].get("value").is_none());
    assert_eq!(link["after_completion"]["hosted_confirmation"]["custom_message"], "Enjoy");
    let id = follow(&stage, &link, "").await.unwrap();
    let session = stage.retrieve(&id).await;
    assert_eq!((&session["amount_total"], &session["currency"]), (&json!(2200), &json!("eur")));
    assert_eq!(session["optional_items"], link["optional_items"]);
    assert_eq!(session["shipping_options"], link["shipping_options"]);
    assert_eq!(
        (&session["submit_type"], &session["custom_fields"][0]["key"]),
        (&json!("donate"), &json!("note"))
    );
    stage.sandbox.pay(&id, Pays::Card, Purchase::default()).unwrap();
    let path = format!("/v1/payment_links/{}", link["id"].as_str().unwrap());
    assert_eq!(stage.get(&path).await["restrictions"]["completed_sessions"]["count"], 1);
    let closed = stage.http.get(link["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(closed.status(), 404);
    assert!(closed.text().await.unwrap().contains("Sold out"));
    stage.post(&path, "restrictions=").await;
    assert!(follow(&stage, &link, "").await.is_some());
}

#[tokio::test]
async fn a_visitors_address_brings_an_email_a_code_a_reference_and_a_language() {
    let stage = Stage::new().await;
    let tea = price(&stage, 1000, "").await;
    let form =
        format!("line_items[0][price]={tea}&line_items[0][quantity]=1&allow_promotion_codes=true");
    let link = stage.post("/v1/payment_links", &form).await;
    stage.post("/v1/coupons", "id=TEN&percent_off=10&duration=once").await;
    stage
        .post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=TEN&code=SPRING")
        .await;
    let query = "?prefilled_email=ann%40example.com&client_reference_id=cart-7&prefilled_promo_code=spring&locale=de";
    let session = stage.retrieve(&follow(&stage, &link, query).await.unwrap()).await;
    assert_eq!(session["customer_email"], "ann@example.com");
    assert_eq!(
        (&session["client_reference_id"], &session["locale"]),
        (&json!("cart-7"), &json!("de"))
    );
    assert_eq!(session["amount_total"], 900);
    let odd = "?prefilled_email=x@y&client_reference_id=%3Cb%3E&prefilled_promo_code=NO&locale=tlh&utm_source=mail";
    let session = stage.retrieve(&follow(&stage, &link, odd).await.unwrap()).await;
    for name in ["customer_email", "client_reference_id", "locale"] {
        assert_eq!(session[name], Value::Null, "{name}");
    }
    assert_eq!(session["amount_total"], 1000);
}

#[tokio::test]
async fn a_link_is_changed_for_visitors_to_come() {
    let stage = Stage::new().await;
    let tea = price(&stage, 1000, "").await;
    let form = format!("line_items[0][price]={tea}&line_items[0][quantity]=1&expand[]=line_items");
    let link = stage.post("/v1/payment_links", &form).await;
    let before = follow(&stage, &link, "").await.unwrap();
    let line = link["line_items"]["data"][0]["id"].as_str().unwrap();
    let path = format!("/v1/payment_links/{}", link["id"].as_str().unwrap());
    let changed = stage
        .post(
            &path,
            &format!(
                "line_items[0][id]={line}&line_items[0][quantity]=3&allow_promotion_codes=true&metadata[a]=1&phone_number_collection[enabled]=true\
                 &after_completion[type]=redirect&after_completion[redirect][url]=https://shop.example/done&custom_text[submit][message]=Soon"
            ),
        )
        .await;
    assert_eq!(changed["after_completion"]["redirect"]["url"], "https://shop.example/done");
    assert_eq!(changed["custom_text"]["submit"]["message"], "Soon");
    let after = stage.retrieve(&follow(&stage, &link, "").await.unwrap()).await;
    assert_eq!(
        (&after["amount_total"], &after["allow_promotion_codes"]),
        (&json!(3000), &json!(true))
    );
    assert_eq!(after["phone_number_collection"]["enabled"], true);
    assert_eq!(stage.retrieve(&before).await["amount_total"], 1000);
    let (_, error) = stage.refused(Method::POST, &path, "line_items[0][id]=li_no").await;
    assert_eq!(error["param"], "line_items[0][id]");
    let (_, error) = stage.refused(Method::POST, &path, "currency=usd").await;
    assert_eq!(error["param"], "currency");
}

#[tokio::test]
async fn a_link_over_a_recurring_price_subscribes_with_its_trial() {
    let stage = Stage::new().await;
    let monthly = price(&stage, 900, "recurring[interval]=month").await;
    let form = format!(
        "line_items[0][price]={monthly}&line_items[0][quantity]=1&subscription_data[trial_period_days]=7"
    );
    let link = stage.post("/v1/payment_links", &form).await;
    assert_eq!(link["subscription_data"]["trial_period_days"], 7);
    assert_eq!(link["payment_method_collection"], "always");
    let session = stage.retrieve(&follow(&stage, &link, "").await.unwrap()).await;
    assert_eq!((&session["mode"], &session["amount_total"]), (&json!("subscription"), &json!(0)));
    let (_, error) = stage
        .refused(Method::POST, "/v1/payment_links", &format!("line_items[0][price]={monthly}&line_items[0][quantity]=1&payment_intent_data[description]=x"))
        .await;
    assert_eq!(error["param"], "payment_intent_data");
}

#[tokio::test]
async fn a_link_takes_as_many_payments_as_it_may_whoever_has_its_page_open() {
    let stage = Stage::new().await;
    let price =
        stage.post("/v1/prices", "currency=eur&unit_amount=700&product_data[name]=Tea").await;
    let form = format!(
        "line_items[0][price]={}&line_items[0][quantity]=1&restrictions[completed_sessions][limit]=1\
         &inactive_message=Sold+out",
        price["id"].as_str().unwrap()
    );
    let link = stage.post("/v1/payment_links", &form).await;
    let mut visitors = Vec::new();
    for _ in 0..2 {
        let visit = stage.http.get(link["url"].as_str().unwrap()).send().await.unwrap();
        visitors.push(visit.headers()["location"].to_str().unwrap().to_owned());
    }
    let card = "email=ann@example.com&name=Ann&method=card&card_number=4242424242424242&exp=12/34&cvc=123&billing_country=DE";
    let mut answers = Vec::new();
    for page in &visitors {
        let url = format!("{}{page}", stage.sandbox.url());
        answers.push(stage.http.post(url).body(card).send().await.unwrap());
    }
    assert_eq!(answers[0].status(), 303);
    assert_eq!(answers[1].status(), 409);
    let late =
        stage.http.get(format!("{}{}", stage.sandbox.url(), visitors[1])).send().await.unwrap();
    assert_eq!(late.status(), 409);
    assert!(late.text().await.unwrap().contains("Sold out"));
    let session = visitors[1].rsplit('/').next().unwrap();
    let (status, told) = stage.control("/_sandbox/pay", json!({ "session": session })).await;
    assert!(status == 400 && told.to_string().contains("takes no more payments"), "{told}");
    let path = format!("/v1/payment_links/{}", link["id"].as_str().unwrap());
    let completed = &stage.get(&path).await["restrictions"]["completed_sessions"];
    assert_eq!((&completed["count"], &completed["limit"]), (&json!(1), &json!(1)));
}
