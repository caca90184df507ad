//! Money that goes back.

use fulfill_sandbox::{Method as Pays, Purchase};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Endpoint, Stage, read};

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap()
}

#[tokio::test]
async fn a_refund_in_parts_ends_when_nothing_is_left() {
    let stage = Stage::new().await;
    let intent = stage.intent("pm_card_visa").await;
    let id = text(&intent, "/id");
    let before = stage.event_types().await.len();
    let first = stage
        .post(
            "/v1/refunds",
            &format!("payment_intent={id}&amount=500&reason=requested_by_customer&metadata[why]=late&expand[]=charge"),
        )
        .await;
    assert_eq!(
        (&first["status"], &first["amount"], &first["reason"], &first["metadata"]["why"]),
        (&json!("succeeded"), &json!(500), &json!("requested_by_customer"), &json!("late"))
    );
    assert_eq!(
        (&first["charge"]["amount_refunded"], &first["charge"]["refunded"]),
        (&json!(500), &json!(false))
    );
    let charge = text(&first, "/charge/id");
    let (status, error) =
        stage.refused(Method::POST, "/v1/refunds", &format!("charge={charge}&amount=1501")).await;
    assert_eq!((status, &error["param"]), (400, &json!("amount")));
    assert!(text(&error, "/message").contains("greater than unrefunded amount"));
    let rest = stage.post("/v1/refunds", &format!("charge={charge}")).await;
    assert_eq!((&rest["amount"], text(&rest, "/payment_intent")), (&json!(1500), id));
    let (_, error) = stage.refused(Method::POST, "/v1/refunds", &format!("charge={charge}")).await;
    assert_eq!(error["code"], "charge_already_refunded");
    let charge = stage.get(&format!("/v1/charges/{charge}?expand[]=refunds")).await;
    assert_eq!((&charge["refunded"], &charge["amount_refunded"]), (&json!(true), &json!(2000)));
    let listed = |list: &Value| {
        list["data"].as_array().unwrap().iter().map(|one| one["amount"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&charge["refunds"]), [json!(1500), json!(500)]);
    let page = stage.get(text(&charge, "/refunds/url")).await;
    assert_eq!(listed(&page), [json!(1500), json!(500)]);
    let by_intent = stage.get(&format!("/v1/refunds?payment_intent={id}&limit=1")).await;
    assert_eq!((listed(&by_intent), &by_intent["has_more"]), (vec![json!(1500)], &json!(true)));
    assert_eq!(
        stage.events_after(before).await,
        ["refund.created", "charge.refunded", "refund.created", "charge.refunded"]
    );
}

#[tokio::test]
async fn what_cannot_be_refunded_is_refused_by_name() {
    let stage = Stage::new().await;
    let refused = async |form: &str| stage.refused(Method::POST, "/v1/refunds", form).await;
    assert_eq!(refused("amount=1").await.1["code"], "parameter_missing");
    let (status, error) = refused("payment_intent=pi_none").await;
    assert_eq!(
        (status, &error["code"], &error["param"]),
        (404, &json!("resource_missing"), &json!("payment_intent"))
    );
    let open = stage.post("/v1/payment_intents", "amount=100&currency=usd").await;
    let (_, error) = refused(&format!("payment_intent={}", text(&open, "/id"))).await;
    assert!(text(&error, "/message").contains("does not have a successful charge"));
    let (_, error) = refused("payment_intent=pi_none&wings=2").await;
    assert_eq!(error["code"], "resource_missing");
    let disputed = stage.intent("pm_card_createDispute").await;
    let (_, error) = refused(&format!("payment_intent={}", text(&disputed, "/id"))).await;
    assert_eq!(error["code"], "charge_disputed");
    let paid = stage.intent("pm_card_visa").await;
    let (_, error) = refused(&format!("payment_intent={}&wings=2", text(&paid, "/id"))).await;
    assert_eq!((&error["code"], &error["param"]), (&json!("parameter_unknown"), &json!("wings")));
    assert_eq!(stage.get("/v1/refunds").await["data"], json!([]), "nothing was refunded");
}

#[tokio::test]
async fn a_refund_that_is_pending_arrives_later() {
    let stage = Stage::new().await;
    let intent = stage.intent("pm_card_pendingRefund").await;
    let refund =
        stage.post("/v1/refunds", &format!("payment_intent={}", text(&intent, "/id"))).await;
    assert_eq!(
        (&refund["status"], &refund["pending_reason"]),
        (&json!("pending"), &json!("processing"))
    );
    let before = stage.event_types().await.len();
    stage.settle().await;
    let refund = stage.get(&format!("/v1/refunds/{}", text(&refund, "/id"))).await;
    assert_eq!(refund["status"], "succeeded");
    assert_eq!(stage.events_after(before).await, ["refund.updated", "charge.refund.updated"]);
}

#[tokio::test]
async fn a_refund_that_fails_after_all_leaves_the_money_with_the_merchant() {
    let stage = Stage::new().await;
    let session = stage.session("").await;
    stage.sandbox.pay(&session, Pays::RefundFails, Purchase::default()).unwrap();
    let intent = text(&stage.retrieve(&session).await, "/payment_intent/id").to_owned();
    let refund = stage.post("/v1/refunds", &format!("payment_intent={intent}&amount=700")).await;
    assert_eq!(refund["status"], "succeeded");
    let before = stage.event_types().await.len();
    stage.settle().await;
    let path = format!("/v1/refunds/{}?expand[]=charge", text(&refund, "/id"));
    let refund = stage.get(&path).await;
    assert_eq!(
        (&refund["status"], &refund["failure_reason"], &refund["charge"]["amount_refunded"]),
        (&json!("failed"), &json!("expired_or_canceled_card"), &json!(0))
    );
    assert_eq!(
        stage.events_after(before).await,
        ["refund.updated", "charge.refund.updated", "refund.failed", "charge.updated"]
    );
    let again = stage.post("/v1/refunds", &format!("payment_intent={intent}")).await;
    assert_eq!(again["amount"], json!(1200), "all of it can be refunded once more");
}

#[tokio::test]
async fn a_refunds_session_is_found_by_its_intent() {
    let stage = Stage::new().await;
    let (paid, _other) = (stage.session("").await, stage.session("").await);
    stage.sandbox.pay(&paid, Pays::Card, Purchase::default()).unwrap();
    let intent = text(&stage.retrieve(&paid).await, "/payment_intent/id").to_owned();
    stage.post("/v1/refunds", &format!("payment_intent={intent}")).await;
    let event = stage.get("/v1/events?type=charge.refunded").await;
    let named = text(&event, "/data/0/data/object/payment_intent");
    let sessions = stage.get(&format!("/v1/checkout/sessions?payment_intent={named}")).await;
    assert_eq!(sessions["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&sessions["data"][0]["id"], &sessions["data"][0]["payment_status"]),
        (&json!(paid), &json!("paid"))
    );
}

#[tokio::test]
async fn metadata_of_a_refund_is_updated_and_told_under_both_names() {
    let stage = Stage::new().await;
    let endpoint = Endpoint::new().await;
    endpoint.register(&stage, "enabled_events[]=charge.refund.updated&enabled_events[]=refund.updated&api_version=2022-11-15").await;
    let intent = stage.intent("pm_card_visa").await;
    let refund =
        stage.post("/v1/refunds", &format!("payment_intent={}", text(&intent, "/id"))).await;
    let path = format!("/v1/refunds/{}", text(&refund, "/id"));
    let refund = stage.post(&path, "metadata[order]=6735").await;
    assert_eq!(refund["metadata"], json!({ "order": "6735" }));
    let (_, error) = stage.refused(Method::POST, &path, "amount=1").await;
    assert_eq!(error["code"], "parameter_unknown");
    let (_, error) = stage.refused(Method::POST, &format!("{path}/cancel"), "").await;
    assert!(text(&error, "/message").contains("cannot be canceled"));
    stage.sandbox.idle().await;
    let mut types = endpoint.types();
    types.sort();
    assert_eq!(types, ["charge.refund.updated", "refund.updated"]);
    assert_eq!(endpoint.came()[0].json()["data"]["object"]["metadata"]["order"], "6735");
}

#[tokio::test]
async fn the_balance_shows_what_came_and_went() {
    let stage = Stage::new().await;
    let intent = stage.intent("pm_card_visa").await;
    let path = format!(
        "/v1/payment_intents/{}?expand[]=latest_charge.balance_transaction",
        text(&intent, "/id")
    );
    let came = stage.get(&path).await["latest_charge"]["balance_transaction"].clone();
    assert_eq!(
        (&came["amount"], &came["fee"], &came["net"]),
        (&json!(2000), &json!(88), &json!(1912))
    );
    let again = stage.get(&format!("/v1/balance_transactions/{}", text(&came, "/id"))).await;
    assert_eq!(again, came);
    let form = format!("payment_intent={}&expand[]=balance_transaction", text(&intent, "/id"));
    let refund = stage.post("/v1/refunds", &form).await;
    assert_eq!(refund["balance_transaction"]["amount"], json!(-2000));
}

#[tokio::test]
async fn a_key_that_reads_charges_reads_refunds_and_makes_none() {
    let stage = Stage::new().await;
    let key = "rk_test_reader0000000000";
    stage.sandbox.restrict(key, &["charge_read"]);
    let url = format!("{}/v1/refunds", stage.sandbox.url());
    assert_eq!(stage.http.get(&url).bearer_auth(key).send().await.unwrap().status(), 200);
    let made = stage.http.post(&url).bearer_auth(key).body("payment_intent=pi_1").send().await;
    let (status, answer) = read(made.unwrap()).await;
    assert_eq!(status, 403);
    assert!(text(&answer, "/error/message").contains("'rak_charge_write'"));
}
