//! Outside work: retried, refused, panicking, slow; under one key, and never forgotten.

use std::sync::{Arc, Mutex};

use fulfill::actions::{Action, Fault, Job, Receipt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{Plan, basket, both, shop};

const MINUTE: i64 = 60_000;

/// What an attempt does.
#[derive(Clone, Copy)]
enum Does {
    Fails,
    FailsFor(u64),
    Refuses,
    Panics,
    /// Never ends, until the story lets it.
    Hangs,
    Ends,
}

/// Invites a buyer to a room, as its story wants it: each attempt takes the next entry.
#[derive(Clone)]
struct Invite(Arc<Script>);

struct Script {
    does: Mutex<Vec<Does>>,
    keys: Mutex<Vec<String>>,
    gate: Semaphore,
}

#[derive(Deserialize)]
struct Room {
    room: String,
}

impl Invite {
    fn that(does: &[Does]) -> Self {
        let mut does = does.to_vec();
        does.reverse();
        let script =
            Script { does: Mutex::new(does), keys: Mutex::default(), gate: Semaphore::new(0) };
        Self(Arc::new(script))
    }
}

impl Action for Invite {
    const KIND: &'static str = "invite";
    type Input = Room;

    async fn run(&self, job: Job<Room>) -> Result<Receipt, Fault> {
        self.0.keys.lock().unwrap().push(job.key.clone());
        let does = self.0.does.lock().unwrap().pop().unwrap_or(Does::Ends);
        match does {
            Does::Fails => Err(Fault::retry("the room is locked")),
            Does::FailsFor(s) => Err(Fault::Retry {
                after: Some(std::time::Duration::from_secs(s)),
                why: "the room opens later".into(),
            }),
            Does::Refuses => Err(Fault::refuse("no_room", "there is no such room")),
            Does::Panics => panic!("the script says so"),
            Does::Hangs => {
                self.0.gate.acquire().await.unwrap().forget();
                Ok(Receipt::said("late"))
            }
            Does::Ends => Ok(Receipt::said(format!("invited to {}", job.input.room))),
        }
    }
}

const INVITES: &str = r#"
[[product]]
id = "prod_invite"
grant = { access = "club" }
action = { kind = "invite", input = { room = "blue" } }
"#;

/// A shop whose action follows this script.
fn club(invite: Invite) -> Plan {
    shop().sells(INVITES).action(invite)
}

fn delivery(order: &Value) -> (&str, i64) {
    let delivery = &order["deliveries"][0];
    (delivery["status"].as_str().unwrap(), delivery["attempts"].as_i64().unwrap())
}

both!(an_action_of_ones_own_is_part_of_the_order, club(Invite::that(&[])), async |t| {
    let (id, lines) = t.session_with_lines(basket(&[("prod_invite", 1)])).await;
    t.pay(&id, fulfill_sandbox::Method::Card);
    let order = t.expect(&id, "fulfilled").await;
    assert_eq!(delivery(&order), ("done", 1));
    assert_eq!(
        t.told(&id).await,
        [
            "paid 10.00 EUR".to_owned(),
            "preparing: the delivery invite is on its way".to_owned(),
            format!("invite of line {} done: invited to blue", lines[0]),
            "fulfilled: grant club ×1".to_owned(),
        ]
    );
});

mod fails {
    use super::*;

    const SCRIPT: &[Does] =
        &[Does::Fails, Does::FailsFor(120), Does::Panics, Does::Fails, Does::Fails];

    both!(
        an_action_that_fails_for_a_while_is_tried_again_under_one_key,
        club(Invite::that(SCRIPT)),
        async |t| {
            let id = t.buy(basket(&[("prod_invite", 1)])).await;
            let order = t.expect(&id, "preparing").await;
            assert_eq!(order["reason"], "the delivery invite is on its way");
            assert_eq!(t.page(&format!("session_id={id}")).await.1, "preparing");
            let order = t.until(&id, "fulfilled").await;
            assert_eq!(delivery(&order), ("done", 6));
            let told = t.told(&id).await;
            let failed: Vec<&str> = told
                .iter()
                .filter(|l| l.contains("failed:"))
                .map(|l| l.split(": ").nth(1).unwrap())
                .collect();
            assert_eq!(
                failed,
                ["attempt 1 failed", "attempt 2 failed", "attempt 3 failed"],
                "{told:?}"
            );
            assert!(told.iter().any(|line| line.contains("the action panicked")), "{told:?}");
        }
    );
}

mod refuses {
    use super::*;

    both!(
        an_action_that_refuses_asks_a_person_who_lets_it_try_again,
        club(Invite::that(&[Does::Refuses])),
        async |t| {
            let id = t.buy(basket(&[("prod_invite", 1)])).await;
            let order = t.expect(&id, "needs_attention").await;
            assert_eq!(order["reason"], "the delivery invite is stuck");
            assert_eq!(delivery(&order), ("stuck", 1));
            let said = "refused (no_room): there is no such room";
            assert_eq!(order["deliveries"][0]["said"], said);
            let (_, order) = t.post(&format!("/api/orders/{id}/fulfill"), json!({})).await;
            assert_ne!(order["status"], "needs_attention");
            let order = t.expect(&id, "fulfilled").await;
            assert_eq!(delivery(&order).0, "done");
            let told = order["timeline"].as_array().unwrap();
            let by_us = |told: &&Value| told["what"] == "what was stuck is tried again";
            assert_eq!(told.iter().find(by_us).unwrap()["who"], "the API");
        }
    );
}

mod gives_up {
    use super::*;

    both!(
        an_action_that_never_works_is_given_up_and_told_a_few_times_only,
        club(Invite::that(&[Does::Fails; 99])),
        async |t| {
            let id = t.buy(basket(&[("prod_invite", 1)])).await;
            let order = t.until(&id, "needs_attention").await;
            assert_eq!(delivery(&order), ("stuck", 16));
            let told = t.told(&id).await;
            assert_eq!(
                told.iter().filter(|line| line.contains("the room is locked")).count(),
                4,
                "{told:?}"
            );
            assert!(told.iter().any(|line| line.contains("gave up after 16 attempts")), "{told:?}");
        }
    );
}

/// The script is the story's, so that it can look into it.
fn hanging() -> (Invite, Plan) {
    let invite = Invite::that(&[Does::Hangs]);
    (invite.clone(), club(invite))
}

async fn slow(database: crate::database::Database) {
    let (invite, plan) = hanging();
    plan.tell(database, async |t| {
        let id = t.buy(basket(&[("prod_invite", 1)])).await;
        t.until_running().await;
        // Its lease of a minute runs out: another attempt begins, under the same key, and ends.
        t.turn(MINUTE + 1);
        let order = t.until(&id, "fulfilled").await;
        assert_eq!(delivery(&order), ("done", 2));
        invite.0.gate.add_permits(1);
        t.pass(MINUTE).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(
            order["deliveries"][0]["said"], "invited to blue",
            "who comes late changes nothing"
        );
        let keys = invite.0.keys.lock().unwrap().clone();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0], keys[1]);
        assert!(keys[0].starts_with(&id), "{keys:?}");
    })
    .await;
}

mod an_action_slower_than_its_lease_is_overtaken_and_changes_nothing {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        super::slow(crate::database::Database::sqlite()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        super::slow(crate::database::Database::postgres().await).await;
    }
}

both!(
    an_action_waits_until_its_line_is_settled,
    shop()
        .sells(
            r#"
            [[product]]
            id = "prod_seat"
            stock = { sku = "SEAT" }
            action = { kind = "invite", input = { room = "red" } }
            "#
        )
        .action(Invite::that(&[])),
    async |t| {
        let id = t.buy(basket(&[("prod_seat", 1)])).await;
        let order = t.expect(&id, "needs_attention").await;
        assert_eq!(order["deliveries"], json!([]));
        t.post("/api/stock/SEAT", json!({ "add": 1 })).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(delivery(&order), ("done", 1));
    }
);

both!(an_action_whose_input_does_not_fit_asks_a_person,
    shop()
        .sells("[[product]]\nid = \"prod_odd\"\naction = { kind = \"invite\", input = { hall = \"x\" } }\n")
        .action(Invite::that(&[])),
    async |t| {
        let id = t.buy(basket(&[("prod_odd", 1)])).await;
        let order = t.expect(&id, "needs_attention").await;
        assert!(order["deliveries"][0]["said"].as_str().unwrap().contains("action.input does not fit"), "{order}");
    }
);
