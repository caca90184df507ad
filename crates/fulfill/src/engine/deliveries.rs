//! Outside work: claimed when due, run with a time limit below the lease, finished by the newest
//! attempt only.

use std::{sync::Arc, time::Duration};

use fulfill_rules::{
    Millis, SECOND,
    delivery::{DeliveryStatus, Outcome, next},
};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Parts, sessions::moment};
use crate::{
    actions::{Fault, Receipt},
    store::Job,
};

/// Jobs under way at once.
const ROOM: usize = 32;
/// Mails under way at once.
const MAIL_ROOM: usize = 8;
/// Below the lease of a minute: whoever comes after the lease finds nobody at work.
const TIME_LIMIT: Duration = Duration::from_secs(50);
/// Without any hint the queue is looked at this often.
const IDLE: Millis = SECOND;

pub(super) async fn run(parts: &Parts, stop: &CancellationToken) {
    let (mails, others): (Vec<_>, Vec<_>) =
        parts.actions.kinds().into_iter().partition(|kind| kind.starts_with("mail."));
    tokio::join!(work(parts, stop, Desk::Work, others), work(parts, stop, Desk::Mail, mails));
}

/// Mails have a desk of their own: nothing that is owed waits for a slow mail server.
#[derive(Clone, Copy)]
enum Desk {
    Work,
    Mail,
}

impl Desk {
    fn room(self) -> usize {
        match self {
            Self::Work => ROOM,
            Self::Mail => MAIL_ROOM,
        }
    }

    async fn hint(self, parts: &Parts) {
        match self {
            Self::Work => parts.wake.on_deliveries().await,
            Self::Mail => parts.wake.on_mails().await,
        }
    }
}

async fn work(parts: &Parts, stop: &CancellationToken, desk: Desk, kinds: Vec<&'static str>) {
    if kinds.is_empty() {
        return;
    }
    let room = Arc::new(Semaphore::new(desk.room()));
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        while running.try_join_next().is_some() {}
        let now = parts.clock.now();
        let free = room.available_permits();
        let claimed = match free {
            0 => Ok(Vec::new()),
            free => parts.store.claim_deliveries(&kinds, free).await,
        };
        let jobs = match claimed {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::error!(%error, "deliveries cannot be claimed; tried again in a second");
                tokio::select! {
                    () = parts.clock.until(now + IDLE) => {}
                    () = stop.cancelled() => {}
                }
                continue;
            }
        };
        let some = !jobs.is_empty();
        for job in jobs {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let parts = parts.clone();
            running.spawn(async move {
                attempt(&parts, job).await;
                drop(place);
                // There is room again.
                parts.wake.deliveries();
            });
        }
        if some && room.available_permits() > 0 {
            continue;
        }
        let due = parts.store.next_delivery_due(&kinds).await.ok().flatten();
        if free > 0 && due.is_some_and(|at| at <= now) {
            // Due but not claimed: somebody's transaction holds the row, and is over soon.
            moment(stop).await;
            continue;
        }
        let next = due.filter(|at| *at > now).unwrap_or(now + IDLE).min(now + IDLE);
        tokio::select! {
            () = parts.clock.until(next) => {}
            () = desk.hint(parts) => {}
            () = stop.cancelled() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

async fn attempt(parts: &Parts, job: Job) {
    let (id, key, attempt) = (job.id.clone(), job.key.clone(), job.attempt);
    let tries = attempt - job.forgiven;
    let run = tokio::spawn(tokio::time::timeout(TIME_LIMIT, parts.actions.run(job)));
    let outcome = match run.await {
        Ok(Ok(result)) => outcome(result),
        Ok(Err(_)) => retry(format!("no answer within {} s", TIME_LIMIT.as_secs())),
        Err(error) => retry(format!("the action panicked: {error}")),
    };
    let next = next(tries, outcome, parts.clock.now(), rand::random());
    parts.meters.attempt(
        &id.kind,
        match next.status {
            DeliveryStatus::Done => "done",
            DeliveryStatus::Stuck => "stuck",
            DeliveryStatus::Due | DeliveryStatus::Running | DeliveryStatus::Dismissed => "retry",
        },
    );
    match parts.store.finish_delivery(&id, attempt, &next).await {
        Ok(Some(recorded)) => parts.announce(&recorded),
        Ok(None) => {
            tracing::warn!(session = %key, kind = %id.kind, attempt, "a later attempt has taken over")
        }
        Err(error) => {
            tracing::error!(session = %key, kind = %id.kind, %error, "the outcome could not be written; the job runs again under the same key")
        }
    }
}

pub(super) fn outcome(result: Result<Receipt, Fault>) -> Outcome {
    match result {
        Ok(Receipt(said)) => Outcome::Done(said),
        Err(Fault::Retry { after, why }) => Outcome::Retry {
            after_ms: after.map(|a| i64::try_from(a.as_millis()).unwrap_or(i64::MAX)),
            why,
        },
        Err(Fault::Refuse { code, why }) => Outcome::Refused { code, why },
    }
}

pub(super) fn retry(why: String) -> Outcome {
    Outcome::Retry { after_ms: None, why }
}
