//! `/v1/customers`.

use std::sync::Arc;

use super::{
    Call, discounts,
    list::Paging,
    metadata,
    payments::{methods, sources},
    shape::{self, Member, Shape},
};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    ids::Id,
    payments, render,
    state::{
        State,
        objects::{Address, Customer, Given, Metadata, PaymentMethod, Shipping, Shown, Snapshot},
    },
};

/// Parameters that are shown as given.
const SHOWN: [Member; 7] = [
    ("balance", Shape::Integer),
    ("business_name", Shape::Text(150)),
    ("individual_name", Shape::Text(150)),
    ("invoice_prefix", Shape::Text(12)),
    (
        "invoice_settings",
        Shape::Object(&[
            (
                "custom_fields",
                Shape::Objects(&[("name", Shape::Text(40)), ("value", Shape::Text(140))]),
            ),
            ("default_payment_method", Shape::Text(5_000)),
            ("footer", Shape::Text(5_000)),
            (
                "rendering_options",
                Shape::Object(&[
                    ("amount_tax_display", Shape::OneOf(&["exclude_tax", "include_inclusive_tax"])),
                    ("template", Shape::Text(5_000)),
                ]),
            ),
        ]),
    ),
    ("next_invoice_sequence", Shape::Integer),
    ("tax_exempt", Shape::OneOf(&["exempt", "none", "reverse"])),
];

/// Has to be attached to the customer.
const DEFAULT_METHOD: &str = "invoice_settings[default_payment_method]";

/// Without effect in a sandbox that has no taxes, no wallets and no test clocks of customers.
const IGNORED: [&str; 3] = ["cash_balance", "tax", "tax_id_data"];

pub(super) fn find<'a>(state: &'a State, id: &str, param: &str) -> Answer<&'a Arc<Customer>> {
    state.customers.get(id).ok_or_else(|| ApiError::missing("customer", id, param))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let empty = Customer {
        id: state.ids.next("cus_"),
        created: state.now(),
        email: None,
        name: None,
        phone: None,
        description: None,
        address: None,
        shipping: None,
        preferred_locales: Vec::new(),
        discount: None,
        default_source: None,
        metadata: Metadata::default(),
        shown: Shown::default(),
    };
    let id = Arc::clone(&empty.id);
    let method = match call.params.text("payment_method")? {
        Some(name) => Some((methods::named(state, &name, "payment_method")?, name)),
        None => None,
    };
    let card = source(state, &mut call.params)?;
    let given = discounts::given(state, &mut call.params, &id, None)?.map(Arc::new);
    let mut customer = read(&mut call.params, empty)?;
    let method = match method {
        Some((method, name)) => Some((methods::attachable(state, method, &id)?, name)),
        None => None,
    };
    match (default_method(&customer), &method) {
        (Some(default), Some((method, name))) if *default == *name => {
            set_default_method(&mut customer, &Arc::clone(method));
        }
        (Some(default), _) => drop(methods::of(state, default, &id, DEFAULT_METHOD)?),
        (None, _) => {}
    }
    customer.discount.clone_from(&given);
    let customer = state.customers.insert(customer);
    state.emit("customer.created", Snapshot::Customer(customer));
    if let Some(given) = given {
        discounts::redeem(state, &given);
        state.emit("customer.discount.created", Snapshot::Discount(given));
    }
    if let Some((method, _)) = method {
        payments::attach(state, &method, &id);
    }
    if let Some(card) = card {
        sources::keep(state, card, &id);
    }
    find(state, &id, "id").map(|customer| render::customer(customer, call.view(state)))
}

/// The card that a call brings along as a token.
fn source(state: &State, params: &mut Params) -> Answer<Option<PaymentMethod>> {
    params.text("source")?.map(|token| sources::card(state, &token)).transpose()
}

fn default_method(customer: &Customer) -> Option<&str> {
    customer.shown.get("invoice_settings")?["default_payment_method"].as_str()
}

fn set_default_method(customer: &mut Customer, method: &Id) {
    if let Some(settings) = Shown::make_mut(&mut customer.shown).get_mut("invoice_settings") {
        settings["default_payment_method"] = (**method).into();
    }
}

fn read(params: &mut Params, mut next: Customer) -> Answer<Customer> {
    for (name, place) in [
        ("email", &mut next.email),
        ("name", &mut next.name),
        ("phone", &mut next.phone),
        ("description", &mut next.description),
    ] {
        match params.change(name)? {
            Change::Leave => {}
            Change::Unset => *place = None,
            Change::Set(text) => *place = Some(text),
        }
    }
    if let Some(email) = next.email.as_deref().filter(|email| !email.contains('@')) {
        return Err(params
            .error("email", format!("Invalid email address: {email}"))
            .code("email_invalid"));
    }
    if params.has("address") {
        next.address = params.object("address")?.map(address).transpose()?;
    }
    if params.has("shipping") {
        next.shipping = params.object("shipping")?.map(shipping).transpose()?;
    }
    if params.has("preferred_locales") {
        next.preferred_locales = params.texts("preferred_locales")?;
    }
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    next.shown = shape::take_all(params, &SHOWN, &next.shown)?;
    params.ignore(&IGNORED);
    params.done()?;
    Ok(next)
}

pub(super) fn address(mut params: Params) -> Answer<Address> {
    let address = Address {
        line1: params.text("line1")?,
        line2: params.text("line2")?,
        city: params.text("city")?,
        state: params.text("state")?,
        postal_code: params.text("postal_code")?,
        country: params.text("country")?,
    };
    params.done()?;
    Ok(address)
}

pub(super) fn shipping(mut params: Params) -> Answer<Shipping> {
    let shipping = Shipping {
        name: params.text("name")?,
        phone: params.text("phone")?,
        address: params.object("address")?.map(address).transpose()?.unwrap_or_default(),
        ..Shipping::default()
    };
    params.done()?;
    Ok(shipping)
}

/// Shipping of a payment, which says who carries it, too.
pub(super) fn parcel(mut params: Params) -> Answer<Shipping> {
    let (carrier, tracking_number) = (params.text("carrier")?, params.text("tracking_number")?);
    Ok(Shipping { carrier, tracking_number, ..shipping(params)? })
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    if state.deleted_customers.contains(&*call.id) {
        return Ok(render::deleted("customer", &call.id));
    }
    find(state, &call.id, "id").map(|customer| render::customer(customer, call.view(state)))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let known = Arc::clone(find(state, &call.id, "id")?);
    let id = Arc::clone(&known.id);
    let card = source(state, &mut call.params)?;
    let names = ["coupon", "promotion_code"];
    let about_discount = names.iter().any(|name| call.params.has(name));
    let given = discounts::given(state, &mut call.params, &id, None)?.map(Arc::new);
    let default_source = call.params.text("default_source")?;
    let mut next = read(&mut call.params, (*known).clone())?;
    if let Some(default) = default_method(&next).filter(|now| Some(*now) != default_method(&known))
    {
        methods::of(state, default, &id, DEFAULT_METHOD)?;
    }
    if let Some(source) = default_source {
        next.default_source = Some(methods::of(state, &source, &id, "default_source")?);
    }
    if about_discount {
        next.discount.clone_from(&given);
    }
    state.customers.insert(next);
    if let Some(card) = card {
        let card = sources::keep(state, card, &id);
        state.customers.change(&id, |row| row.default_source = Some(Arc::clone(&card.id)));
    }
    let customer = Arc::clone(find(state, &id, "id")?);
    state.emit("customer.updated", Snapshot::Customer(Arc::clone(&customer)));
    if about_discount {
        tell_of_discount(state, known.discount.clone(), given);
    }
    Ok(render::customer(&customer, call.view(state)))
}

fn tell_of_discount(state: &mut State, before: Option<Arc<Given>>, now: Option<Arc<Given>>) {
    if let Some(now) = &now {
        discounts::redeem(state, now);
    }
    match (before, now) {
        (Some(_), Some(now)) => {
            state.emit("customer.discount.updated", Snapshot::Discount(now));
        }
        (None, Some(now)) => {
            state.emit("customer.discount.created", Snapshot::Discount(now));
        }
        (Some(before), None) => {
            state.emit("customer.discount.deleted", Snapshot::Discount(before));
        }
        (None, None) => {}
    }
}

pub(super) fn delete_discount(state: &mut State, call: &mut Call) -> Answer {
    let known = Arc::clone(find(state, &call.id, "id")?);
    call.params.done()?;
    let given = known.discount.clone().ok_or_else(|| {
        ApiError::invalid(format!("No active discount for customer: {}", known.id))
            .status(404)
            .code("resource_missing")
    })?;
    state.customers.change(&known.id, |row| row.discount = None);
    let mut value = render::given(&given, call.view(state));
    value["deleted"] = true.into();
    value.as_object_mut().map(|members| members.shift_remove("end"));
    state.emit("customer.discount.deleted", Snapshot::Discount(given));
    Ok(value)
}

pub(super) fn delete(state: &mut State, call: &mut Call) -> Answer {
    call.params.done()?;
    let customer = state.customers.remove(&call.id);
    let customer = customer.ok_or_else(|| ApiError::missing("customer", &call.id, "id"))?;
    state.deleted_customers.insert(Arc::clone(&customer.id));
    let id = Arc::clone(&customer.id);
    state.emit("customer.deleted", Snapshot::Customer(customer));
    Ok(render::deleted("customer", &id))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let email = params.text("email")?;
    params.ignore(&["test_clock"]);
    params.done()?;
    let (rows, has_more) = paging
        .newest(&state.customers, None, "customer", |row| email.is_none() || row.email == email)?;
    Ok(render::list(
        rows.iter().map(|row| render::customer(row, call.view(state))).collect(),
        has_more,
        "/v1/customers",
    ))
}
