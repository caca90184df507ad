//! The ceiling: an axum server that reads a delivery, verifies its signature and does nothing else.

use anyhow::{Context as _, Result};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
    serve::ListenerExt as _,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::sale::{SECRET, hex, now_s};

/// Serves on a free port, told on standard output, until standard input ends.
pub(crate) fn serve() -> Result<()> {
    super::program::end_with_stdin();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let mac = Hmac::new_from_slice(SECRET.as_bytes()).context("the secret")?;
        let app = Router::new().route("/webhook", post(webhook)).with_state(mac);
        Ok(axum::serve(listener, app).await?)
    })
}

async fn webhook(State(mac): State<Hmac<Sha256>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match verify(mac, &headers, &body) {
        Some(()) => StatusCode::OK,
        None => StatusCode::BAD_REQUEST,
    }
}

fn verify(mac: Hmac<Sha256>, headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let header = headers.get("stripe-signature")?.to_str().ok()?;
    let (time, signature) = header.strip_prefix("t=")?.split_once(",v1=")?;
    (time.parse::<u64>().ok()?.abs_diff(now_s()) <= 300).then_some(())?;
    let mac = mac.chain_update(time).chain_update(b".").chain_update(body);
    let expected = hex(&mac.finalize().into_bytes());
    let differences = expected.iter().zip(signature.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    (signature.len() == expected.len() && differences == 0).then_some(())
}
