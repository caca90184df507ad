use std::net::TcpListener;

use serde_json::Value;

use crate::{
    running::{Running, fulfilld, http, run},
    shop::Shop,
};

#[test]
fn serve_stops_cleanly_when_asked() {
    let shop = Shop::open();
    let (serve, address) = shop.serve();
    let session = shop.buy(&["course"]);
    let (status, page) = http(&address, &format!("GET /success?session_id={session}"), "", "");
    assert_eq!(status, 200);
    assert!(page.contains("data-status=\"fulfilled\""), "{page}");
    let (code, said) = serve.terminate();
    assert_eq!(code, Some(0), "{said:#?}");
    assert!(said.iter().any(|line| line.ends_with("stopped")), "{said:#?}");
    let listed = run(shop.fulfilld(&["orders", "list"]));
    assert!(listed.out.contains(&session), "{}", listed.out);
}

#[test]
fn a_stop_waits_for_the_buyer_whose_page_is_under_way() {
    let shop = Shop::open();
    let (serve, address) = shop.serve();
    let session = shop.buy(&["course"]);
    let slow = r#"{"kind": "slow", "ms": 1500, "path": "/v1/checkout/sessions/", "times": 1}"#;
    assert_eq!(http(&shop.api, "POST /_sandbox/faults", "", slow).0, 200);
    let page = std::thread::spawn(move || {
        http(&address, &format!("GET /success?session_id={session}"), "", "")
    });
    let asked = || !http(&shop.api, "GET /_sandbox/faults", "", "").1.contains("slow");
    assert!((0..100_000).any(|_| asked()), "the session is never asked for");
    let (code, said) = serve.terminate();
    assert_eq!(code, Some(0), "{said:#?}");
    let (status, page) = page.join().unwrap();
    assert_eq!(status, 200);
    assert!(page.contains("data-status=\"fulfilled\""), "{page}");
}

#[test]
fn serve_says_what_is_still_missing() {
    let shop = Shop::open();
    let mut command = shop.fulfilld(&["serve"]);
    command.env_remove("FULFILLD_API_TOKEN");
    let serve = Running::start(command);
    serve.heard("test mode, SQLite, ./fulfilld-data/fulfilld.sqlite3, 4 products");
    serve.heard("STRIPE_API_BASE");
    serve.heard("FULFILLD_PUBLIC_URL is not set");
    serve.heard(
        "Stripe has delivered nothing yet: `fulfilld endpoint create --url https://YOUR-ADDRESS",
    );
    serve.heard("FULFILLD_API_TOKEN is not set");
    serve.heard("FULFILLD_SMTP is not set: mail waits");
}

#[test]
fn a_second_serve_on_one_sqlite_file_is_refused() {
    let shop = Shop::open();
    let (_serve, _) = shop.serve();
    let said = run(shop.fulfilld(&["serve"]));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("another fulfilld works on"), "{}", said.err);
}

#[test]
fn a_taken_port_is_told_with_the_way_out() {
    let shop = Shop::open();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut serve = shop.fulfilld(&["serve"]);
    serve.env("FULFILLD_LISTEN", taken.local_addr().unwrap().to_string());
    let said = run(serve);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("is taken") && said.err.contains("FULFILLD_LISTEN"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn the_data_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::open();
    let (_serve, _) = shop.serve();
    let data = shop.folder.path().join("fulfilld-data");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in std::fs::read_dir(&data).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn an_endpoint_is_made_once_and_its_events_arrive() {
    let shop = Shop::open();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let url = format!("http://{address}/webhook");
    let made = run(shop.fulfilld(&["endpoint", "create", "--url", &url, "--json"]));
    assert_eq!(made.code, Some(0), "{}", made.err);
    let made: Value = serde_json::from_str(&made.out).unwrap();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));

    let again = run(shop.fulfilld(&["endpoint", "create", "--url", &url]));
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains(made["id"].as_str().unwrap()), "{}", again.err);
    assert!(!again.err.contains(secret));

    let mut command = shop.fulfilld(&["serve"]);
    command.env("FULFILLD_LISTEN", &address).env("STRIPE_WEBHOOK_SECRET", secret);
    let serve = Running::start(command);
    serve.heard("listening on");
    let session = shop.buy(&["course"]);
    assert!(serve.heard("fulfilled checkout session").contains(&session));
}

#[test]
fn live_events_are_not_sent_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let mut create =
        fulfilld(folder.path(), &["endpoint", "create", "--url", "http://example.com/webhook"]);
    create.env("STRIPE_SECRET_KEY", "sk_live_abc");
    let said = run(create);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("https only"), "{}", said.err);
}

#[test]
fn while_nobody_can_sign_in_serve_prints_a_link_and_the_command_line_makes_another() {
    let shop = Shop::open();
    let (serve, address) = shop.serve();
    let link = serve.heard("/dashboard/setup?token=");
    let (status, page) = http(&address, &format!("GET /dashboard/setup?token={link}"), "", "");
    assert_eq!(status, 200);
    assert!(page.contains("Choose the name and the password"), "{page}");
    let another = run(shop.fulfilld(&["dashboard", "link"]));
    assert_eq!(another.code, Some(0), "{}", another.err);
    let (_, token) = another.out.trim().split_once("/dashboard/setup?token=").unwrap();
    let (status, _) = http(&address, &format!("GET /dashboard/setup?token={token}"), "", "");
    assert_eq!(status, 200);
}
