//! Buyers find their orders again: by a link that goes to their mail address, and not otherwise.

use std::time::Duration;

use fulfill::actions::mail::{Mail as Sender, Server};
use reqwest::StatusCode;
use serde_json::json;

use crate::{Plan, Town, basket, database::Database, post_office::PostOffice, shop};

const DAY: i64 = 24 * 3_600_000;
const ANN: &str = "Ann@Example.com";
const SUBJECT: &str = "The link to your orders";

/// A shop that sends its mail through this office.
fn mailing(office: &PostOffice) -> Plan {
    let office = office.clone();
    let mut plan = shop().and(move |builder| {
        let server = Server::parse(&office.open()).unwrap();
        let sender = Sender::new(server, "The Shop <shop@shop.example>").unwrap();
        let sender = sender.patience(Duration::from_secs(1)).public_url("https://shop.example");
        builder.receipts(false).mail(sender)
    });
    plan.kinds.extend(["mail.access", "mail.link"]);
    plan
}

/// The path of the newest link that was sent.
fn link(office: &PostOffice) -> String {
    let taken = office.taken();
    let mail = taken.iter().rfind(|mail| mail.header("Subject") == SUBJECT).expect("no link");
    assert_eq!(mail.to.to_lowercase(), ANN.to_lowercase());
    let text = mail.text();
    let (_, rest) = text.split_once("https://shop.example").expect("no address in it");
    rest.split_whitespace().next().unwrap().to_owned()
}

async fn ann_finds_her_orders(t: &Town, office: &PostOffice) {
    t.post("/api/keys/editor", json!({ "keys": ["KEY-1"] })).await;
    let first = t.buy(basket(&[("prod_course", 1)])).await;
    t.expect(&first, "fulfilled").await;
    let second = t.buy(basket(&[("prod_editor", 1)])).await;
    t.expect(&second, "fulfilled").await;
    t.pass(3 * DAY).await;
    let (_, _, page) = t.page(&format!("session_id={second}")).await;
    assert!(!page.contains("KEY-1"), "three days later the session's id is not enough: {page}");

    let (code, said) = t.form("/my-orders", &[("email", "ann@example.com")]).await;
    assert_eq!(code, StatusCode::OK, "{said}");
    let arrived = async {
        while !office.subjects(ANN).iter().any(|subject| subject == SUBJECT) {
            t.clock.sleep(Duration::from_secs(1)).await;
        }
    };
    t.while_time_passes(arrived).await;
    let link = link(office);
    let (code, page) = t.text(&link).await;
    assert_eq!(code, StatusCode::OK, "{page}");
    let (key, course) = (page.find("KEY-1"), page.find("https://example.com/course"));
    assert!(key.is_some() && key < course, "both, the newest first: {page}");
    for id in [&first, &second] {
        assert!(page.contains(id.as_str()), "{page}");
    }
    assert!(
        t.told(&second)
            .await
            .iter()
            .any(|told| told.contains("a link to the orders was asked for"))
    );
    let order = t.order(&second).await;
    assert_eq!(order["status"], "fulfilled", "asking changes nothing else");

    for asked in 1..=3 {
        let before = office.subjects(ANN).len();
        let (code, said) = t.form(&link, &[("order", &first)]).await;
        assert_eq!(code, StatusCode::OK, "{asked}: {said}");
        t.while_time_passes(async {
            while office.subjects(ANN).len() == before {
                t.clock.sleep(Duration::from_secs(1)).await;
            }
        })
        .await;
    }
    let (code, said) = t.form(&link, &[("order", &first)]).await;
    assert_eq!(code, StatusCode::TOO_MANY_REQUESTS, "{said}");
    assert!(said.contains("at most three times an hour"), "what the limit is: {said}");
    assert!(said.contains("or try again in an hour") && !said.contains("minute"), "{said}");

    t.pass(DAY / 20).await;
    let (code, page) = t.text(&link).await;
    assert_eq!(code, StatusCode::NOT_FOUND);
    assert!(!page.contains("KEY-1"), "an hour later it is over: {page}");
}

async fn tell(database: Database) {
    let office = PostOffice::default();
    mailing(&office).tell(database, async |t: &Town| ann_finds_her_orders(t, &office).await).await;
}

mod a_buyer_finds_the_orders_again_by_a_link_that_is_mailed {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        tell(Database::sqlite()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        tell(Database::postgres().await).await;
    }
}
