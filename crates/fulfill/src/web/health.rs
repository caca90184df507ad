//! What machines ask: alive, ready, numbers. Strangers may ask too, so nothing here names anybody.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::Web;
use crate::{meters::Meters, pulse::Pulse, store::Store};

struct Health {
    store: Store,
    meters: Meters,
    pulse: Pulse,
}

pub(super) fn router(web: &Web) -> Router {
    let health =
        Health { store: web.store.clone(), meters: web.meters.clone(), pulse: web.pulse.clone() };
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        // A relative address, so that it also works where an embedding program nests the router.
        .route("/", get(async || Redirect::temporary("dashboard")))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .with_state(Arc::new(health))
}

/// Whether traffic should come here; Stripe is not needed for that.
async fn ready(State(health): State<Arc<Health>>) -> Response {
    let complaint = match health.store.ping().await {
        Ok(()) => health.pulse.complaint(),
        Err(error) => {
            tracing::error!(%error, "not ready: the database does not answer");
            Some("the database does not answer; the log has the cause".to_owned())
        }
    };
    match complaint {
        None => "ready".into_response(),
        Some(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
        }
    }
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    match health.store.counts().await {
        Ok(counts) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], health.meters.write(&counts)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the database cannot be counted");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
