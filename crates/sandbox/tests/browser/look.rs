//! The pages to look at the sandbox.

use fulfill_sandbox::{Method, Purchase};
use serde_json::{Value, json};

use super::Stage;

#[tokio::test]
async fn a_link_is_made_and_what_happens_is_shown_at_once() {
    let stage = Stage::new().await;
    let (origin, key) = (stage.sandbox.url(), stage.sandbox.secret_key());
    stage.play("look", json!({ "origin": origin, "key": key })).await;
}

#[tokio::test]
async fn an_event_is_sent_again_and_the_clock_turned_without_script() {
    let stage = Stage::new().await;
    let made = stage.post("/v1/webhook_endpoints", "url=http://127.0.0.1:9/&enabled_events[]=*");
    let endpoint = made.await["id"].clone();
    let event = completed(&stage).await;
    stage.play("lookPlain", json!({ "event": event, "endpoint": endpoint })).await;
}

#[tokio::test]
async fn the_pages_are_used_by_keyboard_alone() {
    let stage = Stage::new().await;
    let session = stage.simple("").await["id"].clone();
    let given = json!({ "origin": stage.sandbox.url(), "session": session });
    stage.play("lookKeys", given).await;
}

#[tokio::test]
async fn the_pages_to_look_at_it_are_accessible_in_light_and_dark() {
    let stage = Stage::new().await;
    let origin = stage.sandbox.url().to_owned();
    let none = json!({ "look-empty-phone": format!("{origin}/_sandbox/") });
    stage.play("everyPage", json!({ "pages": none })).await;
    stage.post("/v1/webhook_endpoints", "url=http://127.0.0.1:9/webhook&enabled_events[]=*").await;
    let event = completed(&stage).await;
    let towel = "line_items[0][quantity]=2&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=900&line_items[0][price_data][product_data][name]=Tea+towel";
    stage.post("/v1/payment_links", towel).await;
    stage.post("/v1/payment_intents", "amount=2000&currency=usd").await;
    let mut sessions = Vec::new();
    for how in [Method::Card, Method::Debit, Method::VoucherExpires] {
        let made = stage.simple("customer_email=ada@example.com&payment_method_types[]=card&payment_method_types[]=sepa_debit&payment_method_types[]=multibanco").await;
        let id = made["id"].as_str().unwrap().to_owned();
        stage.sandbox.pay(&id, how, Purchase::default()).unwrap();
        sessions.push(format!("{origin}/_sandbox/look/payment/{id}"));
    }
    let open = stage.simple("").await;
    sessions.push(format!("{origin}/_sandbox/look/payment/{}", open["id"].as_str().unwrap()));
    let faults = fulfill_sandbox::Fault::status(503).on("PUT", "/v1/none");
    stage.sandbox.faults().add(faults);
    stage.sandbox.idle().await;
    let page = |path: &str| format!("{origin}/_sandbox/{path}");
    let pages = json!({
        "look-payments": page(""), "look-payments-phone": page(""),
        "look-paid": sessions[0], "look-paid-phone": sessions[0], "look-debit": sessions[1],
        "look-voucher": sessions[2], "look-open": sessions[3],
        "look-events": page("look/events"), "look-events-phone": page("look/events"),
        "look-event": event, "look-event-phone": event,
        "look-links": page("look/links"), "look-links-phone": page("look/links"),
        "look-places": page("look/places"), "look-places-phone": page("look/places"),
        "look-faults": page("look/faults"), "look-faults-phone": page("look/faults"),
        "look-nothing": page("look/nothing"),
    });
    stage.play("everyPage", json!({ "pages": pages })).await;
}

/// The page of the event that a paid session gives.
async fn completed(stage: &Stage) -> Value {
    let session = stage.simple("payment_method_types[]=card").await;
    let id = session["id"].as_str().unwrap();
    stage.sandbox.pay(id, Method::Card, Purchase::default()).unwrap();
    stage.sandbox.idle().await;
    let url = format!("{}/v1/events?type=checkout.session.completed", stage.sandbox.url());
    let events = stage.http.get(url).bearer_auth(stage.sandbox.secret_key()).send().await.unwrap();
    let events: Value = events.json().await.unwrap();
    let event = events["data"][0]["id"].as_str().unwrap();
    format!("{}/_sandbox/look/event/{event}", stage.sandbox.url()).into()
}
