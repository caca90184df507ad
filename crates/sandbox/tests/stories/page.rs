//! The page where a buyer pays.

use reqwest::Response;
use serde_json::{Value, json};

use crate::stage::{Endpoint, Stage};

const CARD: &str = "email=ann@example.com&name=Ann&method=card&card_number=4242+4242+4242+4242&exp=12/34&cvc=123&postal_code=90210";

async fn open(stage: &Stage, id: &str) -> (u16, String) {
    let page = stage.http.get(format!("{}/c/pay/{id}", stage.sandbox.url())).send().await.unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}

async fn send(stage: &Stage, path: &str, form: &str) -> Response {
    stage
        .http
        .post(format!("{}{path}", stage.sandbox.url()))
        .body(form.to_owned())
        .send()
        .await
        .unwrap()
}

async fn pay(stage: &Stage, id: &str, form: &str) -> Response {
    send(stage, &format!("/c/pay/{id}"), form).await
}

fn location(answer: &Response) -> &str {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn a_card_is_paid_and_the_buyer_lands_at_the_shop() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    let session = stage.retrieve(&id).await;
    assert_eq!(session["url"], json!(format!("{}/c/pay/{id}", stage.sandbox.url())));
    let (status, html) = open(&stage, &id).await;
    assert_eq!(status, 200);
    for text in [
        "Sandbox",
        "Tea",
        "€12.00",
        "name=\"card_number\"",
        "name=\"iban\"",
        "http://shop.example/cart",
    ] {
        assert!(html.contains(text), "{text} in {html}");
    }
    assert_eq!(html.matches("<script").count(), 1);
    assert!(html.contains("<script src=\"/_page/checkout.js\" defer></script>"));
    let answer = pay(&stage, &id, CARD).await;
    assert_eq!(location(&answer), format!("http://shop.example/done?id={id}"));
    let paid = stage.retrieve(&id).await;
    assert_eq!(
        (&paid["payment_status"], &paid["customer_details"]["name"]),
        (&json!("paid"), &json!("Ann"))
    );
    let (status, html) = open(&stage, &id).await;
    assert_eq!(status, 409);
    assert!(html.contains("already paid"));
    let another = CARD.replace("ann@", "bea@");
    assert_eq!(pay(&stage, &id, &another).await.status(), 409);
}

#[tokio::test]
async fn the_same_form_sent_again_is_paid_once_and_lands_at_the_same_place() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    let (one, other) = tokio::join!(pay(&stage, &id, CARD), pay(&stage, &id, CARD));
    let later = pay(&stage, &id, CARD).await;
    for answer in [one, other, later] {
        assert_eq!(location(&answer), format!("http://shop.example/done?id={id}"));
    }
    let paid = stage.event_types().await;
    let completed = paid.iter().filter(|kind| *kind == "checkout.session.completed");
    assert_eq!(completed.count(), 1);
}

#[tokio::test]
async fn nobody_pays_a_total_that_they_have_not_seen() {
    let stage = Stage::new().await;
    let id = stage.session("&line_items[0][adjustable_quantity][enabled]=true").await;
    let lines = stage.get(&format!("/v1/checkout/sessions/{id}/line_items")).await;
    let line = lines["data"][0]["id"].as_str().unwrap();
    let form = format!("{CARD}&quantity[{line}]=2");
    let stale = pay(&stage, &id, &format!("{form}&expected_amount=1200")).await;
    assert_eq!(stale.status(), 422);
    let html = stale.text().await.unwrap();
    assert!(html.contains("The total is now €24.00."), "{html}");
    assert!(html.contains("name=\"expected_amount\" value=\"2400\""), "{html}");
    assert_eq!(pay(&stage, &id, &format!("{form}&expected_amount=2400")).await.status(), 303);
}

#[tokio::test]
async fn declined_cards_show_the_form_again_with_the_reason() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    for (number, text) in [
        ("4000000000000002", "Your card was declined."),
        ("4000000000009995", "insufficient funds"),
    ] {
        let answer = pay(&stage, &id, &CARD.replace("4242+4242+4242+4242", number)).await;
        assert_eq!(answer.status(), 402);
        let html = answer.text().await.unwrap();
        assert!(html.contains(text), "{html}");
        assert!(html.contains("value=\"ann@example.com\""), "what was typed stays");
        assert!(!html.contains("value=\"123\""), "the security code does not");
    }
    assert_eq!(
        location(&pay(&stage, &id, CARD).await),
        format!("http://shop.example/done?id={id}")
    );
}

#[tokio::test]
async fn each_wrong_field_is_named() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    for (form, text) in [
        (CARD.replace("ann@example.com", "ann"), "Enter an e-mail address"),
        (CARD.replace("4242+4242+4242+4242", "4242"), "Your card number is incomplete."),
        (CARD.replace("12/34", "12/20"), "Your card&#39;s expiration date is in the past."),
        (CARD.replace("cvc=123", "cvc="), "Your card&#39;s security code is incomplete."),
        (CARD.replace("90210", ""), "Enter the postal code"),
        (CARD.replace("method=card", "method=gold"), "Choose a way to pay."),
        (CARD.replace("name=Ann", "name="), "Enter your name."),
        ("%FF".to_owned(), "could not be read"),
    ] {
        let answer = pay(&stage, &id, &form).await;
        assert_eq!(answer.status(), 422, "{form}");
        let html = answer.text().await.unwrap();
        assert!(
            html.contains(text) || html.contains(&text.replace("&#39;", "&#x27;")),
            "{text} in {html}"
        );
    }
    assert_eq!(stage.event_types().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_a_buyer_types_is_shown_as_text() {
    let stage = Stage::new().await;
    let id = stage.session("&line_items[0][price_data][product_data][description]=x").await;
    let html = pay(&stage, &id, "email=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        .await
        .text()
        .await
        .unwrap();
    assert!(!html.contains("<script>"), "{html}");
}

#[tokio::test]
async fn the_bank_may_ask_the_buyer_first() {
    let stage = Stage::new().await;
    let (approved, refused) = (stage.session("").await, stage.session("").await);
    let asks = CARD.replace("4242+4242+4242+4242", "4000002500003155");
    for id in [&approved, &refused] {
        assert_eq!(location(&pay(&stage, id, &asks).await), format!("/c/pay/{id}/authenticate"));
        assert_eq!(stage.retrieve(id).await["payment_intent"]["status"], "requires_action");
        let question = stage
            .http
            .get(format!("{}/c/pay/{id}/authenticate", stage.sandbox.url()))
            .send()
            .await
            .unwrap();
        assert!(question.text().await.unwrap().contains("€12.00"));
    }
    let yes = send(&stage, &format!("/c/pay/{approved}/authenticate"), "decision=approve").await;
    assert_eq!(location(&yes), format!("http://shop.example/done?id={approved}"));
    assert_eq!(stage.retrieve(&approved).await["payment_status"], "paid");
    let no = send(&stage, &format!("/c/pay/{refused}/authenticate"), "decision=refuse").await;
    assert_eq!(no.status(), 402);
    let session = stage.retrieve(&refused).await;
    assert_eq!(
        (&session["status"], &session["payment_intent"]["status"]),
        (&json!("open"), &json!("requires_payment_method"))
    );
}

#[tokio::test]
async fn bank_debits_complete_the_session_unpaid_and_settle_later() {
    let stage = Stage::new().await;
    for (iban, paid) in
        [("AT61+1904+3002+3457+3201", "paid"), ("IT60X0542811101000000123456", "unpaid")]
    {
        let id = stage.session("").await;
        let answer =
            pay(&stage, &id, &format!("email=a@b.example&name=Ann&method=sepa_debit&iban={iban}"))
                .await;
        assert_eq!(location(&answer), format!("http://shop.example/done?id={id}"));
        assert_eq!(stage.retrieve(&id).await["payment_intent"]["status"], "processing");
        stage.sandbox.clock().advance(std::time::Duration::from_secs(2));
        stage.sandbox.idle().await;
        assert_eq!(stage.retrieve(&id).await["payment_status"], paid);
    }
    let form = "mode=payment&success_url=http://x&line_items[0][quantity]=1&line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=50&line_items[0][price_data][product_data][name]=Tea";
    let dollars =
        stage.post("/v1/checkout/sessions", form).await["id"].as_str().unwrap().to_owned();
    let answer = pay(&stage, &dollars, "email=a@b.example&name=Ann&method=us_bank_account&routing_number=110000000&account_number=000123456789").await;
    assert_eq!(answer.status(), 303);
    assert_eq!(stage.retrieve(&dollars).await["payment_intent"]["status"], "processing");
}

#[tokio::test]
async fn a_code_makes_the_order_free_and_no_card_is_asked_for() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=ALL&percent_off=100").await;
    stage
        .post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=ALL&code=FREETEA")
        .await;
    let id = stage.session("&allow_promotion_codes=true").await;
    let wrong = pay(&stage, &id, &format!("{CARD}&promotion_code=NOPE")).await;
    assert_eq!(wrong.status(), 422);
    let updated = pay(&stage, &id, "action=update&promotion_code=freetea").await;
    assert_eq!(updated.status(), 200);
    let html = updated.text().await.unwrap();
    assert!(html.contains("Complete order") && !html.contains("card_number"), "{html}");
    let answer = pay(&stage, &id, "email=a@b.example&promotion_code=FREETEA").await;
    assert_eq!(answer.status(), 303);
    let session = stage.retrieve(&id).await;
    assert_eq!(
        (&session["payment_status"], &session["payment_intent"]),
        (&json!("no_payment_required"), &Value::Null)
    );
}

#[tokio::test]
async fn quantities_address_and_phone_are_taken_from_the_form() {
    let stage = Stage::new().await;
    let id = stage.session("&line_items[0][adjustable_quantity][enabled]=true&line_items[0][adjustable_quantity][minimum]=1&shipping_address_collection[allowed_countries][0]=DE&shipping_address_collection[allowed_countries][1]=AT&phone_number_collection[enabled]=true").await;
    let lines = stage.get(&format!("/v1/checkout/sessions/{id}/line_items")).await;
    let line = lines["data"][0]["id"].as_str().unwrap();
    let incomplete = pay(&stage, &id, CARD).await;
    assert_eq!(incomplete.status(), 422);
    let html = incomplete.text().await.unwrap();
    for text in
        ["Enter a phone number.", "Enter the street and number.", "Choose one of the countries."]
    {
        assert!(html.contains(text), "{text} in {html}");
    }
    let address = "phone=%2B4973112345&shipping_name=Bea&line1=Hauptstr.+1&city=Ulm&shipping_postal_code=89073&country=DE";
    let too_few = pay(&stage, &id, &format!("{CARD}&{address}&quantity[{line}]=0")).await;
    assert_eq!(too_few.status(), 422);
    let answer = pay(&stage, &id, &format!("{CARD}&{address}&quantity%5B{line}%5D=3")).await;
    assert_eq!(answer.status(), 303);
    let session = stage.retrieve(&id).await;
    assert_eq!(
        (&session["amount_total"], &session["customer_details"]["phone"]),
        (&json!(3600), &json!("+4973112345"))
    );
    let shipping = &session["collected_information"]["shipping_details"];
    assert_eq!(
        (&shipping["name"], &shipping["address"]["line1"]),
        (&json!("Bea"), &json!("Hauptstr. 1"))
    );
}

#[tokio::test]
async fn the_buyer_is_sent_on_when_the_endpoint_has_answered() {
    let (stage, endpoint) = (Stage::new().await, Endpoint::new().await);
    endpoint.register(&stage, "enabled_events[]=checkout.session.completed").await;
    let id = stage.session("").await;
    let answer = pay(&stage, &id, CARD).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(endpoint.types(), ["checkout.session.completed"], "before the buyer was sent on");
}

#[tokio::test]
async fn the_buyer_waits_ten_seconds_for_an_endpoint_that_is_silent() {
    let stage = Stage::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", silent.local_addr().unwrap());
    stage.post("/v1/webhook_endpoints", &format!("url={url}&enabled_events[]=*")).await;
    let id = stage.session("").await;
    let paying = pay(&stage, &id, CARD);
    tokio::pin!(paying);
    let (connection, _) = tokio::select! {
        accepted = silent.accept() => accepted.unwrap(),
        answer = &mut paying => panic!("sent on too early: {answer:?}"),
    };
    stage.sandbox.clock().advance(std::time::Duration::from_secs(10));
    assert_eq!(paying.await.status(), 303);
    drop(connection);
}

#[tokio::test]
async fn expired_and_unknown_pages_say_so() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    stage.post(&format!("/v1/checkout/sessions/{id}/expire"), "").await;
    let (status, html) = open(&stage, &id).await;
    assert_eq!(status, 409);
    assert!(html.contains("expired") && html.contains("http://shop.example/cart"));
    assert_eq!(open(&stage, "cs_test_no").await.0, 404);
    assert_eq!(pay(&stage, "cs_test_no", CARD).await.status(), 404);
}

#[tokio::test]
async fn a_link_without_a_redirect_shows_its_own_confirmation() {
    let stage = Stage::new().await;
    let link = stage.post("/v1/payment_links", "line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=900&line_items[0][price_data][product_data][name]=Tea&line_items[0][quantity]=1&after_completion[type]=hosted_confirmation&after_completion[hosted_confirmation][custom_message]=See+you").await;
    let visit = stage.http.get(link["url"].as_str().unwrap()).send().await.unwrap();
    let path = location(&visit).to_owned();
    let done = send(&stage, &path, CARD).await;
    let done =
        stage.http.get(format!("{}{}", stage.sandbox.url(), location(&done))).send().await.unwrap();
    assert!(done.text().await.unwrap().contains("See you"));
}
