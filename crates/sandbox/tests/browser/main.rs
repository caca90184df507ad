//! The page in a real browser: Debian's Chromium, driven by the scripts beside this file. What they
//! need stands below `target/tools` (`cargo xtask test` puts it there); screenshots go to
//! `target/screenshots`.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod look;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use fulfill_sandbox::{Clock, Method, Purchase, Sandbox};
use serde_json::{Value, json};

/// 2026-09-21, some time in the morning.
const START_MS: i64 = 1_790_000_000_000;

/// One browser at a time is enough for a small machine.
static BROWSER: Mutex<()> = Mutex::new(());

struct Stage {
    sandbox: Sandbox,
    http: reqwest::Client,
}

impl Stage {
    async fn new() -> Self {
        let sandbox = Sandbox::builder().port(0).seed(7).clock(Clock::manual(START_MS)).start();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self { sandbox: sandbox.await.unwrap(), http: http.build().unwrap() }
    }

    async fn post(&self, path: &str, form: &str) -> Value {
        let url = format!("{}{path}", self.sandbox.url());
        let request = self.http.post(url).bearer_auth(self.sandbox.secret_key());
        let answer = request.body(form.to_owned()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "POST {path} {form}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A session that lands on the sandbox's own first page.
    async fn session(&self, more: &str) -> Value {
        let url = self.sandbox.url();
        let landing = format!("success_url={url}/?paid={{CHECKOUT_SESSION_ID}}&cancel_url={url}/");
        self.post("/v1/checkout/sessions", &format!("mode=payment&{landing}&{more}")).await
    }

    /// A session over one thing.
    async fn simple(&self, more: &str) -> Value {
        self.session(&format!("{}&{more}", line(0, "Earl Grey, 100 g", 1200, "eur"))).await
    }

    /// A session that asks for everything.
    async fn rich(&self) -> Value {
        self.post("/v1/coupons", "id=SPRING&percent_off=10").await;
        self.post(
            "/v1/promotion_codes",
            "promotion[type]=coupon&promotion[coupon]=SPRING&code=SPRING10",
        )
        .await;
        let extra = self
            .post("/v1/prices", "currency=eur&unit_amount=450&product_data[name]=Tea+strainer")
            .await;
        let extra = extra["id"].as_str().unwrap();
        let more = [
            line(0, "Earl Grey, 100 g", 1200, "eur"),
            "line_items[0][adjustable_quantity][enabled]=true&line_items[0][adjustable_quantity][maximum]=9".to_owned(),
            line(1, "Teapot, 1 l", 3900, "eur"),
            format!("optional_items[0][price]={extra}&optional_items[0][quantity]=1"),
            "allow_promotion_codes=true&phone_number_collection[enabled]=true".to_owned(),
            countries(&["AT", "CH", "DE", "US"]),
            shipping(0, "Standard", 490, 3, 5),
            shipping(1, "Express", 990, 1, 1),
            "billing_address_collection=required&consent_collection[terms_of_service]=required&consent_collection[promotions]=auto".to_owned(),
            "custom_fields[0][key]=engraving&custom_fields[0][label][type]=custom&custom_fields[0][label][custom]=Engraving&custom_fields[0][type]=text&custom_fields[0][optional]=true".to_owned(),
            "custom_fields[1][key]=size&custom_fields[1][label][type]=custom&custom_fields[1][label][custom]=Size&custom_fields[1][type]=dropdown&custom_fields[1][dropdown][options][0][label]=Small&custom_fields[1][dropdown][options][0][value]=s&custom_fields[1][dropdown][options][1][label]=Medium&custom_fields[1][dropdown][options][1][value]=m".to_owned(),
            "custom_text[submit][message]=We+pack+it+today.&branding_settings[display_name]=Tea+%26+Sons".to_owned(),
        ];
        self.session(&more.join("&")).await
    }

    /// Plays a story with what it is given.
    async fn play(&self, story: &str, given: Value) {
        let (origin, story) = (self.sandbox.url().to_owned(), story.to_owned());
        let played = tokio::task::spawn_blocking(move || play(&origin, &story, &given));
        played.await.unwrap();
    }
}

fn line(at: usize, name: &str, amount: i64, currency: &str) -> String {
    let name = name.replace(' ', "+");
    format!(
        "line_items[{at}][quantity]=1&line_items[{at}][price_data][currency]={currency}&line_items[{at}][price_data][unit_amount]={amount}&line_items[{at}][price_data][product_data][name]={name}"
    )
}

fn countries(codes: &[&str]) -> String {
    let one = |code: &&str| format!("shipping_address_collection[allowed_countries][]={code}");
    codes.iter().map(one).collect::<Vec<_>>().join("&")
}

fn shipping(at: usize, name: &str, amount: i64, least: i64, most: i64) -> String {
    let rate = format!("shipping_options[{at}][shipping_rate_data]");
    format!(
        "{rate}[display_name]={name}&{rate}[type]=fixed_amount&{rate}[fixed_amount][amount]={amount}&{rate}[fixed_amount][currency]=eur&{rate}[delivery_estimate][minimum][unit]=business_day&{rate}[delivery_estimate][minimum][value]={least}&{rate}[delivery_estimate][maximum][unit]=business_day&{rate}[delivery_estimate][maximum][value]={most}"
    )
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_path_buf()
}

/// Where a program is; a story fails without it.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|at| at.exists());
    found.unwrap_or_else(|| {
        panic!("the browser stories need {name}, which is not in PATH: apt-get install nodejs chromium, or cargo xtask test")
    })
}

fn play(origin: &str, story: &str, given: &Value) {
    let tools = target().join("tools");
    for package in ["puppeteer-core", "axe-core"] {
        let at = tools.join("node_modules").join(package);
        assert!(
            at.exists(),
            "the browser stories need {package} at {}: type cargo xtask test, which installs it",
            at.display()
        );
    }
    let (node, chromium) = (program("node"), program("chromium"));
    let _one = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/stories.mjs");
    let played = Command::new(node)
        .arg(script)
        .args([story, &given.to_string()])
        .env("TOOLS", &tools)
        .env("CHROMIUM", chromium)
        .env("SHOTS", target().join("screenshots"))
        .env("ORIGIN", origin)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        played.status.success(),
        "{story} {}: {}{}",
        given["how"],
        String::from_utf8_lossy(&played.stdout),
        String::from_utf8_lossy(&played.stderr)
    );
}

async fn purchase(how: Value, [before, total, shipped]: [&str; 3]) {
    let stage = Stage::new().await;
    let session = stage.rich().await;
    let given = json!({ "id": session["id"], "url": session["url"], "how": how, "before": before, "total": total, "shipped": shipped });
    stage.play("purchase", given).await;
    assert!(
        stage
            .sandbox
            .pay(session["id"].as_str().unwrap(), Method::Card, Purchase::default())
            .is_err(),
        "it is paid"
    );
}

#[tokio::test]
async fn a_purchase_in_english_on_a_desktop() {
    purchase(json!({ "language": "en" }), ["€84.40", "€76.45", "€81.45"]).await;
}

#[tokio::test]
async fn a_purchase_in_german_on_a_phone() {
    purchase(json!({ "language": "de", "phone": true }), ["84,40 €", "76,45 €", "81,45 €"]).await;
}

#[tokio::test]
async fn a_purchase_in_english_on_a_phone_without_script() {
    let how = json!({ "language": "en", "phone": true, "script": false });
    purchase(how, ["€84.40", "€76.45", "€81.45"]).await;
}

#[tokio::test]
async fn a_purchase_in_german_on_a_desktop_without_script() {
    purchase(json!({ "language": "de", "script": false }), ["84,40 €", "76,45 €", "81,45 €"]).await;
}

#[tokio::test]
async fn a_purchase_by_keyboard_alone() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=SPRING&percent_off=10").await;
    let code = "promotion[type]=coupon&promotion[coupon]=SPRING&code=SPRING10";
    stage.post("/v1/promotion_codes", code).await;
    let session = stage.simple("allow_promotion_codes=true").await;
    stage.play("keyboard", json!({ "id": session["id"], "url": session["url"] })).await;
}

#[tokio::test]
async fn an_empty_form_names_every_field_in_english_and_german() {
    let stage = Stage::new().await;
    let session = stage.rich().await;
    for how in [json!({ "language": "en" }), json!({ "language": "de", "phone": true })] {
        stage.play("wrong", json!({ "url": session["url"], "how": how })).await;
    }
}

#[tokio::test]
async fn a_declined_card_then_a_good_one_with_and_without_script() {
    let stage = Stage::new().await;
    for script in [true, false] {
        let session = stage.simple("").await;
        let given =
            json!({ "id": session["id"], "url": session["url"], "how": { "script": script } });
        stage.play("declined", given).await;
    }
}

#[tokio::test]
async fn the_bank_asks_and_is_refused_and_then_approved() {
    let stage = Stage::new().await;
    let session = stage.simple("payment_method_types[]=card").await;
    stage.play("bank", json!({ "id": session["id"], "url": session["url"] })).await;
}

#[tokio::test]
async fn a_debit_in_german_on_a_phone() {
    let stage = Stage::new().await;
    let session = stage.simple("locale=de").await;
    stage.play("debit", json!({ "id": session["id"], "url": session["url"] })).await;
}

#[tokio::test]
async fn a_voucher_in_german_is_paid_on_its_own_page() {
    let stage = Stage::new().await;
    let session = stage.simple("payment_method_types[]=multibanco").await;
    let id = session["id"].as_str().unwrap();
    stage.play("voucher", json!({ "id": id, "url": session["url"] })).await;
    let url = format!("{}/v1/checkout/sessions/{id}", stage.sandbox.url());
    let request = stage.http.get(url).bearer_auth(stage.sandbox.secret_key());
    let session: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(session["payment_status"], "paid");
}

#[tokio::test]
async fn two_clicks_pay_once() {
    let stage = Stage::new().await;
    let session = stage.simple("payment_method_types[]=card").await;
    stage.play("twice", json!({ "id": session["id"], "url": session["url"] })).await;
}

#[tokio::test]
async fn every_page_is_accessible_in_light_and_dark() {
    let stage = Stage::new().await;
    let page = |session: &Value| session["url"].as_str().unwrap().to_owned();
    let (simple, rich) = (stage.simple("").await, stage.rich().await);
    let paid = stage.simple("").await;
    let paid_id = paid["id"].as_str().unwrap();
    stage.sandbox.pay(paid_id, Method::Card, Purchase::default()).unwrap();
    let expired = stage.simple("").await;
    let expire = format!("/v1/checkout/sessions/{}/expire", expired["id"].as_str().unwrap());
    stage.post(&expire, "").await;
    let dollars = stage.session(&line(0, "Annual report", 4900, "usd")).await;
    let yen = stage.session(&format!("locale=de&{}", line(0, "Sencha", 1500, "jpy"))).await;
    let origin = stage.sandbox.url();
    let pages = json!({
        "simple": page(&simple), "simple-phone": page(&simple), "simple-de": page(&simple),
        "rich": page(&rich), "rich-de-phone": page(&rich),
        "dollars": page(&dollars), "yen-de": page(&yen),
        "paid": page(&paid), "done": format!("{origin}/c/done/{paid_id}"),
        "expired-de": page(&expired), "unknown": format!("{origin}/c/pay/cs_test_none"),
        "inactive-phone": format!("{origin}/l/none"), "welcome": format!("{origin}/"),
    });
    stage.play("everyPage", json!({ "pages": pages })).await;
}

#[tokio::test]
async fn every_kind_of_session_is_accessible_in_light_and_dark() {
    let stage = Stage::new().await;
    let page = |session: &Value| session["url"].as_str().unwrap().to_owned();
    let landing = "success_url=http://shop.example/done&cancel_url=http://shop.example";
    let monthly = line(0, "Tea every month", 1900, "eur")
        + "&line_items[0][price_data][recurring][interval]=month";
    let subscription = format!("mode=subscription&{landing}&{monthly}");
    let trial = format!("{subscription}&subscription_data[trial_period_days]=14&locale=de");
    let give = "currency=eur&product_data[name]=Tea+for+everyone&custom_unit_amount[enabled]=true&custom_unit_amount[preset]=1500";
    let give = stage.post("/v1/prices", give).await;
    let give = format!(
        "mode=payment&submit_type=donate&{landing}&line_items[0][quantity]=1&line_items[0][price]={}",
        give["id"].as_str().unwrap()
    );
    let sessions = "/v1/checkout/sessions";
    let subscription = stage.post(sessions, &subscription).await;
    let trial = stage.post(sessions, &trial).await;
    let setup = stage.post(sessions, &format!("mode=setup&currency=eur&{landing}")).await;
    let give = stage.post(sessions, &give).await;
    let asks = "name_collection[business][enabled]=true&name_collection[individual][enabled]=true&name_collection[individual][optional]=true&tax_id_collection[enabled]=true&billing_address_collection=required";
    let asks = stage.simple(asks).await;
    let taken_up = stage.simple("after_expiration[recovery][enabled]=true").await;
    let expire = format!("{sessions}/{}/expire", taken_up["id"].as_str().unwrap());
    stage.post(&expire, "").await;
    let bank = "confirm=true&payment_method=pm_card_authenticationRequired";
    let bank = stage.post("/v1/setup_intents", bank).await;
    let pages = json!({
        "subscription-phone": page(&subscription), "trial-de": page(&trial),
        "setup": page(&setup), "donation-de-phone": page(&give), "names": page(&asks),
        "recovery-de-phone": page(&taken_up),
        "bank-keeps": bank["next_action"]["use_stripe_sdk"]["stripe_js"],
    });
    stage.play("everyPage", json!({ "pages": pages })).await;
}
