//! Subscriptions, their items, and the discounts of customers.

use serde_json::{Value, json};

use super::{View, coupon, list, metadata, price, show, tax_rate};
use crate::state::objects::{Given, Item, MissingMethod, Subscription, SubscriptionStatus};

/// What no subscription of the sandbox has.
const NEVER: [&str; 15] = [
    "application",
    "application_fee_percent",
    "billing_cycle_anchor_config",
    "billing_thresholds",
    "days_until_due",
    "default_source",
    "next_pending_invoice_item_invoice",
    "on_behalf_of",
    "pause_collection",
    "pending_invoice_item_interval",
    "pending_setup_intent",
    "pending_update",
    "schedule",
    "test_clock",
    "transfer_data",
];

pub(crate) fn subscription(row: &Subscription, view: View<'_>) -> Value {
    let data = row.items.iter().map(|item| item_of(item, row, view)).collect();
    let missing = match row.missing_method {
        MissingMethod::Cancel => "cancel",
        MissingMethod::CreateInvoice => "create_invoice",
        MissingMethod::Pause => "pause",
    };
    let mut value = json!({
        "id": &*row.id,
        "object": "subscription",
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_cycle_anchor": row.anchor,
        "billing_mode": { "flexible": null, "type": "flexible" },
        "cancel_at": row.cancels_at_period_end.then_some(row.period.1),
        "cancel_at_period_end": row.cancels_at_period_end,
        "canceled_at": row.canceled_at,
        "cancellation_details": {
            "comment": null,
            "feedback": null,
            "reason": row.canceled_at.map(|_| "cancellation_requested"),
        },
        "collection_method":
            if row.collects_by_invoice { "send_invoice" } else { "charge_automatically" },
        "created": row.created,
        "currency": &*row.currency,
        "customer": &*row.customer,
        "default_payment_method": row.method.as_deref(),
        "default_tax_rates": [],
        "description": row.description,
        "discounts": row.discount.iter().map(|given| &*given.id).collect::<Vec<_>>(),
        "ended_at": row.ended_at,
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "items": list(data, false, &format!("/v1/subscription_items?subscription={}", row.id)),
        "latest_invoice": row.invoice.as_deref(),
        "livemode": false,
        "metadata": metadata(&row.metadata),
        "payment_settings": {
            "payment_method_options": null,
            "payment_method_types": null,
            "save_default_payment_method": "off",
        },
        "start_date": row.created,
        "status": status(row.status),
        "trial_end": row.trial.map(|(_, ends)| ends),
        "trial_settings": { "end_behavior": { "missing_payment_method": missing } },
        "trial_start": row.trial.map(|(begins, _)| begins),
    });
    NEVER.iter().for_each(|name| value[*name] = Value::Null);
    if view.version.shows_billing_schedules() {
        value["billing_schedules"] = json!([]);
    }
    if view.version.shows_customer_account() {
        value["customer_account"] = Value::Null;
    }
    if !view.version.periods_are_items() {
        value["current_period_start"] = row.period.0.into();
        value["current_period_end"] = row.period.1.into();
        value["discount"] = row.discount.as_ref().map(|given| discount(given, view)).into();
    }
    show(&mut value, &row.shown);
    value
}

pub(crate) fn status(status: SubscriptionStatus) -> &'static str {
    match status {
        SubscriptionStatus::Active => "active",
        SubscriptionStatus::Canceled => "canceled",
        SubscriptionStatus::Incomplete => "incomplete",
        SubscriptionStatus::Paused => "paused",
        SubscriptionStatus::Trialing => "trialing",
    }
}

fn item_of(item: &Item, row: &Subscription, view: View<'_>) -> Value {
    let mut value = json!({
        "id": &*item.id,
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": item.created,
        "discounts": [],
        "metadata": metadata(&item.metadata),
        "price": price(&item.price),
        "quantity": item.quantity,
        "subscription": &*row.id,
        "tax_rates": item.tax_rates.iter().map(|rate| tax_rate(rate)).collect::<Vec<_>>(),
    });
    if view.version.periods_are_items() {
        value["current_period_start"] = row.period.0.into();
        value["current_period_end"] = row.period.1.into();
    }
    value
}

/// A customer's or a subscription's discount.
pub(crate) fn discount(given: &Given, view: View<'_>) -> Value {
    let mut value = json!({
        "id": &*given.id,
        "object": "discount",
        "checkout_session": null,
        "customer": &*given.customer,
        "end": given.end,
        "invoice": null,
        "invoice_item": null,
        "promotion_code": given.promotion_code.as_deref(),
        "start": given.start,
        "subscription": given.subscription.as_deref(),
        "subscription_item": null,
    });
    if view.version.shows_customer_account() {
        value["customer_account"] = Value::Null;
    }
    if view.version.discount_has_source() {
        value["source"] = json!({ "coupon": &*given.coupon.id, "type": "coupon" });
    } else {
        value["coupon"] = coupon(&given.coupon, given.start);
    }
    value
}
