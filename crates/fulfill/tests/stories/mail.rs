//! Mail goes out once, to whom it is for, whatever the mail server does; and no order waits for it.

use std::{collections::HashSet, time::Duration};

use fulfill::actions::mail::{Mail as Sender, OnAmbiguous, Server};
use fulfill_sandbox::{Method, Purchase};
use serde_json::{Value, json};

use crate::{
    Plan, Town, basket, both,
    post_office::{Mood, PostOffice},
    shop,
    shop::ann,
};

const DAY: i64 = 24 * 3_600_000;
const ANN: &str = "Ann@Example.com";
const MERCHANT: &str = "kim@shop.example";

/// A shop that sends its mail through this office.
fn mailing(office: &PostOffice) -> Plan {
    with(office, |sender| sender)
}

fn with(office: &PostOffice, wishes: impl Fn(Sender) -> Sender + 'static) -> Plan {
    let office = office.clone();
    let mut plan = shop().and(move |builder| {
        let server = Server::parse(&office.open()).unwrap();
        let sender = Sender::new(server, "The Shop <shop@shop.example>").unwrap();
        let sender = sender.patience(Duration::from_secs(1)).public_url("https://shop.example");
        builder.receipts(true).mail(wishes(sender))
    });
    plan.kinds.extend([
        "mail.receipt",
        "mail.access",
        "mail.payment_pending",
        "mail.payment_failed",
        "mail.shipped",
        "mail.new_order",
        "mail.needs_attention",
    ]);
    plan
}

fn to_merchant(sender: Sender) -> Sender {
    sender.merchant(MERCHANT).unwrap()
}

fn delivery<'a>(order: &'a Value, kind: &str) -> &'a Value {
    let found = order["deliveries"].as_array().unwrap().iter().find(|d| d["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {order:#}"))
}

async fn told_of(t: &Town, id: &str, what: &str) -> bool {
    t.told(id).await.iter().any(|told| told.contains(what))
}

/// Waits until a query counts so many; what does not come by itself comes with a little time.
async fn until_counted(t: &Town, sql: &str, count: i64) {
    for round in 1..20_000 {
        if t.db.number(sql).await == count {
            return;
        }
        t.settle().await;
        if round % 200 == 0 {
            t.turn(5_000);
        }
    }
    panic!("{sql} never counts {count}");
}

/// Of days before fulfilld was there nothing is told; most stories are of a shop that is two days old.
async fn has_been_there_for_two_days(t: &Town) {
    t.db.run(&format!(
        "UPDATE fact SET value = value - {} WHERE name = 'installed_at_test'",
        2 * DAY
    ))
    .await;
    t.pass(10 * 60_000).await;
}

/// Tells a story of an office on both databases, each time a new one.
macro_rules! at_the_office {
    ($name:ident, $plan:expr, async |$t:ident, $office:ident| $story:block) => {
        mod $name {
            use super::*;

            async fn tell(database: crate::database::Database) {
                let $office = PostOffice::default();
                let plan: Plan = $plan(&$office);
                let $office = &$office;
                plan.tell(database, async |$t: &Town| $story).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                tell(crate::database::Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                tell(crate::database::Database::postgres().await).await;
            }
        }
    };
}

at_the_office!(
    case_01_buyer_and_merchant_get_one_mail_of_each_kind,
    |office| with(office, to_merchant),
    async |t, office| {
        t.post("/api/keys/editor", json!({ "keys": ["KEY-1"] })).await;
        let id = t.buy(basket(&[("prod_course", 1), ("prod_editor", 1)])).await;
        t.expect(&id, "fulfilled").await;
        t.post(&format!("/api/orders/{id}/fulfill"), json!({})).await;
        t.page(&format!("session_id={id}")).await;
        t.pass(DAY).await;
        let taken = office.taken();
        assert_eq!(office.subjects(ANN), ["Thank you for your order", "Your access and keys"]);
        assert!(office.subjects(MERCHANT)[0].starts_with("New order"));
        assert_eq!(taken.len(), 3);
        let access = &taken[1];
        assert!(access.text().contains("KEY-1"), "{}", access.text());
        assert!(!taken[0].text().contains("KEY-1"), "the receipt holds no key");
        assert_eq!(access.header("From"), "\"The Shop\" <shop@shop.example>");
        assert_eq!(access.header("To"), "\"Ann Smith\" <Ann@Example.com>");
        assert_eq!(access.header("Reply-To"), MERCHANT);
        assert_eq!(access.header("Auto-Submitted"), "auto-generated");
        assert!(!access.header("Message-ID").contains("cs_test"));
        assert!(told_of(t, &id, "mail.access done").await, "{:?}", t.told(&id).await);
    }
);

at_the_office!(
    the_page_says_to_whom_the_mail_went_once_it_was_taken,
    mailing,
    async |t, office| {
        office.moods(&[Mood::Greylist]);
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        t.expect(&id, "fulfilled").await;
        let (_, _, page) = t.page(&format!("session_id={id}")).await;
        assert!(!page.contains("mail with the details"), "what waits is not promised: {page}");
        t.pass(10 * 60_000).await;
        assert_eq!(office.subjects(ANN), ["Thank you for your order"]);
        let (_, _, page) = t.page(&format!("session_id={id}")).await;
        let said = r#"We have sent a mail with the details to <b class="hint">A…@E….com</b>."#;
        assert!(page.contains(said), "{page}");
    }
);

at_the_office!(case_39_what_a_person_asks_for_again_is_another_mail, mailing, async |t, office| {
    let id = t.buy(basket(&[("prod_poster", 1)])).await;
    t.expect(&id, "fulfilled").await;
    t.db.run(&format!(
        "UPDATE delivery SET status = 'due', due_at = {}, resent = 1 WHERE kind = 'mail.receipt'",
        t.clock.now()
    ))
    .await;
    t.pass(DAY).await;
    let taken = office.taken();
    assert_eq!(taken.len(), 2);
    assert_ne!(taken[0].header("Message-ID"), taken[1].header("Message-ID"));
});

at_the_office!(mails_after_another_share_a_connection, mailing, async |t, office| {
    for _ in 0..3 {
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        t.expect(&id, "fulfilled").await;
    }
    assert_eq!((office.taken().len(), office.visits()), (3, 1));
});

at_the_office!(
    a_day_is_told_to_the_merchant_once_although_several_could,
    |office| Plan {
        nodes: 2,
        ..with(office, |sender| to_merchant(sender).summary("08:00 Europe/Vienna").unwrap())
    },
    async |t, office| {
        // The story begins on a Monday at midnight, UTC; nothing waits yet.
        has_been_there_for_two_days(t).await;
        let quiet = "SELECT COUNT(*) FROM summary WHERE said LIKE 'not sent%'";
        until_counted(t, quiet, 1).await;
        t.buy(basket(&[("prod_poster", 2)])).await;
        t.buy(basket(&[("prod_editor", 1)])).await;
        t.settle().await;
        office.moods(&[Mood::Down, Mood::Cut]);
        let done = "SELECT COUNT(*) FROM summary WHERE status = 'done'";
        t.pass(8 * 3_600_000).await;
        until_counted(t, done, 2).await;
        t.pass(DAY).await;
        until_counted(t, done, 3).await;
        let mut told: Vec<_> = office.taken().into_iter().filter(|m| m.to == MERCHANT).collect();
        told.retain(|mail| mail.header("Subject").starts_with("Your shop on"));
        told.dedup_by_key(|mail| mail.header("Message-ID"));
        let days: Vec<String> = told.iter().map(|mail| mail.header("Subject")).collect();
        assert_eq!(days, ["Your shop on 1 November 2026", "Your shop on 2 November 2026"]);
        let text = told[1].text();
        for expected in ["2 orders", "30.00", "need your attention: 1", "editor: 0"] {
            assert!(text.contains(expected), "{expected:?} is not in {text}");
        }
    }
);

at_the_office!(
    a_day_before_fulfilld_was_there_is_not_told_although_something_waits,
    |office| with(office, |sender| to_merchant(sender).summary("08:00").unwrap()),
    async |t, office| {
        t.buy(basket(&[("prod_editor", 1)])).await;
        t.settle().await;
        // On Monday of the Sunday before, on Tuesday of the first day.
        t.pass(DAY / 2).await;
        t.pass(DAY).await;
        until_counted(t, "SELECT COUNT(*) FROM summary WHERE status = 'done'", 1).await;
        assert_eq!(t.db.number("SELECT COUNT(*) FROM summary").await, 1);
        let told = office.subjects(MERCHANT);
        let days: Vec<_> = told.iter().filter(|said| said.starts_with("Your shop on")).collect();
        assert_eq!(days, ["Your shop on 2 November 2026"]);
    }
);

at_the_office!(
    a_day_that_the_server_refuses_waits_for_a_person_who_has_it_told_after_all,
    |office| with(office, |sender| to_merchant(sender).summary("08:00").unwrap()),
    async |t, office| {
        has_been_there_for_two_days(t).await;
        until_counted(t, "SELECT COUNT(*) FROM summary WHERE said LIKE 'not sent%'", 1).await;
        t.buy(basket(&[("prod_editor", 1)])).await;
        t.settle().await;
        office.moods(&[Mood::Refuse]);
        t.pass(8 * 3_600_000).await;
        let refused = "SELECT COUNT(*) FROM summary WHERE status = 'stuck' AND said LIKE '%550%'";
        until_counted(t, refused, 1).await;
        // The next day is told as if nothing had been.
        t.pass(DAY).await;
        let done = "SELECT COUNT(*) FROM summary WHERE status = 'done' AND said LIKE 'to the%'";
        until_counted(t, done, 1).await;
        // In another process.
        let now = t.clock.now();
        t.db.run(&format!(
            "UPDATE summary SET status = 'due', due_at = {now}, attempt = 0 WHERE status = 'stuck'"
        ))
        .await;
        t.pass(10 * 60_000).await;
        until_counted(t, done, 2).await;
        let told = office.subjects(MERCHANT);
        let days: Vec<_> = told.iter().filter(|said| said.starts_with("Your shop on")).collect();
        assert_eq!(days, ["Your shop on 1 November 2026", "Your shop on 2 November 2026"]);
    }
);

at_the_office!(case_40_a_german_checkout_gets_german_mail, mailing, async |t, office| {
    t.buy(basket(&[("prod_poster", 1)]).with("locale", "de")).await;
    t.settle().await;
    let taken = office.taken();
    assert_eq!(taken.len(), 1, "a poster is no key: {taken:?}");
    assert!(taken[0].text().contains("Guten Tag Ann Smith,"), "{}", taken[0].text());
});

at_the_office!(
    case_38_a_server_that_is_down_greylists_or_sleeps_gets_the_same_mail_later,
    mailing,
    async |t, office| {
        office.moods(&[Mood::Down, Mood::Greylist, Mood::Silent, Mood::Greylist]);
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(delivery(&order, "mail.receipt")["status"], "due");
        t.pass(DAY / 2).await;
        assert_eq!(office.subjects(ANN), ["Thank you for your order"]);
        let order = t.expect(&id, "fulfilled").await;
        let mail = delivery(&order, "mail.receipt");
        assert_eq!((&mail["status"], &mail["attempts"]), (&json!("done"), &json!(5)));
        assert!(told_of(t, &id, "450").await, "{:?}", t.told(&id).await);
        assert!(told_of(t, &id, "no answer from the mail server").await);
    }
);

at_the_office!(
    case_38_an_address_that_is_refused_asks_a_person_and_holds_nothing,
    mailing,
    async |t, office| {
        office.moods(&[Mood::Refuse]);
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        t.pass(DAY).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(delivery(&order, "mail.receipt")["status"], "stuck");
        assert!(told_of(t, &id, "550").await, "{:?}", t.told(&id).await);
        assert!(told_of(t, &id, "<the address>: Recipient").await, "{:?}", t.told(&id).await);
        assert_eq!(office.taken().len(), 0);
        t.post(&format!("/api/orders/{id}/fulfill"), json!({})).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(delivery(&order, "mail.receipt")["status"], "done", "{order:#}");
        assert_eq!(office.taken().len(), 1);
    }
);

at_the_office!(
    case_38_a_mail_cut_off_before_the_answer_goes_again_as_the_same_mail,
    mailing,
    async |t, office| {
        office.moods(&[Mood::Cut]);
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        t.pass(DAY).await;
        let taken = office.taken();
        assert_eq!(taken.len(), 2);
        assert_eq!(taken[0].header("Message-ID"), taken[1].header("Message-ID"));
        assert!(told_of(t, &id, "it may have arrived").await, "{:?}", t.told(&id).await);
    }
);

at_the_office!(
    case_38_a_mail_cut_off_before_the_answer_asks_where_that_is_wished,
    |office| with(office, |sender| sender.on_ambiguous(OnAmbiguous::Ask)),
    async |t, office| {
        office.moods(&[Mood::Cut]);
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        t.pass(DAY).await;
        assert_eq!(office.taken().len(), 1);
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(delivery(&order, "mail.receipt")["status"], "stuck");
    }
);

at_the_office!(
    case_38_a_mail_whose_sender_died_on_the_way_asks_where_that_is_wished,
    |office| with(office, |sender| sender.on_ambiguous(OnAmbiguous::Ask)),
    async |t, office| {
        office.moods(&[Mood::Greylist]);
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(delivery(&order, "mail.receipt")["status"], "due");
        // Another process takes it up and is never heard of again.
        let lost = format!(
            "UPDATE delivery SET status = 'running', due_at = {} WHERE kind = 'mail.receipt'",
            t.clock.now()
        );
        t.db.run(&lost).await;
        t.pass(DAY).await;
        assert_eq!(office.taken().len(), 0, "it may have arrived");
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(delivery(&order, "mail.receipt")["status"], "stuck");
        assert!(told_of(t, &id, "ended without a word").await, "{:?}", t.told(&id).await);
    }
);

at_the_office!(
    what_a_buyer_fills_in_reaches_the_merchant_and_is_no_header,
    |office| with(office, to_merchant),
    async |t, office| {
        let field = |at: usize, name: &str| format!("custom_fields[{at}]{name}");
        let asking = basket(&[("prod_poster", 1)])
            .with(field(0, "[key]"), "print")
            .with(field(0, "[type]"), "text")
            .with(field(0, "[label][type]"), "custom")
            .with(field(0, "[label][custom]"), "Name on it")
            .with(field(1, "[key]"), "color")
            .with(field(1, "[type]"), "dropdown")
            .with(field(1, "[label][type]"), "custom")
            .with(field(1, "[label][custom]"), "Color")
            .with(field(1, "[dropdown][options][0][label]"), "Sea blue")
            .with(field(1, "[dropdown][options][0][value]"), "blue");
        let id = t.open_session(asking).await;
        let answers = [("print", "Ann\r\nBcc: eve@example.com\r\n\r\n<b>"), ("color", "blue")];
        let answers = answers.map(|(key, value)| (key.to_owned(), value.to_owned()));
        t.pay_as(&id, Method::Card, Purchase { custom_fields: answers.into(), ..ann() });
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(order["custom_fields"][0]["key"], "print");
        let color = json!({ "key": "color", "label": "Color", "value": "blue" });
        assert_eq!(order["custom_fields"][1], color);
        let taken = office.taken();
        let mail = taken.iter().find(|mail| mail.to == MERCHANT).unwrap();
        let headers = mail.raw.split("\r\n\r\n").next().unwrap();
        assert!(!headers.contains("Bcc") && !mail.raw.contains("\r\nBcc"), "{}", mail.raw);
        let text = mail.text();
        for expected in ["Name on it: Ann Bcc: eve@example.com <b>", "Color: Sea blue"] {
            assert!(text.contains(expected), "{expected:?} is not in {text}");
        }
    }
);

at_the_office!(cases_20_22_a_delayed_payment_is_told_by_mail, mailing, async |t, office| {
    let good = t.open_session(basket(&[("prod_poster", 1)])).await;
    t.pay(&good, Method::Debit);
    t.expect(&good, "awaiting_payment").await;
    assert_eq!(office.subjects(ANN), ["Your payment is on its way"]);
    t.pass(4 * DAY).await;
    t.expect(&good, "fulfilled").await;
    assert_eq!(office.subjects(ANN), ["Thank you for your order", "Your payment is on its way"]);
    let bad = t.open_session(basket(&[("prod_poster", 1)])).await;
    t.pay(&bad, Method::DebitFails);
    t.pass(4 * DAY).await;
    t.expect(&bad, "payment_failed").await;
    assert!(office.subjects(ANN).contains(&"Your payment did not go through".to_owned()));
    assert_eq!(office.taken().len(), 4);
});

at_the_office!(
    what_a_late_mail_would_have_said_is_not_said_when_it_is_over,
    |office| Plan { settle_s: 24 * 3_600, ..mailing(office) },
    async |t, office| {
        office.moods(&[Mood::Down; 12]);
        let id = t.open_session(basket(&[("prod_poster", 1)])).await;
        t.pay(&id, Method::Debit);
        t.pass(3 * DAY).await;
        t.expect(&id, "fulfilled").await;
        assert_eq!(office.subjects(ANN), ["Thank you for your order"]);
        assert!(told_of(t, &id, "mail.payment_pending done").await);
    }
);

at_the_office!(
    the_merchant_is_told_of_a_dry_pool_and_the_buyer_gets_the_key_when_it_comes,
    |office| with(office, to_merchant),
    async |t, office| {
        let id = t.buy(basket(&[("prod_editor", 1)])).await;
        t.expect(&id, "needs_attention").await;
        t.pass(3_600_000).await;
        assert_eq!(office.subjects(ANN), ["Thank you for your order"]);
        assert!(office.subjects(MERCHANT)[0].starts_with("An order needs your attention"));
        assert!(office.taken().iter().any(|mail| mail.text().contains("'editor' is dry")));
        t.post("/api/keys/editor", json!({ "keys": ["KEY-1"] })).await;
        t.expect(&id, "fulfilled").await;
        t.pass(DAY).await;
        assert_eq!(office.subjects(ANN), ["Thank you for your order", "Your access and keys"]);
        assert_eq!(office.subjects(MERCHANT).len(), 2);
    }
);

at_the_office!(
    what_is_left_is_mailed_once_a_person_has_waived_the_rest_although_no_mail_came_before,
    |office| mailing(office).and(|builder| builder.receipts(false)),
    async |t, office| {
        let id = t.buy(basket(&[("prod_course", 1), ("prod_editor", 1)])).await;
        t.expect(&id, "needs_attention").await;
        assert_eq!(office.taken().len(), 0);
        t.post(&format!("/api/orders/{id}/waive"), json!({})).await;
        t.expect(&id, "fulfilled").await;
        t.pass(DAY).await;
        assert_eq!(office.subjects(ANN), ["Your access and keys"]);
    }
);

at_the_office!(
    a_name_carries_no_header_and_an_address_no_server_takes_asks_a_person,
    mailing,
    async |t, office| {
        let named = |name: &str, email: &str| Purchase {
            name: Some(name.into()),
            email: Some(email.into()),
            ..ann()
        };
        let evil = t.open_session(basket(&[("prod_poster", 1)])).await;
        t.pay_as(&evil, Method::Card, named("Ann\r\nBcc: eve@example.com\r\n\r\nx", "a@b.example"));
        let odd = t.open_session(basket(&[("prod_poster", 1)])).await;
        t.pay_as(&odd, Method::Card, named("שרה 👩‍🚀", "👩@example.com"));
        t.settle().await;
        let taken = office.taken();
        assert_eq!(taken.len(), 1);
        assert!(!taken[0].raw.contains("\nBcc"), "{}", taken[0].raw);
        assert!(taken[0].header("To").ends_with(" <a@b.example>"), "{}", taken[0].header("To"));
        let order = t.expect(&odd, "fulfilled").await;
        assert_eq!(delivery(&order, "mail.receipt")["status"], "stuck");
    }
);

both!(
    a_server_that_should_hide_a_login_and_cannot_is_told_no_password,
    {
        let office = PostOffice::default();
        let mut plan = shop().and(move |builder| {
            let url = office.open().replace("smtp://", "smtp://me:hush@");
            let sender = Sender::new(Server::parse(&url).unwrap(), "shop@shop.example").unwrap();
            builder.receipts(true).mail(sender)
        });
        plan.kinds.push("mail.receipt");
        plan
    },
    async |t| {
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        t.pass(20 * DAY).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(delivery(&order, "mail.receipt")["status"], "stuck", "after many tries");
        assert!(told_of(t, &id, "STARTTLS").await, "{:?}", t.told(&id).await);
        assert!(!t.told(&id).await.join(" ").contains("hush"));
    }
);

at_the_office!(
    each_of_twelve_parcels_has_a_mail_and_a_corrected_number_is_told_in_its_own,
    |office| mailing(office).stock("SHIRT", 12),
    async |t, office| {
        let id = t.buy(basket(&[("prod_shirt", 1); 12]).shipped()).await;
        let order = t.expect(&id, "fulfilled").await;
        let lines = order["lines"].as_array().unwrap();
        let path = format!("/api/orders/{id}/ship");
        let ship = async |at: usize, number: &str| {
            let way =
                json!({ "lines": [lines[at - 1]["id"]], "carrier": "Post", "tracking": number });
            let (code, answer) = t.post(&path, way).await;
            assert_eq!(code, 200, "{answer}");
            t.settle().await;
        };
        for at in 1..=12 {
            ship(at, &format!("<{at}>")).await;
        }
        ship(2, "<corrected>").await;
        let order = t.expect(&id, "fulfilled").await;
        let mails = order["deliveries"].as_array().unwrap().iter();
        let shipped: Vec<_> =
            mails.filter(|d| d["kind"] == "mail.shipped").map(|d| d["line"].clone()).collect();
        let numbered = (2..=12).map(|at| json!(format!("shipment {at}")));
        assert_eq!(shipped, [json!("")].into_iter().chain(numbered).collect::<Vec<_>>());
        let parcels = || office.taken().into_iter().filter(|m| m.text().contains("Post"));
        let ids = || parcels().map(|m| m.header("Message-ID")).collect::<HashSet<_>>();
        assert_eq!((parcels().count(), ids().len()), (12, 12), "no reader's program hides one");
        t.post(&format!("/api/orders/{id}/resend"), json!({ "mail": "mail.shipped" })).await;
        t.settle().await;
        assert_eq!((parcels().count(), ids().len()), (24, 24));
        let told = |number: &str| parcels().filter(|m| m.text().contains(number)).count();
        let known = ["1", "2", "corrected", "3", "12"].map(|number| told(&format!("<{number}>")));
        assert_eq!(known, [2, 1, 1, 2, 2], "the second parcel's mail tells its own number");
    }
);
