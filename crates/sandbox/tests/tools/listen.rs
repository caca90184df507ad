//! `stripe listen` and `stripe logs tail`.

use fulfill_sandbox::{Delivery, Fault, Sandbox, Trouble};
use serde_json::json;

use crate::stage::{Cli, Endpoint, Over, Stage};

const LISTEN: [&str; 2] = ["listen", "--skip-update"];

fn listen<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&LISTEN[..], more].concat()
}

#[tokio::test]
async fn the_guides_literal_line_forwards_what_it_signs() {
    let (stage, mut endpoint) = (Stage::new().await, Endpoint::new().await);
    let to = format!("{}/webhook", endpoint.address);
    let mut cli = stage.start(Cli::Old, Over::Socket, &listen(&["--forward-to", &to]));
    let secret = cli.secret().await;
    stage.stripe(&["trigger", "checkout.session.completed"]).await;
    let said = cli.until("--> checkout.session.completed").await;
    assert!(said.contains("You are using Stripe API Version [2026-10-28.endive]"), "{said}");
    let mut count = 1;
    let completed = loop {
        let came = endpoint.came(count).await;
        if let Some(completed) = came.iter().find(|one| one.kind() == "checkout.session.completed")
        {
            break completed.clone();
        }
        count = came.len() + 1;
    };
    assert!(completed.is_signed_with(&secret));
    assert!(!completed.is_signed_with("whsec_other"));
    assert_eq!(completed.json()["data"]["object"]["payment_status"], "paid");
    cli.until(&format!("[200] POST http://{to} [{}]", completed.id())).await;
}

#[tokio::test]
async fn what_the_endpoint_answered_is_in_the_log_of_deliveries() {
    let (stage, mut endpoint) = (Stage::new().await, Endpoint::new().await);
    let to = format!("{}/webhook", endpoint.address);
    let args = listen(&["--forward-to", &to, "--all-snapshot"]);
    let mut cli = stage.start(Cli::New, Over::Tcp, &args);
    cli.secret().await;
    let mut news = stage.sandbox.watch();
    stage.stripe(&["products", "create", "--name", "Tea"]).await;
    let event = endpoint.came(1).await[0].id();
    assert!(matches!(news.recv().await, Ok(Delivery::Answered { event: id, .. }) if id == event));
    let log = stage.get(&format!("/_sandbox/deliveries?event={event}")).await;
    let attempt = &log["data"][0];
    assert_eq!((&attempt["status"], &attempt["answer"]), (&json!(200), &json!("thanks")));
    assert_eq!(attempt["url"], json!(format!("http://{to}")));
    assert!(attempt["request_headers"]["Stripe-Signature"].as_str().unwrap().starts_with("t="));
    assert!(attempt["request_body"].as_str().unwrap().contains(&event));
    assert!(attempt["answer_headers"]["Content-Type"].as_str().unwrap().starts_with("text/plain"));
}

#[tokio::test]
async fn only_the_events_that_were_asked_for_come() {
    let (stage, mut endpoint) = (Stage::new().await, Endpoint::new().await);
    let to = format!("{}/some", endpoint.address);
    let connect = format!("{}/connect", endpoint.address);
    let some =
        ["--events", "customer.created", "--forward-to", &to, "--forward-connect-to", &connect];
    let mut cli = stage.start(Cli::New, Over::Tcp, &listen(&some));
    cli.secret().await;
    stage.stripe(&["products", "create", "--name", "Tea"]).await;
    stage.stripe(&["customers", "create", "--email", "ada@example.com"]).await;
    let came = endpoint.came(1).await;
    assert_eq!((came[0].kind().as_str(), came[0].path.as_str()), ("customer.created", "/some"));
    assert_eq!(came.len(), 1);
}

#[tokio::test]
async fn thin_events_come_by_name_from_both_versions() {
    for (cli, flags) in [
        (Cli::New, ["--events", "v1.product.created", "--forward-to"]),
        (Cli::Old, ["--thin-events", "v1.product.created", "--forward-thin-to"]),
    ] {
        let (stage, mut endpoint) = (Stage::new().await, Endpoint::new().await);
        let args = listen(&[&flags[..], &[&endpoint.address]].concat());
        let mut running = stage.start(cli, Over::Socket, &args);
        let secret = running.secret().await;
        let mut news = stage.sandbox.watch();
        stage.stripe(&["products", "create", "--name", "Tea"]).await;
        let thin = endpoint.came(1).await[0].clone();
        assert!(thin.is_signed_with(&secret), "{cli:?}");
        assert_eq!(thin.json()["object"], "v2.core.event", "{cli:?}");
        let snapshot = thin.json()["snapshot_event"].as_str().unwrap().to_owned();
        let snapshot = stage.get(&format!("/v1/events/{snapshot}")).await;
        assert_eq!(snapshot["data"]["object"]["id"], thin.json()["related_object"]["id"]);
        let answered = tokio::time::timeout(std::time::Duration::from_secs(10), news.recv()).await;
        assert!(answered.is_ok(), "{cli:?} did not tell the answer");
        assert_eq!(stage.sandbox.deliveries()[0].event, thin.id());
    }
}

#[tokio::test]
async fn the_latest_version_is_sent_to_those_who_ask_for_it() {
    let (stage, mut endpoint) = (Stage::new().await, Endpoint::new().await);
    let args = listen(&["--latest", "--all-snapshot", "--forward-to", &endpoint.address]);
    let mut cli = stage.start(Cli::New, Over::Tcp, &args);
    cli.secret().await;
    stage.stripe(&["products", "create", "--name", "Tea"]).await;
    assert_eq!(endpoint.came(1).await[0].json()["api_version"], "2026-10-28.endive");
}

#[tokio::test]
async fn a_connection_that_breaks_loses_nothing() {
    let (stage, mut endpoint) = (Stage::new().await, Endpoint::new().await);
    let args = listen(&["--forward-to", &endpoint.address]);
    let mut cli = stage.start(Cli::Old, Over::Socket, &args);
    cli.secret().await;
    stage.stripe(&["products", "create", "--name", "before"]).await;
    endpoint.came(1).await;
    stage.control("listeners/cut").await;
    for name in ["while", "it", "is", "away"] {
        stage.stripe(&["products", "create", "--name", name]).await;
    }
    let came = endpoint.came(5).await;
    let name = |at: usize| came[at].json()["data"]["object"]["name"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = (0..came.len()).map(name).collect();
    names.sort_unstable();
    assert_eq!(names, ["away", "before", "is", "it", "while"]);
}

#[tokio::test]
async fn a_sandbox_that_starts_again_hands_out_the_same_secret() {
    let mut endpoint = Endpoint::new().await;
    let stage = Stage::new().await;
    let args = listen(&["--all-snapshot", "--forward-to", &endpoint.address]);
    let mut cli = stage.start(Cli::New, Over::Tcp, &args);
    let secret = cli.secret().await;
    let Stage { sandbox, home } = stage;
    let port = sandbox.url().rsplit(':').next().unwrap().parse().unwrap();
    sandbox.shutdown().await;
    let sandbox = Sandbox::builder().port(port).socket(home.path().join("stripe.sock"));
    let stage = Stage { sandbox: sandbox.start().await.unwrap(), home };
    let said = cli.times(2, "whsec_").await;
    assert_eq!(said.matches(&secret).count(), 2, "{said}");
    stage.stripe(&["products", "create", "--name", "Tea"]).await;
    assert!(endpoint.came(1).await[0].is_signed_with(&secret));
    let (printed, secret_again) =
        stage.run(Cli::Old, Over::Socket, &listen(&["--print-secret"])).await;
    assert!(printed && secret_again.contains(&secret), "{secret_again}");
}

#[tokio::test]
async fn an_event_is_sent_again_to_listeners_or_to_an_endpoint() {
    let stage = Stage::new().await;
    let (mut heard, mut registered) = (Endpoint::new().await, Endpoint::new().await);
    let args = listen(&["--all-snapshot", "--forward-to", &heard.address]);
    let mut cli = stage.start(Cli::New, Over::Socket, &args);
    cli.secret().await;
    let url = format!("url=http://{}", registered.address);
    let made = ["post", "/v1/webhook_endpoints", "-d", &url, "-d", "enabled_events[]=*"];
    let endpoint = stage.json(&made).await["id"].as_str().unwrap().to_owned();
    stage.stripe(&["products", "create", "--name", "Tea"]).await;
    let event = heard.came(1).await[0].id();
    registered.came(1).await;
    stage.stripe(&["events", "resend", &event]).await;
    assert_eq!(heard.came(2).await[1].id(), event);
    stage.stripe(&["events", "resend", &event, "--webhook-endpoint", &endpoint]).await;
    assert_eq!(registered.came(2).await[1].id(), event);
    let thin = event.replacen("evt_", "evt_test_", 1);
    stage.stripe(&["events", "resend", &thin]).await;
    assert_eq!(heard.came(3).await[2].id(), event);
}

#[tokio::test]
async fn trouble_on_order_reaches_listeners_too() {
    let (stage, mut endpoint) = (Stage::new().await, Endpoint::new().await);
    let args = listen(&["--all-snapshot", "--forward-to", &endpoint.address]);
    let mut cli = stage.start(Cli::New, Over::Socket, &args);
    cli.secret().await;
    stage.sandbox.faults().add(Fault::new(Trouble::Duplicate).times(1));
    stage.sandbox.faults().add(Fault::new(Trouble::Lose).times(1));
    stage.sandbox.faults().add(Fault::new(Trouble::Split).times(1));
    for name in ["twice", "never", "split"] {
        stage.stripe(&["products", "create", "--name", name]).await;
    }
    let came = endpoint.came(4).await;
    let of = |name: &str| -> Vec<String> {
        let named = |one: &&crate::stage::Came| one.json()["data"]["object"]["name"] == *name;
        came.iter().filter(named).map(crate::stage::Came::id).collect()
    };
    let (twice, split) = (of("twice"), of("split"));
    assert_eq!((twice.len(), split.len(), of("never").len()), (2, 2, 0));
    assert_eq!(twice[0], twice[1]);
    assert_ne!(split[0], split[1]);
}

#[tokio::test]
async fn the_log_of_requests_can_be_followed_and_narrowed() {
    let stage = Stage::new().await;
    let mut all = stage.start(Cli::New, Over::Socket, &["logs", "tail"]);
    let narrow = ["logs", "tail", "--filter-status-code-type", "4XX", "--format", "JSON"];
    let mut failed = stage.start(Cli::Old, Over::Socket, &narrow);
    all.until("Ready!").await;
    failed.until("Ready!").await;
    stage.stripe(&["products", "create", "--name", "Tea"]).await;
    stage.run(Cli::New, Over::Socket, &["products", "retrieve", "prod_none"]).await;
    all.until("[200] POST /v1/products [req_").await;
    let said = all.until("[404] GET /v1/products/prod_none").await;
    assert!(!said.contains("stripecli"), "{said}");
    let form = format!("{}/_sandbox/look/links", stage.sandbox.url());
    let made = reqwest::Client::new().post(form).header("origin", stage.sandbox.url());
    made.body("name=Tea&amount=12.50&currency=eur&quantity=1&after=page").send().await.unwrap();
    all.until("[200] POST /v1/payment_links [req_").await;
    let said = failed.until("resource_missing").await;
    assert!(!said.contains("POST"), "{said}");
}
