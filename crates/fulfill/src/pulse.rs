//! Whether this replica is fit to work: what `/readyz` says.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
};

use fulfill_rules::Millis;

/// A clock further off than this from the database's is a fault.
const OFF_BY_MAX: Millis = 2_000;

/// Written by the heartbeat, read by `/readyz`. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<Beat>);

#[derive(Debug, Default)]
struct Beat {
    /// The database's time less this machine's.
    off_by: AtomicI64,
    nodes: AtomicU32,
    stopping: AtomicBool,
    unwritten: AtomicBool,
}

impl Pulse {
    pub(crate) fn beat(&self, nodes: u32, off_by: Millis) {
        self.0.nodes.store(nodes, Ordering::Relaxed);
        self.0.off_by.store(off_by, Ordering::Relaxed);
        self.0.unwritten.store(false, Ordering::Relaxed);
    }

    /// The heartbeat could not be written: deliveries cannot, either.
    pub(crate) fn missed(&self) {
        self.0.unwritten.store(true, Ordering::Relaxed);
    }

    /// From now on new visitors should go elsewhere.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether this replica is about to stop: what takes long should end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Relaxed)
    }

    /// How many replicas share the work, as last counted.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        self.0.nodes.load(Ordering::Relaxed)
    }

    /// What keeps this replica from working well, if anything.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let off_by = self.0.off_by.load(Ordering::Relaxed);
        if self.0.stopping.load(Ordering::Relaxed) {
            return Some("stopping".to_owned());
        }
        if self.0.unwritten.load(Ordering::Relaxed) {
            return Some("the database cannot be written to; the log has the cause".to_owned());
        }
        (off_by.abs() > OFF_BY_MAX).then(|| {
            let way = if off_by > 0 { "behind" } else { "ahead of" };
            let seconds = off_by.unsigned_abs() / 1_000;
            format!(
                "this machine's clock is {seconds} s {way} the database's: set both by NTP; until then \
                 the database's time is used"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Pulse;

    #[test]
    fn whose_clock_is_ahead_is_said() {
        let pulse = Pulse::default();
        for (off_by, said) in [
            (2_000, None),
            (-2_000, None),
            (90_400, Some("this machine's clock is 90 s behind the database's")),
            (-3_000, Some("this machine's clock is 3 s ahead of the database's")),
        ] {
            pulse.beat(1, off_by);
            let complaint = pulse.complaint();
            assert_eq!(complaint.is_some(), said.is_some(), "{complaint:?}");
            assert!(
                complaint.unwrap_or_default().starts_with(said.unwrap_or_default()),
                "{off_by}"
            );
        }
    }

    #[test]
    fn whoever_cannot_write_is_not_ready_until_it_can() {
        let pulse = Pulse::default();
        assert_eq!(pulse.complaint(), None);
        pulse.missed();
        assert!(pulse.complaint().unwrap().contains("cannot be written to"));
        pulse.beat(1, 0);
        assert_eq!(pulse.complaint(), None);
    }
}
