//! What arrives: stored before it is acknowledged, and nothing else. All that wait share one commit.
//! Sorting it in (`sort.rs`) comes afterwards.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    Store, StoreError,
    db::{Dialect, Lane, Value, vals},
    pack,
};

/// Most arrivals in one commit.
const BATCH: usize = 512;
/// Most arrivals waiting; beyond that they are refused, so that Stripe sends them again.
const WAITING: usize = 20_000;
/// Commits under way at once. One on SQLite (it has one writer); a second one on PostgreSQL fills
/// the time the first waits for its disk.
const COMMITS: usize = 2;
/// How long a commit on SQLite waits at most for as many as came side by side lately (half of them:
/// the others are on their way while it is written). Who comes alone never waits.
const GATHER: Duration = Duration::from_millis(1);

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
    /// Stored; its session is rung as soon as it is sorted in.
    Rang,
    /// Stored; there is nothing to do about it.
    Noted,
    /// Stored for a person to look at.
    Quarantined,
}

type Answer = oneshot::Sender<Result<Received, Refused>>;

/// The disk refused the batch; each waiting arrival gets the same answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(Arc<str>);

#[derive(Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    enough: Condvar,
    /// Something was stored since it was last looked at.
    pub(super) stored: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    arrivals: Vec<(Arrival, Answer)>,
    commits: usize,
    /// How many came side by side lately.
    beside: usize,
    /// The commit that gathers begins when so many wait.
    awaited: Option<usize>,
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
    /// Gives those that come side by side a moment to share the commit. Blocks: only for SQLite's thread.
    fn gather(&self) {
        let mut waiting = lock(&self.waiting);
        let enough = waiting.beside / 2;
        if waiting.arrivals.len() < enough {
            waiting.awaited = Some(enough);
            let few = |waiting: &mut Waiting| waiting.arrivals.len() < enough;
            let gathered = self.enough.wait_timeout_while(waiting, GATHER, few);
            gathered.unwrap_or_else(PoisonError::into_inner).0.awaited = None;
        }
    }

    fn take(&self) -> Taken {
        let mut waiting = lock(&self.waiting);
        let count = waiting.arrivals.len().min(BATCH);
        let (arrivals, answers) = waiting.arrivals.drain(..count).unzip();
        Taken { arrivals: Arc::new(arrivals), answers }
    }
}

impl Store {
    /// Whether Stripe has ever delivered anything of this mode.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn has_received(&self) -> Result<bool, StoreError> {
        let livemode = self.livemode;
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT seq FROM event WHERE livemode = $1 LIMIT 1";
                    Ok(tx.first::<(i64,)>(sql, vals![livemode]).await?.is_some())
                })
            })
            .await
    }

    /// Stores an arrival. Its session is rung once per event id, by [`Store::sort_in`].
    ///
    /// # Errors
    /// When it could not be committed: then nothing is acknowledged.
    pub async fn receive(&self, mut arrival: Arrival) -> Result<Received, StoreError> {
        arrival.body = pack(&arrival.body).into();
        let (answer, answered) = oneshot::channel();
        let begin = {
            let mut waiting = lock(&self.inbox.waiting);
            if waiting.arrivals.len() >= WAITING {
                return Err(StoreError::Unusable("too many deliveries are waiting".into()));
            }
            waiting.arrivals.push((arrival, answer));
            let begin = waiting.commits < self.commits_at_once();
            waiting.commits += usize::from(begin);
            if waiting.awaited.is_some_and(|enough| waiting.arrivals.len() >= enough) {
                waiting.awaited = None;
                self.inbox.enough.notify_one();
            }
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
            self.inbox.stored.fetch_or(outcome.is_ok(), Ordering::Relaxed);
            let answered = taken.answers.len();
            answer(taken, outcome);
            let mut waiting = lock(&self.inbox.waiting);
            let beside = answered + waiting.arrivals.len();
            waiting.beside = beside.max(waiting.beside / 8 * 7);
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
        let gathers = self.db.dialect() == Dialect::Sqlite;
        self.db
            .write("inbox", Lane::Arrivals, move |tx| {
                let take = || {
                    if gathers {
                        inbox.gather();
                    }
                    inbox.take()
                };
                let mut taken = lock(&taken);
                let arrivals = Arc::clone(&taken.get_or_insert_with(take).arrivals);
                drop(taken);
                let now = clock.now();
                Box::pin(async move {
                    let rows = arrivals.iter().map(|arrival| row(arrival, livemode, now)).collect();
                    tx.append(EVENT, "doorbell (event)", rows).await?;
                    Ok(arrivals.iter().map(|arrival| fate(arrival, livemode)).collect())
                })
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

fn fate(arrival: &Arrival, livemode: bool) -> Received {
    match disposition(arrival, livemode) {
        "rang" => Received::Rang,
        "quarantined" => Received::Quarantined,
        _ => Received::Noted,
    }
}

const EVENT: &str = "event \
    (id, account, livemode, type, object_id, created, received_at, disposition, body)";

fn row(arrival: &Arrival, livemode: bool, now: i64) -> Vec<Value> {
    vals![
        &arrival.id,
        &arrival.account,
        mode(arrival, livemode),
        &arrival.kind,
        &arrival.session,
        arrival.created,
        now,
        disposition(arrival, livemode),
        arrival.body.clone()
    ]
}
