//! Vouchers: paid elsewhere, later or never.

use fulfill_sandbox::{Method as Pays, Purchase};
use serde_json::{Value, json};

use crate::stage::Stage;

const DAY_S: i64 = 24 * 60 * 60;

async fn standing(stage: &Stage, session: &str) -> [Value; 3] {
    let session = stage.retrieve(session).await;
    let of = |pointer: &str| session.pointer(pointer).unwrap().clone();
    [of("/status"), of("/payment_status"), of("/payment_intent/status")]
}

fn is(status: &str, payment: &str, intent: &str) -> [Value; 3] {
    [json!(status), json!(payment), json!(intent)]
}

async fn with_voucher(stage: &Stage, method: Pays) -> String {
    let session = stage.session("&payment_method_types[]=multibanco").await;
    stage.sandbox.pay(&session, method, Purchase::default()).unwrap();
    session
}

#[tokio::test]
async fn a_session_is_complete_and_unpaid_until_its_voucher_is_paid() {
    let stage = Stage::new().await;
    let session = with_voucher(&stage, Pays::Voucher).await;
    assert_eq!(standing(&stage, &session).await, is("complete", "unpaid", "requires_action"));
    let action = stage.retrieve(&session).await["payment_intent"]["next_action"].clone();
    assert_eq!(action["type"], "multibanco_display_details");
    assert_eq!(
        stage.event_types().await,
        ["payment_intent.created", "payment_intent.requires_action", "checkout.session.completed"]
    );
    stage.settle().await;
    assert_eq!(standing(&stage, &session).await, is("complete", "paid", "succeeded"));
    assert_eq!(
        stage.events_after(3).await,
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.async_payment_succeeded"
        ]
    );
}

#[tokio::test]
async fn a_voucher_that_nobody_pays_expires_after_some_days() {
    let stage = Stage::new().await;
    let session = with_voucher(&stage, Pays::VoucherExpires).await;
    stage.turn(6 * DAY_S).await;
    assert_eq!(standing(&stage, &session).await, is("complete", "unpaid", "requires_action"));
    stage.turn(DAY_S).await;
    assert_eq!(
        standing(&stage, &session).await,
        is("complete", "unpaid", "requires_payment_method")
    );
    let intent = stage.retrieve(&session).await["payment_intent"].clone();
    assert_eq!(
        (&intent["last_payment_error"]["code"], &intent["next_action"]),
        (&json!("payment_intent_payment_attempt_expired"), &Value::Null)
    );
    assert_eq!(
        stage.events_after(3).await,
        ["payment_intent.payment_failed", "checkout.session.async_payment_failed"]
    );
}

#[tokio::test]
async fn a_voucher_is_paid_or_expires_when_a_test_says_so() {
    let stage = Stage::new().await;
    let (paid, expired) = (
        with_voucher(&stage, Pays::VoucherExpires).await,
        with_voucher(&stage, Pays::VoucherExpires).await,
    );
    assert!(stage.sandbox.voucher(&paid, true));
    assert!(!stage.sandbox.voucher(&paid, false), "it waits no longer");
    let asked = json!({ "payment": expired, "paid": false });
    assert_eq!(stage.control("/_sandbox/voucher", asked.clone()).await.0, 200);
    assert_eq!(stage.control("/_sandbox/voucher", asked).await.0, 400);
    stage.turn(8 * DAY_S).await;
    assert_eq!(standing(&stage, &paid).await, is("complete", "paid", "succeeded"));
    assert_eq!(
        standing(&stage, &expired).await,
        is("complete", "unpaid", "requires_payment_method")
    );
}

#[tokio::test]
async fn an_address_says_whether_a_voucher_will_be_paid() {
    let stage = Stage::new().await;
    for (kind, currency, email, ends) in [
        ("boleto", "brl", "jenny@example.com", "succeeded"),
        ("oxxo", "mxn", "jenny_fill_never@example.com", "requires_payment_method"),
        ("konbini", "jpy", "jenny_expire_with_delay@example.com", "requires_payment_method"),
    ] {
        let intent = stage
            .post(
                "/v1/payment_intents",
                &format!("amount=2000&currency={currency}&confirm=true&payment_method_types[]={kind}&payment_method_data[type]={kind}&payment_method_data[billing_details][email]={email}"),
            )
            .await;
        assert_eq!(intent["status"], "requires_action");
        assert!(intent["next_action"][format!("{kind}_display_details")].is_object(), "{kind}");
        stage.turn(3 * DAY_S).await;
        let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
        assert_eq!(stage.get(&path).await["status"], ends, "{kind} {email}");
    }
}

#[tokio::test]
async fn the_refund_of_a_voucher_waits_for_the_buyers_account_and_can_be_called_back() {
    let stage = Stage::new().await;
    let session = with_voucher(&stage, Pays::Voucher).await;
    stage.settle().await;
    let intent =
        stage.retrieve(&session).await["payment_intent"]["id"].as_str().unwrap().to_owned();
    let form = format!("payment_intent={intent}");
    let refund = stage.post("/v1/refunds", &form).await;
    assert_eq!(
        (&refund["status"], &refund["instructions_email"]),
        (&json!("requires_action"), &json!("buyer@example.com"))
    );
    let path = format!("/v1/refunds/{}", refund["id"].as_str().unwrap());
    assert_eq!(stage.post(&format!("{path}/cancel"), "").await["status"], "canceled");
    let again = stage.post("/v1/refunds", &form).await;
    assert_eq!(again["amount"], json!(1200));
    stage.settle().await;
    assert_eq!(stage.get(&path).await["status"], "canceled");
    let again = stage.get(&format!("/v1/refunds/{}", again["id"].as_str().unwrap())).await;
    assert_eq!(again["status"], "succeeded");
}

#[tokio::test]
async fn a_voucher_has_a_page_with_its_number_where_it_is_paid_or_expires() {
    let stage = Stage::new().await;
    for (decision, title, intent) in [
        ("pay", "The number is paid", "succeeded"),
        ("expire", "The number has expired", "requires_payment_method"),
    ] {
        let session = with_voucher(&stage, Pays::VoucherExpires).await;
        let details = stage.retrieve(&session).await["payment_intent"]["next_action"]
            ["multibanco_display_details"]
            .clone();
        let url = details["hosted_voucher_url"].as_str().unwrap();
        let open = async || stage.http.get(url).send().await.unwrap().text().await.unwrap();
        let (number, page) = (details["reference"].as_str().unwrap(), open().await);
        assert!(page.contains("Pay €12.00 by 28 September 2026."), "{page}");
        assert!(page.replace(' ', "").contains(number), "{number} in {page}");
        let nothing = stage.http.post(url).body("decision=perhaps").send().await.unwrap();
        assert_eq!(nothing.status(), 200, "it asks again");
        let answer = stage.http.post(url).body(format!("decision={decision}")).send().await;
        assert_eq!(answer.unwrap().status(), 303);
        let page = open().await;
        assert!(page.contains(title) && !page.contains("name=\"decision\""), "{page}");
        assert_eq!(standing(&stage, &session).await[2], intent);
    }
    let nowhere = format!("{}/c/voucher/pi_none", stage.sandbox.url());
    assert_eq!(stage.http.get(nowhere).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_second_voucher_is_not_decided_when_the_first_would_have_been() {
    let stage = Stage::new().await;
    let oxxo = "payment_method_data[type]=oxxo&payment_method_data[billing_details][email]=fill_never@example.com";
    let form = format!("amount=2000&currency=mxn&confirm=true&payment_method_types[]=oxxo&{oxxo}");
    let first = stage.post("/v1/payment_intents", &form).await;
    let path = format!("/v1/payment_intents/{}", first["id"].as_str().unwrap());
    let expires = json!({ "payment": first["id"], "paid": false });
    assert_eq!(stage.control("/_sandbox/voucher", expires).await.0, 200);
    stage.turn(DAY_S).await;
    let second = stage.post(&format!("{path}/confirm"), oxxo).await;
    assert_eq!(second["status"], "requires_action");
    stage.turn(2 * DAY_S).await;
    assert_eq!(stage.get(&path).await["status"], "requires_action");
    stage.turn(DAY_S).await;
    assert_eq!(stage.get(&path).await["status"], "requires_payment_method");
}

#[tokio::test]
async fn a_second_debit_is_not_decided_when_the_first_would_have_been() {
    let stage = Stage::new().await;
    let debit = "payment_method_data[type]=sepa_debit&payment_method_data[sepa_debit][iban]=AT611904300234573201&payment_method_data[billing_details][email]=ann@example.com&payment_method_data[billing_details][name]=Ann";
    let form =
        format!("amount=2000&currency=eur&confirm=true&payment_method_types[]=sepa_debit&{debit}");
    let first = stage.post("/v1/payment_intents", &form).await;
    assert_eq!(first["status"], "processing");
    let id = first["id"].as_str().unwrap();
    let path = format!("/v1/payment_intents/{id}");
    let fails = format!("{}/_sandbox/look/payment/{id}/fail", stage.sandbox.url());
    let form = stage.http.post(fails).header("origin", stage.sandbox.url());
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(form.send().await.unwrap().status(), 303);
    assert_eq!(stage.get(&path).await["status"], "requires_payment_method");
    stage.turn(1).await;
    assert_eq!(stage.post(&format!("{path}/confirm"), debit).await["status"], "processing");
    stage.turn(1).await;
    assert_eq!(stage.get(&path).await["status"], "processing");
    stage.turn(1).await;
    assert_eq!(stage.get(&path).await["status"], "succeeded");
}
