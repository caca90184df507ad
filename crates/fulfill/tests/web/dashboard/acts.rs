//! What a merchant sees and does.

use fulfill::{Brand, Builder};
use reqwest::Method;
use serde_json::json;

use super::{Merchant, PASSWORD, idle};
use crate::{
    bench::{Site, TOKEN, send},
    stripe::{line, paid, unpaid},
};

const EVIL: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&";

/// Who did what to an order, as its timeline tells it.
async fn told(site: &Site, id: &str) -> Vec<(String, String)> {
    let order = site.known(id).await.unwrap().order.unwrap();
    let by_people = order.timeline.into_iter().filter_map(|told| Some((told.who?, told.what)));
    by_people.collect()
}

#[tokio::test]
async fn acts_are_told_with_who_did_them() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    let id = "cs_test_a1";
    site.buy(paid(id, &["handmade", "surprise", "course"])).await;
    let at = |act: &str| format!("/orders/{id}/{act}");
    let done = ann.post(&at("done"), &[("line", "li_1")]).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, "/dashboard/orders/cs_test_a1?done=settled")
    );
    let waived = ann.post(&at("waive"), &[("line", "li_2"), ("back", "todo")]).await;
    assert_eq!(waived.header("location"), "/dashboard/todo?done=settled");
    assert_eq!(ann.post(&at("note"), &[("text", "called her")]).await.status, 303);
    let again = ann.post(&at("again"), &[]).await;
    assert_eq!(again.header("location"), "/dashboard/orders/cs_test_a1?done=nothing");
    let aside = ann.post(&at("put-aside"), &[]).await;
    assert!(aside.text.contains("Nothing is stuck there any more"), "{}", aside.text);
    let told = told(&site, id).await;
    assert!(told.iter().all(|(who, _)| who == "ann"), "{told:?}");
    assert!(told.iter().any(|(_, what)| what.contains("called her")), "{told:?}");
    assert!(told.len() >= 3, "{told:?}");
    let page = ann.page("/orders/cs_test_a1?done=note").await;
    for shown in
        ["Fulfilled", "called her", "The note is written down.", "evt_cs_test_a1", "waived"]
    {
        assert!(page.contains(shown), "{shown}");
    }
}

#[tokio::test]
async fn who_comes_too_late_to_settle_a_line_is_told_so() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.buy(paid("cs_test_a1", &["handmade", "surprise"])).await;
    assert_eq!(ann.post("/orders/cs_test_a1/waive", &[("line", "li_1")]).await.status, 303);
    let before = told(&site, "cs_test_a1").await;
    for (act, line) in [("waive", "li_1"), ("done", "li_1"), ("done", "li_nope")] {
        let fields = [("line", line), ("back", "todo")];
        let late = ann.post(&format!("/orders/cs_test_a1/{act}"), &fields).await;
        assert_eq!(late.status, 409, "{act} {line}");
        for shown in ["Nothing is held there any more", "Needs attention", "waived by ann"] {
            assert!(late.text.contains(shown), "{act} {line}: {shown}");
        }
        assert!(!late.text.contains("Settled."), "{act} {line}");
    }
    assert_eq!(told(&site, "cs_test_a1").await, before);
}

#[tokio::test]
async fn no_more_is_taken_from_a_shelf_than_there_is() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    let book = async |sku, units| ann.post("/stock", &[("sku", sku), ("units", units)]).await;
    let done = book("SHIRT-M", "19").await;
    assert_eq!(done.status, 303);
    let page = ann.page("/stock?done=stock&sku=SHIRT-M").await;
    assert!(page.contains("The shelf is corrected.") && !page.contains("takes from"), "{page}");
    let refused = book("SHIRT-M", "-500").await;
    assert_eq!(refused.status, 400);
    let why = "There are 19 on the shelf SHIRT-M: no more can be taken away.";
    assert!(refused.text.contains(why), "{}", refused.text);
    assert!(refused.text.contains("value=\"-500\""), "what was typed stays");
    assert_eq!(book("SHIRT-M", "-19").await.status, 303);
    assert_eq!(book("SHIRT-M", "-1").await.status, 400);
    assert_eq!(book("SLIP", "1").await.status, 303);
    let page = ann.page("/stock?done=stock&sku=SLIP").await;
    assert!(page.contains("No product in the catalog takes from SLIP."), "{page}");
}

#[tokio::test]
async fn what_was_typed_stays_in_a_form_that_is_refused() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    let note = format!("</textarea><b>{}", "n".repeat(2_000));
    let refused = ann.post("/orders/cs_test_a1/note", &[("text", &note)]).await;
    assert_eq!(refused.status, 409);
    assert!(!refused.text.contains(&note));
    let kept = format!("&#60;/textarea&#62;&#60;b&#62;{}</textarea>", "n".repeat(2_000));
    assert!(refused.text.contains(&kept), "{}", refused.text);

    let keys = "K-1\nK-\u{1}\nK-<3>";
    let refused = ann.post("/keys", &[("pool", "my <pool>"), ("keys", keys)]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("K-1\nK-\u{1}\nK-&#60;3&#62;</textarea>"), "{}", refused.text);
    assert!(refused.text.contains("value=\"my &#60;pool&#62;\""), "{}", refused.text);
}

#[tokio::test]
async fn a_token_of_the_api_acts_under_its_name() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.buy(paid("cs_test_a1", &["handmade"])).await;
    let made = ann.post("/people/tokens", &[("name", "warehouse")]).await.text;
    let (_, rest) = made.split_once("tabindex=\"0\">ff_test_").unwrap();
    let token = format!("ff_test_{}", rest.split_once('<').unwrap().0);
    let waive = site.request(Method::POST, "/api/orders/cs_test_a1/waive").bearer_auth(token);
    assert_eq!(send(waive).await.status, 200);
    assert_eq!(told(&site, "cs_test_a1").await[0].0, "token warehouse");
}

#[tokio::test]
async fn a_parcel_is_shipped_and_its_tracking_corrected() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.api(Method::POST, "/stock/SHIRT-M", Some(json!({ "add": 3 }))).await;
    site.buy(paid("cs_test_a1", &["shirt"])).await;
    for page in ["/todo", "/orders/cs_test_a1"].map(|path| ann.page(path)) {
        let page = page.await;
        let rows = "Square</span><br><span dir=\"auto\">London</span><br><span dir=\"auto\">SW1Y 4JH\
                    </span><br><span dir=\"auto\">United Kingdom</span></address>";
        assert!(page.contains("12 St James") && page.contains(rows), "where to send it: {page}");
    }
    let ship = |means: &'static str, tracking: &'static str, url: &'static str| {
        let line = ("line", "li_1");
        let fields =
            [("means", means), line, ("carrier", "Post"), ("tracking", tracking), ("url", url)];
        let ann = &ann;
        async move { ann.post("/orders/cs_test_a1/ship", &fields).await }
    };
    let odd = ship("ship", "RR1", "javascript:alert(1)").await;
    assert_eq!(odd.status, 409);
    assert!(odd.text.contains("write a web address"), "{}", odd.text);
    assert!(odd.text.contains("value=\"RR1\""), "what was typed stays: {}", odd.text);
    let none = ann.post("/orders/cs_test_a1/ship", &[("means", "ship")]).await;
    assert!(none.status == 409 && none.text.contains("Which parcel?"), "{}", none.text);
    assert_eq!(ship("ship", "RR1", "https://post.example/RR1").await.status, 303);
    assert_eq!(ship("correct", "RR2", "https://post.example/RR2").await.status, 303);
    let page = ann.page("/orders/cs_test_a1").await;
    assert!(page.contains("<code>RR2</code>") && page.contains("https://post.example/RR2"));
    assert!(!ann.page("/todo").await.contains("12 St James"));
}

#[tokio::test]
async fn who_ships_what_somebody_else_has_shipped_is_told_so_and_overwrites_nothing() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.fulfill.add_person("Berta", PASSWORD).await.unwrap();
    let berta = Merchant::sign_in(&site, "Berta", PASSWORD).await;
    site.api(Method::POST, "/stock/SHIRT-M", Some(json!({ "add": 6 }))).await;
    site.buy(paid("cs_test_a1", &["shirt", "shirt"])).await;
    let (first, both) = (&["li_1"][..], &["li_1", "li_2"][..]);
    let ship = async |who: &Merchant<'_>, means: &str, way: (&str, &str), lines: &[&str]| {
        let fields = [("back", "todo"), ("mail", "yes"), ("carrier", way.0), ("tracking", way.1)];
        let mut fields = fields.to_vec();
        fields.push(("means", means));
        fields.extend(lines.iter().map(|line| ("line", *line)));
        who.post("/orders/cs_test_a1/ship", &fields).await
    };
    assert_eq!(ship(&berta, "ship", ("DHL", "111"), first).await.status, 303);
    let before = told(&site, "cs_test_a1").await;
    // A page of before: it speaks of both, or says nothing at all about what it means.
    for (means, lines, what) in [
        ("ship", both, "shipped a part of it already, with DHL 111; nothing was changed."),
        ("ship", first, "shipped it already, with DHL 111; nothing was changed."),
        ("", first, "shipped it already, with DHL 111; nothing was changed."),
    ] {
        let late = ship(&ann, means, ("UPS", "222"), lines).await;
        assert_eq!(late.status, 409, "{means} {lines:?}");
        assert!(late.text.contains(&format!("Berta {what}")), "{means} {lines:?}: {}", late.text);
    }
    assert_eq!(told(&site, "cs_test_a1").await, before);
    // The same once more is what she wanted; and the other one leaves.
    assert_eq!(ship(&ann, "ship", ("DHL", "111"), first).await.status, 303);
    assert_eq!(told(&site, "cs_test_a1").await, before);
    assert_eq!(ship(&ann, "ship", ("UPS", "222"), &["li_2"]).await.status, 303);
    let late = ship(&berta, "ship", ("GLS", "333"), &["li_2"]).await;
    assert!(late.text.contains("ann shipped it already, with UPS 222"), "{}", late.text);
    // What was typed stands in the form for corrections, which means what it says.
    assert!(late.text.contains("value=\"333\""), "{}", late.text);
    assert_eq!(ship(&berta, "correct", ("GLS", "333"), &["li_2"]).await.status, 303);
    assert!(ann.page("/orders/cs_test_a1").await.contains("<code>333</code>"));
}

#[tokio::test]
async fn stock_is_booked_with_a_reason_and_keys_are_imported() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.buy(paid("cs_test_a1", &["shirt", "editor"])).await;
    let units = [("sku", "SHIRT-M"), ("units", "=12"), ("why", "counted")];
    assert_eq!(ann.post("/stock", &units).await.status, 303);
    let import = async |pool, keys| {
        let answer = ann.post("/keys", &[("pool", pool), ("keys", keys)]).await;
        if answer.status != 303 {
            return answer.text;
        }
        ann.page(answer.header("location").strip_prefix("/dashboard").unwrap()).await
    };
    let keys = import("editor", "\u{feff}K-1\r\n\r\n K-2 \nK-1").await;
    let told =
        "Pool editor: 2 added, 0 were there already, 1 stood in the list before, none refused.";
    assert!(keys.contains(told), "{keys}");
    site.fulfilled("cs_test_a1").await;
    let odd = import("editor", "K-3\n\nK-\u{1}\nK-4\n\u{2}").await;
    assert!(odd.contains("Line 3 (and 1 more lines) is too long"), "{odd}");
    let again = import("editor", "K-3\nK-1\nK-2").await;
    let told =
        "Pool editor: 1 added, 2 were there already, 0 stood in the list before, none refused.";
    assert!(again.contains(told), "nothing of the refused list: {again}");
    assert!(again.contains("2 are free now"), "{again}");
    let slip = import("editr & co", "K-1").await;
    assert!(slip.contains("Pool editr &#38; co: 1 added"), "each pool has its own: {slip}");
    assert!(slip.contains("No product in the catalog draws from it"), "{slip}");
    let page = ann.page("/stock?sku=SHIRT-M").await;
    for shown in ["counted", "ann", "+12", "an order"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    for (path, fields) in [
        ("/stock", &[("sku", "SHIRT-M"), ("units", "many")][..]),
        ("/stock", &[("sku", ""), ("units", "1")]),
        ("/stock", &[("sku", "a\u{1}"), ("units", "1")]),
        ("/keys", &[("pool", "editor"), ("keys", " \n ")]),
        ("/keys", &[("pool", ""), ("keys", "K-3")]),
        ("/keys", &[("pool", "editor"), ("keys", "K-\u{1}")]),
    ] {
        assert_eq!(ann.post(path, fields).await.status, 400, "{path} {fields:?}");
    }
    let many = "x".repeat(17 << 20);
    assert_eq!(ann.post("/keys", &[("pool", "editor"), ("keys", &many)]).await.status, 413);
}

#[tokio::test]
async fn a_page_that_answers_a_form_leads_to_itself_and_counts_what_waits() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.buy(paid("cs_test_a1", &["handmade"])).await;
    for (path, fields, status, page) in [
        ("/orders/cs_test_a1/done", &[("line", "li_nope")][..], 409, "orders/cs_test_a1"),
        ("/orders/cs_test_a1/note", &[("text", "")], 409, "orders/cs_test_a1"),
        ("/orders/cs_test_a1/explode", &[], 404, "orders/cs_test_a1"),
        ("/stock", &[("sku", "SHIRT-M"), ("units", "many")], 400, "stock"),
        ("/keys", &[("pool", "editor"), ("keys", "")], 400, "stock"),
        ("/todo/dismiss", &[("event", "77")], 404, "todo"),
        ("/todo/summary", &[("day", "2024-01-01")], 404, "todo"),
        ("/people/remove", &[("name", "nobody")], 400, "people"),
        ("/people/tokens", &[("name", "warehouse")], 200, "people"),
    ] {
        let answer = ann.post(path, fields).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let reload = format!("id=\"reload\" href=\"/dashboard/{page}\"");
        assert!(answer.text.contains(&reload), "{path}: {}", answer.text);
        assert!(answer.text.contains("id=\"waiting\" data-live>1<"), "{path}: {}", answer.text);
        assert_eq!(ann.get(&format!("/{page}")).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_act_on_what_is_not_there_says_so() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    for (path, status) in [
        ("/orders/cs_test_none/again", 404),
        ("/orders/cs_test_none/waive", 404),
        ("/orders/cs_test_none/explode", 404),
        ("/orders/nothing/again", 404),
        ("/nothing", 404),
    ] {
        assert_eq!(ann.post(path, &[("text", "x")]).await.status, status, "{path}");
    }
    for path in
        ["/orders/cs_test_none", "/orders/%3Cscript%3E", "/reports/all.csv", "/assets/x.txt"]
    {
        assert_eq!(ann.get(path).await.status, 404, "{path}");
    }
    assert_eq!(send(ann.request(Method::DELETE, "/people")).await.status, 405);
    assert_eq!(ann.get("/orders?after=cs_test_none&from=2024-13-01&q=%00").await.status, 200);
}

#[tokio::test]
async fn why_an_order_is_not_fulfilled_is_said_with_what_to_do() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.buy(paid("cs_test_dry", &["editor"])).await;
    site.buy(unpaid("cs_test_debit", "complete", "processing")).await;
    site.stripe.fails("cs_test_away", 500, "Stripe is away");
    let event = crate::bench::event("evt_away", "checkout.session.completed", "cs_test_away");
    site.deliver(event).await;
    let troubled = async {
        while site.known("cs_test_away").await.is_none_or(|view| view.trouble.is_none()) {
            site.clock.sleep(std::time::Duration::from_secs(1)).await;
        }
    };
    site.turning(troubled).await;
    for (id, why, advice) in [
        ("cs_test_dry", "The key pool “editor” is dry.", "Import keys"),
        ("cs_test_debit", "processing", "Nothing needs to be done."),
        ("cs_test_away", "Stripe could not be asked", "It is tried again by itself."),
    ] {
        let page = ann.page(&format!("/orders/{id}")).await;
        assert!(page.contains(why) && page.contains(advice), "{id}: {page}");
    }
}

#[tokio::test]
async fn markup_in_any_field_of_an_order_stays_text() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.api(Method::POST, "/stock/SHIRT-M", Some(json!({ "add": 3 }))).await;
    let mut session = paid("cs_test_a1", &["evil", "handmade", "shirt"]);
    session["customer_details"] = json!({ "email": EVIL, "name": EVIL, "phone": EVIL });
    for field in ["client_reference_id", "customer", "currency", "payment_link"] {
        session[field] = EVIL.into();
    }
    session["metadata"] = json!({ EVIL: EVIL });
    session["line_items"]["data"][0] = line(1, EVIL, 2, 1_900);
    session["line_items"]["data"][1]["description"] = EVIL.into();
    session["payment_intent"]["id"] = EVIL.into();
    session["custom_fields"] = json!([
        { "key": EVIL, "label": { "custom": EVIL }, "text": { "value": EVIL } },
        { "key": EVIL, "label": { "custom": EVIL }, "dropdown": { "value": "a",
            "options": [{ "label": EVIL, "value": "a" }] } },
    ]);
    let shipping = &mut session["collected_information"]["shipping_details"];
    shipping["name"] = EVIL.into();
    for field in ["line1", "line2", "city", "state", "postal_code", "country"] {
        shipping["address"][field] = EVIL.into();
    }
    site.buy(session).await;
    site.deliver(json!({ "id": EVIL, "object": "event", "type": EVIL }).to_string()).await;
    ann.post("/orders/cs_test_a1/note", &[("text", EVIL)]).await;
    ann.post("/stock", &[("sku", EVIL), ("units", "3"), ("why", EVIL)]).await;
    ann.post("/keys", &[("pool", EVIL), ("keys", EVIL)]).await;
    let parcel = [("line", "li_3"), ("carrier", EVIL), ("tracking", EVIL)];
    assert_eq!(ann.post("/orders/cs_test_a1/ship", &parcel).await.status, 303);
    let sku =
        "/stock?sku=%3Cscript%3Ealert(1)%3C/script%3E%3Cimg%20src=x%20onerror=alert(2)%3E%22'%26";
    for path in [
        "",
        "/todo",
        "/orders",
        "/orders/cs_test_a1",
        "/stock",
        sku,
        "/setting-up",
        "/people",
        "/orders?q=%3Cscript%3E%22%3E&from=%22%3E%3Cimg&until=%27&status=%3Cb%3E",
        "/reports?from=%22%3E%3Cimg%20src=x%3E",
        "/orders/cs_test_a1?done=%3Cscript%3E",
    ] {
        let page = ann.page(path).await.to_lowercase();
        for bad in ["<script>", "<img src=x", "<img\"", "javascript:", " onerror=alert(2)>", "<b>"]
        {
            assert!(!page.contains(bad), "{bad} on {path}");
        }
    }
    let page = ann.page("/orders/cs_test_a1").await;
    assert!(page.matches("&#60;script&#62;alert(1)").count() >= 16, "{page}");
}

#[tokio::test]
async fn a_filter_that_is_not_understood_shows_nothing_and_says_so() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    for (query, said) in [
        ("status=nonsense", "There is no status “nonsense”."),
        ("from=nonsense", "“nonsense” is no date: write it as 2026-11-28."),
        ("until=2024-02-30", "“2024-02-30” is no date"),
        ("status=a&from=b&until=c", "“a”. “b” is no date: write it as 2026-11-28. “c” is"),
    ] {
        let page = ann.page(&format!("/orders?{query}")).await;
        assert!(page.contains(said) && page.contains("The list was not read."), "{query}: {page}");
        assert!(!page.contains("cs_test_a1"), "{query}: {page}");
    }
    for query in ["", "?status=", "?status=fulfilled&from=&until=", "?from=2024-01-01"] {
        assert!(ann.page(&format!("/orders{query}")).await.contains("cs_test_a1"), "{query}");
    }
    assert!(!ann.page("/orders?status=to_ship").await.contains("There is no status"));
}

#[tokio::test]
async fn reports_are_downloaded_with_their_days() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    for report in ["orders", "lines", "stock"] {
        let csv = ann.get(&format!("/reports/{report}.csv?from=&until=")).await;
        assert_eq!(csv.status, 200, "{report}");
        assert!(csv.header("content-type").starts_with("text/csv"));
        assert!(csv.header("content-disposition").starts_with("attachment"));
    }
    let has = |days: &'static str| {
        let ann = &ann;
        async move { ann.get(&format!("/reports/orders.csv?{days}")).await.text.contains("cs_test_a1") }
    };
    assert!(has("from=2024-01-01&until=2024-01-01").await);
    assert!(!has("until=2023-12-31").await);
    let odd = ann.get("/reports/orders.csv?from=yesterday").await;
    assert_eq!(odd.status, 400);
    assert!(odd.text.contains("yesterday") && odd.text.contains("2026-11-05"));
}

#[tokio::test]
async fn days_and_times_are_the_shops_where_it_says_where_it_is() {
    // The order is of 2024-01-01T00:00:00Z: in New York it was still the year before.
    for (zone, day, before, time) in [
        (None, "2024-01-01", "2023-12-31", "1 Jan 2024, 00:00"),
        (Some("America/New_York"), "2023-12-31", "2023-12-30", "31 Dec 2023, 19:00"),
    ] {
        let site = Site::with(|builder| match zone {
            Some(zone) => builder.brand(Brand::default().time_zone(zone).unwrap()),
            None => builder,
        })
        .await;
        let ann = Merchant::ann(&site).await;
        site.buy(paid("cs_test_a1", &["course"])).await;
        let days = format!("days as in {}", zone.unwrap_or("UTC"));
        let when = format!("When ({})", zone.unwrap_or("UTC"));
        let list = ann.page(&format!("/orders?from={day}&until={day}")).await;
        for shown in [days.as_str(), &when, time, "cs_test_a1"] {
            assert!(list.contains(shown), "{shown} is not in {list}");
        }
        assert!(!ann.page(&format!("/orders?until={before}")).await.contains("cs_test_a1"));
        assert!(ann.page("/reports").await.contains(&days));
        for (last, found) in [(day, true), (before, false)] {
            let csv = ann.get(&format!("/reports/orders.csv?until={last}")).await.text;
            assert_eq!(csv.contains("cs_test_a1"), found, "{zone:?} {last}");
        }
        let csv = site.request(Method::GET, &format!("/api/reports/orders.csv?until={before}"));
        let csv = send(csv.bearer_auth(TOKEN)).await;
        assert_eq!((csv.status, csv.text.contains("cs_test_a1")), (200, false));
        let start = ann.page("").await;
        for shown in
            [days.replace("days", "Days").as_str(), "<span class=\"figure\">1</span> orders today"]
        {
            assert!(start.contains(shown), "{shown} is not in {start}");
        }
        let date = time.split_once(',').unwrap().0;
        assert!(start.contains(&format!("<title>{date}: 1</title>")), "{start}");
    }
}

#[tokio::test]
async fn times_are_written_by_the_readers_clock() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    for (offset, zone, time) in [
        ("", "UTC)", "1 Jan 2024, 00:00"),
        ("fulfilld_offset=60", "UTC+1)", "1 Jan 2024, 01:00"),
        ("fulfilld_offset=-210", "UTC−3:30)", "31 Dec 2023, 20:30"),
        ("fulfilld_offset=99999", "UTC+14)", "1 Jan 2024, 14:00"),
        ("fulfilld_offset=<b>", "UTC)", "1 Jan 2024, 00:00"),
    ] {
        let cookie = format!("{}; {offset}", ann.cookie);
        let request = site.request(Method::GET, "/dashboard/orders").header("cookie", cookie);
        let page = send(request).await.text;
        assert!(page.contains(zone) && page.contains(time), "{offset}: {page}");
    }
}

#[tokio::test]
async fn the_mode_is_shown_and_a_live_shop_does_not_look_like_a_test() {
    let test = idle().await;
    let ann = Merchant::ann(&test).await;
    assert!(ann.page("").await.contains("Test mode"));
    let live = Site::idle(|builder: Builder| {
        builder.stripe(fulfill::stripe::ClientSettings::new(
            "sk_live_123".to_owned().into(),
            fulfill::clock::Clock::manual(crate::bench::START),
        ))
    })
    .await;
    live.fulfill.add_person("ann", PASSWORD).await.unwrap();
    let ann = Merchant::sign_in(&live, "ann", PASSWORD).await;
    let page = ann.page("").await;
    assert!(!page.contains("Test mode"));
    assert!(ann.post("/people/tokens", &[("name", "x")]).await.text.contains(">ff_live_"));
}

#[tokio::test]
async fn behind_a_path_everything_leads_below_it() {
    let site = Site::idle(|builder| builder.public_url("https://example.com/pay/")).await;
    site.fulfill.add_person("ann", PASSWORD).await.unwrap();
    let entered = super::try_to_sign_in(&site, "ann", PASSWORD).await;
    assert_eq!(entered.header("location"), "/pay/dashboard");
    assert!(entered.header("set-cookie").contains("; Path=/pay/dashboard;"));
    let ann = Merchant { site: &site, cookie: super::cookie(&entered) };
    let page = ann.page("/orders").await;
    assert!(page.contains("href=\"/pay/dashboard/todo\"") && !page.contains("href=\"/dashboard"));
    let away = site.get("/dashboard/orders?q=x").await;
    assert_eq!(away.header("location"), "/pay/dashboard/sign-in?next=orders%3Fq%3Dx");
    let link = site.fulfill.sign_in_link().await.unwrap();
    assert_eq!(site.get(&link).await.status, 200);
}

#[tokio::test]
async fn after_signing_in_one_is_where_one_wanted_to_be_and_never_elsewhere() {
    let site = idle().await;
    site.fulfill.add_person("ann", PASSWORD).await.unwrap();
    for (next, leads_to) in [
        ("orders?q=x", "/dashboard/orders?q=x"),
        ("https://evil.example", "/dashboard/https://evil.example"),
        ("//evil.example", "/dashboard/evil.example"),
        ("\\\\evil.example", "/dashboard"),
        ("a\r\nset-cookie: x=y", "/dashboard"),
        ("", "/dashboard"),
    ] {
        let request = site.request(Method::POST, "/dashboard/sign-in").header("origin", &site.url);
        let fields = [("name", "ann"), ("password", PASSWORD), ("next", next)];
        let answer = send(request.form(&fields)).await;
        assert_eq!((answer.status, answer.header("location")), (303, leads_to));
    }
}

#[tokio::test]
async fn news_end_when_the_service_stops() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    let news = ann.request(Method::GET, "/live").send().await.unwrap();
    assert_eq!(news.status(), 200);
    assert!(news.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    site.fulfill.pulse().stop();
    tokio::time::timeout(std::time::Duration::from_secs(20), news.bytes())
        .await
        .expect("the news go on")
        .unwrap();
}
