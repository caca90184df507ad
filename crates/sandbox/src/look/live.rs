//! Server-sent events: a line whenever something has changed; the page then fetches itself again.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::stream;

use super::{answered, plain};
use crate::{app::App, clock};

/// Pages that listen at once.
const LISTENERS_MAX: usize = 32;
/// Changes that come within this are told together.
const GATHERS: Duration = Duration::from_millis(250);
/// A silent connection is given up by some.
const SILENT_MAX: Duration = Duration::from_secs(20);

pub(super) fn news(app: &Arc<App>) -> Response {
    if app.changed.receiver_count() >= LISTENERS_MAX {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "Too many pages listen.");
    }
    let heard = stream::unfold((app.changed.subscribe(), app.stop.clone()), async |heard| {
        let (mut changes, stop) = heard;
        let line: &[u8] = tokio::select! {
            changed = changes.changed() => {
                changed.ok()?;
                tokio::select! {
                    () = clock::pause(GATHERS) => changes.mark_unchanged(),
                    () = stop.cancelled() => return None,
                }
                b"data: changed\n\n"
            }
            () = clock::pause(SILENT_MAX) => b": nothing new\n\n",
            () = stop.cancelled() => return None,
        };
        Some((Ok::<_, Infallible>(Bytes::from_static(line)), (changes, stop)))
    });
    let mut response = answered(StatusCode::OK, "text/event-stream", Body::from_stream(heard));
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
