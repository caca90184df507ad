//! `/v1/charges`.

use std::sync::Arc;

use super::{
    super::{Call, amount, currency, customers, list::Paging, metadata},
    declined, methods,
};
use crate::{
    error::{Answer, ApiError},
    form::Change,
    payments, render, shorthand,
    state::{
        State,
        objects::{Buyer, Charge, ChargeStatus, Ends, Metadata, Snapshot},
    },
};

const IGNORED: [&str; 5] =
    ["application_fee_amount", "on_behalf_of", "radar_options", "transfer_data", "fraud_details"];
const SHOWN: [&str; 4] =
    ["receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group"];

pub(super) fn find<'a>(state: &'a State, id: &str, param: &str) -> Answer<&'a Arc<Charge>> {
    state.charges.get(id).ok_or_else(|| ApiError::missing("charge", id, param))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id, "id").map(|charge| render::charge(charge))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (intent, customer) = (params.text("payment_intent")?, params.text("customer")?);
    let group = params.text("transfer_group")?;
    params.done()?;
    let (rows, has_more) = paging.newest(&state.charges, None, "charge", |row| {
        intent.as_deref().is_none_or(|id| row.intent.as_deref() == Some(id))
            && customer.as_deref().is_none_or(|id| row.customer.as_deref() == Some(id))
            && group
                .as_deref()
                .is_none_or(|group| row.shown.get("transfer_group").is_some_and(|own| own == group))
    })?;
    Ok(render::list(rows.iter().map(|row| render::charge(row)).collect(), has_more, "/v1/charges"))
}

/// A charge without an intent, as it was done before there were any: `source=tok_visa`.
pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let amount = amount(params, "amount")?.ok_or_else(|| ApiError::required("amount"))?;
    let currency = currency(params, "currency")?.ok_or_else(|| ApiError::required("currency"))?;
    let source = params.need("source")?;
    let customer = params.text("customer")?;
    let customer = customer.map(|id| {
        let found = customers::find(state, &id, "customer").map_err(|error| error.status(400));
        found.map(|customer| Arc::clone(&customer.id))
    });
    let customer = customer.transpose()?;
    let means = shorthand::token(&source)
        .ok_or_else(|| ApiError::missing("token", &source, "source").status(400))?;
    let captures = params.boolean("capture")?.unwrap_or(true);
    let description = params.text("description")?;
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let shipping = params.object("shipping")?.map(customers::parcel).transpose()?;
    params.ignore(&IGNORED);
    params.ignore(&SHOWN);
    params.done()?;
    let failure = match means.ends {
        Ends::Refused(failure) => Some(failure),
        Ends::Asks { .. } => Some(payments::AUTHENTICATION_REQUIRED),
        _ => None,
    };
    let method = methods::keep(state, means, Buyer::default());
    let captured = captures && failure.is_none();
    let charge = Charge {
        captured,
        amount_captured: if captured { amount } else { 0 },
        customer,
        description,
        status: if failure.is_some() { ChargeStatus::Failed } else { ChargeStatus::Succeeded },
        failure,
        shipping,
        metadata,
        ..Charge::new(state.ids.next("ch_"), state.now(), amount, currency, &method)
    };
    let charge = payments::tell_charge(state, charge);
    if let Some(failure) = failure {
        return Err(declined(failure).with("charge", (&*charge.id).into()));
    }
    payments::dispute_as_fated(state, &charge);
    find(state, &charge.id, "id").map(|charge| render::charge(charge))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id, "id")?).clone();
    let params = &mut call.params;
    match params.change("description")? {
        Change::Leave => {}
        Change::Unset => next.description = None,
        Change::Set(text) => next.description = Some(text),
    }
    if let Some(email) = params.text("receipt_email")? {
        Arc::make_mut(&mut next.shown).insert("receipt_email".to_owned(), email.into());
    }
    if let Some(shipping) = params.object("shipping")? {
        next.shipping = Some(customers::parcel(shipping)?);
    }
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    params.ignore(&["customer", "fraud_details", "transfer_group"]);
    params.done()?;
    let charge = state.charges.insert(next);
    state.emit("charge.updated", Snapshot::Charge(Arc::clone(&charge)));
    Ok(render::charge(&charge))
}

pub(super) fn capture(state: &mut State, call: &mut Call) -> Answer {
    let charge = Arc::clone(find(state, &call.id, "id")?);
    let params = &mut call.params;
    let amount = amount(params, "amount")?.unwrap_or(charge.amount);
    params.ignore(&IGNORED);
    params.ignore(&SHOWN);
    params.done()?;
    if charge.captured || charge.status != ChargeStatus::Succeeded {
        return Err(ApiError::invalid(format!("Charge {} has already been captured.", charge.id))
            .code("charge_already_captured"));
    }
    if !(1..=charge.amount).contains(&amount) {
        return Err(params.error("amount", "You cannot capture more than was charged."));
    }
    match &charge.intent {
        Some(intent) => {
            payments::capture(state, intent, amount);
        }
        None => {
            let charge = state.charges.change(&charge.id, |row| {
                (row.captured, row.amount_captured) = (true, amount);
            });
            if let Some(charge) = charge {
                state.emit("charge.captured", Snapshot::Charge(charge));
            }
        }
    }
    find(state, &charge.id, "id").map(|charge| render::charge(charge))
}
