//! One piece of outside work: due, running under a lease, done, tried again, or stuck.

use serde::{Deserialize, Serialize};

use crate::{HOUR, Millis, SECOND};

/// How far a delivery is (design, §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the contract's")]
pub enum DeliveryStatus {
    Due,
    Running,
    Done,
    Stuck,
    Dismissed,
}

impl DeliveryStatus {
    /// Nothing more becomes of it: it is done, or a person has put it aside.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Dismissed)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done; the text is the receipt.
    Done(Option<String>),
    /// Try again, not before `after_ms` where the other side said so.
    Retry {
        /// Wait at least this long.
        after_ms: Option<Millis>,
        /// Shown to people.
        why: String,
    },
    /// It will never work; a person is asked.
    Refused {
        /// A short word for programs.
        code: String,
        /// Shown to people.
        why: String,
    },
}

/// What becomes of the delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The new status.
    pub status: DeliveryStatus,
    /// When it is tried again.
    pub due_at: Option<Millis>,
    /// Receipt or error.
    pub said: Option<String>,
}

/// The code of a refusal that is none: nobody knows how it ended.
pub const UNKNOWN: &str = "unknown";

/// Attempts before a person is asked.
pub const ATTEMPTS_MAX: i64 = 16;

/// What follows from an attempt's outcome. `jitter` is any random number.
#[must_use]
pub fn next(attempt: i64, outcome: Outcome, now: Millis, jitter: u64) -> Next {
    match outcome {
        Outcome::Done(receipt) => {
            Next { status: DeliveryStatus::Done, due_at: None, said: receipt }
        }
        Outcome::Refused { code, why } => Next {
            status: DeliveryStatus::Stuck,
            due_at: None,
            said: Some(if code == UNKNOWN { why } else { format!("refused ({code}): {why}") }),
        },
        Outcome::Retry { why, .. } if attempt >= ATTEMPTS_MAX => Next {
            status: DeliveryStatus::Stuck,
            due_at: None,
            said: Some(format!("gave up after {attempt} attempts: {why}")),
        },
        Outcome::Retry { after_ms, why } => {
            let wait = backoff(attempt, SECOND, HOUR, jitter).max(after_ms.unwrap_or(0));
            Next {
                status: DeliveryStatus::Due,
                due_at: Some(now.saturating_add(wait)),
                said: Some(why),
            }
        }
    }
}

/// Full jitter: anything from half the base up to the doubled span of this attempt, below a cap.
/// Spreading over the whole span keeps a crowd of retries from coming back in step.
#[must_use]
pub fn backoff(attempt: i64, base: Millis, cap: Millis, jitter: u64) -> Millis {
    let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 30)).unwrap_or(30);
    let span = base.saturating_mul(1_i64 << doublings).min(cap).max(1);
    let roll = i64::try_from(jitter % span.unsigned_abs()).unwrap_or(0);
    roll.max(base / 2).min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_ends_well_whatever_happens() {
        let done = next(1, Outcome::Done(Some("r".into())), 0, 9);
        assert_eq!((done.status, done.due_at), (DeliveryStatus::Done, None));
        let again = next(1, Outcome::Retry { after_ms: Some(90_000), why: "w".into() }, 5, 9);
        assert_eq!((again.status, again.due_at), (DeliveryStatus::Due, Some(90_005)));
        let last = next(ATTEMPTS_MAX, Outcome::Retry { after_ms: None, why: "w".into() }, 5, 9);
        assert_eq!(last.status, DeliveryStatus::Stuck);
        let no = next(1, Outcome::Refused { code: "c".into(), why: "w".into() }, 5, 9);
        assert_eq!(no.status, DeliveryStatus::Stuck);
    }

    proptest::proptest! {
        #[test]
        fn backoff_stays_in_its_span(attempt in -5_i64..200, jitter: u64) {
            let wait = backoff(attempt, 500, 60_000, jitter);
            assert!((250..=60_000).contains(&wait));
            assert!(wait <= 500_i64.saturating_mul(1 << attempt.clamp(1, 31)));
        }
    }
}
