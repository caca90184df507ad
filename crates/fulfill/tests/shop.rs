//! The example shop (`examples/shop.rs`), run as a newcomer runs it, against the sandbox.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::PathBuf, process::Stdio};

use fulfill_sandbox::{Fault, Method, Purchase, Sandbox, Trouble};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// Looks at a page that says "being prepared" before something must be wrong.
const LOOKS_MAX: usize = 20_000;

/// Cargo builds it with the tests, beside their folder.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let shop = test.ancestors().nth(2).unwrap().join("examples/shop");
    assert!(
        shop.exists(),
        "{} is not there: cargo build -p fulfill --example shop",
        shop.display()
    );
    shop
}

/// Starts it; the process and its address.
async fn open(args: &[String]) -> (Child, String) {
    let mut shop = Command::new(example())
        .args(args)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(shop.stdout.take().unwrap()).lines();
    let line = said.next_line().await.unwrap().expect("it says where it listens");
    let address = line.strip_prefix("listening on ").unwrap().to_owned();
    (shop, address)
}

async fn stripe(sandbox: &Sandbox, path: &str, form: &[(&str, &str)]) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(format!("{}/v1/{path}", sandbox.url()));
    let answer = request.bearer_auth(sandbox.secret_key()).form(form).send().await.unwrap();
    let value: Value = answer.json().await.unwrap();
    assert!(value["error"].is_null(), "{value:#}");
    value
}

async fn get(url: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_shop_puts_who_buys_a_seat_on_its_guest_list_once() {
    let sandbox = Sandbox::builder().port(0).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Its address is known once it runs, and it needs the secret to run.
    let endpoint = stripe(
        &sandbox,
        "webhook_endpoints",
        &[("url", "http://127.0.0.1:9/"), ("enabled_events[]", "checkout.session.completed")],
    )
    .await;
    let (_shop, address) = open(&[
        format!("--key={}", sandbox.secret_key()),
        format!("--secret={}", endpoint["secret"].as_str().unwrap()),
        format!("--api-base={}", sandbox.url()),
        format!("--database=sqlite:{}", folder.path().join("shop.sqlite3").display()),
        "--listen=127.0.0.1:0".to_owned(),
    ])
    .await;
    let endpoint = format!("webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    stripe(&sandbox, &endpoint, &[("url", &format!("{address}/webhook"))]).await;
    stripe(
        &sandbox,
        "products",
        &[("id", "prod_seat"), ("name", "A seat"), ("metadata[kind]", "seat")],
    )
    .await;

    let session = stripe(
        &sandbox,
        "checkout/sessions",
        &[
            ("mode", "payment"),
            ("success_url", &format!("{address}/success?session_id={{CHECKOUT_SESSION_ID}}")),
            ("line_items[0][price_data][product]", "prod_seat"),
            ("line_items[0][price_data][currency]", "eur"),
            ("line_items[0][price_data][unit_amount]", "2500"),
            ("line_items[0][quantity]", "1"),
        ],
    )
    .await;
    let session = session["id"].as_str().unwrap();
    assert_eq!(get(&format!("{address}/guests")).await, "");
    sandbox.faults().add(Fault::new(Trouble::Duplicate).times(1));
    let ann = Purchase { name: Some("Ann Smith".into()), ..Purchase::default() };
    sandbox.pay(session, Method::Card, ann).unwrap();

    let page = format!("{address}/success?session_id={session}");
    let mut looks = 0;
    loop {
        let html = get(&page).await;
        if html.contains("data-status=\"fulfilled\"") {
            break;
        }
        looks += 1;
        assert!(html.contains("data-status=\"preparing\"") && looks < LOOKS_MAX, "{html}");
    }
    sandbox.idle().await;
    let delivered = sandbox.deliveries();
    assert_eq!(delivered.len(), 2);
    assert!(delivered.iter().all(|attempt| attempt.status == Some(200)), "{delivered:#?}");
    assert_eq!(get(&format!("{address}/guests")).await, "Ann Smith sits in row A\n");
}
