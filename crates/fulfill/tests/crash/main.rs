//! Crash stories: the process stops right before and right after each commit of an order's life, is
//! started again, and everything ends as if it had never stopped. On both databases.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod child;
mod database;
mod life;
mod snapshot;

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};

use crate::{
    child::Point,
    database::Kind,
    life::{Ended, lead},
};

/// Lives at once, each with a process of its own.
const AT_ONCE: usize = 3;
/// Points that belong to no order: they are passed at their own pace.
const BESIDE: [&str; 5] = ["heartbeat", "forget_bodies", "renew", "leave", "give_back"];
/// Claims are also made when nothing is due, and a waiting order is looked at every few seconds: one
/// life has some more of them than another.
const SOMETIMES: [&str; 4] = ["sort_in", "claim", "claim_deliveries", "record"];
/// Pieces of outside work in every life.
const JOBS: usize = 2;
/// Looks that every life takes, each with a crash before and after.
const LOOKS: usize = 5;
/// What an order's life consists of. Whoever adds a transaction to it adds a step to the script.
const LIFE: [&str; 14] = [
    "migrate",
    "note",
    "open_stock",
    "inbox",
    "sort_in",
    "ring",
    "claim",
    "record",
    "claim_deliveries",
    "finish_delivery",
    "import_keys",
    "release",
    "by_hand",
    "ship",
];

/// Every commit that an undisturbed life has passed, each twice: before and after.
fn points(trace: &[String]) -> Vec<Point> {
    let mut nth = BTreeMap::<&str, usize>::new();
    let mut points = Vec::new();
    for name in trace.iter().filter(|name| !BESIDE.contains(&name.as_str())) {
        let nth = nth.entry(name).or_default();
        *nth += 1;
        points.extend([false, true].map(|after| Point { name: name.clone(), nth: *nth, after }));
    }
    points
}

/// The yardstick: a life in which nothing stops and each job runs once. A machine that stands still for a
/// while can make one run again, as promised; such a life is shown and is no yardstick.
async fn undisturbed(kind: Kind) -> Ended {
    for _ in 0..3 {
        let life = lead(kind, None).await;
        let finished = life.trace.iter().filter(|name| *name == "finish_delivery").count();
        if finished == JOBS {
            return life;
        }
        println!("{finished} attempts at {JOBS} jobs; the process said:\n{}", life.said);
    }
    panic!("jobs run again though nothing stops");
}

async fn ends_as_the_undisturbed_life_does(kind: Kind) {
    let undisturbed = undisturbed(kind).await;
    undisturbed.snapshot.is_as_it_should_be();
    let points = points(&undisturbed.trace);
    for name in LIFE {
        assert!(points.iter().any(|point| point.name == name), "{name} is not in the script");
    }
    let lives: Vec<_> = stream::iter(points)
        .map(|point| async move { (lead(kind, Some(point.clone())).await, point) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let (mut crashes, mut twice) = (BTreeMap::<&str, usize>::new(), 0);
    for (life, point) in &lives {
        let sometimes = SOMETIMES.contains(&point.name.as_str());
        assert!(life.crashed || sometimes, "{point} was never reached");
        *crashes.entry(&point.name).or_default() += usize::from(life.crashed);
        twice += usize::from(life.worked_twice);
        life.snapshot.is_the_same_as(&undisturbed.snapshot, point);
    }
    for name in LIFE {
        let least = if matches!(name, "claim" | "record") { 2 * LOOKS } else { 2 };
        assert!(crashes[name] >= least, "{name} was stopped too seldom: {crashes:?}");
    }
    assert!(twice > 0, "no job ran twice: the crashes miss the outside work");
    let all: usize = crashes.values().sum();
    println!("{all} crashes on {kind:?}: {crashes:?}; in {twice} lives a job ran twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_stopped_at_any_commit_ends_as_if_it_had_not_on_sqlite() {
    ends_as_the_undisturbed_life_does(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_stopped_at_any_commit_ends_as_if_it_had_not_on_postgres() {
    ends_as_the_undisturbed_life_does(Kind::Postgres).await;
}
