//! Where events go, who listens, and how to point a client here.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde_json::Value;

use super::{At, Frame, newest, page};
use crate::state::objects::Endpoint;

#[derive(Template)]
#[template(path = "look/places.html")]
struct Places {
    frame: Frame,
    base: String,
    port: String,
    key: String,
    endpoints: Vec<Place>,
    listeners: Vec<Listening>,
}

/// An endpoint.
struct Place {
    id: String,
    url: String,
    secret: String,
    enabled: bool,
    events: String,
    version: String,
    thin: bool,
    /// The URL that was given at the start.
    forwards: bool,
}

/// Somebody with Stripe's CLI.
struct Listening {
    device: String,
    to: String,
    connected: bool,
    waiting: u64,
}

pub(super) fn list(at: &At<'_>) -> Response {
    let listeners = at.app.listeners.list();
    let state = &at.app.read();
    let base = state.base.to_string();
    let template = Places {
        frame: at.frame(state, "Endpoints and keys", "places"),
        port: base.rsplit(':').next().unwrap_or_default().to_owned(),
        base,
        key: state.secret_key.clone(),
        endpoints: newest(&state.endpoints, None, |_| true)
            .rows
            .iter()
            .map(|endpoint| place(endpoint))
            .collect(),
        listeners: listeners.iter().take(super::ROWS).map(listening).collect(),
    };
    page(StatusCode::OK, &template)
}

fn place(endpoint: &Endpoint) -> Place {
    Place {
        id: endpoint.id.to_string(),
        url: endpoint.url.to_string(),
        secret: endpoint.secret.to_string(),
        enabled: endpoint.enabled,
        events: match endpoint.events.as_slice() {
            [all] if all == "*" => "all events".to_owned(),
            events => events.join(", "),
        },
        version: endpoint
            .version
            .as_ref()
            .map_or_else(String::new, |version| version.name.to_string()),
        thin: endpoint.thin,
        forwards: endpoint.listener,
    }
}

fn listening(session: &Value) -> Listening {
    let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
    Listening {
        device: text("device"),
        to: text("forward_to"),
        connected: session["connected"] == true,
        waiting: session["waiting"].as_u64().unwrap_or_default(),
    }
}
