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
    db::{Dialect, Lane, Tx, Value, vals},
    pack,
    work::{RING, RUNG},
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

/// What one commit stores, taken when it begins and kept in case it has to run again.
type Batch = Arc<Mutex<Option<Taken>>>;

struct Taken {
    arrivals: Arc<Vec<Arrival>>,
    answers: Vec<Answer>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inbox {
    fn take(&self) -> Taken {
        let mut waiting = lock(&self.0);
        let count = waiting.arrivals.len().min(BATCH);
        let mut some: Vec<(Arrival, Answer)> = waiting.arrivals.drain(..count).collect();
        drop(waiting);
        // By id: unsorted batches of two replicas wait for each other in a circle.
        some.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        let (arrivals, answers) = some.into_iter().unzip();
        Taken { arrivals: Arc::new(arrivals), answers }
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
            // Goes on although whoever brought this arrival may have hung up.
            tokio::spawn(self.clone().commit_waiting());
        }
        answered
            .await
            .map_err(|_| StoreError::Closed)?
            .map_err(|refused| StoreError::Unusable(refused.to_string()))
    }

    fn commits_at_once(&self) -> usize {
        match self.db.dialect() {
            Dialect::Sqlite => 1,
            Dialect::Postgres => COMMITS,
        }
    }

    /// Commits what waits, then whatever has come meanwhile, until nothing waits.
    async fn commit_waiting(self) {
        loop {
            // Whoever is ready to bring an arrival goes first, so that the commit is shared by many;
            // where nobody is, this takes no time.
            tokio::task::yield_now().await;
            let batch = Batch::default();
            let outcome = self.commit(&batch).await;
            // Where it could not even begin, whoever waits is refused, not kept for better days.
            let taken = lock(&batch).take().unwrap_or_else(|| self.inbox.take());
            answer(taken, outcome);
            let mut waiting = lock(&self.inbox.0);
            if waiting.arrivals.is_empty() {
                waiting.commits -= 1;
                return;
            }
        }
    }

    /// Takes what waits at the moment the transaction begins, and stores it.
    async fn commit(&self, batch: &Batch) -> Result<Vec<Received>, StoreError> {
        let (inbox, taken) = (Arc::clone(&self.inbox), Arc::clone(batch));
        let (livemode, clock) = (self.livemode, self.clock.clone());
        self.db
            .write("inbox", Lane::Arrivals, move |tx| {
                let mut taken = lock(&taken);
                let arrivals = Arc::clone(&taken.get_or_insert_with(|| inbox.take()).arrivals);
                drop(taken);
                write(tx, arrivals, livemode, clock.now())
            })
            .await
    }
}

/// Tells those who wait.
fn answer(taken: Taken, outcome: Result<Vec<Received>, StoreError>) {
    match outcome {
        Ok(fates) => {
            for (fate, answer) in fates.into_iter().zip(taken.answers) {
                answer.send(Ok(fate)).ok();
            }
        }
        Err(error) => {
            tracing::error!(%error, deliveries = taken.answers.len(), "deliveries could not be stored: not acknowledged");
            let refused = Refused(error.to_string().into());
            for answer in taken.answers {
                answer.send(Err(refused.clone())).ok();
            }
        }
    }
}

/// What became of each, in their order, given the ids that are new.
fn fates(arrivals: &[Arrival], new: &HashSet<String>, livemode: bool) -> Vec<Received> {
    let fate = |(at, arrival): (usize, &Arrival)| {
        if is_twin(arrivals, at) || !new.contains(&arrival.id) {
            return Received::Duplicate;
        }
        match disposition(arrival, livemode) {
            "rang" => Received::Rang,
            "quarantined" => Received::Quarantined,
            _ => Received::Noted,
        }
    };
    arrivals.iter().enumerate().map(fate).collect()
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

/// Stores what is new and rings; tells each arrival's fate, in their order.
fn write(
    tx: &mut Tx,
    arrivals: Arc<Vec<Arrival>>,
    livemode: bool,
    now: i64,
) -> BoxFuture<'_, Result<Vec<Received>, StoreError>> {
    Box::pin(async move {
        let numbers = sessions(tx, &arrivals, livemode, now).await?;
        let mut rows = Vec::with_capacity(arrivals.len());
        for (at, arrival) in arrivals.iter().enumerate() {
            if !is_twin(&arrivals, at) {
                rows.push(row(arrival, &numbers, livemode, now));
            }
        }
        let new = tx.insert_new(EVENT, rows, "ON CONFLICT (session, id) DO NOTHING", 1).await?;
        let new: HashSet<String> = new.into_iter().map(|(_, id)| id).collect();
        let mut bells: BTreeMap<&str, Bell> = BTreeMap::new();
        let fates = fates(&arrivals, &new, livemode);
        for (arrival, fate) in arrivals.iter().zip(&fates) {
            if let (Received::Rang, Some(id)) = (fate, arrival.session.as_deref())
                && numbers.get(id).is_some_and(|known| !known.rung)
            {
                bells.entry(id).or_default().add(arrival);
            }
        }
        tx.insert(RUNG, self::rows(&bells, livemode, now), RING).await?;
        Ok(fates)
    })
}

/// The same event came twice in one batch (they are sorted): the first counts.
fn is_twin(arrivals: &[Arrival], at: usize) -> bool {
    let twin =
        |first: usize| arrivals.get(first).zip(arrivals.get(at)).is_some_and(|(a, b)| a.id == b.id);
    at.checked_sub(1).is_some_and(twin)
}

fn row(
    arrival: &Arrival,
    numbers: &HashMap<String, Known>,
    livemode: bool,
    now: i64,
) -> Vec<Value> {
    let what = disposition(arrival, livemode);
    let session = arrival.session.as_deref();
    let number = match (what, session) {
        ("rang", Some(id)) => numbers.get(id).map_or(NONE, |known| known.seq),
        _ => NONE,
    };
    // A session of ours is named by its number.
    let object = session.filter(|_| number == NONE);
    vals![
        number,
        &arrival.id,
        &arrival.account,
        mode(arrival, livemode),
        &arrival.kind,
        object,
        arrival.created,
        now,
        what,
        arrival.body.clone()
    ]
}

/// Stands for "about no session of ours".
const NONE: i64 = 0;

const EVENT: &str = "event \
    (session, id, account, livemode, type, object_id, created, received_at, disposition, body)";

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
    let mut bells: BTreeMap<&str, Bell> = BTreeMap::new();
    for (at, arrival) in arrivals.iter().enumerate() {
        if let ("rang", Some(id)) = (disposition(arrival, livemode), arrival.session.as_deref())
            && !is_twin(arrivals, at)
        {
            bells.entry(id).or_default().add(arrival);
        }
    }
    if bells.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<String> = bells.keys().map(|id| (*id).to_owned()).collect();
    let found: Vec<(i64, String)> = tx
        .fetch(
            "SELECT seq, id FROM session WHERE id {in $1} AND livemode = $2 AND account = ''",
            vals![ids, livemode],
        )
        .await?;
    let mut known = HashMap::with_capacity(bells.len());
    for (seq, id) in found {
        bells.remove(id.as_str());
        known.insert(id, Known { seq, rung: false });
    }
    for (seq, id) in tx.insert_new(RUNG, rows(&bells, livemode, now), RING, 2).await? {
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

/// The sessions' rows, rung; in the order of the ids: two replicas never wait for each other in a circle.
fn rows(bells: &BTreeMap<&str, Bell>, livemode: bool, now: i64) -> Vec<Vec<Value>> {
    let rows = bells.iter().map(|(id, bell)| {
        vals!["", livemode, *id, now, now, false, false, bell.succeeded, bell.failed, bell.count]
    });
    rows.collect()
}
