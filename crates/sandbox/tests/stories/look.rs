//! The pages to look at the sandbox, as a browser without script uses them.

use fulfill_sandbox::{Method as Pays, Purchase, Sandbox};
use reqwest::{Method, RequestBuilder};

use crate::{
    data::everything,
    stage::{Endpoint, Stage},
};

/// The text of a page.
async fn page(stage: &Stage, path: &str) -> String {
    let answer = stage.http.get(format!("{}{path}", stage.sandbox.url())).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    answer.text().await.unwrap()
}

fn form(stage: &Stage, path: &str, fields: &str) -> RequestBuilder {
    let url = format!("{}/_sandbox/look/{path}", stage.sandbox.url());
    let kind = ("content-type", "application/x-www-form-urlencoded");
    stage.http.post(url).header(kind.0, kind.1).body(fields.to_owned())
}

/// Sends a form as the pages do; where the browser goes then.
async fn send(stage: &Stage, path: &str, fields: &str) -> String {
    let answer = form(stage, path, fields).header("origin", stage.sandbox.url()).send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 303, "{path} {fields}: {:?}", answer.headers().get("location"));
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Sends a form that is not carried out; what the page says.
async fn refused(stage: &Stage, path: &str, fields: &str) -> String {
    let answer = form(stage, path, fields).header("origin", stage.sandbox.url()).send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 422, "{path} {fields}");
    answer.text().await.unwrap()
}

async fn paid(stage: &Stage, how: Pays) -> String {
    let session = stage.session("").await;
    stage.sandbox.pay(&session, how, Purchase::default()).unwrap();
    stage.sandbox.idle().await;
    session
}

/// The id of the newest event of a type.
async fn event(stage: &Stage, kind: &str) -> String {
    let events = stage.get(&format!("/v1/events?type={kind}")).await;
    events["data"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_pages_show_a_payment_its_events_and_what_the_endpoint_answered() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    endpoint.register(&stage, "enabled_events[]=checkout.session.completed").await;
    endpoint.answer_with(&[500]);
    let session = paid(&stage, Pays::Card).await;
    let list = page(&stage, "/_sandbox/").await;
    for text in [session.as_str(), "€12.00", "complete", "paid", "buyer@example.com"] {
        assert!(list.contains(text), "{text} in {list}");
    }
    let payment = page(&stage, &format!("/_sandbox/look/payment/{session}")).await;
    let completed = event(&stage, "checkout.session.completed").await;
    assert!(payment.contains(&completed) && payment.contains("charge.succeeded"), "{payment}");
    assert!(payment.contains("1 pending"), "{payment}");
    let shown = page(&stage, &format!("/_sandbox/look/event/{completed}")).await;
    for text in [endpoint.url.as_str(), "500", "Attempt 1", "Stripe-Signature: t="] {
        assert!(shown.contains(text), "{text} in {shown}");
    }
}

#[tokio::test]
async fn an_event_is_sent_again_to_one_endpoint_or_to_all() {
    let stage = Stage::new().await;
    let (one, other) = (Endpoint::new().await, Endpoint::new().await);
    let (id, _) = one.register(&stage, "enabled_events[]=checkout.session.completed").await;
    other.register(&stage, "enabled_events[]=checkout.session.completed").await;
    paid(&stage, Pays::Card).await;
    let path = format!("event/{}/resend", event(&stage, "checkout.session.completed").await);
    for (fields, expected) in [(format!("endpoint={id}"), (2, 1)), ("endpoint=".into(), (3, 2))] {
        send(&stage, &path, &fields).await;
        stage.sandbox.idle().await;
        assert_eq!((one.came().len(), other.came().len()), expected, "{fields}");
    }
    let why = refused(&stage, &path, "endpoint=we_none").await;
    assert!(why.contains("No such webhook endpoint"), "{why}");
}

#[tokio::test]
async fn the_clock_is_turned_until_a_debit_has_arrived() {
    let stage = Stage::new().await;
    let session = paid(&stage, Pays::Debit).await;
    assert_eq!(stage.retrieve(&session).await["payment_status"], "unpaid");
    let back = format!("/_sandbox/look/payment/{session}");
    assert_eq!(send(&stage, "clock", &format!("by=1h&back={back}")).await, back);
    assert_eq!(stage.retrieve(&session).await["payment_status"], "paid");
    assert!(page(&stage, "/_sandbox/").await.contains("1 h ahead"));
    assert_eq!(send(&stage, "clock", "by=2d&back=//evil.example/").await, "/_sandbox/");
    refused(&stage, "clock", "by=soon").await;
}

#[tokio::test]
async fn the_controls_answer_programs_and_no_page_of_others() {
    let stage = Stage::new().await;
    let url = format!("{}/_sandbox/clock/advance", stage.sandbox.url());
    let ask = |header: Option<(&str, &str)>| {
        let request = reqwest::Client::new().post(&url).body("{\"seconds\":1}");
        let request = match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        async { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(ask(None).await, 200);
    assert_eq!(ask(Some(("origin", stage.sandbox.url()))).await, 200);
    for foreign in
        [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")]
    {
        assert_eq!(ask(Some(foreign)).await, 403, "{foreign:?}");
    }
}

#[tokio::test]
async fn a_debit_and_a_voucher_are_decided_and_money_goes_back_by_a_click() {
    let stage = Stage::new().await;
    let (debit, failing) = (paid(&stage, Pays::Debit).await, paid(&stage, Pays::Debit).await);
    send(&stage, &format!("payment/{debit}/settle"), "").await;
    send(&stage, &format!("payment/{failing}/fail"), "").await;
    assert_eq!(stage.retrieve(&debit).await["payment_status"], "paid");
    assert_eq!(
        stage.retrieve(&failing).await["payment_intent"]["status"],
        "requires_payment_method"
    );
    refused(&stage, &format!("payment/{debit}/fail"), "").await;
    let card = paid(&stage, Pays::Card).await;
    let intent = stage.retrieve(&card).await["payment_intent"]["id"].as_str().unwrap().to_owned();
    let refund = format!("payment/{card}/refund");
    send(&stage, &refund, &format!("intent={intent}&currency=EUR&amount=2.50")).await;
    let refunds = stage.get(&format!("/v1/refunds?payment_intent={intent}")).await;
    assert_eq!(refunds["data"][0]["amount"], 250);
    let too_much = format!("intent={intent}&currency=EUR&amount=100");
    refused(&stage, &refund, &too_much).await;
    send(&stage, &format!("payment/{card}/dispute"), "reason=duplicate").await;
    assert!(page(&stage, &format!("/_sandbox/look/payment/{card}")).await.contains("Disputed"));
    let open = stage.session("").await;
    send(&stage, &format!("payment/{open}/expire"), "").await;
    assert_eq!(stage.retrieve(&open).await["status"], "expired");
}

#[tokio::test]
async fn a_link_made_by_the_form_can_be_bought_until_it_is_deactivated() {
    let stage = Stage::new().await;
    let fields = "name=Tea+towel&amount=12.50&currency=eur&quantity=2&adjustable=1&phone=1&billing=1\
                  &countries=de,+at&after=page&message=Thank+you,+friend";
    let to = send(&stage, "links", fields).await;
    let (_, id) = to.split_once('#').unwrap();
    let link = stage.get(&format!("/v1/payment_links/{id}")).await;
    assert_eq!(
        link["after_completion"]["hosted_confirmation"]["custom_message"],
        "Thank you, friend"
    );
    assert_eq!(link["shipping_address_collection"]["allowed_countries"][1], "AT");
    assert_eq!(link["phone_number_collection"]["enabled"], true);
    let url = link["url"].as_str().unwrap();
    let list = page(&stage, "/_sandbox/look/links").await;
    assert!(list.contains(url) && list.contains("2 × Tea towel, €25.00"), "{list}");
    let visited = stage.http.get(url).send().await.unwrap();
    let session = visited.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap();
    stage.sandbox.pay(session, Pays::Card, Purchase::default()).unwrap();
    let bought = stage.retrieve(session).await;
    assert_eq!((&bought["amount_total"], &bought["payment_link"]), (&2500.into(), &link["id"]));
    send(&stage, &format!("link/{id}/deactivate"), "").await;
    assert_eq!(stage.get(&format!("/v1/payment_links/{id}")).await["active"], false);
}

#[tokio::test]
async fn a_link_may_redirect_and_a_form_with_a_mistake_keeps_what_was_typed() {
    let stage = Stage::new().await;
    let price =
        stage.post("/v1/prices", "currency=usd&unit_amount=900&product_data[name]=Mug").await;
    let price = price["id"].as_str().unwrap();
    let fields = format!("price={price}&after=redirect&url=http://shop.example/thanks");
    let to = send(&stage, "links", &fields).await;
    let link = stage.get(&format!("/v1/payment_links/{}", to.split_once('#').unwrap().1)).await;
    assert_eq!(link["after_completion"]["redirect"]["url"], "http://shop.example/thanks");
    for (fields, expected) in [
        ("name=Kettle&amount=much&currency=eur", "The amount is a number"),
        ("name=Kettle&amount=3&currency=eur&after=redirect&url=javascript:alert(1)", "begins with"),
        ("name=Kettle&amount=99999999999&currency=eur", "Invalid amount"),
    ] {
        let shown = refused(&stage, "links", fields).await;
        assert!(shown.contains(expected) && shown.contains("value=\"Kettle\""), "{shown}");
    }
}

#[tokio::test]
async fn endpoints_are_added_and_paused_and_faults_are_ordered_and_cleared() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    send(&stage, "places", &format!("url={}", endpoint.url)).await;
    let listed = stage.get("/v1/webhook_endpoints").await;
    let id = listed["data"][0]["id"].as_str().unwrap();
    send(&stage, "faults", "kind=duplicate&times=1&event=checkout.session.completed").await;
    assert!(page(&stage, "/_sandbox/look/faults").await.contains("duplicate"));
    paid(&stage, Pays::Card).await;
    let completed = |types: Vec<String>| {
        types.iter().filter(|kind| *kind == "checkout.session.completed").count()
    };
    assert_eq!(completed(endpoint.types()), 2);
    send(&stage, "faults", "kind=429&times=").await;
    assert_eq!(stage.refused(Method::GET, "/v1/products", "").await.0, 429);
    send(&stage, "faults/clear", "").await;
    send(&stage, &format!("place/{id}/disable"), "").await;
    paid(&stage, Pays::Card).await;
    assert_eq!(completed(endpoint.types()), 2);
    let places = page(&stage, "/_sandbox/look/places").await;
    assert!(places.contains(stage.sandbox.secret_key()) && places.contains("disabled"), "{places}");
}

#[tokio::test]
async fn forms_of_other_origins_and_names_bent_to_this_machine_are_refused() {
    let stage = Stage::new().await;
    let own = stage.sandbox.url().to_owned();
    let turn = || form(&stage, "clock", "by=3d");
    for (request, expected) in [
        (turn(), 403),
        (turn().header("origin", "http://evil.example"), 403),
        (turn().header("origin", "null"), 403),
        (turn().header("origin", "http://127.0.0.1:1"), 403),
        (turn().header("origin", &own).header("sec-fetch-site", "cross-site"), 403),
        (turn().header("sec-fetch-site", "same-site"), 403),
        (turn().header("host", "evil.example").header("origin", "http://evil.example"), 421),
        (stage.http.get(format!("{own}/_sandbox/")).header("host", "evil.example:80"), 421),
        (stage.http.get(format!("{own}/_sandbox/")).header("host", "localhost.evil.example"), 421),
    ] {
        assert_eq!(request.send().await.unwrap().status(), expected);
    }
    assert!(!page(&stage, "/_sandbox/").await.contains("ahead"));
    let allowed = turn().header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(allowed.status(), 303);
}

#[tokio::test]
async fn markup_that_a_stranger_typed_is_shown_and_not_run() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    endpoint.register(&stage, "enabled_events[]=*&url=http://127.0.0.1/%22%3E%3Cscript%3E").await;
    let link = "name=%3Cscript%3Ealert(1)%3C/script%3E&amount=1&currency=eur";
    send(&stage, "links", link).await;
    let named = "&client_reference_id=a&customer_email=%3Cscript%3Ex%3C/script%3E@example.com";
    let session = stage.session(named).await;
    for path in ["", "look/links", "look/places", "look/events", &format!("look/payment/{session}")]
    {
        let shown = page(&stage, &format!("/_sandbox/{path}")).await;
        assert_eq!(shown.matches("<script").count(), 1, "only the page's own in {path}: {shown}");
    }
    assert!(page(&stage, "/_sandbox/").await.contains("&#60;script&#62;"));
}

#[tokio::test]
async fn long_lists_are_cut_and_lead_on_to_what_is_older() {
    let stage = Stage::new().await;
    for _ in 0..53 {
        stage.session("").await;
    }
    let count = |text: &str| text.matches("/_sandbox/look/payment/").count();
    let first = page(&stage, "/_sandbox/").await;
    assert_eq!(count(&first), 50);
    assert!(first.contains("/_sandbox/?before=3\""), "{first}");
    assert_eq!(count(&page(&stage, "/_sandbox/?before=3").await), 3);
}

#[tokio::test]
async fn the_address_of_the_sandbox_leads_to_the_pages_and_changes_are_told() {
    let stage = Stage::new().await;
    let root = stage.http.get(stage.sandbox.url()).send().await.unwrap();
    assert_eq!(root.headers()["location"], "/_sandbox/");
    let url = format!("{}/_sandbox/look/news", stage.sandbox.url());
    let mut news = stage.http.get(url).send().await.unwrap();
    assert_eq!(news.headers()["content-type"], "text/event-stream");
    stage.session("").await;
    let told = news.chunk().await.unwrap().unwrap();
    assert_eq!(&told[..], b"data: changed\n\n");
    stage.sandbox.shutdown().await;
    assert_eq!(news.chunk().await.unwrap(), None, "it ends with the sandbox");
}

#[tokio::test]
async fn what_was_done_on_the_pages_outlives_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let on = || Sandbox::builder().seed(7).data(folder.path().join("shop.data"));
    let stage = Stage::of(on()).await;
    send(&stage, "links", "name=Tea+towel&amount=12.50&currency=eur&after=page").await;
    send(&stage, "places", "url=http://127.0.0.1:9/").await;
    let debit = paid(&stage, Pays::Debit).await;
    send(&stage, &format!("payment/{debit}/settle"), "").await;
    let intent = stage.retrieve(&debit).await["payment_intent"]["id"].as_str().unwrap().to_owned();
    let refund = format!("intent={intent}&currency=eur&amount=1");
    send(&stage, &format!("payment/{debit}/refund"), &refund).await;
    send(&stage, "clock", "by=1h").await;
    stage.sandbox.idle().await;
    let before = everything(&stage).await;
    stage.sandbox.shutdown().await;
    let stage = Stage::of(on()).await;
    stage.sandbox.idle().await;
    let text = |all: &str| all.split("{\"data\":").next().unwrap().to_owned();
    assert_eq!(text(&everything(&stage).await), text(&before));
    assert!(before.contains("Tea towel") && before.contains("\"amount\":100"), "{before}");
}
