//! Checkout Sessions, their lines, and Payment Links.

use serde_json::{Value, json};

use super::{
    View, address, list, metadata, price, show,
    terms::{
        custom_fields, invoice_creation, name_collection, no_custom_text, optional_items,
        shipping_options, tax_id_collection,
    },
};
use crate::{
    state::{
        State,
        objects::{Ask, Discount, Line, Mode, PaymentStatus, Session, Status, UiMode},
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

/// How long an expired session can be taken up again.
pub(crate) const RECOVERY_LASTS_S: i64 = 30 * 24 * 60 * 60;

pub(crate) fn session(session: &Session, view: View<'_>) -> Value {
    let mut value = order(session);
    add(&mut value, buyer(session, view));
    add(&mut value, payment(session, view));
    show(&mut value, &session.terms.shown);
    moved(&mut value, session, view.version);
    value
}

/// What is bought.
fn order(session: &Session) -> Value {
    let terms = &session.terms;
    let has_money = terms.mode != Mode::Setup;
    json!({
        "id": &*session.id,
        "object": "checkout.session",
        "adaptive_pricing": { "enabled": false },
        "allow_promotion_codes": terms.promotion_codes.then_some(true),
        "amount_subtotal": has_money.then(|| session.subtotal()),
        "amount_total": has_money.then(|| session.total()),
        "automatic_tax": automatic_tax(session),
        "cancel_url": terms.cancel_url,
        "client_reference_id": session.client_reference_id,
        "client_secret": null,
        "created": session.created,
        "currency": terms.currency.as_deref(),
        "discounts": discounts(session.discount.as_ref()),
        "expires_at": session.expires_at,
        "integration_identifier": null,
        "invoice": session.invoice.as_deref(),
        "invoice_creation": (terms.mode == Mode::Payment).then(invoice_creation),
        "livemode": false,
        "locale": terms.locale,
        "metadata": metadata(&session.metadata),
        "mode": mode(terms.mode),
        "optional_items": optional_items(&session.optional),
        "shipping_cost": session.shipping_cost.as_ref().map(|cost| json!({
            "amount_subtotal": cost.amount,
            "amount_tax": 0,
            "amount_total": cost.amount,
            "shipping_rate": &*cost.rate,
        })),
        "shipping_options": shipping_options(terms),
        "total_details": has_money.then(|| json!({
            "amount_discount": session.discounted(),
            "amount_shipping": session.shipped(),
            "amount_tax": session.taxed(),
        })),
    })
}

/// Where taxes fall due is known when the buyer has said from where; until then they are asked for.
fn automatic_tax(session: &Session) -> Value {
    if !session.terms.automatic_tax {
        return json!({ "enabled": false, "liability": null, "provider": null, "status": null });
    }
    let placed = session.status == Status::Complete;
    json!({
        "enabled": true,
        "liability": { "type": "self" },
        "provider": "stripe",
        "status": if placed { "complete" } else { "requires_location_inputs" },
    })
}

/// Who buys, and what the buyer is asked for.
fn buyer(session: &Session, view: View<'_>) -> Value {
    let terms = &session.terms;
    let creation = if terms.always_customer { "always" } else { "if_required" };
    let creates = terms.mode != Mode::Subscription && session.customer.is_none();
    let billing = if terms.billing_address { "required" } else { "auto" };
    let mut value = json!({
        "after_expiration": after_expiration(session, view.base),
        "billing_address_collection": terms.billing_address.then_some(billing),
        "collected_information": null,
        "consent": consent(session),
        "consent_collection": null,
        "custom_fields": custom_fields(&terms.custom_fields, Some(&session.answers)),
        "custom_text": no_custom_text(),
        "customer": session.customer.as_deref(),
        "customer_creation": creates.then_some(creation),
        "customer_details": customer_details(session),
        "customer_email": session.customer_email,
        "phone_number_collection": { "enabled": terms.phone },
        "shipping_address_collection": terms.ships_to.as_ref()
            .map(|countries| json!({ "allowed_countries": countries })),
    });
    if let Some(names) = name_collection(terms) {
        value["name_collection"] = names;
    }
    if terms.tax_id != Ask::No {
        value["tax_id_collection"] = tax_id_collection(terms.tax_id);
    }
    value
}

/// How it is paid, and how far that has come.
fn payment(session: &Session, view: View<'_>) -> Value {
    let terms = &session.terms;
    let collection = match terms.mode {
        Mode::Payment => "if_required",
        Mode::Subscription if terms.method_if_required => "if_required",
        Mode::Subscription | Mode::Setup => "always",
    };
    json!({
        "origin_context": null,
        "payment_intent": session.intent.as_deref(),
        "payment_link": session.link.as_deref(),
        "payment_method_collection": collection,
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": terms.methods,
        "payment_status": match session.payment_status {
            PaymentStatus::Paid => "paid",
            PaymentStatus::Unpaid => "unpaid",
            PaymentStatus::NoPaymentRequired => "no_payment_required",
        },
        "permissions": null,
        "recovered_from": session.recovered_from.as_deref(),
        "saved_payment_method_options": null,
        "setup_intent": session.setup_intent.as_deref(),
        "status": match session.status {
            Status::Open => "open",
            Status::Complete => "complete",
            Status::Expired => "expired",
        },
        "submit_type": terms.submit_type,
        "subscription": session.subscription.as_deref(),
        "success_url": terms.success_url,
        "ui_mode": ui_mode(terms.ui_mode, view.version),
        "url": (session.status == Status::Open && terms.ui_mode == UiMode::Hosted)
            .then(|| page_url(view.base, &session.id)),
        "wallet_options": null,
    })
}

fn after_expiration(session: &Session, base: &str) -> Value {
    let Some(promotion_codes) = session.terms.recovery else { return Value::Null };
    let expired = session.status == Status::Expired;
    json!({
        "recovery": {
            "allow_promotion_codes": promotion_codes,
            "enabled": true,
            "expires_at": expired.then(|| session.expires_at.saturating_add(RECOVERY_LASTS_S)),
            "url": expired.then(|| format!("{base}/c/recover/{}", session.id)),
        },
    })
}

fn consent(session: &Session) -> Value {
    let terms = &session.terms;
    let asked = terms.promotions || terms.terms_of_service;
    if !asked || session.status != Status::Complete {
        return Value::Null;
    }
    let answers = &session.answers;
    let news = if answers.wants_promotions { "opt_in" } else { "opt_out" };
    json!({
        "promotions": terms.promotions.then_some(news),
        "terms_of_service": (terms.terms_of_service && answers.accepts_terms).then_some("accepted"),
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
    if version.shows_currency_conversion() {
        value["currency_conversion"] = Value::Null;
    }
    if version.shows_customer_account() {
        value["customer_account"] = session.customer_account.as_deref().into();
    }
    if version.shows_allowed_methods() {
        value["allowed_payment_method_types"] = json!(session.terms.allowed_methods);
    }
    match version.shipping_place() {
        ShippingPlace::CollectedInformation => {
            if session.buyer.is_some() || shipping.is_some() {
                value["collected_information"] = json!({
                    "business_name": session.answers.business_name,
                    "individual_name": session.answers.individual_name,
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
            value["redirect_on_completion"] = session.terms.redirects.unwrap_or("always").into();
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
        "business_name": session.answers.business_name,
        "email": email,
        "individual_name": session.answers.individual_name,
        "name": name,
        "phone": phone,
        "tax_exempt": "none",
        "tax_ids": session.buyer.as_ref().map(|_| tax_ids(session)),
    })
}

fn tax_ids(session: &Session) -> Vec<Value> {
    let tax_id = session.answers.tax_id.iter();
    tax_id.map(|(kind, value)| json!({ "type": kind, "value": value })).collect()
}

fn discounts(discount: Option<&Discount>) -> Value {
    let Some(discount) = discount else { return json!([]) };
    json!([{ "coupon": &*discount.coupon, "promotion_code": discount.promotion_code.as_deref() }])
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
        "amount_tax": line.tax(),
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
