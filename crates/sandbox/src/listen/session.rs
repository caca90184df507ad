//! One session of the CLI and its queue.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{log_filter::LogFilter, memory, messages::Said};
use crate::{clock::Stopwatch, ids::Id, post::Exchange, state::objects::thin_id};

/// What waits for one session; beyond that the oldest goes.
const WAITING_MAX: usize = 20_000;
/// Sent and not acknowledged yet: further ones wait.
const UNACKED_MAX: usize = 256;
/// Answers that are still expected.
const ASKED_MAX: usize = 2_000;

/// Something to send.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Snapshot { event: Id, latest: bool },
    Thin { event: Id },
    Request { id: Arc<str>, payload: Arc<str> },
}

impl Item {
    fn event(&self) -> Option<&Id> {
        match self {
            Self::Snapshot { event, .. } | Self::Thin { event } => Some(event),
            Self::Request { .. } => None,
        }
    }
}

/// Something to send, with the token that an acknowledgement will name.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) token: String,
    pub(super) item: Item,
}

/// An event that the CLI has; its endpoint's answer may come.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) token: String,
    pub(super) event: Id,
    pub(super) thin: bool,
    pub(super) at_ms: i64,
    pub(super) since: Stopwatch,
    pub(super) exchange: Exchange,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Queued>,
    unacked: VecDeque<Queued>,
    asked: VecDeque<Asked>,
    /// A fault holds this one until the next has gone.
    held: Option<Id>,
    /// Which connection may send; the number of the newest.
    connection: u64,
    connected: bool,
    /// When the last connection ended, or the session was made.
    gone_since_ms: i64,
    closed: bool,
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) secret: String,
    device: String,
    pub(super) forward_to: Option<String>,
    snapshots: bool,
    thin: bool,
    pub(super) logs: Option<LogFilter>,
    queue: Mutex<Queue>,
    /// Counts changes of the queue.
    moved: watch::Sender<u64>,
    tokens: AtomicU64,
}

impl Session {
    pub(super) fn new(
        id: String,
        secret: String,
        device: String,
        forward_to: Option<String>,
        (snapshots, thin): (bool, bool),
        logs: Option<LogFilter>,
        now_ms: i64,
    ) -> Self {
        let queue = Queue { gone_since_ms: now_ms, ..Queue::default() };
        Self {
            id,
            secret,
            device,
            forward_to,
            snapshots,
            thin,
            logs,
            queue: Mutex::new(queue),
            moved: watch::Sender::new(0),
            tokens: AtomicU64::new(0),
        }
    }

    fn locked(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self) {
        self.moved.send_modify(|moved| *moved += 1);
    }

    /// What it is known by when it comes back.
    pub(super) fn listener(&self) -> String {
        memory::name(&self.secret, self.forward_to.as_deref(), (self.snapshots, self.thin))
    }

    pub(super) fn hears_events(&self) -> bool {
        self.snapshots || self.thin
    }

    pub(super) fn shown(&self) -> Value {
        let queue = self.locked();
        json!({
            "id": self.id,
            "device": self.device,
            "forward_to": self.forward_to,
            "connected": queue.connected,
            "waiting": queue.waiting.len(),
            "unacked": queue.unacked.len(),
        })
    }

    /// How long nobody is connected; 0 while somebody is.
    pub(super) fn gone_ms(&self, now_ms: i64) -> i64 {
        let queue = self.locked();
        if queue.connected { 0 } else { now_ms - queue.gone_since_ms }
    }

    /// Queues an event in all the forms that the session hears.
    pub(super) fn event(&self, event: &Id) {
        if self.snapshots {
            for latest in [false, true] {
                self.push(Item::Snapshot { event: Arc::clone(event), latest });
            }
        }
        if self.thin {
            self.push(Item::Thin { event: Arc::clone(event) });
        }
        let held = self.locked().held.take();
        held.iter().for_each(|held| self.event(held));
    }

    /// Keeps an event back until the next one was queued. While one is kept back, this is the next.
    pub(super) fn hold(&self, event: &Id) {
        let mut queue = self.locked();
        if queue.held.is_none() {
            queue.held = Some(Arc::clone(event));
            return;
        }
        drop(queue);
        self.event(event);
    }

    pub(super) fn push(&self, item: Item) {
        let token = match &item {
            // A thin event is acknowledged by its own id.
            Item::Thin { event } => thin_id(event).to_string(),
            _ => format!("whcli_{:x}", self.tokens.fetch_add(1, Ordering::Relaxed)),
        };
        let mut queue = self.locked();
        if queue.waiting.len() >= WAITING_MAX {
            tracing::warn!(
                session = self.id,
                "a listener is too slow: its oldest event is dropped"
            );
            queue.waiting.pop_front();
        }
        queue.waiting.push_back(Queued { token, item });
        drop(queue);
        self.moved();
    }

    /// A connection begins: it alone may send, first of all what was not acknowledged.
    pub(super) fn connect(&self) -> u64 {
        let mut queue = self.locked();
        while let Some(unacked) = queue.unacked.pop_back() {
            queue.waiting.push_front(unacked);
        }
        queue.connection += 1;
        queue.connected = true;
        let connection = queue.connection;
        drop(queue);
        self.moved();
        connection
    }

    pub(super) fn disconnect(&self, connection: u64, now_ms: i64) {
        let mut queue = self.locked();
        if queue.connection == connection {
            queue.connected = false;
            queue.gone_since_ms = now_ms;
        }
    }

    /// The session is forgotten.
    pub(super) fn close(&self) {
        self.locked().closed = true;
        self.moved();
    }

    /// The next thing to send; none when this connection is to end.
    pub(super) async fn next(&self, connection: u64) -> Option<Queued> {
        let mut moved = self.moved.subscribe();
        loop {
            moved.mark_unchanged();
            {
                let mut queue = self.locked();
                if queue.closed || queue.connection != connection {
                    return None;
                }
                if queue.unacked.len() < UNACKED_MAX
                    && let Some(next) = queue.waiting.pop_front()
                {
                    // The CLI says nothing about lines of the log.
                    if !matches!(next.item, Item::Request { .. }) {
                        queue.unacked.push_back(next.clone());
                    }
                    return Some(next);
                }
            }
            moved.changed().await.ok()?;
        }
    }

    /// An answer is expected for what is being sent.
    pub(super) fn expect(&self, asked: Asked) {
        let mut queue = self.locked();
        queue.asked.retain(|known| known.token != asked.token);
        if queue.asked.len() >= ASKED_MAX {
            queue.asked.pop_front();
        }
        queue.asked.push_back(asked);
    }

    /// There is no such event any more: nothing was sent.
    pub(super) fn skip(&self, token: &str) {
        self.locked().unacked.retain(|queued| queued.token != token);
        self.moved();
    }

    /// Takes in an acknowledgement. The event, when the CLI has it in all its forms.
    pub(super) fn acknowledged(&self, said: &Said) -> Option<Id> {
        let mut queue = self.locked();
        let at = queue.unacked.iter().position(|queued| said.means(&queued.token));
        let had = at.and_then(|at| queue.unacked.remove(at));
        let event = had.as_ref().and_then(|queued| queued.item.event()).cloned();
        let event = event.filter(|event| {
            // The forms of an event were queued one after the other.
            let mut left = queue.unacked.iter().chain(queue.waiting.front());
            !left.any(|queued| queued.item.event() == Some(event))
        });
        drop(queue);
        self.moved();
        event
    }

    /// What an answer answers.
    pub(super) fn answered(&self, said: &Said) -> Option<Asked> {
        let mut queue = self.locked();
        let at = queue.asked.iter().position(|asked| said.means(&asked.token))?;
        queue.asked.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_that_are_held_in_a_row_change_places_and_none_is_lost() {
        let (id, device) = ("ws_1".to_owned(), "here".to_owned());
        let session = Session::new(id, String::new(), device, None, (false, true), None, 0);
        for event in ["evt_1a", "evt_1b", "evt_1c", "evt_1d"] {
            session.hold(&event.into());
        }
        let connection = session.connect();
        for expected in ["evt_1b", "evt_1a", "evt_1d", "evt_1c"] {
            let next = session.next(connection).await.unwrap();
            assert!(matches!(next.item, Item::Thin { event } if &*event == expected));
        }
    }
}
