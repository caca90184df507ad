//! Money that goes back: refunds, disputes, and the balance's transactions.

use serde_json::{Map, Value, json};

use super::metadata;
use crate::{
    ids::Id,
    state::{
        State,
        objects::{Charge, Dispute, DisputeStatus, Refund, RefundStatus},
    },
};

const DAY_S: i64 = 24 * 60 * 60;
/// What a dispute costs the merchant.
const DISPUTE_FEE: i64 = 1_500;

/// What evidence can tell.
pub(crate) const EVIDENCE: [&str; 27] = [
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

pub(crate) fn refund(refund: &Refund) -> Value {
    let mut destination = json!({ "type": refund.kind });
    if refund.kind == "card" {
        destination["card"] = json!({
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        });
    }
    let mut value = json!({
        "id": &*refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": transaction_id(&refund.id),
        "charge": &*refund.charge,
        "created": refund.created,
        "currency": &*refund.currency,
        "destination_details": destination,
        "metadata": metadata(&refund.metadata),
        "payment_intent": refund.intent.as_deref(),
        "reason": refund.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": match refund.status {
            RefundStatus::Pending => "pending",
            RefundStatus::RequiresAction => "requires_action",
            RefundStatus::Succeeded => "succeeded",
            RefundStatus::Failed => "failed",
            RefundStatus::Canceled => "canceled",
        },
        "transfer_reversal": null,
    });
    match refund.status {
        RefundStatus::Pending => value["pending_reason"] = "processing".into(),
        RefundStatus::RequiresAction => {
            value["next_action"] = json!({
                "display_details": {
                    "email_sent": {
                        "email_sent_at": refund.created,
                        "email_sent_to": refund.instructions_email.as_deref().unwrap_or_default(),
                    },
                    "expires_at": refund.created + 45 * DAY_S,
                },
                "type": "display_details",
            });
        }
        RefundStatus::Failed => {
            value["failure_balance_transaction"] =
                format!("{}_failure", transaction_id(&refund.id)).into();
            value["failure_reason"] = refund.failure_reason.into();
        }
        RefundStatus::Succeeded | RefundStatus::Canceled => {}
    }
    if let Some(email) = &refund.instructions_email {
        value["instructions_email"] = email.as_str().into();
    }
    value
}

pub(crate) fn dispute(dispute: &Dispute) -> Value {
    let mut evidence: Map<String, Value> =
        EVIDENCE.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    for (name, text) in &*dispute.evidence {
        evidence.insert(name.clone(), text.as_str().into());
    }
    evidence.insert("enhanced_evidence".to_owned(), json!({}));
    let mut value = json!({
        "id": &*dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": dispute_transactions(dispute),
        "charge": &*dispute.charge,
        "created": dispute.created,
        "currency": &*dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {
            "due_by": dispute.created + 9 * DAY_S,
            "enhanced_eligibility": {},
            "has_evidence": !dispute.evidence.is_empty(),
            "past_due": false,
            "submission_count": dispute.submissions,
        },
        "is_charge_refundable": dispute.inquiry && !dispute.status.is_closed(),
        "livemode": false,
        "metadata": metadata(&dispute.metadata),
        "payment_intent": dispute.intent.as_deref(),
        "reason": dispute.reason,
        "status": match dispute.status {
            DisputeStatus::WarningNeedsResponse => "warning_needs_response",
            DisputeStatus::WarningUnderReview => "warning_under_review",
            DisputeStatus::WarningClosed => "warning_closed",
            DisputeStatus::NeedsResponse => "needs_response",
            DisputeStatus::UnderReview => "under_review",
            DisputeStatus::Won => "won",
            DisputeStatus::Lost => "lost",
        },
    });
    if let Some(brand) = dispute.brand {
        let case = if dispute.inquiry { "inquiry" } else { "chargeback" };
        value["payment_method_details"] = json!({
            "card": { "brand": brand, "case_type": case, "network_reason_code": "10.4" },
            "type": "card",
        });
    }
    value
}

fn dispute_transactions(dispute: &Dispute) -> Vec<Value> {
    let of = |at: Option<i64>, sign: i64, id: String| {
        at.map(|created| {
            Moved {
                id,
                amount: sign * dispute.amount,
                fee: if sign < 0 { DISPUTE_FEE } else { 0 },
                currency: &dispute.currency,
                created,
                kind: "adjustment",
                category: if sign < 0 { "dispute" } else { "dispute_reversal" },
                source: &dispute.id,
            }
            .shown()
        })
    };
    let id = transaction_id(&dispute.id);
    let taken = of(dispute.withdrawn_at, -1, id.clone());
    taken.into_iter().chain(of(dispute.reinstated_at, 1, format!("{id}_reversal"))).collect()
}

/// The id of the transaction that a charge, refund or dispute is on the balance.
pub(super) fn transaction_id(id: &str) -> String {
    format!("txn_{}", id.split_once('_').map_or(id, |(_, number)| number))
}

/// Money that moved on the merchant's balance.
struct Moved<'a> {
    id: String,
    amount: i64,
    fee: i64,
    currency: &'a str,
    created: i64,
    kind: &'static str,
    category: &'static str,
    source: &'a Id,
}

impl Moved<'_> {
    fn shown(self) -> Value {
        let fees = (self.fee != 0).then(|| {
            json!({
                "amount": self.fee,
                "application": null,
                "currency": self.currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            })
        });
        json!({
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount,
            "available_on": self.created,
            "balance_type": "payments",
            "created": self.created,
            "currency": self.currency,
            "description": null,
            "exchange_rate": null,
            "fee": self.fee,
            "fee_details": fees.into_iter().collect::<Vec<_>>(),
            "net": self.amount - self.fee,
            "reporting_category": self.category,
            "source": &**self.source,
            "status": "available",
            "type": self.kind,
        })
    }
}

/// The usual price of a card payment: 2.9 % and 30 cents.
fn fee_of(charge: &Charge) -> i64 {
    let share = i128::from(charge.amount_captured) * 29 / 1_000;
    i64::try_from(share).unwrap_or_default().saturating_add(30).min(charge.amount_captured)
}

/// The transaction with this id.
pub(crate) fn balance_transaction(state: &State, id: &str) -> Option<Value> {
    let (number, what) = match id.strip_prefix("txn_")?.split_once('_') {
        None => (id.strip_prefix("txn_")?, ""),
        Some((number, what)) => (number, what),
    };
    if let Some(charge) = state.charges.get(&format!("ch_{number}")) {
        let moved = Moved {
            id: id.to_owned(),
            amount: charge.amount_captured,
            fee: fee_of(charge),
            currency: &charge.currency,
            created: charge.created,
            kind: if charge.instrument.kind == "card" { "charge" } else { "payment" },
            category: "charge",
            source: &charge.id,
        };
        return (charge.captured && what.is_empty()).then(|| moved.shown());
    }
    if let Some(refund) = state.refunds.get(&format!("re_{number}")) {
        let fails = what == "failure";
        let moved = Moved {
            id: id.to_owned(),
            amount: if fails { refund.amount } else { -refund.amount },
            fee: 0,
            currency: &refund.currency,
            created: refund.created,
            kind: if fails { "refund_failure" } else { "refund" },
            category: if fails { "refund_failure" } else { "refund" },
            source: &refund.id,
        };
        return Some(moved.shown());
    }
    let dispute = state.disputes.get(&format!("du_{number}"))?;
    dispute_transactions(dispute).into_iter().find(|moved| moved["id"] == id)
}
