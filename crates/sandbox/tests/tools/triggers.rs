//! `stripe trigger`, as both versions of the CLI do it.

use std::time::Duration;

use crate::stage::{Cli, Over, Stage};

const EVENTS: [&str; 55] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_link.created",
    "payment_link.updated",
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.failed",
    "charge.refunded",
    "charge.refund.updated",
    "charge.succeeded",
    "coupon.created",
    "coupon.updated",
    "coupon.deleted",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.discount.created",
    "customer.discount.updated",
    "customer.discount.deleted",
    "customer.source.created",
    "customer.source.updated",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.trial_will_end",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "plan.created",
    "plan.updated",
    "plan.deleted",
    "price.created",
    "price.updated",
    "product.created",
    "product.updated",
    "product.deleted",
    "promotion_code.created",
    "promotion_code.updated",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
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
