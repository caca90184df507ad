//! The heartbeat: replicas count each other, time is compared, what has arrived is released, old
//! bodies are forgotten.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Parts;

const EVERY: Duration = Duration::from_secs(5);
/// Transactions of one clean-up.
const FORGET_MAX: usize = 20;

pub(super) async fn run(parts: &Parts, stop: &CancellationToken) {
    let mut warned = false;
    while !stop.is_cancelled() {
        match parts.store.heartbeat(&parts.node).await {
            Ok(nodes) => {
                parts.client.set_share(nodes.fresh);
                parts.pulse.beat(nodes.fresh, nodes.off_by);
                let complaint = parts.pulse.complaint();
                if let (Some(complaint), false) = (&complaint, warned) {
                    tracing::warn!("{complaint}");
                }
                warned = complaint.is_some();
            }
            Err(error) => {
                parts.pulse.missed();
                tracing::warn!(%error, "no heartbeat");
            }
        }
        release(parts).await;
        forget(parts).await;
        tokio::select! {
            () = parts.clock.sleep(EVERY) => {}
            () = parts.wake.on_filled() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Serves orders that wait for what people have imported or added.
async fn release(parts: &Parts) {
    match parts.store.release(&parts.policy).await {
        Ok(moved) => {
            for recorded in moved {
                parts.announce(&recorded);
            }
        }
        Err(error) => tracing::warn!(%error, "held orders could not be released; tried again"),
    }
}

async fn forget(parts: &Parts) {
    let before = parts.clock.now() - parts.keep_bodies;
    for _ in 0..FORGET_MAX {
        match parts.store.forget_bodies(before).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "old event bodies could not be forgotten");
                return;
            }
        }
    }
}
