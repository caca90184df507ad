//! Trouble on order: what the API and the deliveries do wrong, how often, and to whom.

mod read;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::read::{FaultError, read};

use crate::ids::Ids;

const FAULTS_MAX: usize = 1_000;

/// Something that goes wrong, and when. As JSON (`POST /_sandbox/faults`):
/// `{"kind": "status", "status": 429, "retry_after": 1, "method": "GET",
/// "path": "/v1/checkout/sessions", "times": 2}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
pub struct Fault {
    /// What happens.
    pub trouble: Trouble,
    /// API: only this method.
    pub method: Option<String>,
    /// API: only paths that begin so; `*` stands for one segment, a final `$` for the path's end, as
    /// in `/v1/checkout/sessions/*/line_items` and `/v1/checkout/sessions$`. Deliveries: only
    /// endpoints whose URL contains this.
    pub path: Option<String>,
    /// Deliveries: only events whose type begins so.
    pub event: Option<String>,
    /// How many matching requests or deliveries pass unharmed first.
    pub after: u64,
    /// How often it happens; none: until the faults are cleared.
    pub times: Option<u64>,
    /// How likely a match is hit, 0 to 1; none: always. Drawn from the sandbox's seed.
    pub chance: Option<f64>,
}

/// What goes wrong. The first group happens to API requests, the second to deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trouble {
    /// An error in Stripe's shape instead of an answer; the request is not carried out.
    Status {
        /// The HTTP status: 429, 500, 403, 404…
        status: u16,
        /// Seconds for a `Retry-After` header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// A page of HTML with this status, as a proxy in between would send.
    Html {
        /// The HTTP status: 502, 503…
        status: u16,
    },
    /// 403 with the name of the permission that a restricted key lacks.
    Forbidden {
        /// As `rak_checkout_session_read`.
        permission: String,
    },
    /// The answer takes this long, in real time.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is carried out; the connection ends in the middle of the answer's body.
    Cut,
    /// The request is carried out; the connection ends without an answer.
    Drop,
    /// A list comes empty, and says that there is more.
    EmptyPage,
    /// A list begins again at its first page, and says that there is more.
    RepeatedPage,
    /// The answer is changed, as an API that has moved on would answer. Names are JSON pointers:
    /// `/payment_status`, `/line_items/data/0/quantity`.
    Alter {
        /// Members that get another value, or are added.
        #[serde(default)]
        set: Map<String, Value>,
        /// Members that are missing.
        #[serde(default)]
        remove: Vec<String>,
    },

    /// The same event is delivered twice.
    Duplicate,
    /// The delivery waits until the next one to the same endpoint has gone out, which is then not
    /// held itself: of deliveries that would all be held, each two change places.
    Hold,
    /// The delivery waits, on the sandbox's clock.
    Delay {
        /// Milliseconds.
        ms: i64,
    },
    /// The delivery never goes out, and counts as answered.
    Lose,
    /// Two Event objects, with two ids, tell of one change.
    Split,
}

impl Trouble {
    fn is_of_deliveries(&self) -> bool {
        matches!(self, Self::Duplicate | Self::Hold | Self::Delay { .. } | Self::Lose | Self::Split)
    }
}

impl Fault {
    /// This trouble, at every request or delivery until cleared.
    #[must_use]
    pub fn new(trouble: Trouble) -> Self {
        Self { trouble, method: None, path: None, event: None, after: 0, times: None, chance: None }
    }

    /// An error with this HTTP status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::new(Trouble::Status { status, retry_after: None })
    }

    /// Adds a `Retry-After` header to an error made by [`Fault::status`].
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Trouble::Status { retry_after, .. } = &mut self.trouble {
            *retry_after = Some(seconds);
        }
        self
    }

    /// Only requests with this method and a path that begins so ([`Fault::path`]).
    #[must_use]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.method = Some(method.to_owned());
        self.path = Some(path.to_owned());
        self
    }

    /// Only deliveries of events whose type begins so.
    #[must_use]
    pub fn of(mut self, event: &str) -> Self {
        self.event = Some(event.to_owned());
        self
    }

    /// Lets so many matches pass first.
    #[must_use]
    pub fn after(mut self, matches: u64) -> Self {
        self.after = matches;
        self
    }

    /// Happens so many times, then no more.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Hits a match with this probability.
    #[must_use]
    pub fn chance(mut self, probability: f64) -> Self {
        self.chance = Some(probability);
        self
    }

    fn hits_request(&self, method: &str, path: &str) -> bool {
        !self.trouble.is_of_deliveries()
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|pattern| begins_like(pattern, path))
    }

    fn hits_delivery(&self, event: &str, url: &str) -> bool {
        self.trouble.is_of_deliveries()
            && self.event.as_deref().is_none_or(|prefix| event.starts_with(prefix))
            && self.path.as_deref().is_none_or(|part| url.contains(part))
    }
}

/// Whether a path begins as a pattern says.
fn begins_like(pattern: &str, path: &str) -> bool {
    let (pattern, whole) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut rest = path;
    for (at, part) in pattern.split('*').enumerate() {
        if at > 0 {
            let segment = rest.find('/').unwrap_or(rest.len());
            rest = &rest[segment..];
        }
        match rest.strip_prefix(part) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    !whole || rest.is_empty()
}

/// The faults that are in force. Clones share them.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    faults: Vec<Fault>,
    /// One for requests, one for deliveries: neither's luck hangs on how they interleave.
    dice: [Ids; 2],
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        let dice = [Ids::new(seed ^ 0xFA17), Ids::new(seed ^ 0xDE11)];
        Self(Arc::new(Mutex::new(Inner { faults: Vec::new(), dice })))
    }

    /// Adds a fault. Of several that match, the one added first happens. Beyond a thousand,
    /// the oldest goes.
    pub fn add(&self, fault: Fault) {
        let mut inner = self.lock();
        if inner.faults.len() >= FAULTS_MAX {
            inner.faults.remove(0);
        }
        inner.faults.push(fault);
    }

    /// Ends all trouble.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// What is in force, with what is left of it.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Option<Trouble> {
        self.lock().draw(0, |fault| fault.hits_request(method, path))
    }

    pub(crate) fn delivery(&self, event: &str, url: &str) -> Option<Trouble> {
        self.lock().draw(1, |fault| fault.hits_delivery(event, url))
    }

    pub(crate) fn touch_deliveries(&self) -> bool {
        self.lock().faults.iter().any(|fault| fault.trouble.is_of_deliveries())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn draw(&mut self, dice: usize, hits: impl Fn(&Fault) -> bool) -> Option<Trouble> {
        for at in 0..self.faults.len() {
            let fault = &mut self.faults[at];
            if !hits(fault) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if fault.chance.is_some_and(|chance| !self.dice[dice].chance(chance)) {
                continue;
            }
            let trouble = fault.trouble.clone();
            if let Some(times) = &mut fault.times {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    self.faults.remove(at);
                }
            }
            return Some(trouble);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::begins_like;

    #[test]
    fn a_path_is_matched_by_its_beginning_its_segments_or_whole() {
        for (pattern, path, expected) in [
            ("/v1/checkout", "/v1/checkout/sessions/cs_1", true),
            ("/v1/checkout/sessions$", "/v1/checkout/sessions", true),
            ("/v1/checkout/sessions$", "/v1/checkout/sessions/cs_1", false),
            ("/v1/checkout/sessions/*$", "/v1/checkout/sessions/cs_1", true),
            ("/v1/checkout/sessions/*$", "/v1/checkout/sessions/cs_1/line_items", false),
            ("/v1/checkout/sessions/*/line_items", "/v1/checkout/sessions/cs_1/line_items", true),
            ("/v1/checkout/sessions/*/line_items", "/v1/checkout/sessions/cs_1/expire", false),
            ("/v1/prices", "/v1/products", false),
        ] {
            assert_eq!(begins_like(pattern, path), expected, "{pattern} {path}");
        }
    }
}
