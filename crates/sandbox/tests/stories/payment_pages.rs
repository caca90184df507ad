//! A session's page as Stripe's CLI pays it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

async fn method(stage: &Stage, form: &str) -> String {
    let form = format!(
        "{form}&billing_details[email]=stripe@example.com&billing_details[name]=Jenny Rosen&billing_details[address][country]=US"
    );
    let method = stage.post("/v1/payment_methods", &form).await;
    method["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_is_read_and_confirmed() {
    let stage = Stage::new().await;
    let session = stage.session("").await;
    let page = stage.get(&format!("/v1/payment_pages/{session}")).await;
    assert_eq!(
        (&page["session_id"], &page["state"], &page["amount_total"]),
        (&json!(session), &json!("active"), &json!(1200))
    );
    let visa = method(&stage, "type=card&card[token]=tok_visa").await;
    let confirm = format!("/v1/payment_pages/{session}/confirm");
    let (status, error) = stage
        .refused(Method::POST, &confirm, &format!("payment_method={visa}&expected_amount=1100"))
        .await;
    assert_eq!((status, &error["code"]), (400, &json!("checkout_amount_mismatch")));
    let form = format!("payment_method={visa}&expected_amount=1200");
    let page = stage.post(&confirm, &form).await;
    assert_eq!(
        (
            &page["state"],
            &page["payment_intent"]["status"],
            &page["payment_intent"]["payment_method"]
        ),
        (&json!("succeeded"), &json!("succeeded"), &json!(visa))
    );
    let paid = stage.retrieve(&session).await;
    assert_eq!(
        (&paid["status"], &paid["payment_status"], &paid["customer_details"]["email"]),
        (&json!("complete"), &json!("paid"), &json!("stripe@example.com"))
    );
    let (_, error) = stage.refused(Method::POST, &confirm, &form).await;
    assert_eq!(error["code"], "payment_page_not_active");
}

#[tokio::test]
async fn a_debit_settles_or_fails_by_its_account() {
    let stage = Stage::new().await;
    for (iban, last) in [
        ("AT611904300234573201", "checkout.session.async_payment_succeeded"),
        ("IT60X0542811101000000123456", "checkout.session.async_payment_failed"),
    ] {
        let session = stage.session("&payment_method_types[]=sepa_debit").await;
        let debit = method(&stage, &format!("type=sepa_debit&sepa_debit[iban]={iban}")).await;
        let confirm = format!("/v1/payment_pages/{session}/confirm");
        let page =
            stage.post(&confirm, &format!("payment_method={debit}&expected_amount=1200")).await;
        assert_eq!(
            (&page["payment_status"], &page["payment_intent"]["status"]),
            (&json!("unpaid"), &json!("processing"))
        );
        stage.settle().await;
        assert_eq!(stage.event_types().await.last().unwrap(), last);
    }
}

#[tokio::test]
async fn a_declined_card_leaves_the_page_open() {
    let stage = Stage::new().await;
    let session = stage.session("").await;
    let confirm = format!("/v1/payment_pages/{session}/confirm");
    let (status, error) =
        stage.refused(Method::POST, &confirm, "payment_method=pm_card_chargeDeclined").await;
    assert_eq!(
        (status, &error["code"], &error["decline_code"], &error["payment_intent"]["status"]),
        (
            402,
            &json!("card_declined"),
            &json!("generic_decline"),
            &json!("requires_payment_method")
        )
    );
    let boleto = method(&stage, "type=boleto&boleto[tax_id]=000.000.000-00").await;
    let (_, error) =
        stage.refused(Method::POST, &confirm, &format!("payment_method={boleto}")).await;
    assert_eq!(error["param"], "payment_method");
    let (_, error) = stage.refused(Method::POST, &confirm, "").await;
    assert_eq!(error["param"], "payment_method");
    let page = stage.post(&confirm, "payment_method=pm_card_visa").await;
    assert_eq!(page["state"], "succeeded");
    let (status, error) = stage.refused(Method::GET, "/v1/payment_pages/cs_none", "").await;
    assert_eq!((status, &error["code"]), (404, &json!("resource_missing")));
}

#[tokio::test]
async fn a_bank_that_asks_is_answered_on_the_sessions_own_page() {
    let stage = Stage::new().await;
    let session = stage.session("").await;
    let confirm = format!("/v1/payment_pages/{session}/confirm");
    let page = stage.post(&confirm, "payment_method=pm_card_threeDSecure2Required").await;
    assert_eq!(
        (&page["state"], &page["payment_intent"]["status"]),
        (&json!("active"), &json!("requires_action"))
    );
    assert_eq!(page["payment_intent"]["next_action"]["type"], "use_stripe_sdk");
    let answer = stage
        .request(Method::POST, &format!("/c/pay/{session}/authenticate"))
        .body("decision=approve")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    let paid = stage.retrieve(&session).await;
    assert_eq!(
        (&paid["payment_status"], &paid["payment_intent"]["next_action"]),
        (&json!("paid"), &Value::Null)
    );
    let methods = paid["payment_intent"]["payment_method"].clone();
    assert_eq!(methods, page["payment_intent"]["payment_method"], "the same method all along");
}

#[tokio::test]
async fn what_a_session_says_of_its_intent_is_on_the_intent() {
    let stage = Stage::new().await;
    let customer = stage.post("/v1/customers", "email=jenny@example.com").await;
    let session = stage
        .session(&format!(
            "&customer={}&payment_intent_data[setup_future_usage]=off_session&payment_intent_data[receipt_email]=r@b.example&payment_intent_data[shipping][name]=Jenny&payment_intent_data[shipping][address][line1]=Elm 1",
            customer["id"].as_str().unwrap()
        ))
        .await;
    let page = stage
        .post(&format!("/v1/payment_pages/{session}/confirm"), "payment_method=pm_card_visa")
        .await;
    let intent = &page["payment_intent"];
    assert_eq!(
        (&intent["setup_future_usage"], &intent["receipt_email"], &intent["shipping"]["name"]),
        (&json!("off_session"), &json!("r@b.example"), &json!("Jenny"))
    );
    let path = format!("/v1/payment_methods/{}", intent["payment_method"].as_str().unwrap());
    assert_eq!(stage.get(&path).await["customer"], customer["id"], "kept for later");
}
