//! What a listener has not acknowledged is sent again, also by a sandbox that started again on its
//! file. The listener is played, because the CLI acknowledges at once.

use std::path::Path;

use fulfill_sandbox::Sandbox;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::stage::Stage;

struct Listener {
    socket: WebSocketStream<TcpStream>,
}

impl Listener {
    async fn new(stage: &Stage, forward_to: &str) -> Self {
        let form =
            format!("device_name=here&websocket_features[]=webhooks&forward_to_url={forward_to}");
        let session = stage.post("/v1/stripecli/sessions", &form).await;
        let text = |name: &str| session[name].as_str().unwrap();
        let url = text("websocket_url");
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("websocket-id", text("websocket_id").parse().unwrap());
        headers.insert("sec-websocket-protocol", "stripecli-devproxy-v1".parse().unwrap());
        let address = stage.sandbox.url().trim_start_matches("http://");
        let stream = TcpStream::connect(address).await.unwrap();
        Self { socket: client_async(request, stream).await.unwrap().0 }
    }

    /// The next event's product, and what acknowledges it.
    async fn next(&mut self) -> (String, Value) {
        let message = self.socket.next().await.unwrap().unwrap();
        let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        let event = message["event_payload"].as_str().unwrap();
        let event: Value = serde_json::from_str(event).unwrap();
        let name = event["data"]["object"]["name"].as_str().unwrap().to_owned();
        let acknowledgement = json!({
            "type": "event_ack",
            "event_id": message["webhook_id"],
            "webhook_id": message["webhook_id"],
            "webhook_conversation_id": message["webhook_conversation_id"],
        });
        (name, acknowledgement)
    }

    /// The next event's product, which is acknowledged in both its forms.
    async fn takes(&mut self) -> String {
        let (first, acknowledgement) = self.next().await;
        self.socket.send(Message::text(acknowledgement.to_string())).await.unwrap();
        let (second, acknowledgement) = self.next().await;
        self.socket.send(Message::text(acknowledgement.to_string())).await.unwrap();
        assert_eq!(first, second);
        first
    }

    /// Takes leave, so that what it said before is heard: a connection that is dropped with something
    /// unread takes it along.
    async fn leave(mut self) {
        self.socket.close(None).await.unwrap();
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

async fn sandbox(file: &Path) -> Stage {
    Stage::of(Sandbox::builder().seed(7).data(file)).await
}

/// Ends the sandbox, which has heard what was said before: the listener goes first.
async fn restarted(stage: Stage, listener: Listener, file: &Path) -> Stage {
    listener.leave().await;
    while stage.get("/_sandbox/listeners").await["data"][0]["connected"] != false {
        tokio::task::yield_now().await;
    }
    stage.sandbox.shutdown().await;
    sandbox(file).await
}

#[tokio::test]
async fn what_was_not_acknowledged_is_announced_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let stage = sandbox(&file).await;
    let mut listener = Listener::new(&stage, "http://localhost:4242/").await;
    for name in ["one", "two", "three"] {
        stage.post("/v1/products", &format!("name={name}")).await;
    }
    assert_eq!(listener.takes().await, "one");
    assert_eq!(listener.next().await.0, "two");
    let stage = restarted(stage, listener, &file).await;
    stage.post("/v1/products", "name=four").await;
    let mut listener = Listener::new(&stage, "http://localhost:4242/").await;
    for name in ["two", "three", "four"] {
        assert_eq!(listener.takes().await, name);
    }
    let stage = restarted(stage, listener, &file).await;
    let mut listener = Listener::new(&stage, "http://localhost:4242/").await;
    stage.post("/v1/products", "name=five").await;
    assert_eq!(listener.takes().await, "five", "what was acknowledged does not come again");
}

#[tokio::test]
async fn a_listener_that_begins_anew_or_is_another_hears_only_of_what_happens_now() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let stage = sandbox(&file).await;
    let mut listener = Listener::new(&stage, "http://localhost:4242/").await;
    stage.post("/v1/products", "name=one").await;
    assert_eq!(listener.next().await.0, "one");
    let mut again = Listener::new(&stage, "http://localhost:4242/").await;
    stage.post("/v1/products", "name=two").await;
    assert_eq!(again.takes().await, "two");
    let stage = restarted(stage, listener, &file).await;
    let mut other = Listener::new(&stage, "http://localhost:9999/").await;
    stage.post("/v1/products", "name=three").await;
    assert_eq!(other.takes().await, "three");
}

#[tokio::test]
async fn a_listener_that_was_gone_for_long_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let stage = sandbox(&file).await;
    let mut listener = Listener::new(&stage, "http://localhost:4242/").await;
    stage.post("/v1/products", "name=one").await;
    assert_eq!(listener.next().await.0, "one");
    let stage = restarted(stage, listener, &file).await;
    stage.turn(11 * 60).await;
    stage.post("/v1/products", "name=two").await;
    let mut listener = Listener::new(&stage, "http://localhost:4242/").await;
    stage.post("/v1/products", "name=three").await;
    assert_eq!(listener.takes().await, "three");
}
