//! A stand-in for Stripe that answers what the story wants.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

#[derive(Clone)]
enum Says {
    This(u16, Value),
    Nothing,
}

#[derive(Clone, Default)]
pub(crate) struct Stripe(Arc<Mutex<Desk>>);

#[derive(Default)]
struct Desk {
    answers: HashMap<String, Says>,
    asked: HashMap<String, usize>,
}

impl Stripe {
    /// Serves it on a free port and returns its address.
    pub(crate) async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/v1/checkout/sessions/{id}", get(retrieve))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    /// The session is known from now on.
    pub(crate) fn knows(&self, session: Value) {
        let id = session["id"].as_str().unwrap().to_owned();
        self.0.lock().unwrap().answers.insert(id, Says::This(200, session));
    }

    /// The session's retrieval fails from now on.
    pub(crate) fn fails(&self, id: &str, status: u16, message: &str) {
        let error = json!({ "error": { "type": "api_error", "message": message } });
        self.0.lock().unwrap().answers.insert(id.to_owned(), Says::This(status, error));
    }

    /// The session's retrieval is never answered.
    pub(crate) fn hangs(&self, id: &str) {
        self.0.lock().unwrap().answers.insert(id.to_owned(), Says::Nothing);
    }

    /// How often the session was asked for.
    pub(crate) fn asked(&self, id: &str) -> usize {
        self.0.lock().unwrap().asked.get(id).copied().unwrap_or(0)
    }
}

async fn retrieve(State(stripe): State<Stripe>, Path(id): Path<String>) -> Response {
    let says = {
        let mut desk = stripe.0.lock().unwrap();
        *desk.asked.entry(id.clone()).or_default() += 1;
        desk.answers.get(&id).cloned()
    };
    match says {
        Some(Says::This(status, body)) => {
            (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
        }
        Some(Says::Nothing) => std::future::pending().await,
        None => {
            let message = format!("No such checkout.session: '{id}'");
            let error = json!({ "error": { "code": "resource_missing", "message": message } });
            (StatusCode::NOT_FOUND, Json(error)).into_response()
        }
    }
}

/// A line of one product.
pub(crate) fn line(at: usize, product: &str, quantity: i64, amount: i64) -> Value {
    json!({
        "id": format!("li_{at}"), "object": "item", "description": format!("A nice {product}"),
        "amount_total": amount, "currency": "eur", "quantity": quantity,
        "price": { "id": format!("price_{at}"), "object": "price", "lookup_key": null,
            "metadata": {}, "product": { "id": format!("prod_{product}"), "object": "product",
                "name": product, "metadata": {} } },
    })
}

/// A session that is complete and paid, of these products.
pub(crate) fn paid(id: &str, products: &[&str]) -> Value {
    let lines: Vec<Value> =
        products.iter().enumerate().map(|(at, product)| line(at + 1, product, 1, 1_900)).collect();
    json!({
        "id": id, "object": "checkout.session", "livemode": false, "created": 1_704_067_000,
        "status": "complete", "payment_status": "paid", "mode": "payment", "currency": "eur",
        "amount_total": 1_900 * lines.len(), "metadata": { "cart": "c-17" },
        "client_reference_id": "user-7", "customer": "cus_ada", "payment_link": null,
        "customer_details": { "email": "ada@example.com", "name": "Ada Lovelace",
            "phone": "+44 20 7946 0000" },
        "collected_information": { "shipping_details": { "name": "Ada Lovelace", "address": {
            "line1": "12 St James's Square", "line2": null, "city": "London", "state": null,
            "postal_code": "SW1Y 4JH", "country": "GB" } } },
        "payment_intent": { "id": "pi_secret1", "object": "payment_intent", "status": "succeeded" },
        "line_items": { "object": "list", "data": lines, "has_more": false,
            "url": format!("/v1/checkout/sessions/{id}/line_items") },
    })
}

/// A session whose money has not come, with its intent's status.
pub(crate) fn unpaid(id: &str, status: &str, intent: &str) -> Value {
    let mut session = paid(id, &["course"]);
    session["status"] = status.into();
    session["payment_status"] = "unpaid".into();
    session["payment_intent"]["status"] = intent.into();
    session
}
