//! The sandbox's time: the system's, which can be set forward, or one that only tests turn.

use std::time::Duration;

use tokio::sync::watch;

/// Tells the sandbox's time and waits for it. Cheap to clone; clones turn together.
#[derive(Debug, Clone)]
pub struct Clock {
    runs: bool,
    /// A running clock: how far it is ahead. A manual one: the time.
    shift_ms: watch::Sender<i64>,
}

impl Clock {
    /// The system's time; [`Clock::advance`] sets it forward.
    #[must_use]
    pub fn system() -> Self {
        Self { runs: true, shift_ms: watch::Sender::new(0) }
    }

    /// A clock that stands at `now_ms` (milliseconds since 1970) until it is advanced.
    #[must_use]
    pub fn manual(now_ms: i64) -> Self {
        Self { runs: false, shift_ms: watch::Sender::new(now_ms) }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.wire_ms() + if self.runs { *self.shift_ms.borrow() } else { 0 }
    }

    /// The time a receiver on this machine reads: signatures carry it, so that deliveries verify
    /// although the sandbox's days were skipped.
    pub(crate) fn wire_ms(&self) -> i64 {
        if self.runs { system_ms() } else { *self.shift_ms.borrow() }
    }

    /// Sets the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.shift_ms.send_modify(|shift| *shift = shift.saturating_add(by));
    }

    /// Goes on where a sandbox stopped whose clock was turned so far and told that time last.
    pub(crate) fn resume(&self, turned_ms: i64, latest_ms: i64) {
        self.shift_ms.send_modify(|shift| {
            let running = if self.runs { system_ms() } else { 0 };
            let turned = if self.runs { turned_ms } else { 0 };
            *shift = (*shift).max(turned).max(latest_ms.saturating_sub(running));
        });
    }

    /// Waits until `at_ms`; on a manual clock until somebody turns it that far.
    pub async fn until(&self, at_ms: i64) {
        let mut turned = self.shift_ms.subscribe();
        loop {
            turned.mark_unchanged();
            let wait = at_ms.saturating_sub(self.now_ms());
            if wait <= 0 {
                return;
            }
            if self.runs {
                let wait = Duration::from_millis(wait.unsigned_abs());
                tokio::select! {
                    () = pause(wait) => {}
                    _ = turned.changed() => {}
                }
            } else if turned.changed().await.is_err() {
                return;
            }
        }
    }
}

/// The time as the state knows it: it stands still while a change is made, never goes back, and is
/// the journal's when a change is made again.
#[derive(Debug)]
pub(crate) struct Moment {
    clock: Clock,
    latest_ms: i64,
    stands: bool,
}

impl Moment {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, latest_ms: i64::MIN, stands: false }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        if self.stands { self.latest_ms } else { self.clock.now_ms().max(self.latest_ms) }
    }

    /// Seconds since 1970, as the API shows time.
    pub(crate) fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// The time of the latest change.
    pub(crate) fn latest_ms(&self) -> i64 {
        self.latest_ms
    }

    /// A change begins now.
    pub(crate) fn begin(&mut self) -> i64 {
        self.begin_at(self.clock.now_ms())
    }

    /// A change begins at that time; later, where the time before was later.
    pub(crate) fn begin_at(&mut self, at_ms: i64) -> i64 {
        self.latest_ms = at_ms.max(self.latest_ms);
        self.stands = true;
        self.latest_ms
    }

    pub(crate) fn end(&mut self) {
        self.stands = false;
    }

    /// The clock is about to be turned.
    pub(crate) fn turn(&mut self, by_ms: i64) {
        self.latest_ms = self.latest_ms.saturating_add(by_ms);
    }
}

/// Real time that passes while an endpoint answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "what is measured is real")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[expect(clippy::disallowed_methods, reason = "the sandbox's clock reads the system's here")]
fn system_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Real time passes, whatever the clock says: a slow network is slow for whoever waits on it.
#[expect(clippy::disallowed_methods, reason = "the sandbox's only real sleep")]
pub(crate) async fn pause(real: Duration) {
    tokio::time::sleep(real).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_whoever_waits_when_it_is_turned_far_enough() {
        let clock = Clock::manual(1_000);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.until(4_000).await }
        });
        clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(Duration::from_secs(2));
        waiting.await.unwrap();
        assert_eq!(clock.now_ms(), 4_000);
    }
}
