//! Each day is told to the merchant once: by whichever replica claims it, after its end.

use std::time::Duration;

use fulfill_rules::{
    MINUTE, Millis,
    delivery::{DeliveryStatus, Outcome, next},
};
use tokio_util::sync::CancellationToken;

use super::{
    Parts,
    deliveries::{outcome, retry},
};
use crate::{
    actions::mail::{Daily, Day},
    store::{StoreError, SummaryClaim},
};

/// Below the lease of a minute.
const TIME_LIMIT: Duration = Duration::from_secs(50);
/// How often days that another process wants told again are looked for.
const SWEEP: Millis = 10 * MINUTE;

pub(super) async fn run(parts: &Parts, stop: &CancellationToken) {
    let Some(daily) = &parts.daily else { return };
    while !stop.is_cancelled() {
        let now = parts.clock.now();
        let Some(day) = daily.day(now) else { return };
        let next = match claim(parts, &day).await {
            Ok(SummaryClaim::Ours { day, attempt, unheard_of }) => {
                tell(parts, daily, &day, attempt, unheard_of).await;
                continue;
            }
            // Days that are over are told until they are told; the next one is not late for them.
            Ok(SummaryClaim::Later(at)) => at.max(now + 1).min(day.next_at),
            Ok(SummaryClaim::Over) => day.next_at,
            Err(error) => {
                tracing::warn!(day = day.name, %error, "a summary cannot be claimed; tried again");
                now + MINUTE
            }
        };
        tokio::select! {
            () = parts.clock.until(next.min(now + SWEEP)) => {}
            () = parts.wake.on_summary() => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn claim(parts: &Parts, day: &Day) -> Result<SummaryClaim, StoreError> {
    // Of a day before fulfilld was there nothing can be told.
    if day.until <= parts.store.installed_at().await? {
        return Ok(SummaryClaim::Over);
    }
    parts.store.claim_summary(&day.name).await
}

async fn tell(parts: &Parts, daily: &Daily, name: &str, attempt: i64, unheard_of: bool) {
    let sent = async {
        let day = daily.named(name)?;
        let send = daily.send(&day, &parts.policy.catalog, attempt, unheard_of);
        Some(tokio::time::timeout(TIME_LIMIT, send).await)
    };
    let outcome = match sent.await {
        Some(Ok(result)) => outcome(result),
        Some(Err(_)) => retry(format!("no answer within {} s", TIME_LIMIT.as_secs())),
        None => Outcome::Refused { code: "day".to_owned(), why: format!("{name} is no day") },
    };
    let next = next(attempt, outcome, parts.clock.now(), rand::random());
    let said = next.said.as_deref().unwrap_or_default();
    match next.status {
        DeliveryStatus::Stuck => {
            tracing::error!(day = name, "the daily summary is given up: {said}");
        }
        DeliveryStatus::Due => tracing::warn!(day = name, "the daily summary waits: {said}"),
        DeliveryStatus::Done | DeliveryStatus::Running | DeliveryStatus::Dismissed => {}
    }
    if let Err(error) = parts.store.finish_summary(name, attempt, &next).await {
        tracing::error!(day = name, %error, "how a summary ended could not be written");
    }
}
