//! A request's body, which comes in as long as it takes, and not for longer.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::{clock, error::ApiError};

/// Bodies are at most this long.
const BYTES_MAX: usize = 1024 * 1024;
/// How long a body may take, when nobody says.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLong,
    /// Its sender went away, or wrote something else than a body.
    BrokenOff,
    /// Its sender has stopped in the middle of it.
    Late(Duration),
}

impl Unread {
    pub(crate) fn error(self) -> ApiError {
        match self {
            Self::TooLong => {
                ApiError::invalid("The request's body is longer than 1 MiB.").status(413)
            }
            Self::BrokenOff => ApiError::invalid("The request's body ends before it is whole."),
            Self::Late(within) => ApiError::invalid(format!(
                "The request's body has not come within {} seconds.",
                within.as_secs_f64()
            ))
            .status(408),
        }
    }
}

/// Reads a body to its end.
pub(crate) async fn read(body: Body, within: Duration) -> Result<Bytes, Unread> {
    let whole = Limited::new(body, BYTES_MAX).collect();
    tokio::select! {
        biased;
        read = whole => match read {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLong),
            Err(_) => Err(Unread::BrokenOff),
        },
        () = clock::pause(within) => Err(Unread::Late(within)),
    }
}
