use std::fs;

use crate::running::{fulfilld, run};

#[test]
fn case_15_serve_refuses_to_start_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(fulfilld(folder.path(), &["serve"]));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("STRIPE_SECRET_KEY is not set"), "{}", said.err);
    assert!(said.err.contains("STRIPE_WEBHOOK_SECRET is not set"), "{}", said.err);
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "what did not start leaves nothing behind");
}

#[test]
fn an_address_that_is_taken_leaves_no_data_behind() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut serve = fulfilld(folder.path(), &["serve"]);
    serve
        .env("STRIPE_SECRET_KEY", "sk_test_1")
        .env("STRIPE_WEBHOOK_SECRET", "whsec_1")
        .env("FULFILLD_LISTEN", taken.local_addr().unwrap().to_string());
    let said = run(serve);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("set FULFILLD_LISTEN to another"), "{}", said.err);
    assert!(!folder.path().join("fulfilld-data").exists());
}

#[test]
fn a_data_folder_that_cannot_be_made_is_told_with_the_other_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for (data, why) in [("file/data", "not writable"), ("/proc/fulfilld/data", "not writable")] {
        let mut serve = fulfilld(folder.path(), &["serve"]);
        serve.env("FULFILLD_DATA", data);
        let said = run(serve).err;
        assert!(said.contains(&format!("the data folder {data}: ")), "{said}");
        assert!(said.contains(why) && said.contains("STRIPE_SECRET_KEY is not set"), "{said}");
    }
}

#[test]
fn case_12_swapped_keys_and_every_other_mistake_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let toml =
        "listn = 1\n[[product]]\nid = \"prod_1\"\n[stock]\nSHIRT = -2\n[mail]\nsmtp = \"x\"\n";
    fs::write(folder.path().join("fulfilld.toml"), toml).unwrap();
    fs::write(folder.path().join("data"), "a file").unwrap();
    let mut serve = fulfilld(folder.path(), &["serve"]);
    serve
        .env("STRIPE_SECRET_KEY", "whsec_swapped1")
        .env("STRIPE_WEBHOOK_SECRET", "sk_test_swapped2")
        .env("FULFILLD_LISTEN", "nowhere")
        .env("FULFILLD_DATA", "data");
    let said = run(serve);
    assert_eq!(said.code, Some(1));
    for mistake in [
        "did you mean listen?",
        "owes nothing",
        "opening stock cannot be below 0",
        "smtp://host:port",
        "STRIPE_SECRET_KEY is a webhook secret",
        "STRIPE_WEBHOOK_SECRET: webhook secret 1 is an API key",
        "FULFILLD_LISTEN is 'nowhere'",
        "the data folder data: there is a file of this name",
    ] {
        assert!(said.err.contains(mistake), "{mistake:?} is not in\n{}", said.err);
    }
    assert!(!said.err.contains("swapped"), "a secret is shown:\n{}", said.err);
}

#[test]
fn a_settings_file_that_was_named_has_to_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(fulfilld(folder.path(), &["--config", "none.toml", "orders", "list"]));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("none.toml cannot be read"), "{}", said.err);
}

#[test]
fn a_mistyped_database_folder_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = fulfilld(folder.path(), &["orders", "list"]);
    list.env("STRIPE_SECRET_KEY", "sk_test_a").env("DATABASE_URL", "sqlite:no/such/db.sqlite3");
    let said = run(list);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("DATABASE_URL: there is no folder no/such"), "{}", said.err);
    assert!(!folder.path().join("no").exists());
}

#[test]
fn a_misspelt_variable_is_told_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = fulfilld(folder.path(), &["orders", "list"]);
    list.env("STRIPE_SECRET_KEY", "sk_test_a").env("FULFILLD_DATTA", "elsewhere");
    let said = run(list);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("FULFILLD_DATTA, it does nothing; did you mean FULFILLD_DATA?"));
}
