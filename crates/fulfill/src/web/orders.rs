//! Orders and grants over the API.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use fulfill_rules::{
    id::SessionKey,
    order::{ByHand, Status},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Web,
    api::{Caller, Problem, json_body, parameters, session_key},
    order_json::{self, moment},
};
use crate::store::{GrantsOf, OrderView, OrdersQuery, Ringer, SessionView};

/// An operator waits this long for a look.
const PATIENCE: Duration = Duration::from_secs(30);
const PAGE: i64 = 20;
const PAGE_MAX: i64 = 100;
/// Lines named in one request.
pub(super) const LINES_MAX: usize = 1_000;

pub(super) type Answer = Result<Response, Problem>;

/// `GET /api/orders`: the newest first, `limit` of them behind `after`.
pub(super) async fn list(State(web): State<Arc<Web>>, uri: Uri) -> Answer {
    let mut given = parameters(&uri, &["status", "limit", "after", "q"])?;
    let status = given.remove("status").map(|word| {
        Status::parse(&word).ok_or_else(|| {
            Problem::invalid(format!("status: '{word}' is none of {}", order_json::statuses()))
        })
    });
    let limit = given.remove("limit").map_or(Ok(PAGE), |text| {
        let number = text.parse().ok().filter(|n| (1..=PAGE_MAX).contains(n));
        number.ok_or_else(|| {
            Problem::invalid(format!("limit: '{text}' is not a number from 1 to {PAGE_MAX}"))
        })
    });
    let after = match given.remove("after") {
        Some(id) => Some(known_order(&web, &id).await?),
        None => None,
    };
    let query = OrdersQuery {
        status: status.transpose()?,
        limit: limit?,
        after,
        q: given.remove("q"),
        ..OrdersQuery::default()
    };
    let page = web.store.orders(query).await?;
    let data: Vec<Value> = page.orders.iter().map(order_json::order).collect();
    Ok(Json(json!({ "object": "list", "data": data, "has_more": page.has_more })).into_response())
}

async fn known_order(web: &Web, id: &str) -> Result<String, Problem> {
    let key = SessionKey::parse(id).map_err(|error| Problem::invalid(format!("after: {error}")))?;
    let known = web.store.session_view(&key).await?.is_some_and(|view| view.order.is_some());
    if known {
        Ok(key.id)
    } else {
        Err(Problem::invalid(format!("after: there is no order {key}")))
    }
}

/// `GET /api/orders/{id}`.
pub(super) async fn show(State(web): State<Arc<Web>>, Path(id): Path<String>) -> Answer {
    let key = session_key(&id)?;
    let view = web.store.session_view(&key).await?;
    match view.as_ref().and_then(|view| view.order.as_ref()) {
        Some(order) => Ok(Json(order_json::order(order)).into_response()),
        None => Err(no_order(&web, &key, view.as_ref())),
    }
}

/// Says why there is no order.
pub(super) fn no_order(web: &Web, key: &SessionKey, view: Option<&SessionView>) -> Problem {
    Problem::not_found(match view {
        None if key.livemode != web.store.livemode() => {
            let (theirs, ours) = if key.livemode { ("live", "test") } else { ("test", "live") };
            format!("{key} is a {theirs} session, and the API key here is a {ours} key")
        }
        None => format!(
            "{key} is not known here; POST to /api/orders/{key}/fulfill to look for it at Stripe"
        ),
        Some(view) => match &view.trouble {
            Some(why) if view.missing => format!("there is no order: {why}"),
            Some(why) => {
                let at = view.look_again_at.and_then(moment).unwrap_or_default();
                format!("there is no order yet: {why} (next at {at})")
            }
            None if view.seen < view.rung => format!("{key} has not been looked at yet"),
            None => format!("{key} is open: nobody has paid, so there is no order yet"),
        },
    })
}

/// `POST /api/orders/{id}/put-aside`: nobody waits any more for what is stuck.
pub(super) async fn put_aside(
    State(web): State<Arc<Web>>,
    Extension(who): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let key = session_key(&id)?;
    let view = web.store.session_view(&key).await?;
    let Some(view) = view.filter(|view| view.order.is_some()) else {
        return Err(no_order(&web, &key, None));
    };
    web.store.put_aside(view.session, &who.0).await?;
    show(State(web), Path(id)).await
}

/// `POST /api/orders/{id}/fulfill`: looks at Stripe now, and tries stuck deliveries again.
pub(super) async fn fulfill(
    State(web): State<Arc<Web>>,
    Extension(who): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let key = session_key(&id)?;
    if let Some(view) = web.store.session_view(&key).await?
        && view.order.is_some()
        && web.store.unstick(view.session, &who.0).await? > 0
    {
        web.wake.deliveries();
    }
    let view = web.door.fulfill_checkout(&key, Ringer::Operator, PATIENCE).await?;
    let Some(view) = view else { return Err(no_order(&web, &key, None)) };
    let order = view.order.as_ref();
    if view.missing && order.is_none_or(|order| !order.placed) {
        return Err(no_order(&web, &key, Some(&view)));
    }
    if let (Some(why), false) = (&view.trouble, order.is_some_and(|order| order.placed)) {
        return Err(Problem::new(StatusCode::BAD_GATEWAY, "stripe_unavailable", why.as_str()));
    }
    let over = view.seen >= view.rung || order.is_some_and(OrderView::is_settled);
    match order {
        Some(order) => {
            let code = if over { StatusCode::OK } else { StatusCode::ACCEPTED };
            Ok((code, Json(order_json::order(order))).into_response())
        }
        None if over => {
            let message =
                format!("{key} is open: nobody has paid, so there is nothing to fulfill yet");
            Err(Problem::new(StatusCode::CONFLICT, "not_paid", message))
        }
        None => {
            let known = json!({
                "id": key.id,
                "object": "order",
                "status": null,
                "reason": "the session is still being looked at",
                "livemode": key.livemode,
                "look_again_at": view.look_again_at.map(moment),
            });
            Ok((StatusCode::ACCEPTED, Json(known)).into_response())
        }
    }
}

/// Which lines a person acts on; without any, all that are held.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lines {
    #[serde(default)]
    lines: Vec<String>,
}

/// `POST /api/orders/{id}/waive`: what is held is not owed any more.
pub(super) async fn waive(
    web: State<Arc<Web>>,
    Extension(who): Extension<Caller>,
    id: Path<String>,
    body: Body,
) -> Answer {
    by_hand(web, &who, id, body, ByHand::Waive).await
}

/// `POST /api/orders/{id}/fulfill-by-hand`: what is held was done outside this program.
pub(super) async fn fulfill_by_hand(
    web: State<Arc<Web>>,
    Extension(who): Extension<Caller>,
    id: Path<String>,
    body: Body,
) -> Answer {
    by_hand(web, &who, id, body, ByHand::Fulfill).await
}

async fn by_hand(
    State(web): State<Arc<Web>>,
    who: &Caller,
    Path(id): Path<String>,
    body: Body,
    act: ByHand,
) -> Answer {
    let key = session_key(&id)?;
    let Lines { lines } = json_body(body).await?;
    let view = web.store.session_view(&key).await?;
    let Some(order) = view.as_ref().and_then(|view| view.order.as_ref()) else {
        return Err(no_order(&web, &key, view.as_ref()));
    };
    if lines.len() > LINES_MAX {
        return Err(Problem::invalid(format!("lines: more than {LINES_MAX}")));
    }
    if let Some(odd) = lines.iter().find(|line| !order.effects.iter().any(|e| e.line == **line)) {
        return Err(Problem::invalid(format!("lines: {key} has no line '{odd}'")));
    }
    if let Some(recorded) = web.store.by_hand(&key, act, lines, &who.0).await? {
        web.announce(&recorded, &who.0);
    }
    show(State(web), Path(id)).await
}

/// `GET /api/grants`: what a customer may use, and with `access` whether they may use that.
pub(super) async fn grants(State(web): State<Arc<Web>>, uri: Uri) -> Answer {
    let mut given = parameters(&uri, &["email", "customer", "client_reference_id", "access"])?;
    if let Some((name, _)) = given.iter().find(|(_, value)| value.trim().is_empty()) {
        return Err(Problem::invalid(format!("{name} is empty")));
    }
    let access = given.remove("access");
    if given.is_empty() {
        return Err(Problem::invalid("say whose: email, customer or client_reference_id"));
    }
    let of = GrantsOf {
        email: given.remove("email"),
        customer: given.remove("customer"),
        client_reference_id: given.remove("client_reference_id"),
    };
    let mut grants = web.store.grants(of).await?;
    if let Some(access) = access {
        grants.retain(|grant| grant.access == access);
    }
    let now = web.clock.now();
    let has_access = grants.iter().any(|grant| order_json::is_active(grant, now));
    let data: Vec<Value> = grants.iter().map(|grant| order_json::grant(grant, now)).collect();
    Ok(Json(json!({ "object": "list", "data": data, "has_access": has_access })).into_response())
}
