//! Tax rates, and what they make of a sale.

use fulfill_sandbox::{Method as Pays, Purchase};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    stage::{START_MS, Stage, read},
    terms::price,
};

/// A rate; its id.
async fn rate(stage: &Stage, form: &str) -> String {
    let made = stage.post("/v1/tax_rates", form).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn vat(stage: &Stage, percentage: &str, inclusive: bool) -> String {
    let form = format!("display_name=VAT&percentage={percentage}&inclusive={inclusive}");
    rate(stage, &form).await
}

async fn page(stage: &Stage, session: &str, form: &str) -> (u16, String) {
    let url = format!("{}/c/pay/{session}", stage.sandbox.url());
    let request = if form.is_empty() {
        stage.http.get(url)
    } else {
        stage.http.post(url).body(form.to_owned())
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_tax_rate_is_made_changed_and_found() {
    let stage = Stage::new().await;
    let form = "display_name=Sales+Tax&percentage=7.25&inclusive=false&country=us&state=CA&jurisdiction=US+-+CA\
                &description=CA+sales+tax&tax_type=sales_tax&metadata[a]=b";
    let made = stage.post("/v1/tax_rates", form).await;
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("txr_"), "{id}");
    assert_eq!(
        made,
        json!({
            "id": id, "object": "tax_rate", "active": true, "country": "US",
            "created": START_MS / 1000, "description": "CA sales tax", "display_name": "Sales Tax",
            "effective_percentage": null, "flat_amount": null, "inclusive": false,
            "jurisdiction": "US - CA", "jurisdiction_level": null, "livemode": false,
            "metadata": { "a": "b" }, "percentage": 7.25, "rate_type": null, "state": "CA",
            "tax_type": "sales_tax",
        })
    );
    let path = format!("/v1/tax_rates/{id}");
    let changed =
        stage.post(&path, "display_name=Tax&active=false&description=&metadata[a]=").await;
    assert_eq!(changed["description"], Value::Null);
    assert_eq!((&changed["display_name"], &changed["active"]), (&json!("Tax"), &json!(false)));
    assert_eq!(stage.get(&path).await, changed);
    let included = vat(&stage, "19", true).await;
    for (query, expected) in [
        ("", &[&*included, id][..]),
        ("active=false", &[id]),
        ("inclusive=true", &[&included]),
        ("limit=1", &[&included]),
        (&format!("starting_after={included}"), &[id]),
        (&format!("created[gt]={}", START_MS / 1000), &[]),
    ] {
        let list = stage.get(&format!("/v1/tax_rates?{query}")).await;
        let ids = list["data"].as_array().unwrap().iter().map(|rate| rate["id"].as_str().unwrap());
        assert_eq!(ids.collect::<Vec<_>>(), expected, "{query}");
    }
    let types = stage.event_types().await;
    assert_eq!(types, ["tax_rate.created", "tax_rate.updated", "tax_rate.created"]);
}

#[tokio::test]
async fn a_tax_rate_that_makes_no_sense_is_refused_by_its_parameter() {
    let stage = Stage::new().await;
    let whole = [("display_name", "VAT"), ("percentage", "19"), ("inclusive", "true")];
    let form = |without: &str| {
        let kept = whole.iter().filter(|(name, _)| *name != without);
        kept.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    };
    for (name, _) in whole {
        let (status, error) = stage.refused(Method::POST, "/v1/tax_rates", &form(name)).await;
        assert_eq!((status, &error["code"]), (400, &json!("parameter_missing")));
        assert_eq!(error["param"], name);
    }
    for (name, value) in [
        ("percentage", "100.1"),
        ("percentage", "-1"),
        ("percentage", "1.00001"),
        ("percentage", "much"),
        ("inclusive", "perhaps"),
        ("country", "Germany"),
        ("tax_type", "toll"),
        ("rate", "19"),
    ] {
        let form = format!("{}&{name}={value}", form(name));
        let (status, error) = stage.refused(Method::POST, "/v1/tax_rates", &form).await;
        assert_eq!((status, &error["param"]), (400, &json!(name)), "{form}: {error}");
    }
    let id = vat(&stage, "19", true).await;
    let path = format!("/v1/tax_rates/{id}");
    for (form, param) in [
        ("percentage=20", "percentage"),
        ("inclusive=false", "inclusive"),
        ("display_name=", "display_name"),
    ] {
        let (status, error) = stage.refused(Method::POST, &path, form).await;
        assert_eq!((status, &error["param"]), (400, &json!(param)), "{form}: {error}");
    }
    let (status, error) = stage.refused(Method::GET, "/v1/tax_rates/txr_no", "").await;
    assert_eq!((status, &error["code"]), (404, &json!("resource_missing")));
}

#[tokio::test]
async fn rates_are_added_to_a_line_or_contained_in_it_after_the_discount() {
    let stage = Stage::new().await;
    let (added, contained) = (vat(&stage, "7.5", false).await, vat(&stage, "19", true).await);
    stage.post("/v1/coupons", "id=TEN&percent_off=10").await;
    let more = format!(
        "&discounts[0][coupon]=TEN&line_items[0][tax_rates][]={added}&line_items[1][quantity]=2\
         &line_items[1][price_data][currency]=eur&line_items[1][price_data][unit_amount]=595\
         &line_items[1][price_data][product_data][name]=Cup&line_items[1][price_data][tax_behavior]=inclusive\
         &line_items[1][tax_rates][]={contained}&automatic_tax[enabled]=false\
         &shipping_options[0][shipping_rate_data][display_name]=Post\
         &shipping_options[0][shipping_rate_data][fixed_amount][amount]=390\
         &shipping_options[0][shipping_rate_data][fixed_amount][currency]=eur"
    );
    let id = stage.session(&more).await;
    // 12.00 less a tenth, and 7.5 % on top; 11.90 less a tenth, with 19 % in it.
    let path = format!(
        "/v1/checkout/sessions/{id}?expand[]=line_items.data.taxes&expand[]=total_details.breakdown&expand[]=shipping_cost.taxes"
    );
    let session = stage.get(&path).await;
    assert_eq!(
        (&session["amount_subtotal"], &session["amount_total"]),
        (&json!(2390), &json!(2622))
    );
    let details = &session["total_details"];
    assert_eq!((&details["amount_discount"], &details["amount_tax"]), (&json!(239), &json!(252)));
    assert_eq!(session["shipping_cost"]["taxes"], json!([]));
    let lines = &session["line_items"]["data"];
    for (line, expected) in
        [(&lines[0], [1200, 120, 81, 1161, 1080]), (&lines[1], [1190, 119, 171, 1071, 900])]
    {
        let [subtotal, discount, tax, total, taxable] = expected;
        assert_eq!(line["amount_subtotal"], subtotal);
        assert_eq!(line["amount_discount"], discount);
        assert_eq!(line["amount_tax"], tax);
        assert_eq!(line["amount_total"], total);
        assert_eq!(line["taxes"][0]["amount"], tax);
        assert_eq!(line["taxes"][0]["taxable_amount"], taxable);
        assert_eq!(line["taxes"][0]["taxability_reason"], Value::Null);
    }
    assert_eq!(lines[0]["taxes"][0]["rate"]["id"], json!(added));
    assert_eq!(lines[1]["price"]["tax_behavior"], "inclusive");
    assert_eq!(details["breakdown"]["taxes"][1]["rate"]["percentage"], 19.0);
    assert_eq!(details["breakdown"]["taxes"][1]["amount"], 171);
    let list = format!("/v1/checkout/sessions/{id}/line_items?expand[]=data.taxes.rate");
    assert_eq!(stage.get(&list).await["data"][1]["taxes"], lines[1]["taxes"]);
    let plain = stage.get(&format!("/v1/checkout/sessions/{id}?expand[]=line_items")).await;
    assert_eq!(plain["line_items"]["data"][0].get("taxes"), None);
    // What is charged is the total, in every version; later changes of the rate change nothing.
    stage.post(&format!("/v1/tax_rates/{added}"), "active=false").await;
    stage.sandbox.pay(&id, Pays::Card, Purchase::default()).unwrap();
    assert_eq!(stage.retrieve(&id).await["payment_intent"]["amount"], 2622);
    let url = format!("{}/_sandbox/look/payment/{id}", stage.sandbox.url());
    let shown = stage.http.get(url).send().await.unwrap().text().await.unwrap();
    for text in ["VAT (7.5%)", "€0.81", "VAT (19% included)", "€1.71"] {
        assert!(shown.contains(text), "{text} in {shown}");
    }
    for version in ["2022-11-15", "2023-10-16", "2025-03-31.basil", "2026-10-28.endive"] {
        let request = stage.request(Method::GET, &path).header("Stripe-Version", version);
        let (_, paid) = read(request.send().await.unwrap()).await;
        assert_eq!(paid["total_details"]["amount_tax"], 252, "{version}");
        assert_eq!(paid["line_items"]["data"][0]["taxes"][0]["amount"], 81, "{version}");
    }
    let event = stage.get("/v1/events?type=checkout.session.completed").await;
    assert_eq!(event["data"][0]["data"]["object"]["amount_total"], 2622);
}

#[tokio::test]
async fn automatic_tax_is_that_of_a_shop_that_has_registered_nowhere() {
    let stage = Stage::new().await;
    let tea = price(&stage, 900, "").await;
    let lines = format!("line_items[0][quantity]=1&line_items[0][price]={tea}");
    let asked = format!("mode=payment&success_url=http://x&{lines}&automatic_tax[enabled]=true");
    let session = stage.post("/v1/checkout/sessions", &asked).await;
    let tax = json!({
        "enabled": true, "liability": { "type": "self" }, "provider": "stripe", "status": "requires_location_inputs"
    });
    assert_eq!(session["automatic_tax"], tax);
    let id = session["id"].as_str().unwrap();
    stage.sandbox.pay(id, Pays::Card, Purchase::default()).unwrap();
    let paid = stage.get(&format!("/v1/checkout/sessions/{id}")).await;
    assert_eq!(paid["automatic_tax"]["status"], "complete");
    assert_eq!(
        (&paid["amount_total"], &paid["total_details"]["amount_tax"]),
        (&json!(900), &json!(0))
    );
    let rate = vat(&stage, "19", false).await;
    let both = format!("{asked}&line_items[0][tax_rates][]={rate}");
    let (status, error) = stage.refused(Method::POST, "/v1/checkout/sessions", &both).await;
    assert_eq!((status, &error["param"]), (400, &json!("line_items[0][tax_rates]")));
    let link =
        stage.post("/v1/payment_links", &format!("{lines}&automatic_tax[enabled]=true")).await;
    assert_eq!(link["automatic_tax"], json!({ "enabled": true, "liability": { "type": "self" } }));
}

#[tokio::test]
async fn a_line_names_rates_that_are_there_and_active() {
    let stage = Stage::new().await;
    let id = vat(&stage, "19", false).await;
    stage.post(&format!("/v1/tax_rates/{id}"), "active=false").await;
    let tea = price(&stage, 900, "").await;
    let session = |more: &str| {
        format!(
            "mode=payment&success_url=http://x&line_items[0][quantity]=1&line_items[0][price]={tea}{more}"
        )
    };
    let inactive = session(&format!("&line_items[0][tax_rates][]={id}"));
    let (status, error) = stage.refused(Method::POST, "/v1/checkout/sessions", &inactive).await;
    assert_eq!((status, &error["param"]), (400, &json!("line_items[0][tax_rates]")));
    assert!(error["message"].as_str().unwrap().contains("not active"), "{error}");
    // Stripe's links and optional items have no such parameter.
    let link = format!(
        "line_items[0][quantity]=1&line_items[0][price]={tea}&line_items[0][tax_rates][]={id}"
    );
    let (_, error) = stage.refused(Method::POST, "/v1/payment_links", &link).await;
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("parameter_unknown"), &json!("line_items[0][tax_rates]"))
    );
    let link = format!(
        "line_items[0][quantity]=1&line_items[0][price]={tea}&expand[]=line_items.data.taxes"
    );
    let link = stage.post("/v1/payment_links", &link).await;
    assert_eq!(link["line_items"]["data"][0]["taxes"], json!([]));
    let monthly = price(&stage, 900, "recurring[interval]=month").await;
    let form = format!(
        "mode=subscription&success_url=http://x&line_items[0][quantity]=1&line_items[0][price]={monthly}"
    );
    let refused = format!("{form}&subscription_data[default_tax_rates][]={id}");
    let (_, error) = stage.refused(Method::POST, "/v1/checkout/sessions", &refused).await;
    assert_eq!(error["param"], "subscription_data[default_tax_rates]");
    // A subscription's item keeps the rates of its line.
    let active = vat(&stage, "10", false).await;
    let made = stage
        .post("/v1/checkout/sessions", &format!("{form}&line_items[0][tax_rates][]={active}"))
        .await;
    assert_eq!(made["amount_total"], 990);
    let made = made["id"].as_str().unwrap();
    stage.sandbox.pay(made, Pays::Card, Purchase::default()).unwrap();
    let paid = stage.get(&format!("/v1/checkout/sessions/{made}?expand[]=subscription")).await;
    let items = &paid["subscription"]["items"]["data"];
    assert_eq!(items[0]["tax_rates"][0]["id"], json!(active));
}

#[tokio::test]
async fn the_page_shows_each_rate_and_reckons_again_with_quantities_and_codes() {
    let stage = Stage::new().await;
    let added = rate(&stage, "display_name=Sales+tax&percentage=7.5&inclusive=false").await;
    let contained = vat(&stage, "19", true).await;
    stage.post("/v1/coupons", "id=HALF&percent_off=50").await;
    stage
        .post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=HALF&code=HALF")
        .await;
    let more = |locale: &str| {
        format!(
            "&locale={locale}&allow_promotion_codes=true&line_items[0][tax_rates][]={contained}&line_items[0][tax_rates][]={added}\
             &line_items[0][adjustable_quantity][enabled]=true"
        )
    };
    let english = stage.session(&more("en")).await;
    let line = stage.get(&format!("/v1/checkout/sessions/{english}/line_items")).await;
    let line = line["data"][0]["id"].as_str().unwrap().to_owned();
    let twice = format!("action=update&quantity[{line}]=2");
    let twice_half = format!("{twice}&promotion_code=HALF");
    for (form, expected) in [
        // 12.00 contains 1.92; 7.5 % of the 10.08 that are left come on top.
        ("", ["VAT (19% included)", "€1.92", "Sales tax (7.5%)", "€0.76", "€12.76"]),
        (&twice, ["VAT (19% included)", "€3.83", "Sales tax (7.5%)", "€1.51", "€25.51"]),
        (&twice_half, ["VAT (19% included)", "€1.92", "Sales tax (7.5%)", "€0.76", "€12.76"]),
    ] {
        let (status, html) = page(&stage, &english, form).await;
        assert_eq!(status, 200, "{form}");
        for text in expected {
            assert!(html.contains(text), "{form}: {text} in {html}");
        }
    }
    let german = stage.session(&more("de")).await;
    let (_, html) = page(&stage, &german, "").await;
    for text in
        ["VAT (19\u{a0}% enthalten)", "1,92\u{a0}€", "Sales tax (7,5\u{a0}%)", "12,76\u{a0}€"]
    {
        assert!(html.contains(text), "{text} in {html}");
    }
}

#[tokio::test]
async fn a_code_that_leaves_less_than_can_be_charged_is_refused() {
    let stage = Stage::new().await;
    let codes = [("MOST", 97), ("ALL", 100)];
    for (code, percent) in codes {
        stage.post("/v1/coupons", &format!("id={code}&percent_off={percent}")).await;
        let form = format!("promotion[type]=coupon&promotion[coupon]={code}&code={code}");
        stage.post("/v1/promotion_codes", &form).await;
    }
    let id = stage.session("&allow_promotion_codes=true&locale=en").await;
    let (status, html) = page(&stage, &id, "action=update&promotion_code=MOST").await;
    assert_eq!(status, 422);
    assert!(html.contains("less than €0.50, the least that can be charged"), "{html}");
    assert!(html.contains("€12.00"), "{html}");
    let buys = |code: &str| {
        let purchase = Purchase { promotion_code: Some(code.to_owned()), ..Purchase::default() };
        stage.sandbox.pay(&id, Pays::Card, purchase).map_err(|error| error.to_string())
    };
    let refused = buys("MOST").unwrap_err();
    assert!(refused.starts_with("promotion_code: With this code the total is"), "{refused}");
    buys("ALL").unwrap();
    assert_eq!(stage.retrieve(&id).await["payment_status"], "no_payment_required");
    // The merchant's own discount is refused when the session is made, or changed.
    let form = "mode=payment&success_url=http://x&discounts[0][coupon]=MOST&line_items[0][quantity]=1\
                &line_items[0][price_data][currency]=eur&line_items[0][price_data][product_data][name]=Tea&line_items[0][price_data][unit_amount]=";
    let (status, error) =
        stage.refused(Method::POST, "/v1/checkout/sessions", &format!("{form}1200")).await;
    assert_eq!((status, &error["code"]), (400, &json!("amount_too_small")));
    let open = stage.post("/v1/checkout/sessions", &format!("{form}2000")).await;
    let path = format!("/v1/checkout/sessions/{}", open["id"].as_str().unwrap());
    let lines = "line_items[0][quantity]=1&line_items[0][price_data][currency]=eur&line_items[0][price_data][product_data][name]=Tea&line_items[0][price_data][unit_amount]=1200";
    assert_eq!(stage.refused(Method::POST, &path, lines).await.1["code"], "amount_too_small");
    assert_eq!(stage.get(&path).await["amount_total"], 60);
}
