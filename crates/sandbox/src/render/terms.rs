//! Terms that sessions and links show alike.

use serde_json::{Value, json};

use crate::{
    checkout::Answers,
    state::objects::{Ask, CustomField, FieldKind, Line, Terms},
};

/// The merchant's questions; a session's have room for the answers.
pub(super) fn custom_fields(fields: &[CustomField], answers: Option<&Answers>) -> Value {
    fields.iter().map(|field| custom_field(field, answers)).collect()
}

fn custom_field(field: &CustomField, answers: Option<&Answers>) -> Value {
    let (kind, mut details) = match &field.kind {
        FieldKind::Text { minimum, maximum } => {
            ("text", json!({ "maximum_length": maximum, "minimum_length": minimum }))
        }
        FieldKind::Numeric { minimum, maximum } => {
            ("numeric", json!({ "maximum_length": maximum, "minimum_length": minimum }))
        }
        FieldKind::Dropdown(options) => {
            let options: Vec<_> = options
                .iter()
                .map(|(value, label)| json!({ "label": label, "value": value }))
                .collect();
            ("dropdown", json!({ "options": options }))
        }
    };
    details["default_value"] = field.default.as_deref().into();
    if let Some(answers) = answers {
        let answer = answers.custom_field(&field.key).filter(|answer| !answer.is_empty());
        details["value"] = answer.into();
    }
    let mut value = json!({
        "key": field.key,
        "label": { "custom": field.label, "type": "custom" },
        "optional": field.optional,
        "type": kind,
    });
    value[kind] = details;
    value
}

pub(super) fn optional_items(items: &[Line]) -> Option<Vec<Value>> {
    let item = |line: &Line| {
        json!({
            "adjustable_quantity": line.adjustable.map(|range| json!({
                "enabled": true,
                "maximum": range.maximum,
                "minimum": range.minimum,
            })),
            "price": &*line.price,
            "quantity": line.quantity,
        })
    };
    (!items.is_empty()).then(|| items.iter().map(item).collect())
}

pub(super) fn shipping_options(terms: &Terms) -> Vec<Value> {
    let option = |option: &crate::state::objects::ShippingOption| json!({ "shipping_amount": option.amount, "shipping_rate": &*option.rate });
    terms.shipping_options.iter().map(option).collect()
}

pub(super) fn name_collection(terms: &Terms) -> Option<Value> {
    let mut names = serde_json::Map::new();
    for (name, ask) in [("business", terms.business_name), ("individual", terms.individual_name)] {
        if ask != Ask::No {
            let asked = json!({ "enabled": true, "optional": ask == Ask::Optional });
            names.insert(name.to_owned(), asked);
        }
    }
    (!names.is_empty()).then_some(Value::Object(names))
}

pub(super) fn tax_id_collection(ask: Ask) -> Value {
    let required = if ask == Ask::Required { "if_supported" } else { "never" };
    json!({ "enabled": ask != Ask::No, "required": required })
}

pub(super) fn no_custom_text() -> Value {
    json!({
        "after_submit": null,
        "shipping_address": null,
        "submit": null,
        "terms_of_service_acceptance": null,
    })
}

pub(super) fn invoice_creation() -> Value {
    json!({ "enabled": false, "invoice_data": no_invoice_data() })
}

pub(crate) fn no_invoice_data() -> Value {
    json!({
        "account_tax_ids": null,
        "custom_fields": null,
        "description": null,
        "footer": null,
        "issuer": null,
        "metadata": {},
        "rendering_options": null,
    })
}
