use secrecy::ExposeSecret;
use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_string_contains, header_exists, method, path},
};

use super::{NOW, always, client, key};
use crate::{
    clock::Clock,
    stripe::{ApiErrorKind, Client, ClientMistake, ClientSettings},
};

fn made(api_key: &str, api_base: &str) -> Result<Client, ClientMistake> {
    Client::new(ClientSettings {
        api_base: api_base.to_owned(),
        ..ClientSettings::new(api_key.to_owned().into(), Clock::manual(NOW))
    })
}

#[test]
fn case_12_a_key_of_another_kind_is_named() {
    let stripe = crate::stripe::API_BASE;
    for (api_key, mistake) in [
        ("", ClientMistake::NoKey),
        ("pk_test_x", ClientMistake::PublishableKey),
        ("whsec_x", ClientMistake::WebhookSecret),
        ("sk_x", ClientMistake::NotAKey),
        ("sk_prod_x", ClientMistake::NotAKey),
        ("sk_test_", ClientMistake::NotAKey),
        ("sk_test_a b", ClientMistake::NotAKey),
        ("sk_test_a\r\nx: y", ClientMistake::NotAKey),
    ] {
        assert_eq!(made(api_key, stripe).unwrap_err(), mistake, "{api_key}");
    }
    for (api_key, live) in
        [("sk_test_x", false), ("rk_test_x", false), ("sk_live_x", true), ("rk_live_x", true)]
    {
        assert_eq!(made(api_key, stripe).unwrap().livemode(), live);
    }
}

#[test]
fn an_address_that_is_none_is_refused_and_a_live_key_goes_over_https() {
    for bad in ["", "api.stripe.com", "ftp://x", "https://", "https://u:p@x", "https://x?y", "/v1"]
    {
        assert_eq!(made("sk_test_x", bad).unwrap_err(), ClientMistake::Base(bad.into()), "{bad}");
    }
    let clear = made("sk_live_x", "http://stripe.internal").unwrap_err();
    assert_eq!(clear, ClientMistake::LiveKeyInTheClear("stripe.internal".into()));
    for good in ["http://127.0.0.1:12111", "http://localhost:1/", "https://api.stripe.com"] {
        assert!(made("sk_live_x", good).is_ok(), "{good}");
    }
}

#[test]
fn the_key_does_not_show_in_debug_output() {
    let client = made("sk_test_verysecret", "http://127.0.0.1:1").unwrap();
    assert!(!format!("{client:?}").contains("verysecret"));
}

#[tokio::test]
async fn an_id_that_is_none_is_not_sent() {
    let server = always(ResponseTemplate::new(200)).await;
    let mut key = key();
    key.id = "cs_test_x/../../balance".into();
    let error = client(&server.uri()).session(&key).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Other(400));
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_endpoint_is_made_with_its_events_and_its_secret_is_hidden() {
    let server = MockServer::start().await;
    let answer = json!({ "id": "we_1", "object": "webhook_endpoint", "secret": "whsec_fresh" });
    Mock::given(method("POST"))
        .and(path("/v1/webhook_endpoints"))
        .and(header_exists("Idempotency-Key"))
        .and(body_string_contains("enabled_events%5B%5D=checkout.session.completed"))
        .and(body_string_contains("url=https%3A%2F%2Fshop.example%2Fwebhook"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .expect(2)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    for _ in 0..2 {
        let events = ["checkout.session.completed", "checkout.session.expired"];
        let url = "https://shop.example/webhook";
        let made = client.create_endpoint(url, &events, crate::stripe::API_VERSION).await.unwrap();
        assert_eq!((made.id.as_str(), made.secret.expose_secret()), ("we_1", "whsec_fresh"));
        assert!(!format!("{made:?}").contains("fresh"));
    }
    let sent = server.received_requests().await.unwrap();
    let [first, second] = [&sent[0], &sent[1]].map(|sent| &sent.headers["idempotency-key"]);
    assert_eq!(first, second, "pressed twice within the minute");
}

#[tokio::test]
async fn an_endpoint_without_a_secret_is_no_endpoint() {
    let server = always(ResponseTemplate::new(200).set_body_json(json!({ "id": "we_1" }))).await;
    let error = client(&server.uri()).create_endpoint("https://x", &[], "v").await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Garbled);
}

#[tokio::test]
async fn endpoints_are_listed_and_a_list_that_repeats_is_given_up() {
    let endpoint = json!({ "id": "we_1", "url": "https://x", "status": "disabled",
        "enabled_events": ["*", 7], "api_version": null });
    let list = |more| json!({ "object": "list", "data": [endpoint], "has_more": more });
    let server = always(ResponseTemplate::new(200).set_body_json(list(false))).await;
    let found = client(&server.uri()).list_endpoints().await.unwrap();
    assert_eq!((found[0].id.as_str(), found[0].status.as_deref()), ("we_1", Some("disabled")));
    assert_eq!(found[0].events, ["*"]);
    let server = always(ResponseTemplate::new(200).set_body_json(list(true))).await;
    let error = client(&server.uri()).list_endpoints().await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Garbled);
}

#[tokio::test]
async fn ping_asks_for_what_a_restricted_key_may_read() {
    let server = MockServer::start().await;
    let list = ResponseTemplate::new(200).set_body_json(json!({ "object": "list", "data": [] }));
    Mock::given(path("/v1/events")).respond_with(list).expect(1).mount(&server).await;
    client(&server.uri()).ping().await.unwrap();
    let refused = always(ResponseTemplate::new(401)).await;
    let error = client(&refused.uri()).ping().await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unauthorized);
    assert!(error.message.contains("STRIPE_SECRET_KEY"), "{error}");
}
