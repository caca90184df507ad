//! A merchant's day in a real browser: Debian's Chromium, driven by the script beside this file. What it
//! needs stands below `target/tools` (`cargo xtask test` puts it there); screenshots go to
//! `target/screenshots`.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

#[expect(dead_code, reason = "other stories use more of it")]
#[path = "../web/bench.rs"]
mod bench;
#[expect(dead_code, reason = "other stories use more of it")]
#[path = "../web/stripe.rs"]
mod stripe;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bench::{Site, event};
use fulfill::{
    actions::{Action, Fault, Job, Receipt},
    store::SummaryClaim,
};
use fulfill_rules::{
    delivery::{DeliveryStatus, Next},
    plan::Product,
};
use serde_json::{Value, json};
use stripe::{line, paid, unpaid};

const CATALOG: &str = r#"
    [[product]]
    id = "prod_course"
    grant = { access = "course", days = 365, url = "https://example.com/course" }
    [[product]]
    id = "prod_editor"
    key = { pool = "editor" }
    [[product]]
    id = "prod_shirt"
    stock = { sku = "SHIRT-M" }
    parcel = {}
    [[product]]
    id = "prod_poster"
    stock = { sku = "POSTER" }
    parcel = {}
    [[product]]
    id = "prod_handmade"
    manual = true
    [[product]]
    id = "prod_seat"
    action = { kind = "invite" }
"#;
const PASSWORD: &str = "correct horse battery";
const EVIL: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&";

/// One browser at a time is enough for a small machine.
static BROWSER: Mutex<()> = Mutex::new(());

/// Invites to a room that is closed until somebody opens it.
struct Invite(Arc<AtomicBool>);

impl Action for Invite {
    const KIND: &'static str = "invite";
    type Input = std::collections::BTreeMap<String, String>;

    async fn run(&self, _: Job<Self::Input>) -> Result<Receipt, Fault> {
        if self.0.load(Ordering::SeqCst) {
            Ok(Receipt::said("invited to the blue room"))
        } else {
            Err(Fault::refuse("closed", "the blue room is closed"))
        }
    }
}

struct Stage {
    site: Site,
    room: Arc<AtomicBool>,
}

impl Stage {
    async fn new() -> Self {
        #[derive(serde::Deserialize)]
        struct File {
            product: Vec<Product>,
        }
        let room = Arc::<AtomicBool>::default();
        let products = toml::from_str::<File>(CATALOG).unwrap().product;
        let invite = Invite(Arc::clone(&room));
        let site = Site::with(|builder| builder.products(products).action(invite)).await;
        site.fulfill.add_person("Ann", PASSWORD).await.unwrap();
        Self { site, room }
    }

    /// Three weeks of a shop that sells well.
    async fn weeks(&self) {
        let store = self.site.fulfill.store();
        store.add_stock("POSTER", 60).await.unwrap();
        let keys: Vec<String> = (1..=40).map(|n| format!("EDIT-{n:04}")).collect();
        store.import_keys("editor", &keys).await.unwrap();
        let long = "enterprise_edition_for_teams_with_a_very_long_name_2027";
        store.import_keys(long, &["KEY-1"]).await.unwrap();
        for day in 0..21_u32 {
            for nth in 0..=(day * 7 % 5) {
                let product = if nth % 2 == 0 { "course" } else { "editor" };
                let mut session = paid(&format!("cs_test_day{day}n{nth}"), &[product]);
                session["amount_total"] = (1_900 + nth * 700).into();
                if nth == 3 {
                    session["currency"] = "jpy".into();
                }
                self.site.buy(session).await;
            }
            self.site.clock.advance(Duration::from_secs(86_400));
        }
    }

    /// A morning on which everything waits that can wait.
    async fn morning(&self) {
        let site = &self.site;
        site.fulfill.store().add_stock("POSTER", 60).await.unwrap();
        for (id, products) in [
            ("cs_test_handmade", &["handmade"][..]),
            ("cs_test_unknown", &["surprise"]),
            ("cs_test_shirt", &["shirt", "course"]),
            ("cs_test_editor", &["editor", "editor"]),
            ("cs_test_seat", &["seat"]),
            ("cs_test_poster", &["poster"]),
            ("cs_test_posters", &["poster", "course"]),
        ] {
            site.buy(named(id, products)).await;
        }
        site.buy(unpaid("cs_test_debit", "complete", "processing")).await;
        assert_eq!(site.deliver("{\"id\":\"evt_odd\",\"object\":\"noise\"}").await.status, 200);
        let stuck = async {
            while site.known("cs_test_seat").await.unwrap().order.unwrap().reason.is_none() {
                site.clock.sleep(Duration::from_secs(1)).await;
            }
        };
        site.turning(stuck).await;
        // A day of which nobody could be told.
        let store = site.fulfill.store();
        let claim = store.claim_summary("2023-12-31").await.unwrap();
        assert!(matches!(claim, SummaryClaim::Ours { attempt: 1, .. }), "{claim:?}");
        let said = Some("refused (550): 5.1.1 there is no kim@shop.example here".to_owned());
        let stuck = Next { status: DeliveryStatus::Stuck, due_at: None, said };
        assert!(store.finish_summary("2023-12-31", 1, &stuck).await.unwrap());
    }

    /// Stripe tells of a session and does not answer what was bought.
    async fn trouble(&self) {
        let (site, id) = (&self.site, "cs_test_away");
        site.stripe.fails(id, 500, "away");
        site.deliver(event("evt_away", "checkout.session.completed", id)).await;
        site.turning(async {
            while site.known(id).await.is_none_or(|view| view.tries < 5) {
                site.clock.sleep(Duration::from_secs(1)).await;
            }
        })
        .await;
    }

    fn given(&self) -> Value {
        json!({ "origin": self.site.url, "name": "Ann", "password": PASSWORD })
    }

    /// Plays a story; meanwhile the clock goes on.
    async fn play(&self, story: &str, given: Value) {
        let (origin, story) = (self.site.url.clone(), story.to_owned());
        let played = tokio::task::spawn_blocking(move || play(&origin, &story, &given));
        let clock = self.site.clock.clone();
        let turned = async {
            let mut pace = tokio::time::interval(Duration::from_millis(100));
            loop {
                pace.tick().await;
                clock.advance(Duration::from_secs(1));
            }
        };
        tokio::select! {
            played = played => played.unwrap(),
            () = turned => {}
        }
    }
}

/// A session of somebody else each time.
fn named(id: &str, products: &[&str]) -> Value {
    let mut session = paid(id, products);
    let name = match id {
        "cs_test_handmade" => "Grace Hopper",
        "cs_test_unknown" => "Emmy Noether",
        "cs_test_shirt" => "Katherine Johnson",
        "cs_test_editor" => "Annie Easley",
        "cs_test_seat" => "Mary Kenneth Keller",
        "cs_test_poster" => "Radia Perlman",
        _ => "Hedy Lamarr",
    };
    session["customer_details"]["name"] = name.into();
    let mail = format!("{}@example.com", name.split(' ').next().unwrap().to_lowercase());
    session["customer_details"]["email"] = mail.into();
    session["collected_information"]["shipping_details"]["name"] = name.into();
    if ["cs_test_handmade", "cs_test_shirt", "cs_test_posters"].contains(&id) {
        session["custom_fields"] = json!([
            { "key": "print", "type": "text", "label": { "custom": "Name on it", "type": "custom" },
                "text": { "value": format!("For {name}, with love") } },
            { "key": "color", "type": "dropdown", "label": { "custom": "Color", "type": "custom" },
                "dropdown": { "value": "blue",
                    "options": [{ "label": "Sea blue", "value": "blue" }] } },
        ]);
    }
    session
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_path_buf()
}

/// Where the driver of the browser is.
#[expect(clippy::disallowed_methods, reason = "xtask tells the tests where the tools are")]
fn tools() -> PathBuf {
    let told = std::env::var("FULFILLD_TEST_TOOLS");
    let tools = told.map_or_else(|_| target().join("tools"), PathBuf::from);
    for package in ["puppeteer-core", "axe-core"] {
        let at = tools.join("node_modules").join(package);
        assert!(
            at.exists(),
            "the browser stories need {package} at {}: type cargo xtask test, which installs it",
            at.display()
        );
    }
    tools
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
    let tools = tools();
    let (node, chromium) = (program("node"), program("chromium"));
    let _one = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/merchant/day.mjs");
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
        "{story}: {}{}",
        String::from_utf8_lossy(&played.stdout),
        String::from_utf8_lossy(&played.stderr)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchants_day_from_a_full_list_to_an_empty_one_by_keyboard() {
    let stage = Stage::new().await;
    stage.morning().await;
    stage.room.store(true, Ordering::SeqCst);
    stage.play("day", stage.given()).await;
    for (id, last) in [
        ("cs_test_handmade", "fulfilled"),
        ("cs_test_unknown", "fulfilled"),
        ("cs_test_shirt", "fulfilled"),
        ("cs_test_editor", "fulfilled"),
        ("cs_test_seat", "fulfilled"),
        ("cs_test_poster", "fulfilled"),
    ] {
        let order = stage.site.known(id).await.unwrap().order.unwrap();
        assert_eq!(order.status.as_str(), last, "{id}: {:?}", order.reason);
        let by_ann = order.timeline.iter().any(|told| told.who.as_deref() == Some("Ann"));
        assert!(by_ann || id == "cs_test_editor", "{id}: {:?}", order.timeline);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_press_of_a_key_is_one_act_however_long_it_is_held() {
    let stage = Stage::new().await;
    stage.morning().await;
    stage.play("held", stage.given()).await;
    for (id, acts) in [
        ("cs_test_handmade", 1),
        ("cs_test_unknown", 1),
        ("cs_test_shirt", 1),
        ("cs_test_editor", 1),
        ("cs_test_seat", 0),
        ("cs_test_poster", 0),
    ] {
        let order = stage.site.known(id).await.unwrap().order.unwrap();
        let by_ann = order.timeline.iter().filter(|told| told.what.contains(" by Ann: "));
        assert_eq!(by_ann.count(), acts, "{id}: {:?}", order.timeline);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_at_one_list_see_what_the_other_does_and_overwrite_nothing() {
    let stage = Stage::new().await;
    stage.site.fulfill.add_person("Berta", PASSWORD).await.unwrap();
    stage.morning().await;
    stage.play("together", stage.given()).await;
    let order = stage.site.known("cs_test_poster").await.unwrap().order.unwrap();
    let parcel = order.effects.iter().find(|effect| effect.value.is_some()).unwrap();
    assert_eq!((parcel.subject.as_str(), parcel.value.as_deref()), ("DHL", Some("111")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_is_done_by_forms_and_links_where_no_script_runs() {
    let stage = Stage::new().await;
    stage.morning().await;
    stage.play("plain", stage.given()).await;
    let order = stage.site.known("cs_test_handmade").await.unwrap().order.unwrap();
    assert_eq!(order.status.as_str(), "fulfilled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_shows_what_happens_without_a_reload() {
    let stage = Stage::new().await;
    let session = named("cs_test_handmade", &["handmade"]);
    stage.site.stripe.knows(session);
    let body = event("evt_1", "checkout.session.completed", "cs_test_handmade");
    let mut given = stage.given();
    // The browser itself rings the bell, when its page is open.
    given["body"] = body.clone().into();
    given["signature"] = json!(signed(&stage, &body));
    stage.play("live", given).await;
}

fn signed(stage: &Stage, body: &str) -> String {
    fulfill::stripe::sign(bench::SECRET, stage.site.clock.now() / 1_000, body.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_accessible_in_light_and_dark_on_desk_and_phone() {
    let stage = Stage::new().await;
    stage.play("empty", stage.given()).await;
    stage.weeks().await;
    stage.morning().await;
    let mut evil = paid("cs_test_evil", &["surprise", "handmade"]);
    evil["customer_details"] = json!({ "email": EVIL, "name": EVIL, "phone": EVIL });
    evil["client_reference_id"] = EVIL.into();
    evil["line_items"]["data"][0] = line(1, EVIL, 3, 1_900);
    evil["collected_information"]["shipping_details"]["name"] = EVIL.into();
    evil["collected_information"]["shipping_details"]["address"]["line1"] = EVIL.into();
    evil["custom_fields"] = json!([
        { "key": EVIL, "label": { "custom": EVIL }, "text": { "value": EVIL } },
        { "key": "long", "label": { "custom": "Long" }, "text": { "value": "x".repeat(255) } },
    ]);
    stage.site.buy(evil).await;
    stage.trouble().await;
    stage.play("everyPage", stage.given()).await;
}
