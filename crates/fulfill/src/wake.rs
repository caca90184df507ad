//! Hints within this process: there is work; a look is over. Nothing is lost when a hint is: the
//! database knows, and whoever waits also looks there.

use std::sync::Arc;

use tokio::sync::{Notify, broadcast};

/// Looks that a slow listener may fall behind before it has to ask the database.
const LOOKS: usize = 1_024;

/// Cheap to clone; clones share their hints.
#[derive(Debug, Clone)]
pub struct Wake(Arc<Hints>);

#[derive(Debug)]
struct Hints {
    work: Notify,
    deliveries: Notify,
    mails: Notify,
    filled: Notify,
    summary: Notify,
    looked: broadcast::Sender<i64>,
}

impl Default for Wake {
    fn default() -> Self {
        let (looked, _) = broadcast::channel(LOOKS);
        Self(Arc::new(Hints {
            work: Notify::new(),
            deliveries: Notify::new(),
            mails: Notify::new(),
            filled: Notify::new(),
            summary: Notify::new(),
            looked,
        }))
    }
}

impl Wake {
    /// A session was rung.
    pub fn work(&self) {
        self.0.work.notify_one();
    }

    /// Waits until a session was rung.
    pub(crate) async fn on_work(&self) {
        self.0.work.notified().await;
    }

    /// A delivery is due.
    pub(crate) fn deliveries(&self) {
        self.0.deliveries.notify_one();
        self.0.mails.notify_one();
    }

    pub(crate) async fn on_deliveries(&self) {
        self.0.deliveries.notified().await;
    }

    pub(crate) async fn on_mails(&self) {
        self.0.mails.notified().await;
    }

    /// Keys or stock have arrived: orders may be waiting for them.
    pub fn filled(&self) {
        self.0.filled.notify_one();
    }

    pub(crate) async fn on_filled(&self) {
        self.0.filled.notified().await;
    }

    /// A day that was given up is to be told after all.
    pub(crate) fn summary(&self) {
        self.0.summary.notify_one();
    }

    pub(crate) async fn on_summary(&self) {
        self.0.summary.notified().await;
    }

    /// A look at the session with this number is over.
    pub(crate) fn looked(&self, session: i64) {
        self.0.looked.send(session).ok();
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<i64> {
        self.0.looked.subscribe()
    }
}
