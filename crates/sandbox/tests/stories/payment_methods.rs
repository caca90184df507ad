//! Ways to pay, and the customers who keep them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, read};

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_method_is_made_of_a_token_a_number_or_an_account() {
    let stage = Stage::new().await;
    for (form, pointer, shown) in [
        ("type=card&card[token]=tok_mastercard", "/card/brand", "mastercard"),
        (
            "type=card&card[number]=4000002760000016&card[exp_month]=8&card[exp_year]=2030&card[cvc]=314",
            "/card/country",
            "DE",
        ),
        ("type=sepa_debit&sepa_debit[iban]=AT611904300234573201", "/sepa_debit/last4", "3201"),
        (
            "type=us_bank_account&us_bank_account[routing_number]=110000000&us_bank_account[account_number]=000123456789&us_bank_account[account_holder_type]=individual",
            "/us_bank_account/last4",
            "6789",
        ),
        ("type=konbini&billing_details[name]=Jenny", "/billing_details/name", "Jenny"),
    ] {
        let made = stage.post("/v1/payment_methods", form).await;
        assert_eq!(made.pointer(pointer), Some(&json!(shown)), "{form}");
        assert_eq!(stage.get(&format!("/v1/payment_methods/{}", id(&made))).await, made);
    }
}

#[tokio::test]
async fn what_no_card_can_be_is_refused_by_its_field() {
    let stage = Stage::new().await;
    for (form, status, code, param) in [
        ("", 400, "parameter_missing", "type"),
        ("type=card", 400, "parameter_missing", "card"),
        ("type=card&card[token]=tok_none", 400, "resource_missing", "card[token]"),
        (
            "type=card&card[number]=4242424242424241&card[exp_month]=8&card[exp_year]=2030",
            402,
            "incorrect_number",
            "number",
        ),
        (
            "type=card&card[number]=4242424242424242&card[exp_month]=8&card[exp_year]=2020",
            402,
            "invalid_expiry_year",
            "exp_year",
        ),
        (
            "type=card&card[number]=4242424242424242&card[exp_month]=13&card[exp_year]=2030",
            402,
            "invalid_expiry_month",
            "exp_month",
        ),
        (
            "type=card&card[number]=4242424242424242&card[exp_month]=8&card[exp_year]=2030&card[cvc]=1",
            402,
            "invalid_cvc",
            "cvc",
        ),
        ("type=card&card[token]=tok_visa&wings=2", 400, "parameter_unknown", "wings"),
    ] {
        let (got, error) = stage.refused(Method::POST, "/v1/payment_methods", form).await;
        assert_eq!(
            (got, &error["code"], &error["param"]),
            (status, &json!(code), &json!(param)),
            "{form}"
        );
    }
}

#[tokio::test]
async fn a_customer_keeps_methods_and_gives_them_up() {
    let stage = Stage::new().await;
    let customer = stage.post("/v1/customers", "name=Jenny").await;
    let attached = stage
        .post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={}", id(&customer)))
        .await;
    assert_eq!(attached["customer"], customer["id"]);
    let other = stage.post("/v1/customers", "name=Bob").await;
    let path = format!("/v1/payment_methods/{}", id(&attached));
    let (_, error) = stage
        .refused(Method::POST, &format!("{path}/attach"), &format!("customer={}", id(&other)))
        .await;
    assert_eq!(error["code"], "payment_method_already_attached");
    let updated = stage.post(&path, "metadata[foo]=bar&card[exp_year]=2040").await;
    assert_eq!(
        (&updated["metadata"]["foo"], &updated["card"]["exp_year"]),
        (&json!("bar"), &json!(2040))
    );
    for list in [
        format!("/v1/customers/{}/payment_methods", id(&customer)),
        format!("/v1/payment_methods?customer={}&type=card", id(&customer)),
    ] {
        assert_eq!(stage.get(&list).await["data"][0]["id"], attached["id"]);
    }
    let foreign = format!("amount=100&currency=usd&payment_method={}", id(&attached));
    let (_, error) = stage.refused(Method::POST, "/v1/payment_intents", &foreign).await;
    assert_eq!(error["param"], "payment_method");
    let detached = stage.post(&format!("{path}/detach"), "").await;
    assert_eq!(detached["customer"], Value::Null);
    let (status, _) = stage.refused(Method::POST, &format!("{path}/detach"), "").await;
    assert_eq!(status, 400);
    assert_eq!(
        stage.events_after(1).await,
        [
            "payment_method.attached",
            "customer.created",
            "payment_method.updated",
            "payment_method.detached"
        ]
    );
}

#[tokio::test]
async fn a_card_that_is_declined_cannot_be_kept_unless_it_only_fails_when_charged() {
    let stage = Stage::new().await;
    let customer = stage.post("/v1/customers", "").await;
    let form = format!("customer={}", id(&customer));
    let (status, error) = stage
        .refused(Method::POST, "/v1/payment_methods/pm_card_chargeDeclined/attach", &form)
        .await;
    assert_eq!((status, &error["code"]), (402, &json!("card_declined")));
    let kept = stage.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", &form).await;
    let charge = format!(
        "amount=900&currency=usd&{form}&confirm=true&off_session=true&payment_method_types[]=card&payment_method={}",
        id(&kept)
    );
    let (status, _) = stage.refused(Method::POST, "/v1/payment_intents", &charge).await;
    assert_eq!(status, 402);
}

#[tokio::test]
async fn a_setup_intent_keeps_a_method_for_its_customer() {
    let stage = Stage::new().await;
    let customer = stage.post("/v1/customers", "").await;
    let form = format!("customer={}&payment_method=pm_card_visa&confirm=true", id(&customer));
    let setup = stage.post("/v1/setup_intents", &format!("{form}&expand[]=payment_method")).await;
    assert_eq!(
        (&setup["status"], &setup["payment_method"]["customer"]),
        (&json!("succeeded"), &customer["id"])
    );
    let (status, error) = stage
        .refused(
            Method::POST,
            "/v1/setup_intents",
            "confirm=true&payment_method=pm_card_chargeDeclined",
        )
        .await;
    assert_eq!(
        (status, &error["setup_intent"]["status"]),
        (402, &json!("requires_payment_method"))
    );
    let open = stage.post("/v1/setup_intents", "payment_method_types[]=card").await;
    let path = format!("/v1/setup_intents/{}", id(&open));
    assert_eq!(stage.post(&format!("{path}/cancel"), "").await["status"], "canceled");
    let (_, error) = stage
        .refused(Method::POST, &format!("{path}/confirm"), "payment_method=pm_card_visa")
        .await;
    assert_eq!(error["code"], "setup_intent_unexpected_state");
}

#[tokio::test]
async fn a_deleted_customer_leaves_a_trace() {
    let stage = Stage::new().await;
    let customer = stage.post("/v1/customers", "name=Jenny").await;
    let card =
        stage.post(&format!("/v1/customers/{}/sources", id(&customer)), "source=tok_visa").await;
    assert_eq!((&card["object"], &card["brand"]), (&json!("card"), &json!("Visa")));
    let path = format!("/v1/customers/{}", id(&customer));
    let source = format!("{path}/sources/{}", id(&card));
    assert_eq!(stage.post(&source, "metadata[foo]=bar").await["metadata"]["foo"], "bar");
    let answer = stage.request(Method::DELETE, &path).send().await.unwrap();
    let (status, gone) = read(answer).await;
    assert_eq!((status, &gone["deleted"]), (200, &json!(true)));
    assert_eq!(stage.get(&path).await, gone);
    assert_eq!(stage.get("/v1/customers").await["data"], json!([]));
    let (_, error) = stage
        .refused(
            Method::POST,
            "/v1/payment_intents",
            &format!("amount=100&currency=usd&customer={}", id(&customer)),
        )
        .await;
    assert_eq!(error["code"], "resource_missing");
    assert_eq!(
        stage.event_types().await,
        [
            "customer.created",
            "customer.source.created",
            "customer.source.updated",
            "customer.deleted"
        ]
    );
    let event = stage.get("/v1/events?type=customer.deleted").await;
    assert_eq!(event["data"][0]["data"]["object"]["name"], "Jenny");
}

#[tokio::test]
async fn only_allowed_methods_are_offered_of_those_that_the_currency_has() {
    let stage = Stage::new().await;
    let allowed = "&allowed_payment_method_types[]=sepa_debit&allowed_payment_method_types[]=oxxo";
    let id = stage.session(allowed).await;
    let session = stage.retrieve(&id).await;
    assert_eq!(session["payment_method_types"], json!(["sepa_debit"]));
    assert_eq!(session["allowed_payment_method_types"], json!(["sepa_debit", "oxxo"]));
    let intent = "amount=900&currency=usd&allowed_payment_method_types[]=card";
    let intent = stage.post("/v1/payment_intents", intent).await;
    assert_eq!(intent["payment_method_types"], json!(["card"]));
    for (form, param) in [
        ("amount=900&currency=usd&allowed_payment_method_types[]=sepa_debit", "allowed"),
        ("amount=900&currency=usd&allowed_payment_method_types[]=gold", "allowed"),
    ] {
        let (status, error) = stage.refused(Method::POST, "/v1/payment_intents", form).await;
        assert_eq!(status, 400);
        assert!(error["param"].as_str().unwrap().starts_with(param), "{form}: {error}");
    }
}
