//! What can be learned about a payment from a retrieved Checkout Session (design, rules 3 and 4).

use serde::{Deserialize, Serialize};

/// What Stripe said, still in Stripe's words. Everything may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The session's `status`: open, complete, expired.
    pub status: Option<String>,
    /// The session's `payment_status`: paid, unpaid, `no_payment_required`.
    pub payment_status: Option<String>,
    /// The session's `mode`: payment, subscription, setup.
    pub mode: Option<String>,
    /// What is known of the payment intent.
    pub intent: Intent,
    /// Which doorbells rang: used only where no intent can be read.
    pub rung: Rung,
}

/// What is known of the session's payment intent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Intent {
    /// The session has none (nothing charged, or subscription mode).
    #[default]
    Absent,
    /// There is one, but the key may not read it.
    NotReadable,
    /// Its `status`.
    Status(String),
}

/// The event types received for the session that decide when there is no intent to ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rung {
    /// `checkout.session.async_payment_succeeded` was received.
    pub succeeded: bool,
    /// `checkout.session.async_payment_failed` was received.
    pub failed: bool,
}

/// What was learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Nobody has finished paying yet: no order.
    Open,
    /// Paid, or nothing to pay: fulfill.
    Paid,
    /// Money is on its way; the text says what is waited for.
    Waiting(String),
    /// Stripe is about to say more: look again soon.
    Settling(String),
    /// The payment failed; the text says how.
    Failed(String),
    /// There is nothing to fulfill (expired, setup).
    NotFulfillable(String),
    /// A value this program does not know: a person has to look.
    Unknown(String),
}

/// Reads the payment gate. `paid` wins over everything; a complete, unpaid session asks its intent,
/// because a failed debit does not show in the session.
#[must_use]
pub fn gate(seen: &Seen) -> Fact {
    let status = seen.status.as_deref();
    if seen.mode.as_deref() == Some("setup") {
        return match status {
            Some("open") => Fact::Open,
            _ => Fact::NotFulfillable("a setup session has nothing to fulfill".into()),
        };
    }
    match (seen.payment_status.as_deref(), status) {
        (Some("paid"), _) | (Some("no_payment_required"), None | Some("complete")) => Fact::Paid,
        (_, Some("expired")) => {
            Fact::NotFulfillable("the session expired before it was paid".into())
        }
        (_, Some("open")) => Fact::Open,
        (Some("unpaid"), None | Some("complete")) => unpaid(seen),
        (Some("unpaid" | "no_payment_required"), Some(other)) => {
            Fact::Unknown(format!("the session's status is '{other}', which is not known here"))
        }
        (Some(other), _) => {
            Fact::Unknown(format!("the payment_status is '{other}', which is not known here"))
        }
        (None, _) => Fact::Unknown("the session has no payment_status".into()),
    }
}

fn unpaid(seen: &Seen) -> Fact {
    match &seen.intent {
        Intent::Status(intent) => match intent.as_str() {
            "processing" => Fact::Waiting("the payment is processing".into()),
            "requires_action" => {
                Fact::Waiting("the buyer still has to act (requires_action)".into())
            }
            "requires_capture" => {
                Fact::Waiting("authorized only: capture the payment (requires_capture)".into())
            }
            "requires_confirmation" => Fact::Waiting("the payment is not confirmed yet".into()),
            "succeeded" => {
                Fact::Settling("the payment succeeded, the session does not say so yet".into())
            }
            "requires_payment_method" => {
                Fact::Failed("the payment failed (requires_payment_method)".into())
            }
            "canceled" => Fact::Failed("the payment was canceled".into()),
            other => Fact::Unknown(format!(
                "the payment intent's status is '{other}', which is not known here"
            )),
        },
        Intent::Absent | Intent::NotReadable if seen.rung.succeeded => Fact::Settling(
            "told that the payment succeeded, the session does not say so yet".into(),
        ),
        Intent::Absent | Intent::NotReadable if seen.rung.failed => {
            Fact::Failed("told that the payment failed (async_payment_failed)".into())
        }
        Intent::Absent | Intent::NotReadable => Fact::Waiting("complete, but not paid yet".into()),
    }
}

/// What was bought, as the finished session has it (design, rule 11). Kept with the order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// The session's `mode`.
    pub mode: Option<String>,
    /// The session's `status`.
    pub session_status: Option<String>,
    /// The session's `payment_status`.
    pub payment_status: Option<String>,
    /// Settlement currency, lower case.
    pub currency: Option<String>,
    /// Total in minor units of `currency`.
    pub amount_total: Option<i64>,
    /// What the buyer saw and paid, where adaptive pricing was used (case 26).
    pub presentment: Option<Presentment>,
    /// When the session was made, seconds since 1970.
    pub created: Option<i64>,
    /// `pi_…`.
    pub payment_intent: Option<String>,
    /// `plink_…` where the session came from a Payment Link.
    pub payment_link: Option<String>,
    /// One's own reference from the session.
    pub client_reference_id: Option<String>,
    /// How it could be paid: `card`, `sepa_debit`…
    #[serde(default)]
    pub payment_methods: Vec<String>,
    /// Language of the checkout.
    pub locale: Option<String>,
    /// The session's metadata, as JSON text.
    pub metadata: Option<String>,
    /// Who bought.
    pub customer: Customer,
    /// Where it goes, from the first of the four places it can stand in (case 17).
    pub shipping: Option<Shipping>,
    /// What the buyer filled in beside the usual fields of the checkout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<CustomField>,
    /// What was bought, in the session's order.
    pub lines: Vec<Line>,
}

/// What a buyer answered in one of the checkout's custom fields. Fields left empty are not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// The merchant's name for it.
    pub key: String,
    /// What the buyer was asked.
    pub label: String,
    /// What was typed, or the value of what was chosen.
    pub value: String,
    /// How the buyer saw what was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
}

impl CustomField {
    /// The answer as the buyer saw it.
    #[must_use]
    pub fn answer(&self) -> &str {
        self.chosen.as_deref().unwrap_or(&self.value)
    }
}

/// What the buyer saw and paid (case 26).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presentment {
    /// Minor units of `currency`.
    pub amount: i64,
    /// Lower case.
    pub currency: String,
}

/// Who bought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// `cus_…` or `acct_…` of a customer account.
    pub id: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
}

/// Name and address of a parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipping {
    /// Who receives it.
    pub name: Option<String>,
    /// Where.
    pub address: Address,
}

/// A postal address as Stripe has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the field names are Stripe's and say it")]
pub struct Address {
    pub line1: Option<String>,
    pub line2: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<String>,
}

/// One line item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `li_…`.
    pub id: String,
    /// `prod_…`.
    pub product: Option<String>,
    /// `price_…`.
    pub price: Option<String>,
    /// The price's lookup key.
    pub lookup_key: Option<String>,
    /// Shown to people.
    pub description: Option<String>,
    /// As finished; 0 when the buyer removed it.
    pub quantity: i64,
    /// Stripe names no quantity, or nothing that could be one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_quantity: bool,
    /// Minor units.
    pub amount_total: Option<i64>,
    /// Lower case.
    pub currency: Option<String>,
    /// The API key may not read products, so what the product's metadata says is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub product_unread: bool,
    /// Metadata of product, price and line, the line's own winning.
    pub metadata: std::collections::BTreeMap<String, String>,
}

impl Line {
    /// How many were bought; nothing where that cannot be known.
    #[must_use]
    pub fn units(&self) -> Option<i64> {
        (self.quantity >= 0 && !self.without_quantity).then_some(self.quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fact, Intent, Rung, Seen, gate};

    fn seen(status: &str, payment: &str, intent: &str) -> Seen {
        let some = |s: &str| (s != "-").then(|| s.to_owned());
        Seen {
            status: some(status),
            payment_status: some(payment),
            mode: Some("payment".into()),
            intent: match intent {
                "-" => Intent::Absent,
                "?" => Intent::NotReadable,
                other => Intent::Status(other.into()),
            },
            rung: Rung::default(),
        }
    }

    fn name(fact: &Fact) -> &'static str {
        match fact {
            Fact::Open => "open",
            Fact::Paid => "paid",
            Fact::Waiting(_) => "waiting",
            Fact::Settling(_) => "settling",
            Fact::Failed(_) => "failed",
            Fact::NotFulfillable(_) => "not_fulfillable",
            Fact::Unknown(_) => "unknown",
        }
    }

    #[test]
    fn cases_20_21_24_the_payment_gate() {
        for (status, payment, intent, expected) in [
            ("complete", "paid", "succeeded", "paid"),
            ("complete", "paid", "-", "paid"),
            ("-", "paid", "-", "paid"),
            ("brand_new", "paid", "-", "paid"),
            ("complete", "no_payment_required", "-", "paid"),
            ("-", "no_payment_required", "-", "paid"),
            ("open", "no_payment_required", "-", "open"),
            ("open", "unpaid", "requires_payment_method", "open"),
            ("expired", "unpaid", "-", "not_fulfillable"),
            ("complete", "unpaid", "processing", "waiting"),
            ("complete", "unpaid", "requires_action", "waiting"),
            ("complete", "unpaid", "requires_capture", "waiting"),
            ("complete", "unpaid", "requires_payment_method", "failed"),
            ("complete", "unpaid", "canceled", "failed"),
            ("complete", "unpaid", "succeeded", "settling"),
            ("complete", "unpaid", "brand_new", "unknown"),
            ("complete", "unpaid", "-", "waiting"),
            ("complete", "unpaid", "?", "waiting"),
            ("complete", "brand_new", "succeeded", "unknown"),
            ("complete", "-", "succeeded", "unknown"),
            ("brand_new", "unpaid", "processing", "unknown"),
        ] {
            let fact = gate(&seen(status, payment, intent));
            assert_eq!(name(&fact), expected, "{status} {payment} {intent}");
        }
    }

    #[test]
    fn without_an_intent_the_doorbell_decides() {
        for intent in ["-", "?"] {
            let mut s = seen("complete", "unpaid", intent);
            s.rung.failed = true;
            assert_eq!(name(&gate(&s)), "failed");
            s.rung.succeeded = true;
            assert_eq!(name(&gate(&s)), "settling", "a later success outweighs the failure");
        }
    }

    #[test]
    fn setup_sessions_owe_nothing() {
        let mut s = seen("complete", "no_payment_required", "-");
        s.mode = Some("setup".into());
        assert_eq!(name(&gate(&s)), "not_fulfillable");
        s.status = Some("open".into());
        assert_eq!(name(&gate(&s)), "open");
    }
}
