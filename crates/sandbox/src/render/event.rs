//! Events: whole snapshots, and thin ones.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{View, snapshot};
use crate::{
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
        "created": rfc3339(event.created_ms),
        "livemode": false,
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
        Snapshot::Customer(row) => ("customer", &row.id, "customers"),
        Snapshot::Coupon(row) => ("coupon", &row.id, "coupons"),
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

/// `2026-11-03T10:20:30.123Z`. Days to dates by Howard Hinnant's `civil_from_days`.
pub(crate) fn rfc3339(at_ms: i64) -> String {
    let (days, ms) = (at_ms.div_euclid(86_400_000), at_ms.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
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
