//! One request to an endpoint: signed as Stripe signs, and what came back.

use std::{collections::BTreeMap, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;

use crate::clock::Stopwatch;

const TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_BYTES_MAX: usize = 5_000;
const ANSWER_READ_MAX: usize = 64 * 1_024;
const ANSWER_HEADERS_MAX: usize = 40;
const HEADER_BYTES_MAX: usize = 200;

/// A request and its answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// The headers that were sent.
    pub request_headers: BTreeMap<String, String>,
    /// The body that was sent and signed.
    pub request_body: String,
    /// The headers of the answer.
    pub answer_headers: BTreeMap<String, String>,
}

/// How a request ended.
pub(crate) struct Posted {
    /// None: there was no answer, and `answer` says why.
    pub(crate) status: Option<u16>,
    pub(crate) answer: String,
    pub(crate) ms: u64,
    pub(crate) exchange: Exchange,
}

/// The headers of a delivery: signed at that second.
pub(crate) fn headers(secret: &str, at: i64, body: &str) -> BTreeMap<String, String> {
    [
        ("Content-Type", "application/json; charset=utf-8".to_owned()),
        ("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks) sandbox".to_owned()),
        ("Stripe-Signature", signature(secret, at, body)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Sends it; a redirect is not followed.
pub(crate) async fn post(
    client: &reqwest::Client,
    url: &str,
    request_headers: BTreeMap<String, String>,
    body: String,
) -> Posted {
    let stopwatch = Stopwatch::start();
    let mut request = client.post(url).timeout(TIMEOUT).body(body.clone());
    for (name, value) in &request_headers {
        request = request.header(name, value);
    }
    let (status, answer_headers, answer) = match request.send().await {
        Ok(answer) => {
            (Some(answer.status().as_u16()), readable(answer.headers()), beginning(answer).await)
        }
        Err(error) => (None, BTreeMap::new(), reason(&error)),
    };
    let exchange = Exchange { request_headers, request_body: body, answer_headers };
    Posted { status, answer, ms: stopwatch.ms(), exchange }
}

fn readable(headers: &reqwest::header::HeaderMap) -> BTreeMap<String, String> {
    let shown = headers.iter().take(ANSWER_HEADERS_MAX).map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.to_string(), value.chars().take(HEADER_BYTES_MAX).collect())
    });
    shown.collect()
}

/// `t=…,v1=…`: HMAC-SHA256 over `t.body`, with the whole secret as the key.
pub(crate) fn signature(secret: &str, at: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(at.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    format!("t={at},v1={}", hex(&mac.finalize().into_bytes()))
}

/// The secret of a listener: the same for the same key and device, whatever the sandbox forgot, so
/// that it needs to be copied only once.
pub(crate) fn listener_secret(key: &str, device: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(b"listener\0");
    mac.update(device.as_bytes());
    format!("whsec_{}", hex(&mac.finalize().into_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
    }
    text
}

async fn beginning(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    // Read to its end, so that the connection can be used again.
    while bytes.len() < ANSWER_READ_MAX
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
