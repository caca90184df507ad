//! The sockets: HTTP/1.1 over TCP and, where asked for, a Unix socket.

use std::sync::Arc;

use axum::{body::Body, extract::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{app::App, http, refusal::Explained};

/// Connections at once; further ones wait in the kernel.
const CONNECTIONS_MAX: usize = 4_096;

/// A fault ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped, as a fault asks for")]
pub(crate) struct Dropped;

/// Who can be at a connection's other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Any program that reaches the port, browsers among them.
    Network,
    /// A program that may open the Unix socket's file.
    File,
}

/// Where connections come from.
pub(crate) trait Accepts: Send + 'static {
    const FROM: Source;
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    fn accept(&self) -> impl Future<Output = std::io::Result<Self::Stream>> + Send;
}

impl Accepts for tokio::net::TcpListener {
    const FROM: Source = Source::Network;
    type Stream = tokio::net::TcpStream;
    async fn accept(&self) -> std::io::Result<Self::Stream> {
        let (stream, _) = tokio::net::TcpListener::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Accepts for tokio::net::UnixListener {
    const FROM: Source = Source::File;
    type Stream = tokio::net::UnixStream;
    async fn accept(&self) -> std::io::Result<Self::Stream> {
        Ok(tokio::net::UnixListener::accept(self).await?.0)
    }
}

/// Serves a listener until the sandbox stops.
pub(crate) async fn serve<A: Accepts>(app: Arc<App>, listener: A) {
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            () = app.stop.cancelled() => return,
        };
        match stream {
            Ok(stream) => {
                let app = Arc::clone(&app);
                app.tasks.clone().spawn(async move {
                    connection(app, stream, A::FROM).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                crate::clock::pause(std::time::Duration::from_millis(10)).await;
            }
        }
    }
}

async fn connection(
    app: Arc<App>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    from: Source,
) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let app = Arc::clone(&app);
        async move { http::answer(app, request.map(Body::new), from).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(Explained::new(stream, Arc::clone(&app))), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = app.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// What a service answers: a response, or the end of the connection.
pub(crate) type Served = Result<Response, Dropped>;

/// A request as the rooms behind the socket see it.
pub(crate) type Asked = Request;
