//! What becomes of a session.

use std::{collections::BTreeMap, time::Duration};

use fulfill_sandbox::{Method, PayError, Purchase};
use reqwest::Method as Verb;
use serde_json::{Value, json};

use crate::stage::Stage;

const ONE_DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn outcome(stage: &Stage, id: &str) -> (String, String, Value) {
    let session = stage.retrieve(id).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&session["status"]),
        text(&session["payment_status"]),
        session["payment_intent"]["status"].clone(),
    )
}

fn is(status: &str, payment_status: &str, intent: Value) -> (String, String, Value) {
    (status.to_owned(), payment_status.to_owned(), intent)
}

#[tokio::test]
async fn a_card_pays_at_once() {
    let stage = Stage::new().await;
    let id = stage.session("&client_reference_id=r1&payment_intent_data[metadata][k]=v").await;
    assert_eq!(outcome(&stage, &id).await, is("open", "unpaid", Value::Null));
    stage.sandbox.pay(&id, Method::Card, Purchase::default()).unwrap();
    assert_eq!(outcome(&stage, &id).await, is("complete", "paid", json!("succeeded")));
    let session = stage
        .get(&format!("/v1/checkout/sessions/{id}?expand[]=payment_intent.payment_method"))
        .await;
    assert_eq!(session["payment_intent"]["metadata"], json!({ "k": "v" }));
    assert_eq!(session["payment_intent"]["payment_method"]["card"]["last4"], "4242");
    assert_eq!(session["customer_details"]["email"], "buyer@example.com");
    assert_eq!(session["url"], Value::Null);
    assert_eq!(
        stage.event_types().await,
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed"
        ]
    );
    let again = stage.sandbox.pay(&id, Method::Card, Purchase::default());
    assert_eq!(again, Err(PayError::NotOpen(id, "complete")));
}

#[tokio::test]
async fn a_debit_arrives_later() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    stage.sandbox.pay(&id, Method::Debit, Purchase::default()).unwrap();
    assert_eq!(outcome(&stage, &id).await, is("complete", "unpaid", json!("processing")));
    stage.sandbox.clock().advance(Duration::from_millis(1_999));
    stage.sandbox.idle().await;
    assert_eq!(outcome(&stage, &id).await, is("complete", "unpaid", json!("processing")));
    stage.sandbox.clock().advance(Duration::from_millis(1));
    stage.sandbox.idle().await;
    assert_eq!(outcome(&stage, &id).await, is("complete", "paid", json!("succeeded")));
    assert_eq!(
        stage.event_types().await.last().unwrap(),
        "checkout.session.async_payment_succeeded"
    );
}

#[tokio::test]
async fn a_debit_that_fails_leaves_the_session_complete_and_unpaid() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    stage.sandbox.pay(&id, Method::DebitFails, Purchase::default()).unwrap();
    let (status, _) = stage.control("/_sandbox/clock/advance", json!({ "seconds": 3 })).await;
    assert_eq!(status, 200);
    assert_eq!(
        outcome(&stage, &id).await,
        is("complete", "unpaid", json!("requires_payment_method"))
    );
    assert_eq!(stage.event_types().await.last().unwrap(), "checkout.session.async_payment_failed");
    assert!(
        stage.retrieve(&id).await["payment_intent"]["last_payment_error"]["message"].is_string()
    );
}

#[tokio::test]
async fn a_declined_card_leaves_the_session_open_for_another_try() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    let declined = stage.sandbox.pay(&id, Method::Declined, Purchase::default());
    assert!(matches!(declined, Err(PayError::Declined(_))));
    assert_eq!(outcome(&stage, &id).await, is("open", "unpaid", json!("requires_payment_method")));
    let first = stage.retrieve(&id).await["payment_intent"]["id"].clone();
    stage.sandbox.pay(&id, Method::Card, Purchase::default()).unwrap();
    assert_eq!(outcome(&stage, &id).await, is("complete", "paid", json!("succeeded")));
    assert_eq!(
        stage.retrieve(&id).await["payment_intent"]["id"],
        first,
        "the second try uses the same intent"
    );
}

#[tokio::test]
async fn money_that_is_only_reserved_is_captured_or_given_back() {
    let stage = Stage::new().await;
    let manual = "&payment_intent_data[capture_method]=manual";
    let (captured, canceled) = (stage.session(manual).await, stage.session(manual).await);
    for id in [&captured, &canceled] {
        stage.sandbox.pay(id, Method::Card, Purchase::default()).unwrap();
        assert_eq!(outcome(&stage, id).await, is("complete", "unpaid", json!("requires_capture")));
    }
    let intent = |session: Value| session["payment_intent"]["id"].as_str().unwrap().to_owned();
    let first = intent(stage.retrieve(&captured).await);
    stage.post(&format!("/v1/payment_intents/{first}/capture"), "").await;
    assert_eq!(outcome(&stage, &captured).await, is("complete", "paid", json!("succeeded")));
    let second = intent(stage.retrieve(&canceled).await);
    stage
        .post(&format!("/v1/payment_intents/{second}/cancel"), "cancellation_reason=abandoned")
        .await;
    assert_eq!(outcome(&stage, &canceled).await, is("complete", "unpaid", json!("canceled")));
    let (_, error) =
        stage.refused(Verb::POST, &format!("/v1/payment_intents/{second}/capture"), "").await;
    assert_eq!(error["code"], "payment_intent_unexpected_state");
}

#[tokio::test]
async fn a_session_nobody_pays_expires() {
    let stage = Stage::new().await;
    let (by_time, by_call) = (stage.session("").await, stage.session("").await);
    let soon = crate::stage::START_MS / 1000 + 1_800;
    let early = stage.session(&format!("&expires_at={soon}")).await;
    let expired = stage.post(&format!("/v1/checkout/sessions/{by_call}/expire"), "").await;
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &Value::Null));
    let (_, error) =
        stage.refused(Verb::POST, &format!("/v1/checkout/sessions/{by_call}/expire"), "").await;
    assert!(error["message"].as_str().unwrap().contains("expired"));
    stage.sandbox.clock().advance(Duration::from_secs(1_800));
    stage.sandbox.idle().await;
    assert_eq!(outcome(&stage, &early).await.0, "expired");
    assert_eq!(outcome(&stage, &by_time).await.0, "open");
    stage.sandbox.clock().advance(ONE_DAY);
    let late = stage.sandbox.pay(&by_time, Method::Card, Purchase::default());
    assert_eq!(late, Err(PayError::NotOpen(by_time, "expired")));
    assert_eq!(stage.event_types().await, ["checkout.session.expired"; 3]);
}

#[tokio::test]
async fn the_buyer_changes_quantities_and_removes_lines() {
    let stage = Stage::new().await;
    let line = |n: usize, more: &str| {
        format!(
            "&line_items[{n}][quantity]=1&line_items[{n}][price_data][currency]=eur&line_items[{n}][price_data][unit_amount]=100&line_items[{n}][price_data][product_data][name]=n{n}{more}"
        )
    };
    let form = format!(
        "mode=payment&success_url=http://x&expand[]=line_items{}{}{}",
        line(
            0,
            "&line_items[0][adjustable_quantity][enabled]=true&line_items[0][adjustable_quantity][maximum]=5"
        ),
        line(1, "&line_items[1][adjustable_quantity][enabled]=true"),
        line(2, "")
    );
    let session = stage.post("/v1/checkout/sessions", &form).await;
    let id = session["id"].as_str().unwrap();
    let lines: Vec<_> = (0..3)
        .map(|n| session["line_items"]["data"][n]["id"].as_str().unwrap().to_owned())
        .collect();
    let pay = |wanted: &[(usize, i64)]| {
        let quantities: BTreeMap<_, _> =
            wanted.iter().map(|(n, quantity)| (lines[*n].clone(), *quantity)).collect();
        stage.sandbox.pay(id, Method::Card, Purchase { quantities, ..Purchase::default() })
    };
    assert!(matches!(pay(&[(0, 6)]), Err(PayError::Field(..))), "above the maximum");
    assert!(matches!(pay(&[(2, 2)]), Err(PayError::Field(..))), "a fixed line");
    pay(&[(0, 5), (1, 0)]).unwrap();
    let paid = stage
        .get(&format!("/v1/checkout/sessions/{id}?expand[]=line_items&expand[]=payment_intent"))
        .await;
    let left: Vec<_> = paid["line_items"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["description"].clone(), line["quantity"].clone()))
        .collect();
    assert_eq!(left, [(json!("n0"), json!(5)), (json!("n2"), json!(1))]);
    assert_eq!(
        (&paid["amount_total"], &paid["payment_intent"]["amount"]),
        (&json!(600), &json!(600))
    );
}

#[tokio::test]
async fn a_subscription_has_no_intent_and_makes_a_customer() {
    let stage = Stage::new().await;
    let session = stage.post("/v1/checkout/sessions", "mode=subscription&success_url=http://x&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=900&line_items[0][price_data][recurring][interval]=month&line_items[0][price_data][product_data][name]=Club").await;
    let id = session["id"].as_str().unwrap();
    stage.sandbox.pay(id, Method::Card, Purchase::default()).unwrap();
    let paid = stage
        .get(&format!("/v1/checkout/sessions/{id}?expand[]=subscription&expand[]=customer"))
        .await;
    assert_eq!((&paid["payment_status"], &paid["payment_intent"]), (&json!("paid"), &Value::Null));
    assert_eq!(paid["subscription"]["status"], "active");
    assert_eq!(paid["customer"]["email"], "buyer@example.com");
    let by_customer = stage
        .get(&format!(
            "/v1/checkout/sessions?customer={}",
            paid["customer"]["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(by_customer["data"][0]["id"], json!(id));
}

#[tokio::test]
async fn a_setup_session_charges_nothing() {
    let stage = Stage::new().await;
    let session =
        stage.post("/v1/checkout/sessions", "mode=setup&success_url=http://x&currency=eur").await;
    let id = session["id"].as_str().unwrap();
    stage.sandbox.pay(id, Method::Card, Purchase::default()).unwrap();
    let done = stage.retrieve(id).await;
    assert_eq!(
        (&done["status"], &done["payment_status"]),
        (&json!("complete"), &json!("no_payment_required"))
    );
    assert!(done["setup_intent"].as_str().unwrap().starts_with("seti_"));
}

#[tokio::test]
async fn case_26_the_buyer_may_have_seen_another_currency() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    let seen = json!({ "amount": 1399, "currency": "usd" });
    stage.control("/_sandbox/pay", json!({ "session": id, "presentment": seen })).await;
    let session = stage.retrieve(&id).await;
    assert_eq!((&session["amount_total"], &session["currency"]), (&json!(1200), &json!("eur")));
    assert_eq!(
        session["presentment_details"],
        json!({ "presentment_amount": 1399, "presentment_currency": "usd" })
    );
}

#[tokio::test]
async fn of_many_who_pay_at_once_one_does() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    let pay = || stage.control("/_sandbox/pay", json!({ "session": id }));
    let answers = futures_util::future::join_all((0..20).map(|_| pay())).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 1);
    let completed = stage.get("/v1/events?type=checkout.session.completed").await;
    assert_eq!(completed["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn events_can_be_read_for_thirty_days() {
    let stage = Stage::new().await;
    stage.post("/v1/products", "name=old").await;
    stage.sandbox.clock().advance(31 * ONE_DAY);
    stage.post("/v1/products", "name=new").await;
    let events = stage.get("/v1/events").await;
    assert_eq!(events["data"].as_array().unwrap().len(), 1);
    assert_eq!(events["data"][0]["data"]["object"]["name"], "new");
}

#[tokio::test]
async fn the_intent_of_a_session_that_expires_is_canceled() {
    let stage = Stage::new().await;
    let (by_time, by_call) = (stage.session("").await, stage.session("").await);
    for id in [&by_time, &by_call] {
        let declined = stage.sandbox.pay(id, Method::Declined, Purchase::default());
        assert!(matches!(declined, Err(PayError::Declined(_))));
    }
    let known = stage.event_types().await.len();
    stage.post(&format!("/v1/checkout/sessions/{by_call}/expire"), "").await;
    let ends = ["checkout.session.expired", "payment_intent.canceled"];
    assert_eq!(stage.events_after(known).await, ends);
    stage.sandbox.clock().advance(ONE_DAY);
    stage.sandbox.idle().await;
    assert_eq!(stage.events_after(known + 2).await, ends);
    for id in [&by_time, &by_call] {
        assert_eq!(outcome(&stage, id).await, is("expired", "unpaid", json!("canceled")));
        let intent = stage.retrieve(id).await["payment_intent"].clone();
        assert_eq!(intent["cancellation_reason"], "automatic");
    }
}

#[tokio::test]
async fn what_stripe_does_not_expand_stays_an_id() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    stage.sandbox.pay(&id, Method::Card, Purchase::default()).unwrap();
    let path =
        format!("/v1/checkout/sessions/{id}?expand[]=payment_intent.latest_charge.payment_method");
    let (status, error) = stage.refused(reqwest::Method::GET, &path, "").await;
    assert_eq!((status, &error["param"]), (400, &json!("expand")));
}

#[tokio::test]
async fn a_session_is_free_or_over_what_can_be_charged() {
    let stage = Stage::new().await;
    for (currency, amount, taken) in [
        ("eur", 49, false),
        ("eur", 50, true),
        ("gbp", 30, true),
        ("jpy", 49, false),
        ("usd", 0, true),
        ("bhd", 1, true),
        ("eur", 99_999_999, true),
    ] {
        let form = format!(
            "mode=payment&success_url=http://x&line_items[0][quantity]=1&line_items[0][price_data][currency]={currency}&line_items[0][price_data][unit_amount]={amount}&line_items[0][price_data][product_data][name]=Tea"
        );
        if taken {
            stage.post("/v1/checkout/sessions", &form).await;
        } else {
            let refused = stage.refused(reqwest::Method::POST, "/v1/checkout/sessions", &form);
            let (status, error) = refused.await;
            assert_eq!((status, &error["code"]), (400, &json!("amount_too_small")), "{form}");
        }
    }
    let form = "mode=payment&success_url=http://x&line_items[0][quantity]=2&line_items[0][price_data][currency]=eur\
                &line_items[0][price_data][unit_amount]=50000000&line_items[0][price_data][product_data][name]=Tea";
    let (status, error) = stage.refused(reqwest::Method::POST, "/v1/checkout/sessions", form).await;
    assert_eq!((status, &error["code"]), (400, &json!("amount_too_large")));
}
