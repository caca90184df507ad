//! What is no HTTP request is answered by hyper itself, before anybody here is asked: a status and no
//! body. A client of Stripe's reads JSON, so this puts an error in Stripe's shape in its place.

use std::{
    io::{IoSlice, Result},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{app::App, error::ApiError};

/// A connection whose empty refusals are filled in.
pub(crate) struct Explained<S> {
    stream: S,
    app: Arc<App>,
    /// What is still to be written instead of a refusal.
    rest: Vec<u8>,
    written: usize,
}

impl<S: AsyncWrite + Unpin> Explained<S> {
    pub(crate) fn new(stream: S, app: Arc<App>) -> Self {
        Self { stream, app, rest: Vec::new(), written: 0 }
    }

    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while self.written < self.rest.len() {
            let rest = &self.rest[self.written..];
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes a refusal of hyper's; whether it was one.
    fn takes(&mut self, bytes: &[u8]) -> bool {
        let Some(error) = refused(bytes) else { return false };
        let request = self.app.request_ids.next();
        let body = error.body(&request).to_string();
        let reason = reason(error.status);
        self.rest = format!(
            "HTTP/1.1 {} {reason}\r\ncontent-type: application/json\r\nrequest-id: {request}\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            error.status,
            body.len()
        )
        .into_bytes();
        self.written = 0;
        true
    }
}

fn reason(status: u16) -> &'static str {
    let known = axum::http::StatusCode::from_u16(status).ok();
    known.and_then(|status| status.canonical_reason()).unwrap_or_default()
}

/// The error that an answer without a body stands for. Answers of our own always have one.
fn refused(answer: &[u8]) -> Option<ApiError> {
    let head = answer.strip_prefix(b"HTTP/1.")?.get(1..)?;
    let status = head.strip_prefix(b" ")?.get(..3)?;
    let whole = head.ends_with(b"\r\n\r\n");
    if !whole || !head.windows(19).any(|part| part == b"content-length: 0\r\n") {
        return None;
    }
    let (status, say) = match status {
        b"400" => (400, "The request could not be read: it is not HTTP/1.1 as it should be."),
        b"414" => (414, "The request's URL is too long."),
        b"431" => {
            (431, "The request's headers are more than 100, or longer than the sandbox reads.")
        }
        _ => return None,
    };
    Some(ApiError::invalid(say).status(status))
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        ready!(self.drain(cx))?;
        if self.takes(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        ready!(self.drain(cx))?;
        if let [only] = parts
            && self.takes(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.drain(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.drain(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_without_a_body_are_filled_in() {
        let status = |answer: &str| refused(answer.as_bytes()).map(|error| error.status);
        for (answer, expected) in [
            ("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\n\r\n", Some(400)),
            ("HTTP/1.1 431 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", Some(431)),
            ("HTTP/1.0 414 URI Too Long\r\ncontent-length: 0\r\n\r\n", Some(414)),
            ("HTTP/1.1 400 Bad Request\r\ncontent-length: 10\r\n\r\n", None),
            ("HTTP/1.1 303 See Other\r\ncontent-length: 0\r\n\r\n", None),
            ("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n", None),
            ("400", None),
            ("", None),
        ] {
            assert_eq!(status(answer), expected, "{answer}");
        }
    }
}
