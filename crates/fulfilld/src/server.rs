//! HTTP/1.1 over TCP with limits: connections at once, time for a request's head, time to stop.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use fulfill::clock::Clock;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service as _;

/// Connections at once; further ones wait in the kernel.
const CONNECTIONS_MAX: usize = 4_096;
/// A client that takes longer over a request's head is gone.
const HEAD_MAX: Duration = Duration::from_secs(15);
/// Where no file handle is left, waiting is all that helps.
const PAUSE: Duration = Duration::from_millis(20);

/// A listening service.
#[derive(Debug)]
pub(crate) struct Server {
    stop: CancellationToken,
    connections: TaskTracker,
    accepting: tokio::task::JoinHandle<()>,
}

/// Listens, or says in words why that does not work.
pub(crate) async fn bind(address: SocketAddr, change: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {} is taken: stop the program that listens there, or {change}",
            address.port()
        ),
        io::ErrorKind::PermissionDenied => anyhow::anyhow!(
            "this user may not listen on port {}: take one from 1024 up, or {change}",
            address.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("this machine does not have the address {}: {change}", address.ip())
        }
        _ => anyhow::anyhow!("cannot listen on {address}: {error}; {change}"),
    })
}

impl Server {
    /// Serves the router from now on.
    pub(crate) fn start(listener: TcpListener, router: Router) -> Self {
        let (stop, connections) = (CancellationToken::new(), TaskTracker::new());
        let accepting = tokio::spawn(accept(listener, router, stop.clone(), connections.clone()));
        Self { stop, connections, accepting }
    }

    /// Accepts nobody any more and lets requests under way finish. False when some did not in time.
    pub(crate) async fn stop(self, patience: Duration) -> bool {
        self.stop.cancel();
        self.accepting.await.ok();
        self.connections.close();
        tokio::time::timeout(patience, self.connections.wait()).await.is_ok()
    }
}

async fn accept(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    connections: TaskTracker,
) {
    let (places, clock) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Clock::system());
    let mut warned = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            } => accepted,
        };
        let (Ok(place), Ok((stream, peer))) = accepted else {
            if !std::mem::replace(&mut warned, true) {
                tracing::warn!("connections cannot be accepted; are there too few file handles?");
            }
            clock.sleep(PAUSE).await;
            continue;
        };
        warned = false;
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            connection(stream, peer, router, stop).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    // An answer is one small packet: it must not wait for another.
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request: Request<Incoming>| {
        let mut router = router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        async move { router.call(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
        }
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        }
    }
}
