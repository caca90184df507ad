//! `/_sandbox/…`: what Stripe does not have and tests need. JSON in, JSON out, no key. The crate's
//! page lists the calls.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{self, events::Resend},
    app::App,
    buy::{Buy, Method, PayError, Purchase},
    change::Restrict,
    deliver::Attempt,
    error::{Answer, ApiError},
    faults::Fault,
    http::Incoming,
    look,
    payments::{AnswerBank, PayVoucher, RaiseDispute},
    render::{self, View},
    version::Version,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyPermissions {
    key: String,
    permissions: Vec<String>,
}

/// What is left of the body is the [`Purchase`].
#[derive(Debug, Deserialize)]
struct Pay {
    session: String,
    #[serde(default)]
    method: Method,
}

/// Years are too much, even for a clock that is turned.
const ADVANCE_SECONDS_MAX: f64 = 400.0 * 24.0 * 60.0 * 60.0;

pub(crate) async fn answer(app: &Arc<App>, incoming: &Incoming) -> Response {
    let (status, value) = match route(app, incoming).await {
        Ok(value) => (StatusCode::OK, value),
        Err(error) => {
            let mut body = error.body("");
            // There is no log of these.
            if let Some(error) = body["error"].as_object_mut() {
                error.remove("request_log_url");
            }
            (StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), body)
        }
    };
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

async fn route(app: &Arc<App>, incoming: &Incoming) -> Answer {
    if look::is_foreign(&incoming.headers) {
        let say = "The sandbox's controls answer programs and its own pages, not pages of others.";
        return Err(bad(say).status(403));
    }
    let path = incoming.path.trim_start_matches("/_sandbox/");
    match (incoming.method.as_str(), path) {
        ("POST", "pay") => {
            let (pay, purchase) = purchase(incoming)?;
            buy(app, pay, purchase)
        }
        ("GET", "clock") => Ok(time(app)),
        ("POST", "clock/advance") => {
            let Advance { seconds } = read(incoming)?;
            if !(0.0..=ADVANCE_SECONDS_MAX).contains(&seconds) {
                return Err(bad("seconds: between 0 and 400 days"));
            }
            app.advance(Duration::from_secs_f64(seconds));
            Ok(time(app))
        }
        ("POST", "dispute") => {
            let dispute = app.change(read::<RaiseDispute>(incoming)?).map_err(bad)?;
            Ok(json!({ "dispute": &*dispute }))
        }
        ("POST", "bank") => app
            .change(read::<AnswerBank>(incoming)?)
            .then(|| json!({ "ok": true }))
            .ok_or_else(|| bad("payment_intent: the bank does not ask about it")),
        ("POST", "voucher") => app
            .change(read::<PayVoucher>(incoming)?)
            .then(|| json!({ "ok": true }))
            .ok_or_else(|| bad("payment: no voucher waits there")),
        ("POST", "idle") => {
            app.run_due();
            app.lanes.idle().await;
            Ok(json!({ "idle": true }))
        }
        ("GET", "deliveries") => Ok(deliveries(app, &incoming.query)),
        ("POST", "resend") => {
            app.change(read::<Resend>(incoming)?).map_err(|error| bad(error.message))?;
            Ok(json!({ "ok": true }))
        }
        ("GET", "listeners") => Ok(json!({ "data": app.listeners.list() })),
        ("POST", "listeners/cut") => {
            app.listeners.cut();
            Ok(json!({ "ok": true }))
        }
        ("GET", "faults") => Ok(json!({ "data": app.faults.list() })),
        ("POST", "faults") => {
            app.faults.add(read::<Fault>(incoming)?);
            Ok(json!({ "data": app.faults.list() }))
        }
        ("DELETE", "faults") => {
            app.faults.clear();
            Ok(json!({ "data": [] }))
        }
        ("POST", "keys") => {
            app.change(restriction(read(incoming)?)?);
            Ok(json!({ "ok": true }))
        }
        _ => {
            let say = format!("The sandbox has no control {} {}", incoming.method, incoming.path);
            Err(bad(say).status(404))
        }
    }
}

fn restriction(asked: KeyPermissions) -> Answer<Restrict> {
    let KeyPermissions { key, permissions } = asked;
    if !key.starts_with("rk_test_") {
        return Err(bad("key: only a restricted key (rk_test_…) has permissions"));
    }
    permissions.iter().try_for_each(|name| api::check_permission(name)).map_err(bad)?;
    Ok(Restrict { key, permissions })
}

fn time(app: &App) -> Value {
    json!({ "now_ms": app.clock.now_ms(), "ahead_ms": app.read().turned_ms })
}

/// The log of deliveries in short; whole, with `event=evt_…`, for one event.
fn deliveries(app: &App, query: &str) -> Value {
    let event = query.split('&').find_map(|pair| pair.strip_prefix("event="));
    let state = app.read();
    let attempts: Vec<Attempt> = match event {
        Some(event) => state.attempts.iter().filter(|one| one.event == event).cloned().collect(),
        None => {
            let short = |one: &Attempt| Attempt { exchange: None, ..one.clone() };
            state.attempts.iter().map(short).collect()
        }
    };
    json!({ "data": attempts })
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::invalid(message)
}

fn read<T: serde::de::DeserializeOwned>(incoming: &Incoming) -> Answer<T> {
    serde_json::from_slice(&incoming.body)
        .map_err(|error| bad(format!("The body is not what this control takes: {error}")))
}

/// How it is paid, and what the buyer tells. A member that is neither is refused: a test with a mistyped
/// one would test something else.
fn purchase(incoming: &Incoming) -> Answer<(Pay, Purchase)> {
    let mut body: serde_json::Map<String, Value> = read(incoming)?;
    let how: serde_json::Map<String, Value> =
        ["session", "method"].iter().filter_map(|name| body.remove_entry(*name)).collect();
    let wrong =
        |error: serde_json::Error| bad(format!("The body is not what this control takes: {error}"));
    let pay = serde_json::from_value(Value::Object(how)).map_err(wrong)?;
    Ok((pay, serde_json::from_value(Value::Object(body)).map_err(wrong)?))
}

fn buy(app: &Arc<App>, Pay { session: id, method }: Pay, purchase: Purchase) -> Answer {
    app.run_due();
    app.change(Buy { session: id.clone(), method, purchase: Box::new(purchase) }).map_err(
        |error| match &error {
            PayError::Field(field, _) => bad(error.to_string()).param(field),
            _ => bad(error.to_string()),
        },
    )?;
    let state = app.read();
    let version = Version::newest();
    let session = state.sessions.get(&id);
    Ok(session.map_or(Value::Null, |session| {
        render::session(session, View { version: &version, base: &state.base })
    }))
}
