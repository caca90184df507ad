//! Checkout Sessions, their lines, and Payment Links.

use serde_json::{Value, json};

use super::{View, address, list, metadata, price, show};
use crate::{
    state::{
        State,
        objects::{Discount, Line, Mode, PaymentLink, PaymentStatus, Session, Status, UiMode},
    },
    version::{ShippingPlace, Version},
};

/// Lines that an expanded list embeds; further ones have to be asked for.
const EMBEDDED_LINES: usize = 10;

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Payment => "payment",
        Mode::Subscription => "subscription",
        Mode::Setup => "setup",
    }
}

fn ui_mode(mode: UiMode, version: &Version) -> &'static str {
    match (mode, version.ui_mode_says_page()) {
        (UiMode::Hosted, true) => "hosted_page",
        (UiMode::Hosted, false) => "hosted",
        (UiMode::Embedded, true) => "embedded_page",
        (UiMode::Embedded, false) => "embedded",
        (UiMode::Custom, true) => "elements",
        (UiMode::Custom, false) => "custom",
    }
}

pub(crate) fn session(session: &Session, view: View<'_>) -> Value {
    let mut value = order(session);
    add(&mut value, payment(session, view));
    show(&mut value, &session.terms.shown);
    moved(&mut value, session, view.version);
    value
}

/// What is bought, by whom.
fn order(session: &Session) -> Value {
    let terms = &session.terms;
    let has_money = terms.mode != Mode::Setup;
    json!({
        "id": &*session.id,
        "object": "checkout.session",
        "adaptive_pricing": { "enabled": false },
        "after_expiration": null,
        "allow_promotion_codes": terms.promotion_codes.then_some(true),
        "amount_subtotal": has_money.then(|| session.subtotal()),
        "amount_total": has_money.then(|| session.total()),
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": null,
        "cancel_url": terms.cancel_url,
        "client_reference_id": session.client_reference_id,
        "client_secret": null,
        "collected_information": null,
        "consent": null,
        "consent_collection": null,
        "created": session.created,
        "currency": has_money.then(|| session.currency()),
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null,
            "shipping_address": null,
            "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer": session.customer.as_deref(),
        "customer_creation": (terms.mode == Mode::Payment)
            .then_some(if terms.always_customer { "always" } else { "if_required" }),
        "customer_details": customer_details(session),
        "customer_email": session.customer_email,
        "discounts": discounts(session.discount.as_ref()),
        "expires_at": session.expires_at,
        "invoice": session.invoice.as_deref(),
        "invoice_creation": (terms.mode == Mode::Payment).then(invoice_creation),
        "livemode": false,
        "locale": terms.locale,
        "metadata": metadata(&session.metadata),
        "mode": mode(terms.mode),
    })
}

/// How it is paid, and how far that has come.
fn payment(session: &Session, view: View<'_>) -> Value {
    let terms = &session.terms;
    json!({
        "origin_context": null,
        "payment_intent": session.intent.as_deref(),
        "payment_link": session.link.as_deref(),
        "payment_method_collection": if terms.mode == Mode::Payment { "if_required" } else { "always" },
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": terms.methods,
        "payment_status": match session.payment_status {
            PaymentStatus::Paid => "paid",
            PaymentStatus::Unpaid => "unpaid",
            PaymentStatus::NoPaymentRequired => "no_payment_required",
        },
        "permissions": null,
        "phone_number_collection": { "enabled": terms.phone },
        "recovered_from": null,
        "saved_payment_method_options": null,
        "setup_intent": session.setup_intent.as_deref(),
        "shipping_address_collection": terms.ships_to.as_ref()
            .map(|countries| json!({ "allowed_countries": countries })),
        "shipping_cost": null,
        "shipping_options": [],
        "status": match session.status {
            Status::Open => "open",
            Status::Complete => "complete",
            Status::Expired => "expired",
        },
        "submit_type": null,
        "subscription": session.subscription.as_deref(),
        "success_url": terms.success_url,
        "total_details": (terms.mode != Mode::Setup).then(|| json!({
            "amount_discount": session.discounted(),
            "amount_shipping": 0,
            "amount_tax": 0,
        })),
        "ui_mode": ui_mode(terms.ui_mode, view.version),
        "url": (session.status == Status::Open && terms.ui_mode == UiMode::Hosted)
            .then(|| page_url(view.base, &session.id)),
        "wallet_options": null,
    })
}

/// Where a session is paid.
fn page_url(base: &str, session: &str) -> String {
    format!("{base}/c/pay/{session}")
}

/// What stands elsewhere in another version.
fn moved(value: &mut Value, session: &Session, version: &Version) {
    let shipping = session
        .shipping
        .as_ref()
        .map(|shipping| json!({ "address": address(&shipping.address), "name": shipping.name }));
    if let Some(seen) = &session.presentment {
        value["presentment_details"] = json!({
            "presentment_amount": seen.amount,
            "presentment_currency": seen.currency,
        });
    }
    match version.shipping_place() {
        ShippingPlace::CollectedInformation => {
            if session.buyer.is_some() {
                value["collected_information"] = json!({
                    "business_name": null,
                    "individual_name": null,
                    "shipping_details": shipping,
                });
            }
        }
        ShippingPlace::ShippingDetails => value["shipping_details"] = shipping.into(),
        ShippingPlace::Shipping => value["shipping"] = shipping.into(),
    }
    match (session.terms.ui_mode, &session.terms.return_url) {
        (UiMode::Hosted, _) => {}
        (_, url) => {
            value["return_url"] = url.as_deref().into();
            value["redirect_on_completion"] = if url.is_some() { "always" } else { "never" }.into();
            value["client_secret"] = format!("{}_secret_fidwbEhqYWAn", session.id).into();
        }
    }
}

fn add(value: &mut Value, rest: Value) {
    if let (Value::Object(members), Value::Object(rest)) = (value, rest) {
        members.extend(rest);
    }
}

fn customer_details(session: &Session) -> Value {
    let (email, name, phone, place) = match &session.buyer {
        Some(buyer) => (&buyer.email, &buyer.name, &buyer.phone, Some(address(&buyer.address))),
        None if session.customer_email.is_some() => (&session.customer_email, &None, &None, None),
        None => return Value::Null,
    };
    json!({
        "address": place,
        "business_name": null,
        "email": email,
        "individual_name": null,
        "name": name,
        "phone": phone,
        "tax_exempt": "none",
        "tax_ids": if session.buyer.is_some() { json!([]) } else { Value::Null },
    })
}

fn discounts(discount: Option<&Discount>) -> Value {
    let Some(discount) = discount else { return json!([]) };
    json!([{ "coupon": &*discount.coupon, "promotion_code": discount.promotion_code.as_deref() }])
}

fn invoice_creation() -> Value {
    json!({
        "enabled": false,
        "invoice_data": {
            "account_tax_ids": null,
            "custom_fields": null,
            "description": null,
            "footer": null,
            "issuer": null,
            "metadata": {},
            "rendering_options": null,
        },
    })
}

/// One line. The price stands in it whole, its product as an id.
pub(crate) fn line(line: &Line, currency: &str, state: &State) -> Value {
    json!({
        "id": &*line.id,
        "object": "item",
        "adjustable_quantity": line.adjustable.map(|range| json!({
            "enabled": true,
            "maximum": range.maximum,
            "minimum": range.minimum,
        })),
        "amount_discount": line.discount,
        "amount_subtotal": line.subtotal(),
        "amount_tax": 0,
        "amount_total": line.total(),
        "currency": currency,
        "description": line.description,
        "metadata": metadata(&line.metadata),
        "price": state.prices.get(&line.price).map(|found| price(found)),
        "quantity": line.quantity,
    })
}

/// The list that an object embeds when its lines are expanded.
pub(crate) fn line_list(lines: &[Line], currency: &str, url: &str, state: &State) -> Value {
    let data = lines.iter().take(EMBEDDED_LINES).map(|one| line(one, currency, state)).collect();
    list(data, lines.len() > EMBEDDED_LINES, url)
}

pub(crate) fn link(link: &PaymentLink, view: View<'_>) -> Value {
    let terms = &link.terms;
    let mut value = json!({
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
        "automatic_tax": { "enabled": false, "liability": null },
        "billing_address_collection": "auto",
        "consent_collection": null,
        "currency": terms.currency.as_deref(),
        "custom_fields": [],
        "custom_text": {
            "after_submit": null,
            "shipping_address": null,
            "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer_creation": if terms.always_customer { "always" } else { "if_required" },
        "inactive_message": null,
        "invoice_creation": invoice_creation(),
        "livemode": false,
        "metadata": metadata(&link.metadata),
        "on_behalf_of": null,
        "payment_intent_data": null,
        "payment_method_collection": "always",
        "payment_method_types": null,
        "phone_number_collection": { "enabled": terms.phone },
        "restrictions": null,
        "shipping_address_collection": terms.ships_to.as_ref()
            .map(|countries| json!({ "allowed_countries": countries })),
        "shipping_options": [],
        "submit_type": "auto",
        "subscription_data": null,
        "tax_id_collection": { "enabled": false, "required": "never" },
        "transfer_data": null,
        "url": format!("{}/l/{}", view.base, link.slug),
    });
    show(&mut value, &terms.shown);
    value
}
