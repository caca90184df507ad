//! The messages between the sandbox and the CLI.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    post::headers,
    render::{self, View},
    state::{State, objects::Event},
    version::Version,
};

/// What the CLI says: `event_ack` when it has an event, `webhook_response` when its endpoint answered.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    #[serde(rename = "type")]
    pub(super) kind: String,
    webhook_id: String,
    webhook_conversation_id: String,
    event_id: String,
    event_token: String,
    notification_id: String,
    pub(super) forward_url: String,
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) http_headers: BTreeMap<String, String>,
}

impl Said {
    /// Whether it speaks of the message with this token.
    pub(super) fn means(&self, token: &str) -> bool {
        let Self { webhook_id, webhook_conversation_id, event_id, event_token, .. } = self;
        [webhook_id, webhook_conversation_id, event_id, event_token, &self.notification_id]
            .contains(&&token.to_owned())
    }
}

/// A message with an event, and what a receiver will get of it.
pub(super) struct Message {
    pub(super) text: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

/// A snapshot event; `latest`: for those who asked for the latest version, otherwise for those who
/// did not.
pub(super) fn snapshot(
    state: &State,
    event: &Event,
    token: &str,
    latest: bool,
    secret: &str,
    at: i64,
) -> Message {
    let version = Version::newest();
    let value = render::event::event(event, View { version: &version, base: &state.base });
    let body = serde_json::to_string_pretty(&value).unwrap_or_default();
    let headers = headers(secret, at, &body);
    let text = json!({
        "type": "webhook_event",
        "webhook_id": token,
        "webhook_conversation_id": token,
        "endpoint": { "api_version": latest.then_some(&*version.name) },
        "http_headers": headers,
        "event_payload": body,
    });
    Message { text: text.to_string(), headers, body }
}

/// The thin event for the same notification.
pub(super) fn thin(event: &Event, secret: &str, at: i64) -> Message {
    let body = render::event::thin(event).to_string();
    let headers = headers(secret, at, &body);
    let text = json!({
        "type": "v2_event",
        "destination_id": "ed_test_listener",
        "http_headers": headers,
        "payload": body,
    });
    Message { text: text.to_string(), headers, body }
}

/// A line of the log.
pub(super) fn logged(id: &str, payload: &str) -> String {
    json!({ "type": "request_log_event", "request_log_id": id, "event_payload": payload })
        .to_string()
}

/// What the log says of a request.
pub(super) fn request(
    (method, path): (&str, &str),
    status: u16,
    body: &[u8],
    id: &str,
    now_ms: i64,
) -> String {
    let error = if status >= 400 { serde_json::from_slice(body).ok() } else { None };
    let error: Value = error.map_or(Value::Null, |mut body: Value| body["error"].take());
    let of = |name: &str| error[name].as_str().unwrap_or_default();
    json!({
        "created_at": now_ms.div_euclid(1000),
        "livemode": false,
        "method": method,
        "request_id": id,
        "status": status,
        "url": path,
        "error": {
            "type": of("type"),
            "charge": of("charge"),
            "code": of("code"),
            "decline_code": of("decline_code"),
            "message": of("message"),
            "param": of("param"),
        },
    })
    .to_string()
}
