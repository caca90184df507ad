//! Answers kept for requests that come again with the same `Idempotency-Key`.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher as _},
};

use bytes::Bytes;

use crate::error::ApiError;

/// Keys kept at most; Stripe forgets them after a day.
const KEPT_MAX: usize = 20_000;
const KEPT_FOR_S: i64 = 24 * 60 * 60;

/// An answer as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) request_id: String,
}

#[derive(Debug)]
struct Entry {
    request: u64,
    at: i64,
    answered: Answered,
}

/// The answers that can be replayed.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    entries: HashMap<String, Entry>,
    order: VecDeque<String>,
}

/// What makes two requests the same.
pub(crate) fn fingerprint(method: &str, path: &str, body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (method, path, body).hash(&mut hasher);
    hasher.finish()
}

impl Kept {
    /// The answer to the same request before; an error when the key was used for another one.
    pub(crate) fn replay(
        &self,
        key: &str,
        request: u64,
        now: i64,
    ) -> Result<Option<Answered>, ApiError> {
        match self.entries.get(key).filter(|entry| now - entry.at < KEPT_FOR_S) {
            None => Ok(None),
            Some(entry) if entry.request == request => Ok(Some(entry.answered.clone())),
            Some(_) => Err(ApiError::invalid(format!("Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request."))
                .kind("idempotency_error")),
        }
    }

    pub(crate) fn keep(&mut self, key: String, request: u64, now: i64, answered: Answered) {
        while self.order.len() >= KEPT_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
        if self.entries.insert(key.clone(), Entry { request, at: now, answered }).is_none() {
            self.order.push_back(key);
        }
    }
}
