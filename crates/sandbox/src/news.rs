//! What the deliveries do, told as it happens to whoever watches.

use tokio::sync::broadcast;

use crate::state::objects::Event;

/// Who is slower than this misses something.
const WAITING_MAX: usize = 1_024;

/// A delivery goes out, or was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// An event is on its way.
    Sent {
        /// The event's type.
        kind: String,
        /// Its id.
        event: String,
        /// Where it goes.
        url: String,
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// The endpoint answered, or could not be reached.
    Answered {
        /// The event's id.
        event: String,
        /// Where it went.
        url: String,
        /// The answer's HTTP status; none when there was no answer.
        status: Option<u16>,
        /// The beginning of its body, or why there was none.
        answer: String,
    },
}

/// Tells them.
#[derive(Debug)]
pub(crate) struct News(broadcast::Sender<Delivery>);

impl Default for News {
    fn default() -> Self {
        Self(broadcast::Sender::new(WAITING_MAX))
    }
}

impl News {
    pub(crate) fn watch(&self) -> broadcast::Receiver<Delivery> {
        self.0.subscribe()
    }

    pub(crate) fn send(&self, event: &Event, url: &str, attempt: u32) {
        if self.0.receiver_count() > 0 {
            let (kind, event) = (event.kind.to_owned(), event.id.to_string());
            let _ = self.0.send(Delivery::Sent { kind, event, url: url.to_owned(), attempt });
        }
    }

    pub(crate) fn answer(&self, event: &Event, url: &str, status: Option<u16>, answer: String) {
        if self.0.receiver_count() > 0 {
            let event = event.id.to_string();
            let _ = self.0.send(Delivery::Answered { event, url: url.to_owned(), status, answer });
        }
    }
}
