//! `/api`: orders, grants, reports, keys and stock for whoever holds the bearer token. Answers are JSON;
//! errors are `{"error": {"type", "message"}}`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
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
    Web, acts,
    body::{self, Unread},
    orders, reports, supply,
};
use crate::{
    sign_in,
    store::{Store, StoreError},
};

/// Largest body, except where keys are imported.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Longest value of a parameter.
const VALUE_BYTES_MAX: usize = 300;

pub(super) fn router(web: Web) -> Router {
    let token = web.api_token.as_ref().map(ExposeSecret::expose_secret);
    let token = token.filter(|token| !token.is_empty()).map(digest);
    let guard = Guard { token, store: web.store.clone() };
    Router::new()
        .route("/orders", get(orders::list))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/fulfill", post(orders::fulfill))
        .route("/orders/{id}/waive", post(orders::waive))
        .route("/orders/{id}/fulfill-by-hand", post(orders::fulfill_by_hand))
        .route("/orders/{id}/ship", post(acts::ship))
        .route("/orders/{id}/note", post(acts::note))
        .route("/orders/{id}/resend", post(acts::resend))
        .route("/orders/{id}/put-aside", post(orders::put_aside))
        .route("/grants", get(orders::grants))
        .route("/reports/{file}", get(reports::csv))
        .route("/keys", get(acts::pools))
        .route("/stock", get(acts::stock))
        .route("/keys/{pool}", post(supply::import_keys))
        .route("/stock/{sku}", post(supply::add_stock))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "not with this method")
        })
        .fallback(async || Problem::not_found("there is nothing at this address"))
        .layer(middleware::from_fn_with_state(Arc::new(guard), guarded))
        .with_state(Arc::new(web))
}

type Token = [u8; 32];

/// Digests are compared, so that neither the token's length nor a prefix shows in the time it takes.
fn digest(token: &str) -> Token {
    Sha256::digest(token).into()
}

/// What opens the API.
struct Guard {
    /// The installation's own token.
    token: Option<Token>,
    /// Knows those that people made.
    store: Store,
}

/// Who calls, as the timeline names them.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub(super) Arc<str>);

async fn guarded(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let mut response = match guard.caller(request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
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

impl Guard {
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let refuse = |message| Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, given)) = given.and_then(|value| value.split_once(' ')) else {
            return Err(refuse(
                "send Authorization: Bearer TOKEN, with FULFILLD_API_TOKEN or a token made in the \
                 dashboard",
            ));
        };
        let given = given.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            let own = self.token.as_ref().is_some_and(|own| bool::from(digest(given).ct_eq(own)));
            if own {
                return Ok(Caller("the API".into()));
            }
            // Only what can be one of theirs is looked for.
            if given.starts_with("ff_")
                && let Some(name) = self.store.api_token(&sign_in::digest(given)).await?
            {
                return Ok(Caller(format!("token {name}").into()));
            }
        }
        Err(refuse(if self.token.is_some() {
            "this is not the API token (FULFILLD_API_TOKEN), nor one made in the dashboard"
        } else {
            "this is no token made in the dashboard, and FULFILLD_API_TOKEN is not set"
        }))
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
