//! Intents that no session has.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, read};

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

#[tokio::test]
async fn an_intent_goes_from_nothing_to_money() {
    let stage = Stage::new().await;
    let made = stage
        .post("/v1/payment_intents", "amount=2000&currency=usd&payment_method_types[]=card&receipt_email=a@b.example&metadata[order]=7")
        .await;
    assert_eq!(
        (&made["status"], &made["receipt_email"], &made["latest_charge"]),
        (&json!("requires_payment_method"), &json!("a@b.example"), &Value::Null)
    );
    let path = format!("/v1/payment_intents/{}", id(&made));
    let (_, error) = stage.refused(Method::POST, &format!("{path}/confirm"), "").await;
    assert_eq!(error["code"], "payment_intent_unexpected_state");
    let updated = stage.post(&path, "amount=2500&payment_method=pm_card_visa&shipping[name]=J&shipping[address][line1]=Elm 1&shipping[carrier]=DHL&shipping[tracking_number]=42").await;
    assert_eq!(
        (&updated["shipping"]["carrier"], &updated["shipping"]["tracking_number"]),
        (&json!("DHL"), &json!("42"))
    );
    assert_eq!(
        (&updated["status"], &updated["amount"], &updated["shipping"]["address"]["line1"]),
        (&json!("requires_confirmation"), &json!(2500), &json!("Elm 1"))
    );
    let paid = stage
        .post(&format!("{path}/confirm"), "expand[]=latest_charge&expand[]=payment_method")
        .await;
    assert_eq!(
        (&paid["status"], &paid["amount_received"], &paid["latest_charge"]["metadata"]["order"]),
        (&json!("succeeded"), &json!(2500), &json!("7"))
    );
    assert_eq!(paid["payment_method"]["card"]["last4"], "4242");
    let (_, error) = stage.refused(Method::POST, &path, "amount=1").await;
    assert_eq!(error["code"], "payment_intent_unexpected_state");
    let noted = stage.post(&path, "description=Tea").await;
    assert_eq!(noted["description"], "Tea");
    let listed = stage.get(&format!("/v1/charges?payment_intent={}", id(&made))).await;
    assert_eq!(listed["data"][0]["id"], paid["latest_charge"]["id"]);
}

#[tokio::test]
async fn a_decline_answers_402_with_the_intent_in_it() {
    let stage = Stage::new().await;
    let form = "amount=2000&currency=usd&confirm=true&payment_method_types[]=card&payment_method=pm_card_chargeDeclinedInsufficientFunds";
    let (status, error) = stage.refused(Method::POST, "/v1/payment_intents", form).await;
    assert_eq!(
        (status, &error["type"], &error["code"], &error["decline_code"]),
        (402, &json!("card_error"), &json!("card_declined"), &json!("insufficient_funds"))
    );
    let intent = &error["payment_intent"];
    assert_eq!(
        (&intent["status"], &intent["payment_method"], &intent["latest_charge"]),
        (&json!("requires_payment_method"), &Value::Null, &error["charge"])
    );
    assert_eq!(intent["last_payment_error"]["decline_code"], "insufficient_funds");
    let charge = stage.get(&format!("/v1/charges/{}", error["charge"].as_str().unwrap())).await;
    assert_eq!((&charge["status"], &charge["paid"]), (&json!("failed"), &json!(false)));
    assert_eq!(
        stage.event_types().await,
        ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    );
    let again = format!("/v1/payment_intents/{}/confirm", id(intent));
    assert_eq!(stage.post(&again, "payment_method=pm_card_visa").await["status"], "succeeded");
}

#[tokio::test]
async fn a_decline_is_replayed_under_its_idempotency_key() {
    let stage = Stage::new().await;
    let send = async || {
        let form = "amount=2000&currency=usd&confirm=true&payment_method_types[]=card&payment_method=pm_card_chargeDeclined";
        let request = stage.request(Method::POST, "/v1/payment_intents").body(form);
        read(request.header("Idempotency-Key", "once").send().await.unwrap()).await
    };
    let (first, second) = (send().await, send().await);
    assert_eq!((first.0, &first), (402, &second));
    assert_eq!(stage.event_types().await.len(), 3, "it was tried once");
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() {
    let stage = Stage::new().await;
    for (form, code, param) in [
        ("currency=usd", json!("parameter_missing"), json!("amount")),
        ("amount=2000", json!("parameter_missing"), json!("currency")),
        ("amount=x&currency=usd", json!("parameter_invalid_integer"), json!("amount")),
        ("amount=0&currency=jpy", json!("parameter_invalid_integer"), json!("amount")),
        ("amount=49&currency=usd", json!("amount_too_small"), json!("amount")),
        ("amount=100000000&currency=usd", json!("amount_too_large"), json!("amount")),
        (
            "amount=2000&currency=usd&customer=cus_none",
            json!("resource_missing"),
            json!("customer"),
        ),
        (
            "amount=2000&currency=usd&payment_method=pm_none",
            json!("resource_missing"),
            json!("payment_method"),
        ),
        (
            "amount=2000&currency=usd&payment_method_types[]=shells",
            Value::Null,
            json!("payment_method_types"),
        ),
        ("amount=2000&currency=usd&wings=2", json!("parameter_unknown"), json!("wings")),
        (
            "amount=2000&currency=usd&shipping[wings]=2",
            json!("parameter_unknown"),
            json!("shipping[wings]"),
        ),
        (
            "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa",
            Value::Null,
            json!("return_url"),
        ),
    ] {
        let (_, error) = stage.refused(Method::POST, "/v1/payment_intents", form).await;
        assert_eq!((&error["code"], &error["param"]), (&code, &param), "{form}");
    }
    assert_eq!(stage.get("/v1/payment_intents").await["data"], json!([]), "nothing was made");
    let (status, error) = stage.refused(Method::GET, "/v1/payment_intents/pi_none", "").await;
    assert_eq!(
        (status, &error["code"], &error["param"]),
        (404, &json!("resource_missing"), &json!("intent"))
    );
}

#[tokio::test]
async fn a_bank_asks_and_is_answered() {
    let stage = Stage::new().await;
    let form = "amount=2000&currency=usd&confirm=true&payment_method=pm_card_authenticationRequired&return_url=http://shop.example/back";
    let asked = stage.post("/v1/payment_intents", form).await;
    assert_eq!(
        (&asked["status"], &asked["next_action"]["redirect_to_url"]["return_url"]),
        (&json!("requires_action"), &json!("http://shop.example/back"))
    );
    let answer = json!({ "payment_intent": asked["id"], "approve": true });
    assert_eq!(stage.control("/_sandbox/bank", answer.clone()).await.0, 200);
    assert_eq!(stage.control("/_sandbox/bank", answer).await.0, 400, "it does not ask twice");
    let path = format!("/v1/payment_intents/{}", id(&asked));
    assert_eq!(stage.get(&path).await["status"], "succeeded");
    let refused = stage.post("/v1/payment_intents", form).await;
    let answer = json!({ "payment_intent": refused["id"], "approve": false });
    stage.control("/_sandbox/bank", answer).await;
    let refused = stage.get(&format!("/v1/payment_intents/{}", id(&refused))).await;
    assert_eq!(
        (&refused["status"], &refused["last_payment_error"]["code"], &refused["latest_charge"]),
        (
            &json!("requires_payment_method"),
            &json!("payment_intent_authentication_failure"),
            &Value::Null
        )
    );
    let (_, error) = stage
        .refused(Method::POST, "/v1/payment_intents", &format!("{form}&off_session=true"))
        .await;
    assert_eq!(error["code"], "authentication_required");
}

#[tokio::test]
async fn a_part_of_what_is_reserved_is_captured() {
    let stage = Stage::new().await;
    let form = "amount=2000&currency=usd&confirm=true&capture_method=manual&payment_method_types[]=card&payment_method=pm_card_visa";
    let held = stage.post("/v1/payment_intents", form).await;
    assert_eq!(
        (&held["status"], &held["amount_capturable"], &held["amount_received"]),
        (&json!("requires_capture"), &json!(2000), &json!(0))
    );
    let path = format!("/v1/payment_intents/{}/capture", id(&held));
    let (_, error) = stage.refused(Method::POST, &path, "amount_to_capture=2001").await;
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("amount_too_large"), &json!("amount_to_capture"))
    );
    let taken = stage.post(&path, "amount_to_capture=700&expand[]=latest_charge").await;
    assert_eq!(
        (&taken["status"], &taken["amount_received"], &taken["latest_charge"]["amount_captured"]),
        (&json!("succeeded"), &json!(700), &json!(700))
    );
    let refund = stage.post("/v1/refunds", &format!("payment_intent={}", id(&held))).await;
    assert_eq!(refund["amount"], json!(700), "what was not taken cannot be given back");
}

#[tokio::test]
async fn what_was_only_reserved_goes_back_when_the_intent_is_canceled() {
    let stage = Stage::new().await;
    let form = "amount=2000&currency=usd&confirm=true&capture_method=manual&payment_method_types[]=card&payment_method=pm_card_visa";
    let held = stage.post("/v1/payment_intents", form).await;
    let path = format!("/v1/payment_intents/{}/cancel", id(&held));
    let canceled = stage.post(&path, "cancellation_reason=abandoned").await;
    assert_eq!(
        (&canceled["status"], &canceled["cancellation_reason"]),
        (&json!("canceled"), &json!("abandoned"))
    );
    assert_eq!(stage.events_after(3).await, ["charge.refunded", "payment_intent.canceled"]);
    let (_, error) = stage.refused(Method::POST, &path, "").await;
    assert_eq!(error["payment_intent"]["status"], "canceled");
}

#[tokio::test]
async fn what_is_reserved_keeps_its_amount_and_its_method() {
    let stage = Stage::new().await;
    let form = "amount=2000&currency=usd&confirm=true&capture_method=manual&payment_method_types[]=card&payment_method=pm_card_visa";
    let held = stage.post("/v1/payment_intents", form).await;
    let path = format!("/v1/payment_intents/{}", id(&held));
    for form in ["amount=1000", "payment_method=pm_card_visa"] {
        let (status, error) = stage.refused(Method::POST, &path, form).await;
        assert_eq!((status, &error["code"]), (400, &json!("payment_intent_unexpected_state")));
    }
    let told = stage.post(&path, "description=Tea").await;
    assert_eq!((&told["status"], &told["amount"]), (&json!("requires_capture"), &json!(2000)));
    assert_eq!(stage.post(&format!("{path}/capture"), "").await["amount_received"], json!(2000));
}

#[tokio::test]
async fn an_intent_has_the_shape_of_the_version_asked_for() {
    let stage = Stage::new().await;
    let make = async |version: &str| {
        let request = stage.request(Method::POST, "/v1/payment_intents");
        let request = request.header("Stripe-Version", version);
        let (status, intent) =
            read(request.body("amount=100&currency=usd").send().await.unwrap()).await;
        assert_eq!(status, 200);
        (intent["capture_method"].clone(), intent["automatic_payment_methods"]["enabled"].clone())
    };
    assert_eq!(make("2022-11-15").await, (json!("automatic"), Value::Null));
    assert_eq!(make("2023-10-16").await, (json!("automatic"), json!(true)));
    assert_eq!(make("2026-10-28.endive").await, (json!("automatic_async"), json!(true)));
}

#[tokio::test]
async fn relations_of_a_payment_are_expanded_to_a_depth_of_four() {
    let stage = Stage::new().await;
    let customer = stage.post("/v1/customers", "name=Jenny").await;
    let form = format!(
        "amount=2000&currency=usd&confirm=true&customer={}&payment_method_types[]=card&payment_method=pm_card_visa",
        id(&customer)
    );
    let intent = stage.post("/v1/payment_intents", &form).await;
    stage.post("/v1/refunds", &format!("payment_intent={}&amount=1", id(&intent))).await;
    let refunds = stage
        .get("/v1/refunds?expand[]=data.payment_intent.latest_charge.customer&expand[]=data.charge.balance_transaction")
        .await;
    let refund = &refunds["data"][0];
    assert_eq!(refund["payment_intent"]["latest_charge"]["customer"]["name"], "Jenny");
    assert_eq!(refund["charge"]["balance_transaction"]["amount"], json!(2000));
    let (status, _) = stage
        .refused(
            Method::GET,
            "/v1/refunds?expand[]=data.payment_intent.latest_charge.customer.name",
            "",
        )
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_token_is_charged_without_an_intent() {
    let stage = Stage::new().await;
    let charge =
        stage.post("/v1/charges", "amount=2000&currency=usd&source=tok_visa&description=old").await;
    assert_eq!(
        (&charge["paid"], &charge["payment_intent"], &charge["description"]),
        (&json!(true), &Value::Null, &json!("old"))
    );
    let path = format!("/v1/charges/{}", id(&charge));
    assert_eq!(stage.post(&path, "metadata[a]=b").await["metadata"], json!({ "a": "b" }));
    let (status, error) = stage
        .refused(Method::POST, "/v1/charges", "amount=2000&currency=usd&source=tok_chargeDeclined")
        .await;
    assert_eq!((status, &error["code"]), (402, &json!("card_declined")));
    let held =
        stage.post("/v1/charges", "amount=2000&currency=usd&source=tok_visa&capture=false").await;
    assert_eq!(held["captured"], json!(false));
    let capture = format!("/v1/charges/{}/capture", id(&held));
    assert_eq!(stage.post(&capture, "amount=500").await["amount_captured"], json!(500));
    let (_, error) = stage.refused(Method::POST, &capture, "").await;
    assert_eq!(error["code"], "charge_already_captured");
    let disputed =
        stage.post("/v1/charges", "amount=2000&currency=usd&source=tok_createDispute").await;
    assert_eq!(disputed["disputed"], json!(true));
}
