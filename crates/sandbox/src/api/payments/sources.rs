//! `/v1/customers/{customer}/sources`: cards as they were kept before there were payment methods.

use std::sync::Arc;

use super::{
    super::{Call, customers, metadata},
    declined,
};
use crate::{
    error::{Answer, ApiError},
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
    let means = shorthand::token(&token)
        .ok_or_else(|| ApiError::missing("token", &token, "source").status(400))?;
    if let Ends::Refused(failure) = means.ends
        && means.instrument.last4 != "0341"
    {
        return Err(declined(failure));
    }
    let card = state.methods.insert(PaymentMethod {
        id: state.ids.next("card_"),
        created: state.clock.now(),
        instrument: means.instrument,
        ends: means.ends,
        billing: Buyer::default(),
        customer: Some(customer),
        allow_redisplay: "unspecified",
        metadata,
    });
    state.emit("customer.source.created", Snapshot::Source(Arc::clone(&card)));
    Ok(render::source(&card))
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
