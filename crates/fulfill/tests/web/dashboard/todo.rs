//! What waits for a person beside orders.

use fulfill::store::SummaryClaim;
use fulfill_rules::delivery::{DeliveryStatus, Next};
use reqwest::Method;
use serde_json::json;

use super::{Merchant, idle};
use crate::{
    bench::{Site, event, send},
    stripe::paid,
};

const ID: &str = "cs_test_away";

/// Turns the clock until looks at the session have failed so often.
async fn failed(site: &Site, id: &str, tries: i64) {
    site.turning(async {
        while site.known(id).await.is_none_or(|view| view.tries < tries) {
            site.clock.sleep(std::time::Duration::from_secs(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_that_stripe_does_not_answer_for_is_listed_until_it_does() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.stripe.fails(ID, 500, "away");
    site.deliver(event("evt_away", "checkout.session.completed", ID)).await;
    failed(&site, ID, 1).await;
    assert!(ann.page("/todo").await.contains("Nothing waits for you."), "one failure is nothing");
    failed(&site, ID, 5).await;
    // One look more may have been under way when the clock stopped.
    let before = site.known(ID).await.unwrap().tries;
    let page = ann.page("/todo").await;
    let after = site.known(ID).await.unwrap().tries;
    let tried = |tries| page.contains(&format!("Tried {tries} times; next <time"));
    assert!((before..=after).any(tried), "neither {before} nor {after} times in {page}");
    let trouble = "Stripe has trouble answering (500)";
    for shown in [ID, trouble, "Look again", "id=\"waiting\" data-live>1<"] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    assert!(ann.page("").await.contains("<span class=\"figure bad\">1</span> need attention"));

    let again = format!("/orders/{ID}/again");
    let refused = site.turning(ann.post(&again, &[("back", "todo")])).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains(trouble), "{}", refused.text);
    site.stripe.knows(paid(ID, &["course"]));
    let found = site.turning(ann.post(&again, &[("back", "todo")])).await;
    assert_eq!((found.status, found.header("location")), (303, "/dashboard/todo?done=again"));
    assert!(ann.page("/todo").await.contains("Nothing waits for you."));
    assert_eq!(site.api_get(&format!("/orders/{ID}")).await["status"], "fulfilled");
}

#[tokio::test]
async fn an_event_about_a_session_that_stripe_does_not_know_is_a_persons_task() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    // What a visitor guesses is nobody's, nor is what a person mistyped.
    site.turning(site.landing("cs_test_guess")).await;
    site.turning(ann.post("/orders/cs_test_typed/again", &[("back", "todo")])).await;
    assert!(ann.page("/todo").await.contains("Nothing waits for you."));
    for (event_id, id) in [("evt_1", ID), ("evt_2", "cs_test_other")] {
        site.deliver(event(event_id, "checkout.session.completed", id)).await;
        site.turning(async {
            while site.known(id).await.is_none_or(|view| !view.missing) {
                site.clock.sleep(std::time::Duration::from_secs(1)).await;
            }
        })
        .await;
    }
    let page = ann.page("/todo").await;
    for shown in [
        "Events about sessions that Stripe does not know",
        "Event <span class=\"id\">evt_1</span>, <span dir=\"auto\">checkout.session.completed</span>",
        "another account",
        "STRIPE_SECRET_KEY",
        &format!("name=\"session\" value=\"{ID}\""),
        "id=\"waiting\" data-live>2<",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    assert!(!page.contains("cs_test_guess") && !page.contains("cs_test_typed"), "{page}");

    let put_aside = ann.post("/todo/dismiss", &[("session", "cs_test_other")]).await;
    assert_eq!(put_aside.header("location"), "/dashboard/todo?done=seen");
    assert_eq!(ann.post("/todo/dismiss", &[("session", "cs_test_other")]).await.status, 404);
    let page = ann.page("/todo").await;
    assert!(page.contains("evt_1") && !page.contains("evt_2"), "{page}");
    // The key was put right.
    site.stripe.knows(paid(ID, &["course"]));
    let again = format!("/orders/{ID}/again");
    let found = site.turning(ann.post(&again, &[("back", "todo")])).await;
    assert_eq!((found.status, found.header("location")), (303, "/dashboard/todo?done=again"));
    assert!(ann.page("/todo").await.contains("Nothing waits for you."));
}

#[tokio::test]
async fn what_only_a_visitor_named_is_nobodys_task() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.stripe.fails(ID, 401, "no such key");
    site.turning(site.landing(ID)).await;
    failed(&site, ID, 3).await;
    assert!(ann.page("/todo").await.contains("Nothing waits for you."));
    assert!(site.known(ID).await.unwrap().order.is_none());
    // As soon as Stripe tells of it, it is somebody's.
    site.deliver(event("evt_away", "checkout.session.completed", ID)).await;
    failed(&site, ID, 4).await;
    let page = ann.page("/todo").await;
    assert!(page.contains("Stripe refuses the API key (401)"), "{page}");
    assert_eq!(site.known(ID).await.unwrap().order.unwrap().status.as_str(), "needs_attention");
}

#[tokio::test]
async fn a_summary_that_is_stuck_is_listed_and_told_again_or_put_aside() {
    const DAY: &str = "2023-12-31";
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    let store = site.fulfill.store();
    let gets_stuck = async || {
        let claim = store.claim_summary(DAY).await.unwrap();
        assert!(matches!(claim, SummaryClaim::Ours { attempt: 1, .. }), "{claim:?}");
        let said = Some("refused (550): <b>no such mailbox</b>".to_owned());
        let next = Next { status: DeliveryStatus::Stuck, due_at: None, said };
        assert!(store.finish_summary(DAY, 1, &next).await.unwrap());
        let page = ann.page("/todo").await;
        for shown in [DAY, "refused (550): &#60;b&#62;", "data-live>1<"] {
            assert!(page.contains(shown), "{shown} is not in {page}");
        }
    };
    let act = async |act: &str, day: &str| {
        let answer = ann.post("/todo/summary", &[("day", day), ("act", act)]).await;
        (answer.status, answer.header("location").to_owned())
    };
    gets_stuck().await;
    assert_eq!(act("again", "2023-12-30").await.0, 404);
    assert_eq!(act("again", DAY).await, (303, "/dashboard/todo?done=told".to_owned()));
    assert!(ann.page("/todo?done=told").await.contains("It is told again"));
    gets_stuck().await;
    assert_eq!(act("dismiss", DAY).await, (303, "/dashboard/todo?done=seen".to_owned()));
    assert_eq!(act("dismiss", DAY).await.0, 404, "once");
    assert!(ann.page("/todo").await.contains("Nothing waits for you."));
    assert_eq!(store.claim_summary(DAY).await.unwrap(), SummaryClaim::Over);
    let foreign =
        ann.request(Method::POST, "/todo/summary").form(&[("day", DAY), ("act", "again")]);
    assert_eq!(send(foreign).await.status, 403, "without the form's token");
}

#[tokio::test]
async fn a_parcel_whose_goods_are_still_to_come_says_so() {
    let poster = fulfill_rules::plan::Product {
        id: Some("prod_poster".into()),
        stock: Some(fulfill_rules::plan::Stock {
            sku: "POSTER".into(),
            oversell: fulfill_rules::plan::Oversell::Backorder,
        }),
        parcel: Some(fulfill_rules::plan::Parcel::default()),
        ..Default::default()
    };
    let site = Site::with(|builder| builder.products(vec![poster])).await;
    let ann = Merchant::ann(&site).await;
    site.fulfill.store().add_stock("POSTER", 1).await.unwrap();
    for id in ["cs_test_there", "cs_test_owed"] {
        site.buy(paid(id, &["poster"])).await;
    }
    let page = ann.page("/todo").await;
    let card =
        |id: &str| page.split(&format!("/orders/{id}\"")).nth(1).unwrap().split("</li>").next();
    assert!(card("cs_test_owed").unwrap().ends_with("(POSTER 1 on backorder)"), "{page}");
    assert!(!card("cs_test_there").unwrap().contains("backorder"), "{page}");
}

#[tokio::test]
async fn what_is_to_be_provided_stands_in_its_form_already() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    let mut session = paid(ID, &["shirt", "editor", "own"]);
    // Known from the product's own metadata only.
    session["line_items"]["data"][2]["price"]["product"]["metadata"] =
        json!({ "fulfilld_stock": "MUG & CUP" });
    site.buy(session).await;
    let page = ann.page("/todo").await;
    for (address, name) in [
        ("stock?sku=SHIRT-M#units", "SHIRT-M"),
        ("stock?pool=editor#keys", "editor"),
        ("stock?sku=MUG+%26+CUP#units", "MUG &#38; CUP"),
    ] {
        let link = format!("href=\"/dashboard/{address}\">Provide {name}</a>");
        assert!(page.contains(&link), "{link} is not in {page}");
        let (path, id) = address.split_once('#').unwrap();
        let form = ann.page(&format!("/{path}")).await;
        assert_eq!(form.matches(&format!("id=\"{id}\"")).count(), 1, "{address}: {form}");
        assert!(form.contains(&format!("value=\"{name}\"")), "{address}: {form}");
    }
}
