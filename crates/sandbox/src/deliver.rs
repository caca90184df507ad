//! Deliveries: signed, tried again on the sandbox's clock, logged attempt by attempt.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    app::App,
    change::Change,
    faults::Trouble,
    ids::Id,
    post::{Exchange, Posted, headers, post},
    render::{self, View},
    state::{
        Job, State, Task,
        objects::{Endpoint, Event},
    },
    version::Version,
};

/// Deliveries on their way to one endpoint at a time.
const WORKERS_MAX: usize = 32;
/// Deliveries that wait for one endpoint at most; further ones are tried later.
const QUEUE_MAX: usize = 100_000;
const LOG_MAX: usize = 10_000;
/// Of so many attempts the log keeps the whole request.
const EXCHANGES_MAX: usize = 1_000;
/// The first retry comes after this; each further one after four times as long, for three days.
const RETRY_FIRST_MS: i64 = 5_000;
const RETRIES_MAX: u32 = 9;
const RETRY_LONGEST_MS: i64 = 24 * 60 * 60 * 1_000;

/// One attempt, as the log keeps it.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// The event's id; of a thin event, its own.
    pub event: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// Where it went.
    pub url: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// When, on the sandbox's clock, in milliseconds since 1970.
    pub at_ms: i64,
    /// The HTTP status of the answer; none when there was no answer.
    pub status: Option<u16>,
    /// The beginning of the answer's body, or why there was no answer.
    pub answer: String,
    /// When the next attempt comes, on the sandbox's clock.
    pub next_at_ms: Option<i64>,
    /// How long the answer took, in real milliseconds.
    pub ms: u64,
    /// What was sent and what came back, whole; the log keeps it of the last thousand attempts of
    /// this run.
    #[serde(flatten, serialize_with = "shown")]
    pub exchange: Option<Arc<Exchange>>,
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn shown<S: serde::Serializer>(exchange: &Option<Arc<Exchange>>, to: S) -> Result<S::Ok, S::Error> {
    exchange.as_deref().serialize(to)
}

/// The queues, one for each endpoint.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Mutex<HashMap<Id, Arc<Lane>>>,
    /// Deliveries that wait or are on their way.
    open: watch::Sender<usize>,
    /// Counts finished attempts, for those who wait for one.
    pub(crate) finished: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Lane(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    workers: usize,
    /// A delivery that a fault holds until the next one has gone out.
    held: Option<Job>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            lanes: Mutex::default(),
            open: watch::Sender::new(0),
            finished: watch::Sender::new(0),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lanes {
    /// Puts deliveries into their endpoints' queues, unless a fault has other plans.
    pub(crate) fn dispatch(&self, app: &Arc<App>, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let troubled = app.faults.touch_deliveries();
        for job in jobs {
            let trouble = if troubled && job.attempt == 0 { trouble(app, &job) } else { None };
            match trouble {
                None => self.push(app, job),
                Some(Trouble::Duplicate) => {
                    self.push(app, job.clone());
                    self.push(app, job);
                }
                Some(Trouble::Hold) => self.hold(app, job),
                Some(Trouble::Delay { ms }) => app.change(PutOff { job, by_ms: ms.max(0) }),
                Some(Trouble::Split) => {
                    let twin = app.change(Split { job: job.clone() });
                    self.push(app, job);
                    twin.into_iter().for_each(|twin| self.push(app, twin));
                }
                Some(_) => app.change(Lost { job }),
            }
        }
    }

    fn lane(&self, endpoint: &Id) -> Arc<Lane> {
        Arc::clone(locked(&self.lanes).entry(Arc::clone(endpoint)).or_default())
    }

    /// Keeps a delivery back, unless one is kept back already: that one waits for this.
    fn hold(&self, app: &Arc<App>, job: Job) {
        let lane = self.lane(&job.endpoint);
        let mut queue = locked(&lane.0);
        if queue.held.is_none() {
            queue.held = Some(job);
            return;
        }
        drop(queue);
        self.push(app, job);
    }

    fn push(&self, app: &Arc<App>, job: Job) {
        let lane = self.lane(&job.endpoint);
        let mut queue = locked(&lane.0);
        if queue.jobs.len() >= QUEUE_MAX {
            drop(queue);
            tracing::warn!(
                endpoint = &*job.endpoint,
                event = &*job.event,
                "the endpoint's queue is full; this delivery is tried later"
            );
            app.change(PutOff { job, by_ms: RETRY_FIRST_MS });
            return;
        }
        queue.jobs.push_back(job);
        let held = queue.held.take();
        let pushed = 1 + usize::from(held.is_some());
        queue.jobs.extend(held);
        self.open.send_modify(|open| *open += pushed);
        if queue.workers < WORKERS_MAX {
            queue.workers += 1;
            let (app, lane) = (Arc::clone(app), Arc::clone(&lane));
            drop(queue);
            app.tasks.spawn_on(work(Arc::clone(&app), lane), &app.runtime);
        }
    }

    /// So many deliveries are about to be put into their queues.
    pub(crate) fn expect(&self, jobs: usize) {
        if jobs > 0 {
            self.open.send_modify(|open| *open += jobs);
        }
    }

    /// They are in their queues and counted there.
    pub(crate) fn settled(&self, jobs: usize) {
        if jobs > 0 {
            self.open.send_modify(|open| *open = open.saturating_sub(jobs));
        }
    }

    /// Waits until nothing waits and nothing is on its way.
    pub(crate) async fn idle(&self) {
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open == 0).await;
    }

    pub(crate) fn is_idle(&self) -> bool {
        *self.open.borrow() == 0
    }
}

fn trouble(app: &App, job: &Job) -> Option<Trouble> {
    let (kind, url) = {
        let state = app.read();
        (state.events.get(&job.event)?.kind, Arc::clone(&state.endpoints.get(&job.endpoint)?.url))
    };
    app.faults.delivery(kind, &url)
}

/// A delivery waits, on the sandbox's clock.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PutOff {
    job: Job,
    by_ms: i64,
}

impl Change for PutOff {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        state.plan(state.clock.now_ms().saturating_add(self.by_ms), Task::Deliver(self.job));
    }

    fn settles(&self) -> Option<&Job> {
        Some(&self.job)
    }
}

/// A second Event object for the same change, delivered to the same endpoint.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Split {
    job: Job,
}

impl Change for Split {
    type Outcome = Option<Job>;

    fn apply(self, state: &mut State) -> Option<Job> {
        let event = state.events.get(&self.job.event).cloned()?;
        let mut twin = (*event).clone();
        twin.set_id(state.ids.next("evt_"));
        twin.owed.retain(|owed| owed.endpoint == self.job.endpoint);
        let twin = state.events.insert(twin);
        Some(Job { event: Arc::clone(&twin.id), ..self.job })
    }

    fn owes(twin: &Option<Job>) -> Option<&Job> {
        twin.as_ref()
    }
}

/// A delivery never goes out, and counts as answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Lost {
    job: Job,
}

impl Change for Lost {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        taken(state, &self.job);
    }

    fn settles(&self) -> Option<&Job> {
        Some(&self.job)
    }
}

/// An attempt to deliver was made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Attempted {
    job: Job,
    at_ms: i64,
    status: Option<u16>,
    answer: String,
    next_at_ms: Option<i64>,
    #[serde(default)]
    ms: u64,
    #[serde(skip)]
    exchange: Option<Arc<Exchange>>,
}

impl Change for Attempted {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        let Self { job, at_ms, status, answer, next_at_ms, ms, exchange } = self;
        let event = state.events.get(&job.event).zip(state.endpoints.get(&job.endpoint));
        let attempt = event.map(|(event, endpoint)| Attempt {
            event: if endpoint.thin { &event.thin_id } else { &event.id }.to_string(),
            kind: event.kind.to_owned(),
            endpoint: endpoint.id.to_string(),
            url: endpoint.url.to_string(),
            attempt: job.attempt + 1,
            at_ms,
            status,
            answer,
            next_at_ms,
            ms,
            exchange,
        });
        attempt.into_iter().for_each(|attempt| log(state, attempt));
        if matches!(status, Some(200..=299)) {
            taken(state, &job);
            return;
        }
        state.events.change(&job.event, |event| {
            let owed = event.owed.iter_mut().filter(|owed| owed.endpoint == job.endpoint);
            owed.for_each(|owed| owed.answered = true);
        });
        if let Some(at) = next_at_ms {
            state.plan(at, Task::Deliver(Job { attempt: job.attempt + 1, ..job }));
        }
    }

    fn settles(&self) -> Option<&Job> {
        Some(&self.job)
    }
}

/// Writes an attempt into the log, which forgets the oldest.
pub(crate) fn log(state: &mut State, attempt: Attempt) {
    if state.attempts.len() >= LOG_MAX {
        state.attempts.pop_front();
    }
    state.attempts.push_back(attempt);
    let old = state.attempts.len().checked_sub(EXCHANGES_MAX + 1);
    if let Some(attempt) = old.and_then(|old| state.attempts.get_mut(old)) {
        attempt.exchange = None;
    }
}

/// The endpoint has taken the event (or a fault pretends so).
fn taken(state: &mut State, job: &Job) {
    state
        .events
        .change(&job.event, |event| event.owed.retain(|owed| owed.endpoint != job.endpoint));
}

/// Works a queue until it is empty.
async fn work(app: Arc<App>, lane: Arc<Lane>) {
    loop {
        let job = {
            let mut queue = locked(&lane.0);
            match queue.jobs.pop_front() {
                Some(job) => job,
                None => {
                    queue.workers -= 1;
                    return;
                }
            }
        };
        tokio::select! {
            () = attempt(&app, job) => {}
            () = app.stop.cancelled() => {}
        }
        app.lanes.open.send_modify(|open| *open = open.saturating_sub(1));
        app.lanes.finished.send_modify(|finished| *finished += 1);
    }
}

async fn attempt(app: &Arc<App>, job: Job) {
    let found = {
        let state = app.read();
        let event = state.events.get(&job.event).cloned();
        let endpoint =
            state.endpoints.get(&job.endpoint).filter(|endpoint| endpoint.enabled).cloned();
        event.zip(endpoint).map(|(event, endpoint)| (event, endpoint, Arc::clone(&state.base)))
    };
    let Some((event, endpoint, base)) = found else {
        app.change(Lost { job });
        return;
    };
    let body = body(&event, &endpoint, &base);
    let at_ms = app.clock.now_ms();
    let headers = headers(&endpoint.secret, app.clock.wire_ms().div_euclid(1000), &body);
    app.news.send(&event, &endpoint.url, job.attempt + 1);
    let posted = post(&app.client, &endpoint.url, headers, body).await;
    let delivered = matches!(posted.status, Some(200..=299));
    let next_at_ms = if delivered { None } else { retry_at(job.attempt, app.clock.now_ms()) };
    tracing::info!(
        event = &*event.id,
        url = &*endpoint.url,
        status = posted.status,
        attempt = job.attempt + 1,
        "{}",
        event.kind
    );
    let Posted { status, answer, ms, exchange } = posted;
    let exchange = Some(Arc::new(exchange));
    app.change(Attempted { job, at_ms, status, answer: answer.clone(), next_at_ms, ms, exchange });
    app.news.answer(&event, &endpoint.url, status, answer);
}

fn retry_at(attempt: u32, now_ms: i64) -> Option<i64> {
    let wait = RETRY_FIRST_MS.saturating_mul(4_i64.saturating_pow(attempt)).min(RETRY_LONGEST_MS);
    (attempt < RETRIES_MAX).then_some(now_ms + wait)
}

/// The body as it is signed and sent.
pub(crate) fn body(event: &Event, endpoint: &Endpoint, base: &str) -> String {
    let value = if endpoint.thin {
        render::event::thin(event)
    } else {
        let version = endpoint.version.clone().unwrap_or_else(Version::newest);
        render::event::event(event, View { version: &version, base })
    };
    serde_json::to_string_pretty(&value).unwrap_or_default()
}
