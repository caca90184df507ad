//! The time: the system's, or one that tests turn by hand. Nobody else asks what time it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use fulfill_rules::Millis;
use tokio::sync::Notify;

/// Tells the time and waits for it. Cheap to clone; clones of a manual clock turn together.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System { offset_ms: Arc<AtomicI64> },
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    now_ms: AtomicI64,
    turned: Notify,
}

impl Clock {
    /// The system's time. [`Clock::agree_with`] can shift it to a database's.
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System { offset_ms: Arc::default() })
    }

    /// A clock that stands still until [`Clock::advance`].
    #[must_use]
    pub fn manual(now_ms: Millis) -> Self {
        Self(Kind::Manual(Arc::new(Manual {
            now_ms: AtomicI64::new(now_ms),
            turned: Notify::new(),
        })))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> Millis {
        match &self.0 {
            Kind::System { offset_ms } => system_ms() + offset_ms.load(Ordering::Relaxed),
            Kind::Manual(manual) => manual.now_ms.load(Ordering::SeqCst),
        }
    }

    /// Lets all replicas on one database share its time: from now on this clock tells the time that
    /// was `their_ms` at this moment. Returns how far off this machine is. A manual clock stays.
    pub fn agree_with(&self, their_ms: Millis) -> Millis {
        match &self.0 {
            Kind::System { offset_ms } => {
                let off = their_ms - system_ms();
                offset_ms.store(off, Ordering::Relaxed);
                off
            }
            Kind::Manual(_) => 0,
        }
    }

    /// Waits until `at_ms`; on a manual clock until somebody turns it that far.
    pub async fn until(&self, at_ms: Millis) {
        match &self.0 {
            Kind::System { .. } => {
                let wait = at_ms - self.now();
                if wait > 0 {
                    real_sleep(Duration::from_millis(wait.unsigned_abs())).await;
                }
            }
            Kind::Manual(manual) => loop {
                let turned = manual.turned.notified();
                tokio::pin!(turned);
                turned.as_mut().enable();
                if self.now() >= at_ms {
                    return;
                }
                turned.await;
            },
        }
    }

    /// Waits for a span of this clock's time.
    pub async fn sleep(&self, span: Duration) {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.until(self.now().saturating_add(span)).await;
    }

    /// Turns a manual clock forward.
    ///
    /// # Panics
    /// On the system's clock, which nobody can turn.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Kind::System { .. } => panic!("only a manual clock can be turned"),
            Kind::Manual(manual) => {
                let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
                manual.now_ms.fetch_add(by, Ordering::SeqCst);
                manual.turned.notify_waiters();
            }
        }
    }
}

/// A moment for measuring how long something took on this machine, whatever the clock says.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the room that asks the time")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Waits in real time, for things that happen outside any clock of ours (a peer's patience).
#[expect(clippy::disallowed_methods, reason = "this is the room that asks the time")]
pub(crate) async fn real_sleep(span: Duration) {
    tokio::time::sleep(span).await;
}

#[expect(clippy::disallowed_methods, reason = "this is the room that asks the time")]
fn system_ms() -> Millis {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_who_waits_for_it() {
        let clock = Clock::manual(1_000);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.until(3_000).await;
                clock.now()
            }
        });
        clock.advance(Duration::from_secs(1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(waiting.await.unwrap(), 3_000);
    }
}
