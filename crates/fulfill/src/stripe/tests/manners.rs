use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use super::{NOW, SESSION, client, client_at, key, line, retrieve_from, session};
use crate::{
    clock::Clock,
    stripe::{ApiErrorKind, Asker::Work, Client, ClientSettings, Permits, Purpose},
};
use fulfill_rules::fact::Intent;

fn refusal(message: &str) -> Value {
    json!({ "error": { "type": "invalid_request_error", "code": "x", "message": message } })
}

#[tokio::test]
async fn every_refusal_has_its_kind_and_says_whether_to_try_again() {
    let json =
        |code: u16, message: &str| ResponseTemplate::new(code).set_body_json(refusal(message));
    let text = |code: u16, text: &str| ResponseTemplate::new(code).set_body_string(text);
    for (name, answer, kind, retry) in [
        ("404", json(404, "No such session"), ApiErrorKind::NotFound, false),
        ("404 of a proxy", text(404, "<html>nothing here"), ApiErrorKind::Garbled, true),
        ("401", json(401, "Invalid API Key"), ApiErrorKind::Unauthorized, false),
        ("403 of a proxy", text(403, "<html>"), ApiErrorKind::Garbled, true),
        ("400", json(400, "bad"), ApiErrorKind::Other(400), false),
        ("409", json(409, "lock"), ApiErrorKind::Other(409), true),
        ("429", json(429, "slow"), ApiErrorKind::RateLimited, true),
        ("429 bare", text(429, ""), ApiErrorKind::RateLimited, true),
        (
            "429 of one object",
            ResponseTemplate::new(429)
                .set_body_json(serde_json::json!({ "error": { "code": "lock_timeout" } })),
            ApiErrorKind::Unavailable,
            true,
        ),
        ("500", json(500, "oops"), ApiErrorKind::Unavailable, true),
        ("502 HTML", text(502, "<html>Bad Gateway"), ApiErrorKind::Unavailable, true),
        ("503", text(503, ""), ApiErrorKind::Unavailable, true),
        (
            "a redirect",
            ResponseTemplate::new(302).insert_header("location", "/"),
            ApiErrorKind::Garbled,
            true,
        ),
        ("200 HTML", text(200, " <!doctype html>"), ApiErrorKind::Garbled, true),
        ("200 empty", text(200, ""), ApiErrorKind::Garbled, true),
        ("200 text", text(200, "fine"), ApiErrorKind::Garbled, true),
        (
            "200 cut JSON",
            text(200, &session(&[], false).to_string()[..80]),
            ApiErrorKind::Garbled,
            true,
        ),
        ("200 a list", text(200, "[]"), ApiErrorKind::Garbled, true),
        ("200 another shape", text(200, r#"{"hello":1}"#), ApiErrorKind::Garbled, true),
        (
            "200 the other mode",
            text(200, &format!(r#"{{"id":"{SESSION}","livemode":true}}"#)),
            ApiErrorKind::Garbled,
            true,
        ),
        (
            "200 another session",
            text(200, r#"{"id":"cs_test_other"}"#),
            ApiErrorKind::Garbled,
            true,
        ),
    ] {
        let error = retrieve_from(answer).await.unwrap_err();
        assert_eq!((&error.kind, error.retryable()), (&kind, retry), "{name}: {error}");
        assert!(error.message.starts_with(&format!("session {SESSION}: ")), "{name}: {error}");
    }
}

#[tokio::test]
async fn stripes_own_word_on_trying_again_overrides_the_kind() {
    for (code, word, retry) in [(500, "false", false), (400, "true", true), (500, "perhaps", true)]
    {
        let answer = ResponseTemplate::new(code)
            .set_body_json(refusal("x"))
            .insert_header("Stripe-Should-Retry", word)
            .insert_header("Request-Id", "req_1");
        let error = retrieve_from(answer).await.unwrap_err();
        assert_eq!(error.retryable(), retry, "{code} {word}");
        assert_eq!(error.request_id.as_deref(), Some("req_1"));
    }
}

#[tokio::test]
async fn retry_after_is_told_and_slows_this_client_down() {
    for (header, told) in
        [("3", Some(3_000)), ("999999999", Some(3_600_000)), ("soon", None), ("-1", None)]
    {
        let answer = ResponseTemplate::new(429).insert_header("Retry-After", header);
        assert_eq!(retrieve_from(answer).await.unwrap_err().retry_after_ms, told, "{header}");
    }
    let answer = ResponseTemplate::new(429).insert_header("Retry-After", "3");
    let server = super::always(answer).await;
    let client = client(&server.uri());
    assert!(client.permits(Purpose::Retrieve, Work).now > 0);
    client.session(&key()).await.unwrap_err();
    let wait = Permits { now: 0, next_at: Some(NOW + 3_000) };
    assert_eq!(client.permits(Purpose::Retrieve, Work), wait);
    assert!(client.take(Purpose::List, Work, 1) == 1, "Stripe counts each endpoint for itself");
}

/// A server that answers each connection with these bytes, then hangs up or stays silent.
async fn raw(answer: &'static str, hang_up: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4_096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            if !hang_up {
                silent.push(stream);
            }
        }
    });
    base
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_garbled_and_tried_again() {
    let base = raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"id\":", true).await;
    let error = client(&base).session(&key()).await.unwrap_err();
    assert_eq!((&error.kind, error.retryable()), (&ApiErrorKind::Garbled, true));
    assert!(error.message.contains("cut off"), "{error}");
}

#[tokio::test]
async fn a_dropped_connection_a_closed_port_and_silence_are_unavailable() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{";
    for base in [raw("", true).await, closed, raw("", false).await, raw(half, false).await] {
        let client = Client::new(ClientSettings {
            api_base: base,
            timeout_ms: 60,
            ..ClientSettings::new("rk_test_x".to_owned().into(), Clock::manual(NOW))
        });
        let error = client.unwrap().session(&key()).await.unwrap_err();
        assert_eq!((&error.kind, error.retryable()), (&ApiErrorKind::Unavailable, true), "{error}");
    }
}

#[tokio::test]
async fn an_answer_larger_than_any_of_stripes_is_not_read() {
    let huge = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{";
    let error = client(&raw(huge, false).await).session(&key()).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Garbled);
    let body = format!("{{\"x\":\"{}\"}}", "x".repeat(17 << 20));
    let chunked = ResponseTemplate::new(500).set_body_string(body);
    let error = retrieve_from(chunked).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unavailable);
}

/// A Stripe whose key lacks a permission: 403 as long as the expansion is asked for.
struct Restricted(&'static [(&'static str, &'static str)]);

impl Respond for Restricted {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let query: Vec<_> = request.url.query_pairs().map(|(_, v)| v.into_owned()).collect();
        for (expansion, permission) in self.0 {
            if query.iter().any(|asked| asked.contains(expansion)) {
                let message = format!(
                    "The provided key 'rk_test_****' does not have the required permissions. Having \
                     the '{permission}' permission would allow this request to continue."
                );
                return ResponseTemplate::new(403).set_body_json(refusal(&message));
            }
        }
        let mut session = session(&[line(1)], false);
        session["payment_intent"] = json!("pi_1");
        ResponseTemplate::new(200).set_body_json(session)
    }
}

#[tokio::test]
async fn without_a_permission_less_is_asked_for_and_a_note_says_so() {
    const INTENT: (&str, &str) = ("payment_intent", "rak_payment_intent_read");
    const PRODUCT: (&str, &str) = ("product", "rak_product_read");
    for (lacking, requests, notes) in [
        (&[INTENT][..], 2, &["PaymentIntents: read"][..]),
        (&[PRODUCT], 2, &["Products: read"]),
        (&[INTENT, PRODUCT], 3, &["PaymentIntents: read", "Products: read"]),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(Restricted(lacking)).mount(&server).await;
        let clock = Clock::manual(NOW);
        let client = client_at(&server.uri(), &clock);
        let asked = async || server.received_requests().await.unwrap().len();
        for total in [requests, requests + 1] {
            let found = client.session(&key()).await.unwrap();
            assert_eq!(found.seen.intent, Intent::NotReadable);
            assert_eq!(found.sale.payment_intent.as_deref(), Some("pi_1"));
            assert_eq!(found.notes.len(), notes.len());
            assert!(found.notes.iter().zip(notes).all(|(note, words)| note.contains(words)));
            assert_eq!(asked().await, total, "the second time it is known");
        }
        clock.advance(std::time::Duration::from_secs(600));
        client.session(&key()).await.unwrap();
        assert_eq!(asked().await, requests * 2 + 1, "a permission may have been granted since");
    }
}

#[tokio::test]
async fn a_key_that_may_not_read_sessions_is_told_which_permission_is_missing() {
    let server = MockServer::start().await;
    let lacking = &[("line_items", "rak_checkout_session_read")];
    Mock::given(any()).respond_with(Restricted(lacking)).expect(1).mount(&server).await;
    let error = client(&server.uri()).session(&key()).await.unwrap_err();
    assert!(matches!(error.kind, ApiErrorKind::Forbidden { .. }) && !error.retryable());
    assert!(error.message.contains("rak_checkout_session_read"), "{error}");
    assert!(!error.message.contains("rk_test"), "{error}");
}

#[tokio::test]
async fn a_permission_that_is_lacking_is_told_in_whole_sentences() {
    let lacking = "Having the 'rak_x' permission would allow this request to continue.";
    let answer = ResponseTemplate::new(403).set_body_json(refusal(lacking));
    let error = retrieve_from(answer).await.unwrap_err();
    let said = "would allow this request to continue. Give the restricted key this permission";
    assert!(error.message.contains(said), "{error}");
}
