//! Products, prices, customers and discounts.

use serde_json::{Value, json};

use super::{View, address, metadata, shipping, show, subscription::discount};
use crate::state::objects::{
    Bound, Coupon, CurrencyAmount, Customer, FRACTION, Off, Price, Product, PromotionCode,
    ShippingRate, Transform,
};

pub(crate) fn product(product: &Product) -> Value {
    let mut value = json!({
        "id": &*product.id,
        "object": "product",
        "active": product.active,
        "created": product.created,
        "default_price": product.default_price.as_deref(),
        "description": product.description,
        "images": product.images,
        "livemode": false,
        "marketing_features": [],
        "metadata": metadata(&product.metadata),
        "name": product.name,
        "package_dimensions": null,
        "shippable": null,
        "statement_descriptor": null,
        "tax_code": null,
        "type": "service",
        "unit_label": null,
        "updated": product.updated,
        "url": null,
    });
    show(&mut value, &product.shown);
    value
}

pub(crate) fn price(price: &Price) -> Value {
    json!({
        "id": &*price.id,
        "object": "price",
        "active": price.active,
        "billing_scheme": "per_unit",
        "created": price.created,
        "currency": &*price.currency,
        "custom_unit_amount": price.custom.map(|custom| json!({
            "maximum": custom.maximum,
            "minimum": custom.minimum,
            "preset": custom.preset,
        })),
        "livemode": false,
        "lookup_key": price.lookup_key,
        "metadata": metadata(&price.metadata),
        "nickname": price.nickname,
        "product": &*price.product,
        "recurring": price.recurring.map(|recurring| json!({
            "interval": recurring.interval,
            "interval_count": recurring.count,
            "meter": null,
            "trial_period_days": null,
            "usage_type": recurring.usage,
        })),
        "tax_behavior": price.tax_behavior,
        "tiers_mode": null,
        "transform_quantity": price.transform.map(transform),
        "type": if price.recurring.is_some() { "recurring" } else { "one_time" },
        "unit_amount": (price.custom.is_none() && price.fraction == 0).then_some(price.unit_amount),
        "unit_amount_decimal": price.custom.is_none().then(|| decimal(price)),
    })
}

/// A price that recurs, in its older shape.
pub(crate) fn plan(price: &Price) -> Value {
    let recurring = price.recurring;
    let whole = price.custom.is_none() && price.fraction == 0;
    json!({
        "id": &*price.id,
        "object": "plan",
        "active": price.active,
        "amount": whole.then_some(price.unit_amount),
        "amount_decimal": decimal(price),
        "billing_scheme": "per_unit",
        "created": price.created,
        "currency": &*price.currency,
        "interval": recurring.map(|every| every.interval),
        "interval_count": recurring.map(|every| every.count),
        "livemode": false,
        "metadata": metadata(&price.metadata),
        "meter": null,
        "nickname": price.nickname,
        "product": &*price.product,
        "tiers_mode": null,
        "transform_usage": price.transform.map(transform),
        "trial_period_days": null,
        "usage_type": recurring.map(|every| every.usage),
    })
}

fn transform(transform: Transform) -> Value {
    json!({
        "divide_by": transform.divide_by,
        "round": if transform.round_up { "up" } else { "down" },
    })
}

/// `12.5`
fn decimal(price: &Price) -> String {
    let text = format!("{}.{:012}", price.unit_amount, i128::from(price.fraction) % FRACTION);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What `currency_options` of a price expands to.
pub(crate) fn price_options(price: &Price) -> Value {
    let own = CurrencyAmount {
        currency: price.currency.clone(),
        amount: price.unit_amount,
        tax_behavior: price.tax_behavior,
    };
    let options = std::iter::once(&own).chain(&price.options).map(|option| {
        let value = json!({
            "custom_unit_amount": null,
            "tax_behavior": option.tax_behavior,
            "unit_amount": option.amount,
            "unit_amount_decimal": option.amount.to_string(),
        });
        (option.currency.to_string(), value)
    });
    Value::Object(options.collect())
}

/// What `currency_options` of something else expands to.
pub(crate) fn options(options: &[CurrencyAmount], member: &str) -> Value {
    let options = options
        .iter()
        .map(|option| (option.currency.to_string(), json!({ (member): option.amount })));
    Value::Object(options.collect())
}

pub(crate) fn shipping_rate(rate: &ShippingRate) -> Value {
    let bound = |bound: Option<Bound>| {
        bound.map(|bound| json!({ "unit": bound.unit, "value": bound.value }))
    };
    let estimate = (rate.fastest.is_some() || rate.slowest.is_some())
        .then(|| json!({ "maximum": bound(rate.slowest), "minimum": bound(rate.fastest) }));
    let mut fixed = json!({ "amount": rate.amount, "currency": &*rate.currency });
    if !rate.options.is_empty() {
        let options = rate.options.iter().map(|option| {
            let value = json!({ "amount": option.amount, "tax_behavior": option.tax_behavior });
            (option.currency.to_string(), value)
        });
        fixed["currency_options"] = Value::Object(options.collect());
    }
    json!({
        "id": &*rate.id,
        "object": "shipping_rate",
        "active": rate.active,
        "created": rate.created,
        "delivery_estimate": estimate,
        "display_name": rate.name,
        "fixed_amount": fixed,
        "livemode": false,
        "metadata": metadata(&rate.metadata),
        "tax_behavior": rate.tax_behavior,
        "tax_code": rate.tax_code,
        "type": "fixed_amount",
    })
}

pub(crate) fn customer(customer: &Customer, view: View<'_>) -> Value {
    let mut value = json!({
        "id": &*customer.id,
        "object": "customer",
        "address": customer.address.as_ref().map(address),
        "balance": 0,
        "created": customer.created,
        "currency": null,
        "default_source": customer.default_source.as_deref(),
        "delinquent": false,
        "description": customer.description,
        "discount": customer.discount.as_ref().map(|given| discount(given, view)),
        "email": customer.email,
        "invoice_prefix": customer.id[customer.id.len().saturating_sub(8)..].to_uppercase(),
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": metadata(&customer.metadata),
        "name": customer.name,
        "next_invoice_sequence": 1,
        "phone": customer.phone,
        "preferred_locales": customer.preferred_locales,
        "shipping": customer.shipping.as_ref().map(shipping),
        "tax_exempt": "none",
        "test_clock": null,
    });
    show(&mut value, &customer.shown);
    value
}

pub(crate) fn coupon(coupon: &Coupon, now: i64) -> Value {
    let (percent_off, amount_off, currency) = match &coupon.off {
        Off::Percent(percent) => (Some(*percent), None, None),
        Off::Amount { amount, currency } => (None, Some(*amount), Some(&**currency)),
    };
    json!({
        "id": &*coupon.id,
        "object": "coupon",
        "amount_off": amount_off,
        "created": coupon.created,
        "currency": currency,
        "duration": coupon.duration,
        "duration_in_months": coupon.duration_in_months,
        "livemode": false,
        "max_redemptions": coupon.redemptions_max,
        "metadata": metadata(&coupon.metadata),
        "name": coupon.name,
        "percent_off": percent_off,
        "redeem_by": coupon.redeem_by,
        "times_redeemed": coupon.times_redeemed,
        "valid": coupon.is_valid(now),
    })
}

/// A promotion code; `of` is its coupon, which older versions show whole.
pub(crate) fn promotion_code(
    code: &PromotionCode,
    of: Option<&Coupon>,
    view: View<'_>,
    now: i64,
) -> Value {
    let least = code.minimum.first();
    let mut restrictions = json!({
        "first_time_transaction": code.first_time,
        "minimum_amount": least.map(|least| least.amount),
        "minimum_amount_currency": least.map(|least| &*least.currency),
    });
    if let [_, more @ ..] = &code.minimum[..]
        && !more.is_empty()
    {
        restrictions["currency_options"] = options(more, "minimum_amount");
    }
    let alive = code.active
        && code.expires_at.is_none_or(|at| at > now)
        && code.redemptions_max.is_none_or(|most| code.times_redeemed < most);
    let mut value = json!({
        "id": &*code.id,
        "object": "promotion_code",
        "active": alive,
        "code": code.code,
        "created": code.created,
        "customer": code.customer.as_deref(),
        "expires_at": code.expires_at,
        "livemode": false,
        "max_redemptions": code.redemptions_max,
        "metadata": metadata(&code.metadata),
        "restrictions": restrictions,
        "times_redeemed": code.times_redeemed,
    });
    if view.version.discount_has_source() {
        value["promotion"] = json!({ "coupon": &*code.coupon, "type": "coupon" });
    } else {
        let whole = of.map(|of| coupon(of, now));
        value["coupon"] = whole.unwrap_or_else(|| code.coupon.as_ref().into());
    }
    value
}
