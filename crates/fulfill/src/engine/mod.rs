//! The one loop that fulfills: claim, fetch, decide, record; claim, run, finish. And what goes on
//! beside it: looking without being told, the heartbeat, forgetting.

mod deliveries;
mod look;
mod pulse;
mod sessions;
mod summary;

use std::sync::Arc;

use fulfill_rules::{MINUTE, Millis, order::Policy};
use tokio_util::sync::CancellationToken;

use crate::{
    actions::{Actions, mail::Daily},
    announce::announce,
    clock::Clock,
    meters::Meters,
    pulse::Pulse,
    store::{Recorded, Store},
    stripe::Client,
    wake::Wake,
};

/// What the engine is built of. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) policy: Arc<Policy>,
    pub(crate) actions: Actions,
    /// Where the merchant wants each day told.
    pub(crate) daily: Option<Daily>,
    pub(crate) clock: Clock,
    pub(crate) wake: Wake,
    pub(crate) meters: Meters,
    pub(crate) pulse: Pulse,
    /// This replica's name.
    pub(crate) node: String,
    /// How long event bodies are kept.
    pub(crate) keep_bodies: Millis,
    /// Whether complete sessions are listed at start and every ten minutes.
    pub(crate) looks: bool,
}

impl Parts {
    fn announce(&self, recorded: &Recorded) {
        announce((&self.wake, &self.meters), self.clock.now(), recorded, None);
    }
}

/// Fulfills what was rung. One of them runs in each process that shares the work.
pub struct Engine {
    parts: Parts,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("node", &self.parts.node).finish_non_exhaustive()
    }
}

/// Between two lists of complete sessions.
const LOOK_EVERY: Millis = 10 * MINUTE;

impl Engine {
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts }
    }

    /// Works until `stop`: then nothing new is begun, what is under way is finished or given back.
    pub async fn run(self, stop: CancellationToken) {
        let parts = &self.parts;
        if let Err(error) = parts.store.void_leases().await {
            tracing::warn!(%error, "old leases are left to run out");
        }
        tokio::join!(
            sessions::run(parts, &stop),
            deliveries::run(parts, &stop),
            look::run(parts, &stop),
            pulse::run(parts, &stop),
            summary::run(parts, &stop),
        );
        parts.store.leave(&parts.node).await.ok();
    }
}
