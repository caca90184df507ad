//! The sandbox as a program of its own.

use std::process::Command;

use crate::running::{Running, Said, fulfilld, http, run, try_http};

const KEY: &str = "Authorization: Bearer sk_test_1\r\n";

/// Starts it on a free port; where it listens.
fn start(folder: &std::path::Path, more: &[&str]) -> (Running, String) {
    let running = Running::start(fulfilld(folder, &[&["sandbox", "--port", "0"], more].concat()));
    let url = running.heard("STRIPE_API_BASE=");
    (running, url)
}

fn clock(folder: &std::path::Path, more: &[&str]) -> Said {
    run(fulfilld(folder, &[&["sandbox", "clock"], more].concat()))
}

#[test]
fn the_clock_of_a_running_sandbox_is_seen_and_turned_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (running, url) = start(folder.path(), &["--data", "shop.data"]);
    let seen = clock(folder.path(), &["--url", &url]);
    assert_eq!(seen.code, Some(0), "{}", seen.err);
    assert!(seen.out.ends_with(" UTC\n"), "{}", seen.out);
    let turned = clock(folder.path(), &["advance", "1d12h", "--url", &url]);
    assert!(turned.out.contains("(1d12h ahead)"), "{}{}", turned.out, turned.err);
    assert_eq!(running.terminate().0, Some(0));
    let (_running, url) = start(folder.path(), &["--data", "shop.data"]);
    let port = url.rsplit(':').next().unwrap();
    assert!(clock(folder.path(), &["--port", port]).out.contains("(1d12h ahead)"));
}

#[test]
fn the_port_of_a_clock_stands_before_it_or_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_running, url) = start(folder.path(), &[]);
    let port = url.rsplit(':').next().unwrap();
    for words in [
        ["sandbox", "--port", port, "clock", "advance", "1h"],
        ["sandbox", "clock", "--port", port, "advance", "1h"],
        ["sandbox", "clock", "advance", "1h", "--port", port],
    ] {
        let said = run(fulfilld(folder.path(), &words));
        assert!(said.out.contains("h ahead)"), "{words:?}: {}{}", said.out, said.err);
    }
    for more in [["--data", "x"], ["--seed", "7"], ["--settle", "3"], ["--forward-to", "4242"]] {
        let words = [&["sandbox", "--port", port][..], &more, &["clock"]].concat();
        let said = run(fulfilld(folder.path(), &words));
        assert_eq!(said.code, Some(1), "{words:?}");
        assert!(said.err.contains(&format!("{}: only a sandbox", more[0])), "{}", said.err);
    }
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    for to in ["nope", "ftp://localhost/", "http://"] {
        let words = ["sandbox", "--port", "0", "--forward-to", to];
        let said = run(fulfilld(folder.path(), &words));
        assert_eq!(said.code, Some(1), "{to}");
        assert!(said.err.contains(&format!("--forward-to {to}: no address")), "{}", said.err);
    }
}

#[test]
fn a_clock_that_is_not_there_is_told_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let said = clock(folder.path(), &["--url", "http://127.0.0.1:1"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("no sandbox answers at http://127.0.0.1:1. Start one"),
        "{}",
        said.err
    );
    let said = clock(folder.path(), &["advance", "3", "--port", "1"]);
    assert!(said.err.contains("3: write it as 30s"), "{}", said.err);
    let said = clock(folder.path(), &["--url", "nonsense"]);
    assert!(said.err.contains("--url nonsense: write it as"), "{}", said.err);
}

#[test]
fn faults_come_from_a_file_and_a_bad_one_is_named_with_line_and_member() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults.json");
    std::fs::write(&file, "[{\"kind\": \"html\",\n \"status\": \"502\"}]").unwrap();
    let said = run(fulfilld(folder.path(), &["sandbox", "--port", "0", "--faults", "faults.json"]));
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("--faults faults.json: line 2: status: invalid type"),
        "{}",
        said.err
    );
    let said = run(fulfilld(folder.path(), &["sandbox", "--port", "0", "--faults", "none.json"]));
    assert!(said.err.contains("--faults none.json: it cannot be read"), "{}", said.err);
    std::fs::write(&file, "[{\"kind\": \"lose\", \"times\": 3}]").unwrap();
    let (_running, url) = start(folder.path(), &["--faults", "faults.json"]);
    let (_, listed) = http(&url, "GET /_sandbox/faults", "", "");
    assert!(listed.contains("{\"kind\":\"lose\",\"after\":0,\"times\":3}"), "{listed}");
}

#[test]
fn a_data_file_in_use_and_a_port_in_use_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (_running, url) = start(folder.path(), &["--data", "shop.data"]);
    let port = url.rsplit(':').next().unwrap();
    let said = run(fulfilld(folder.path(), &["sandbox", "--port", "0", "--data", "shop.data"]));
    assert!(said.err.contains("shop.data is in use by another sandbox"), "{}", said.err);
    let said = run(fulfilld(folder.path(), &["sandbox", "--port", port]));
    assert!(said.err.contains("Is another one running?"), "{}", said.err);
}

/// A disk that is full, as far as the program can tell: files may not grow beyond a size.
#[test]
fn a_full_disk_is_answered_500_and_nothing_is_acknowledged_that_was_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let program = fulfilld(folder.path(), &["sandbox", "--port", "0", "--data", "shop.data"]);
    let mut limited = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 16; exec \"$@\"";
    limited.args(["-c", script, "sh"]).arg(program.get_program()).args(program.get_args());
    limited.current_dir(folder.path());
    let running = Running::start(limited);
    let url = running.heard("STRIPE_API_BASE=");
    let form = format!("name={}", "x".repeat(3_000));
    let answers: Vec<(u16, String)> =
        (0..10).map(|_| http(&url, "POST /v1/products", KEY, &form)).collect();
    let made = answers.iter().filter(|(status, _)| *status == 200).count();
    assert!((1..10).contains(&made), "{answers:?}");
    assert_eq!(answers[9].0, 500);
    assert!(answers[9].1.contains("The sandbox cannot write its data file"), "{}", answers[9].1);
    running.heard("the data file cannot be written");
    drop(running);
    let (_running, url) = start(folder.path(), &["--data", "shop.data"]);
    let (_, listed) = http(&url, "GET /v1/products?limit=100", KEY, "");
    assert_eq!(listed.matches("\"object\":\"product\"").count(), made, "{listed}");
}

#[test]
fn forwarding_says_each_event_and_its_answer_and_signs_with_a_secret_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens at the first port; the sandbox itself answers 404 at its own.
    let (nobody, url) = start(folder.path(), &["--forward-to", "localhost:9/webhook"]);
    let secret = nobody.heard("STRIPE_WEBHOOK_SECRET=");
    let secret = secret.split_whitespace().next().unwrap();
    assert_eq!(http(&url, "POST /v1/products", KEY, "name=Tea").0, 200);
    assert!(nobody.heard("  --> ").starts_with("product.created [evt_"));
    nobody.heard("<--  [ERROR] POST http://localhost:9/webhook [evt_");
    let to = format!("{url}/webhook");
    let (running, url) = start(folder.path(), &["--forward-to", &to]);
    assert!(running.heard("STRIPE_WEBHOOK_SECRET=").starts_with(secret));
    assert_eq!(http(&url, "POST /v1/products", KEY, "name=Tea").0, 200);
    running.heard(&format!("<--  [404] POST {to} [evt_"));
}

#[test]
fn what_was_answered_before_a_kill_is_there_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let (running, url) = start(folder.path(), &["--data", "shop.data"]);
    let (say, answered) = std::sync::mpsc::sync_channel(0);
    for _ in 0..4 {
        let (say, url) = (say.clone(), url.clone());
        std::thread::spawn(move || {
            // Until the sandbox is killed in the middle of it all.
            while let Some(answer) = try_http(&url, "POST /v1/products", KEY, "name=Tea")
                && say.send(answer).is_ok()
            {}
        });
    }
    drop(say);
    let mut answers: Vec<String> = answered.iter().take(100).collect();
    drop(running);
    answers.extend(answered.iter());
    let (_running, url) = start(folder.path(), &["--data", "shop.data"]);
    for made in answers {
        let id = made.split('"').nth(3).unwrap();
        let (status, now) = http(&url, &format!("GET /v1/products/{id}"), KEY, "");
        assert_eq!((status, now), (200, made));
    }
}
