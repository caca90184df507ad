//! The bank's question: about an intent that no session has, and about a session's.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::stage::Stage;

const SHOP: &str = "http://shop.example/back?cart=7%23top";
const CARD_THAT_ASKS: &str = "email=ann@example.com&name=Ann&method=card&card_number=4000002500003155&exp=12/34&cvc=123&postal_code=90210";

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap()
}

async fn ask(stage: &Stage, url: &str) -> Response {
    stage.http.get(url).header("accept-language", "de").send().await.unwrap()
}

async fn decide(stage: &Stage, url: &str, decision: &str) -> String {
    let answer = stage.http.post(url).body(format!("decision={decision}")).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

fn back(kind: &str, intent: &Value, status: &str) -> String {
    let (id, secret) = (text(intent, "/id"), text(intent, "/client_secret"));
    format!(
        "http://shop.example/back?cart=7&{kind}={id}&{kind}_client_secret={secret}&redirect_status={status}#top"
    )
}

#[tokio::test]
async fn the_buyer_answers_for_a_payment_and_is_sent_back_with_how_it_went() {
    let stage = Stage::new().await;
    let form = format!(
        "amount=1050&currency=eur&confirm=true&payment_method=pm_card_authenticationRequired&return_url={SHOP}"
    );
    for (decision, redirect, status) in
        [("approve", "succeeded", "succeeded"), ("refuse", "failed", "requires_payment_method")]
    {
        let intent = stage.post("/v1/payment_intents", &form).await;
        let url = text(&intent, "/next_action/redirect_to_url/url");
        let page = ask(&stage, url).await;
        assert_eq!(page.status(), 200);
        let page = page.text().await.unwrap();
        assert!(page.contains("Geben Sie die Zahlung über 10,50\u{a0}€ frei?"), "{page}");
        assert_eq!(decide(&stage, url, decision).await, back("payment_intent", &intent, redirect));
        let path = format!("/v1/payment_intents/{}", text(&intent, "/id"));
        assert_eq!(stage.get(&path).await["status"], status);
        assert_eq!(ask(&stage, url).await.status(), 303, "it does not ask twice");
    }
}

#[tokio::test]
async fn the_buyer_allows_a_card_to_be_kept_or_does_not() {
    let stage = Stage::new().await;
    let form =
        format!("confirm=true&payment_method=pm_card_authenticationRequired&return_url={SHOP}");
    for (decision, redirect, status, code) in [
        ("approve", "succeeded", "succeeded", Value::Null),
        (
            "refuse",
            "failed",
            "requires_payment_method",
            json!("setup_intent_authentication_failure"),
        ),
    ] {
        let intent = stage.post("/v1/setup_intents", &form).await;
        let url = text(&intent, "/next_action/redirect_to_url/url");
        let page = ask(&stage, url).await.text().await.unwrap();
        assert!(page.contains("Darf es für spätere Zahlungen gespeichert werden?"), "{page}");
        assert_eq!(decide(&stage, url, decision).await, back("setup_intent", &intent, redirect));
        let after = stage.get(&format!("/v1/setup_intents/{}", text(&intent, "/id"))).await;
        assert_eq!((&after["status"], &after["last_setup_error"]["code"]), (&json!(status), &code));
    }
}

#[tokio::test]
async fn without_an_address_to_go_back_to_the_page_says_thank_you() {
    let stage = Stage::new().await;
    let form = "confirm=true&payment_method=pm_card_authenticationRequired";
    let intent = stage.post("/v1/setup_intents", form).await;
    let url = text(&intent, "/next_action/use_stripe_sdk/stripe_js");
    let page = stage.http.post(url).body("decision=approve").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Your answer has been passed on."));
    assert_eq!(ask(&stage, &url.replace("seti_", "pi_")).await.status(), 404);
}

#[tokio::test]
async fn a_session_that_only_keeps_a_card_does_not_ask_for_money() {
    let stage = Stage::new().await;
    let form = "mode=setup&currency=eur&success_url=http://shop.example/done";
    let session = stage.post("/v1/checkout/sessions", form).await;
    let url = text(&session, "/url");
    let answer = stage.http.post(url).body(CARD_THAT_ASKS).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let url = format!("{url}/authenticate");
    let page = ask(&stage, &url).await.text().await.unwrap();
    assert!(page.contains("Darf es für spätere Zahlungen gespeichert werden?"), "{page}");
    assert!(!page.contains('€'), "{page}");
    assert_eq!(decide(&stage, &url, "approve").await, "http://shop.example/done");
    let path = format!("/v1/checkout/sessions/{}?expand[]=setup_intent", text(&session, "/id"));
    assert_eq!(stage.get(&path).await["setup_intent"]["status"], "succeeded");
}

/// A session whose bank asks, and its intent.
async fn asking(stage: &Stage) -> (String, String) {
    let session = stage.session("").await;
    let url = format!("{}/c/pay/{session}", stage.sandbox.url());
    let answer = stage.http.post(url).body(CARD_THAT_ASKS).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let intent = text(&stage.retrieve(&session).await, "/payment_intent/id").to_owned();
    (session, intent)
}

#[tokio::test]
async fn what_a_sessions_bank_asks_is_answered_on_its_page_only_and_charged_once() {
    let stage = Stage::new().await;
    let (session, intent) = asking(&stage).await;
    let asked = json!({ "payment_intent": intent, "approve": true });
    assert_eq!(stage.control("/_sandbox/bank", asked).await.0, 400);
    let look = format!("{}/_sandbox/look/payment/{session}/approve", stage.sandbox.url());
    let form = stage.http.post(look).header("origin", stage.sandbox.url());
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let answer = form.body(format!("intent={intent}")).send().await.unwrap();
    assert_eq!(answer.status(), 422);
    let bank = format!("{}/c/bank/{intent}", stage.sandbox.url());
    let page = format!("/c/pay/{session}/authenticate");
    assert_eq!(decide(&stage, &bank, "approve").await, page);
    assert_eq!(stage.get("/v1/charges").await["data"], json!([]));
    let page = format!("{}{page}", stage.sandbox.url());
    decide(&stage, &page, "approve").await;
    let session = stage.retrieve(&session).await;
    assert_eq!(
        (&session["status"], &session["payment_status"]),
        (&json!("complete"), &json!("paid"))
    );
    assert_eq!(stage.get("/v1/charges").await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_sessions_intent_is_not_confirmed_changed_or_canceled_behind_its_back() {
    let stage = Stage::new().await;
    let (session, intent) = asking(&stage).await;
    let path = format!("/v1/payment_intents/{intent}");
    for (more, form) in [
        ("/confirm", "payment_method=pm_card_visa"),
        ("/cancel", ""),
        ("", "amount=1"),
        ("", "payment_method=pm_card_visa"),
    ] {
        let (status, error) = stage.refused(Method::POST, &format!("{path}{more}"), form).await;
        assert_eq!((status, text(&error, "/code")), (400, "payment_intent_unexpected_state"));
        assert!(text(&error, "/message").contains(&session), "{error}");
        assert_eq!(error["payment_intent"]["status"], "requires_action");
    }
    let told = stage.post(&path, "description=Tea&metadata[order]=7").await;
    assert_eq!((&told["description"], &told["metadata"]["order"]), (&json!("Tea"), &json!("7")));
    assert_eq!(stage.get("/v1/charges").await["data"], json!([]));
}

#[tokio::test]
async fn a_sessions_setup_intent_is_answered_and_given_up_through_its_session_alone() {
    let stage = Stage::new().await;
    let form = "mode=setup&currency=eur&success_url=http://shop.example/done";
    let session = stage.post("/v1/checkout/sessions", form).await;
    let page = text(&session, "/url").to_owned();
    let paid = stage.http.post(&page).body(CARD_THAT_ASKS).send().await.unwrap();
    assert!(paid.headers()["location"].to_str().unwrap().ends_with("/authenticate"));
    let path = format!("/v1/checkout/sessions/{}", text(&session, "/id"));
    let intent = stage.get(&format!("{path}?expand[]=setup_intent")).await["setup_intent"].take();
    assert_eq!(intent["status"], "requires_action");
    let own = format!("{}/c/bank/{}", stage.sandbox.url(), text(&intent, "/id"));
    let to = ask(&stage, &own).await;
    assert!(to.headers()["location"].to_str().unwrap().ends_with("/authenticate"));
    decide(&stage, &own, "approve").await;
    let intent = format!("/v1/setup_intents/{}", text(&intent, "/id"));
    assert_eq!(stage.get(&intent).await["status"], "requires_action");
    for (action, form) in [("confirm", "payment_method=pm_card_visa"), ("cancel", "")] {
        let (_, error) = stage.refused(Method::POST, &format!("{intent}/{action}"), form).await;
        assert_eq!(error["code"], "setup_intent_unexpected_state", "{action}");
    }
    stage.post(&format!("{path}/expire"), "").await;
    assert_eq!(stage.get(&intent).await["status"], "canceled");
}
