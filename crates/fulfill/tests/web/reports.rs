//! Reports over the API.

use axum::{
    body::{Body, HttpBody as _},
    http::Request,
};
use fulfill::store::Location;
use reqwest::Method;
use tower::ServiceExt as _;

use crate::{
    bench::{Site, TOKEN},
    stripe::paid,
};

#[tokio::test]
async fn a_report_is_a_download_of_rfc_4180() {
    let site = Site::open().await;
    let mut session = paid("cs_test_a1", &["course", "book"]);
    session["customer_details"]["name"] = "=cmd|' /C calc'!A0".into();
    site.buy(session).await;
    let answer = site.api(Method::GET, "/reports/orders.csv", None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"orders.csv\"");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let mut rows = answer.text.split("\r\n");
    assert!(rows.next().unwrap().starts_with("session_id,status,reason,"), "{}", answer.text);
    let row = rows.next().unwrap();
    assert!(row.starts_with("cs_test_a1,fulfilled,,paid,"), "{row}");
    assert!(row.contains(",'=cmd|' /C calc'!A0,"), "{row}");
    assert_eq!((rows.next(), rows.next()), (Some(""), None));

    let lines = site.api(Method::GET, "/reports/lines.csv", None).await;
    assert_eq!(lines.text.matches("\r\ncs_test_a1,").count(), 2, "{}", lines.text);
    let none = site.api(Method::GET, "/reports/lines.csv?until=2023-12-31", None).await;
    assert_eq!(none.text.lines().count(), 1, "{}", none.text);
    let some = site.api(Method::GET, "/reports/lines.csv?from=2024-01-01&until=2024-01-01", None);
    assert_eq!(some.await.text, lines.text);
    let stock = site.api(Method::GET, "/reports/stock.csv", None).await;
    assert!(stock.text.starts_with("at,sku,change,"), "{}", stock.text);
}

#[tokio::test]
async fn what_is_no_report_is_refused_with_what_to_ask_for() {
    let site = Site::idle(|builder| builder).await;
    for (path, status, words) in [
        ("/reports/orders", 404, "orders.csv, lines.csv, stock.csv"),
        ("/reports/keys.csv", 404, "there is no report 'keys.csv'"),
        ("/reports/orders.csv?since=1", 400, "only from, until"),
        ("/reports/orders.csv?from=yesterday", 400, "from: 'yesterday' is neither a day"),
        ("/reports/orders.csv?from=2024-01-02&until=2024-01-01", 400, "until is before from"),
    ] {
        let answer = site.api(Method::GET, path, None).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{path}: {message}");
    }
    assert_eq!(site.get("/api/reports/orders.csv").await.status, 401);
    site.lose_the_database().await;
    let answer = site.api(Method::GET, "/reports/orders.csv", None).await;
    assert_eq!(answer.status, 503, "nothing was sent yet, so it can still be told");
}

#[tokio::test]
async fn a_report_that_breaks_off_does_not_pass_for_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.db");
    let site = Site::idle(|builder| builder.database(Location::Sqlite(path.clone()))).await;
    let past_the_store = rusqlite::Connection::open(&path).unwrap();
    past_the_store
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
             INSERT INTO session (account, livemode, id, first_rung_at, visitor, guess, told_succeeded, \
             told_failed, rung) SELECT '', FALSE, 'cs_test_' || i, 0, FALSE, FALSE, FALSE, FALSE, 1 FROM n; \
             INSERT INTO orders (session, livemode, status, placed, first_seen_at, sale) \
             SELECT seq, FALSE, 'fulfilled', TRUE, 0, '{\"customer\":{},\"lines\":[]}' FROM session;",
        )
        .unwrap();
    let request = Request::get("/api/reports/orders.csv")
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::empty())
        .unwrap();
    let answer = site.fulfill.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut body = Box::pin(answer.into_body());
    let mut part = async || std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await;
    assert!(part().await.unwrap().is_ok());
    past_the_store.execute("UPDATE orders SET sale = 'torn'", []).unwrap();
    assert!(part().await.unwrap().is_err(), "the connection breaks off");
}
