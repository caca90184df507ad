use serde_json::Value;

use crate::{
    running::{http, run, run_with},
    shop::Shop,
};

#[test]
fn fulfill_does_the_work_itself_where_nobody_serves() {
    let shop = Shop::open();
    let session = shop.buy(&["course"]);
    let said = run(shop.fulfilld(&["fulfill", &session]));
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(said.out.trim(), format!("{session}: fulfilled: grant course ×1"));
}

#[test]
fn fulfill_rings_a_running_serve_and_says_how_each_session_ended() {
    let shop = Shop::open();
    let (_serve, _) = shop.serve();
    let (paid, open) = (shop.buy(&["course"]), shop.checkout(&["course"]));
    let said = run(shop.fulfilld(&["fulfill", &paid, &open, "cs_test_none", "cs_live_1", "what"]));
    assert_eq!(said.code, Some(1));
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 5, "{}", said.out);
    for (line, (id, ending)) in lines.iter().zip([
        (paid.as_str(), "fulfilled: grant course ×1"),
        (&open, "nothing was paid yet"),
        ("cs_test_none", "Stripe does not know it"),
        ("cs_live_1", "is a live session"),
        ("what", "not a Checkout Session id"),
    ]) {
        assert!(line.contains(ending), "{line}");
        assert_eq!(line.matches(id).count(), 1, "the id is named once: {line}");
    }
    let said = run(shop.fulfilld(&["fulfill", "--json", &paid]));
    let order: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(order["status"], "fulfilled");
}

#[test]
fn keys_that_arrive_go_to_the_orders_that_wait_beside_a_running_serve() {
    let shop = Shop::open();
    let (_serve, _) = shop.serve();
    let session = shop.buy(&["key"]);
    let said = run(shop.fulfilld(&["fulfill", &session]));
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("the key pool 'editor' is dry"), "{}", said.out);

    let keys = b"\xEF\xBB\xBFK-1\r\n\r\n  K-2  \nK-1\n";
    let said = run_with(shop.fulfilld(&["keys", "import", "editor", "-"]), keys);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("pool editor: 2 new, 0 known already, 2 free"), "{}", said.out);
    let said = run_with(shop.fulfilld(&["keys", "import", "editor", "-"]), keys);
    assert!(said.out.contains("pool editor: 0 new, 2 known already, 1 free"), "{}", said.out);

    let shown = run(shop.fulfilld(&["orders", "show", &session]));
    assert!(
        shown.out.contains("key K-1: done"),
        "the first of the file is sold first\n{}",
        shown.out
    );
}

#[test]
fn stock_that_arrives_goes_to_the_orders_that_wait() {
    let shop = Shop::open();
    let session = shop.buy(&["shirt"]);
    assert_eq!(run(shop.fulfilld(&["fulfill", &session])).code, Some(1));
    let said = run(shop.fulfilld(&["stock", "add", "SHIRT", "3"]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains(&format!("{session}: fulfilled")), "{}", said.out);
}

#[test]
fn a_parcel_is_shipped_and_what_was_done_is_told() {
    let shop = Shop::open();
    let session = shop.buy(&["mug"]);
    let said = run(shop.fulfilld(&["stock", "set", "MUG", "5", "--why", "counted"]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(run(shop.fulfilld(&["fulfill", &session])).code, Some(0));
    let listed = run(shop.fulfilld(&["stock", "list"])).out;
    assert!(listed.contains("MUG        4"), "{listed}");
    let ship = ["orders", "ship", &session, "--carrier", "Post", "--tracking", "RR1"];
    let shipped = run(shop.fulfilld(&ship));
    assert!(shipped.out.contains("shipped by the command line"), "{}{}", shipped.out, shipped.err);
    let again = run(shop.fulfilld(&ship));
    assert!(again.code == Some(0) && again.out.contains("known already"), "{}", again.out);
    let again = run(shop.fulfilld(&["orders", "ship", &session, "--tracking", "RR2"]));
    assert!(again.err.contains("no parcel of this order waits to be sent"), "{}", again.err);
    let url = run(shop.fulfilld(&["orders", "ship", &session, "--url", "ftp://x"]));
    assert!(url.err.contains("https://"), "{}", url.err);

    let noted = run(shop.fulfilld(&["orders", "note", &session, "left at the door"]));
    assert_eq!(noted.code, Some(0), "{}", noted.err);
    let shown = run(shop.fulfilld(&["orders", "show", &session])).out;
    assert!(shown.contains("note by the command line: left at the door"), "{shown}");
    assert!(shown.contains("\nName on it: Ada\n"), "what the buyer filled in: {shown}");
    assert!(run(shop.fulfilld(&["orders", "list", "--q", "rr1"])).out.contains(&session));
    let aside = run(shop.fulfilld(&["orders", "put-aside", &session]));
    assert!(aside.err.contains("nothing is stuck"), "{}", aside.err);
    let resent = run(shop.fulfilld(&["orders", "resend", &session, "receipt"]));
    assert!(resent.out.contains("mail.receipt is due"), "{}{}", resent.out, resent.err);
    let unknown = run(shop.fulfilld(&["orders", "resend", &session, "poem"]));
    assert!(unknown.err.contains("receipt, access"), "{}", unknown.err);
}

#[test]
fn a_name_that_no_product_has_is_told_where_the_settings_can_know() {
    let shop = Shop::open();
    let add = |sku| run(shop.fulfilld(&["stock", "add", sku, "1"])).out;
    let import = |pool| {
        run_with(shop.fulfilld(&["keys", "import", pool, "-"]), format!("{pool}-1").as_bytes()).out
    };
    assert!(!add("SHIRT").contains("note") && !import("editor").contains("note"));
    let mistyped = add("SHRT");
    assert!(mistyped.contains("takes from SHRT, only from MUG, SHIRT; unless"), "{mistyped}");
    let mistyped = import("edtor");
    assert!(mistyped.contains("draws from edtor, only from editor; unless"), "{mistyped}");
    // All that is sold says so at Stripe.
    std::fs::remove_file(shop.folder.path().join("fulfilld.toml")).unwrap();
    for said in [add("CAP"), import("game")] {
        assert!(!said.contains("note") && !said.contains("no product"), "{said}");
    }
}

#[test]
fn a_command_promises_no_try_that_nobody_makes() {
    let shop = Shop::open();
    let fault = r#"{"kind": "status", "status": 500}"#;
    let (status, said) = http(&shop.api, "POST /_sandbox/faults", "", fault);
    assert_eq!(status, 200, "{said}");
    let url = "http://localhost/webhook";
    for again in [&[][..], &["--again"]] {
        let args = [&["endpoint", "create", "--url", url][..], again].concat();
        let said = run(shop.fulfilld(&args));
        assert_eq!(said.code, Some(1));
        assert!(
            said.err.contains("Stripe has trouble answering (500); try again later"),
            "{}",
            said.err
        );
        assert!(!said.err.contains("it is tried again"), "{}", said.err);
    }
    let asked = run(shop.fulfilld(&["fulfill", "cs_test_1", "--wait", "5"]));
    assert!(asked.out.contains("it is tried again (once `fulfilld serve` runs)"), "{}", asked.out);
}

#[test]
fn what_is_held_is_listed_shown_and_settled_line_by_line() {
    let shop = Shop::open();
    let (_serve, _) = shop.serve();
    let (session, other) = (shop.buy(&["mystery", "shirt"]), shop.buy(&["course"]));
    assert_eq!(run(shop.fulfilld(&["fulfill", &session, &other])).code, Some(1));

    let listed = run(shop.fulfilld(&["orders", "list", "--status", "needs_attention"])).out;
    assert!(listed.contains(&session) && !listed.contains(&other), "{listed}");
    assert!(listed.contains("10.00 EUR") && listed.contains("ada@example.com"), "{listed}");
    let page = run(shop.fulfilld(&["orders", "list", "--json", "--q", &other])).out;
    let page: Value = serde_json::from_str(&page).unwrap();
    assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&other.into(), &false.into()));

    let shown = run(shop.fulfilld(&["orders", "show", &session])).out;
    for words in
        ["1 × mystery", "HELD: not in the catalog", "HELD: not enough stock", "what happened"]
    {
        assert!(shown.contains(words), "{words:?} is not in\n{shown}");
    }
    let order = run(shop.fulfilld(&["orders", "show", &session, "--json"])).out;
    let order: Value = serde_json::from_str(&order).unwrap();
    let line = |at: usize| order["lines"][at]["id"].as_str().unwrap().to_owned();

    let wrong = run(shop.fulfilld(&["orders", "waive", &session, "--line", "li_none"]));
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.err.contains("nothing is held on line li_none"), "{}", wrong.err);
    let waived = run(shop.fulfilld(&["orders", "waive", &session, "--line", &line(0)]));
    assert!(waived.out.starts_with(&format!("{session}: needs_attention")), "{}", waived.out);
    let done = run(shop.fulfilld(&["orders", "fulfill-by-hand", &session, "--line", &line(1)]));
    assert!(done.out.starts_with(&format!("{session}: fulfilled")), "{}", done.out);
    let again = run(shop.fulfilld(&["orders", "waive", &session]));
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("nothing is held"), "{}", again.err);
}

#[test]
fn an_order_that_is_not_there_is_told_with_the_way_on() {
    let shop = Shop::open();
    for args in [&["orders", "show", "cs_test_none"][..], &["orders", "waive", "cs_test_none"]] {
        let said = run(shop.fulfilld(args));
        assert_eq!(said.code, Some(1));
        assert!(said.err.contains("there is no order cs_test_none"), "{}", said.err);
        assert!(said.err.contains("fulfilld fulfill cs_test_none"), "{}", said.err);
    }
}
