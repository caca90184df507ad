//! What a merchant brings in over the API: license keys and stock. Orders that wait for it are served
//! by the engine, the oldest first.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, Request, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Web,
    api::{Caller, Problem, json_body},
    body,
};
use crate::store::StockChange;

/// Largest import.
const KEYS_BYTES_MAX: usize = 16 << 20;
/// Longest license key, pool name or SKU.
const NAME_BYTES_MAX: usize = 500;
/// Most units added or taken away at once.
const UNITS_MAX: i64 = 1_000_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    keys: Vec<String>,
}

/// `POST /api/keys/{pool}`: one key a line, or JSON `{"keys": […]}`. Keys the pool has already stay
/// as they are, so the same import may be sent again.
pub(super) async fn import_keys(
    State(web): State<Arc<Web>>,
    Path(pool): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    plain("the pool's name", &pool)?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_json =
        kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
    let bytes = body::read(request.into_body(), KEYS_BYTES_MAX).await?;
    let keys = if is_json { from_json(&bytes)? } else { from_lines(&bytes)? };
    if keys.is_empty() {
        return Err(Problem::invalid(
            "there are no keys: send one a line, or JSON {\"keys\": […]}",
        ));
    }
    for (at, key) in keys.iter().enumerate() {
        plain(&format!("key {}", at + 1), key)?;
    }
    let imported = web.store.import_keys(&pool, &keys).await?;
    web.wake.filled();
    tracing::info!(
        pool,
        new = imported.new,
        known = imported.known,
        repeated = imported.repeated,
        free = imported.free,
        "license keys were imported"
    );
    let told = json!({
        "object": "import", "pool": pool,
        "new": imported.new, "known": imported.known, "repeated": imported.repeated,
        "free": imported.free,
    });
    Ok(Json(told).into_response())
}

fn from_json(bytes: &[u8]) -> Result<Vec<String>, Problem> {
    let keys: Keys = serde_json::from_slice(bytes)
        .map_err(|error| Problem::invalid(format!("the body: {error}")))?;
    Ok(keys.keys.iter().map(|key| key.trim().to_owned()).collect())
}

fn from_lines(bytes: &[u8]) -> Result<Vec<String>, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::invalid("the body is not UTF-8"))?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    add: Option<i64>,
    set: Option<i64>,
    why: Option<String>,
}

/// `POST /api/stock/{sku}` with `{"add": 10}` (a negative number takes away, never below nothing) or
/// `{"set": 10}`, as it was counted; and `why`, where somebody may ask.
pub(super) async fn add_stock(
    State(web): State<Arc<Web>>,
    Extension(who): Extension<Caller>,
    Path(sku): Path<String>,
    body: Body,
) -> Result<Response, Problem> {
    plain("the SKU", &sku)?;
    let Change { add, set, why } = json_body(body).await?;
    let add = add.filter(|n| *n != 0 && (-UNITS_MAX..=UNITS_MAX).contains(n));
    let set = set.filter(|n| (0..=UNITS_MAX).contains(n));
    let change = match (add, set) {
        (Some(add), None) => StockChange::By(add),
        (None, Some(set)) => StockChange::To(set),
        _ => {
            let message = "say how many units: {\"add\": 10}, or {\"set\": 10} as you counted";
            return Err(Problem::invalid(message));
        }
    };
    if let Some(why) = &why {
        plain("why", why)?;
    }
    let on_hand = web.store.change_stock(&sku, change, Some(&who.0), why.as_deref()).await?;
    web.wake.filled();
    tracing::info!(sku, ?change, on_hand, who = %who.0, "stock was changed");
    Ok(Json(json!({ "object": "stock", "sku": sku, "on_hand": on_hand })).into_response())
}

fn plain(what: &str, name: &str) -> Result<(), Problem> {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.trim().is_empty();
    if fits && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(Problem::invalid(format!("{what} is empty, too long, or not plain text")))
    }
}
