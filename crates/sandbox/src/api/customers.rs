//! `/v1/customers`.

use std::sync::Arc;

use super::{
    Call,
    list::Paging,
    metadata,
    shape::{self, Member, Shape},
};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    render,
    state::{
        State,
        objects::{Address, Customer, Metadata, Shipping, Shown, Snapshot},
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

/// Without effect in a sandbox that has no taxes, no wallets and no test clocks of customers.
const IGNORED: [&str; 5] = ["cash_balance", "payment_method", "source", "tax", "tax_id_data"];

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
        metadata: Metadata::default(),
        shown: Shown::default(),
    };
    let customer = read(&mut call.params, empty)?;
    let customer = state.customers.insert(customer);
    state.emit("customer.created", Snapshot::Customer(Arc::clone(&customer)));
    Ok(render::customer(&customer))
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
    };
    params.done()?;
    Ok(shipping)
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    if state.deleted_customers.contains(&*call.id) {
        return Ok(render::deleted("customer", &call.id));
    }
    find(state, &call.id, "id").map(|customer| render::customer(customer))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let known = (**find(state, &call.id, "id")?).clone();
    let customer = state.customers.insert(read(&mut call.params, known)?);
    state.emit("customer.updated", Snapshot::Customer(Arc::clone(&customer)));
    Ok(render::customer(&customer))
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
        rows.iter().map(|row| render::customer(row)).collect(),
        has_more,
        "/v1/customers",
    ))
}
