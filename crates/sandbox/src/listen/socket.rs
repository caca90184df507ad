//! The WebSocket of a session.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message as Frame,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{
    Acknowledged, Heard, Left, Listens, keeps, messages,
    messages::Said,
    session::{Asked, Item, Queued, Session},
};
use crate::{
    app::App, clock::Stopwatch, error::ApiError, post::Exchange, server::Asked as Request,
};

/// Where the CLI connects to.
pub(crate) const PATH: &str = "/stripecli/subscribe";

const SUBPROTOCOL: &str = "stripecli-devproxy-v1";
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// The CLI sends only the beginning of an answer; more is not kept.
const ANSWER_BYTES_MAX: usize = 5_000;

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Answers the handshake; the connection then lives on its own.
pub(crate) fn connect(app: &Arc<App>, mut request: Request) -> Response {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(key) = header("sec-websocket-key").map(|key| derive_accept_key(key.as_bytes())) else {
        return refused(&ApiError::invalid("This is the address of a WebSocket."));
    };
    let session = header("websocket-id").and_then(|id| app.listeners.find(id));
    let Some(session) = session else {
        return refused(&ApiError::invalid("Unknown WebSocket ID."));
    };
    let speaks = header("sec-websocket-protocol")
        .is_some_and(|names| names.split(',').any(|name| name.trim() == SUBPROTOCOL));
    let upgrade = hyper::upgrade::on(&mut request);
    let app = Arc::clone(app);
    app.tasks.clone().spawn(async move {
        let upgraded = tokio::select! {
            upgraded = upgrade => upgraded,
            () = app.stop.cancelled() => return,
        };
        match upgraded {
            Ok(upgraded) => serve(&app, &session, TokioIo::new(upgraded)).await,
            Err(error) => tracing::debug!(%error, "a listener went away in its handshake"),
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(key) = key.parse() {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    }
    if speaks {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    response
}

fn refused(error: &ApiError) -> Response {
    let mut response = Response::new(Body::from(error.body("").to_string()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn serve(app: &Arc<App>, session: &Arc<Session>, io: TokioIo<hyper::upgrade::Upgraded>) {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(limits)).await;
    let mut cuts = app.listeners.cuts.subscribe();
    let connection = session.connect();
    if keeps(app, session) {
        app.change(Listens { listener: session.listener(), goes_on: true });
    }
    loop {
        tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(Frame::Text(text))) => heard(app, session, &text),
                Some(Ok(Frame::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
            next = session.next(connection) => match next {
                None => break,
                Some(queued) => if send(app, session, &mut socket, queued).await.is_err() { break },
            },
            _ = cuts.changed() => break,
            () = app.stop.cancelled() => break,
        }
    }
    session.disconnect(connection, app.clock.wire_ms());
    if keeps(app, session) && !app.stop.is_cancelled() {
        app.change(Left { listener: session.listener() });
    }
}

async fn send(
    app: &App,
    session: &Session,
    socket: &mut Socket,
    queued: Queued,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let Queued { token, item } = queued;
    let text = match item {
        Item::Request { id, payload } => messages::logged(&id, &payload),
        Item::Snapshot { ref event, .. } | Item::Thin { ref event } => {
            let at = app.clock.wire_ms().div_euclid(1000);
            let (message, thin) = {
                let state = app.read();
                let Some(found) = state.events.get(event) else {
                    session.skip(&token);
                    return Ok(());
                };
                match item {
                    Item::Snapshot { latest, .. } => {
                        let secret = &session.secret;
                        (messages::snapshot(&state, found, &token, latest, secret, at), false)
                    }
                    _ => (messages::thin(found, &session.secret, at), true),
                }
            };
            session.expect(Asked {
                token,
                event: Arc::clone(event),
                thin,
                at_ms: app.clock.now_ms(),
                since: Stopwatch::start(),
                exchange: Exchange {
                    request_headers: message.headers,
                    request_body: message.body,
                    answer_headers: Default::default(),
                },
            });
            message.text
        }
    };
    socket.send(Frame::text(text)).await
}

/// Takes in what the CLI says.
fn heard(app: &Arc<App>, session: &Session, text: &str) {
    let Ok(said) = serde_json::from_str::<Said>(text) else { return };
    match said.kind.as_str() {
        "event_ack" => {
            let event = session.acknowledged(&said);
            if let Some(event) = event.filter(|_| keeps(app, session)) {
                app.change(Acknowledged { listener: session.listener(), event });
            }
        }
        "webhook_response" => {
            let Some(mut asked) = session.answered(&said) else { return };
            asked.exchange.answer_headers = said.http_headers;
            let event = app.read().events.get(&asked.event).cloned();
            let url = said.forward_url;
            app.change(Heard {
                event: asked.event,
                thin: asked.thin,
                session: session.id.clone(),
                url: url.clone(),
                at_ms: asked.at_ms,
                status: Some(said.status),
                answer: said.body.chars().take(ANSWER_BYTES_MAX).collect(),
                ms: asked.since.ms(),
                exchange: Some(Arc::new(asked.exchange)),
            });
            if let Some(event) = event {
                app.news.answer(&event, &url, Some(said.status), said.body);
            }
        }
        _ => {}
    }
}
