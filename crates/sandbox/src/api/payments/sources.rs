//! `/v1/customers/{customer}/sources`: cards as they were kept before there were payment methods.

use std::sync::Arc;

use super::{
    super::{Call, customers, list::Paging, metadata},
    declined,
};
use crate::{
    error::{Answer, ApiError},
    ids::Id,
    render, shorthand,
    state::{
        State,
        objects::{Buyer, Ends, Metadata, PaymentMethod, Snapshot},
    },
};

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<PaymentMethod>> {
    let card = state.methods.get(id).filter(|method| method.id.starts_with("card_"));
    card.ok_or_else(|| ApiError::missing("source", id, "id"))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let customer = Arc::clone(&customers::find(state, &call.id, "customer")?.id);
    let token = call.params.need("source")?;
    let metadata = metadata(&mut call.params, "metadata", &Metadata::default())?;
    call.params.ignore(&["validate"]);
    call.params.done()?;
    let card = card(state, &token)?;
    let card = keep(state, PaymentMethod { metadata, ..card }, &customer);
    Ok(render::source(&card))
}

/// The card that a token stands for.
pub(in crate::api) fn card(state: &State, token: &str) -> Answer<PaymentMethod> {
    let means = shorthand::token(token)
        .ok_or_else(|| ApiError::missing("token", token, "source").status(400))?;
    if let Ends::Refused(failure) = means.ends
        && means.instrument.last4 != "0341"
    {
        return Err(declined(failure));
    }
    Ok(PaymentMethod {
        id: "".into(),
        created: state.now(),
        instrument: means.instrument,
        ends: means.ends,
        billing: Buyer::default(),
        customer: None,
        allow_redisplay: "unspecified",
        metadata: Metadata::default(),
    })
}

/// Keeps a card as a customer's source; the first one is charged unless something else is said.
pub(in crate::api) fn keep(
    state: &mut State,
    card: PaymentMethod,
    customer: &Id,
) -> Arc<PaymentMethod> {
    let (id, owner) = (state.ids.next("card_"), Some(Arc::clone(customer)));
    let card = state.methods.insert(PaymentMethod { id, customer: owner, ..card });
    state.customers.change(customer, |row| {
        row.default_source.get_or_insert_with(|| Arc::clone(&card.id));
    });
    state.emit("customer.source.created", Snapshot::Source(Arc::clone(&card)));
    card
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|card| render::source(card))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id)?).clone();
    let params = &mut call.params;
    next.billing.name = params.text("name")?.or(next.billing.name);
    next.instrument.exp_month = params.integer("exp_month")?.unwrap_or(next.instrument.exp_month);
    next.instrument.exp_year = params.integer("exp_year")?.unwrap_or(next.instrument.exp_year);
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    params.done()?;
    let card = state.methods.insert(next);
    state.emit("customer.source.updated", Snapshot::Source(Arc::clone(&card)));
    Ok(render::source(&card))
}

pub(super) fn delete(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    call.params.done()?;
    if let Some(card) = state.methods.remove(&id) {
        let owner = card.customer.as_deref().unwrap_or_default();
        let next = state.methods.iter().find(|method| {
            method.id.starts_with("card_") && method.customer.as_deref() == Some(owner)
        });
        let next = next.map(|method| Arc::clone(&method.id));
        state.customers.change(owner, |row| {
            if row.default_source.as_ref() == Some(&id) {
                row.default_source = next;
            }
        });
        state.emit("customer.source.deleted", Snapshot::Source(card));
    }
    Ok(render::deleted("card", &id))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let customer = Arc::clone(&customers::find(state, &call.id, "customer")?.id);
    let paging = Paging::read(&mut call.params)?;
    call.params.ignore(&["object"]);
    call.params.done()?;
    let (rows, has_more) = paging.newest(&state.methods, None, "source", |row| {
        row.id.starts_with("card_") && row.customer.as_ref() == Some(&customer)
    })?;
    let url = format!("/v1/customers/{customer}/sources");
    Ok(render::list(rows.iter().map(|row| render::source(row)).collect(), has_more, &url))
}
