//! Discounts as objects: what took how much off a session or a line.

use serde_json::{Value, json};

use super::{View, coupon, tax::taxes};
use crate::state::{
    State,
    objects::{Discount, Session},
    taxes::by_rate,
};

/// What `total_details.breakdown` of a session expands to.
pub(super) fn breakdown(session: &Session, state: &State, view: View<'_>) -> Value {
    let discounts = amounts(session, session.discounted(), state, view);
    json!({ "discounts": discounts, "taxes": taxes(&by_rate(&session.lines), state) })
}

/// What `discounts` of a line expands to; `amount` is what the line is cheaper.
pub(super) fn amounts(session: &Session, amount: i64, state: &State, view: View<'_>) -> Value {
    let given = session.discount.iter().filter(|_| amount > 0);
    given
        .map(|given| json!({ "amount": amount, "discount": discount(session, given, state, view) }))
        .collect()
}

fn discount(session: &Session, discount: &Discount, state: &State, view: View<'_>) -> Value {
    let number = &session.id[session.id.len().saturating_sub(24)..];
    let mut value = json!({
        "id": format!("di_{number}"),
        "object": "discount",
        "checkout_session": &*session.id,
        "customer": session.customer.as_deref(),
        "end": null,
        "invoice": session.invoice.as_deref(),
        "invoice_item": null,
        "promotion_code": discount.promotion_code.as_deref(),
        "start": session.created,
        "subscription": session.subscription.as_deref(),
        "subscription_item": null,
    });
    if view.version.shows_customer_account() {
        value["customer_account"] = session.customer_account.as_deref().into();
    }
    if view.version.discount_has_source() {
        value["source"] = json!({ "coupon": &*discount.coupon, "type": "coupon" });
    } else {
        let whole = state.coupons.get(&discount.coupon).map(|found| coupon(found, state.now()));
        value["coupon"] = whole.unwrap_or(Value::Null);
    }
    value
}
