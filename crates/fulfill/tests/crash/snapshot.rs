//! What everything has come to, without what a crash may change: times and attempts.

use serde_json::Value;

use crate::{child::Point, database::Inside};

pub(crate) struct Snapshot(String);

/// Kept outside of orders. Everything else that matters is in the orders as the API tells them.
const SUPPLY: [&str; 5] = [
    "SELECT sku || ': ' || CAST(on_hand AS TEXT) || ' on hand, ' || CAST(backordered AS TEXT) || ' owed' \
     FROM shelf ORDER BY 1",
    "SELECT 'key ' || k.license_key || ' of ' || k.pool || ': ' || COALESCE(s.id || ' ' || k.line, 'free') \
     FROM license_key k LEFT JOIN session s ON s.seq = k.session ORDER BY 1",
    "SELECT 'moved ' || sku || ' by ' || CAST(change AS TEXT) || ' to ' || CAST(on_hand AS TEXT) \
     FROM stock_movement ORDER BY 1",
    "SELECT 'found by' || haystack FROM digest ORDER BY 1",
    "SELECT 'event ' || e.type || ' ' || e.disposition || ' ' || COALESCE(s.id, '') \
     FROM event e LEFT JOIN heard h ON h.event = e.seq LEFT JOIN session s ON s.seq = h.session \
     ORDER BY 1",
];

impl Snapshot {
    /// `orders` as the API tells them; `jobs` are the keys of the outside work.
    pub(crate) async fn take(mut orders: Value, jobs: &[String], inside: &mut Inside) -> Self {
        forget_time(&mut orders);
        let mut lines = vec![format!("{orders:#}")];
        for sql in SUPPLY {
            lines.extend(inside.texts(sql).await);
        }
        lines.extend(jobs.iter().map(|key| format!("job {key}")));
        Self(lines.join("\n"))
    }

    pub(crate) fn is_the_same_as(&self, other: &Self, point: &Point) {
        let differ = |a: &Self, b: &Self| {
            let known: Vec<&str> = b.0.lines().collect();
            a.0.lines().filter(|line| !known.contains(line)).collect::<Vec<_>>().join("\n")
        };
        assert!(
            self.0 == other.0,
            "stopped {point}, it ends otherwise.\n{}\ninstead of\n{}\nin\n{}",
            differ(self, other),
            differ(other, self),
            self.0
        );
    }

    /// The yardstick itself.
    pub(crate) fn is_as_it_should_be(&self) {
        let count = |what: &str| self.0.lines().filter(|line| line.contains(what)).count();
        for (what, times) in [
            ("\"status\": \"fulfilled\"", 3),
            ("\"kind\": \"stock\"", 2),
            ("\"kind\": \"parcel\"", 2),
            ("\"kind\": \"key\"", 2),
            ("\"value\": \"K-1\"", 1),
            ("\"value\": \"K-2\"", 1),
            ("\"what\": \"paid ", 3),
            ("SHIRT: 7 on hand, 0 owed", 1),
            ("moved SHIRT by ", 3),
            ("\"status\": \"shipped\"", 1),
            (" rr-1 ", 1),
            ("of editor: free", 1),
            ("event checkout.session.completed rang", 3),
            ("event checkout.session.async_payment_succeeded rang", 1),
            ("job cs_test_", 2),
        ] {
            assert_eq!(count(what), times, "{what} in\n{}", self.0);
        }
    }
}

/// Only whether there is a time, not which.
fn forget_time(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forget_time),
        Value::Object(members) => {
            for (name, member) in members {
                if name == "at" || name.ends_with("_at") || name == "attempts" {
                    *member = Value::Bool(!member.is_null());
                } else {
                    forget_time(member);
                }
            }
        }
        _ => {}
    }
}
