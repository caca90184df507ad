//! `GET /dashboard/live`: tells open pages when something may have changed, as server-sent events; they
//! then fetch themselves again.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use axum::{
    Extension,
    body::{Body, Bytes},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Desk, In, State};
use crate::clock::real_sleep;

/// Pages that listen at once.
const LISTENERS_MAX: usize = 64;
/// Changes that come within this are told together.
const GATHERS: Duration = Duration::from_millis(300);
/// How soon it is noticed that the service stops.
const TICK: Duration = Duration::from_secs(1);
/// Other replicas work too, and mails go out without a look: pages come again after so many ticks.
const QUIET_TICKS: u32 = 5;
/// After so many ticks the browser asks again, and whether it is still signed in.
const TICKS_MAX: u32 = 300;

struct Listener {
    desk: Arc<Desk>,
    /// The login that listens, as it is kept.
    login: String,
    looks: broadcast::Receiver<i64>,
    ticks: u32,
    quiet: u32,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.desk.listeners.fetch_sub(1, Relaxed);
    }
}

pub(super) async fn news(axum::extract::State(desk): State, Extension(visit): In) -> Response {
    if desk.listeners.fetch_add(1, Relaxed) >= LISTENERS_MAX {
        desk.listeners.fetch_sub(1, Relaxed);
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages listen").into_response();
    }
    let looks = desk.web.wake.listen();
    let login = visit.login.map(|login| login.digest).unwrap_or_default();
    let listener = Listener { desk, login, looks, ticks: 0, quiet: 0 };
    let told = stream::unfold(listener, async |mut listener| {
        let line = listener.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from_static(line)), listener))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        // nginx would keep events back.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(told)).into_response()
}

impl Listener {
    async fn next(&mut self) -> Option<&'static [u8]> {
        loop {
            if self.desk.web.pulse.is_stopping() || self.ticks >= TICKS_MAX {
                return None;
            }
            tokio::select! {
                looked = self.looks.recv() => {
                    if let Err(RecvError::Closed) = looked {
                        return None;
                    }
                    real_sleep(GATHERS).await;
                    self.looks = self.looks.resubscribe();
                    self.quiet = 0;
                    return self.still_there().await.then_some(b"data: changed\n\n");
                }
                () = real_sleep(TICK) => {
                    (self.ticks, self.quiet) = (self.ticks + 1, self.quiet + 1);
                    if self.quiet >= QUIET_TICKS {
                        self.quiet = 0;
                        return self.still_there().await.then_some(b"data: perhaps\n\n");
                    }
                }
            }
        }
    }

    /// Nothing is told to who has signed out, was removed, or whose password is another one. Where the
    /// database does not answer, the next time tells.
    async fn still_there(&self) -> bool {
        !matches!(self.desk.web.store.is_signed_in(&self.login).await, Ok(false))
    }
}
