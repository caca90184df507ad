//! `GET /success/live?session_id=…`: tells a page that waits when something has changed, as server-sent
//! events. They say nothing but that; the page asks for itself again.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use fulfill_rules::{MINUTE, Millis, SECOND, id::SessionKey};
use futures_util::stream;
use tokio::sync::broadcast;

use super::{
    buyer::Standing,
    landing::{Hall, session_id},
    visitors, words,
};
use crate::{
    language::ALL,
    store::{Ringer, SessionView},
};

/// Pages that are told of changes at once, by all buyers and by one address.
const STANDS_MAX: usize = 2_048;
const STANDS_OF_ONE_MAX: usize = 16;
/// The browser asks again after that.
const DURATION: Millis = 5 * MINUTE;
/// Another replica may do the work, and deliveries end without a look: the database is asked this often.
const POLL: Millis = 3 * SECOND;
/// How soon it is noticed that the service stops.
const TICK: Duration = Duration::from_secs(1);
/// A sign of life, so that no proxy in between gives up.
const ALIVE: Millis = 15 * SECOND;

/// Who stands there and listens, by address.
#[derive(Debug, Default)]
pub(super) struct Stands(Mutex<HashMap<IpAddr, usize>>);

/// One place; left when dropped.
struct Stand {
    hall: Arc<Hall>,
    address: IpAddr,
}

impl Stands {
    fn take(hall: &Arc<Hall>, address: IpAddr) -> Option<Stand> {
        let mut taken = hall.stands.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&address).copied().unwrap_or(0);
        if all >= STANDS_MAX || own >= STANDS_OF_ONE_MAX {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Stand { hall: Arc::clone(hall), address })
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let mut taken = self.hall.stands.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

pub(super) async fn live(State(hall): State<Arc<Hall>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let Ok(key) = SessionKey::parse(&session_id(&head.uri)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match hall.admits(&key, &head).await {
        Ok(true) => {}
        Ok(false) => return StatusCode::TOO_MANY_REQUESTS.into_response(),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
    let address = visitors::address(&head.headers, &head.extensions, hall.behind_proxy);
    let Some(stand) = Stands::take(&hall, address) else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let now = hall.clock.now();
    let listener = Listener {
        looks: hall.wake.listen(),
        key,
        session: None,
        stand,
        until: now + DURATION,
        poll_at: now,
        ring_at: now,
        said_at: now,
        shown: None,
        over: false,
    };
    let first = stream::iter([Ok(Bytes::from_static(b"retry: 5000\n\n"))]);
    let rest = stream::unfold(listener, |mut listener| async move {
        let said = listener.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(said)), listener))
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // nginx would keep events back.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

struct Listener {
    stand: Stand,
    key: SessionKey,
    /// Its number, once it is known.
    session: Option<i64>,
    looks: broadcast::Receiver<i64>,
    until: Millis,
    poll_at: Millis,
    ring_at: Millis,
    said_at: Millis,
    /// What the page shows, as a digest.
    shown: Option<u64>,
    over: bool,
}

impl Listener {
    /// The next thing to say; none when the stream ends.
    async fn next(&mut self) -> Option<&'static [u8]> {
        let hall = Arc::clone(&self.stand.hall);
        loop {
            let now = hall.clock.now();
            if self.over || now >= self.until || hall.pulse.is_stopping() {
                return None;
            }
            if now >= self.poll_at {
                self.poll_at = now + POLL;
                if self.has_changed(&hall, now).await {
                    self.said_at = now;
                    return Some(b"event: changed\ndata: 1\n\n");
                }
            }
            if now - self.said_at >= ALIVE {
                self.said_at = now;
                return Some(b": still here\n\n");
            }
            tokio::select! {
                // A listener that fell behind does not know whose looks it missed.
                looked = self.looks.recv() => {
                    if looked.ok().is_none_or(|session| self.session.is_none_or(|own| own == session)) {
                        self.poll_at = self.poll_at.min(now + SECOND / 5);
                    }
                }
                () = hall.clock.sleep(TICK.min(Duration::from_millis(
                    (self.poll_at - now).max(10).unsigned_abs()))) => {}
            }
        }
    }

    /// Looks, and sees to it that others look: like a page that refreshes.
    async fn has_changed(&mut self, hall: &Hall, now: Millis) -> bool {
        let view = if now >= self.ring_at {
            hall.door.fulfill_checkout(&self.key, Ringer::Visitor, Duration::ZERO).await
        } else {
            hall.store.session_view(&self.key).await
        };
        // The database is away: the next look may find it.
        let Ok(view) = view else { return false };
        self.session = view.as_ref().map(|view| view.session);
        let standing = Standing::of(view.as_ref(), words::of(ALL[0]), now, true);
        if now >= self.ring_at {
            self.ring_at = now + standing.refresh.map_or(MINUTE, |s| i64::from(s) * SECOND);
        }
        self.over = standing.refresh.is_none();
        let shows = digest(view.as_ref(), &standing);
        let before = self.shown.replace(shows);
        // At first nobody knows whether the page was written before or after: so it is told once more
        // only where there is nothing to wait for any more.
        before.map_or(self.over, |before| before != shows)
    }
}

/// The same as long as the page would look the same.
fn digest(view: Option<&SessionView>, standing: &Standing) -> u64 {
    let mut hasher = DefaultHasher::new();
    standing.status.hash(&mut hasher);
    standing.code.hash(&mut hasher);
    if let Some(order) = view.and_then(|view| view.order.as_ref()) {
        for effect in &order.effects {
            (&effect.line, effect.unit, effect.status, &effect.value).hash(&mut hasher);
            (&effect.url, &effect.subject).hash(&mut hasher);
        }
        for delivery in &order.deliveries {
            (&delivery.kind, &delivery.line, std::mem::discriminant(&delivery.status))
                .hash(&mut hasher);
        }
    }
    hasher.finish()
}
