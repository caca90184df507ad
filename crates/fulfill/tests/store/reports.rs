//! What reports are made of, and how they come out.

use fulfill::{
    Zone,
    reports::{Csv, Period, Report},
    store::{PartQuery, Store},
};
use fulfill_rules::{
    DAY,
    fact::{Address, CustomField, Fact, Presentment, Shipping},
    order::ByHand,
    shipment::Shipment,
};

use crate::{
    Bench,
    bench::{found, key, sale},
    both,
};

const ALL: PartQuery = PartQuery { after: 0, last: i64::MAX, from: None, until: None };

async fn read(store: &Store, report: Report, period: Period) -> Vec<Vec<String>> {
    let mut csv = Csv::new(store.clone(), report, period);
    let mut text = Vec::new();
    while let Some(part) = csv.next().await.unwrap() {
        text.extend_from_slice(&part);
    }
    assert_eq!(csv.percent(), 100);
    let mut reader = csv::Reader::from_reader(&text[..]);
    assert_eq!(reader.headers().unwrap(), report.columns());
    let rows: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    assert_eq!(csv.rows(), rows.len() as u64);
    rows
}

fn cell<'a>(report: Report, row: &'a [String], column: &str) -> &'a str {
    let at = report.columns().iter().position(|name| *name == column);
    &row[at.unwrap_or_else(|| panic!("no column {column}"))]
}

fn firsts(rows: &[Vec<String>]) -> Vec<&str> {
    rows.iter().map(|row| row[0].as_str()).collect()
}

both!(an_empty_report_has_the_names_of_its_columns, async |t| {
    for report in Report::ALL {
        assert!(read(&t.store, report, Period::default()).await.is_empty());
    }
});

both!(an_order_is_a_row_and_each_of_its_lines, async |t| {
    t.store.add_stock("SHIRT", 5).await.unwrap();
    let mut bought = sale(&[("course", 1), ("shirt", 2), ("nobody-knows", 1)]);
    bought.amount_total = Some(1050);
    bought.currency = Some("huf".into());
    bought.presentment = Some(Presentment { amount: 1234, currency: "kwd".into() });
    bought.customer.name = Some("=HYPERLINK(\"https://evil.example\")".into());
    bought.customer.phone = Some("+49 30 1234".into());
    bought.shipping = Some(Shipping {
        name: Some("Ann, \"Annie\"\nSmith".into()),
        address: Address { line1: Some("-1 Road".into()), ..Address::default() },
    });
    let field = |label: &str, value: &str, chosen: Option<&str>| CustomField {
        key: "key".into(),
        label: label.into(),
        value: value.into(),
        chosen: chosen.map(str::to_owned),
    };
    bought.custom_fields = vec![
        field("=Engraving", "For Ann; =1+1", None),
        field("Color", "blue", Some("Light blue")),
    ];
    bought.lines[0].description = Some("Ein schöner Kurs; =1+1".into());
    bought.lines[0].amount_total = Some(500);
    bought.lines[0].currency = Some("jpy".into());
    bought.lines[1].amount_total = Some(-5);
    t.look("cs_test_a", found(Fact::Paid, bought)).await;
    t.store
        .by_hand(&key("cs_test_a"), ByHand::Waive, vec!["li_2".into()], "Ann")
        .await
        .unwrap()
        .unwrap();

    let shipment = Shipment::new(Some("=DHL"), Some("0034"), None).unwrap();
    t.store
        .ship(&key("cs_test_a"), Vec::new(), shipment, false, "Ann")
        .await
        .unwrap()
        .unwrap()
        .unwrap();

    let orders = read(&t.store, Report::Orders, Period::default()).await;
    assert_eq!(orders.len(), 1);
    for (column, wanted) in [
        ("session_id", "cs_test_a"),
        ("status", "fulfilled"),
        ("payment_status", "paid"),
        ("created", "2024-01-01T00:00:00Z"),
        ("first_seen_at", "2024-01-01T00:00:00Z"),
        ("fulfilled_at", "2024-01-01T00:00:00Z"),
        ("currency", "HUF"),
        ("amount_total", "10.50"),
        ("presentment_currency", "KWD"),
        ("presentment_amount", "1.234"),
        ("customer_name", "'=HYPERLINK(\"https://evil.example\")"),
        ("customer_email", "Ann@Example.com"),
        ("customer_phone", "'+49 30 1234"),
        ("customer_id", "cus_1"),
        ("client_reference_id", "ref-1"),
        ("payment_intent", ""),
        ("shipping_name", "Ann, \"Annie\"\nSmith"),
        ("shipping_line1", "'-1 Road"),
        ("shipping_country", ""),
        ("custom_fields", "'=Engraving: For Ann;' =1+1; Color: Light blue"),
    ] {
        assert_eq!(cell(Report::Orders, &orders[0], column), wanted, "{column}");
    }
    let lines = read(&t.store, Report::Lines, Period::default()).await;
    let shown: Vec<[&str; 7]> = lines
        .iter()
        .map(|row| {
            ["session_id", "line_id", "product", "quantity", "currency", "amount_total", "effects"]
                .map(|column| cell(Report::Lines, row, column))
        })
        .collect();
    assert_eq!(
        shown,
        [
            ["cs_test_a", "li_0", "course", "1", "JPY", "500", "grant done"],
            ["cs_test_a", "li_1", "shirt", "2", "HUF", "-0.05", "parcel shipped, stock done"],
            ["cs_test_a", "li_2", "nobody-knows", "1", "HUF", "", "manual waived"],
        ]
    );
    assert_eq!(cell(Report::Lines, &lines[1], "carrier"), "'=DHL");
    assert_eq!(cell(Report::Lines, &lines[1], "tracking"), "0034");
    assert_eq!(cell(Report::Lines, &lines[0], "description"), "Ein schöner Kurs;' =1+1");
});

both!(a_report_holds_what_its_time_holds, async |t| {
    for n in 0..4 {
        t.pay(&format!("cs_test_s{n}"), &[("course", 1)]).await;
        t.advance(DAY);
    }
    for (from, until, wanted) in [
        (None, None, &["cs_test_s0", "cs_test_s1", "cs_test_s2", "cs_test_s3"][..]),
        (Some("2024-01-02"), Some("2024-01-03"), &["cs_test_s1", "cs_test_s2"]),
        (Some("2024-01-04"), None, &["cs_test_s3"]),
        (None, Some("2024-01-01"), &["cs_test_s0"]),
        (None, Some("2024-01-01T00:00:00Z"), &[]),
        (Some("2024-01-05"), None, &[]),
    ] {
        let period = Period::between(from, until, &Zone::default()).unwrap();
        for report in [Report::Orders, Report::Lines] {
            let rows = read(&t.store, report, period).await;
            assert_eq!(firsts(&rows), wanted, "{from:?} {until:?}");
        }
    }
});

both!(a_report_is_of_one_mode, async |t| {
    t.pay("cs_test_a", &[("course", 1)]).await;
    move_stock(t, "FALSE", 1).await;
    move_stock(t, "TRUE", 2).await;
    let live = t.live().await;
    for report in [Report::Orders, Report::Lines] {
        assert_eq!(read(&t.store, report, Period::default()).await.len(), 1);
        assert!(read(&live, report, Period::default()).await.is_empty());
    }
    let changes = |rows: Vec<Vec<String>>| rows.into_iter().map(|row| row[2].clone()).collect();
    let test: Vec<String> = changes(read(&t.store, Report::Stock, Period::default()).await);
    let theirs: Vec<String> = changes(read(&live, Report::Stock, Period::default()).await);
    assert_eq!((test, theirs), (vec!["1".to_owned()], vec!["2".to_owned()]));
    live.close().await;
});

async fn move_stock(t: &Bench, livemode: &str, change: i64) {
    t.sql(&format!(
        "INSERT INTO stock_movement (livemode, sku, at, change, on_hand, backordered, session, who, why) \
         VALUES ({livemode}, 'MUG', 1704067200000, {change}, 7, 0, NULL, '@Ann', 'counted anew')"
    ))
    .await;
}

both!(what_was_put_on_a_shelf_and_sold_is_reported, async |t| {
    t.store.add_stock("SHIRT", 5).await.unwrap();
    t.pay("cs_test_a", &[("shirt", 2)]).await;
    let rows = read(&t.store, Report::Stock, Period::default()).await;
    let shown: Vec<[&str; 4]> = rows
        .iter()
        .map(|row| {
            ["sku", "change", "on_hand", "session_id"].map(|name| cell(Report::Stock, row, name))
        })
        .collect();
    assert_eq!(shown, [["SHIRT", "5", "5", ""], ["SHIRT", "-2", "3", "cs_test_a"]]);
});

both!(a_change_of_a_shelf_is_a_row, async |t| {
    t.pay("cs_test_a", &[("course", 1)]).await;
    move_stock(t, "FALSE", -3).await;
    t.sql(
        "INSERT INTO stock_movement (livemode, sku, at, change, on_hand, backordered, session) \
         SELECT FALSE, 'MUG', 1704153600000, -1, 0, 2, seq FROM session WHERE id = 'cs_test_a'",
    )
    .await;
    let mugs = |rows: Vec<Vec<String>>| -> Vec<String> {
        rows.into_iter().filter(|row| row[1] == "MUG").map(|row| row.join("|")).collect()
    };
    assert_eq!(
        mugs(read(&t.store, Report::Stock, Period::default()).await),
        [
            "2024-01-01T00:00:00Z|MUG|-3|7|0||'@Ann|counted anew",
            "2024-01-02T00:00:00Z|MUG|-1|0|2|cs_test_a||",
        ]
    );
    let second = Period::between(Some("2024-01-02"), None, &Zone::default()).unwrap();
    assert_eq!(mugs(read(&t.store, Report::Stock, second).await).len(), 1);
});

/// Orders past the store, more than two parts hold.
async fn many(t: &Bench, orders: i64) {
    t.sql(&format!(
        "INSERT INTO session (account, livemode, id, first_rung_at, visitor, guess, told_succeeded, \
         told_failed, rung) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {orders}) \
         SELECT '', FALSE, 'cs_test_' || i, 0, FALSE, FALSE, FALSE, FALSE, 1 FROM n"
    ))
    .await;
    t.sql(
        "INSERT INTO orders (session, livemode, status, placed, first_seen_at, sale) \
         SELECT seq, FALSE, 'fulfilled', TRUE, 1704067200000 + seq, '{\"customer\":{},\"lines\":[]}' FROM session",
    )
    .await;
}

both!(a_long_report_comes_in_parts_without_gaps_and_ends_where_it_began_to_end, async |t| {
    many(t, 1_300).await;
    let mut csv = Csv::new(t.store.clone(), Report::Orders, Period::default());
    assert_eq!(csv.percent(), 0);
    let mut text = csv.next().await.unwrap().unwrap().to_vec();
    assert!((1..100).contains(&csv.percent()), "{}", csv.percent());
    t.pay("cs_test_late", &[("course", 1)]).await;
    let mut parts = 1;
    while let Some(part) = csv.next().await.unwrap() {
        assert!(csv.rows() <= parts * 500 + 500, "a part is bounded");
        text.extend_from_slice(&part);
        parts += 1;
    }
    assert!(csv.next().await.unwrap().is_none(), "over is over");
    let mut reader = csv::Reader::from_reader(&text[..]);
    let ids: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    let wanted: Vec<String> = (1..=1_300).map(|n| format!("cs_test_{n}")).collect();
    assert_eq!(ids, wanted);
    // A time far behind is found through parts in which there is nothing.
    let last = t.session("cs_test_1300").await.session + 1_704_067_200_000;
    let newest = Period { from: Some(last), until: Some(last + 1) };
    assert_eq!(firsts(&read(&t.store, Report::Orders, newest).await), ["cs_test_1300"]);
});

both!(a_part_that_cannot_be_read_ends_the_report_with_an_error, async |t| {
    many(t, 600).await;
    let mut csv = Csv::new(t.store.clone(), Report::Orders, Period::default());
    csv.next().await.unwrap().unwrap();
    t.sql("UPDATE orders SET sale = 'torn' WHERE session = (SELECT MAX(session) FROM orders)")
        .await;
    assert!(csv.next().await.is_err());
    assert!(csv.next().await.unwrap().is_none(), "nothing follows that could pass for the rest");
});

both!(parts_name_where_the_next_one_begins, async |t| {
    many(t, 500).await;
    let first = t.store.orders_part(ALL).await.unwrap();
    assert_eq!(first.rows.len(), 500);
    let after = first.next.expect("a full part may not be the last");
    let second = t.store.orders_part(PartQuery { after, ..ALL }).await.unwrap();
    assert_eq!((second.rows.len(), second.next), (0, None));
});

both!(for_spreadsheets_it_begins_with_a_mark, async |t| {
    let first = async |csv: Csv| {
        let mut csv = csv;
        csv.next().await.unwrap().unwrap()
    };
    let csv = || Csv::new(t.store.clone(), Report::Stock, Period::default());
    let plain = first(csv()).await;
    assert!(plain.starts_with(b"at,sku,"), "{plain:?}");
    assert!(plain.ends_with(b"\r\n"));
    let marked = first(csv().for_spreadsheets()).await;
    assert_eq!(marked.strip_prefix("\u{feff}".as_bytes()), Some(&plain[..]));
});
