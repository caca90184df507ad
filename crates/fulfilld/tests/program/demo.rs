use std::{collections::BTreeSet, fs, net::TcpListener};

use serde_json::Value;

use crate::running::{Running, Said, fulfilld, http, run};

fn demo(args: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    run(fulfilld(folder.path(), &[&["demo"], args].concat()))
}

fn bought(args: &[&str]) -> Vec<Value> {
    let said = demo(&[&["--buy", "--json"], args].concat());
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_way_to_pay_ends_as_it_should() {
    for (method, status) in [
        ("card", "fulfilled"),
        ("debit", "fulfilled"),
        ("debit-fails", "payment_failed"),
        ("free", "fulfilled"),
    ] {
        let orders = bought(&["--method", method]);
        assert_eq!(orders.len(), 1, "{method}");
        assert_eq!(orders[0]["status"], status, "{method}");
        assert!(orders[0]["id"].as_str().unwrap().starts_with("cs_test_"), "{method}");
    }
}

#[test]
fn a_declined_card_makes_no_order() {
    let told = bought(&["--method", "declined"]);
    assert_eq!(told[0]["status"], Value::Null);
    assert_eq!(told[0]["declined"], "Your card was declined.");
}

#[test]
fn case_28_an_order_of_forty_lines_has_forty_lines() {
    let orders = bought(&["--lines", "40"]);
    let lines = orders[0]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 40);
    let keys: BTreeSet<&str> = orders[0]["effects"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|effect| effect["kind"] == "key")
        .map(|effect| effect["value"].as_str().unwrap())
        .collect();
    assert_eq!(keys.len(), 10, "each tenth of the basket is a license, and each has its own key");
    assert_eq!(orders[0]["shipping"]["address"]["city"], "Wien");
}

#[test]
fn thirty_buyers_get_thirty_orders() {
    let orders = bought(&["--count", "30"]);
    let ids: BTreeSet<&str> = orders.iter().map(|order| order["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 30);
    assert!(orders.iter().all(|order| order["status"] == "fulfilled"));
}

#[test]
fn people_read_what_was_bought_and_what_went_out() {
    let said = demo(&["--buy"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for words in ["fulfilled", "1 × Video course", "grant course: done", "paid 49.00 EUR"] {
        assert!(said.out.contains(words), "{words:?} is not in\n{}", said.out);
    }
}

#[test]
fn taken_ports_are_told_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = demo(&["--port", &port, "--sandbox-port", "0"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains(&format!("port {port} is taken")), "{}", said.err);
    assert!(said.err.contains("choose another with --port"), "{}", said.err);
    let said = demo(&["--port", "0", "--sandbox-port", &port]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("choose another with --sandbox-port"), "{}", said.err);
}

#[test]
fn a_folder_that_cannot_be_used_is_told_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fulfilld-demo"), "a file").unwrap();
    let said = run(fulfilld(folder.path(), &["demo", "--port", "0", "--sandbox-port", "0"]));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("the demo's folder fulfilld-demo: there is a file"), "{}", said.err);
    assert!(said.err.contains("--data"), "{}", said.err);
}

#[test]
fn the_demo_shows_a_shop_and_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let demo =
        Running::start(fulfilld(folder.path(), &["demo", "--port", "0", "--sandbox-port", "0"]));
    let shop = demo.heard("the shop").trim().to_owned();
    demo.heard("Events pass below");
    let (status, page) = http(&shop, "GET /", "", "");
    assert_eq!(status, 200);
    assert!(page.contains("Video course") && page.contains("Payment Link"), "{page}");
    let (status, page) = http(&shop, "GET /mailbox", "", "");
    assert_eq!(status, 200);
    assert!(page.contains("Nothing yet"), "{page}");
    let settings = folder.path().join("fulfilld-demo/fulfilld.toml");
    let list = fulfilld(folder.path(), &["--config", settings.to_str().unwrap(), "orders", "list"]);
    let said = run(list);
    assert_eq!((said.code, said.out.trim()), (Some(0), "no orders"), "{}", said.err);
    let (code, said) = demo.terminate();
    assert_eq!(code, Some(0), "{said:#?}");
}
