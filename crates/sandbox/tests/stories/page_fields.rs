//! Whatever a form says, the page answers with a page.

use proptest::prelude::*;
use serde_json::json;

use crate::stage::Stage;

const NAMES: [&str; 26] = [
    "action",
    "amount[li_1]",
    "billing_country",
    "billing_same",
    "card_number",
    "country",
    "custom[size]",
    "cvc",
    "email",
    "exp",
    "expected_amount",
    "fill",
    "iban",
    "method",
    "name",
    "optional[li_1]",
    "phone",
    "postal_code",
    "promotion_code",
    "quantity",
    "quantity[li_1]",
    "shipping_rate",
    "shipping_postal_code",
    "state",
    "tax_id",
    "terms_of_service",
];
const VALUES: [&str; 12] = [
    "",
    "pay",
    "update",
    "card",
    "sepa_debit",
    "4242424242424242",
    "12/34",
    "-1",
    "9223372036854775807",
    "99999999999999999999",
    "DE",
    "\"><script>alert(1)</script>",
];

fn pair() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        4 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ];
    let value = prop_oneof![
        2 => prop::sample::select(VALUES.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{0,40}",
    ];
    (name, value)
}

/// A form that a browser could send, or bytes that none would.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let form = prop::collection::vec(pair(), 0..12).prop_map(|pairs| {
        let text = |text: &str| text.replace('%', "%25").replace('&', "%26").replace('+', "%2B");
        let one = |(name, value): &(String, String)| format!("{}={}", text(name), text(value));
        pairs.iter().map(one).collect::<Vec<_>>().join("&").into_bytes()
    });
    prop_oneof![4 => form, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

async fn send(stage: &Stage, id: &str, body: Vec<u8>) {
    for path in [format!("/c/pay/{id}"), format!("/c/pay/{id}/authenticate")] {
        let url = format!("{}{path}", stage.sandbox.url());
        let request = stage.http.post(url).header("accept-language", "de").body(body.clone());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!([200, 303, 402, 409, 422].contains(&status), "{status} for {body:?}");
        if status != 303 {
            let html = answer.text().await.unwrap();
            assert!(html.starts_with("<!doctype html>") && html.contains("</html>"), "{html}");
            assert!(!html.contains("<script>"), "{html}");
        }
    }
}

/// A session that asks for much.
async fn session(stage: &Stage) -> String {
    stage
        .session("&allow_promotion_codes=true&phone_number_collection[enabled]=true&tax_id_collection[enabled]=true&billing_address_collection=required&shipping_address_collection[allowed_countries][]=DE&shipping_address_collection[allowed_countries][]=US&consent_collection[terms_of_service]=required&line_items[0][adjustable_quantity][enabled]=true&custom_fields[0][key]=size&custom_fields[0][label][type]=custom&custom_fields[0][label][custom]=Size&custom_fields[0][type]=numeric")
        .await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_gets_a_page(bodies in prop::collection::vec(body(), 8)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let stage = Stage::new().await;
            let (plain, much) = (stage.session("").await, session(&stage).await);
            for body in bodies {
                send(&stage, &plain, body.clone()).await;
                send(&stage, &much, body).await;
            }
            assert_eq!(stage.retrieve(&much).await["status"], json!("open"), "nobody filled it in");
        });
    }
}
