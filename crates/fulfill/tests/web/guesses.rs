//! How many unknown ids one address may ask about.

use reqwest::Method;

use crate::{
    bench::{Answer, Site, event, send},
    stripe::paid,
};

/// Asks about so many new ids and returns how many were served and the last answer.
async fn guess(site: &Site, round: &str, count: usize, from: Option<&str>) -> (usize, Answer) {
    let mut answers = Vec::new();
    for n in 0..count {
        let path = format!("/success?session_id=cs_test_{round}{n}");
        let mut request = site.request(Method::GET, &path);
        if let Some(from) = from {
            request = request.header("x-forwarded-for", from);
        }
        answers.push(send(request).await);
    }
    let served = answers.iter().filter(|answer| answer.status != 429).count();
    (served, answers.pop().unwrap())
}

#[tokio::test]
async fn case_41_guesses_are_refused_before_anything_is_written_or_asked() {
    let site = Site::open().await;
    let (served, last) = guess(&site, "a", 130, None).await;
    assert_eq!(served, 120, "the contract asks for 60");
    assert_eq!((last.status, last.data_status()), (429, "unknown"));
    assert_eq!(last.header("retry-after"), "10");
    assert!(last.text.contains("One moment") && last.text.contains("http-equiv=\"refresh\""));
    assert!(site.known("cs_test_a129").await.is_none());
    assert_eq!(site.stripe.asked("cs_test_a129"), 0);

    site.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(guess(&site, "b", 60, None).await.0, 60, "a minute later there are new ones");
}

#[tokio::test]
async fn whoever_has_bought_is_exempt() {
    let site = Site::open().await;
    site.buy(paid("cs_test_bought", &["course"])).await;
    guess(&site, "a", 121, None).await;
    for _ in 0..200 {
        assert_eq!(site.landing("cs_test_bought").await.data_status(), "fulfilled");
    }
    let repeated = site.landing("cs_test_a1").await;
    assert_eq!(repeated.status, 429, "a guess that was wrong is still a guess");
}

#[tokio::test]
async fn whoever_an_event_names_is_exempt_although_it_is_not_sorted_in() {
    let site = Site::idle(|b| b).await;
    for n in 0..120 {
        // Of the other mode: nobody waits for a look.
        assert_ne!(site.landing(&format!("cs_live_{n}")).await.status, 429);
    }
    site.deliver(event("evt_1", "checkout.session.completed", "cs_test_bought")).await;
    assert_eq!(site.landing("cs_test_other").await.status, 429);
    assert_ne!(site.turning(site.landing("cs_test_bought")).await.status, 429);
}

#[tokio::test]
async fn behind_a_proxy_each_visitor_has_an_allowance() {
    let site = Site::with(|b| b.behind_proxy(true)).await;
    assert_eq!(guess(&site, "a", 125, Some("10.9.9.9, 203.0.113.1")).await.0, 120);
    assert_eq!(guess(&site, "b", 5, Some("203.0.113.2")).await.0, 5);
    let lying = guess(&site, "c", 5, Some("203.0.113.2, 203.0.113.1")).await;
    assert_eq!(lying.0, 0, "only the proxy's own word counts");
}

#[tokio::test]
async fn without_a_proxy_nobody_can_pretend_to_be_another() {
    let site = Site::open().await;
    assert_eq!(guess(&site, "a", 120, Some("203.0.113.1")).await.0, 120);
    assert_eq!(guess(&site, "b", 5, Some("203.0.113.2")).await.0, 0);
}
