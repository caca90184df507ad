//! Who may see keys and links, in which language, how a page learns of changes, and how orders are
//! found again.

use std::time::Duration;

use fulfill::{
    Brand, Builder,
    actions::mail::{Mail, Server},
};
use reqwest::{Method, header::COOKIE};
use serde_json::json;

use crate::{
    bench::{Answer, Site, send},
    stripe::{paid, unpaid},
};

const HOUR: Duration = Duration::from_secs(3_600);
const KEYS: &str = "/keys/editor";

/// Mail is set up, and the mail server is away: what is queued stays where it can be counted.
fn mailing(builder: Builder) -> Builder {
    let server = Server::parse("smtp://127.0.0.1:9").unwrap();
    builder.mail(Mail::new(server, "shop@example.com").unwrap())
}

/// A course and a license, fulfilled.
async fn sold(site: &Site, id: &str) {
    site.api(Method::POST, KEYS, Some(json!({ "keys": ["EDIT-1", "EDIT-2"] }))).await;
    site.buy(paid(id, &["course", "editor"])).await;
    site.fulfilled(id).await;
}

async fn with_cookie(site: &Site, id: &str, cookie: &str) -> Answer {
    let path = format!("/success?session_id={id}");
    send(site.request(Method::GET, &path).header(COOKIE, cookie)).await
}

fn shows_all(page: &Answer) -> bool {
    page.text.contains(">EDIT-1<") && page.text.contains("https://example.com/course")
}

fn hides_all(page: &Answer) -> bool {
    !page.text.contains("EDIT-1") && !page.text.contains("https://example.com/course")
}

#[tokio::test]
async fn case_42_after_a_day_keys_and_links_are_for_the_browser_that_came_from_checkout() {
    let site = Site::open().await;
    sold(&site, "cs_test_a1").await;
    let first = site.landing("cs_test_a1").await;
    assert!(shows_all(&first), "{}", first.text);
    let cookie = first.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/success", "Max-Age=15552000"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "there is no https here: {cookie}");
    assert!(!cookie.contains("cs_test_a1"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();

    site.clock.advance(25 * HOUR);
    let stranger = site.landing("cs_test_a1").await;
    assert_eq!((stranger.status, stranger.data_status()), (200, "fulfilled"));
    assert!(hides_all(&stranger) && stranger.text.contains("hidden here"), "{}", stranger.text);
    assert!(stranger.text.contains("A nice course") && stranger.text.contains("€"), "lines stay");
    assert_eq!(stranger.header("set-cookie"), "", "a stranger does not become the buyer");
    assert!(shows_all(&with_cookie(&site, "cs_test_a1", &format!("a=b; {pair}; c=d")).await));

    site.buy(paid("cs_test_b2", &["course"])).await;
    site.clock.advance(25 * HOUR);
    let (name, value) = pair.split_once('=').unwrap();
    let turned: String = value.chars().rev().collect();
    for bad in [format!("{name}={turned}"), format!("{name}="), "x".to_owned()] {
        assert!(hides_all(&with_cookie(&site, "cs_test_a1", &bad).await), "{bad}");
    }
    assert!(hides_all(&with_cookie(&site, "cs_test_b2", pair).await), "of another order");
}

#[tokio::test]
async fn a_payment_that_took_days_is_shown_to_the_browser_that_waited_for_it() {
    let site = Site::with(|builder| builder.public_url("https://shop.example")).await;
    site.buy(unpaid("cs_test_a1", "complete", "processing")).await;
    let page = site.turning(site.landing("cs_test_a1")).await;
    let cookie = page.header("set-cookie").to_owned();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    site.stripe.knows(paid("cs_test_a1", &["course"]));
    site.clock.advance(5 * 24 * HOUR);
    site.look("cs_test_a1").await;
    let pair = cookie.split(';').next().unwrap();
    let page = with_cookie(&site, "cs_test_a1", pair).await;
    assert!(page.text.contains("https://example.com/course"), "{}", page.text);
    assert!(!site.landing("cs_test_a1").await.text.contains("https://example.com/course"));
}

#[tokio::test]
async fn a_waiting_payment_says_how_long_it_takes_and_to_whom_we_write() {
    for (site, writes) in [(Site::with(mailing).await, true), (Site::open().await, false)] {
        let mut session = unpaid("cs_test_a1", "complete", "processing");
        session["payment_method_types"] = json!(["card", "sepa_debit"]);
        session["customer_details"] = json!({ "email": "ada@example.com" });
        site.buy(session).await;
        let page = site.turning(site.landing("cs_test_a1")).await;
        assert!(page.text.contains("SEPA direct debit usually takes up to 6 business days"));
        assert!(!page.text.contains("ada@"), "{}", page.text);
        assert_eq!(page.text.contains("We will write to"), writes, "{}", page.text);
        assert_eq!(page.text.contains("a…@e….com"), writes, "{}", page.text);
    }
}

#[tokio::test]
async fn case_40_the_page_speaks_the_checkouts_language_then_the_browsers_then_the_shops() {
    let german = |builder: Builder| builder.brand(Brand::default().language("de").unwrap());
    for (shop_german, locale, browser, lang) in [
        (false, None, None, "en"),
        (true, None, None, "de"),
        (true, None, Some("en-GB"), "en"),
        (false, None, Some("fr, de;q=0.5"), "de"),
        (false, Some("de"), Some("en"), "de"),
        (true, Some("en"), Some("de"), "en"),
        (false, Some("auto"), Some("de"), "de"),
        (false, Some("fil"), Some("de"), "de"),
    ] {
        let site = Site::with(|b| if shop_german { german(b) } else { b }).await;
        let mut session = paid("cs_test_a1", &["course"]);
        session["locale"] = json!(locale);
        session["collected_information"] = json!(null);
        site.buy(session).await;
        let mut request = site.request(Method::GET, "/success?session_id=cs_test_a1");
        if let Some(browser) = browser {
            request = request.header("accept-language", browser);
        }
        let page = send(request).await;
        let what = format!("{shop_german} {locale:?} {browser:?}");
        assert!(page.text.contains(&format!("<html lang=\"{lang}\"")), "{what}");
        let money = if lang == "de" { "19,00\u{a0}€" } else { "€19.00" };
        assert!(page.text.contains(money), "{what}: {}", page.text);
    }
}

#[tokio::test]
async fn the_shop_shows_its_name_its_logo_and_its_color() {
    const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let brand = Brand::default()
        .name("Tea <b>& Co")
        .and_then(|b| b.logo(LOGO.as_bytes().to_vec()))
        .and_then(|b| b.color("#ffdd00"))
        .and_then(|b| b.url("https://tea.example/?a=\"><script>"))
        .and_then(|b| b.support("help@tea.example"))
        .unwrap();
    let site = Site::with(|builder| builder.brand(brand)).await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    let page = site.landing("cs_test_a1").await;
    assert!(page.text.contains("Tea &#60;b&#62;&#38; Co") && !page.text.contains("<b>"));
    assert!(page.text.contains("href=\"mailto:help@tea.example\""));
    assert!(page.text.contains("https://tea.example/?a=&#34;&#62;&#60;script&#62;"));
    assert!(page.text.contains("--on-accent:#000000"), "black is read on yellow");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("img-src 'self'") && policy.contains("form-action 'self'"), "{policy}");
    let logo = site.get("/success/logo").await;
    assert_eq!((logo.status, logo.header("content-type")), (200, "image/svg+xml"));
    let policy = logo.header("content-security-policy");
    assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(Site::open().await.get("/success/logo").await.status, 404, "there is none");
}

#[tokio::test]
async fn a_page_that_waits_is_told_of_the_change_and_then_let_go() {
    let site = Site::open().await;
    site.buy(unpaid("cs_test_a1", "complete", "processing")).await;
    let page = site.turning(site.landing("cs_test_a1")).await;
    assert!(page.text.contains("data-live=\"success/live?session_id=cs_test_a1\""));
    let live = site.get("/success/live?session_id=cs_test_a1");
    let change = async {
        for _ in 0..10 {
            site.clock.sleep(Duration::from_secs(1)).await;
        }
        site.stripe.knows(paid("cs_test_a1", &["course"]));
        site.deliver(crate::bench::event(
            "evt_paid",
            "checkout.session.async_payment_succeeded",
            "cs_test_a1",
        ))
        .await;
    };
    let (told, ()) = site.turning(async { tokio::join!(live, change) }).await;
    assert_eq!(
        (told.status, told.header("content-type")),
        (200, "text/event-stream; charset=utf-8")
    );
    assert!(told.text.ends_with("event: changed\ndata: 1\n\n"), "{}", told.text);
    assert!(!told.text.contains("course"), "events say nothing of the order");
    let page = site.landing("cs_test_a1").await;
    assert_eq!(page.data_status(), "fulfilled");
    assert!(!page.text.contains("data-live"), "there is nothing to wait for");
}

#[tokio::test]
async fn listening_is_bounded_in_number_and_time_and_is_not_for_guesses() {
    let site = Site::open().await;
    assert_eq!(site.get("/success/live").await.status, 400);
    assert_eq!(site.get("/success/live?session_id=%3Cscript%3E").await.status, 400);
    site.buy(unpaid("cs_test_a1", "complete", "processing")).await;
    let open = || {
        let request = site.request(Method::GET, "/success/live?session_id=cs_test_a1");
        async { request.send().await.unwrap() }
    };
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(open().await);
    }
    assert!(held.iter().all(|answer| answer.status() == 200));
    assert_eq!(open().await.status(), 429, "one address has its share");
    let last = held.pop().unwrap();
    drop(held);
    let text = site.turning(async { last.text().await.unwrap() }).await;
    assert!(text.contains(": still here"), "{text}");
}

/// Links by mail that an order has queued.
async fn links(site: &Site, id: &str) -> usize {
    let order = site.api_get(&format!("/orders/{id}")).await;
    order["deliveries"].as_array().unwrap().iter().filter(|d| d["kind"] == "mail.link").count()
}

async fn ask(site: &Site, path: &str, form: &[(&str, &str)]) -> Answer {
    send(site.request(Method::POST, path).form(form)).await
}

#[tokio::test]
async fn a_link_is_sent_to_who_is_known_and_nobody_can_tell_who_that_is() {
    let site = Site::with(mailing).await;
    sold(&site, "cs_test_a1").await;
    let form = site.get("/my-orders").await;
    assert!(form.status == 200 && form.text.contains("<form"), "{}", form.text);
    let unknown = ask(&site, "/my-orders", &[("email", "eve@example.com")]).await;
    let known = ask(&site, "/my-orders", &[("email", " ADA@example.com ")]).await;
    assert_eq!((known.status, &known.text), (200, &unknown.text));
    assert!(known.text.contains("If we know this address"));
    let until = async |count| {
        while links(&site, "cs_test_a1").await < count {
            site.clock.sleep(Duration::from_secs(1)).await;
        }
    };
    site.turning(until(1)).await;
    for asked in 2..=6 {
        site.clock.advance(Duration::from_secs(120));
        ask(&site, "/my-orders", &[("email", "ada@example.com")]).await;
        if asked <= 3 {
            site.turning(until(asked)).await;
        }
    }
    site.turning(site.clock.sleep(Duration::from_secs(5))).await;
    assert_eq!(links(&site, "cs_test_a1").await, 3, "an address gets three in an hour");
}

#[tokio::test]
async fn a_hidden_order_sends_its_link_to_its_own_address() {
    let site = Site::with(mailing).await;
    sold(&site, "cs_test_a1").await;
    site.clock.advance(25 * HOUR);
    let page = site.landing("cs_test_a1").await;
    assert!(page.text.contains("action=\"success/mail-link\""), "{}", page.text);
    assert!(page.text.contains("a…@e….com"), "{}", page.text);
    let known = ask(&site, "/success/mail-link", &[("session_id", "cs_test_a1")]).await;
    for other in ["cs_test_guess", "", "<script>", "cs_live_a1"] {
        let answer = ask(&site, "/success/mail-link", &[("session_id", other)]).await;
        assert_eq!((answer.status, &answer.text), (200, &known.text), "{other}");
    }
    assert!(site.known("cs_test_guess").await.is_none(), "a guess leaves no trace");
    site.turning(async {
        while links(&site, "cs_test_a1").await == 0 {
            site.clock.sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn asking_for_links_is_bounded_and_only_from_our_own_pages() {
    let site = Site::with(mailing).await;
    let mail = [("email", "ada@example.com")];
    let quoted = ask(&site, "/my-orders", &[("email", "\"ada lee\"@example.com")]).await;
    assert_eq!(quoted.status, 200, "an address may have a quoted name: {}", quoted.text);
    site.clock.advance(Duration::from_secs(60));
    for bad in ["", "ada", "@example.com", "ada@", "a b@example.com", &"x".repeat(300)] {
        let answer = ask(&site, "/my-orders", &[("email", bad)]).await;
        assert_eq!(answer.status, 422, "{bad}");
        assert!(answer.text.contains("Please enter a mail address"), "{bad}");
    }
    let foreign = site.request(Method::POST, "/my-orders").header("sec-fetch-site", "cross-site");
    assert_eq!(send(foreign.form(&mail)).await.status, 429);
    let served = async {
        let mut served = 0;
        loop {
            let answer = ask(&site, "/my-orders", &mail).await;
            if answer.status != 200 {
                break (served, answer.header("retry-after").to_owned());
            }
            served += 1;
        }
    };
    assert_eq!(served.await, (6, "10".to_owned()), "six a minute");
    let long = format!("email={}", "x".repeat(5_000));
    assert_eq!(send(site.request(Method::POST, "/my-orders").body(long)).await.status, 413);
    let silent = Site::open().await;
    let page = silent.get("/my-orders").await;
    assert!(page.text.contains("does not send mails") && !page.text.contains("<form"));
}

#[tokio::test]
async fn a_link_that_is_not_ours_shows_nothing() {
    let site = Site::with(mailing).await;
    sold(&site, "cs_test_a1").await;
    for link in ["x", "1-99999999999-00", "1-1-", "%3Cscript%3E", "1--1"] {
        let page = site.get(&format!("/my-orders/{link}")).await;
        assert_eq!(page.status, 404, "{link}");
        assert!(page.text.contains("does not work any more") && hides_all(&page), "{link}");
    }
}
