//! The page `docs/offline.md` is run as it is printed; only addresses are those of the test.

use std::sync::OnceLock;

use fulfill_sandbox::{Method, Purchase};
use tokio::process::Command;

use crate::{
    sdks::{node, python},
    stage::{Endpoint, Running, Stage, said, tool},
};

/// A block of the page, by the comment above it, with the test's addresses.
fn block(name: &str, stage: &Stage, endpoint: &str) -> String {
    static PAGE: OnceLock<&str> = OnceLock::new();
    let page = PAGE.get_or_init(|| include_str!("../../../../docs/offline.md"));
    let block = page.split(&format!("<!-- {name} -->\n```")).nth(1);
    let block = block.unwrap_or_else(|| panic!("the page has no block {name}"));
    let block = block.split("\n```").next().unwrap().split_once('\n').unwrap().1;
    let port = stage.sandbox.url().rsplit(':').next().unwrap();
    let own = endpoint.rsplit(':').next().unwrap();
    block
        .replace("/tmp/stripe.sock", stage.home.path().join("stripe.sock").to_str().unwrap())
        .replace("12111", port)
        .replace("4242", own)
}

/// A shell that finds the CLI under its name.
fn shell(stage: &Stage, script: &str) -> Command {
    let cli = tool("node_modules/stripe-cli/bin/stripe");
    let mut command = Command::new("bash");
    stage.at_home(&mut command);
    let cli = cli.parent().unwrap().display();
    command.args(["-ec", &format!("PATH={cli}:$PATH\n{script}")]).env_remove("STRIPE_API_KEY");
    command
}

/// A port that nobody uses now.
fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("localhost:{}", listener.local_addr().unwrap().port())
}

#[tokio::test]
async fn the_page_with_the_cli_works_as_printed() {
    let (stage, mut endpoint) = (Stage::new().await, Endpoint::new().await);
    let listen = block("listen", &stage, &endpoint.address);
    // The last line replaces the shell, so that ending the one ends the other.
    let listen = listen.replace("\nstripe ", "\nexec stripe ");
    let mut cli = Running::new(shell(&stage, &listen));
    let secret = cli.secret().await;
    let (succeeded, text) = said(shell(&stage, &block("trigger", &stage, ""))).await;
    assert!(succeeded && text.contains("Trigger succeeded!"), "{text}");
    cli.until("--> checkout.session.completed").await;
    assert!(endpoint.came(1).await[0].is_signed_with(&secret));
}

/// Runs a shop of the page, pays its session and waits until it has verified the event.
async fn sells(stage: Stage, shop: Command) {
    let mut shop = Running::new(shop);
    let text = shop.until("Pay here: http").await;
    let url = text.split("Pay here: ").nth(1).unwrap().split_whitespace().next().unwrap();
    let session = url.rsplit('/').next().unwrap().split('#').next().unwrap();
    stage.sandbox.pay(session, Method::Card, Purchase::default()).unwrap();
    shop.until("checkout.session.completed paid").await;
}

#[tokio::test]
async fn the_page_with_stripe_node_works_as_printed() {
    let stage = Stage::new().await;
    let shop = node(&stage, &block("node", &stage, &free_port()));
    sells(stage, shop).await;
}

#[tokio::test]
async fn the_page_with_stripe_python_works_as_printed() {
    let stage = Stage::new().await;
    let shop = python(&stage, &block("python", &stage, &free_port()));
    sells(stage, shop).await;
}

#[tokio::test]
async fn the_pages_controls_work_as_printed() {
    let stage = Stage::new().await;
    let create = ["checkout", "sessions", "create", "--mode", "payment", "--success-url"];
    let line = ["http://localhost/", "-d", "line_items[0][quantity]=1", "-d"];
    let price = ["line_items[0][price_data][currency]=eur", "-d"];
    let rest = ["line_items[0][price_data][unit_amount]=1200", "-d"];
    let name = ["line_items[0][price_data][product_data][name]=Tea"];
    let session = stage.json(&[&create[..], &line, &price, &rest, &name].concat()).await;
    let script = block("test", &stage, "").replace("cs_test_...", session["id"].as_str().unwrap());
    let (succeeded, text) = said(shell(&stage, &script.replace("curl ", "curl -fsS "))).await;
    assert!(succeeded && text.contains("\"payment_status\":\"paid\""), "{text}");
}
