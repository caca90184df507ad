//! What a session is created with changes what the buyer pays, gets, and where the buyer lands.

use fulfill_sandbox::{Method as Pays, Purchase};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{START_MS, Stage, read};

const START: i64 = START_MS / 1000;

/// A product with a price of so many cents (and more about the price); the price's id.
pub(crate) async fn price(stage: &Stage, cents: i64, more: &str) -> String {
    let form = format!("currency=eur&unit_amount={cents}&product_data[name]=Tea&{more}");
    stage.post("/v1/prices", &form).await["id"].as_str().unwrap().to_owned()
}

fn pay(stage: &Stage, id: &str, purchase: Purchase) -> Result<(), String> {
    stage.sandbox.pay(id, Pays::Card, purchase).map_err(|error| error.to_string())
}

async fn refusal(stage: &Stage, more: &str) -> (String, String) {
    let form = format!(
        "mode=payment&success_url=http://x&line_items[0][quantity]=1&line_items[0][price_data][currency]=eur\
         &line_items[0][price_data][unit_amount]=900&line_items[0][price_data][product_data][name]=Tea&{more}"
    );
    let (status, error) = stage.refused(Method::POST, "/v1/checkout/sessions", &form).await;
    assert_eq!(status, 400, "{more}: {error}");
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("param"), text("message"))
}

#[tokio::test]
async fn custom_fields_are_shown_with_their_answers() {
    let stage = Stage::new().await;
    let id = stage
        .session(
            "&custom_fields[0][key]=engraving&custom_fields[0][label][type]=custom&custom_fields[0][label][custom]=Engraving\
             &custom_fields[0][type]=text&custom_fields[0][text][maximum_length]=5&custom_fields[0][optional]=true\
             &custom_fields[1][key]=size&custom_fields[1][label][type]=custom&custom_fields[1][label][custom]=Size\
             &custom_fields[1][type]=dropdown&custom_fields[1][dropdown][options][0][label]=Big&custom_fields[1][dropdown][options][0][value]=big\
             &custom_fields[1][dropdown][options][1][label]=Small&custom_fields[1][dropdown][options][1][value]=small\
             &custom_fields[1][dropdown][default_value]=small",
        )
        .await;
    let too_long = Purchase {
        custom_fields: [("engraving".to_owned(), "for Ann".to_owned())].into(),
        ..Purchase::default()
    };
    let error = pay(&stage, &id, too_long).unwrap_err();
    assert_eq!(error, "custom[engraving]: Enter at most 5 characters.");
    let answered = Purchase {
        custom_fields: [("engraving".to_owned(), "Ann".to_owned())].into(),
        ..Purchase::default()
    };
    pay(&stage, &id, answered).unwrap();
    let session = stage.retrieve(&id).await;
    assert_eq!(
        session["custom_fields"],
        json!([
            {
                "key": "engraving", "label": { "custom": "Engraving", "type": "custom" },
                "optional": true, "type": "text",
                "text": { "maximum_length": 5, "minimum_length": null, "default_value": null, "value": "Ann" },
            },
            {
                "key": "size", "label": { "custom": "Size", "type": "custom" },
                "optional": false, "type": "dropdown",
                "dropdown": {
                    "options": [{ "label": "Big", "value": "big" }, { "label": "Small", "value": "small" }],
                    "default_value": "small", "value": "small",
                },
            },
        ])
    );
}

#[tokio::test]
async fn optional_items_become_lines_when_they_are_taken() {
    let stage = Stage::new().await;
    let wrap = price(&stage, 250, "").await;
    let id = stage
        .session(&format!(
            "&optional_items[0][price]={wrap}&optional_items[0][quantity]=1\
             &optional_items[0][adjustable_quantity][enabled]=true&optional_items[0][adjustable_quantity][maximum]=3"
        ))
        .await;
    let open = stage.retrieve(&id).await;
    assert_eq!(open["amount_total"], 1200);
    assert_eq!(
        open["optional_items"],
        json!([{ "adjustable_quantity": { "enabled": true, "maximum": 3, "minimum": 0 }, "price": wrap, "quantity": 1 }])
    );
    let take =
        |quantity| Purchase { optional: [(wrap.clone(), quantity)].into(), ..Purchase::default() };
    assert_eq!(
        pay(&stage, &id, take(4)).unwrap_err(),
        format!("optional[{wrap}]: Choose between 1 and 3.")
    );
    pay(&stage, &id, take(2)).unwrap();
    let session = stage.get(&format!("/v1/checkout/sessions/{id}?expand[]=line_items")).await;
    assert_eq!(session["amount_total"], 1700);
    assert_eq!(session["line_items"]["data"][1]["price"]["id"], wrap);
    assert_eq!(session["line_items"]["data"][1]["quantity"], 2);
}

#[tokio::test]
async fn shipping_costs_what_the_buyer_chose() {
    let stage = Stage::new().await;
    let express = stage.post("/v1/shipping_rates", "display_name=Express&type=fixed_amount&fixed_amount[amount]=900&fixed_amount[currency]=eur&delivery_estimate[minimum][unit]=day&delivery_estimate[minimum][value]=1&metadata[kind]=fast").await;
    assert_eq!(express["delivery_estimate"]["minimum"], json!({ "unit": "day", "value": 1 }));
    let express = express["id"].as_str().unwrap();
    let id = stage
        .session(&format!(
            "&shipping_options[0][shipping_rate_data][display_name]=Post&shipping_options[0][shipping_rate_data][type]=fixed_amount\
             &shipping_options[0][shipping_rate_data][fixed_amount][amount]=400&shipping_options[0][shipping_rate_data][fixed_amount][currency]=eur\
             &shipping_options[1][shipping_rate]={express}"
        ))
        .await;
    let open = stage.retrieve(&id).await;
    assert_eq!(open["amount_total"], 1600, "the first one until the buyer chooses");
    assert_eq!(
        open["shipping_options"][1],
        json!({ "shipping_amount": 900, "shipping_rate": express })
    );
    let choose =
        |rate: &str| Purchase { shipping_rate: Some(rate.to_owned()), ..Purchase::default() };
    assert!(pay(&stage, &id, choose("shr_other")).unwrap_err().starts_with("shipping_rate: "));
    pay(&stage, &id, choose(express)).unwrap();
    let session = stage
        .get(&format!("/v1/checkout/sessions/{id}?expand[]=shipping_cost.shipping_rate&expand[]=payment_intent"))
        .await;
    assert_eq!(session["amount_total"], 2100);
    assert_eq!(session["amount_subtotal"], 1200);
    assert_eq!(session["total_details"]["amount_shipping"], 900);
    assert_eq!(session["shipping_cost"]["amount_total"], 900);
    assert_eq!(session["shipping_cost"]["shipping_rate"]["display_name"], "Express");
    assert_eq!(session["payment_intent"]["amount"], 2100);
    let rates = stage.get("/v1/shipping_rates?currency=eur&active=true").await;
    assert_eq!(rates["data"].as_array().unwrap().len(), 2);
    let off = stage.post(&format!("/v1/shipping_rates/{express}"), "active=false").await;
    assert_eq!(off["active"], false);
    let (param, _) =
        refusal(&stage, &format!("shipping_options[0][shipping_rate]={express}")).await;
    assert_eq!(param, "shipping_options[0][shipping_rate]");
}

#[tokio::test]
async fn with_a_trial_nothing_is_due_yet() {
    let stage = Stage::new().await;
    let monthly = price(&stage, 900, "recurring[interval]=month").await;
    let form = format!(
        "mode=subscription&success_url=http://x&line_items[0][price]={monthly}&line_items[0][quantity]=2\
         &subscription_data[trial_period_days]=14&subscription_data[metadata][plan]=tea&payment_method_collection=if_required"
    );
    let session = stage.post("/v1/checkout/sessions", &form).await;
    assert_eq!((&session["amount_total"], &session["amount_subtotal"]), (&json!(0), &json!(0)));
    assert_eq!(session["payment_method_collection"], "if_required");
    let id = session["id"].as_str().unwrap();
    stage.sandbox.pay(id, Pays::Free, Purchase::default()).unwrap();
    let done = stage
        .get(&format!("/v1/checkout/sessions/{id}?expand[]=subscription&expand[]=line_items"))
        .await;
    assert_eq!(done["payment_status"], "no_payment_required");
    let line = &done["line_items"]["data"][0];
    assert_eq!((&line["amount_total"], &line["price"]["unit_amount"]), (&json!(0), &json!(900)));
    let subscription = &done["subscription"];
    assert_eq!(subscription["status"], "trialing");
    assert_eq!(subscription["trial_end"], START + 14 * 86_400);
    assert_eq!(subscription["metadata"], json!({ "plan": "tea" }));
}

#[tokio::test]
async fn the_intent_gets_what_the_session_says_about_it() {
    let stage = Stage::new().await;
    let id = stage
        .session(
            "&payment_intent_data[description]=Order+7&payment_intent_data[receipt_email]=ann@example.com\
             &payment_intent_data[setup_future_usage]=off_session&payment_intent_data[metadata][order]=7\
             &payment_intent_data[statement_descriptor_suffix]=TEA&payment_intent_data[transfer_group]=g1\
             &payment_intent_data[shipping][name]=Ann&payment_intent_data[shipping][address][line1]=Road+1",
        )
        .await;
    pay(&stage, &id, Purchase::default()).unwrap();
    let session = stage.retrieve(&id).await;
    let intent = &session["payment_intent"];
    for (name, expected) in [
        ("description", json!("Order 7")),
        ("receipt_email", json!("ann@example.com")),
        ("setup_future_usage", json!("off_session")),
        ("metadata", json!({ "order": "7" })),
        ("statement_descriptor_suffix", json!("TEA")),
        ("transfer_group", json!("g1")),
    ] {
        assert_eq!(intent[name], expected, "{name}");
    }
    assert_eq!(intent["shipping"]["address"]["line1"], "Road 1");
}

#[tokio::test]
async fn a_customer_is_updated_as_far_as_the_session_says() {
    let stage = Stage::new().await;
    let customer = stage
        .post("/v1/customers", "email=ann@example.com&name=Old&tax_exempt=exempt&balance=5")
        .await;
    assert_eq!((&customer["tax_exempt"], &customer["balance"]), (&json!("exempt"), &json!(5)));
    let ann = customer["id"].as_str().unwrap();
    let id = stage
        .session(&format!(
            "&customer={ann}&customer_update[name]=auto&customer_update[address]=never"
        ))
        .await;
    let buyer = Purchase { name: Some("Ann Tea".into()), ..Purchase::default() };
    pay(&stage, &id, buyer).unwrap();
    let customer = stage.get(&format!("/v1/customers/{ann}")).await;
    assert_eq!((&customer["name"], &customer["address"]), (&json!("Ann Tea"), &Value::Null));
    assert_eq!(stage.event_types().await.last().unwrap(), "checkout.session.completed");
}

#[tokio::test]
async fn consent_names_and_invoices_are_shown_when_they_are_given() {
    let stage = Stage::new().await;
    let id = stage
        .session(
            "&consent_collection[terms_of_service]=required&consent_collection[promotions]=auto\
             &name_collection[individual][enabled]=true&invoice_creation[enabled]=true&automatic_tax[enabled]=false\
             &custom_text[submit][message]=We+ship+on+Monday&submit_type=book&billing_address_collection=required",
        )
        .await;
    let open = stage.retrieve(&id).await;
    assert_eq!(open["consent"], Value::Null);
    assert_eq!(open["custom_text"]["submit"], json!({ "message": "We ship on Monday" }));
    assert_eq!(open["custom_text"]["after_submit"], Value::Null);
    assert_eq!(open["consent_collection"]["payment_method_reuse_agreement"], Value::Null);
    assert_eq!(
        open["name_collection"],
        json!({ "individual": { "enabled": true, "optional": false } })
    );
    assert_eq!(open["automatic_tax"]["enabled"], false);
    assert_eq!(
        (&open["submit_type"], &open["billing_address_collection"]),
        (&json!("book"), &json!("required"))
    );
    pay(&stage, &id, Purchase { name: Some("Ann".into()), ..Purchase::default() }).unwrap();
    let done = stage.retrieve(&id).await;
    assert_eq!(done["consent"], json!({ "promotions": "opt_out", "terms_of_service": "accepted" }));
    assert_eq!(done["collected_information"]["individual_name"], "Ann");
    assert!(done["invoice"].as_str().unwrap().starts_with("in_"));
}

#[tokio::test]
async fn an_expired_session_is_taken_up_again() {
    let stage = Stage::new().await;
    let id = stage
        .session("&after_expiration[recovery][enabled]=true&after_expiration[recovery][allow_promotion_codes]=true&metadata[cart]=7")
        .await;
    assert_eq!(stage.retrieve(&id).await["after_expiration"]["recovery"]["url"], Value::Null);
    let expired = stage.post(&format!("/v1/checkout/sessions/{id}/expire"), "").await;
    let recovery = &expired["after_expiration"]["recovery"];
    assert_eq!(recovery["expires_at"], expired["expires_at"].as_i64().unwrap() + 30 * 86_400);
    let visit = stage.http.get(recovery["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(visit.status(), 303);
    let new = visit.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let new = stage.retrieve(&new).await;
    assert_eq!((&new["recovered_from"], &new["status"]), (&json!(id), &json!("open")));
    assert_eq!(
        (&new["metadata"], &new["allow_promotion_codes"]),
        (&json!({ "cart": "7" }), &json!(true))
    );
    assert_eq!(new["amount_total"], 1200);
}

#[tokio::test]
async fn an_open_session_can_be_changed_and_a_finished_one_keeps_its_order() {
    let stage = Stage::new().await;
    let id = stage.session("&metadata[a]=1").await;
    let path = format!("/v1/checkout/sessions/{id}");
    let lines = stage.get(&format!("{path}/line_items")).await;
    let line = lines["data"][0]["id"].as_str().unwrap();
    let extra = price(&stage, 300, "").await;
    let changed = stage
        .post(&path, &format!("metadata[b]=2&line_items[0][id]={line}&line_items[0][quantity]=2&line_items[1][price]={extra}&line_items[1][quantity]=1"))
        .await;
    assert_eq!(
        (&changed["amount_total"], &changed["metadata"]),
        (&json!(2700), &json!({ "a": "1", "b": "2" }))
    );
    let shipped = stage
        .post(&path, "shipping_options[0][shipping_rate_data][display_name]=Post&shipping_options[0][shipping_rate_data][fixed_amount][amount]=100&shipping_options[0][shipping_rate_data][fixed_amount][currency]=eur&collected_information[shipping_details][name]=Ann&collected_information[shipping_details][address][line1]=Road+1&collected_information[shipping_details][address][country]=DE")
        .await;
    assert_eq!(shipped["amount_total"], 2800);
    assert_eq!(shipped["collected_information"]["shipping_details"]["name"], "Ann");
    pay(&stage, &id, Purchase::default()).unwrap();
    let (_, error) = stage.refused(Method::POST, &path, &format!("line_items[0][id]={line}")).await;
    assert_eq!(error["param"], "line_items");
    assert_eq!(stage.post(&path, "metadata[c]=3").await["metadata"]["c"], "3");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let stage = Stage::new().await;
    let monthly = price(&stage, 900, "recurring[interval]=month").await;
    let field = "custom_fields[0][key]=a&custom_fields[0][label][type]=custom&custom_fields[0][label][custom]=A&custom_fields[0][type]";
    for (more, param) in [
        ("custom_fields[0][key]=a", "custom_fields[0][label]"),
        (&*format!("{field}=dropdown"), "custom_fields[0][dropdown]"),
        (
            &*format!("{field}=numeric&custom_fields[0][numeric][default_value]=x"),
            "custom_fields[0][default_value]",
        ),
        (
            &*format!("{field}=text&custom_fields[0][text][pattern]=x"),
            "custom_fields[0][text][pattern]",
        ),
        (
            &*format!("optional_items[0][price]={monthly}&optional_items[0][quantity]=1"),
            "optional_items[0][price]",
        ),
        ("optional_items[0][quantity]=1", "optional_items[0][price]"),
        ("shipping_options[0][shipping_rate]=shr_no", "shipping_options[0][shipping_rate]"),
        (
            "shipping_options[0][shipping_rate_data][display_name]=x&shipping_options[0][shipping_rate_data][fixed_amount][amount]=1&shipping_options[0][shipping_rate_data][fixed_amount][currency]=usd",
            "shipping_options[0][shipping_rate]",
        ),
        (
            "shipping_address_collection[allowed_countries][]=CU",
            "shipping_address_collection[allowed_countries]",
        ),
        ("subscription_data[trial_period_days]=3", "subscription_data"),
        ("payment_method_collection=always", "payment_method_collection"),
        ("customer_update[name]=auto", "customer_update"),
        ("ui_mode=popup", "ui_mode"),
        ("ui_mode=embedded&return_url=http://x", "success_url"),
        ("return_url=http://x", "return_url"),
        ("cancel_url=shop.example", "cancel_url"),
        ("locale=tlh", "locale"),
        ("submit_type=gift", "submit_type"),
        ("consent_collection[terms_of_service]=maybe", "consent_collection[terms_of_service]"),
        ("custom_text[footer][message]=x", "custom_text[footer]"),
        ("branding_settings[logo][kind]=x", "branding_settings[logo][kind]"),
        ("tax_id_collection[required]=never", "tax_id_collection[enabled]"),
        ("line_items[0][tax_rates][]=txr_1", "line_items[0][tax_rates]"),
        ("line_items[0][dynamic_tax_rates][]=txr_1", "line_items[0][dynamic_tax_rates]"),
        ("automatic_tax[enabled]=perhaps", "automatic_tax[enabled]"),
        (
            "line_items[0][adjustable_quantity][enabled]=true&line_items[0][adjustable_quantity][minimum]=2",
            "line_items[0][quantity]",
        ),
        ("client_reference_id=", ""),
        ("gift=true", "gift"),
    ] {
        if param.is_empty() {
            stage.session(&format!("&{more}")).await;
            continue;
        }
        assert_eq!(refusal(&stage, more).await.0, param, "{more}");
    }
    let (_, text) = refusal(&stage, &format!("line_items[0][price]={monthly}")).await;
    assert!(text.contains("price, price_data"), "{text}");
    let (_, error) = stage
        .refused(Method::POST, "/v1/checkout/sessions", "mode=setup&success_url=http://x")
        .await;
    assert_eq!(error["param"], "currency");
}

#[tokio::test]
async fn a_session_takes_a_hundred_lines_and_a_subscription_twenty_of_a_kind() {
    let stage = Stage::new().await;
    let (once, monthly) =
        (price(&stage, 100, "").await, price(&stage, 200, "recurring[interval]=month").await);
    let lines = |price: &str, range: std::ops::Range<usize>| {
        range
            .map(|n| format!("&line_items[{n}][price]={price}&line_items[{n}][quantity]=1"))
            .collect::<String>()
    };
    let create = async |mode: &str, lines: String| {
        let form = format!("mode={mode}&success_url=http://x{lines}");
        let request = stage.request(Method::POST, "/v1/checkout/sessions").body(form);
        read(request.send().await.unwrap()).await.0
    };
    assert_eq!(create("payment", lines(&once, 0..100)).await, 200);
    assert_eq!(create("payment", lines(&once, 0..101)).await, 400);
    assert_eq!(create("subscription", lines(&monthly, 0..20) + &lines(&once, 20..40)).await, 200);
    assert_eq!(create("subscription", lines(&monthly, 0..21)).await, 400);
    assert_eq!(create("subscription", lines(&monthly, 0..1) + &lines(&once, 1..22)).await, 400);
    assert_eq!(create("subscription", lines(&once, 0..1)).await, 400);
}
