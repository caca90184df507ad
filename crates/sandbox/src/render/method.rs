//! Ways to pay: payment methods, and what a charge tells of one.

use serde_json::{Value, json};

use super::{address, metadata};
use crate::state::objects::{Buyer, Instrument, PaymentMethod};

pub(super) fn billing_details(buyer: &Buyer) -> Value {
    json!({
        "address": address(&buyer.address),
        "email": buyer.email,
        "name": buyer.name,
        "phone": buyer.phone,
        "tax_id": null,
    })
}

fn fingerprint(instrument: &Instrument) -> String {
    format!("Sandbox{}{}", instrument.country, instrument.last4)
}

fn checks() -> Value {
    json!({
        "address_line1_check": null,
        "address_postal_code_check": "pass",
        "cvc_check": "pass",
    })
}

/// What was paid with, as a charge shows it.
pub(super) fn method_details(instrument: &Instrument) -> Value {
    let details = match instrument.kind {
        "card" => json!({
            "amount_authorized": null,
            "authorization_code": null,
            "brand": instrument.brand,
            "checks": checks(),
            "country": instrument.country,
            "exp_month": instrument.exp_month,
            "exp_year": instrument.exp_year,
            "extended_authorization": { "status": "disabled" },
            "fingerprint": fingerprint(instrument),
            "funding": "credit",
            "incremental_authorization": { "status": "unavailable" },
            "installments": null,
            "last4": instrument.last4,
            "mandate": null,
            "multicapture": { "status": "unavailable" },
            "network": instrument.brand,
            "network_token": { "used": false },
            "network_transaction_id": null,
            "regulated_status": "unregulated",
            "three_d_secure": null,
            "wallet": null,
        }),
        "sepa_debit" => json!({
            "bank_code": null,
            "branch_code": null,
            "country": instrument.country,
            "fingerprint": fingerprint(instrument),
            "last4": instrument.last4,
            "mandate": null,
        }),
        "boleto" => json!({ "tax_id": "000.000.000-00" }),
        "konbini" => json!({ "store": { "chain": "lawson" } }),
        "multibanco" => json!({ "entity": "12345", "reference": "123456789" }),
        "oxxo" => json!({ "number": null }),
        _ => json!({
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "SANDBOX BANK",
            "fingerprint": fingerprint(instrument),
            "last4": instrument.last4,
            "payment_reference": null,
            "routing_number": "110000000",
        }),
    };
    json!({ instrument.kind: details, "type": instrument.kind })
}

pub(crate) fn payment_method(method: &PaymentMethod) -> Value {
    let mut value = json!({
        "id": &*method.id,
        "object": "payment_method",
        "allow_redisplay": method.allow_redisplay,
        "billing_details": billing_details(&method.billing),
        "created": method.created,
        "customer": method.customer.as_deref(),
        "livemode": false,
        "metadata": metadata(&method.metadata),
        "type": method.instrument.kind,
    });
    value[method.instrument.kind] = details(&method.instrument);
    value
}

fn details(instrument: &Instrument) -> Value {
    match instrument.kind {
        "card" => json!({
            "brand": instrument.brand,
            "checks": checks(),
            "country": instrument.country,
            "display_brand": instrument.brand,
            "exp_month": instrument.exp_month,
            "exp_year": instrument.exp_year,
            "fingerprint": fingerprint(instrument),
            "funding": "credit",
            "generated_from": null,
            "last4": instrument.last4,
            "networks": { "available": [instrument.brand], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        }),
        "sepa_debit" => json!({
            "bank_code": null,
            "branch_code": null,
            "country": instrument.country,
            "fingerprint": fingerprint(instrument),
            "generated_from": { "charge": null, "setup_attempt": null },
            "last4": instrument.last4,
        }),
        "boleto" => json!({ "tax_id": "000.000.000-00" }),
        "konbini" | "multibanco" | "oxxo" => json!({}),
        _ => json!({
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "SANDBOX BANK",
            "financial_connections_account": null,
            "fingerprint": fingerprint(instrument),
            "last4": instrument.last4,
            "networks": { "preferred": "ach", "supported": ["ach"] },
            "routing_number": "110000000",
            "status_details": {},
        }),
    }
}

/// A card as a customer's source, as it was before there were payment methods.
pub(crate) fn source(method: &PaymentMethod) -> Value {
    let (address, instrument) = (&method.billing.address, &method.instrument);
    let brand = match instrument.brand {
        "amex" => "American Express",
        "diners" => "Diners Club",
        "discover" => "Discover",
        "jcb" => "JCB",
        "mastercard" => "MasterCard",
        _ => "Visa",
    };
    json!({
        "id": &*method.id,
        "object": "card",
        "address_city": address.city,
        "address_country": address.country,
        "address_line1": address.line1,
        "address_line1_check": null,
        "address_line2": address.line2,
        "address_state": address.state,
        "address_zip": address.postal_code,
        "address_zip_check": null,
        "brand": brand,
        "country": instrument.country,
        "customer": method.customer.as_deref(),
        "cvc_check": "pass",
        "dynamic_last4": null,
        "exp_month": instrument.exp_month,
        "exp_year": instrument.exp_year,
        "fingerprint": fingerprint(instrument),
        "funding": "credit",
        "last4": instrument.last4,
        "metadata": metadata(&method.metadata),
        "name": method.billing.name,
        "regulated_status": "unregulated",
        "tokenization_method": null,
        "wallet": null,
    })
}
