//! Payment intents, charges, and what stands behind them.

use serde_json::{Value, json};

use super::{address, metadata, shipping};
use crate::state::objects::{
    Charge, ChargeStatus, Failure, Instrument, Intent, IntentStatus, Session,
};

fn status(status: IntentStatus) -> &'static str {
    match status {
        IntentStatus::RequiresPaymentMethod => "requires_payment_method",
        IntentStatus::RequiresAction => "requires_action",
        IntentStatus::Processing => "processing",
        IntentStatus::RequiresCapture => "requires_capture",
        IntentStatus::Canceled => "canceled",
        IntentStatus::Succeeded => "succeeded",
    }
}

pub(crate) fn intent(intent: &Intent) -> Value {
    json!({
        "id": &*intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": if intent.status == IntentStatus::RequiresCapture { intent.amount } else { 0 },
        "amount_details": { "tip": {} },
        "amount_received": intent.received,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": null,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": if intent.capture_later { "manual" } else { "automatic_async" },
        "client_secret": format!("{}_secret_{}", intent.id, &intent.id[3..]),
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": &*intent.currency,
        "customer": intent.customer.as_deref(),
        "description": intent.description,
        "last_payment_error": intent.failure.map(payment_error),
        "latest_charge": intent.latest_charge.as_deref(),
        "livemode": false,
        "metadata": metadata(&intent.metadata),
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": intent.payment_method.as_deref()
            .filter(|_| intent.status != IntentStatus::RequiresPaymentMethod),
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": {
            "installments": null,
            "mandate_options": null,
            "network": null,
            "request_three_d_secure": "automatic",
        } },
        "payment_method_types": intent.methods,
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": null,
        "shipping": intent.shipping.as_ref().map(shipping),
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": status(intent.status),
        "transfer_data": null,
        "transfer_group": null,
    })
}

/// A failure as an intent remembers it.
fn payment_error(failure: Failure) -> Value {
    let mut error =
        json!({ "code": failure.code, "message": failure.message, "type": "card_error" });
    if let Some(code) = failure.decline_code {
        error["decline_code"] = code.into();
    }
    error
}

pub(crate) fn charge(charge: &Charge) -> Value {
    let failed = charge.status == ChargeStatus::Failed;
    json!({
        "id": &*charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": if charge.captured { charge.amount } else { 0 },
        "amount_refunded": charge.amount_refunded,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": billing_details(charge),
        "calculated_statement_descriptor": "SANDBOX",
        "captured": charge.captured,
        "created": charge.created,
        "currency": &*charge.currency,
        "customer": charge.customer.as_deref(),
        "description": null,
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": charge.failure.map(|failure| failure.code),
        "failure_message": charge.failure.map(|failure| failure.message),
        "fraud_details": {},
        "livemode": false,
        "metadata": metadata(&charge.metadata),
        "on_behalf_of": null,
        "outcome": outcome(charge.failure),
        "paid": !failed && charge.status == ChargeStatus::Succeeded,
        "payment_intent": &*charge.intent,
        "payment_method": &*charge.payment_method,
        "payment_method_details": method_details(&charge.instrument),
        "receipt_email": null,
        "receipt_number": null,
        "receipt_url": null,
        "refunded": charge.amount_refunded == charge.amount && charge.amount > 0,
        "review": null,
        "shipping": charge.shipping.as_ref().map(shipping),
        "source_transfer": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": match charge.status {
            ChargeStatus::Succeeded => "succeeded",
            ChargeStatus::Pending => "pending",
            ChargeStatus::Failed => "failed",
        },
        "transfer_data": null,
        "transfer_group": null,
    })
}

fn billing_details(charge: &Charge) -> Value {
    json!({
        "address": address(&charge.buyer.address),
        "email": charge.buyer.email,
        "name": charge.buyer.name,
        "phone": charge.buyer.phone,
        "tax_id": null,
    })
}

fn outcome(failure: Option<Failure>) -> Value {
    json!({
        "advice_code": null,
        "network_advice_code": null,
        "network_decline_code": null,
        "network_status": if failure.is_some() { "declined_by_network" } else { "approved_by_network" },
        "reason": failure.map(|failure| failure.decline_code.unwrap_or(failure.code)),
        "risk_level": "normal",
        "seller_message": if failure.is_some() { "The bank declined." } else { "Payment complete." },
        "type": if failure.is_some() { "issuer_declined" } else { "authorized" },
    })
}

fn method_details(instrument: &Instrument) -> Value {
    let details = match instrument.kind {
        "card" => json!({
            "brand": instrument.brand,
            "checks": {
                "address_line1_check": null,
                "address_postal_code_check": "pass",
                "cvc_check": "pass",
            },
            "country": instrument.country,
            "exp_month": instrument.exp_month,
            "exp_year": instrument.exp_year,
            "fingerprint": format!("Sandbox{}", instrument.last4),
            "funding": "credit",
            "installments": null,
            "last4": instrument.last4,
            "mandate": null,
            "network": instrument.brand,
            "network_token": { "used": false },
            "three_d_secure": null,
            "wallet": null,
        }),
        "sepa_debit" => json!({
            "bank_code": null,
            "branch_code": null,
            "country": instrument.country,
            "fingerprint": format!("Sandbox{}", instrument.last4),
            "last4": instrument.last4,
            "mandate": null,
        }),
        _ => json!({
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "SANDBOX BANK",
            "expected_debit_date": null,
            "fingerprint": format!("Sandbox{}", instrument.last4),
            "last4": instrument.last4,
            "payment_reference": null,
            "routing_number": "110000000",
        }),
    };
    json!({ instrument.kind: details, "type": instrument.kind })
}

/// The payment method behind a charge.
pub(crate) fn payment_method(charge: &Charge) -> Value {
    let details = method_details(&charge.instrument);
    let mut value = json!({
        "id": &*charge.payment_method,
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing_details(charge),
        "created": charge.created,
        "customer": charge.customer.as_deref(),
        "livemode": false,
        "metadata": {},
        "type": charge.instrument.kind,
    });
    let kind = charge.instrument.kind;
    value[kind] = match kind {
        "card" => json!({
            "brand": details["card"]["brand"],
            "checks": details["card"]["checks"],
            "country": details["card"]["country"],
            "display_brand": details["card"]["brand"],
            "exp_month": details["card"]["exp_month"],
            "exp_year": details["card"]["exp_year"],
            "fingerprint": details["card"]["fingerprint"],
            "funding": "credit",
            "generated_from": null,
            "last4": details["card"]["last4"],
            "networks": { "available": [details["card"]["brand"]], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        }),
        "sepa_debit" => json!({
            "bank_code": null,
            "branch_code": null,
            "country": charge.instrument.country,
            "fingerprint": details["sepa_debit"]["fingerprint"],
            "generated_from": { "charge": null, "setup_attempt": null },
            "last4": charge.instrument.last4,
        }),
        _ => json!({
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "SANDBOX BANK",
            "financial_connections_account": null,
            "fingerprint": details["us_bank_account"]["fingerprint"],
            "last4": charge.instrument.last4,
            "networks": { "preferred": "ach", "supported": ["ach"] },
            "routing_number": "110000000",
            "status_details": {},
        }),
    };
    value
}

/// A subscription as far as the session that began it tells.
pub(crate) fn subscription(session: &Session, id: &str) -> Value {
    json!({
        "id": id,
        "object": "subscription",
        "automatic_tax": { "enabled": false, "disabled_reason": null, "liability": null },
        "billing_cycle_anchor": session.created,
        "billing_mode": { "type": "flexible", "flexible": null },
        "billing_schedules": [],
        "cancel_at_period_end": false,
        "collection_method": "charge_automatically",
        "created": session.created,
        "currency": session.currency(),
        "customer": session.customer.as_deref(),
        "discounts": [],
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "items": { "object": "list", "data": [], "has_more": false,
            "url": format!("/v1/subscription_items?subscription={id}") },
        "latest_invoice": session.invoice.as_deref(),
        "livemode": false,
        "metadata": {},
        "start_date": session.created,
        "status": "active",
    })
}

/// The setup intent of a session that only collects a payment method.
pub(crate) fn setup_intent(session: &Session, id: &str) -> Value {
    json!({
        "id": id,
        "object": "setup_intent",
        "created": session.created,
        "customer": session.customer.as_deref(),
        "livemode": false,
        "metadata": {},
        "payment_method_types": session.terms.methods,
        "status": "succeeded",
        "usage": "off_session",
    })
}
