//! `/api`: orders, grants, keys and stock for whoever holds the bearer token. Answers are JSON;
//! errors are `{"error": {"type", "message"}}`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use fulfill_rules::id::SessionKey;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    Web,
    body::{self, Unread},
    orders, supply,
};
use crate::store::StoreError;

/// Largest body, except where keys are imported.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Longest value of a parameter.
const VALUE_BYTES_MAX: usize = 300;

pub(super) fn router(web: Web) -> Router {
    let token = web.api_token.as_ref().map(ExposeSecret::expose_secret);
    let token = token.filter(|token| !token.is_empty()).map(digest);
    Router::new()
        .route("/orders", get(orders::list))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/fulfill", post(orders::fulfill))
        .route("/orders/{id}/waive", post(orders::waive))
        .route("/orders/{id}/fulfill-by-hand", post(orders::fulfill_by_hand))
        .route("/grants", get(orders::grants))
        .route("/keys/{pool}", post(supply::import_keys))
        .route("/stock/{sku}", post(supply::add_stock))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "not with this method")
        })
        .fallback(async || Problem::not_found("there is nothing at this address"))
        .layer(middleware::from_fn_with_state(Arc::new(token), guard))
        .with_state(Arc::new(web))
}

type Token = [u8; 32];

/// Digests are compared, so that neither the token's length nor a prefix shows in the time it takes.
fn digest(token: &str) -> Token {
    Sha256::digest(token).into()
}

async fn guard(State(token): State<Arc<Option<Token>>>, request: Request, next: Next) -> Response {
    let mut response = match allowed(token.as_ref().as_ref(), &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            let mut response = problem.into_response();
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            response
        }
    };
    for (name, value) in
        [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")]
    {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn allowed(token: Option<&Token>, request: &Request) -> Result<(), Problem> {
    let refuse = |message| Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message));
    let Some(token) = token else {
        return refuse("the API is switched off: set FULFILLD_API_TOKEN and start again");
    };
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, given)) = given.and_then(|value| value.split_once(' ')) else {
        return refuse("send the API token: Authorization: Bearer TOKEN");
    };
    let same = digest(given.trim()).ct_eq(token);
    if scheme.eq_ignore_ascii_case("bearer") && bool::from(same) {
        Ok(())
    } else {
        refuse("this is not the API token (FULFILLD_API_TOKEN)")
    }
}

/// What went wrong, for the caller. The cause of a trouble of ours goes to the log only.
#[derive(Debug)]
pub(super) struct Problem {
    code: StatusCode,
    kind: &'static str,
    message: String,
}

impl Problem {
    pub(super) fn new(code: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { code, kind, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let error = json!({ "error": { "type": self.kind, "message": self.message } });
        (self.code, Json(error)).into_response()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the API could not be answered");
        let message = "the database does not answer as it should; the log has the cause";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        Self::new(unread.status(), "invalid_request", unread.to_string())
    }
}

/// The query's parameters; each of these names at most once, and no others.
pub(super) fn parameters(
    uri: &Uri,
    names: &[&'static str],
) -> Result<BTreeMap<&'static str, String>, Problem> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Ok(Query(pairs)) = pairs else {
        return Err(Problem::invalid("the query cannot be read"));
    };
    let mut found = BTreeMap::new();
    for (name, value) in pairs {
        let Some(known) = names.iter().find(|known| **known == name) else {
            let names = names.join(", ");
            return Err(Problem::invalid(format!("there is no parameter '{name}', only {names}")));
        };
        if value.len() > VALUE_BYTES_MAX || value.chars().any(char::is_control) {
            return Err(Problem::invalid(format!("{known}: too long, or not plain text")));
        }
        if found.insert(*known, value).is_some() {
            return Err(Problem::invalid(format!("{known} is given twice")));
        }
    }
    Ok(found)
}

/// The id in the address.
pub(super) fn session_key(id: &str) -> Result<SessionKey, Problem> {
    SessionKey::parse(id).map_err(|error| Problem::invalid(error.to_string()))
}

/// A JSON body; an empty one is the default.
pub(super) async fn json_body<T: DeserializeOwned + Default>(body: Body) -> Result<T, Problem> {
    let bytes = body::read(body, BODY_BYTES_MAX).await?;
    if bytes.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&bytes).map_err(|error| Problem::invalid(format!("the body: {error}")))
}
