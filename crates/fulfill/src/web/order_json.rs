//! An order as the API tells it (design, §5). Moments are RFC 3339 in UTC with milliseconds, money is
//! integer minor units, and what is not known is null.

use fulfill_rules::{
    Millis, SECOND,
    fact::{CustomField, Line, Sale, Shipping},
    order::Status,
    place::Effect,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::store::{DeliveryView, EventView, GrantView, OrderView, Told};

/// The order with all that belongs to it.
pub(super) fn order(order: &OrderView) -> Value {
    let sale = &order.sale;
    json!({
        "id": order.key.id,
        "object": "order",
        "status": order.status.as_str(),
        "reason": order.reason,
        "livemode": order.key.livemode,
        "payment_status": sale.payment_status,
        "currency": sale.currency,
        "amount_total": sale.amount_total,
        "presentment": sale.presentment,
        "customer": sale.customer,
        "shipping": sale.shipping.as_ref().map(shipping),
        "custom_fields": sale.custom_fields.iter().map(custom_field).collect::<Vec<_>>(),
        "lines": sale.lines.iter().map(line).collect::<Vec<_>>(),
        "effects": order.effects.iter().map(effect).collect::<Vec<_>>(),
        "deliveries": order.deliveries.iter().map(delivery).collect::<Vec<_>>(),
        "timeline": order.timeline.iter().map(told).collect::<Vec<_>>(),
        "events": order.events.iter().map(event).collect::<Vec<_>>(),
        "created": sale.created.map(|s| moment(s.saturating_mul(SECOND))),
        "first_seen_at": moment(order.first_seen_at),
        "fulfilled_at": order.fulfilled_at.map(moment),
        "look_again_at": order.look_again_at.map(moment),
        "mode": sale.mode,
        "payment_intent": sale.payment_intent,
        "payment_link": sale.payment_link,
        "client_reference_id": sale.client_reference_id,
        "locale": sale.locale,
        "metadata": metadata(sale),
    })
}

/// What a customer may use.
pub(super) fn grant(grant: &GrantView, now: Millis) -> Value {
    json!({
        "access": grant.access,
        "url": grant.url,
        "expires_at": grant.expires_at.map(moment),
        "active": is_active(grant, now),
        "session_id": grant.session_id,
        "quantity": grant.quantity,
    })
}

/// Not at its end yet.
pub(super) fn is_active(grant: &GrantView, now: Millis) -> bool {
    grant.expires_at.is_none_or(|at| at > now)
}

/// The words a list may be filtered by.
pub(super) fn statuses() -> String {
    Status::ALL.map(Status::as_str).join(", ")
}

/// `2026-11-05T09:30:00.250Z`; null where no calendar reaches.
pub(super) fn moment(at: Millis) -> Option<String> {
    Timestamp::from_millisecond(at).ok().map(|at| format!("{at:.3}"))
}

fn shipping(shipping: &Shipping) -> Value {
    json!({ "name": shipping.name, "address": shipping.address })
}

fn custom_field(field: &CustomField) -> Value {
    json!({ "key": field.key, "label": field.label, "value": field.value })
}

fn line(line: &Line) -> Value {
    json!({
        "id": line.id,
        "product": line.product,
        "price": line.price,
        "lookup_key": line.lookup_key,
        "description": line.description,
        "quantity": line.quantity,
        "amount_total": line.amount_total,
        "currency": line.currency,
        "metadata": line.metadata,
    })
}

fn effect(effect: &Effect) -> Value {
    json!({
        "kind": effect.kind,
        "line": effect.line,
        "unit": effect.unit,
        "quantity": effect.quantity,
        "status": effect.status,
        "subject": effect.subject,
        "value": effect.value,
        "url": effect.url,
        "expires_at": effect.expires_at.map(moment),
        "held": effect.held,
        "note": effect.note,
    })
}

fn delivery(delivery: &DeliveryView) -> Value {
    json!({
        "kind": delivery.kind,
        "line": delivery.line,
        "owed": delivery.owed,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "due_at": delivery.due_at.map(moment),
        "said": delivery.said,
    })
}

fn told(told: &Told) -> Value {
    json!({ "at": moment(told.at), "what": told.what, "who": told.who })
}

fn event(event: &EventView) -> Value {
    json!({ "id": event.id, "type": event.kind, "received_at": moment(event.received_at) })
}

/// As Stripe has it; an empty object where it has none.
fn metadata(sale: &Sale) -> Value {
    let read = sale.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok());
    read.filter(Value::is_object).unwrap_or_else(|| json!({}))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_utc_with_milliseconds() {
        assert_eq!(moment(1_793_871_000_250).as_deref(), Some("2026-11-05T09:30:00.250Z"));
        assert_eq!(moment(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(moment(i64::MAX), None);
    }
}
