//! What was answered outlives the sandbox; the same calls give the same ids.

use std::path::Path;

use fulfill_sandbox::{Builder, Method, Purchase, Sandbox};
use proptest::prelude::*;
use reqwest::Method as Http;
use serde_json::json;

use crate::stage::{Endpoint, Stage, read};

const LISTS: [&str; 15] = [
    "products",
    "prices",
    "customers",
    "coupons",
    "promotion_codes",
    "checkout/sessions",
    "payment_links",
    "payment_intents",
    "charges",
    "refunds",
    "disputes",
    "shipping_rates",
    "tax_rates",
    "webhook_endpoints",
    "events",
];

/// Everything that the API lists, and the deliveries, wherever the sandbox listens.
pub(crate) async fn everything(stage: &Stage) -> String {
    let mut text = String::new();
    for list in LISTS {
        let mut after = String::new();
        loop {
            let page = stage.get(&format!("/v1/{list}?limit=100{after}")).await;
            for object in page["data"].as_array().unwrap() {
                text += &format!("{object}\n");
                after = format!("&starting_after={}", object["id"].as_str().unwrap());
            }
            if page["has_more"] == false {
                break;
            }
        }
    }
    text += &stage.get("/_sandbox/deliveries").await.to_string();
    text.replace(stage.sandbox.url(), "http://sandbox")
}

fn on(file: &Path) -> Builder {
    Sandbox::builder().seed(7).data(file)
}

/// A day in a shop: a bit of everything that changes.
async fn day(stage: &Stage) {
    let product = stage.post("/v1/products", "name=Tea").await;
    let product = product["id"].as_str().unwrap();
    let form = format!("product={product}&currency=eur&unit_amount=900&lookup_key={product}");
    let price = stage.post("/v1/prices", &form).await;
    let price = price["id"].as_str().unwrap();
    stage.post("/v1/customers", "email=ada@example.com&metadata[a]=b").await;
    let vat = stage.post("/v1/tax_rates", "display_name=VAT&percentage=19&inclusive=false").await;
    let vat = vat["id"].as_str().unwrap();
    let taxed = stage.session(&format!("&line_items[0][tax_rates][]={vat}")).await;
    stage.sandbox.pay(&taxed, Method::Card, Purchase::default()).unwrap();
    let coupon = stage.post("/v1/coupons", "percent_off=25&duration=once").await;
    stage.refused(Http::POST, "/v1/coupons", "percent_off=1000").await;
    let form = format!("line_items[0][price]={price}&line_items[0][quantity]=2");
    let link = stage.post("/v1/payment_links", &form).await;
    let link = link["url"].as_str().unwrap();
    let visit = stage.http.get(format!("{link}?prefilled_email=bo@example.com"));
    assert_eq!(visit.send().await.unwrap().status(), 303);
    let coupon = format!("&discounts[0][coupon]={}", coupon["id"].as_str().unwrap());
    let mut intents = Vec::new();
    for (more, method) in [
        ("", Method::Card),
        (&*coupon, Method::Debit),
        ("", Method::DebitFails),
        ("", Method::Card),
    ] {
        let session = stage.session(more).await;
        stage.sandbox.pay(&session, method, Purchase::default()).unwrap();
        let intent = stage.retrieve(&session).await["payment_intent"]["id"].clone();
        intents.push(intent.as_str().unwrap().to_owned());
    }
    stage.post("/v1/refunds", &format!("payment_intent={}&amount=500", intents[0])).await;
    let dispute = json!({ "payment": intents[3] });
    assert_eq!(stage.control("/_sandbox/dispute", dispute).await.0, 200);
    let session = stage.session("").await;
    stage.sandbox.pay(&session, Method::Declined, Purchase::default()).unwrap_err();
    let fill = "email=a@b.example&name=Ada&method=card&card_number=4000002760003184&exp=12/34&cvc=123&postal_code=12345";
    let page = format!("{}/c/pay/{session}", stage.sandbox.url());
    let sent = stage.http.post(&page).body(fill).send().await.unwrap();
    assert_eq!(sent.status(), 303, "{}", sent.text().await.unwrap());
    let sent = stage.http.post(format!("{page}/authenticate")).body("decision=approve");
    assert_eq!(sent.send().await.unwrap().status(), 303);
    stage.control("/_sandbox/clock/advance", json!({ "seconds": 90_000 })).await;
    stage.sandbox.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_and_the_same_calls_give_the_same_bytes() {
    let mut seen = Vec::new();
    for seed in [7, 7, 8] {
        let stage = Stage::of(Sandbox::builder().seed(seed)).await;
        day(&stage).await;
        seen.push(everything(&stage).await);
    }
    assert!(seen[0].lines().count() > 40, "{}", seen[0]);
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_with_a_data_file_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let endpoint = Endpoint::new().await;
    let stage = Stage::of(on(&file).forward_to(&endpoint.url)).await;
    endpoint.answer_with(&[200, 500, 200]);
    endpoint.register(&stage, "enabled_events[]=*").await;
    day(&stage).await;
    let before = everything(&stage).await;
    let (secret, key) =
        (stage.sandbox.forward_secret().to_owned(), stage.sandbox.secret_key().to_owned());
    stage.sandbox.shutdown().await;

    let came = endpoint.came().len();
    let stage = Stage::of(Sandbox::builder().data(&file).forward_to(&endpoint.url)).await;
    stage.sandbox.idle().await;
    assert_eq!(everything(&stage).await, before);
    assert_eq!(endpoint.came().len(), came, "nothing was owed");
    assert_eq!((stage.sandbox.forward_secret(), stage.sandbox.secret_key()), (&*secret, &*key));
    day(&stage).await;
    let ids: Vec<String> = stage.event_ids().await;
    let unique: std::collections::HashSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "no id came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_again_after_a_restart_gets_its_first_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let keyed = async |stage: &Stage| {
        let request = stage.request(Http::POST, "/v1/products").header("idempotency-key", "once");
        let answer = request.body("name=Tea").send().await.unwrap();
        let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
        (id, answer.text().await.unwrap())
    };
    let stage = Stage::of(on(&file)).await;
    stage.sandbox.restrict("rk_test_1", &["product_read"]);
    let first = keyed(&stage).await;
    stage.sandbox.shutdown().await;
    let stage = Stage::of(on(&file)).await;
    assert_eq!(keyed(&stage).await, first);
    let poor = stage.http.post(format!("{}/v1/products", stage.sandbox.url())).body("name=Tea");
    assert_eq!(poor.bearer_auth("rk_test_1").send().await.unwrap().status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_owed_goes_out_after_the_crash() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let endpoint = Endpoint::new().await;
    let stage = Stage::of(on(&file)).await;
    endpoint.register(&stage, "enabled_events[]=*").await;
    // Held in memory until another one has gone out, which never comes.
    stage.control("/_sandbox/faults", json!({ "kind": "hold" })).await;
    stage.post("/v1/products", "name=Tea").await;
    stage.sandbox.idle().await;
    assert_eq!(endpoint.types(), Vec::<String>::new());
    let copy = folder.path().join("crashed.data");
    std::fs::copy(&file, &copy).unwrap();
    let stage = Stage::of(on(&copy)).await;
    stage.sandbox.idle().await;
    assert_eq!(endpoint.types(), ["product.created"]);
    assert_eq!(stage.get("/v1/events").await["data"][0]["pending_webhooks"], 0);
}

#[derive(Debug, Clone)]
enum Step {
    Product,
    Session,
    Pay { which: usize, method: Method },
    Expire { which: usize },
    Refund { which: usize },
    Dispute { which: usize },
    Advance { seconds: u32 },
    Bad,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let methods = [Method::Card, Method::Debit, Method::DebitFails, Method::Declined];
    let which = 0_usize..4;
    prop::collection::vec(
        prop_oneof![
            1 => Just(Step::Product),
            2 => Just(Step::Session),
            3 => (which.clone(), prop::sample::select(methods.to_vec()))
                .prop_map(|(which, method)| Step::Pay { which, method }),
            1 => which.clone().prop_map(|which| Step::Refund { which }),
            1 => which.clone().prop_map(|which| Step::Dispute { which }),
            1 => which.prop_map(|which| Step::Expire { which }),
            1 => (1_u32..100_000).prop_map(|seconds| Step::Advance { seconds }),
            1 => Just(Step::Bad),
        ],
        1..12,
    )
}

impl Step {
    async fn take(&self, stage: &Stage, sessions: &mut Vec<String>) {
        match self {
            Self::Product => drop(stage.post("/v1/products", "name=Tea").await),
            Self::Session => sessions.push(stage.session("").await),
            Self::Pay { which, method } => {
                let asked = sessions.get(*which).map_or("cs_test_none", String::as_str);
                let asked = json!({ "session": asked, "method": method });
                stage.control("/_sandbox/pay", asked).await;
            }
            Self::Expire { which } => {
                let id = sessions.get(*which).map_or("cs_test_none", String::as_str);
                let path = format!("/v1/checkout/sessions/{id}/expire");
                drop(stage.request(Http::POST, &path).send().await.unwrap());
            }
            Self::Refund { which } => {
                let id = sessions.get(*which).map_or("cs_test_none", String::as_str);
                let session = stage.request(Http::GET, &format!("/v1/checkout/sessions/{id}"));
                let (_, session) = read(session.send().await.unwrap()).await;
                let intent = session["payment_intent"].as_str().unwrap_or("pi_none");
                let form = format!("payment_intent={intent}&amount=100");
                drop(stage.request(Http::POST, "/v1/refunds").body(form).send().await.unwrap());
            }
            Self::Dispute { which } => {
                let id = sessions.get(*which).map_or("cs_test_none", String::as_str);
                stage.control("/_sandbox/dispute", json!({ "payment": id })).await;
            }
            Self::Advance { seconds } => {
                stage.control("/_sandbox/clock/advance", json!({ "seconds": seconds })).await;
            }
            Self::Bad => drop(stage.refused(Http::POST, "/v1/prices", "currency=eur").await),
        }
    }
}

/// Runs the steps, ends at any byte, starts again: all that was answered by then is there.
async fn crash(steps: &[Step], cuts: &[prop::sample::Index]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.data");
    let stage = Stage::of(on(&file)).await;
    let mut sessions = Vec::new();
    let mut seen = vec![(0, everything(&stage).await)];
    for step in steps {
        step.take(&stage, &mut sessions).await;
        let length = std::fs::metadata(&file).unwrap().len();
        seen.push((length, everything(&stage).await));
    }
    stage.sandbox.shutdown().await;
    let bytes = std::fs::read(&file).unwrap();
    for cut in cuts {
        let cut = cut.index(bytes.len() + 1);
        let torn = folder.path().join(format!("torn-{cut}.data"));
        std::fs::write(&torn, &bytes[..cut]).unwrap();
        let stage = Stage::of(on(&torn)).await;
        stage.sandbox.idle().await;
        let answered = seen.iter().rposition(|(length, _)| *length <= cut as u64).unwrap();
        let now = everything(&stage).await;
        // The step that was under way may be there, although nobody was told.
        let fits = seen[answered..].iter().take(2).any(|(_, seen)| *seen == now);
        assert!(fits, "cut at {cut}, after {answered} answers of {steps:?}: {now}");
        stage.sandbox.shutdown().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_answered_is_there_after_a_crash_at_any_byte(
        steps in steps(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(crash(&steps, &cuts));
    }
}
