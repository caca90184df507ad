//! Products, prices, customers and discounts.

use serde_json::{Value, json};

use super::{address, metadata, shipping, show};
use crate::state::objects::{Coupon, Customer, Off, Price, Product, PromotionCode};

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
        "custom_unit_amount": null,
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
            "usage_type": "licensed",
        })),
        "tax_behavior": price.tax_behavior,
        "tiers_mode": null,
        "transform_quantity": null,
        "type": if price.recurring.is_some() { "recurring" } else { "one_time" },
        "unit_amount": price.unit_amount,
        "unit_amount_decimal": price.unit_amount.to_string(),
    })
}

pub(crate) fn customer(customer: &Customer) -> Value {
    json!({
        "id": &*customer.id,
        "object": "customer",
        "address": customer.address.as_ref().map(address),
        "balance": 0,
        "created": customer.created,
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": customer.description,
        "discount": null,
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
    })
}

pub(crate) fn coupon(coupon: &Coupon) -> Value {
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
        "max_redemptions": null,
        "metadata": metadata(&coupon.metadata),
        "name": coupon.name,
        "percent_off": percent_off,
        "redeem_by": null,
        "times_redeemed": coupon.times_redeemed,
        "valid": true,
    })
}

pub(crate) fn promotion_code(code: &PromotionCode) -> Value {
    json!({
        "id": &*code.id,
        "object": "promotion_code",
        "active": code.active,
        "code": code.code,
        "created": code.created,
        "customer": null,
        "expires_at": null,
        "livemode": false,
        "max_redemptions": null,
        "metadata": metadata(&code.metadata),
        "promotion": { "coupon": &*code.coupon, "type": "coupon" },
        "restrictions": {
            "first_time_transaction": false,
            "minimum_amount": null,
            "minimum_amount_currency": null,
        },
        "times_redeemed": code.times_redeemed,
    })
}
