//! What is counted and measured, in Prometheus' words. `GET /metrics` writes it out.

use std::sync::Arc;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// Label sets of one name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Kind {
    kind: String,
}

/// Label sets of deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct KindStatus {
    kind: String,
    status: String,
}

/// Label sets of one status.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StatusOf {
    status: String,
}

/// All of it. Cheap to clone.
#[derive(Clone)]
pub struct Meters(Arc<Inner>);

struct Inner {
    registry: Registry,
    webhooks: Family<Kind, Counter>,
    ack_seconds: Histogram,
    duplicates: Counter,
    placed: Family<StatusOf, Counter>,
    fulfilled: Counter,
    fulfill_seconds: Histogram,
    api_requests: Counter,
    api_errors: Family<Kind, Counter>,
    attempts: Family<KindStatus, Counter>,
    skew_ms: Gauge,
    listed: Counter,
    found_by_looking: Counter,
    orders: Family<StatusOf, Gauge>,
    work: Family<StatusOf, Gauge>,
    deliveries: Family<KindStatus, Gauge>,
    quarantined: Gauge,
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meters")
    }
}

impl Default for Meters {
    fn default() -> Self {
        let seconds =
            [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let long =
            [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3_600.0, 86_400.0];
        let mut inner = Inner {
            registry: Registry::with_prefix("fulfilld"),
            webhooks: Family::default(),
            ack_seconds: Histogram::new(seconds),
            duplicates: Counter::default(),
            placed: Family::default(),
            fulfilled: Counter::default(),
            fulfill_seconds: Histogram::new(long),
            api_requests: Counter::default(),
            api_errors: Family::default(),
            attempts: Family::default(),
            skew_ms: Gauge::default(),
            listed: Counter::default(),
            found_by_looking: Counter::default(),
            orders: Family::default(),
            work: Family::default(),
            deliveries: Family::default(),
            quarantined: Gauge::default(),
        };
        inner.register();
        Self(Arc::new(inner))
    }
}

impl Inner {
    fn register(&mut self) {
        let r = &mut self.registry;
        r.register(
            "webhooks",
            "Deliveries answered, by what became of them",
            self.webhooks.clone(),
        );
        r.register_with_unit(
            "ack",
            "From a delivery's last byte to its answer",
            Unit::Seconds,
            self.ack_seconds.clone(),
        );
        r.register("duplicates", "Events that had come before", self.duplicates.clone());
        r.register("placed", "Orders placed, by where they stood then", self.placed.clone());
        r.register("fulfilled", "Orders that reached fulfilled", self.fulfilled.clone());
        r.register_with_unit(
            "fulfillment",
            "From the first doorbell to fulfilled",
            Unit::Seconds,
            self.fulfill_seconds.clone(),
        );
        r.register("api_requests", "Sessions asked for at Stripe", self.api_requests.clone());
        r.register("api_errors", "Requests to Stripe that failed", self.api_errors.clone());
        r.register("attempts", "Attempts at deliveries, by how they ended", self.attempts.clone());
        r.register(
            "clock_skew_milliseconds",
            "This machine's clock against the newest delivery's timestamp",
            self.skew_ms.clone(),
        );
        r.register("listed_sessions", "Complete sessions that Stripe listed", self.listed.clone());
        r.register(
            "found_by_looking",
            "Sessions found in the list whose doorbell never rang",
            self.found_by_looking.clone(),
        );
        r.register("orders", "Orders that are not fulfilled, by status", self.orders.clone());
        r.register("work", "Sessions to look at, now or later", self.work.clone());
        r.register("deliveries", "Outside work that is not done", self.deliveries.clone());
        r.register("quarantined", "Deliveries nobody could read", self.quarantined.clone());
    }
}

impl Meters {
    /// Events were sorted in, and so many of them had come before.
    pub fn duplicates(&self, count: usize) {
        self.0.duplicates.inc_by(count as u64);
    }

    /// A webhook was answered.
    pub fn webhook(&self, fate: &str, took: std::time::Duration) {
        self.0.webhooks.get_or_create(&Kind { kind: fate.to_owned() }).inc();
        self.0.ack_seconds.observe(took.as_secs_f64());
    }

    /// Our clock less the delivery's timestamp.
    pub fn skew(&self, ms: i64) {
        self.0.skew_ms.set(ms);
    }

    pub(crate) fn placed(&self, status: &str) {
        self.0.placed.get_or_create(&StatusOf { status: status.to_owned() }).inc();
    }

    pub(crate) fn fulfilled(&self, after_ms: i64) {
        self.0.fulfilled.inc();
        self.0.fulfill_seconds.observe(seconds(after_ms));
    }

    pub(crate) fn api_request(&self) {
        self.0.api_requests.inc();
    }

    pub(crate) fn api_error(&self, kind: &str) {
        self.0.api_errors.get_or_create(&Kind { kind: kind.to_owned() }).inc();
    }

    pub(crate) fn attempt(&self, kind: &str, status: &str) {
        let labels = KindStatus { kind: kind.to_owned(), status: status.to_owned() };
        self.0.attempts.get_or_create(&labels).inc();
    }

    pub(crate) fn listed(&self, sessions: u64, found: u64) {
        self.0.listed.inc_by(sessions);
        self.0.found_by_looking.inc_by(found);
    }

    /// Everything as text, with what the database counts.
    #[must_use]
    pub fn write(&self, counts: &crate::store::Counts) -> String {
        let inner = &self.0;
        inner.orders.clear();
        for (status, n) in &counts.open_orders {
            inner.orders.get_or_create(&StatusOf { status: status.clone() }).set(*n);
        }
        for (status, n) in [("due", counts.work_due), ("later", counts.work_later)] {
            inner.work.get_or_create(&StatusOf { status: status.to_owned() }).set(n);
        }
        inner.deliveries.clear();
        for (kind, status, n) in &counts.deliveries {
            let labels = KindStatus { kind: kind.clone(), status: status.clone() };
            inner.deliveries.get_or_create(&labels).set(*n);
        }
        inner.quarantined.set(counts.quarantined);
        let mut text = String::new();
        if encode(&mut text, &inner.registry).is_err() {
            text.clear();
        }
        text
    }
}

fn seconds(ms: i64) -> f64 {
    std::time::Duration::from_millis(ms.max(0).unsigned_abs()).as_secs_f64()
}
