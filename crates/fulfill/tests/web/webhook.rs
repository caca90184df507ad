//! What arrives at `/webhook`, good and bad.

use std::time::Duration;

use fulfill::stripe::sign;
use fulfill_rules::order::Status;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    bench::{OLD_SECRET, SECRET, START, Site, event, send},
    stripe::paid,
};

const COMPLETED: &str = "checkout.session.completed";
const NOW_S: i64 = START / 1_000;

#[tokio::test]
async fn a_delivery_is_stored_answered_and_fulfilled() {
    let site = Site::open().await;
    let view = site.buy(paid("cs_test_a1", &["course"])).await;
    assert_eq!(view.order.unwrap().status, Status::Fulfilled);
    assert_eq!(site.meter("fulfilld_webhooks_total{kind=\"rang\"}").await.unwrap(), "1");
}

#[tokio::test]
async fn case_02_a_delivery_that_comes_again_is_answered_alike_and_stored_once() {
    let site = Site::idle(|b| b).await;
    let body = event("evt_1", COMPLETED, "cs_test_a1");
    let at_once = tokio::join!(
        site.deliver(body.clone()),
        site.deliver(body.clone()),
        site.deliver(body.clone()),
    );
    for answer in [at_once.0, at_once.1, at_once.2, site.deliver(body).await] {
        assert_eq!((answer.status, answer.text.as_str()), (200, "ok"));
    }
    assert_eq!(site.known("cs_test_a1").await.unwrap().rung, 1);
    assert_eq!(site.meter("fulfilld_webhooks_total{kind=\"rang\"}").await.unwrap(), "4");
}

#[tokio::test]
async fn case_11_the_raw_bytes_are_verified() {
    let site = Site::idle(|b| b).await;
    let body = " {\"id\" : \"evt_1\",\n\"type\":\"checkout.session.completed\", \"data\":{\"object\":{\"id\":\"cs_test_a1\"}}}\n";
    assert_eq!(site.deliver(body).await.status, 200);
    let signature = sign(SECRET, NOW_S, body.as_bytes());
    let compact = body.replace([' ', '\n'], "");
    assert_eq!(site.deliver_signed(compact, &signature).await.status, 400);
}

#[tokio::test]
async fn a_refused_delivery_hears_nothing_and_leaves_nothing() {
    let site = Site::idle(|b| b).await;
    let body = event("evt_1", COMPLETED, "cs_test_a1");
    let good = sign(SECRET, NOW_S, body.as_bytes());
    let unsigned = send(site.request(Method::POST, "/webhook").body(body.clone())).await;
    let binary = site.request(Method::POST, "/webhook").header("stripe-signature", &b"t=\xff"[..]);
    let mut answers = vec![unsigned, send(binary.body(body.clone())).await];
    for signature in [
        sign("whsec_another", NOW_S, body.as_bytes()),
        sign(SECRET, NOW_S - 301, body.as_bytes()),
        sign(SECRET, NOW_S + 301, body.as_bytes()),
        good.replace("v1=", "v0="),
        good.replace("t=", "t=1"),
        format!("{good},t=1"),
        "nonsense".to_owned(),
        String::new(),
    ] {
        answers.push(site.deliver_signed(body.clone(), &signature).await);
    }
    for answer in &answers {
        assert_eq!((answer.status, answer.text.as_str()), (400, "refused"));
    }
    assert!(site.known("cs_test_a1").await.is_none());
    let refused = site.meter("fulfilld_webhooks_total{kind=\"rejected\"}").await;
    assert_eq!(refused, Some(answers.len().to_string()));
    assert_eq!(site.deliver_signed(body, &good).await.status, 200, "the good one is still welcome");
}

#[tokio::test]
async fn case_13_any_v1_of_any_secret_will_do() {
    let site = Site::idle(|b| b).await;
    let body = event("evt_1", COMPLETED, "cs_test_a1");
    let of = |secret| sign(secret, NOW_S, body.as_bytes());
    let v1 = |secret| of(secret).split_once(',').unwrap().1.to_owned();
    let stranger = v1("whsec_stranger");
    for signature in [
        of(OLD_SECRET),
        format!("t={NOW_S},{stranger},{stranger},{}", v1(OLD_SECRET)),
        format!("t={NOW_S},{},{stranger}", v1(SECRET)),
        format!("t={NOW_S},v0=abc,{stranger},v1=short,{}", v1(SECRET)),
    ] {
        assert_eq!(site.deliver_signed(body.clone(), &signature).await.status, 200, "{signature}");
    }
}

#[tokio::test]
async fn case_14_the_skew_of_the_clocks_is_measured_even_where_it_refuses() {
    let site = Site::idle(|b| b).await;
    let body = event("evt_1", "customer.created", "cus_1");
    for (signed_ago_s, status, shown) in
        [(7, 200, "7000"), (-120, 200, "-120000"), (420, 400, "420000"), (-420, 400, "-420000")]
    {
        let signature = sign(SECRET, NOW_S - signed_ago_s, body.as_bytes());
        assert_eq!(site.deliver_signed(body.clone(), &signature).await.status, status);
        let skew = site.meter("fulfilld_clock_skew_milliseconds").await;
        assert_eq!(skew.as_deref(), Some(shown));
    }
}

#[tokio::test]
async fn case_10_verified_types_we_do_not_use_are_accepted() {
    let site = Site::idle(|b| b).await;
    for (id, kind, object) in [
        ("evt_1", "invoice.paid", "in_1"),
        ("evt_2", "type.of.tomorrow", "xyz"),
        ("evt_3", "checkout.session.completed", "not-a-session"),
    ] {
        assert_eq!(site.deliver(event(id, kind, object)).await.status, 200);
    }
    assert_eq!(site.meter("fulfilld_webhooks_total{kind=\"noted\"}").await.unwrap(), "3");
    assert_eq!(site.fulfill.store().counts().await.unwrap().work_due, 3, "to be sorted in");
    assert!(site.known("cs_test_a1").await.is_none());
    assert_eq!(site.fulfill.store().counts().await.unwrap().work_due, 0);
}

#[tokio::test]
async fn case_16_events_of_any_version_and_thin_ones_ring_the_session() {
    let site = Site::idle(|b| b).await;
    let thin = json!({
        "id": "evt_thin", "object": "v2.core.event", "type": "v1.checkout.session.completed",
        "created": "2024-01-01T00:00:00.000Z", "livemode": false,
        "related_object": { "id": "cs_test_thin", "type": "checkout.session",
            "url": "/v1/checkout/sessions/cs_test_thin" },
        "snapshot_event": "evt_1",
    });
    assert_eq!(site.deliver(thin.to_string()).await.status, 200);
    let bare = r#"{"id":"evt_bare","type":"checkout.session.completed","data":{"object":{"id":"cs_test_bare"}}}"#;
    assert_eq!(site.deliver(bare).await.status, 200);
    let odd = json!({ "id": "evt_odd", "type": "checkout.session.completed", "created": "soon",
        "livemode": "perhaps", "account": 7, "data": { "object": { "id": "cs_test_odd" } } });
    assert_eq!(site.deliver(odd.to_string()).await.status, 200);
    for id in ["cs_test_thin", "cs_test_bare", "cs_test_odd"] {
        assert_eq!(site.known(id).await.unwrap().rung, 1, "{id}");
    }
}

#[tokio::test]
async fn case_18_events_of_the_other_mode_and_of_accounts_are_stored_and_nothing_is_done() {
    let site = Site::idle(|b| b).await;
    let mut live = json!({ "id": "evt_live", "type": COMPLETED, "livemode": true,
        "data": { "object": { "id": "cs_live_a1" } } });
    assert_eq!(site.deliver(live.to_string()).await.status, 200);
    live["id"] = "evt_contradiction".into();
    live["data"]["object"]["id"] = "cs_test_a1".into();
    assert_eq!(site.deliver(live.to_string()).await.status, 200);
    let connected = json!({ "id": "evt_account", "type": COMPLETED, "livemode": false,
        "account": "acct_1", "data": { "object": { "id": "cs_test_a1" } } });
    assert_eq!(site.deliver(connected.to_string()).await.status, 200);
    assert_eq!(site.meter("fulfilld_webhooks_total{kind=\"noted\"}").await.unwrap(), "3");
    assert!(site.known("cs_test_a1").await.is_none());
    assert!(site.known("cs_live_a1").await.is_none());
}

#[tokio::test]
async fn what_is_verified_and_cannot_be_read_is_kept_once_for_a_person() {
    let site = Site::idle(|b| b).await;
    let whole = event("evt_1", COMPLETED, "cs_test_a1");
    let bodies: [&[u8]; 9] = [
        b"",
        b"not json",
        &whole.as_bytes()[..whole.len() - 9],
        b"[]",
        b"\"evt_1\"",
        b"null",
        b"{}",
        br#"{"id":"evt_1","type":7}"#,
        b"{\"id\":\"evt_1\",\"type\":\"\xff\xfe\"}",
    ];
    for body in bodies {
        for _ in 0..2 {
            assert_eq!(site.deliver(body).await.status, 200, "{}", body.escape_ascii());
        }
    }
    assert!(site.known("cs_test_a1").await.is_none());
    assert_eq!(site.fulfill.store().counts().await.unwrap().quarantined, 9);
}

#[tokio::test]
async fn a_body_of_a_megabyte_is_taken_and_one_byte_more_is_not() {
    let site = Site::idle(|b| b).await;
    let mut body = event("evt_1", COMPLETED, "cs_test_a1").into_bytes();
    body.resize(1 << 20, b' ');
    assert_eq!(site.deliver(body.clone()).await.status, 200);
    body.push(b' ');
    let signature = sign(SECRET, NOW_S, &body);
    let head = format!(
        "POST /webhook HTTP/1.1\r\nhost: shop\r\nstripe-signature: {signature}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let told = answer_to(&site, head.as_bytes()).await;
    assert!(told.starts_with("HTTP/1.1 413 "), "refused before it is sent: {told}");
    let mut chunked = format!(
        "POST /webhook HTTP/1.1\r\nhost: shop\r\nstripe-signature: {signature}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
        body.len()
    )
    .into_bytes();
    chunked.extend(&body);
    let told = answer_to(&site, &chunked).await;
    assert!(told.starts_with("HTTP/1.1 413 "), "or when it turns out so: {told}");
    assert_eq!(site.known("cs_test_a1").await.unwrap().rung, 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_taken_for_whole() {
    let site = Site::idle(|b| b).await;
    let body = event("evt_1", COMPLETED, "cs_test_a1");
    let signature = sign(SECRET, NOW_S, body.as_bytes());
    let broken = format!(
        "POST /webhook HTTP/1.1\r\nhost: shop\r\nstripe-signature: {signature}\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\nnot a chunk\r\n",
        body.len()
    );
    let told = answer_to(&site, broken.as_bytes()).await;
    assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
    assert!(site.known("cs_test_a1").await.is_none());
    assert_eq!(site.meter("fulfilld_webhooks_total{kind=\"cut_off\"}").await.unwrap(), "1");
}

/// Sends bytes as they are and reads the beginning of the answer.
async fn answer_to(site: &Site, bytes: &[u8]) -> String {
    let address = site.url.strip_prefix("http://").unwrap();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    // The server may answer and close before everything is sent.
    socket.write_all(bytes).await.ok();
    let mut told = [0; 64];
    let read = tokio::time::timeout(Duration::from_secs(30), socket.read(&mut told)).await;
    String::from_utf8_lossy(&told[..read.expect("an answer").unwrap_or(0)]).into_owned()
}

#[tokio::test]
async fn case_05_when_the_disk_refuses_the_delivery_is_not_acknowledged() {
    let site = Site::idle(|b| b).await;
    site.lose_the_database().await;
    let answer = site.deliver(event("evt_1", COMPLETED, "cs_test_a1")).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), "5");
    assert!(!answer.text.to_lowercase().contains("database"), "a stranger hears no cause");
    assert_eq!(site.get("/readyz").await.status, 503);
}

#[tokio::test]
async fn names_with_markup_emoji_and_right_to_left_text_pass_unharmed() {
    let site = Site::open().await;
    let name = "<b>עדה</b> 👩‍💻 \u{202e}\"Lovelace\" & Co";
    let mut session = paid("cs_test_a1", &["book"]);
    session["customer_details"]["name"] = name.into();
    let order = site.buy(session).await.order.unwrap();
    assert_eq!(order.sale.customer.name.as_deref(), Some(name));
    assert_eq!(site.api_get("/orders/cs_test_a1").await["customer"]["name"], name);
}

#[tokio::test]
async fn whoever_opens_the_webhook_in_a_browser_is_told_what_it_is() {
    let site = Site::idle(|b| b).await;
    for method in [Method::GET, Method::PUT] {
        let answer = send(site.request(method, "/webhook")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
        assert!(answer.text.contains("Stripe"));
    }
}
