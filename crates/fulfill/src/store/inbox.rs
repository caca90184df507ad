//! What arrives: stored before it is acknowledged. All that wait share one commit.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::{
    Store, StoreError,
    db::{Lane, Tx, vals},
    pack,
};

/// Most arrivals in one commit.
const BATCH: usize = 512;
/// Most arrivals waiting; beyond that they are refused, so that Stripe sends them again.
const WAITING: usize = 20_000;
/// Commits under way at once. One on SQLite (it has one writer); a second one on PostgreSQL fills
/// the time the first waits for its disk.
const COMMITS: usize = 2;

/// One verified delivery.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The event's id; for a body that cannot be read, a digest of it.
    pub id: String,
    /// The event's type.
    pub kind: String,
    /// The connected account, empty for one's own.
    pub account: String,
    /// The event's mode, where it says so.
    pub livemode: Option<bool>,
    /// When the event was made, seconds since 1970.
    pub created: Option<i64>,
    /// The Checkout Session it is about.
    pub session: Option<String>,
    /// The body cannot be read: it is kept for a person.
    pub quarantined: bool,
    /// The raw body.
    pub body: Bytes,
}

/// What became of an arrival, on disk when this is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Stored, and its session was rung.
    Rang,
    /// Stored; there is nothing to do about it.
    Noted,
    /// Stored for a person to look at.
    Quarantined,
    /// Stored before.
    Duplicate,
}

type Answer = oneshot::Sender<Result<Received, Refused>>;

/// The disk refused the batch; each waiting arrival gets the same answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(Arc<str>);

#[derive(Default)]
pub(super) struct Inbox(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    arrivals: Vec<(Arrival, Answer)>,
    commits: usize,
}

/// Arrivals of one commit, taken when it begins and kept in case it has to run again.
type Batch = Arc<Mutex<Vec<(Arrival, Answer)>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inbox {
    fn take(&self) -> Vec<(Arrival, Answer)> {
        let mut waiting = lock(&self.0);
        let count = waiting.arrivals.len().min(BATCH);
        waiting.arrivals.drain(..count).collect()
    }
}

impl Store {
    /// Stores an arrival and rings its session, once per event id.
    ///
    /// # Errors
    /// When it could not be committed: then nothing is acknowledged.
    pub async fn receive(&self, mut arrival: Arrival) -> Result<Received, StoreError> {
        arrival.body = pack(&arrival.body).into();
        // As it will be stored, so that it is found again in the answer.
        arrival.id = arrival.id.replace('\0', "\u{fffd}");
        let (answer, answered) = oneshot::channel();
        let begin = {
            let mut waiting = lock(&self.inbox.0);
            if waiting.arrivals.len() >= WAITING {
                return Err(StoreError::Unusable("too many deliveries are waiting".into()));
            }
            waiting.arrivals.push((arrival, answer));
            let begin = waiting.commits < self.commits_at_once();
            waiting.commits += usize::from(begin);
            begin
        };
        if begin {
            self.commit_waiting();
        }
        answered
            .await
            .map_err(|_| StoreError::Closed)?
            .map_err(|refused| StoreError::Unusable(refused.to_string()))
    }

    fn commits_at_once(&self) -> usize {
        match self.db.dialect() {
            super::db::Dialect::Sqlite => 1,
            super::db::Dialect::Postgres => COMMITS,
        }
    }

    /// Commits what waits, then whatever has come meanwhile, until nothing waits.
    fn commit_waiting(&self) {
        let batch = Batch::default();
        let (inbox, taken) = (Arc::clone(&self.inbox), Arc::clone(&batch));
        let (livemode, clock) = (self.livemode, self.clock.clone());
        let store = self.clone();
        let answers = Arc::clone(&batch);
        let then = move |outcome: Result<HashMap<String, Received>, StoreError>| {
            store.answer(&answers, outcome);
            let more = {
                let mut waiting = lock(&store.inbox.0);
                let more = !waiting.arrivals.is_empty();
                waiting.commits -= usize::from(!more);
                more
            };
            if more {
                store.commit_waiting();
            }
        };
        let begun = self.db.write_then(
            "inbox",
            Lane::Arrivals,
            move |tx| {
                let mut batch = lock(&taken);
                if batch.is_empty() {
                    *batch = inbox.take();
                    // By id: unsorted batches of two replicas wait for each other in a circle.
                    batch.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
                }
                let mut arrivals: Vec<Arrival> = batch.iter().map(|(a, _)| a.clone()).collect();
                drop(batch);
                arrivals.dedup_by(|twin, first| twin.id == first.id);
                write(tx, arrivals, livemode, clock.now())
            },
            then,
        );
        if begun.is_err() {
            let mut waiting = lock(&self.inbox.0);
            waiting.arrivals.clear();
            waiting.commits -= 1;
        }
    }

    fn answer(&self, batch: &Batch, outcome: Result<HashMap<String, Received>, StoreError>) {
        let mut batch = std::mem::take(&mut *lock(batch));
        if outcome.is_err() && batch.is_empty() {
            // It could not even begin: whoever waits is refused, not kept waiting for better days.
            batch = self.inbox.take();
        }
        match outcome {
            Ok(mut fates) => {
                for (arrival, answer) in batch {
                    // Twins in one batch: the first is new, the second a duplicate.
                    let fate = fates.remove(&arrival.id).unwrap_or(Received::Duplicate);
                    answer.send(Ok(fate)).ok();
                }
            }
            Err(error) => {
                tracing::error!(%error, deliveries = batch.len(), "deliveries could not be stored: not acknowledged");
                let refused = Refused(error.to_string().into());
                for (_, answer) in batch {
                    answer.send(Err(refused.clone())).ok();
                }
            }
        }
    }
}

/// What is done about an arrival.
fn disposition(arrival: &Arrival, livemode: bool) -> &'static str {
    if arrival.quarantined {
        return "quarantined";
    }
    if !arrival.account.is_empty() {
        return "other_account";
    }
    if mode(arrival, livemode) != livemode {
        return "other_mode";
    }
    if arrival.session.is_some() { "rang" } else { "noted" }
}

fn mode(arrival: &Arrival, own: bool) -> bool {
    let of_session = arrival.session.as_deref().map(|id| id.starts_with("cs_live_"));
    match (arrival.livemode, of_session) {
        // The two contradict each other: whichever is not ours decides, so that nothing is done.
        (Some(said), Some(named)) if said != named => !own,
        (Some(said), _) => said,
        (None, Some(named)) => named,
        (None, None) => own,
    }
}

fn write(
    tx: &mut Tx,
    arrivals: Vec<Arrival>,
    livemode: bool,
    now: i64,
) -> BoxFuture<'_, Result<HashMap<String, Received>, StoreError>> {
    Box::pin(async move {
        let numbers = sessions(tx, &arrivals, livemode, now).await?;
        let number = |a: &Arrival| match (disposition(a, livemode), &a.session) {
            ("rang", Some(id)) => numbers.get(id).map_or(NONE, |known| known.seq),
            _ => NONE,
        };
        let rows = arrivals
            .iter()
            .map(|a| {
                vals![
                    number(a),
                    &a.id,
                    &a.account,
                    mode(a, livemode),
                    &a.kind,
                    &a.session,
                    a.created,
                    now,
                    disposition(a, livemode),
                    a.body.to_vec()
                ]
            })
            .collect();
        let new: Vec<(String,)> = tx.for_rows(INSERT, rows).await?;
        let new: HashSet<String> = new.into_iter().map(|(id,)| id).collect();
        let mut fates = HashMap::with_capacity(new.len());
        let mut bells: BTreeMap<String, Bell> = BTreeMap::new();
        for arrival in arrivals.iter().filter(|a| new.contains(&a.id)) {
            let fate = match disposition(arrival, livemode) {
                "rang" => Received::Rang,
                "quarantined" => Received::Quarantined,
                _ => Received::Noted,
            };
            fates.insert(arrival.id.clone(), fate);
            if let (Received::Rang, Some(id)) = (fate, &arrival.session)
                && numbers.get(id).is_some_and(|known| !known.rung)
            {
                bells.entry(id.clone()).or_default().add(arrival);
            }
        }
        ring(tx, &bells, livemode, now).await?;
        Ok(fates)
    })
}

/// Stands for "about no session of ours".
const NONE: i64 = 0;

const INSERT: &str = "INSERT INTO event \
    (session, id, account, livemode, type, object_id, created, received_at, disposition, body) \
    {rows} ON CONFLICT (session, id) DO NOTHING RETURNING id";

/// A session that arrivals are about.
struct Known {
    seq: i64,
    /// It is new, and was rung when its row was made.
    rung: bool,
}

/// The numbers of the sessions that are rung; those not heard of before are registered, and rung by
/// that: all that is about a new session is new.
async fn sessions(
    tx: &mut Tx,
    arrivals: &[Arrival],
    livemode: bool,
    now: i64,
) -> Result<HashMap<String, Known>, StoreError> {
    let mut bells: BTreeMap<String, Bell> = BTreeMap::new();
    for arrival in arrivals.iter().filter(|a| disposition(a, livemode) == "rang") {
        if let Some(id) = &arrival.session {
            bells.entry(id.clone()).or_default().add(arrival);
        }
    }
    if bells.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<String> = bells.keys().cloned().collect();
    let found: Vec<(i64, String)> = tx
        .fetch(
            "SELECT seq, id FROM session WHERE id {in $1} AND livemode = $2 AND account = ''",
            vals![ids, livemode],
        )
        .await?;
    let mut known = HashMap::with_capacity(bells.len());
    for (seq, id) in found {
        bells.remove(&id);
        known.insert(id, Known { seq, rung: false });
    }
    for (seq, id) in ring(tx, &bells, livemode, now).await? {
        known.insert(id, Known { seq, rung: true });
    }
    Ok(known)
}

/// The events of one commit that ring one session.
#[derive(Default)]
struct Bell {
    count: i64,
    succeeded: bool,
    failed: bool,
}

impl Bell {
    fn add(&mut self, arrival: &Arrival) {
        self.count += 1;
        self.succeeded |= arrival.kind == "checkout.session.async_payment_succeeded";
        self.failed |= arrival.kind == "checkout.session.async_payment_failed";
    }
}

/// Rings in the order of the ids: two replicas never wait for each other in a circle.
async fn ring(
    tx: &mut Tx,
    bells: &BTreeMap<String, Bell>,
    livemode: bool,
    now: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = bells.iter().map(|(id, bell)| {
        vals!["", livemode, id, now, now, false, false, bell.succeeded, bell.failed, bell.count]
    });
    tx.for_rows(&format!("{} RETURNING seq, id", super::work::RING), rows.collect()).await
}
