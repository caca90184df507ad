//! Keeps what strangers can cause from filling the log.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use fulfill_rules::{Millis, SECOND};

/// Lines a second about one matter.
const LINES_PER_SECOND: u64 = 3;

/// A few lines a second, then only a count: strangers must not fill the log.
#[derive(Default)]
pub(super) struct Seldom {
    second: AtomicI64,
    lines: AtomicU64,
    unsaid: AtomicU64,
}

impl Seldom {
    /// Whether to speak now, and how often nothing was said since.
    pub(super) fn speak(&self, now: Millis) -> Option<u64> {
        let second = now / SECOND;
        if self.second.swap(second, Relaxed) != second {
            self.lines.store(0, Relaxed);
        }
        if self.lines.fetch_add(1, Relaxed) < LINES_PER_SECOND {
            Some(self.unsaid.swap(0, Relaxed))
        } else {
            self.unsaid.fetch_add(1, Relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seldom;

    #[test]
    fn a_flood_writes_a_few_lines_and_then_its_count() {
        let log = Seldom::default();
        let said = (0..1_000).filter_map(|_| log.speak(5_000)).count();
        assert_eq!(said, 3);
        assert_eq!(log.speak(6_000), Some(997), "what was not said is counted");
        assert_eq!(log.speak(6_001), Some(0));
    }
}
