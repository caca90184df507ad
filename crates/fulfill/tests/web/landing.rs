//! What the buyer sees, in every state an order can be in.

use reqwest::Method;
use serde_json::json;

use crate::{
    bench::{Answer, Site, send},
    stripe::{line, paid, unpaid},
};

/// A page that waits comes again by itself.
fn refreshes(page: &Answer) -> bool {
    page.text.contains("<meta http-equiv=\"refresh\"")
}

#[tokio::test]
async fn the_page_fulfills_a_payment_whose_webhook_never_came() {
    let site = Site::open().await;
    site.stripe.knows(paid("cs_test_a1", &["course"]));
    let page = site.landing("cs_test_a1").await;
    assert_eq!((page.status, page.data_status()), (200, "fulfilled"));
    assert!(page.text.contains("Your order is ready"));
    assert!(page.text.contains("A nice course"));
    assert!(page.text.contains("€19.00"));
    assert!(page.text.contains("href=\"https://example.com/course?a=1&#38;b=2\""), "{}", page.text);
    assert!(page.text.contains("until 31 December 2024"));
    assert!(page.text.contains("Test mode"));
    assert!(!refreshes(&page));
}

#[tokio::test]
async fn refreshing_shows_the_same_and_asks_stripe_no_more() {
    let site = Site::open().await;
    site.stripe.knows(paid("cs_test_a1", &["course"]));
    let first = site.landing("cs_test_a1").await;
    let asked = site.stripe.asked("cs_test_a1");
    for _ in 0..5 {
        assert_eq!(site.landing("cs_test_a1").await.text, first.text);
    }
    assert_eq!(site.stripe.asked("cs_test_a1"), asked);
}

#[tokio::test]
async fn case_01_webhook_and_page_at_once_fulfill_once_and_see_the_same() {
    let site = Site::open().await;
    let session = paid("cs_test_a1", &["course", "book"]);
    site.stripe.knows(session.clone());
    let page = || site.landing("cs_test_a1");
    let all = async { tokio::join!(site.buy(session), page(), page(), page()) };
    let (view, a, b, c) = site.turning(all).await;
    let order = view.order.unwrap();
    assert_eq!(order.effects.len(), 2);
    assert_eq!(order.timeline.iter().filter(|t| t.what.starts_with("fulfilled")).count(), 1);
    for page in [&a, &b, &c] {
        assert_eq!(page.data_status(), "fulfilled");
        assert_eq!(page.text, a.text);
    }
}

#[tokio::test]
async fn a_head_request_looks_like_the_page_without_it() {
    let site = Site::open().await;
    site.stripe.knows(paid("cs_test_a1", &["course"]));
    let path = "/success?session_id=cs_test_a1";
    let head = send(site.request(Method::HEAD, path)).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(send(site.request(Method::POST, path)).await.status, 405);
}

#[tokio::test]
async fn case_39_license_keys_stand_on_the_page() {
    let site = Site::open().await;
    let import =
        |pool: &'static str, keys| site.api(Method::POST, pool, Some(json!({ "keys": keys })));
    import("/keys/editor", vec!["EDIT-1", "EDIT-2", "EDIT-3"]).await;
    import("/keys/team", vec!["TEAM-1"]).await;
    let mut session = paid("cs_test_a1", &["editor", "team"]);
    session["line_items"]["data"][0] = line(1, "editor", 2, 3_800);
    session["line_items"]["data"][1] = line(2, "team", 5, 9_500);
    site.buy(session).await;
    site.fulfilled("cs_test_a1").await;
    let page = site.landing("cs_test_a1").await;
    assert_eq!(page.data_status(), "fulfilled");
    assert!(page.text.contains(">EDIT-1<") && page.text.contains(">EDIT-2<"));
    assert!(!page.text.contains("EDIT-3"), "a key nobody has bought");
    assert!(page.text.contains(">TEAM-1<") && page.text.contains("5 seats"));
    assert!(page.text.contains("× 2") && page.text.contains("€38.00"));
}

#[tokio::test]
async fn what_is_ready_is_shown_while_the_rest_is_prepared() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["course", "handmade", "shirt"])).await;
    let page = site.landing("cs_test_a1").await;
    assert_eq!((page.status, page.data_status()), (200, "needs_attention"));
    assert!(page.text.contains("Your order is being prepared"));
    assert!(page.text.contains("https://example.com/course"));
    assert_eq!(page.text.matches("Being prepared").count(), 2);
    assert!(refreshes(&page));
    for word in ["attention", "held", "stock", "SHIRT-M", "catalog", "error"] {
        assert!(!page.text.replace("data-status=\"needs_attention\"", "").contains(word), "{word}");
    }
}

#[tokio::test]
async fn a_parcel_says_where_it_goes_without_the_whole_address() {
    let site = Site::open().await;
    site.api(Method::POST, "/stock/SHIRT-M", Some(json!({ "add": 5 }))).await;
    site.buy(paid("cs_test_a1", &["shirt"])).await;
    site.fulfilled("cs_test_a1").await;
    let page = site.landing("cs_test_a1").await;
    assert_eq!(page.data_status(), "fulfilled");
    assert!(page.text.contains("Will be sent to <bdi>Ada Lovelace, London, United Kingdom</bdi>"));
}

#[tokio::test]
async fn case_42_only_what_a_buyer_may_see_is_shown() {
    let site = Site::open().await;
    site.api(Method::POST, "/stock/SHIRT-M", Some(json!({ "add": 5 }))).await;
    site.buy(paid("cs_test_a1", &["shirt", "course"])).await;
    site.fulfilled("cs_test_a1").await;
    let page = site.landing("cs_test_a1").await.text;
    for private in [
        "ada@example.com",
        "7946",
        "James",
        "SW1Y",
        "pi_secret1",
        "cus_ada",
        "user-7",
        "c-17",
        "prod_",
        "price_",
        "li_1",
        "evt_",
    ] {
        assert!(!page.contains(private), "{private} is shown");
    }
}

#[tokio::test]
async fn case_20_a_payment_on_its_way_is_told_as_what_it_is() {
    let site = Site::open().await;
    site.buy(unpaid("cs_test_a1", "complete", "processing")).await;
    let page = site.turning(site.landing("cs_test_a1")).await;
    assert_eq!((page.status, page.data_status()), (200, "awaiting_payment"));
    assert!(page.text.contains("Your payment is on its way"));
    assert!(page.text.contains("no reason to pay again"));
    assert!(page.text.contains("A nice course"), "what was ordered is shown");
    assert!(!page.text.contains("https://example.com/course"), "what it gives access to is not");
    assert!(refreshes(&page));

    site.stripe.knows(paid("cs_test_a1", &["course"]));
    site.clock.advance(std::time::Duration::from_secs(3 * 86_400));
    let page = site.landing("cs_test_a1").await;
    assert_eq!(page.data_status(), "fulfilled");
}

#[tokio::test]
async fn a_failed_payment_is_said_and_a_later_one_counts() {
    let site = Site::open().await;
    site.buy(unpaid("cs_test_a1", "complete", "requires_payment_method")).await;
    let page = site.landing("cs_test_a1").await;
    assert_eq!((page.status, page.data_status()), (200, "payment_failed"));
    assert!(page.text.contains("The payment did not go through"));
    assert!(!page.text.contains("https://example.com/course") && !refreshes(&page));

    site.stripe.knows(paid("cs_test_a1", &["course"]));
    site.look("cs_test_a1").await;
    assert_eq!(site.landing("cs_test_a1").await.data_status(), "fulfilled");
}

#[tokio::test]
async fn an_expired_session_is_over() {
    let site = Site::open().await;
    site.stripe.knows(unpaid("cs_test_a1", "expired", "canceled"));
    let page = site.landing("cs_test_a1").await;
    assert_eq!((page.status, page.data_status()), (200, "not_fulfillable"));
    assert!(page.text.contains("has expired") && !refreshes(&page));
}

#[tokio::test]
async fn an_open_session_is_not_paid_yet_and_no_order() {
    let site = Site::open().await;
    site.stripe.knows(unpaid("cs_test_a1", "open", "requires_payment_method"));
    let page = site.landing("cs_test_a1").await;
    assert_eq!((page.status, page.data_status()), (200, "unknown"));
    assert!(page.text.contains("not finished yet") && refreshes(&page));
    assert!(!page.text.contains("A nice course"));
    assert!(site.known("cs_test_a1").await.unwrap().order.is_none());
}

#[tokio::test]
async fn case_43_a_time_out_is_never_told_as_a_failure() {
    let site = Site::open().await;
    site.stripe.hangs("cs_test_a1");
    let page = site.turning(site.landing("cs_test_a1")).await;
    assert_eq!((page.status, page.data_status()), (200, "unknown"));
    assert!(page.text.contains("We are still checking") && refreshes(&page));
    for word in ["fail", "error", "expired", "not know"] {
        assert!(!page.text.to_lowercase().contains(word), "{word}");
    }
}

#[tokio::test]
async fn case_43_stripe_in_trouble_is_never_told_as_a_failure() {
    let site = Site::open().await;
    for (id, status) in [("cs_test_a1", 500), ("cs_test_a2", 403), ("cs_test_a3", 429)] {
        site.stripe.fails(id, status, "This is none of the buyer's business");
        let page = site.turning(site.landing(id)).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("no reason to pay again") && refreshes(&page), "{}", page.text);
        assert!(!page.text.contains("business"));
    }
}

#[tokio::test]
async fn case_41_an_id_that_stripe_does_not_know_shows_nothing() {
    let site = Site::open().await;
    let page = site.landing("cs_test_guess").await;
    assert_eq!((page.status, page.data_status()), (404, "unknown"));
    assert!(
        page.text.contains("We do not know this order") && !page.text.contains("cs_test_guess")
    );
    assert!(!refreshes(&page));
    site.landing("cs_test_guess").await;
    assert_eq!(site.stripe.asked("cs_test_guess"), 1, "remembered for a while");
}

#[tokio::test]
async fn case_41_what_is_no_id_is_told_so_and_asks_nobody() {
    let site = Site::open().await;
    for query in [
        "",
        "?",
        "?session_id=",
        "?session_id=cs_test_",
        "?session_id=%3Cscript%3Ealert(1)%3C/script%3E",
        "?session_id=cs_test_a-1",
        "?session_id=%ff%fe",
        "?other=cs_test_a1",
        "?session_id=pi_1",
    ] {
        let page = site.get(&format!("/success{query}")).await;
        assert_eq!((page.status, page.data_status()), (400, "unknown"), "{query}");
        assert!(page.text.contains("not complete") && !page.text.contains("<script"), "{query}");
    }
    for query in
        ["{CHECKOUT_SESSION_ID}", "%7BCHECKOUT_SESSION_ID%7D", "%257BCHECKOUT_SESSION_ID%257D"]
    {
        let page = site.landing(query).await;
        assert_eq!((page.status, page.data_status()), (400, "unknown"), "{query}");
        assert!(page.text.contains("success_url must contain {CHECKOUT_SESSION_ID}"));
    }
}

#[tokio::test]
async fn an_id_of_the_other_mode_is_unknown_and_nobody_is_asked() {
    let site = Site::open().await;
    site.stripe.knows(paid("cs_live_a1", &["course"]));
    let page = site.landing("cs_live_a1").await;
    assert_eq!((page.status, page.data_status()), (404, "unknown"));
    assert_eq!(site.stripe.asked("cs_live_a1"), 0);
    assert!(site.known("cs_live_a1").await.is_none());
}

#[tokio::test]
async fn case_24_a_free_order_is_ready_like_any_other() {
    let site = Site::open().await;
    let mut session = paid("cs_test_a1", &["book"]);
    session["payment_status"] = "no_payment_required".into();
    session["payment_intent"] = json!(null);
    session["amount_total"] = 0.into();
    session["line_items"]["data"][0] = line(1, "book", 1, 0);
    site.buy(session).await;
    let page = site.landing("cs_test_a1").await;
    assert_eq!(page.data_status(), "fulfilled");
    assert!(page.text.contains("Free") && page.text.contains("You have access: <bdi>book</bdi>"));
}

#[tokio::test]
async fn case_25_yen_and_dinars_have_their_own_decimals() {
    let site = Site::open().await;
    for (id, currency, minor, shown) in
        [("cs_test_y", "jpy", 500, "JPY\u{a0}500"), ("cs_test_d", "kwd", 1_234, "KWD\u{a0}1.234")]
    {
        let mut session = paid(id, &["book"]);
        session["currency"] = currency.into();
        session["amount_total"] = minor.into();
        session["line_items"]["data"][0]["currency"] = currency.into();
        session["line_items"]["data"][0]["amount_total"] = minor.into();
        site.buy(session).await;
        assert_eq!(site.landing(id).await.text.matches(shown).count(), 2, "{shown}");
    }
}

#[tokio::test]
async fn case_26_the_buyer_sees_what_they_paid_in_their_currency() {
    let site = Site::open().await;
    let mut session = paid("cs_test_a1", &["book"]);
    session["presentment_details"] =
        json!({ "presentment_amount": 3_123, "presentment_currency": "jpy" });
    site.buy(session).await;
    let page = site.landing("cs_test_a1").await;
    assert!(page.text.contains("You paid") && page.text.contains("JPY\u{a0}3,123"));
    assert!(page.text.contains("€19.00"));
}

#[tokio::test]
async fn without_its_database_the_page_stays_calm() {
    let site = Site::idle(|b| b).await;
    site.lose_the_database().await;
    let page = site.landing("cs_test_a1").await;
    assert_eq!((page.status, page.data_status()), (503, "unknown"));
    assert!(page.text.contains("no reason to pay again") && refreshes(&page));
}
