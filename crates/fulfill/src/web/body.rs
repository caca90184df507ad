//! Reads a body within limits of size and time.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;

use crate::clock::real_sleep;

/// Whoever sends a body has this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    #[error("the body is too large")]
    TooLarge,
    #[error("the body came too slowly")]
    TooSlow,
    #[error("the body was cut off")]
    CutOff,
}

impl Unread {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::CutOff => StatusCode::BAD_REQUEST,
        }
    }

    /// As a label of a meter.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::CutOff => "cut_off",
        }
    }
}

impl IntoResponse for Unread {
    fn into_response(self) -> Response {
        (self.status(), self.to_string()).into_response()
    }
}

/// The whole body, at most so many bytes of it.
///
/// # Errors
/// [`Unread`]; what was read so far is dropped.
pub(super) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Unread> {
    if usize::try_from(body.size_hint().lower()).is_ok_and(|bytes| bytes <= bytes_max) {
        within(body, bytes_max, real_sleep(PATIENCE)).await
    } else {
        Err(Unread::TooLarge)
    }
}

async fn within(
    body: Body,
    bytes_max: usize,
    patience: impl Future<Output = ()>,
) -> Result<Bytes, Unread> {
    // Biased: a body that is there already never arms the timer.
    tokio::select! {
        biased;
        read = gather(body, bytes_max) => read,
        () = patience => Err(Unread::TooSlow),
    }
}

/// A body of one piece, as most are, is handed on without a copy.
async fn gather(body: Body, bytes_max: usize) -> Result<Bytes, Unread> {
    let mut pieces = body.into_data_stream();
    let mut whole = Bytes::new();
    let mut copy = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Unread::CutOff)?;
        if whole.len() + copy.len() + piece.len() > bytes_max {
            return Err(Unread::TooLarge);
        }
        if whole.is_empty() && copy.is_empty() {
            whole = piece;
        } else {
            copy.extend_from_slice(&std::mem::take(&mut whole));
            copy.extend_from_slice(&piece);
        }
    }
    Ok(if copy.is_empty() { whole } else { copy.into() })
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future};

    use axum::body::{Body, Bytes};
    use futures_util::stream;

    use super::{Unread, read, within};

    fn pieces(pieces: &'static [&'static str]) -> Body {
        let pieces = pieces.iter().map(|p| Ok::<_, Infallible>(Bytes::from_static(p.as_bytes())));
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_is_put_together_from_its_pieces_up_to_the_limit() {
        assert_eq!(read(pieces(&[]), 4).await.unwrap(), "");
        assert_eq!(read(pieces(&["abcd"]), 4).await.unwrap(), "abcd");
        assert_eq!(read(pieces(&["ab", "", "c", "d"]), 4).await.unwrap(), "abcd");
        assert_eq!(read(pieces(&["ab", "cd", "e"]), 4).await, Err(Unread::TooLarge));
        assert_eq!(read(Body::from("abcde"), 4).await, Err(Unread::TooLarge));
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        let endless = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        assert_eq!(within(endless, 4, future::ready(())).await, Err(Unread::TooSlow));
        assert_eq!(within(Body::from("abcd"), 4, future::ready(())).await.unwrap(), "abcd");
    }
}
