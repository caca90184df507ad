//! `GET /success?session_id=…`: where the buyer comes back to. The page wants the session fulfilled,
//! waits a little, and shows what a buyer may see (case 42) of what is true now, never a guess (case
//! 43). Refreshing it shows the same.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Query, Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
    routing::get,
};
use fulfill_rules::id::SessionKey;
use tokio::sync::Semaphore;

use super::{
    Web,
    buyer::{Landing, Mark, Standing},
    page,
    seldom::Seldom,
    visitors::{self, Guesses},
    words::{ENGLISH, Say, Words},
};
use crate::{
    clock::Clock,
    door::Door,
    store::{Ringer, Store, StoreError},
};

/// A visitor waits this long for a look.
const PATIENCE: Duration = Duration::from_secs(8);
/// So many visitors wait at once; others are shown what is known, and their page comes again.
const WAITING_MAX: usize = 512;
/// A page that was refused comes again by itself after so many seconds.
const AGAIN_S: u32 = 10;

struct Hall {
    store: Store,
    door: Door,
    clock: Clock,
    behind_proxy: bool,
    guesses: Guesses,
    seats: Semaphore,
    troubles: Seldom,
}

pub(super) fn router(web: &Web) -> Router {
    let hall = Hall {
        store: web.store.clone(),
        door: web.door.clone(),
        clock: web.clock.clone(),
        behind_proxy: web.behind_proxy,
        guesses: Guesses::default(),
        seats: Semaphore::new(WAITING_MAX),
        troubles: Seldom::default(),
    };
    Router::new().route("/success", get(success)).with_state(Arc::new(hall))
}

async fn success(State(hall): State<Arc<Hall>>, request: Request) -> Response {
    let w = &ENGLISH;
    let id = session_id(request.uri());
    let Ok(key) = SessionKey::parse(&id) else {
        let say = if id.contains("CHECKOUT_SESSION_ID") { &w.placeholder } else { &w.no_id };
        return notice(w, StatusCode::BAD_REQUEST, say, None);
    };
    let now = hall.clock.now();
    let known = match hall.is_known(&key).await {
        Ok(known) => known,
        Err(error) => return hall.trouble(w, &key, &error),
    };
    let address = visitors::address(request.headers(), request.extensions(), hall.behind_proxy);
    if !known && !hall.guesses.allow(address, now) {
        tracing::debug!(%address, "too many unknown session ids were asked for");
        return notice(w, StatusCode::TOO_MANY_REQUESTS, &w.too_many, Some(AGAIN_S));
    }
    let seat = hall.seats.try_acquire();
    let patience = if seat.is_ok() { PATIENCE } else { Duration::ZERO };
    match hall.door.fulfill_checkout(&key, Ringer::Visitor, patience).await {
        Ok(view) => {
            let standing = Standing::of(view.as_ref(), w, hall.clock.now());
            page::html(standing.code, &Landing::new(w, &key, view.as_ref(), &standing))
        }
        Err(error) => hall.trouble(w, &key, &error),
    }
}

/// What was asked for, empty when there is nothing or it cannot be read.
fn session_id(uri: &Uri) -> String {
    let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let pairs = query.map(|Query(pairs)| pairs).unwrap_or_default();
    pairs.into_iter().find(|(name, _)| name == "session_id").map(|(_, id)| id).unwrap_or_default()
}

impl Hall {
    /// Stripe has named it, in an event or when it was asked.
    async fn is_known(&self, key: &SessionKey) -> Result<bool, StoreError> {
        match self.store.session_view(key).await? {
            Some(view) if !(view.guess && view.missing) => Ok(true),
            _ => self.store.is_announced(key).await,
        }
    }

    fn trouble(&self, w: &'static Words, key: &SessionKey, error: &StoreError) -> Response {
        if let Some(unsaid) = self.troubles.speak(self.clock.now()) {
            tracing::error!(session = %key, %error, unsaid, "a buyer's page could not be shown");
        }
        notice(w, StatusCode::SERVICE_UNAVAILABLE, &w.trouble, Some(AGAIN_S))
    }
}

/// A page about no order in particular.
fn notice(w: &'static Words, code: StatusCode, say: &'static Say, again: Option<u32>) -> Response {
    let mark = if again.is_some() { Mark::Wait } else { Mark::Stop };
    let mut response = page::html(code, &Landing::notice(w, say, mark, again));
    if let Some(seconds) = again {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
