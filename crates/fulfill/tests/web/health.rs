//! What machines ask.

use crate::{
    bench::{Site, event},
    stripe::paid,
};

#[tokio::test]
async fn alive_and_ready_do_not_need_stripe() {
    let site = Site::open().await;
    let alive = site.get("/healthz").await;
    assert_eq!((alive.status, alive.text.as_str()), (200, "ok"));
    assert_eq!(site.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_replica_that_stops_is_alive_and_not_ready() {
    let site = Site::open().await;
    site.fulfill.pulse().stop();
    let ready = site.get("/readyz").await;
    assert_eq!((ready.status, ready.text.as_str()), (503, "not ready: stopping\n"));
    assert_eq!(site.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn without_its_database_it_is_alive_and_not_ready() {
    let site = Site::idle(|b| b).await;
    site.lose_the_database().await;
    let ready = site.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text.contains("database"), "{}", ready.text);
    assert_eq!(site.get("/metrics").await.status, 503);
    assert_eq!(site.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn metrics_count_acks_orders_and_work() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    site.buy(paid("cs_test_a2", &["handmade"])).await;
    site.deliver("unreadable").await;
    let metrics = site.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    assert!(metrics.text.ends_with("# EOF\n"));
    for line in [
        "fulfilld_webhooks_total{kind=\"rang\"} 2",
        "fulfilld_webhooks_total{kind=\"quarantined\"} 1",
        "fulfilld_ack_seconds_count 3",
        "fulfilld_fulfilled_total 1",
        "fulfilld_orders{status=\"needs_attention\"} 1",
        "fulfilld_quarantined 1",
    ] {
        assert!(metrics.text.lines().any(|l| l == line), "{line} is not in {}", metrics.text);
    }
}

#[tokio::test]
async fn work_that_waits_is_counted() {
    let site = Site::idle(|b| b).await;
    site.deliver(event("evt_1", "checkout.session.completed", "cs_test_a1")).await;
    assert_eq!(site.meter("fulfilld_work{status=\"due\"}").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn the_front_door_leads_to_the_dashboard_and_other_paths_nowhere() {
    let site = Site::idle(|b| b).await;
    let front = site.get("/").await;
    assert_eq!((front.status, front.header("location")), (307, "dashboard"));
    let dashboard = site.get("/dashboard").await;
    assert_eq!((dashboard.status, dashboard.header("location")), (303, "/dashboard/sign-in"));
    assert_eq!(site.get("/favicon.ico").await.status, 204);
    let nowhere = site.get("/wp-login.php").await;
    assert_eq!((nowhere.status, nowhere.text.as_str()), (404, "not found"));
}
