//! Subscriptions: how they begin, change and end, and the discounts of customers.

use fulfill_sandbox::{Method as Pays, Purchase};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, read};

const DAY_S: i64 = 24 * 60 * 60;

async fn monthly(stage: &Stage) -> String {
    let form = "currency=usd&unit_amount=1500&recurring[interval]=month&product_data[name]=Paper";
    let price = stage.post("/v1/prices", form).await;
    price["id"].as_str().unwrap().to_owned()
}

async fn customer(stage: &Stage, more: &str) -> String {
    let made = stage.post("/v1/customers", &format!("email=ada@example.com{more}")).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn payer(stage: &Stage) -> String {
    customer(
        stage,
        "&payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa",
    )
    .await
}

async fn subscribe(stage: &Stage, customer: &str, more: &str) -> Value {
    let price = monthly(stage).await;
    let form = format!("customer={customer}&items[0][price]={price}{more}");
    stage.post("/v1/subscriptions", &form).await
}

#[tokio::test]
async fn a_subscription_begins_changes_and_ends() {
    let stage = Stage::new().await;
    let customer = payer(&stage).await;
    let made = subscribe(&stage, &customer, "&items[0][quantity]=2&metadata[shop]=a").await;
    assert_eq!(made["status"], "active");
    let item = &made["items"]["data"][0];
    assert_eq!((&item["quantity"], &item["price"]["unit_amount"]), (&json!(2), &json!(1500)));
    let (from, until) = (&item["current_period_start"], &item["current_period_end"]);
    assert_eq!(
        until.as_i64().unwrap() - from.as_i64().unwrap(),
        30 * DAY_S,
        "a month of September"
    );
    let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
    let known = stage.event_types().await.len();
    let form = format!("items[0][id]={}&items[0][quantity]=3", item["id"].as_str().unwrap());
    let changed = stage.post(&path, &form).await;
    assert_eq!(changed["items"]["data"][0]["quantity"], 3);
    assert_eq!(changed["metadata"], json!({ "shop": "a" }));
    stage.post(&path, "cancel_at_period_end=true").await;
    stage.turn(30 * DAY_S).await;
    assert_eq!(
        stage.events_after(known).await,
        [
            "customer.subscription.updated",
            "customer.subscription.updated",
            "customer.subscription.deleted"
        ]
    );
    assert_eq!(stage.get(&path).await["status"], "canceled");
    assert_eq!(stage.refused(Method::DELETE, &path, "").await.0, 404);
}

#[tokio::test]
async fn periods_come_and_go_by_the_calendar() {
    let stage = Stage::new().await;
    let customer = payer(&stage).await;
    let made = subscribe(&stage, &customer, "").await;
    let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
    let end = "/items/data/0/current_period_end";
    stage.turn(30 * DAY_S).await;
    let next = stage.get(&path).await;
    let length =
        next.pointer(end).unwrap().as_i64().unwrap() - made.pointer(end).unwrap().as_i64().unwrap();
    assert_eq!(length, 31 * DAY_S, "October");
}

#[tokio::test]
async fn a_trial_is_told_of_three_days_before_it_ends_and_pauses_when_nobody_pays() {
    let stage = Stage::new().await;
    let customer = customer(&stage, "").await;
    let pause = "&trial_settings[end_behavior][missing_payment_method]=pause";
    let made = subscribe(&stage, &customer, &format!("&trial_period_days=7{pause}")).await;
    assert_eq!(made["status"], "trialing");
    let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
    let known = stage.event_types().await.len();
    stage.turn(4 * DAY_S).await;
    assert_eq!(stage.events_after(known).await, ["customer.subscription.trial_will_end"]);
    stage.turn(3 * DAY_S).await;
    assert_eq!(stage.get(&path).await["status"], "paused");
    assert_eq!(
        stage.events_after(known + 1).await,
        ["customer.subscription.updated", "customer.subscription.paused"]
    );
    let resumed = stage.post(&format!("{path}/resume"), "billing_cycle_anchor=now").await;
    assert_eq!(resumed["status"], "active");
    assert_eq!(stage.refused(Method::POST, &format!("{path}/resume"), "").await.0, 400);
}

#[tokio::test]
async fn what_cannot_be_paid_does_not_become_active() {
    let stage = Stage::new().await;
    let price = monthly(&stage).await;
    let nobody = customer(&stage, "").await;
    let form = format!("customer={nobody}&items[0][price]={price}");
    let (status, error) = stage.refused(Method::POST, "/v1/subscriptions", &form).await;
    assert_eq!((status, &error["code"]), (400, &json!("resource_missing")));
    let broke = customer(&stage, "&source=tok_chargeCustomerFail").await;
    assert_eq!(subscribe(&stage, &broke, "").await["status"], "incomplete");
    let form =
        format!("customer={broke}&items[0][price]={price}&payment_behavior=error_if_incomplete");
    let (status, error) = stage.refused(Method::POST, "/v1/subscriptions", &form).await;
    assert_eq!((status, &error["type"]), (402, &json!("card_error")));
    let once =
        stage.post("/v1/prices", "currency=usd&unit_amount=1500&product_data[name]=Paper").await;
    let form = format!("customer={nobody}&items[0][price]={}", once["id"].as_str().unwrap());
    let (_, error) = stage.refused(Method::POST, "/v1/subscriptions", &form).await;
    assert_eq!(error["param"], "items[0][price]");
}

#[tokio::test]
async fn a_session_begins_a_subscription_that_can_be_looked_up_and_found() {
    let stage = Stage::new().await;
    let price = monthly(&stage).await;
    let form = format!(
        "mode=subscription&success_url=http://shop.example/ok&line_items[0][price]={price}\
         &line_items[0][quantity]=1&subscription_data[metadata][seat]=7"
    );
    let session = stage.post("/v1/checkout/sessions", &form).await;
    let id = session["id"].as_str().unwrap();
    let known = stage.event_types().await.len();
    stage.sandbox.pay(id, Pays::Card, Purchase::default()).unwrap();
    assert_eq!(
        stage.events_after(known).await,
        ["customer.created", "customer.subscription.created", "checkout.session.completed"]
    );
    let session = stage.get(&format!("/v1/checkout/sessions/{id}?expand[]=subscription")).await;
    let subscription = &session["subscription"];
    assert_eq!(subscription["metadata"], json!({ "seat": "7" }));
    assert_eq!(subscription["items"]["data"][0]["price"]["id"], json!(price));
    let customer = session["customer"].as_str().unwrap();
    for (query, found) in [
        (format!("customer={customer}&status=active"), 1),
        (format!("price={price}"), 1),
        ("status=canceled".to_owned(), 0),
    ] {
        let list = stage.get(&format!("/v1/subscriptions?{query}")).await;
        assert_eq!(list["data"].as_array().unwrap().len(), found, "{query}");
    }
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    let old = stage.request(Method::GET, &path).header("Stripe-Version", "2023-10-16");
    let (_, old) = read(old.send().await.unwrap()).await;
    assert!(old["current_period_end"].is_i64() && old["discount"].is_null(), "{old}");
    assert_eq!(old.pointer("/items/data/0/current_period_end"), None);
}

#[tokio::test]
async fn a_customer_is_given_a_discount_and_loses_it() {
    let stage = Stage::new().await;
    for id in ["TEN", "TWENTY"] {
        let form = format!("id={id}&percent_off=10&duration=repeating&duration_in_months=2");
        stage.post("/v1/coupons", &form).await;
    }
    let customer = customer(&stage, "&coupon=TEN").await;
    let path = format!("/v1/customers/{customer}");
    let discount = stage.get(&path).await["discount"].take();
    assert_eq!(discount["source"], json!({ "coupon": "TEN", "type": "coupon" }));
    assert_eq!(
        discount["end"].as_i64().unwrap() - discount["start"].as_i64().unwrap(),
        61 * DAY_S,
        "September and October"
    );
    stage.post(&path, "coupon=TWENTY").await;
    stage.post(&path, "coupon=").await;
    assert_eq!(stage.get(&path).await["discount"], Value::Null);
    stage.post(&path, "coupon=TEN").await;
    let gone = stage.request(Method::DELETE, &format!("{path}/discount")).send().await.unwrap();
    assert_eq!(read(gone).await.1["deleted"], true);
    let (status, _) = stage.refused(Method::DELETE, &format!("{path}/discount"), "").await;
    assert_eq!(status, 404);
    assert_eq!(stage.get("/v1/coupons/TEN").await["times_redeemed"], 2);
    let told = stage.event_types().await;
    let told: Vec<_> = told.iter().filter(|kind| kind.contains("discount")).collect();
    assert_eq!(
        told,
        [
            "customer.discount.created",
            "customer.discount.updated",
            "customer.discount.deleted",
            "customer.discount.created",
            "customer.discount.deleted"
        ]
    );
}

#[tokio::test]
async fn a_plan_is_a_price_that_recurs() {
    let stage = Stage::new().await;
    let form = "id=gold&currency=usd&interval=month&amount=2000&product[name]=Gold";
    let plan = stage.post("/v1/plans", form).await;
    assert_eq!((&plan["object"], &plan["amount"]), (&json!("plan"), &json!(2000)));
    let price = stage.get("/v1/prices/gold").await;
    assert_eq!(price["recurring"]["interval"], "month");
    assert_eq!(stage.refused(Method::POST, "/v1/plans", form).await.0, 400);
    stage.post("/v1/plans/gold", "metadata[a]=b").await;
    assert_eq!(stage.get("/v1/plans?limit=1").await["data"][0]["metadata"]["a"], "b");
    stage.request(Method::DELETE, "/v1/plans/gold").send().await.unwrap();
    assert_eq!(
        stage.event_types().await,
        [
            "product.created",
            "plan.created",
            "price.created",
            "plan.updated",
            "price.updated",
            "plan.deleted",
            "price.deleted"
        ]
    );
}
