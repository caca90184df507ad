//! `/v1/customers`.

use std::sync::Arc;

use super::{Call, list::Paging, metadata};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    render,
    state::{
        State,
        objects::{Address, Customer, Metadata, Shipping, Snapshot},
    },
};

const IGNORED: [&str; 12] = [
    "balance",
    "business_name",
    "cash_balance",
    "individual_name",
    "invoice_prefix",
    "invoice_settings",
    "next_invoice_sequence",
    "payment_method",
    "source",
    "tax",
    "tax_exempt",
    "tax_id_data",
];

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
    if let Some(data) = params.object("address")? {
        next.address = Some(address(data)?);
    }
    if let Some(data) = params.object("shipping")? {
        next.shipping = Some(shipping(data)?);
    }
    if params.has("preferred_locales") {
        next.preferred_locales = params.texts("preferred_locales")?;
    }
    next.metadata = metadata(params, "metadata", &next.metadata)?;
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
