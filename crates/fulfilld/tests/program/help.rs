use crate::running::{fulfilld, run};

#[test]
fn help_names_every_command_and_shows_examples() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(fulfilld(folder.path(), &["--help"]));
    assert_eq!(said.code, Some(0));
    for word in [
        "demo",
        "serve",
        "sandbox",
        "fulfill",
        "orders",
        "keys",
        "stock",
        "report",
        "endpoint",
        "Examples:",
    ] {
        assert!(said.out.contains(word), "{word} is not in\n{}", said.out);
    }
}

#[test]
fn every_command_has_help() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["demo"][..],
        &["serve"],
        &["sandbox"],
        &["sandbox", "clock"],
        &["sandbox", "clock", "advance"],
        &["fulfill"],
        &["orders", "list"],
        &["orders", "show"],
        &["orders", "waive"],
        &["orders", "fulfill-by-hand"],
        &["orders", "ship"],
        &["orders", "note"],
        &["orders", "resend"],
        &["keys", "import"],
        &["keys", "list"],
        &["stock", "set"],
        &["stock", "list"],
        &["stock", "add"],
        &["dashboard", "link"],
        &["report"],
        &["endpoint", "create"],
    ] {
        let said = run(fulfilld(folder.path(), &[args, &["--help"]].concat()));
        assert_eq!(said.code, Some(0), "{args:?}: {}", said.err);
        assert!(said.out.contains("Usage: fulfilld"), "{args:?}");
    }
}
