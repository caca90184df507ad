//! Events: whole snapshots, and thin ones.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{View, snapshot};
use crate::{
    calendar,
    state::objects::{Endpoint, Event, Snapshot},
    version::NEWEST,
};

/// A snapshot event, in the version's shape.
pub(crate) fn event(event: &Event, view: View<'_>) -> Value {
    json!({
        "id": &*event.id,
        "object": "event",
        "api_version": &*view.version.name,
        "created": event.created,
        "data": { "object": snapshot(&event.object, view, event.created) },
        "livemode": false,
        "pending_webhooks": event.pending(),
        "request": {
            "id": event.request.as_deref(),
            "idempotency_key": event.idempotency_key.as_deref(),
        },
        "type": event.kind,
    })
}

/// The thin event for the same notification.
pub(crate) fn thin(event: &Event) -> Value {
    let (kind, id, url) = related(&event.object);
    json!({
        "id": &*event.thin_id,
        "object": "v2.core.event",
        "type": thin_type(event.kind),
        "context": null,
        "created": rfc3339(event.created_ms),
        "livemode": false,
        "reason": event.request.as_deref().map(|id| json!({
            "type": "request",
            "request": {
                "id": id,
                "idempotency_key": event.idempotency_key.as_deref().unwrap_or_default(),
            },
        })),
        "related_object": { "id": id, "type": kind, "url": url },
        "snapshot_event": (!event.is_v2()).then_some(&*event.id),
    })
}

fn thin_type(kind: &str) -> Cow<'_, str> {
    if kind.starts_with("v2.") { kind.into() } else { format!("v1.{kind}").into() }
}

/// An event destination, without what is shown only on request.
pub(crate) fn destination(endpoint: &Endpoint) -> Value {
    let created = rfc3339(endpoint.created * 1000);
    json!({
        "id": &*endpoint.id,
        "object": "v2.core.event_destination",
        "created": created,
        "description": endpoint.description.as_deref().unwrap_or_default(),
        "enabled_events": endpoint.events,
        "event_payload": if endpoint.thin { "thin" } else { "snapshot" },
        "events_from": ["@self"],
        "livemode": false,
        "metadata": super::metadata(&endpoint.metadata),
        "name": endpoint.name,
        "snapshot_api_version": match &endpoint.version {
            _ if endpoint.thin => None,
            Some(version) => Some(&*version.name),
            None => Some(NEWEST),
        },
        "status": if endpoint.enabled { "enabled" } else { "disabled" },
        "status_details": if endpoint.enabled {
            Value::Null
        } else {
            json!({ "disabled": { "reason": "user" } })
        },
        "type": "webhook_endpoint",
        "updated": created,
    })
}

/// The id of the object that an event is about.
pub(crate) fn related_id(event: &Event) -> &str {
    related(&event.object).1
}

fn related(object: &Snapshot) -> (&'static str, &str, String) {
    let (kind, id, path) = match object {
        Snapshot::Product(row) => ("product", &row.id, "products"),
        Snapshot::Price(row) => ("price", &row.id, "prices"),
        Snapshot::Plan(row) => ("plan", &row.id, "plans"),
        Snapshot::Discount(row) => {
            return ("discount", &row.id, format!("/v1/customers/{}/discount", row.customer));
        }
        Snapshot::Subscription(row) => ("subscription", &row.id, "subscriptions"),
        Snapshot::Customer(row) => ("customer", &row.id, "customers"),
        Snapshot::Coupon(row) => ("coupon", &row.id, "coupons"),
        Snapshot::TaxRate(row) => ("tax_rate", &row.id, "tax_rates"),
        Snapshot::PromotionCode(row, _) => ("promotion_code", &row.id, "promotion_codes"),
        Snapshot::Session(row) => ("checkout.session", &row.id, "checkout/sessions"),
        Snapshot::Link(row) => ("payment_link", &row.id, "payment_links"),
        Snapshot::Destination(row) => {
            let url = format!("/v2/core/event_destinations/{}", row.id);
            return ("v2.core.event_destination", &row.id, url);
        }
        Snapshot::Intent(row) => ("payment_intent", &row.id, "payment_intents"),
        Snapshot::Charge(row) => ("charge", &row.id, "charges"),
        Snapshot::Method(row) => ("payment_method", &row.id, "payment_methods"),
        Snapshot::Source(row) => {
            let customer = row.customer.as_deref().unwrap_or_default();
            return ("card", &row.id, format!("/v1/customers/{customer}/sources/{}", row.id));
        }
        Snapshot::Setup(row) => ("setup_intent", &row.id, "setup_intents"),
        Snapshot::Refund(row) => ("refund", &row.id, "refunds"),
        Snapshot::Dispute(row) => ("dispute", &row.id, "disputes"),
    };
    (kind, id, format!("/v1/{path}/{id}"))
}

/// `2026-11-03T10:20:30.123Z`.
pub(crate) fn rfc3339(at_ms: i64) -> String {
    let ms = at_ms.rem_euclid(86_400_000);
    let (year, month, day) = calendar::date(at_ms.div_euclid(1_000));
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn a_time_is_written_as_thin_events_write_it() {
        for (at_ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_793_701_230_005, "2026-11-03T10:20:30.005Z"),
        ] {
            assert_eq!(rfc3339(at_ms), expected);
        }
    }
}
