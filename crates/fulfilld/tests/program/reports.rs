use std::fs;

use crate::{running::run, shop::Shop};

#[test]
fn a_report_goes_to_standard_output_or_into_a_file() {
    let shop = Shop::open();
    let session = shop.buy(&["course", "key"]);
    run(shop.fulfilld(&["fulfill", &session]));
    let lines = run(shop.fulfilld(&["report", "lines"]));
    assert_eq!(lines.code, Some(0), "{}", lines.err);
    assert_eq!(lines.err, "");
    assert!(lines.out.starts_with("session_id,status,created,"), "{}", lines.out);
    assert_eq!(lines.out.matches(&format!("\r\n{session},")).count(), 2, "{}", lines.out);
    assert!(lines.out.contains(",5.00,grant done,,\r\n"), "{}", lines.out);

    let file = shop.folder.path().join("orders.csv");
    fs::write(&file, "the old one").unwrap();
    let args = ["report", "orders", "--bom", "--output", "orders.csv"];
    let told = run(shop.fulfilld(&args));
    assert_eq!((told.code, told.out.trim()), (Some(0), "orders.csv: 1 row"), "{}", told.err);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("\u{feff}session_id,"), "{text}");
    assert!(text.contains(&format!("\r\n{session},needs_attention,")), "{text}");

    let none = run(shop.fulfilld(&["report", "orders", "--until", "2020-01-01"]));
    assert_eq!(none.out.lines().count(), 1, "{}", none.out);
}

#[test]
fn a_report_that_cannot_be_is_told_with_what_to_change() {
    let shop = Shop::open();
    for (args, code, words) in [
        (&["report", "keys"][..], 2, "one of orders, lines, stock"),
        (&["report", "orders", "--from", "monday"], 1, "from: 'monday' is neither a day"),
        (
            &["report", "orders", "--output", "nowhere/orders.csv"],
            1,
            "nowhere/orders.csv cannot be written",
        ),
    ] {
        let said = run(shop.fulfilld(args));
        assert_eq!(said.code, Some(code), "{args:?}: {}", said.err);
        assert!(said.err.contains(words), "{args:?}: {}", said.err);
    }
    let left: Vec<_> = fs::read_dir(shop.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".fulfilld-report"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
