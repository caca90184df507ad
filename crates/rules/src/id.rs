//! The key everything is unique by: account, mode and Checkout Session id (design, rule 2 and 9).

use serde::{Deserialize, Serialize};

/// Names one sale. Fulfillment is unique per value of this key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionKey {
    /// The connected account, empty for one's own.
    pub account: String,
    /// Live money or test money.
    pub livemode: bool,
    /// The Checkout Session's id, `cs_test_…` or `cs_live_…`.
    pub id: String,
}

/// What was given is not the id of a Checkout Session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a Checkout Session id: expected cs_test_… or cs_live_… with letters and digits only")]
pub struct NotASessionId;

impl SessionKey {
    /// Reads `^cs_(test|live)_[A-Za-z0-9]{1,200}$` (case 41) and nothing else; the mode is in the id.
    ///
    /// # Errors
    /// [`NotASessionId`] for anything else, the literal `{CHECKOUT_SESSION_ID}` included.
    pub fn parse(id: &str) -> Result<Self, NotASessionId> {
        let (livemode, tail) = match (id.strip_prefix("cs_test_"), id.strip_prefix("cs_live_")) {
            (Some(tail), _) => (false, tail),
            (_, Some(tail)) => (true, tail),
            _ => return Err(NotASessionId),
        };
        let fits = (1..=200).contains(&tail.len());
        if fits && tail.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self { account: String::new(), livemode, id: id.to_owned() })
        } else {
            Err(NotASessionId)
        }
    }
}

impl std::fmt::Display for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::SessionKey;

    #[test]
    fn case_41_only_real_session_ids_are_read() {
        assert!(!SessionKey::parse("cs_test_a1B2").unwrap().livemode);
        assert!(SessionKey::parse("cs_live_a1B2").unwrap().livemode);
        assert!(SessionKey::parse(&format!("cs_test_{}", "a".repeat(200))).is_ok());
        for bad in [
            "",
            "cs_test_",
            "cs_test",
            "{CHECKOUT_SESSION_ID}",
            "cs_prod_a",
            "cs_test_a-b",
            "cs_test_<b>",
            "cs_test_a\n",
            " cs_test_a",
            "cs_test_ä",
            "CS_TEST_a",
            "pi_1",
            &format!("cs_test_{}", "a".repeat(201)),
        ] {
            assert!(SessionKey::parse(bad).is_err(), "{bad:?} was taken for a session id");
        }
    }
}
