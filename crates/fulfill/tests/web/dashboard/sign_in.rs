//! The way in, and what keeps strangers out.

use std::time::Duration;

use reqwest::Method;

use super::{Merchant, PASSWORD, cookie, idle, try_to_sign_in};
use crate::{
    bench::{Site, send},
    stripe::paid,
};

/// What stands in a field of the page.
fn value(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

async fn setup(site: &Site, token: &str, name: &str, password: &str) -> crate::bench::Answer {
    let request = site.request(Method::POST, "/dashboard/setup").header("origin", &site.url);
    let fields = [("token", token), ("name", name), ("password", password), ("again", password)];
    send(request.form(&fields)).await
}

#[tokio::test]
async fn who_is_not_signed_in_sees_the_way_in_and_nothing_else() {
    let site = idle().await;
    for path in ["", "/", "/people", "/orders/cs_test_a1", "/todo", "/nothing", "/live"] {
        let answer = site.get(&format!("/dashboard{path}")).await;
        if path == "/" {
            assert_eq!((answer.status, answer.header("location")), (308, "../dashboard"));
            continue;
        }
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").starts_with("/dashboard/sign-in"), "{path}");
        assert!(answer.text.is_empty());
        let post = site.request(Method::POST, &format!("/dashboard{path}"));
        let answer = send(post.header("origin", &site.url).body("csrf=")).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").starts_with("/dashboard/sign-in"), "{path}");
    }
    let stale = site.request(Method::GET, "/dashboard/people").header("cookie", "fulfilld_login=x");
    assert_eq!(send(stale).await.header("location"), "/dashboard/sign-in?next=people");
}

#[tokio::test]
async fn every_answer_is_strict_about_scripts_frames_and_caches() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    for (path, status) in
        [("/sign-in", 200), ("/people", 200), ("", 200), ("/nothing", 404), ("/setup?token=x", 404)]
    {
        let answer = ann.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert!(!answer.text.contains("<script>") && !answer.text.contains(" style="), "{path}");
    }
}

#[tokio::test]
async fn the_first_link_lets_one_person_in_once() {
    let site = idle().await;
    let link = site.fulfill.sign_in_link().await.unwrap();
    let other = site.fulfill.sign_in_link().await.unwrap();
    let (_, token) = link.split_once("token=").unwrap();
    assert!(site.get("/dashboard/sign-in").await.text.contains("Nobody can sign in yet"));
    let page = site.get(&link).await;
    assert_eq!(page.status, 200);
    assert_eq!(value(&page.text, "token"), token);
    for (name, password, why) in [
        ("ann", "too short", "at least 10 signs"),
        ("", PASSWORD, "A name has 1 to 60 signs"),
        ("a\nb", PASSWORD, "in one line"),
    ] {
        let refused = setup(&site, token, name, password).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains(why), "{}", refused.text);
        assert!(!refused.text.contains(password), "a password is never sent back");
    }
    let entered = setup(&site, token, "ann", PASSWORD).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/dashboard"));
    let ann = Merchant { site: &site, cookie: cookie(&entered) };
    assert!(ann.page("/people").await.contains("ann"));
    for used in [link.as_str(), other.as_str()] {
        assert_eq!(site.get(used).await.status, 404, "with somebody there no link is needed");
        let (_, token) = used.split_once("token=").unwrap();
        assert_eq!(setup(&site, token, "eve", PASSWORD).await.status, 404);
    }
    assert!(!site.get("/dashboard/sign-in").await.text.contains("Nobody can sign in yet"));
}

#[tokio::test]
async fn a_link_ends_after_a_day() {
    let site = idle().await;
    let link = site.fulfill.sign_in_link().await.unwrap();
    site.clock.advance(Duration::from_secs(86_399));
    assert_eq!(site.get(&link).await.status, 200);
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(site.get(&link).await.status, 404);
}

#[tokio::test]
async fn a_lost_password_is_replaced_by_who_sees_the_programs_terminal() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    let link = site.fulfill.sign_in_link().await.unwrap();
    let (_, token) = link.split_once("token=").unwrap();
    let hint = site.get("/dashboard/sign-in").await.text;
    assert!(hint.contains("fulfilld dashboard link"), "{hint}");
    assert_eq!(setup(&site, token, "Ann", "another password").await.status, 303, "in any case");
    assert_eq!(ann.get("/people").await.status, 303, "logins of before are over");
    assert_eq!(try_to_sign_in(&site, "ann", PASSWORD).await.status, 401);
    Merchant::sign_in(&site, "ann", "another password").await;
}

#[tokio::test]
async fn the_cookie_is_for_our_pages_only_and_no_script_reads_it() {
    let site = Site::idle(|builder| builder.public_url("https://pay.example.com")).await;
    site.fulfill.add_person("ann", PASSWORD).await.unwrap();
    let set = try_to_sign_in(&site, "ann", PASSWORD).await.header("set-cookie").to_owned();
    for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/dashboard;", "; Secure"] {
        assert!(set.contains(part), "{set}");
    }
    let plain = idle().await;
    plain.fulfill.add_person("ann", PASSWORD).await.unwrap();
    let set = try_to_sign_in(&plain, "ann", PASSWORD).await.header("set-cookie").to_owned();
    assert!(!set.contains("Secure"), "over plain HTTP it would never come back: {set}");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let site = idle().await;
    site.fulfill.add_person("ann", PASSWORD).await.unwrap();
    let wrong = try_to_sign_in(&site, "ann", "wrong password").await;
    let nobody = try_to_sign_in(&site, "bob", "wrong password").await;
    assert_eq!((wrong.status, nobody.status), (401, 401));
    assert_eq!(wrong.text.replace("ann", "bob"), nobody.text);
    assert!(wrong.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn passwords_are_tried_ten_times_and_then_slowly() {
    let site = idle().await;
    site.fulfill.add_person("ann", PASSWORD).await.unwrap();
    for _ in 0..10 {
        assert_eq!(try_to_sign_in(&site, "ann", "wrong password").await.status, 401);
    }
    let right = try_to_sign_in(&site, "ann", PASSWORD).await;
    assert_eq!(right.status, 429, "the right one is not told apart");
    assert_eq!(right.header("retry-after"), "30");
    assert!(right.text.contains("Try again in 30 seconds"), "{}", right.text);
    site.clock.advance(Duration::from_millis(29_500));
    assert_eq!(try_to_sign_in(&site, "ann", PASSWORD).await.header("retry-after"), "1");
    site.clock.advance(Duration::from_millis(500));
    Merchant::sign_in(&site, "ann", PASSWORD).await;
    assert_eq!(try_to_sign_in(&site, "ann", "wrong password").await.status, 401, "all are back");
}

#[tokio::test]
async fn a_name_is_tried_from_many_addresses_thirty_times() {
    let site = Site::idle(|builder| builder.behind_proxy(true)).await;
    site.fulfill.add_person("ann", PASSWORD).await.unwrap();
    let from = |n: usize| {
        let request = site.request(Method::POST, "/dashboard/sign-in");
        let request = request.header("x-forwarded-for", format!("192.0.2.{n}"));
        let fields = [("name", "ann"), ("password", "wrong password")];
        send(request.header("origin", &site.url).form(&fields))
    };
    for n in 0..30 {
        assert_eq!(from(n).await.status, 401);
    }
    let last = from(99).await;
    assert_eq!((last.status, last.header("retry-after")), (429, "20"));
}

#[tokio::test]
async fn who_finds_an_open_browser_guesses_thirty_times() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    let guess = [("old", "wrong password"), ("password", "another password"), ("again", "x")];
    for _ in 0..30 {
        assert_eq!(ann.post("/people/password", &guess).await.status, 400);
    }
    let last = ann.post("/people/password", &guess).await;
    assert_eq!((last.status, last.header("retry-after")), (429, "20"));
}

#[tokio::test]
async fn who_is_signed_in_no_more_hears_no_more() {
    let site = Site::open().await;
    let ann = Merchant::ann(&site).await;
    site.fulfill.add_person("bob", PASSWORD).await.unwrap();
    let people = site.fulfill.store().people().await.unwrap();
    let bob_seq = people.iter().find(|p| p.name == "bob").unwrap().seq.to_string();
    let mut listening = Vec::new();
    for name in ["ann", "ann", "bob"] {
        let who = Merchant::sign_in(&site, name, PASSWORD).await;
        let mut stream = who.request(Method::GET, "/live").send().await.unwrap();
        // It is heard that something has changed as long as one is signed in.
        ann.post("/stock", &[("sku", "SHIRT-M"), ("units", "1")]).await;
        site.buy(paid(&format!("cs_test_{}", listening.len()), &["course"])).await;
        let heard = stream.chunk().await.unwrap().unwrap();
        assert!(heard.starts_with(b"data: "), "{heard:?}");
        listening.push((who, stream));
    }
    listening[0].0.post("/sign-out", &[]).await;
    ann.post("/people/remove", &[("person", &bob_seq)]).await;
    let fields =
        [("old", PASSWORD), ("password", "another password"), ("again", "another password")];
    assert_eq!(ann.post("/people/password", &fields).await.status, 303);
    site.buy(paid("cs_test_last", &["course"])).await;
    for (_, mut stream) in listening {
        // What was under way when it happened may still come; then it is over.
        let mut more = 0;
        while stream.chunk().await.unwrap().is_some() {
            more += 1;
            assert!(more <= 3, "it goes on");
        }
    }
}

#[tokio::test]
async fn strangers_keep_nobody_out_of_a_browser_that_was_signed_in_before() {
    let site = Site::idle(|builder| builder.behind_proxy(true)).await;
    for name in ["ann", "bob"] {
        site.fulfill.add_person(name, PASSWORD).await.unwrap();
    }
    let try_it = |from: usize, cookie: String, name: &'static str, password: &'static str| {
        let request = site.request(Method::POST, "/dashboard/sign-in");
        let request = request.header("x-forwarded-for", format!("192.0.2.{from}"));
        let fields = [("name", name), ("password", password)];
        let request = request.header("cookie", cookie).header("origin", &site.url);
        send(request.form(&fields))
    };
    let none = String::new;
    let known = |answer: &crate::bench::Answer| {
        let set = answer.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap());
        let set: Vec<&str> = set.filter(|set| set.starts_with("fulfilld_known=")).collect();
        assert!(set[0].contains("; HttpOnly; SameSite=Lax"), "{set:?}");
        set[0].split(';').next().unwrap().to_owned()
    };
    let anns = known(&try_it(1, none(), "ann", PASSWORD).await);
    let bobs = known(&try_it(1, none(), "bob", PASSWORD).await);
    // From everywhere, ann's own address included.
    for n in 0..40 {
        try_it(n / 10, none(), "ann", "wrong password").await;
    }
    assert_eq!(try_it(1, none(), "ann", PASSWORD).await.status, 429);
    assert_eq!(try_it(99, bobs, "ann", PASSWORD).await.status, 429, "bob's browser is not ann's");
    assert_eq!(try_it(99, format!("{anns}0"), "ann", PASSWORD).await.status, 429);
    assert_eq!(try_it(1, anns.clone(), "ann", PASSWORD).await.status, 303);
    // What ann's browser may try is limited, too, and others do not gain by it.
    assert_eq!(try_it(99, none(), "ann", PASSWORD).await.status, 429);
    for _ in 0..10 {
        assert_eq!(try_it(1, anns.clone(), "ann", "wrong password").await.status, 401);
    }
    assert_eq!(try_it(1, anns.clone(), "ann", PASSWORD).await.status, 429);
    site.clock.advance(Duration::from_secs(30));
    let again = try_it(1, anns.clone(), "ann", PASSWORD).await;
    assert_eq!((again.status, known(&again)), (303, anns), "it stays the same browser");
}

#[tokio::test]
async fn a_form_of_another_page_does_nothing() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    let csrf = ann.csrf().await;
    let try_it = |headers: &[(&'static str, &str)], csrf: &str| {
        let mut request = ann.request(Method::POST, "/people/tokens");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request.form(&[("csrf", csrf), ("name", "evil")]))
    };
    let own = site.url.as_str();
    for (headers, csrf) in [
        (&[("origin", own)][..], ""),
        (&[("origin", own)], "0000"),
        (&[("origin", "https://evil.example")], csrf.as_str()),
        (&[("origin", "null")], csrf.as_str()),
        (&[], csrf.as_str()),
        (&[("origin", own), ("sec-fetch-site", "cross-site")], csrf.as_str()),
    ] {
        assert_eq!(try_it(headers, csrf).await.status, 403, "{headers:?} {csrf}");
    }
    assert!(!ann.page("/people").await.contains("evil"));
    let bob = async {
        site.fulfill.add_person("bob", PASSWORD).await.unwrap();
        Merchant::sign_in(&site, "bob", PASSWORD).await.csrf().await
    };
    let bobs = bob.await;
    assert_eq!(try_it(&[("origin", own)], &bobs).await.status, 403, "another login's token");
    assert_eq!(try_it(&[("origin", own)], &csrf).await.status, 200);
    for path in ["/dashboard/sign-in", "/dashboard/setup"] {
        let foreign = site.request(Method::POST, path).header("origin", "https://evil.example");
        let fields = [("name", "ann"), ("password", PASSWORD)];
        assert_eq!(send(foreign.form(&fields)).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_login_ends_when_it_is_not_used_when_it_is_signed_out_and_with_a_new_password() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    let other = Merchant::sign_in(&site, "ann", PASSWORD).await;
    let third = Merchant::sign_in(&site, "ann", PASSWORD).await;
    for _ in 0..3 {
        site.clock.advance(Duration::from_secs(13 * 86_400));
        ann.page("/people").await;
        third.page("/people").await;
    }
    assert_eq!(other.get("/people").await.status, 303, "nobody used it for two weeks");
    let fields =
        [("old", PASSWORD), ("password", "another password"), ("again", "another password")];
    let wrong = [("old", "wrong password"), fields[1], fields[2]];
    assert_eq!(ann.post("/people/password", &wrong).await.status, 400);
    third.page("/people").await;
    assert_eq!(ann.post("/people/password", &fields).await.status, 303);
    assert_eq!(third.get("/people").await.status, 303);
    assert_eq!(ann.post("/sign-out", &[]).await.header("location"), "/dashboard/sign-in");
    assert_eq!(ann.get("/people").await.status, 303);
    assert_eq!(try_to_sign_in(&site, "ann", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn people_invite_and_remove_each_other_but_the_last_one_stays() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    let invited = ann.post("/people/invite", &[]).await.text;
    let (_, rest) = invited.split_once("/dashboard/setup?token=").unwrap();
    let token = rest.split_once('<').unwrap().0;
    let page = site.get(&format!("/dashboard/setup?token={token}")).await;
    assert!(page.text.contains("ann invites you"));
    let taken = setup(&site, token, "ann", "another password").await;
    assert_eq!(taken.status, 409, "an invitation takes nobody's place");
    assert!(taken.text.contains("remove your name first"), "{}", taken.text);
    let bob = setup(&site, token, "bob", "bobs own password").await;
    let bob = Merchant { site: &site, cookie: cookie(&bob) };
    let people = site.fulfill.store().people().await.unwrap();
    let seq = |name: &str| people.iter().find(|p| p.name == name).unwrap().seq.to_string();
    assert_eq!(bob.post("/people/remove", &[("person", &seq("ann"))]).await.status, 303);
    assert_eq!(ann.get("/people").await.status, 303);
    let last = bob.post("/people/remove", &[("person", &seq("bob"))]).await;
    assert_eq!(last.status, 400);
    assert!(last.text.contains("The last person stays"));
}

#[tokio::test]
async fn a_lost_password_is_replaced_by_being_removed_and_invited_anew() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    site.fulfill.add_person("bob", PASSWORD).await.unwrap();
    let invited = ann.post("/people/invite", &[]).await.text;
    let (_, rest) = invited.split_once("/dashboard/setup?token=").unwrap();
    let token = rest.split_once('<').unwrap().0;
    assert_eq!(setup(&site, token, "bob", "another password").await.status, 409);
    let people = site.fulfill.store().people().await.unwrap();
    let bob = people.iter().find(|p| p.name == "bob").unwrap().seq.to_string();
    assert_eq!(ann.post("/people/remove", &[("person", &bob)]).await.status, 303);
    assert_eq!(setup(&site, token, "bob", "another password").await.status, 303);
    Merchant::sign_in(&site, "bob", "another password").await;
}

#[tokio::test]
async fn a_token_made_here_opens_the_api_until_it_is_revoked() {
    let site = Site::tokenless(|builder| builder).await;
    let ann = Merchant::ann(&site).await;
    let made = ann.post("/people/tokens", &[("name", "warehouse")]).await.text;
    let (_, rest) = made.split_once("tabindex=\"0\">ff_test_").unwrap();
    let token = format!("ff_test_{}", rest.split_once('<').unwrap().0);
    assert!(!ann.page("/people").await.contains(&token), "it is shown once");
    let call = |token: String| send(site.request(Method::GET, "/api/orders").bearer_auth(token));
    assert_eq!(call(token.clone()).await.status, 200);
    assert_eq!(call(format!("{token}x")).await.status, 401);
    assert_eq!(call(String::from("ff_test_")).await.status, 401);
    let used = || async { site.fulfill.store().api_tokens().await.unwrap()[0].used_at };
    let first = used().await;
    site.clock.advance(Duration::from_secs(59));
    call(token.clone()).await;
    assert_eq!(used().await, first, "written once a minute at most");
    site.clock.advance(Duration::from_secs(1));
    call(token.clone()).await;
    assert_ne!(used().await, first);
    let twice = ann.post("/people/tokens", &[("name", "warehouse")]).await;
    assert_eq!(twice.status, 400);
    let seq = site.fulfill.store().api_tokens().await.unwrap()[0].seq.to_string();
    assert_eq!(ann.post("/people/tokens/revoke", &[("token", &seq)]).await.status, 303);
    assert_eq!(call(token).await.status, 401);
    assert_eq!(ann.post("/people/tokens/revoke", &[("token", &seq)]).await.status, 400);
}

#[tokio::test]
async fn what_people_are_called_is_text_and_nothing_else() {
    let site = idle().await;
    let evil = "<script>alert(1)</script>\"'&";
    site.fulfill.add_person(evil, PASSWORD).await.unwrap();
    let merchant = Merchant::sign_in(&site, evil, PASSWORD).await;
    merchant.post("/people/tokens", &[("name", evil)]).await;
    for page in [merchant.page("/people").await, merchant.page("").await] {
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(page.contains("&#60;script&#62;alert(1)"), "{page}");
    }
    let refused = try_to_sign_in(&site, evil, "wrong password").await;
    assert!(!refused.text.contains("<script"));
}

#[tokio::test]
async fn a_large_form_is_refused() {
    let site = idle().await;
    let ann = Merchant::ann(&site).await;
    let long = "x".repeat(300 << 10);
    assert_eq!(ann.post("/people/tokens", &[("name", &long)]).await.status, 413);
    assert_eq!(try_to_sign_in(&site, &long, "x").await.status, 413);
}
