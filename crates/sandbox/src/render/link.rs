//! Payment Links.

use serde_json::{Value, json};

use super::{
    View, metadata, show,
    terms::{
        custom_fields, invoice_creation, name_collection, no_custom_text, optional_items,
        shipping_options, tax_id_collection,
    },
};
use crate::state::objects::{Mode, PaymentLink, Terms, Trial};

pub(crate) fn link(link: &PaymentLink, view: View<'_>) -> Value {
    let mut value = sale(link, view.base);
    if let (Value::Object(members), Value::Object(rest)) = (&mut value, asked(&link.terms)) {
        members.extend(rest);
    }
    if let Some(names) = name_collection(&link.terms) {
        value["name_collection"] = names;
    }
    show(&mut value, &link.terms.shown);
    value
}

/// What is sold, and what comes after it.
fn sale(link: &PaymentLink, base: &str) -> Value {
    let terms = &link.terms;
    json!({
        "id": &*link.id,
        "object": "payment_link",
        "active": link.active,
        "after_completion": match &terms.success_url {
            Some(url) => json!({ "redirect": { "url": url }, "type": "redirect" }),
            None => json!({
                "hosted_confirmation": { "custom_message": terms.confirmation_message },
                "type": "hosted_confirmation",
            }),
        },
        "allow_promotion_codes": terms.promotion_codes,
        "application": null,
        "application_fee_amount": null,
        "application_fee_percent": null,
        "automatic_tax": {
            "enabled": terms.automatic_tax,
            "liability": terms.automatic_tax.then(|| json!({ "type": "self" })),
        },
        "currency": terms.currency.as_deref().unwrap_or("usd"),
        "inactive_message": link.inactive_message,
        "invoice_creation": (terms.mode == Mode::Payment).then(invoice_creation),
        "livemode": false,
        "metadata": metadata(&link.metadata),
        "on_behalf_of": null,
        "optional_items": optional_items(&link.optional),
        "payment_intent_data": intent_data(terms),
        "restrictions": link.completed_max.map(|limit| json!({
            "completed_sessions": { "count": link.completed, "limit": limit },
        })),
        "shipping_options": shipping_options(terms),
        "subscription_data": subscription_data(terms),
        "transfer_data": null,
        "url": format!("{base}/l/{}", link.slug),
    })
}

/// What the buyer is asked for.
fn asked(terms: &Terms) -> Value {
    json!({
        "billing_address_collection": if terms.billing_address { "required" } else { "auto" },
        "consent_collection": null,
        "custom_fields": custom_fields(&terms.custom_fields, None),
        "custom_text": no_custom_text(),
        "customer_creation": if terms.always_customer { "always" } else { "if_required" },
        "payment_method_collection": if terms.method_if_required { "if_required" } else { "always" },
        "payment_method_options": null,
        "payment_method_types": terms.methods_named.then_some(&terms.methods),
        "phone_number_collection": { "enabled": terms.phone },
        "shipping_address_collection": terms.ships_to.as_ref()
            .map(|countries| json!({ "allowed_countries": countries })),
        "submit_type": terms.submit_type.unwrap_or("auto"),
        "tax_id_collection": tax_id_collection(terms.tax_id),
    })
}

fn intent_data(terms: &Terms) -> Option<Value> {
    let given = terms.capture_later
        || terms.intent_description.is_some()
        || terms.setup_future_usage.is_some()
        || terms.statement_descriptor.is_some()
        || terms.statement_descriptor_suffix.is_some()
        || terms.transfer_group.is_some()
        || !terms.intent_metadata.is_empty();
    given.then(|| {
        json!({
            "capture_method": terms.capture_later.then_some("manual"),
            "description": terms.intent_description,
            "metadata": metadata(&terms.intent_metadata),
            "setup_future_usage": terms.setup_future_usage,
            "statement_descriptor": terms.statement_descriptor,
            "statement_descriptor_suffix": terms.statement_descriptor_suffix,
            "transfer_group": terms.transfer_group,
        })
    })
}

fn subscription_data(terms: &Terms) -> Option<Value> {
    (terms.mode == Mode::Subscription).then(|| {
        json!({
            "description": terms.subscription_description,
            "invoice_settings": { "issuer": { "type": "self" } },
            "metadata": metadata(&terms.subscription_metadata),
            "trial_period_days": match terms.trial {
                Some(Trial::Days(days)) => Some(days),
                Some(Trial::Until(_)) | None => None,
            },
            "trial_settings": terms.trial_settings,
        })
    })
}
