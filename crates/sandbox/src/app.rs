//! The running sandbox: its state, and what moves when the state has changed.

use std::{
    sync::{
        Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    change::{Change, RunDue, Turn},
    clock::Clock,
    deliver::Lanes,
    faults::Faults,
    ids::RequestIds,
    journal::{self, Journal, Made},
    listen::Listeners,
    news::News,
    page::Twice,
    state::{Outgoing, State},
};

/// Everything that requests, deliveries and the agenda share.
#[derive(Debug)]
pub(crate) struct App {
    state: RwLock<State>,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) lanes: Lanes,
    pub(crate) listeners: Listeners,
    pub(crate) news: News,
    pub(crate) client: reqwest::Client,
    /// How long a request's body may take.
    pub(crate) body_within: Duration,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) runtime: Handle,
    pub(crate) request_ids: RequestIds,
    /// Tells pages that show the state that it has changed.
    pub(crate) changed: watch::Sender<()>,
    journal: OnceLock<Journal>,
    pub(crate) twice: Twice,
    /// The time the agenda waits for.
    awaited_ms: AtomicI64,
    agenda: Notify,
}

impl App {
    pub(crate) fn new(
        state: State,
        seed: u64,
        faults: Faults,
        client: reqwest::Client,
        body_within: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            clock: state.clock.clock().clone(),
            faults,
            lanes: Lanes::default(),
            listeners: Listeners::default(),
            news: News::default(),
            client,
            body_within,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            request_ids: RequestIds::new(seed, state.starts),
            changed: watch::Sender::new(()),
            journal: OnceLock::new(),
            twice: Twice::default(),
            awaited_ms: AtomicI64::new(i64::MAX),
            agenda: Notify::new(),
            state: RwLock::new(state),
        })
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on changes are kept.
    pub(crate) fn keep(&self, journal: Journal) {
        let _ = self.journal.set(journal);
    }

    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.get()
    }

    /// Changes the state, then sends what the change gives to send. With a journal, whoever answers
    /// for the change waits for [`Journal::stored`] first, as [`crate::http::answer`] does for all.
    pub(crate) fn change<C: Change>(self: &Arc<Self>, change: C) -> C::Outcome {
        let journal = self.journal.get().map(|journal| (journal, journal::written(&change)));
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let at_ms = state.clock.begin();
        let outcome = change.apply(&mut state);
        state.clock.end();
        let outgoing = state.take_outgoing();
        let made = Made { at_ms, drawn: state.ids.drawn() };
        let next = state.next_due_ms();
        // Counted before anybody else can look: nobody takes this moment for idleness.
        self.lanes.expect(outgoing.jobs.len());
        let outgoing = match journal {
            Some((journal, line)) => {
                journal.append(made, line, outgoing);
                None
            }
            None => Some(outgoing),
        };
        drop(state);
        if next.is_some_and(|next| next < self.awaited_ms.load(Ordering::SeqCst)) {
            self.agenda.notify_one();
        }
        if self.changed.receiver_count() > 0 {
            self.changed.send_replace(());
        }
        outgoing.into_iter().for_each(|outgoing| self.send(outgoing));
        outcome
    }

    /// Sends deliveries that were counted as expected, and tells the listeners.
    pub(crate) fn send(self: &Arc<Self>, outgoing: Outgoing) {
        let Outgoing { jobs, announced } = outgoing;
        let sent = jobs.len();
        self.lanes.dispatch(self, jobs);
        self.lanes.settled(sent);
        self.listeners.announce(self, &announced);
    }

    /// Sets the clock forward, then carries out what is due.
    pub(crate) fn advance(self: &Arc<Self>, by: Duration) {
        self.change(Turn { by_ms: i64::try_from(by.as_millis()).unwrap_or(i64::MAX) });
        self.clock.advance(by);
        self.run_due();
    }

    /// Carries out what is due by now.
    pub(crate) fn run_due(self: &Arc<Self>) {
        while self.read().is_due() {
            self.change(RunDue {});
        }
    }

    /// Keeps the agenda until the sandbox stops.
    pub(crate) async fn keep_agenda(self: Arc<Self>) {
        while !self.stop.is_cancelled() {
            let next = self.read().next_due_ms().unwrap_or(i64::MAX);
            self.awaited_ms.store(next, Ordering::SeqCst);
            // A change may have slipped in between; its notice is kept, so nothing is missed.
            if self.read().next_due_ms().unwrap_or(i64::MAX) < next {
                continue;
            }
            if let Some(journal) = self.journal() {
                tokio::select! {
                    () = journal.well() => {}
                    () = self.stop.cancelled() => return,
                }
            }
            tokio::select! {
                () = self.clock.until(next) => self.run_due(),
                () = self.agenda.notified() => {}
                () = self.stop.cancelled() => {}
            }
        }
    }
}
