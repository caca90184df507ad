//! What people do to an order, over the API: ship it, note something, have a mail sent again.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse as _,
};
use fulfill_rules::{id::SessionKey, shipment::Shipment};
use serde::Deserialize;
use serde_json::json;

use super::{
    Web,
    api::{Caller, Problem, json_body, session_key},
    orders::{self, Answer, LINES_MAX, no_order},
};
use crate::store::MAILS;

/// What is sent, and how.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ship {
    #[serde(default)]
    lines: Vec<String>,
    carrier: Option<String>,
    tracking: Option<String>,
    url: Option<String>,
}

/// `POST /api/orders/{id}/ship`: parcels leave, those of `lines` or all that wait; the buyer is told.
pub(super) async fn ship(
    State(web): State<Arc<Web>>,
    Extension(who): Extension<Caller>,
    Path(id): Path<String>,
    body: Body,
) -> Answer {
    let key = session_key(&id)?;
    let Ship { lines, carrier, tracking, url } = json_body(body).await?;
    if lines.len() > LINES_MAX {
        return Err(Problem::invalid(format!("lines: more than {LINES_MAX}")));
    }
    let shipment = Shipment::new(carrier.as_deref(), tracking.as_deref(), url.as_deref())
        .map_err(|mistake| Problem::invalid(mistake.to_string()))?;
    let act = web.store.ship(&key, lines, shipment, web.policy.writes(), &who.0).await?;
    let shipped = done(&web, &key, act).await?.map_err(conflict)?;
    web.announce(&shipped, &who.0);
    orders::show(State(web), Path(id)).await
}

/// What an act came to, or why it was refused.
async fn done<T, E: std::fmt::Display>(
    web: &Web,
    key: &SessionKey,
    act: Option<Result<T, E>>,
) -> Result<Result<T, String>, Problem> {
    match act {
        None => Err(no_order(web, key, web.store.session_view(key).await?.as_ref())),
        Some(act) => Ok(act.map_err(|why| format!("{key}: {why}"))),
    }
}

fn conflict(message: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "invalid_request", message)
}

/// What somebody wants to remember.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    #[serde(default)]
    text: String,
}

/// `POST /api/orders/{id}/note` with `{"text": "…"}`: into the timeline, for the merchant's eyes.
pub(super) async fn note(
    State(web): State<Arc<Web>>,
    Extension(who): Extension<Caller>,
    Path(id): Path<String>,
    body: Body,
) -> Answer {
    let key = session_key(&id)?;
    let Note { text } = json_body(body).await?;
    let act = web.store.add_note(&key, &text, &who.0).await?;
    done(&web, &key, act).await?.map_err(Problem::invalid)?;
    orders::show(State(web), Path(id)).await
}

/// Which mail.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resend {
    #[serde(default)]
    mail: String,
}

/// `POST /api/orders/{id}/resend` with `{"mail": "mail.receipt"}`.
pub(super) async fn resend(
    State(web): State<Arc<Web>>,
    Extension(who): Extension<Caller>,
    Path(id): Path<String>,
    body: Body,
) -> Answer {
    let key = session_key(&id)?;
    let Resend { mail } = json_body(body).await?;
    if !MAILS.contains(&mail.as_str()) {
        return Err(Problem::invalid(format!("mail: one of {}", MAILS.join(", "))));
    }
    let act = web.store.resend(&key, &mail, &who.0).await?;
    done(&web, &key, act).await?.map_err(conflict)?;
    web.wake.deliveries();
    let order = orders::show(State(web), Path(id)).await?;
    Ok((StatusCode::ACCEPTED, order).into_response())
}

/// `GET /api/stock`: all shelves.
pub(super) async fn stock(State(web): State<Arc<Web>>) -> Answer {
    let shelves = web.store.shelves().await?;
    let data: Vec<_> = shelves
        .iter()
        .map(|s| {
            json!({
                "object": "stock", "sku": s.sku, "on_hand": s.on_hand,
                "backordered": s.backordered, "waiting": s.waiting,
            })
        })
        .collect();
    Ok(Json(json!({ "object": "list", "data": data, "has_more": false })).into_response())
}

/// `GET /api/keys`: all pools; never a key itself.
pub(super) async fn pools(State(web): State<Arc<Web>>) -> Answer {
    let pools = web.store.pools().await?;
    let data: Vec<_> = pools
        .iter()
        .map(|p| {
            json!({
                "object": "key_pool", "pool": p.pool, "free": p.free, "drawn": p.drawn,
                "waiting": p.waiting,
            })
        })
        .collect();
    Ok(Json(json!({ "object": "list", "data": data, "has_more": false })).into_response())
}
