//! Sessions: claimed while there is room and a permit, fetched side by side, recorded in batches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fulfill_rules::{MINUTE, Millis, SECOND, delivery::backoff, fact::gate};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::Parts;
use crate::{
    clock::real_sleep,
    store::{Claim, Look, Looked},
    stripe::{ApiError, ApiErrorKind, Asker, Purpose},
};

/// Sessions under way at once.
const ROOM: usize = 256;
/// Sessions in one claim.
const CLAIM: usize = 64;
/// Events sorted in at once: about 3 ms on SQLite.
const SORT: usize = 128;
/// How often what another process received and left is looked for.
const SWEEP: Millis = 10 * SECOND;
/// Looks in one transaction: about 5 ms on SQLite, which has one writer.
const RECORD: usize = 64;
/// Failed looks in a row before a person is asked: about an hour.
const TRIES_MAX: i64 = 40;
/// The same where trying again cannot help by itself (a permission is missing).
const TRIES_HOPELESS: i64 = 3;
/// A session that Stripe does not know is asked for this often: it may be a moment's lag.
const TRIES_MISSING: i64 = 3;
const BACKOFF_FROM: Millis = SECOND / 2;
const BACKOFF_TO: Millis = 3 * MINUTE;
/// Once a person was, or would have been, asked.
const PATIENCE: Millis = 30 * MINUTE;
/// Without any hint the queue is looked at this often.
const IDLE: Millis = SECOND;
/// Until what is due but locked is tried again.
const MOMENT: Duration = Duration::from_millis(20);
/// Claims older than this are renewed.
const RENEW: Duration = Duration::from_secs(3);

/// Claims under way, by session: fence, and whether it was renewed since.
type Holding = Arc<Mutex<HashMap<i64, (i64, Millis)>>>;

fn lock(holding: &Holding) -> MutexGuard<'_, HashMap<i64, (i64, Millis)>> {
    holding.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A look on its way to be recorded; the permit is its place in the room.
struct Done {
    look: Look,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn run(parts: &Parts, stop: &CancellationToken) {
    let holding = Holding::default();
    let (done, looks) = mpsc::channel(ROOM);
    let over = CancellationToken::new();
    tokio::join!(
        claim(parts, stop, &holding, done),
        async {
            // Ends when the last fetch has handed over its look.
            record(parts, looks, &holding).await;
            over.cancel();
        },
        renew(parts, &holding, &over),
    );
    let unfinished: Vec<(i64, i64)> =
        lock(&holding).iter().map(|(session, (fence, _))| (*session, *fence)).collect();
    if !unfinished.is_empty()
        && let Err(error) = parts.store.give_back(unfinished).await
    {
        tracing::warn!(%error, "claims could not be given back; their leases run out");
    }
}

async fn claim(
    parts: &Parts,
    stop: &CancellationToken,
    holding: &Holding,
    done: mpsc::Sender<Done>,
) {
    let room = Arc::new(Semaphore::new(ROOM));
    let mut unsorted = Unsorted { more: true, swept_at: Millis::MIN };
    while !stop.is_cancelled() {
        // A claim is a commit: wait until it is worth one.
        tokio::select! {
            enough = room.acquire_many(CLAIM as u32) => drop(enough),
            () = stop.cancelled() => return,
        }
        let now = parts.clock.now();
        let Some(more) = sort_in(parts, &mut unsorted, now).await else {
            wait(parts, stop, now + SECOND, false).await;
            continue;
        };
        let permits = parts.client.permits(Purpose::Retrieve, Asker::Work);
        let wanted = (permits.now as usize).min(CLAIM);
        if wanted == 0 {
            let next = permits.next_at.unwrap_or(now + IDLE).max(now + 1);
            wait(parts, stop, next, false).await;
            continue;
        }
        let visitors = parts.client.permits(Purpose::Retrieve, Asker::Visitor).now as usize;
        let claims = match parts.store.claim(wanted, visitors.min(wanted.div_ceil(2))).await {
            Ok(claims) => claims,
            Err(error) => {
                tracing::error!(%error, "the queue cannot be read; tried again in a second");
                wait(parts, stop, now + SECOND, false).await;
                continue;
            }
        };
        let full = claims.len() == wanted;
        for claim in claims {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            lock(holding).insert(claim.session, (claim.fence, parts.clock.now()));
            begin(parts, stop, claim, place, &done);
        }
        if !full && !more {
            match parts.store.next_due().await {
                Ok(Some(at)) if at <= now => moment(stop).await,
                Ok(Some(at)) => wait(parts, stop, at.min(now + IDLE), true).await,
                _ => wait(parts, stop, now + IDLE, true).await,
            }
        }
    }
}

/// What may wait to be sorted in.
struct Unsorted {
    more: bool,
    /// When somebody else's was looked for.
    swept_at: Millis,
}

/// Sorts in what was received, here or by a process that is gone. Whether there may be more; nothing
/// when it failed.
async fn sort_in(parts: &Parts, unsorted: &mut Unsorted, now: Millis) -> Option<bool> {
    let sweep = now >= unsorted.swept_at.saturating_add(SWEEP);
    if !parts.store.stored_more() && !unsorted.more && !sweep {
        return Some(false);
    }
    if sweep {
        unsorted.swept_at = now;
    }
    unsorted.more = true;
    match parts.store.sort_in(SORT).await {
        Ok(sorted) => {
            parts.meters.duplicates(sorted.duplicates);
            unsorted.more = sorted.events == SORT;
            Some(unsorted.more)
        }
        Err(error) => {
            tracing::error!(%error, "what was received cannot be sorted in; tried again in a second");
            None
        }
    }
}

/// Something is due that was not claimed: its row was locked by a transaction that is over in real
/// time, whatever the clock says, or visitors are beyond their share.
pub(super) async fn moment(stop: &CancellationToken) {
    tokio::select! {
        () = real_sleep(MOMENT) => {}
        () = stop.cancelled() => {}
    }
}

async fn wait(parts: &Parts, stop: &CancellationToken, until: Millis, for_work: bool) {
    tokio::select! {
        () = parts.clock.until(until) => {}
        () = parts.wake.on_work(), if for_work => {}
        () = stop.cancelled() => {}
    }
}

fn begin(
    parts: &Parts,
    stop: &CancellationToken,
    claim: Claim,
    place: OwnedSemaphorePermit,
    done: &mpsc::Sender<Done>,
) {
    if !claim.settled {
        let asker = if claim.visitor { Asker::Visitor } else { Asker::Work };
        // The permits were looked at before the claim; another page may have taken them since.
        let _ = parts.client.take(Purpose::Retrieve, asker, 1);
    }
    let (parts, stop, done) = (parts.clone(), stop.clone(), done.clone());
    tokio::spawn(async move {
        let looked = tokio::select! {
            biased;
            looked = look_at(&parts, &claim) => looked,
            // Still among what is held: given back at the end.
            () = stop.cancelled() => return,
        };
        done.send(Done { look: Look { claim, looked }, _place: place }).await.ok();
    });
}

async fn look_at(parts: &Parts, claim: &Claim) -> Looked {
    if claim.settled {
        return Looked::Settled;
    }
    parts.meters.api_request();
    match parts.client.session(&claim.key).await {
        Ok(found) => {
            let mut seen = found.seen;
            seen.rung = claim.told;
            let fact = gate(&seen);
            Looked::Found { fact, sale: Box::new(found.sale), raw: found.raw, notes: found.notes }
        }
        Err(error) => {
            parts.meters.api_error(word(&error.kind));
            failed(parts, claim, &error)
        }
    }
}

fn failed(parts: &Parts, claim: &Claim, error: &ApiError) -> Looked {
    let tries = claim.tries + 1;
    if error.kind == ApiErrorKind::NotFound && (claim.guess || tries >= TRIES_MISSING) {
        return Looked::Missing { why: error.to_string() };
    }
    let hopeless = !error.retryable() && error.kind != ApiErrorKind::NotFound;
    let for_long = tries >= if hopeless { TRIES_HOPELESS } else { TRIES_MAX };
    // Anybody can name sessions to the landing page: nobody is troubled with what may be none.
    let ask_a_person = for_long && !claim.guess;
    let pause = if for_long {
        backoff(1, PATIENCE, PATIENCE, rand::random())
    } else {
        backoff(tries, BACKOFF_FROM, BACKOFF_TO, rand::random())
    };
    let pause = pause.max(error.retry_after_ms.unwrap_or(0));
    let again_at = parts.clock.now().saturating_add(pause);
    tracing::warn!(session = %claim.key, tries, pause_ms = pause, %error, "the session could not be retrieved");
    Looked::Trouble { why: error.to_string(), again_at, ask_a_person }
}

/// The kind of an API error as a label.
pub(super) fn word(kind: &ApiErrorKind) -> &'static str {
    match kind {
        ApiErrorKind::NotFound => "not_found",
        ApiErrorKind::Forbidden { .. } => "forbidden",
        ApiErrorKind::Unauthorized => "unauthorized",
        ApiErrorKind::RateLimited => "rate_limited",
        ApiErrorKind::Unavailable => "unavailable",
        ApiErrorKind::Garbled => "garbled",
        ApiErrorKind::Other(_) => "other",
    }
}

async fn record(parts: &Parts, mut looks: mpsc::Receiver<Done>, holding: &Holding) {
    let mut batch = Vec::with_capacity(RECORD);
    while looks.recv_many(&mut batch, RECORD).await > 0 {
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        let mut places = Vec::with_capacity(batch.len());
        for done in batch.drain(..) {
            places.push(done._place);
            // Somebody was lost on the way with it: it must not take others along.
            if done.look.claim.attempt > 1 { &mut alone } else { &mut together }.push(done.look);
        }
        let batches = alone.into_iter().map(|look| vec![look]);
        for looks in std::iter::once(together).chain(batches).filter(|looks| !looks.is_empty()) {
            record_some(parts, looks, holding).await;
        }
        drop(places);
    }
}

async fn record_some(parts: &Parts, looks: Vec<Look>, holding: &Holding) {
    let sessions: Vec<i64> = looks.iter().map(|look| look.claim.session).collect();
    for outcome in parts.store.record(looks, &parts.policy).await {
        match outcome {
            Ok(recorded) => parts.announce(&recorded),
            Err((claim, error)) => unwritten(parts, claim, &error).await,
        }
    }
    let mut holding = lock(holding);
    for session in sessions {
        holding.remove(&session);
    }
}

/// What was decided could not be written: that is written, so that a person sees it; if even that
/// fails, the lease runs out.
async fn unwritten(parts: &Parts, claim: Claim, error: &crate::store::StoreError) {
    tracing::error!(session = %claim.key, %error, "what was decided could not be written; tried again");
    let tries = claim.tries + 1;
    let again_at = parts.clock.now() + backoff(tries, SECOND, BACKOFF_TO, rand::random());
    let why =
        "what was decided could not be written to the database; the log has the cause".to_owned();
    let looked =
        Looked::Trouble { why, again_at, ask_a_person: tries >= TRIES_MAX && !claim.guess };
    parts.store.record(vec![Look { claim, looked }], &parts.policy).await;
}

/// Keeps the claims of slow looks alive.
async fn renew(parts: &Parts, holding: &Holding, over: &CancellationToken) {
    let old = Millis::try_from(RENEW.as_millis()).unwrap_or(SECOND);
    loop {
        tokio::select! {
            () = parts.clock.sleep(RENEW) => {}
            () = over.cancelled() => return,
        }
        let now = parts.clock.now();
        let due: Vec<(i64, i64)> = lock(holding)
            .iter_mut()
            .filter(|(_, (_, at))| now - *at >= old)
            .map(|(session, (fence, at))| {
                *at = now;
                (*session, *fence)
            })
            .collect();
        if !due.is_empty()
            && let Err(error) = parts.store.renew(due).await
        {
            tracing::warn!(%error, "leases could not be renewed");
        }
    }
}
