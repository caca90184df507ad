//! Payment intents, charges, and what stands behind them.

use serde_json::{Value, json};

use super::{
    View, metadata,
    method::{billing_details, method_details},
    refund::transaction_id,
    shipping, show,
};
use crate::state::objects::{
    Action, Charge, ChargeStatus, Failure, Intent, IntentStatus, SetupIntent,
};

pub(crate) fn status(status: IntentStatus) -> &'static str {
    match status {
        IntentStatus::RequiresPaymentMethod => "requires_payment_method",
        IntentStatus::RequiresConfirmation => "requires_confirmation",
        IntentStatus::RequiresAction => "requires_action",
        IntentStatus::Processing => "processing",
        IntentStatus::RequiresCapture => "requires_capture",
        IntentStatus::Canceled => "canceled",
        IntentStatus::Succeeded => "succeeded",
    }
}

pub(crate) fn intent(intent: &Intent, view: View<'_>) -> Value {
    let by_default = if view.version.captures_async() { "automatic_async" } else { "automatic" };
    let mut value = json!({
        "id": &*intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.capturable(),
        "amount_details": { "tip": {} },
        "amount_received": intent.received,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": intent.automatic.map(|redirects| json!({
            "allow_redirects": if redirects { "always" } else { "never" },
            "enabled": true,
        })),
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method.unwrap_or(by_default),
        "client_secret": client_secret(&intent.id),
        "confirmation_method": if intent.confirmed_by_hand { "manual" } else { "automatic" },
        "created": intent.created,
        "currency": &*intent.currency,
        "customer": intent.customer.as_deref(),
        "description": intent.description,
        "last_payment_error": intent.failure.map(|failure| {
            let mut error = payment_error(failure);
            if let Some(charge) = &intent.latest_charge {
                error["charge"] = (&**charge).into();
            }
            error
        }),
        "latest_charge": intent.latest_charge.as_deref(),
        "livemode": false,
        "metadata": metadata(&intent.metadata),
        "next_action": intent.action.map(|action| next_action(intent, action, view)),
        "on_behalf_of": null,
        "payment_method": intent.payment_method.as_deref()
            .filter(|_| intent.status != IntentStatus::RequiresPaymentMethod),
        "payment_method_configuration_details": null,
        "payment_method_options": options(&intent.methods),
        "payment_method_types": intent.methods,
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": intent.setup_future_usage,
        "shipping": intent.shipping.as_ref().map(shipping),
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": status(intent.status),
        "transfer_data": null,
        "transfer_group": null,
    });
    if view.version.shows_allowed_methods() {
        value["allowed_payment_method_types"] = json!(intent.allowed_methods);
    }
    if view.version.shows_invoice() {
        value["invoice"] = Value::Null;
    }
    show(&mut value, &intent.shown);
    value
}

fn options(methods: &[&'static str]) -> Value {
    let of = |method: &&'static str| {
        let options = match *method {
            "card" => json!({
                "installments": null,
                "mandate_options": null,
                "network": null,
                "request_three_d_secure": "automatic",
            }),
            "us_bank_account" => json!({ "verification_method": "automatic" }),
            "boleto" | "oxxo" => json!({ "expires_after_days": 3 }),
            _ => json!({}),
        };
        ((*method).to_owned(), options)
    };
    Value::Object(methods.iter().map(of).collect())
}

/// What the buyer has to do.
fn next_action(intent: &Intent, action: Action, view: View<'_>) -> Value {
    let (kind, expires_at) = match action {
        Action::Authenticate => {
            let url = format!("{}/c/bank/{}", view.base, intent.id);
            return match &intent.return_url {
                Some(to) => json!({
                    "redirect_to_url": { "return_url": to, "url": url },
                    "type": "redirect_to_url",
                }),
                None => json!({
                    "type": "use_stripe_sdk",
                    "use_stripe_sdk": { "stripe_js": url, "type": "three_d_secure_redirect" },
                }),
            };
        }
        Action::Voucher { kind, expires_at } => (kind, expires_at),
    };
    let url = format!("{}/c/voucher/{}", view.base, intent.id);
    let details = match kind {
        "boleto" => json!({
            "expires_at": expires_at,
            "hosted_voucher_url": url,
            "number": digits(&intent.id, 47),
            "pdf": null,
        }),
        "oxxo" => json!({
            "expires_after": expires_at,
            "hosted_voucher_url": url,
            "number": digits(&intent.id, 32),
        }),
        "konbini" => {
            let code = || json!({ "payment_code": digits(&intent.id, 11) });
            json!({
                "expires_at": expires_at,
                "hosted_voucher_url": url,
                "stores": {
                    "familymart": code(), "lawson": code(), "ministop": code(), "seicomart": code(),
                },
            })
        }
        _ => json!({
            "entity": "12345",
            "expires_at": expires_at,
            "hosted_voucher_url": url,
            "reference": digits(&intent.id, 9),
        }),
    };
    let kind = format!("{kind}_display_details");
    json!({ "type": &kind, &kind: details })
}

/// A number that always is the same for the same id.
pub(crate) fn digits(id: &str, length: usize) -> String {
    id.bytes().skip(3).cycle().take(length).map(|byte| char::from(b'0' + byte % 10)).collect()
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
    let taken = charge.status == ChargeStatus::Succeeded && charge.captured;
    let mut value = json!({
        "id": &*charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": taken.then(|| transaction_id(&charge.id)),
        "billing_details": billing_details(&charge.buyer),
        "calculated_statement_descriptor": "SANDBOX",
        "captured": charge.captured,
        "created": charge.created,
        "currency": &*charge.currency,
        "customer": charge.customer.as_deref(),
        "description": charge.description,
        "disputed": charge.disputed,
        "failure_balance_transaction": null,
        "failure_code": charge.failure.map(|failure| failure.code),
        "failure_message": charge.failure.map(|failure| failure.message),
        "fraud_details": {},
        "livemode": false,
        "metadata": metadata(&charge.metadata),
        "on_behalf_of": null,
        "outcome": outcome(charge.failure),
        "paid": charge.status == ChargeStatus::Succeeded,
        "payment_intent": charge.intent.as_deref(),
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
    });
    show(&mut value, &charge.shown);
    value
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

/// What a browser shows to prove that it may see an intent.
pub(crate) fn client_secret(intent: &str) -> String {
    let own = intent.split_once('_').map_or(intent, |(_, own)| own);
    format!("{intent}_secret_{own}")
}

/// An intent that keeps a payment method for later.
pub(crate) fn setup_intent(intent: &SetupIntent, view: View<'_>) -> Value {
    let asks = intent.status == IntentStatus::RequiresAction;
    let url = format!("{}/c/bank/{}", view.base, intent.id);
    let mut value = json!({
        "id": &*intent.id,
        "object": "setup_intent",
        "application": null,
        "automatic_payment_methods": null,
        "cancellation_reason": intent.cancellation_reason,
        "client_secret": client_secret(&intent.id),
        "created": intent.created,
        "customer": intent.customer.as_deref(),
        "description": intent.description,
        "flow_directions": null,
        "last_setup_error": intent.failure.map(payment_error),
        "latest_attempt": null,
        "livemode": false,
        "mandate": null,
        "metadata": metadata(&intent.metadata),
        "next_action": asks.then(|| match &intent.return_url {
            Some(to) => json!({
                "redirect_to_url": { "return_url": to, "url": url },
                "type": "redirect_to_url",
            }),
            None => json!({
                "type": "use_stripe_sdk",
                "use_stripe_sdk": { "stripe_js": url, "type": "three_d_secure_redirect" },
            }),
        }),
        "on_behalf_of": null,
        "payment_method": intent.payment_method.as_deref(),
        "payment_method_configuration_details": null,
        "payment_method_options": options(&intent.methods),
        "payment_method_types": intent.methods,
        "single_use_mandate": null,
        "status": status(intent.status),
        "usage": intent.usage,
    });
    if view.version.shows_allowed_methods() {
        value["allowed_payment_method_types"] = json!(intent.allowed_methods);
    }
    value
}
