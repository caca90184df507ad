//! In a real browser: a buyer, from the demo's shop to the order found again; and a merchant who looks at
//! the mails. Debian's Chromium, driven by the scripts beside this file. What it needs stands below `target/tools` (`cargo xtask test` puts
//! it there); screenshots go to `target/screenshots`.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

#[path = "../program/running.rs"]
#[expect(dead_code, reason = "the program's stories use more of it")]
mod running;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use running::{Running, fulfilld};
use serde_json::{Value, json};

/// One browser at a time is enough for a small machine.
static BROWSER: Mutex<()> = Mutex::new(());

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

/// Plays a story of a script, at these origins and no others.
fn play(script: &str, story: &str, given: &Value, origins: &str) {
    let tools = target().join("tools");
    for package in ["puppeteer-core", "axe-core"] {
        let at = tools.join("node_modules").join(package);
        let way = "type cargo xtask test, which installs it";
        assert!(at.exists(), "the browser stories need {package} at {}: {way}", at.display());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser").join(script);
    let played = Command::new(program("node"))
        .arg(script)
        .args([story, &given.to_string()])
        .env("TOOLS", &tools)
        .env("CHROMIUM", program("chromium"))
        .env("SHOTS", target().join("screenshots"))
        .env("ORIGIN", origins)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        played.status.success(),
        "{story} {given}: {}{}",
        String::from_utf8_lossy(&played.stdout),
        String::from_utf8_lossy(&played.stderr)
    );
}

/// Starts a demo of its own and plays a buyer's story in it.
fn buys(story: &str, how: &Value) {
    let _one = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let demo =
        Running::start(fulfilld(folder.path(), &["demo", "--port", "0", "--sandbox-port", "0"]));
    let shop = demo.heard("the shop").trim().trim_end_matches('/').to_owned();
    let sandbox = demo.heard("the sandbox").trim().split('/').take(3).collect::<Vec<_>>().join("/");
    demo.heard("Events pass below");
    let given = json!({ "shop": shop, "sandbox": sandbox, "how": how });
    play("buyer.mjs", story, &given, &format!("{shop} {sandbox}"));
}

/// Looks at every mail of a shop, and at what is said about a template with a mistake.
fn looks_at_mails(how: &Value) {
    let _one = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fulfilld.toml"), "[shop]\nname = \"Fern & Fable\"\n").unwrap();
    fs::create_dir_all(folder.path().join("mail/en")).unwrap();
    let preview = Running::start(fulfilld(folder.path(), &["mail", "preview", "--port", "0"]));
    let said = preview.heard("every mail in every language: ");
    let preview_at = said.split('/').take(3).collect::<Vec<_>>().join("/");
    let template = folder.path().join("mail/en/receipt.txt");
    let given = json!({ "preview": preview_at, "template": template, "how": how });
    play("mails.mjs", "mails", &given, &preview_at);
}

#[test]
fn a_buyer_goes_from_the_shop_to_the_order_and_its_mail_and_finds_it_again() {
    buys("purchase", &json!({ "language": "en" }));
}

#[test]
fn a_buyer_does_the_same_in_german_on_a_phone_without_script() {
    buys("purchase", &json!({ "language": "de", "phone": true, "plain": true }));
}

#[test]
fn a_buyer_does_the_same_in_english_on_a_phone_in_the_dark() {
    buys("purchase", &json!({ "language": "en", "phone": true, "dark": true }));
}

#[test]
fn a_buyer_does_the_same_in_german_on_a_desktop() {
    buys("purchase", &json!({ "language": "de" }));
}

#[test]
fn a_bank_debit_arrives_while_the_buyer_watches() {
    buys("debit", &json!({ "language": "en" }));
}

#[test]
fn a_bank_debit_fails_and_the_buyer_learns_it_without_script() {
    buys("debit", &json!({ "language": "de", "phone": true, "plain": true, "fails": true }));
}

#[test]
fn a_merchant_looks_at_every_mail_in_both_languages() {
    looks_at_mails(&json!({}));
}

#[test]
fn a_merchant_does_the_same_on_a_phone_in_the_dark() {
    looks_at_mails(&json!({ "phone": true, "dark": true }));
}
