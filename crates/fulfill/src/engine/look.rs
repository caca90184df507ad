//! Looking without being told: webhooks can be swallowed by a firewall for weeks (case 7), so the
//! list of complete sessions is read at start and every ten minutes.

use std::time::Duration;

use fulfill_rules::{HOUR, MINUTE, Millis, SECOND};
use tokio_util::sync::CancellationToken;

use super::{LOOK_EVERY, Parts};
use crate::{
    store::{Ringer, StoreError},
    stripe::{ApiError, Asker, Purpose},
};

/// A session is created up to a day before it completes; an hour more for clocks.
const BEFORE: Millis = 25 * HOUR;
/// The webhook of a younger session may well be on its way.
const LATE: Millis = MINUTE;
/// Pages of one list: a hundred sessions each.
const PAGES_MAX: usize = 1_000;
/// After a list that failed.
const AGAIN: Millis = MINUTE;
/// While there is no permit to ask.
const PERMIT: Millis = SECOND;

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Api(#[from] ApiError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

pub(super) async fn run(parts: &Parts, stop: &CancellationToken) {
    if !parts.looks {
        return;
    }
    let mut warned = false;
    while !stop.is_cancelled() {
        let wait = tokio::select! {
            listed = list(parts) => match listed {
                Ok(()) => {
                    warned = false;
                    LOOK_EVERY
                }
                Err(error) => {
                    if !warned {
                        tracing::warn!(%error, "complete sessions could not be listed; tried again every minute");
                    }
                    warned = true;
                    AGAIN
                }
            },
            () = stop.cancelled() => return,
        };
        tokio::select! {
            () = parts.clock.sleep(Duration::from_millis(wait.unsigned_abs())) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Reads the list of complete sessions back to the last time it was read, less [`BEFORE`], and rings
/// those that nobody told of. Never behind the installation: older sales are not this program's.
async fn list(parts: &Parts) -> Result<(), Failed> {
    let begun = parts.clock.now();
    let installed = parts.store.installed_at().await?;
    let last = parts.store.listed_at().await?.unwrap_or(installed);
    let since = (last - BEFORE).max(installed) / 1_000;
    let mut after: Option<String> = None;
    let (mut listed, mut found, mut late) = (0, 0, 0);
    for _ in 0..PAGES_MAX {
        permit(parts).await;
        let page = parts.client.sessions_since(since, after.as_deref()).await.inspect_err(|e| {
            parts.meters.api_error(super::sessions::word(&e.kind));
        })?;
        let keys = page.sessions.iter().map(|one| {
            let paid = one.payment_status.as_deref().is_none_or(|status| status != "unpaid");
            (one.key.clone(), paid)
        });
        let keys: Vec<_> = keys.collect();
        listed += keys.len() as u64;
        let unheard = parts.store.unheard(keys).await?;
        if !unheard.is_empty() {
            found += unheard.len() as u64;
            late += page
                .sessions
                .iter()
                .filter(|one| unheard.contains(&one.key))
                .filter(|one| one.created.is_none_or(|at| begun - at * SECOND > LATE))
                .count();
            parts.store.ring_all(&unheard, Ringer::Reconciler).await?;
            parts.wake.work();
        }
        after = page.next;
        if !page.has_more || after.is_none() {
            break;
        }
    }
    parts.meters.listed(listed, found);
    if late > 0 {
        tracing::warn!(listed, late, "complete sessions were found whose webhook has not come");
    }
    parts.store.note_listed(begun).await?;
    Ok(())
}

async fn permit(parts: &Parts) {
    while parts.client.take(Purpose::List, Asker::Work, 1) == 0 {
        let now = parts.clock.now();
        let next = parts.client.permits(Purpose::List, Asker::Work).next_at;
        parts.clock.until(next.unwrap_or(now + PERMIT).max(now + 1)).await;
    }
}
