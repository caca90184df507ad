//! `stripe trigger`, as both versions of the CLI do it.

use std::time::Duration;

use crate::stage::{Cli, Over, Stage};

const EVENTS: [&str; 18] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_link.created",
    "charge.refunded",
    "charge.dispute.created",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "product.created",
    "product.updated",
    "product.deleted",
    "price.created",
    "price.updated",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "payment_link.updated",
];

async fn all_succeed(cli: Cli, over: Over) {
    let stage = Stage::new().await;
    let mut failed = String::new();
    for event in EVENTS {
        let (succeeded, said) = stage.run(cli, over, &["trigger", event]).await;
        if !succeeded || !said.contains("Trigger succeeded!") {
            failed.push_str(&format!("{event}: {said}\n"));
        }
    }
    assert_eq!(failed, "", "{cli:?} over {over:?}");
    stage.sandbox.advance(Duration::from_secs(5));
    stage.sandbox.idle().await;
    let happened = stage.event_types().await;
    let missing: Vec<_> =
        EVENTS.iter().filter(|event| !happened.iter().any(|one| one == *event)).collect();
    assert!(missing.is_empty(), "{cli:?} over {over:?}: {missing:?} of {happened:?}");
}

#[tokio::test]
async fn the_new_cli_triggers_every_event_of_a_shop_over_the_socket() {
    all_succeed(Cli::New, Over::Socket).await;
}

#[tokio::test]
async fn the_old_cli_triggers_every_event_of_a_shop_over_tcp() {
    all_succeed(Cli::Old, Over::Tcp).await;
}
