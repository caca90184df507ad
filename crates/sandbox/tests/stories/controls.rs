//! The sandbox's own controls, as tests of other programs use them.

use serde_json::{Value, json};

use crate::stage::{Stage, read};

async fn pay(stage: &Stage, id: &str, mut more: Value) -> Value {
    more["session"] = id.into();
    let (status, paid) = stage.control("/_sandbox/pay", more).await;
    assert_eq!(status, 200, "{paid}");
    paid
}

const ASKS: &str = "&shipping_address_collection[allowed_countries][]=JP\
    &shipping_address_collection[allowed_countries][]=DE&phone_number_collection[enabled]=true\
    &billing_address_collection=required&tax_id_collection[enabled]=true\
    &tax_id_collection[required]=if_supported";

#[tokio::test]
async fn whoever_pays_without_the_page_tells_what_the_session_asks_for() {
    let stage = Stage::new().await;
    let id = stage.session(ASKS).await;
    let paid = pay(&stage, &id, json!({})).await;
    let shipped = &paid["collected_information"]["shipping_details"];
    assert_eq!(shipped["address"]["country"], "DE", "where most buyers with euros live");
    for part in ["line1", "city", "postal_code"] {
        assert!(shipped["address"][part].is_string(), "{part}: {shipped}");
    }
    assert!(shipped["name"].is_string());
    let buyer = &paid["customer_details"];
    assert_eq!(buyer["address"], shipped["address"]);
    assert_eq!(
        (&buyer["phone"], &buyer["tax_ids"][0]["type"]),
        (&json!("+15555550100"), &json!("eu_vat"))
    );
    let elsewhere = stage.session("&shipping_address_collection[allowed_countries][]=CA").await;
    let paid = pay(&stage, &elsewhere, json!({})).await;
    let address = &paid["collected_information"]["shipping_details"]["address"];
    assert_eq!((&address["country"], &address["state"]), (&json!("CA"), &json!("ON")));
    let billed = stage.session("&billing_address_collection=required").await;
    let paid = pay(&stage, &billed, json!({})).await;
    assert_eq!(paid["customer_details"]["address"]["country"], "DE");
}

#[tokio::test]
async fn what_is_told_stays_as_it_is_and_what_nobody_asks_for_stays_empty() {
    let stage = Stage::new().await;
    let id = stage.session(ASKS).await;
    let told = json!({
        "name": "Bea", "phone": "+4912345", "billing": { "country": "FR", "city": "Lyon" },
        "shipping": { "address": { "line1": "1-1", "country": "JP" } },
    });
    let paid = pay(&stage, &id, told).await;
    let shipped = &paid["collected_information"]["shipping_details"];
    assert_eq!((&shipped["name"], &shipped["address"]["line1"]), (&json!("Bea"), &json!("1-1")));
    assert_eq!(shipped["address"]["postal_code"], Value::Null);
    let buyer = &paid["customer_details"];
    assert_eq!((&buyer["phone"], &buyer["address"]["city"]), (&json!("+4912345"), &json!("Lyon")));
    let without = stage.session(ASKS).await;
    let paid = pay(&stage, &without, json!({ "shipping": {} })).await;
    let address = &paid["collected_information"]["shipping_details"]["address"];
    assert_eq!(address["line1"], Value::Null, "an empty one is how to leave it out");
    let plain = stage.session("").await;
    let paid = pay(&stage, &plain, json!({})).await;
    assert_eq!(paid["collected_information"]["shipping_details"], Value::Null);
    let buyer = &paid["customer_details"];
    assert_eq!((&buyer["phone"], &buyer["address"]["country"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_session_is_paid_by_what_it_offers_and_not_otherwise() {
    let stage = Stage::new().await;
    let pay = |id: &str, method: &str| {
        let body = json!({ "session": id, "method": method });
        let stage = &stage;
        async move { stage.control("/_sandbox/pay", body).await }
    };
    for (offers, method, told) in [
        ("&payment_method_types[]=card", "voucher", "does not take multibanco. It takes card."),
        ("&payment_method_types[]=card", "debit", "does not take sepa_debit. It takes card."),
        ("&payment_method_types[]=multibanco", "card", "does not take card. It takes multibanco."),
        ("", "voucher_expires", "does not take multibanco. It takes card, sepa_debit."),
    ] {
        let id = stage.session(offers).await;
        let (status, answer) = pay(&id, method).await;
        assert_eq!(status, 400, "{answer}");
        let error = &answer["error"];
        assert_eq!(
            (&error["type"], &error["param"]),
            (&json!("invalid_request_error"), &json!("method"))
        );
        assert!(error["message"].as_str().unwrap().ends_with(told), "{answer}");
        let session = stage.retrieve(&id).await;
        assert_eq!(session["status"], "open", "nothing has happened: {session}");
        assert_eq!(session["payment_intent"], Value::Null);
    }
    let id = stage.session("&payment_method_types[]=multibanco&payment_method_types[]=card").await;
    assert_eq!(pay(&id, "voucher").await.0, 200);
}

#[tokio::test]
async fn a_key_is_given_permissions_that_there_are() {
    let stage = Stage::new().await;
    let give = |permissions: Value| {
        let body = json!({ "key": "rk_test_1", "permissions": permissions });
        async { stage.control("/_sandbox/keys", body).await }
    };
    for unknown in ["checkout_session_reed", "checkout_sessions_read", "read", "_read", "rak_", ""]
    {
        let (status, answer) = give(json!(["event_read", unknown])).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(&format!("`{unknown}`")), "{status} {message}");
    }
    let page = include_str!("../../../../docs/offline.md");
    let row = page.lines().find(|line| line.starts_with("| `keys` |")).unwrap();
    let printed = row.split('`').filter(|word| word.ends_with("_read") || word.ends_with("_write"));
    let printed: Vec<&str> = printed.collect();
    assert!(printed.len() > 2, "{row}");
    let check = json!({ "key": "rk_test_2", "permissions": printed });
    assert_eq!(stage.control("/_sandbox/keys", check).await.0, 200, "as docs/offline.md prints it");
    let request = || stage.http.get(format!("{}/v1/events", stage.sandbox.url()));
    let events =
        || async { read(request().bearer_auth("rk_test_1").send().await.unwrap()).await.0 };
    assert_eq!(events().await, 200, "nothing has been given yet, so everything is allowed");
    assert_eq!(give(json!(["rak_product_write", "webhook_read"])).await.0, 200);
    assert_eq!(events().await, 403);
}

/// Whatever permission a call may lack can be given.
#[tokio::test]
async fn every_permission_that_an_error_names_can_be_given() {
    let stage = Stage::new().await;
    stage.sandbox.restrict("rk_test_none", &[]);
    for path in [
        "products",
        "prices",
        "plans",
        "customers",
        "coupons",
        "promotion_codes",
        "tax_rates",
        "shipping_rates",
        "checkout/sessions",
        "payment_links",
        "payment_intents",
        "charges",
        "payment_methods",
        "setup_intents",
        "refunds",
        "disputes",
        "balance_transactions/txn_1",
        "subscriptions",
        "events",
        "webhook_endpoints",
        "customers/cus_1/sources",
    ] {
        let url = format!("{}/v1/{path}", stage.sandbox.url());
        let (status, answer) =
            read(stage.http.get(url).bearer_auth("rk_test_none").send().await.unwrap()).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        let permission = message.split("the '").nth(1).and_then(|rest| rest.split('\'').next());
        let permission = permission.unwrap_or_else(|| panic!("{path}: {status} {answer}"));
        let body = json!({ "key": "rk_test_some", "permissions": [permission] });
        assert_eq!(stage.control("/_sandbox/keys", body).await.0, 200, "{permission}");
    }
}
