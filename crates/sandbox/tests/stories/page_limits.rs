//! What the page does not take: more than its fields hold, and what its controls do not offer.

use crate::stage::Stage;

/// A form that pays, with other fields where they are named.
fn form(changes: &[(&str, &str)]) -> String {
    let good = [
        ("email", "ann@example.com"),
        ("name", "Ann"),
        ("method", "card"),
        ("card_number", "4242424242424242"),
        ("exp", "12/34"),
        ("cvc", "123"),
        ("billing_country", "US"),
        ("postal_code", "90210"),
    ];
    let kept = good.into_iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    let escaped =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let pairs = kept.chain(changes.iter().copied());
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    pairs.join("&")
}

async fn send(stage: &Stage, id: &str, form: String) -> (u16, String) {
    let url = format!("{}/c/pay/{id}", stage.sandbox.url());
    let answer = stage.http.post(url).body(form).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A session in dollars with a line of one to five, for 12 dollars each; the line's id.
async fn session(stage: &Stage, more: &str) -> (String, String) {
    let form = format!(
        "mode=payment&success_url=http://shop.example/done&line_items[0][quantity]=1\
         &line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=1200\
         &line_items[0][price_data][product_data][name]=Tea&line_items[0][adjustable_quantity][enabled]=true\
         &line_items[0][adjustable_quantity][minimum]=1&line_items[0][adjustable_quantity][maximum]=5{more}"
    );
    let session = stage.post("/v1/checkout/sessions", &form).await;
    let id = session["id"].as_str().unwrap().to_owned();
    let lines = stage.get(&format!("/v1/checkout/sessions/{id}/line_items")).await;
    (id, lines["data"][0]["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_no_control_offers_is_told_by_its_field_and_nothing_is_paid() {
    let stage = Stage::new().await;
    let (id, _) = session(&stage, "").await;
    let ach = ("method", "us_bank_account");
    let account = ("account_number", "000123456789");
    for (changes, field, text) in [
        (&[("billing_country", "ZZ")][..], "billing_country", "Choose one of the countries."),
        (&[("exp", "12/99")], "exp", "expiration year is invalid."),
        (&[("email", "a@b")], "email", "Enter an e-mail address"),
        (&[("action", "destroy")], "pay", "This page has no such button."),
        (&[("fill", "4111111111111111")], "order", "This page has no such button."),
        (&[("shipping_rate", "shr_none")], "shipping_rate", "Choose one of the ways of shipping."),
        (&[ach, account, ("routing_number", "110000001")], "routing_number", "number is invalid."),
        (&[ach, account, ("routing_number", "12")], "routing_number", "has 9 digits"),
    ] {
        let (status, html) = send(&stage, &id, form(changes)).await;
        assert_eq!(status, 422, "{changes:?}");
        let problem = html.split(&format!("<a href=\"#{field}\">")).nth(1).unwrap_or_default();
        let told = problem.split("</a>").next().unwrap();
        assert!(told.contains(text), "{changes:?}: {told:?} in {html}");
    }
    let (status, html) = send(&stage, &id, form(&[("expected_amount", "lots")])).await;
    assert_eq!(status, 422);
    assert!(html.contains("The total is now $12.00."), "{html}");
    assert_eq!(stage.event_types().await, Vec::<String>::new());
    assert_eq!(send(&stage, &id, form(&[])).await.0, 303);
}

#[tokio::test]
async fn no_more_is_chosen_than_can_be_charged() {
    let stage = Stage::new().await;
    let dear = "mode=payment&success_url=http://shop.example/done&line_items[0][quantity]=1\
                &line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=50000000\
                &line_items[0][price_data][product_data][name]=Yacht&line_items[0][adjustable_quantity][enabled]=true";
    let dear = stage.post("/v1/checkout/sessions", dear).await;
    let id = dear["id"].as_str().unwrap();
    let lines = stage.get(&format!("/v1/checkout/sessions/{id}/line_items")).await;
    let quantity = format!("quantity[{}]", lines["data"][0]["id"].as_str().unwrap());
    let (status, html) = send(&stage, id, form(&[(&quantity, "2")])).await;
    assert!(status == 422 && html.contains("The total is more than $999,999.99"), "{html}");
    assert_eq!(send(&stage, id, form(&[(&quantity, "1")])).await.0, 303);
}

#[tokio::test]
async fn too_much_text_and_unseen_characters_are_told_by_field_and_stay_in_it() {
    let stage = Stage::new().await;
    let (id, _) = session(
        &stage,
        "&phone_number_collection[enabled]=true&allow_promotion_codes=true\
         &name_collection[business][enabled]=true&billing_address_collection=required\
         &custom_fields[0][key]=size&custom_fields[0][label][type]=custom\
         &custom_fields[0][label][custom]=Size&custom_fields[0][type]=text",
    )
    .await;
    for (field, anchor, most) in [
        ("name", "name", 150),
        ("business_name", "business_name", 150),
        ("email", "email", 254),
        ("phone", "phone", 255),
        ("promotion_code", "promotion_code", 255),
        ("billing_line1", "billing_line1", 255),
        ("billing_city", "billing_city", 255),
        ("card_number", "card_number", 255),
        ("custom[size]", "custom-size", 255),
    ] {
        let too_long = "7".repeat(5_001);
        let (status, html) = send(&stage, &id, form(&[(field, &too_long)])).await;
        assert_eq!(status, 422, "{field}");
        let problem = html.split(&format!("<a href=\"#{anchor}\">")).nth(1).unwrap_or_default();
        let told = problem.split("</a>").next().unwrap();
        assert!(told.ends_with(&format!(": Enter at most {most} characters.")), "{field}: {told}");
        assert!(html.contains(&format!("value=\"{too_long}\"")), "{field} is kept");
        for unseen in ["A\0nn", "A\u{7f}nn", "A\nnn"] {
            let (status, html) = send(&stage, &id, form(&[(field, unseen)])).await;
            let told = format!("<a href=\"#{anchor}\">");
            let told = html.split(&told).nth(1).unwrap_or_default().split("</a>").next().unwrap();
            let text = ": Remove the characters that cannot be seen.";
            assert!(status == 422 && told.ends_with(text), "{field} {unseen:?}: {status} {told}");
        }
    }
    assert_eq!(stage.event_types().await, Vec::<String>::new());
}

#[tokio::test]
async fn fields_say_how_much_they_hold() {
    let stage = Stage::new().await;
    let (id, _) = session(&stage, "").await;
    let html = stage.http.get(format!("{}/c/pay/{id}", stage.sandbox.url())).send().await.unwrap();
    let html = html.text().await.unwrap();
    for (field, most) in [("name", 150), ("email", 254), ("postal_code", 255)] {
        let input = html.split(&format!("name=\"{field}\"")).nth(1).unwrap();
        let input = input.split('>').next().unwrap();
        assert!(input.contains(&format!("maxlength=\"{most}\"")), "{field}: {input}");
    }
}

#[tokio::test]
async fn quantities_outside_of_the_range_are_refused_and_stay_in_their_fields() {
    let stage = Stage::new().await;
    let price =
        stage.post("/v1/prices", "currency=usd&unit_amount=300&product_data[name]=Cup").await;
    let price = price["id"].as_str().unwrap();
    let (id, line) = session(
        &stage,
        &format!(
            "&optional_items[0][price]={price}&optional_items[0][quantity]=1\
             &optional_items[0][adjustable_quantity][enabled]=true\
             &optional_items[0][adjustable_quantity][maximum]=3"
        ),
    )
    .await;
    let quantity = format!("quantity[{line}]");
    for (typed, text) in [
        ("0", "Choose between 1 and 5."),
        ("6", "Choose between 1 and 5."),
        ("-1", "Choose between 1 and 5."),
        ("two", "Enter a number."),
        ("99999999999999999999999", "Enter a number."),
    ] {
        for action in ["pay", "update"] {
            let form = form(&[(&quantity, typed), ("action", action)]);
            let (status, html) = send(&stage, &id, form).await;
            assert_eq!(status, 422, "{typed}");
            assert!(html.contains(&format!("<a href=\"#q-{line}\">{text}</a>")), "{typed}: {html}");
            assert!(html.contains(&format!("name=\"{quantity}\" value=\"{typed}\"")), "{html}");
        }
    }
    let page = stage.http.get(format!("{}/c/pay/{id}", stage.sandbox.url())).send().await.unwrap();
    let html = page.text().await.unwrap();
    let extra = html.split("id=\"o-").nth(1).unwrap().split('"').next().unwrap();
    let (taken, wanted) = (format!("optional[{extra}]"), format!("optional_quantity[{extra}]"));
    for typed in ["4", "many"] {
        let (status, html) = send(&stage, &id, form(&[(&taken, "1"), (&wanted, typed)])).await;
        assert_eq!(status, 422, "{typed}");
        assert!(html.contains(&format!("name=\"{wanted}\" value=\"{typed}\"")), "{html}");
    }
    let (status, _) = send(&stage, &id, form(&[(&taken, "1"), (&wanted, "3")])).await;
    assert_eq!(status, 303);
    assert_eq!(stage.retrieve(&id).await["amount_total"], 2_100);
}

#[tokio::test]
async fn a_form_that_is_too_large_gets_a_page() {
    let stage = Stage::new().await;
    let (id, _) = session(&stage, "").await;
    for (language, text) in [("en", "That is too much"), ("de", "Das ist zu viel")] {
        let url = format!("{}/c/pay/{id}", stage.sandbox.url());
        let large = format!("name={}", "x".repeat(2 * 1024 * 1024));
        let request = stage.http.post(url).header("accept-language", language).body(large);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 413);
        let html = answer.text().await.unwrap();
        assert!(html.starts_with("<!doctype html>") && html.contains(text), "{html}");
    }
    assert_eq!(stage.retrieve(&id).await["status"], "open");
}

#[tokio::test]
async fn addresses_lead_somewhere_and_fit_into_a_header() {
    let stage = Stage::new().await;
    let begin = "mode=payment&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur\
        &line_items[0][price_data][unit_amount]=1200&line_items[0][price_data][product_data][name]=Tea";
    for url in ["http://", "javascript://x/%250aalert(1)", "http://x y", "http://x%0a", "/done"] {
        for name in ["success_url", "cancel_url"] {
            let other = if name == "cancel_url" { "&success_url=http://x" } else { "" };
            let form = format!("{begin}&{name}={url}{other}");
            let (status, error) =
                stage.refused(reqwest::Method::POST, "/v1/checkout/sessions", &form).await;
            assert_eq!((status, &error["param"]), (400, &name.into()), "{url}");
        }
    }
    let form = format!("{begin}&success_url=http://shop.example/tür?s={{CHECKOUT_SESSION_ID}}");
    let made = stage.post("/v1/checkout/sessions", &form).await;
    let id = made["id"].as_str().unwrap();
    let url = format!("{}/c/pay/{id}", stage.sandbox.url());
    let paid = stage.http.post(url).body(self::form(&[])).send().await.unwrap();
    let landing = paid.headers()["location"].to_str().unwrap();
    assert_eq!(landing, format!("http://shop.example/t%C3%BCr?s={id}"));
}
