//! Banks that want the money back.

use fulfill_sandbox::{Method as Pays, Purchase};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

async fn dispute_of(stage: &Stage, intent: &Value) -> Value {
    let id = intent["id"].as_str().unwrap();
    let list = stage.get(&format!("/v1/disputes?payment_intent={id}")).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    list["data"][0].clone()
}

#[tokio::test]
async fn a_known_card_disputes_what_it_paid() {
    let stage = Stage::new().await;
    let intent = stage.intent("pm_card_createDisputeProductNotReceived").await;
    let dispute = dispute_of(&stage, &intent).await;
    assert_eq!(
        (&dispute["status"], &dispute["reason"], &dispute["amount"]),
        (&json!("needs_response"), &json!("product_not_received"), &json!(2000))
    );
    assert_eq!(dispute["balance_transactions"][0]["net"], json!(-3500));
    let path = format!("/v1/disputes/{}?expand[]=charge", dispute["id"].as_str().unwrap());
    let charge = stage.get(&path).await["charge"].clone();
    assert_eq!((&charge["disputed"], &charge["payment_intent"]), (&json!(true), &intent["id"]));
    assert_eq!(
        stage.events_after(2).await,
        ["payment_intent.succeeded", "charge.dispute.created", "charge.dispute.funds_withdrawn"]
    );
}

#[tokio::test]
async fn evidence_wins_or_loses_as_its_text_says() {
    let stage = Stage::new().await;
    for (text, status, last) in [
        ("winning_evidence", "won", "charge.dispute.funds_reinstated"),
        ("losing_evidence", "lost", "charge.dispute.closed"),
    ] {
        let dispute = dispute_of(&stage, &stage.intent("pm_card_createDispute").await).await;
        let path = format!("/v1/disputes/{}", dispute["id"].as_str().unwrap());
        let kept = stage.post(&path, "evidence[customer_name]=Jenny&submit=false").await;
        assert_eq!(
            (&kept["status"], &kept["evidence_details"]["has_evidence"]),
            (&json!("needs_response"), &json!(true))
        );
        let sent = stage.post(&path, &format!("evidence[uncategorized_text]={text}")).await;
        assert_eq!(
            (&sent["status"], &sent["evidence"]["customer_name"]),
            (&json!("under_review"), &json!("Jenny"))
        );
        let (_, error) = stage.refused(Method::POST, &path, "evidence[receipt]=file_1").await;
        assert!(error["message"].as_str().unwrap().contains("no more evidence"));
        stage.settle().await;
        assert_eq!(stage.get(&path).await["status"], status);
        assert_eq!(stage.event_types().await.last().unwrap(), last);
    }
}

#[tokio::test]
async fn who_gives_in_loses_and_an_inquiry_just_ends() {
    let stage = Stage::new().await;
    for (method, open, closed) in [
        ("pm_card_createDispute", "needs_response", "lost"),
        ("pm_card_createDisputeInquiry", "warning_needs_response", "warning_closed"),
    ] {
        let dispute = dispute_of(&stage, &stage.intent(method).await).await;
        assert_eq!(dispute["status"], open);
        let path = format!("/v1/disputes/{}", dispute["id"].as_str().unwrap());
        assert_eq!(stage.post(&format!("{path}/close"), "").await["status"], closed);
        assert_eq!(stage.event_types().await.last().unwrap(), "charge.dispute.closed");
        let (status, _) = stage.refused(Method::POST, &format!("{path}/close"), "").await;
        assert_eq!(status, 400);
    }
}

#[tokio::test]
async fn a_session_is_complete_before_its_card_disputes_it() {
    let stage = Stage::new().await;
    let session = stage.session("").await;
    stage.sandbox.pay(&session, Pays::Disputed, Purchase::default()).unwrap();
    let types = stage.event_types().await;
    let place = |kind: &str| types.iter().position(|own| own == kind).unwrap();
    assert!(place("checkout.session.completed") < place("charge.dispute.created"));
    assert_eq!(stage.retrieve(&session).await["payment_status"], "paid");
}

#[tokio::test]
async fn a_debit_that_is_returned_after_it_came_arrives_as_a_dispute() {
    let stage = Stage::new().await;
    let session = stage.session("").await;
    stage.sandbox.pay(&session, Pays::DebitReturned, Purchase::default()).unwrap();
    let before = stage.event_types().await.len();
    stage.settle().await;
    assert_eq!(
        stage.events_after(before).await,
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.async_payment_succeeded",
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.closed",
        ]
    );
    let dispute = dispute_of(&stage, &stage.retrieve(&session).await["payment_intent"]).await;
    assert_eq!(
        (&dispute["status"], &dispute["reason"]),
        (&json!("lost"), &json!("debit_not_authorized"))
    );
}

#[tokio::test]
async fn a_bank_complains_when_a_test_says_so() {
    let stage = Stage::new().await;
    let (card, debit) = (stage.session("").await, stage.session("").await);
    assert_eq!(stage.sandbox.dispute(&card), None, "nothing was paid");
    stage.sandbox.pay(&card, Pays::Card, Purchase::default()).unwrap();
    stage.sandbox.pay(&debit, Pays::Debit, Purchase::default()).unwrap();
    assert_eq!(stage.sandbox.dispute(&debit), None, "the money has not come");
    stage.settle().await;
    assert!(stage.sandbox.dispute(&debit).is_some_and(|id| id.starts_with("du_")));
    let asked = json!({ "payment": card, "reason": "duplicate", "inquiry": true });
    let (status, answer) = stage.control("/_sandbox/dispute", asked.clone()).await;
    assert_eq!(status, 200);
    let path = format!("/v1/disputes/{}", answer["dispute"].as_str().unwrap());
    let dispute = stage.get(&path).await;
    assert_eq!(
        (&dispute["reason"], &dispute["status"]),
        (&json!("duplicate"), &json!("warning_needs_response"))
    );
    let (status, _) = stage.control("/_sandbox/dispute", asked).await;
    assert_eq!(status, 400, "once is enough");
}
