//! What the room is held to: tables for what is pure, a pretend server for the client.

mod client;
mod envelope;
mod lines;
mod manners;
mod rate;
mod shapes;
mod signature;

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::{ApiError, Client, ClientSettings, Retrieved};
use crate::clock::Clock;
use fulfill_rules::id::SessionKey;

const SESSION: &str = "cs_test_a1B2c3";
const NOW: i64 = 1_790_000_000_000;

fn key() -> SessionKey {
    SessionKey::parse(SESSION).unwrap()
}

fn client_at(base: &str, clock: &Clock) -> Client {
    Client::new(ClientSettings {
        api_base: base.to_owned(),
        rate_per_second: 20,
        timeout_ms: 5_000,
        ..ClientSettings::new("sk_test_secret123".to_owned().into(), clock.clone())
    })
    .unwrap()
}

fn client(base: &str) -> Client {
    client_at(base, &Clock::manual(NOW))
}

/// A line as Stripe has it, with what is read and some that is not.
fn line(at: usize) -> Value {
    json!({
        "id": format!("li_{at}"), "object": "item", "description": format!("Thing {at}"),
        "amount_subtotal": 500, "amount_total": 500, "currency": "eur", "quantity": 2,
        "price": {
            "id": format!("price_{at}"), "object": "price", "lookup_key": null, "metadata": {},
            "unit_amount": 250, "product": { "id": format!("prod_{at}"), "object": "product",
                "name": format!("Product {at}"), "metadata": {} },
        },
    })
}

/// A paid session whose embedded list holds these lines.
fn session(lines: &[Value], has_more: bool) -> Value {
    json!({
        "id": SESSION, "object": "checkout.session", "livemode": false, "created": 1_789_999_000,
        "status": "complete", "payment_status": "paid", "mode": "payment", "currency": "eur",
        "amount_total": 1_000, "metadata": {}, "customer": null,
        "customer_details": { "email": "buyer@example.com", "name": "Ada", "phone": null },
        "payment_intent": { "id": "pi_1", "object": "payment_intent", "status": "succeeded" },
        "line_items": { "object": "list", "data": lines, "has_more": has_more,
            "url": format!("/v1/checkout/sessions/{SESSION}/line_items") },
    })
}

async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn retrieve_from(answer: ResponseTemplate) -> Result<Retrieved, ApiError> {
    client(&always(answer).await.uri()).session(&key()).await
}

/// Retrieves a session whose JSON is this.
async fn retrieved(session: &Value) -> Retrieved {
    retrieve_from(ResponseTemplate::new(200).set_body_json(session)).await.unwrap()
}
