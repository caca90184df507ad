//! `POST /webhook`: verify the raw bytes, store them, answer. Nothing else is on this path (design,
//! §3), and nothing is acknowledged that is not on disk.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use fulfill_rules::{HOUR, Millis, SECOND};
use sha2::{Digest, Sha256};

use super::{Web, body, seldom::Seldom};
use crate::{
    clock::{Clock, Stopwatch},
    meters::Meters,
    store::{Arrival, Received, Store, StoreError},
    stripe::{Rejected, Secrets, TOLERANCE_MS, Verified, envelope, verify},
    wake::Wake,
};

/// Events are far smaller; a larger body is not one.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Seconds after which Stripe, or a proxy that buffers, may try a refused delivery again.
const RETRY_AFTER_S: &str = "5";
/// Checkout waits ten seconds for the answer. What is stored later is known when it comes again.
const PATIENCE: Duration = Duration::from_secs(9);

/// Where deliveries are taken.
struct Desk {
    store: Store,
    wake: Wake,
    meters: Meters,
    clock: Clock,
    secrets: Secrets,
    refused: Seldom,
    strays: Seldom,
    /// When use of each secret but the first was last told.
    old_secrets_told_at: Vec<AtomicI64>,
}

pub(super) fn router(web: &Web) -> Router {
    let desk = Desk {
        store: web.store.clone(),
        wake: web.wake.clone(),
        meters: web.meters.clone(),
        clock: web.clock.clone(),
        secrets: web.secrets.clone(),
        refused: Seldom::default(),
        strays: Seldom::default(),
        old_secrets_told_at: (1..web.secrets.count()).map(|_| AtomicI64::new(0)).collect(),
    };
    Router::new().route("/webhook", post(receive).fallback(explain)).with_state(Arc::new(desk))
}

/// Somebody opened the address in a browser, or a proxy turned the POST into a GET.
async fn explain() -> impl IntoResponse {
    let text = "This is the address for Stripe's webhook deliveries: they come by POST and signed. \
                Register it as an endpoint in the Stripe dashboard, or with `fulfilld endpoint create`.\n";
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], text)
}

async fn receive(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let read = body::read(body, BODY_BYTES_MAX).await;
    let watch = Stopwatch::start();
    let (fate, answer) = match read {
        Ok(body) => desk.take(&head.headers, body).await,
        Err(unread) => (unread.word(), unread.into_response()),
    };
    desk.meters.webhook(fate, watch.elapsed());
    answer
}

impl Desk {
    async fn take(&self, headers: &HeaderMap, body: Bytes) -> (&'static str, Response) {
        let now = self.clock.now();
        // A header that is not text cannot be read as one either.
        let header = headers.get("stripe-signature").map(|value| value.to_str().unwrap_or(""));
        match verify(header, &body, &self.secrets, now, TOLERANCE_MS) {
            Ok(verified) => self.note(verified, now),
            Err(rejected) => {
                self.refuse(rejected, body.len(), now);
                return ("rejected", (StatusCode::BAD_REQUEST, "refused").into_response());
            }
        }
        let arrival = arrival(body);
        self.note_stray(&arrival, now);
        let stored = tokio::time::timeout(PATIENCE, self.store.receive(arrival));
        let late = |_| Err(StoreError::Unusable("the database takes too long".into()));
        match stored.await.unwrap_or_else(late) {
            Ok(received) => {
                if received == Received::Rang {
                    self.wake.work();
                }
                (word(received), "ok".into_response())
            }
            Err(error) => {
                if let Some(unsaid) = self.refused.speak(now) {
                    tracing::error!(%error, unsaid, "a delivery could not be stored: not acknowledged, Stripe sends it again");
                }
                let later = [(header::RETRY_AFTER, RETRY_AFTER_S)];
                ("not_stored", (StatusCode::SERVICE_UNAVAILABLE, later, "later").into_response())
            }
        }
    }

    /// The skew of the clocks, and a roll of the secret that is not finished (cases 13 and 14).
    fn note(&self, verified: Verified, now: Millis) {
        self.meters.skew(verified.skew_ms);
        let old = verified.secret.checked_sub(1).and_then(|at| self.old_secrets_told_at.get(at));
        if let Some(told_at) = old
            && now.saturating_sub(told_at.load(Relaxed)) >= HOUR
        {
            told_at.store(now, Relaxed);
            tracing::warn!(
                secret = verified.secret + 1,
                "a delivery was signed with another secret than the first of STRIPE_WEBHOOK_SECRET: \
                 keep it until the roll in the dashboard is over and this line stays away"
            );
        }
    }

    fn refuse(&self, rejected: Rejected, bytes: usize, now: Millis) {
        match rejected {
            // Signed rightly: the clocks are what is wrong, so the meter must show it.
            Rejected::Stale { by_s } => self.meters.skew(TOLERANCE_MS + by_s * SECOND),
            Rejected::Future { by_s } => self.meters.skew(-TOLERANCE_MS - by_s * SECOND),
            _ => {}
        }
        if let Some(unsaid) = self.refused.speak(now) {
            tracing::warn!(bytes, unsaid, "a delivery was refused: {rejected}");
        }
    }

    /// Stored, but not acted on (design, rule 2; case 18).
    fn note_stray(&self, arrival: &Arrival, now: Millis) {
        let ours = self.store.livemode();
        let why = if arrival.quarantined {
            "it cannot be read as an event; it is kept for you to look at"
        } else if !arrival.account.is_empty() {
            "it is a connected account's"
        } else if arrival.livemode == Some(!ours) {
            if ours {
                "it is a test event, and the API key is live"
            } else {
                "it is a live event, and the API key is a test key"
            }
        } else {
            return;
        };
        if let Some(unsaid) = self.strays.speak(now) {
            tracing::warn!(
                event = arrival.id,
                kind = arrival.kind,
                unsaid,
                "an event was stored and is not acted on: {why}"
            );
        }
    }
}

/// Reads the envelope; what cannot be read is named by its digest, so that it too is stored once.
fn arrival(body: Bytes) -> Arrival {
    match envelope(&body) {
        Ok(envelope) => Arrival {
            session: envelope.session_id().map(str::to_owned),
            id: envelope.id,
            kind: envelope.kind,
            account: envelope.account.unwrap_or_default(),
            livemode: envelope.livemode,
            created: envelope.created,
            quarantined: false,
            body,
        },
        Err(unreadable) => Arrival {
            id: digest(&body),
            kind: unreadable.to_string(),
            account: String::new(),
            livemode: None,
            created: None,
            session: None,
            quarantined: true,
            body,
        },
    }
}

fn digest(body: &[u8]) -> String {
    let mut id = String::from("unreadable_");
    for byte in Sha256::digest(body) {
        let _ = write!(id, "{byte:02x}");
    }
    id
}

fn word(received: Received) -> &'static str {
    match received {
        Received::Rang => "rang",
        Received::Noted => "noted",
        Received::Quarantined => "quarantined",
    }
}

#[cfg(test)]
mod tests {
    use super::{arrival, digest};

    #[test]
    fn what_cannot_be_read_is_named_by_its_digest() {
        let torn = arrival("{\"id\":".into());
        assert!(torn.quarantined);
        assert_eq!(torn.id, digest(b"{\"id\":"));
        assert_eq!(torn.id.len(), "unreadable_".len() + 64);
        assert!(torn.session.is_none());
    }

    #[test]
    fn only_events_about_checkout_sessions_ring_one() {
        for (kind, id, rings) in [
            ("checkout.session.completed", "cs_test_a1", true),
            ("checkout.session.of_tomorrow", "cs_test_a1", true),
            ("checkout.session.completed", "cs_test_<b>", false),
            ("payment_intent.succeeded", "pi_1", false),
            ("payment_intent.succeeded", "cs_test_a1", false),
        ] {
            let body =
                format!(r#"{{"id":"evt_1","type":"{kind}","data":{{"object":{{"id":"{id}"}}}}}}"#);
            assert_eq!(arrival(body.into()).session.is_some(), rings, "{kind} {id}");
        }
    }
}
