use serde_json::{Value, json};
use wiremock::{
    Match, Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path, query_param},
};

use super::{SESSION, client, key, line, session};
use crate::stripe::{ApiError, ApiErrorKind, Retrieved};

/// A Stripe whose session has so many lines, pages of ten embedded and of `limit` asked for.
struct Pages {
    lines: usize,
}

impl Respond for Pages {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked = |name: &str| {
            request
                .url
                .query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let all: Vec<Value> = (0..self.lines).map(line).collect();
        if !request.url.path().ends_with("/line_items") {
            let embedded = &all[..self.lines.min(10)];
            return ResponseTemplate::new(200).set_body_json(session(embedded, self.lines > 10));
        }
        let after = asked("starting_after").unwrap();
        let from = all.iter().position(|line| line["id"] == after.as_str()).unwrap() + 1;
        let to = self.lines.min(from + asked("limit").unwrap().parse::<usize>().unwrap());
        assert_eq!(asked("expand[]").as_deref(), Some("data.price.product"));
        let page = json!({ "object": "list", "data": &all[from..to], "has_more": to < self.lines });
        ResponseTemplate::new(200).set_body_json(page)
    }
}

#[tokio::test]
async fn case_28_every_line_of_every_page_is_read() {
    for (lines, requests) in
        [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (40, 2), (99, 2), (100, 2), (250, 4)]
    {
        let server = MockServer::start().await;
        Mock::given(method("GET")).respond_with(Pages { lines }).mount(&server).await;
        let found = client(&server.uri()).session(&key()).await.unwrap();
        let ids: Vec<_> = found.sale.lines.iter().map(|line| line.id.clone()).collect();
        let expected: Vec<_> = (0..lines).map(|at| format!("li_{at}")).collect();
        assert_eq!(ids, expected);
        let raw: Value = serde_json::from_slice(&found.raw).unwrap();
        assert_eq!(raw["line_items"]["data"].as_array().unwrap().len(), lines);
        assert_eq!(raw["line_items"]["has_more"], false);
        assert_eq!(raw["customer_details"]["name"], "Ada");
        assert_eq!(server.received_requests().await.unwrap().len(), requests, "{lines} lines");
    }
}

#[tokio::test]
async fn the_raw_json_is_exactly_what_came_where_one_page_was_enough() {
    let body = format!("{:#}\n", session(&[line(1)], false));
    let answer = ResponseTemplate::new(200).set_body_string(body.clone());
    assert_eq!(super::retrieve_from(answer).await.unwrap().raw, body.into_bytes());
}

#[tokio::test]
async fn what_is_expanded_is_asked_for_at_the_pinned_version() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(Pages { lines: 1 }).mount(&server).await;
    client(&server.uri()).session(&key()).await.unwrap();
    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!(request.url.path(), format!("/v1/checkout/sessions/{SESSION}"));
    let query: Vec<_> = request.url.query_pairs().map(|(_, value)| value.into_owned()).collect();
    assert_eq!(query, ["line_items.data.price.product", "payment_intent"]);
    assert_eq!(request.headers["stripe-version"], crate::stripe::API_VERSION);
    assert_eq!(request.headers["authorization"], "Bearer sk_test_secret123");
}

/// Retrieves a session whose first page and further pages are these.
async fn paged(first: Value, further: ResponseTemplate) -> Result<Retrieved, ApiError> {
    let server = MockServer::start().await;
    let lines = path(format!("/v1/checkout/sessions/{SESSION}/line_items"));
    Mock::given(lines).respond_with(further).mount(&server).await;
    let first = ResponseTemplate::new(200).set_body_json(first);
    Mock::given(path(format!("/v1/checkout/sessions/{SESSION}")))
        .respond_with(first)
        .mount(&server)
        .await;
    client(&server.uri()).session(&key()).await
}

fn page(lines: &[Value], has_more: &Value) -> ResponseTemplate {
    let page = json!({ "object": "list", "data": lines, "has_more": has_more });
    ResponseTemplate::new(200).set_body_json(page)
}

#[tokio::test]
async fn case_28_pages_that_repeat_or_are_empty_or_never_end_are_no_order() {
    let first = || session(&[line(1), line(2)], true);
    let odd_first = |data: Value| {
        let mut first = first();
        first["line_items"]["data"] = data;
        first
    };
    for (name, first, further) in [
        ("repeats", first(), page(&[line(2), line(3)], &json!(false))),
        ("repeats for ever", first(), page(&[line(1), line(2)], &json!(true))),
        ("repeats itself", first(), page(&[line(3), line(3)], &json!(false))),
        ("empty, yet not the last", first(), page(&[], &json!(true))),
        ("no list", first(), ResponseTemplate::new(200).set_body_json(json!({ "data": 7 }))),
        ("not JSON", first(), ResponseTemplate::new(200).set_body_string("<html>")),
        (
            "unknown to Stripe",
            first(),
            ResponseTemplate::new(404)
                .set_body_json(json!({ "error": { "message": "No such session" } })),
        ),
        ("a line that is none", first(), page(&[json!("li_3")], &json!(false))),
        ("a line that is none, embedded", odd_first(json!(["li_1"])), page(&[], &json!(false))),
        ("nothing to go on from", odd_first(json!([{}])), page(&[line(3)], &json!(false))),
        (
            "an id that smuggles",
            odd_first(json!([{ "id": "li_1&limit=1" }])),
            page(&[], &json!(false)),
        ),
    ] {
        let error = paged(first, further).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Garbled, "{name}: {error}");
        assert!(error.retryable() && error.message.contains(SESSION), "{name}: {error}");
    }
}

#[tokio::test]
async fn lines_that_never_end_are_given_up() {
    struct Endless(std::sync::atomic::AtomicUsize);
    impl Respond for Endless {
        fn respond(&self, _: &Request) -> ResponseTemplate {
            let at = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            page(&[line(at + 100)], &json!(true))
        }
    }
    struct Lines;
    impl Match for Lines {
        fn matches(&self, request: &Request) -> bool {
            request.url.path().ends_with("/line_items")
        }
    }
    let server = MockServer::start().await;
    Mock::given(Lines).respond_with(Endless(0.into())).expect(100).mount(&server).await;
    let first = ResponseTemplate::new(200).set_body_json(session(&[line(1)], true));
    Mock::given(method("GET")).respond_with(first).mount(&server).await;
    let error = client(&server.uri()).session(&key()).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Garbled, "{error}");
}

#[tokio::test]
async fn a_list_that_does_not_say_whether_it_goes_on_is_asked_on_when_full() {
    let mut first = session(&(0..10).map(line).collect::<Vec<_>>(), false);
    first["line_items"]["has_more"] = json!("perhaps");
    let found = paged(first.clone(), page(&[line(10)], &json!(null))).await.unwrap();
    assert_eq!(found.sale.lines.len(), 11);
    first["line_items"]["data"] = json!([line(1)]);
    let found = paged(first, ResponseTemplate::new(500)).await.unwrap();
    assert_eq!(found.sale.lines.len(), 1);
}

#[tokio::test]
async fn lines_that_were_asked_for_and_are_not_there_are_asked_for_again() {
    for absent in [json!(null), json!(7), json!({ "object": "list" })] {
        let mut first = session(&[], false);
        first["line_items"] = absent;
        let found = paged(first, page(&[line(1)], &json!(false))).await.unwrap();
        assert_eq!(found.sale.lines.len(), 1);
        let raw: Value = serde_json::from_slice(&found.raw).unwrap();
        assert_eq!(raw["line_items"]["data"][0]["id"], "li_1");
    }
}

#[tokio::test]
async fn a_list_of_sessions_is_read_page_by_page() {
    let server = MockServer::start().await;
    let list = json!({ "object": "list", "has_more": true, "data": [
        { "id": "cs_test_2", "status": "complete", "payment_status": "unpaid", "created": 20 },
        { "id": "not a session" }, 7, { "id": "cs_test_1" } ] });
    Mock::given(path("/v1/checkout/sessions"))
        .and(query_param("status", "complete"))
        .and(query_param("created[gte]", "15"))
        .and(query_param("limit", "100"))
        .respond_with(ResponseTemplate::new(200).set_body_json(list))
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let page = client.sessions_since(15, None).await.unwrap();
    let ids: Vec<_> = page.sessions.iter().map(|listed| listed.key.id.as_str()).collect();
    assert_eq!(ids, ["cs_test_2", "cs_test_1"]);
    assert_eq!(page.sessions[0].payment_status.as_deref(), Some("unpaid"));
    assert_eq!((page.has_more, page.next.as_deref()), (true, Some("cs_test_1")));
    let error = client.sessions_since(15, Some("cs_test_1")).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Garbled, "the page repeats its cursor");
    let asked = server.received_requests().await.unwrap().remove(1);
    assert!(asked.url.query().unwrap().contains("starting_after=cs_test_1"));
}

#[tokio::test]
async fn a_list_of_sessions_that_is_none_or_empty_with_more_is_garbled() {
    for list in [json!({ "has_more": false }), json!({ "data": [], "has_more": true })] {
        let server = super::always(ResponseTemplate::new(200).set_body_json(list)).await;
        let error = client(&server.uri()).sessions_since(0, None).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Garbled);
    }
}
