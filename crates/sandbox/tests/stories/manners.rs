//! Requests as only odd clients send them: each gets an answer that a client of Stripe's can read.

use std::time::Duration;

use fulfill_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stage::{Stage, read};

/// Sends bytes as they are; the status, the head and the error of what comes back before the end.
async fn raw(stage: &Stage, bytes: &[u8], ends: bool) -> (String, Value) {
    let address = stage.sandbox.url().strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // Whoever answers before all is read may close the connection while it is written.
    let _ = stream.write_all(bytes).await;
    if ends {
        stream.shutdown().await.unwrap();
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("not JSON: {answer}"));
    assert!(head.contains("\r\nrequest-id: req_"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    (head.to_owned(), body["error"].clone())
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_its_body() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    for (path, status) in [
        ("/v1/products".to_owned(), 200),
        (format!("/v1/checkout/sessions/{id}"), 200),
        ("/v1/products/prod_none".to_owned(), 404),
        (format!("/c/pay/{id}"), 200),
        ("/_page/style.css".to_owned(), 200),
        ("/_sandbox/".to_owned(), 200),
        ("/_sandbox/clock".to_owned(), 200),
        ("/nowhere".to_owned(), 404),
    ] {
        let head = stage.request(Method::HEAD, &path).send().await.unwrap();
        let get = stage.request(Method::GET, &path).send().await.unwrap();
        assert_eq!((head.status().as_u16(), get.status().as_u16()), (status, status), "{path}");
        for name in ["content-type", "content-length"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{path} {name}");
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
    }
}

#[tokio::test]
async fn a_url_that_no_call_has_is_an_error_in_stripes_shape() {
    let stage = Stage::new().await;
    for path in [
        "/v1",
        "/v1/",
        "/v2",
        "/v3/x",
        "/v1/nope",
        "/v1/products/",
        "/v1/checkout/sessions//line_items",
        "//v1//products",
        "//v1/products",
        "/v1//products",
        "/v2/core/events/",
    ] {
        for method in ["GET", "POST", "PATCH"] {
            // A client would mend some of these paths before it sends them.
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk_test_1\r\n\
                 connection: close\r\ncontent-length: 0\r\n\r\n"
            );
            let (head, error) = raw(&stage, request.as_bytes(), false).await;
            assert!(head.starts_with("HTTP/1.1 404"), "{method} {path}: {head}");
            assert_eq!(error["type"], "invalid_request_error");
            let named = format!("Unrecognized request URL ({method}: {path}).");
            assert!(error["message"].as_str().unwrap().starts_with(&named), "{error}");
        }
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_stripes_shape() {
    let stage = Stage::new().await;
    let long = format!("GET /v1/products HTTP/1.1\r\nx-long: {}\r\n\r\n", "a".repeat(500_000));
    let many = format!("GET /v1/products HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(150));
    for (bytes, status) in [
        (&b"hello\r\n\r\n"[..], 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /v1/products HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST /v1/products HTTP/1.1\r\nhost: localhost\r\ncontent-length: ten\r\n\r\n", 400),
        (long.as_bytes(), 431),
        (many.as_bytes(), 431),
    ] {
        let (head, error) = raw(&stage, bytes, false).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert_eq!(error["type"], "invalid_request_error", "{head}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_and_changes_nothing() {
    let stage = Stage::new().await;
    let head =
        "POST /v1/products HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk_test_1\r\n";
    for body in
        ["content-length: 100\r\n\r\nname=Tea", "transfer-encoding: chunked\r\n\r\n4\r\nname"]
    {
        let (answer, error) = raw(&stage, format!("{head}{body}").as_bytes(), true).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    assert_eq!(stage.get("/v1/products").await["data"], json!([]));
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for_without_end() {
    let stage = Stage::of(Sandbox::builder().body_within(Duration::from_millis(20))).await;
    for path in ["/v1/products", "/_sandbox/pay", "/c/pay/cs_test_1"] {
        let request =
            format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nname");
        let (head, error) = raw(&stage, request.as_bytes(), false).await;
        assert!(head.starts_with("HTTP/1.1 408 ") && head.contains("connection: close"), "{head}");
        assert_eq!(error["message"], "The request's body has not come within 0.02 seconds.");
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_is_told_so() {
    let stage = Stage::new().await;
    for kind in
        ["application/json", "application/json; charset=utf-8", "multipart/form-data; boundary=x"]
    {
        let request = stage.request(Method::POST, "/v1/products").header("content-type", kind);
        let (status, answer) = read(request.body(r#"{"name":"Tea"}"#).send().await.unwrap()).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            status == 400 && message.contains("application/x-www-form-urlencoded"),
            "{message}"
        );
    }
    let request = stage.request(Method::POST, "/v1/products").header("content-type", "text/plain");
    assert_eq!(request.body("name=Tea").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_nul_character_is_told_by_its_parameter() {
    let stage = Stage::new().await;
    for (path, form, param) in [
        ("/v1/products", "name=a%00b", Some("name")),
        ("/v1/products", "name=a&metadata[k]=%00", Some("metadata[k]")),
        ("/v1/products", "name=a&metadata[k%00]=v", None),
        ("/v1/customers", "email=a%00@b.example", Some("email")),
        (
            "/v1/checkout/sessions",
            "mode=payment&custom_text[submit][message]=%00",
            Some("custom_text[submit][message]"),
        ),
    ] {
        let (status, error) = stage.refused(Method::POST, path, form).await;
        assert_eq!((status, &error["type"]), (400, &json!("invalid_request_error")), "{form}");
        assert_eq!(error["param"].as_str(), param, "{form}");
    }
    let (status, error) = stage.refused(Method::GET, "/v1/products?ids[]=%00", "").await;
    assert_eq!((status, &error["param"]), (400, &json!("ids[]")));
    let request = stage.request(Method::POST, "/v2/core/event_destinations");
    let (status, answer) = read(request.body(r#"{"name":"a\u0000b"}"#).send().await.unwrap()).await;
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("name")));
}

#[tokio::test]
async fn an_idempotency_key_is_not_longer_than_stripe_takes_and_none_when_it_is_empty() {
    let stage = Stage::new().await;
    let send = |key: String| {
        let request = stage.request(Method::POST, "/v1/products").header("idempotency-key", key);
        async { read(request.body("name=Tea").send().await.unwrap()).await }
    };
    let (status, answer) = send("k".repeat(256)).await;
    assert_eq!((status, &answer["error"]["type"]), (400, &json!("invalid_request_error")));
    let (status, kept) = send("k".repeat(255)).await;
    assert_eq!((status, &send("k".repeat(255)).await.1["id"]), (200, &kept["id"]));
    let (one, other) = (send(String::new()).await, send(String::new()).await);
    assert_ne!(one.1["id"], other.1["id"]);
}
