//! Objects in the shape of an API version.

mod catalog;
mod discount;
pub(crate) mod event;
pub(crate) mod expand;
mod link;
mod method;
mod payment;
mod refund;
mod session;
mod subscription;
mod tax;
mod terms;

use serde_json::{Map, Value, json};

pub(crate) use self::{
    catalog::{
        coupon, customer, options, plan, price, price_options, product, promotion_code,
        shipping_rate,
    },
    link::link,
    method::{payment_method, source},
    payment::{charge, client_secret, digits, intent, setup_intent, status},
    refund::{EVIDENCE, balance_transaction, dispute, refund},
    session::{RECOVERY_LASTS_S, line, line_list, session},
    subscription::{discount as given, status as subscription_status, subscription},
    tax::tax_rate,
    terms::no_invoice_data,
};
use crate::{
    state::objects::{Address, Metadata, Shipping, Snapshot},
    version::Version,
};

/// For whom something is rendered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) version: &'a Version,
    /// Where the sandbox's pages are.
    pub(crate) base: &'a str,
}

/// An object as it was, in a version's shape.
pub(crate) fn snapshot(object: &Snapshot, view: View<'_>, now: i64) -> Value {
    match object {
        Snapshot::Product(object) => product(object),
        Snapshot::Price(object) => price(object),
        Snapshot::Plan(object) => plan(object),
        Snapshot::Discount(object) => given(object, view),
        Snapshot::Subscription(object) => subscription(object, view),
        Snapshot::Customer(object) => customer(object, view),
        Snapshot::TaxRate(object) => tax_rate(object),
        Snapshot::Coupon(object) => coupon(object, now),
        Snapshot::PromotionCode(object, of) => promotion_code(object, Some(of), view, now),
        Snapshot::Session(object) => session(object, view),
        Snapshot::Link(object) => link(object, view),
        Snapshot::Intent(object) => intent(object, view),
        Snapshot::Destination(object) => event::destination(object),
        Snapshot::Charge(object) => charge(object),
        Snapshot::Method(object) => payment_method(object),
        Snapshot::Source(object) => source(object),
        Snapshot::Setup(object) => setup_intent(object, view),
        Snapshot::Refund(object) => refund(object),
        Snapshot::Dispute(object) => dispute(object),
    }
}

fn metadata(pairs: &Metadata) -> Value {
    Value::Object(pairs.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect())
}

fn address(address: &Address) -> Value {
    json!({
        "city": address.city,
        "country": address.country,
        "line1": address.line1,
        "line2": address.line2,
        "postal_code": address.postal_code,
        "state": address.state,
    })
}

/// Shipping as customers, intents and charges show it.
fn shipping(shipping: &Shipping) -> Value {
    json!({
        "address": address(&shipping.address),
        "carrier": shipping.carrier,
        "name": shipping.name,
        "phone": shipping.phone,
        "tracking_number": shipping.tracking_number,
    })
}

/// What is left of an object that was deleted.
pub(crate) fn deleted(kind: &str, id: &str) -> Value {
    json!({ "id": id, "object": kind, "deleted": true })
}

/// A list as the API answers it.
pub(crate) fn list(data: Vec<Value>, has_more: bool, url: &str) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}

/// Adds or replaces members that are shown as they were given.
fn show(value: &mut Value, shown: &Map<String, Value>) {
    if let Value::Object(members) = value {
        for (name, value) in shown {
            members.insert(name.clone(), value.clone());
        }
    }
}
