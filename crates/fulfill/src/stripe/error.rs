//! What can come back instead of an answer, in words a merchant may read.

use fulfill_rules::Millis;

/// A request to Stripe that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{again}")]
pub struct ApiError {
    /// What kind of failure.
    pub kind: ApiErrorKind,
    /// What failed, for which id, and what to do. Holds no secret: fit for an order's timeline.
    pub message: String,
    /// What follows by itself, said behind the message.
    pub(super) again: &'static str,
    /// Stripe asks not to be called again for so long (`Retry-After`).
    pub retry_after_ms: Option<Millis>,
    /// `Request-Id`, under which Stripe's log has the request.
    pub request_id: Option<String>,
    /// Stripe's own word on trying again (`Stripe-Should-Retry`); it overrides the kind.
    pub should_retry: Option<bool>,
}

/// The kinds of failure, by what follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// Stripe says that there is no such object (404).
    NotFound,
    /// The key may not do this (403); the text names the missing permission.
    Forbidden {
        /// Stripe's words, cleaned of keys.
        permission: String,
    },
    /// The key is wrong, expired or revoked (401).
    Unauthorized,
    /// Too many requests (429).
    RateLimited,
    /// Out of reach, too slow, or 5xx.
    Unavailable,
    /// An answer that is not Stripe's, not whole, or contradicts itself.
    Garbled,
    /// Another refusal, with its status.
    Other(u16),
}

impl ApiError {
    pub(super) fn new(kind: ApiErrorKind, message: String) -> Self {
        Self {
            kind,
            message,
            again: "",
            retry_after_ms: None,
            request_id: None,
            should_retry: None,
        }
    }

    /// Of a call that is made again later.
    pub(super) fn again(self, again: &'static str) -> Self {
        Self { again, ..self }
    }

    /// Of a call that nobody makes again by himself.
    #[must_use]
    pub(super) fn once(self) -> Self {
        let again = if self.again.is_empty() { "" } else { "; try again later" };
        Self { again, ..self }
    }

    pub(super) fn garbled(what: &str, how: &str) -> Self {
        Self::new(
            ApiErrorKind::Garbled,
            format!("{what}: {how}"),
        )
        .again(
            "; it is asked for again, and if this stays, look at what stands between this machine and \
             Stripe",
        )
    }

    /// Whether the same request can end better later.
    #[must_use]
    pub fn retryable(&self) -> bool {
        self.should_retry.unwrap_or(match self.kind {
            ApiErrorKind::RateLimited | ApiErrorKind::Unavailable | ApiErrorKind::Garbled => true,
            ApiErrorKind::Other(status) => status == 409,
            ApiErrorKind::NotFound
            | ApiErrorKind::Forbidden { .. }
            | ApiErrorKind::Unauthorized => false,
        })
    }
}

/// Stripe's words made fit for a timeline: no keys, no control characters, not too long.
pub(super) fn clean(text: &str) -> String {
    let is_key = |word: &str| {
        let word = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        ["sk_", "rk_", "pk_", "whsec_"].iter().any(|prefix| word.starts_with(prefix))
    };
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let shown = words.filter(|word| !word.is_empty()).map(|w| if is_key(w) { "(key)" } else { w });
    shown.collect::<Vec<_>>().join(" ").chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn stripes_words_lose_keys_and_control_characters() {
        let text = "The key 'rk_test_****abc'\n lacks rak_payment_intent_read.\u{0} (sk_live_x)";
        assert_eq!(clean(text), "The key (key) lacks rak_payment_intent_read. (key)");
        assert_eq!(clean(&"ä ".repeat(1_000)).chars().count(), 400);
    }
}
