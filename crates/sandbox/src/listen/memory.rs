//! What listeners have not acknowledged, as part of the state. In one process a session's queue knows
//! it; this is for a sandbox that starts again on its file. Nothing is kept without one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::GONE_MS_MAX;
use crate::{change::Change, ids::Id, state::State};

/// Events remembered for one listener; beyond that the oldest goes.
const OWED_MAX: usize = 20_000;
/// Listeners remembered.
const LISTENERS_MAX: usize = 64;

/// The listeners that are or were here a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Memory(BTreeMap<String, Listener>);

#[derive(Debug, Default)]
struct Listener {
    owed: VecDeque<Id>,
    gone_since_ms: Option<i64>,
}

impl Memory {
    /// An event is announced to all.
    pub(crate) fn announced(&mut self, event: &Id, now_ms: i64) {
        if self.0.is_empty() {
            return;
        }
        self.0.retain(|_, listener| {
            listener.gone_since_ms.is_none_or(|since| now_ms - since < GONE_MS_MAX)
        });
        for listener in self.0.values_mut() {
            if listener.owed.len() >= OWED_MAX {
                listener.owed.pop_front();
            }
            listener.owed.push_back(Arc::clone(event));
        }
    }

    /// The sandbox starts: nobody is connected.
    pub(crate) fn all_gone(&mut self, now_ms: i64) {
        for listener in self.0.values_mut() {
            listener.gone_since_ms.get_or_insert(now_ms);
        }
    }

    fn of(&mut self, listener: String) -> &mut Listener {
        if self.0.len() >= LISTENERS_MAX && !self.0.contains_key(&listener) {
            self.0.pop_first();
        }
        self.0.entry(listener).or_default()
    }
}

/// What a listener is known by when it comes back: its secret, where it forwards to, what it hears.
pub(super) fn name(secret: &str, forward_to: Option<&str>, hears: (bool, bool)) -> String {
    let mut hash = Sha256::new();
    for part in [secret, forward_to.unwrap_or_default(), &format!("{hears:?}")] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A listener opens a session or connects. The outcome is what it has not acknowledged yet.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listens {
    pub(super) listener: String,
    /// It goes on where it was; otherwise it begins with what happens now.
    pub(super) goes_on: bool,
}

impl Change for Listens {
    type Outcome = Vec<Id>;

    fn apply(self, state: &mut State) -> Vec<Id> {
        let listener = state.listeners.of(self.listener);
        listener.gone_since_ms = None;
        if !self.goes_on {
            listener.owed.clear();
        }
        listener.owed.iter().cloned().collect()
    }
}

/// A listener's connection ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(super) listener: String,
}

impl Change for Left {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        let now_ms = state.clock.now_ms();
        state.listeners.of(self.listener).gone_since_ms = Some(now_ms);
    }
}

/// A listener has an event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Acknowledged {
    pub(super) listener: String,
    pub(super) event: Id,
}

impl Change for Acknowledged {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        let owed = &mut state.listeners.of(self.listener).owed;
        if let Some(at) = owed.iter().position(|event| *event == self.event) {
            owed.remove(at);
        }
    }
}
