//! The landing page: what it may say, to whom, and what it must not.

use fulfill_sandbox::{Method, Purchase};
use reqwest::StatusCode;
use serde_json::json;

use crate::{basket, both, shop, shop::ann};

const OK: StatusCode = StatusCode::OK;
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;

both!(
    case_41_what_cannot_be_an_id_is_refused_before_anything_is_asked,
    shop().veiled(),
    async |t| {
        let long = format!("session_id=cs_test_{}", "a".repeat(201));
        for query in [
            "",
            "session_id=",
            "session_id={CHECKOUT_SESSION_ID}",
            "session_id=%7BCHECKOUT_SESSION_ID%7D",
            "session_id=cs_test_<script>alert(1)</script>",
            "session_id=cs_test_a%27--",
            "session_id=pi_1",
            "session_id=cs_test_",
            "session_id=cs_prod_a1",
            "session_id=cs_test_a1%0A",
            "other=1",
            &long,
        ] {
            let (code, status, html) = t.page(query).await;
            assert_eq!((code, status.as_str()), (StatusCode::BAD_REQUEST, "unknown"), "{query}");
            assert!(!html.contains("alert(1)"), "{html}");
        }
        let (_, _, html) = t.page("session_id={CHECKOUT_SESSION_ID}").await;
        assert!(html.contains("success_url"), "the shop learns what is wrong: {html}");
        assert_eq!(t.db.number("SELECT COUNT(*) FROM session").await, 0);
        assert!(t.veil.asked().is_empty());
    }
);

both!(
    case_41_a_guess_is_asked_once_remembered_for_a_while_and_told_nothing,
    shop().veiled(),
    async |t| {
        for _ in 0..5 {
            let (code, status, html) = t.page("session_id=cs_test_guess").await;
            assert_eq!((code, status.as_str()), (NOT_FOUND, "unknown"));
            assert!(html.contains("We do not know this order"), "{html}");
        }
        assert_eq!(t.veil.asked().len(), 1, "{:?}", t.veil.asked());
        assert_eq!(t.get("/api/orders/cs_test_guess").await.0, NOT_FOUND);
        t.turn(61_000);
        t.page("session_id=cs_test_guess").await;
        assert_eq!(t.veil.asked().len(), 2, "a minute later it may have become one");
    }
);

both!(
    case_41_one_address_may_guess_sixty_times_a_minute_and_no_more_than_that_matters,
    shop().veiled(),
    async |t| {
        let real = t.buy(basket(&[("prod_course", 1)])).await;
        t.expect(&real, "fulfilled").await;
        let (mut served, mut refused) = (0, 0);
        for n in 0..200 {
            let (code, _, _) = t.page(&format!("session_id=cs_test_guess{n}")).await;
            match code {
                NOT_FOUND => served += 1,
                StatusCode::TOO_MANY_REQUESTS => refused += 1,
                other => panic!("{other}"),
            }
        }
        assert!(served >= 60 && refused > 0, "{served} served, {refused} refused");
        assert_eq!(t.veil.asked().len(), served + 1, "the refused cost nothing");
        assert_eq!(
            t.page(&format!("session_id={real}")).await.1,
            "fulfilled",
            "a known id is no guess"
        );
    }
);

both!(
    case_42_a_buyer_sees_the_goods_and_nothing_of_the_machinery,
    shop().stock("SHIRT", 9),
    async |t| {
        t.post("/api/keys/editor", json!({ "keys": ["K-1"] })).await;
        let basket = basket(&[("prod_course", 1), ("prod_editor", 1), ("prod_shirt", 1)])
            .shipped()
            .with("client_reference_id", "ref-secret")
            .with("metadata[internal]", "meta-secret");
        let id = t.buy(basket).await;
        let order = t.expect(&id, "fulfilled").await;
        let (code, status, html) = t.page(&format!("session_id={id}")).await;
        assert_eq!((code, status.as_str()), (OK, "fulfilled"));
        for shown in ["K-1", "https://example.com/course", "€30.00", "Berlin", &id] {
            assert!(html.contains(shown), "{shown} is missing: {html}");
        }
        let intent = order["payment_intent"].as_str().unwrap();
        for hidden in [
            "ref-secret",
            "meta-secret",
            intent,
            "Hauptstraße",
            "10115",
            "@",
            "evt_",
            "price_",
            "li_",
        ] {
            assert!(!html.contains(hidden), "{hidden} is shown: {html}");
        }
        let again = t.page(&format!("session_id={id}")).await.2;
        assert_eq!(again, html, "refreshing shows the same");
    }
);

both!(case_43_a_page_that_waits_in_vain_never_says_that_the_payment_failed, shop(), async |t| {
    t.stop_engine(0).await;
    let id = t.buy(basket(&[("prod_course", 1)])).await;
    t.sandbox.idle().await;
    let query = format!("session_id={id}");
    let before = t.clock.now();
    let (code, status, html) = t.while_time_passes(t.page(&query)).await;
    assert!(t.clock.now() - before >= 8_000, "it waited");
    assert_eq!((code, status.as_str()), (OK, "unknown"));
    assert!(
        html.contains("We are still checking") && html.contains("http-equiv=\"refresh\""),
        "{html}"
    );
    assert!(!html.contains("fail"), "{html}");
    t.run_engine(0);
    t.settle().await;
    assert_eq!(t.page(&query).await.1, "fulfilled");
});

both!(a_visitor_alone_brings_the_fulfillment_about, shop(), async |t| {
    t.sandbox.faults().add(fulfill_sandbox::Fault::new(fulfill_sandbox::Trouble::Lose));
    let id = t.buy(basket(&[("prod_course", 1)])).await;
    assert_eq!(t.page(&format!("session_id={id}")).await.1, "fulfilled");
    assert_eq!(t.expect(&id, "fulfilled").await["events"], json!([]));
});

both!(names_with_markup_right_to_left_and_emoji_are_shown_as_they_are, shop(), async |t| {
    let name = "<script>alert('x')</script> \u{202e}מתנה \u{1f381} & \"more\"";
    t.stripe("products", &[("id", "prod_odd"), ("name", name)]).await;
    let id = t.open_session(basket(&[("prod_odd", 1), ("prod_course", 1)])).await;
    t.pay_as(&id, Method::Card, Purchase { name: Some("O'Neil <b>".into()), ..ann() });
    let order = t.expect(&id, "needs_attention").await;
    assert_eq!(order["lines"][0]["description"], name);
    assert_eq!(order["customer"]["name"], "O'Neil <b>");
    let (code, _, html) = t.page(&format!("session_id={id}")).await;
    assert_eq!(code, OK);
    assert!(
        !html.contains("<script>") && html.contains("מתנה") && html.contains('\u{1f381}'),
        "{html}"
    );
    let (_, found) = t.get("/api/orders?q=O%27Neil").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    t.post(&format!("/api/orders/{id}/waive"), json!({})).await;
});
