//! `/v1/payment_intents`, `/v1/charges`, `/v1/payment_methods`, `/v1/subscriptions`.

use std::sync::Arc;

use super::{Call, list::Paging};
use crate::{
    checkout,
    error::{Answer, ApiError},
    render,
    state::{State, objects::Intent},
};

const REASONS: [&str; 4] = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Intent>> {
    state.intents.get(id).ok_or_else(|| ApiError::missing("payment_intent", id, "intent"))
}

pub(super) fn retrieve_intent(state: &State, call: &mut Call) -> Answer {
    call.params.ignore(&["client_secret"]);
    call.params.done()?;
    find(state, &call.id).map(|intent| render::intent(intent))
}

pub(super) fn list_intents(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let customer = params.text("customer")?;
    params.done()?;
    let (rows, has_more) = paging.newest(&state.intents, None, "payment_intent", |row| {
        customer.as_deref().is_none_or(|id| row.customer.as_deref() == Some(id))
    })?;
    Ok(render::list(
        rows.iter().map(|row| render::intent(row)).collect(),
        has_more,
        "/v1/payment_intents",
    ))
}

pub(super) fn cancel(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    let reason = call.params.one_of("cancellation_reason", &REASONS)?;
    call.params.done()?;
    if !checkout::cancel(state, &id, reason) {
        return Err(unexpected(state, &id, "cancel"));
    }
    find(state, &id).map(|intent| render::intent(intent))
}

pub(super) fn capture(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    let amount = find(state, &id)?.amount;
    if call.params.integer("amount_to_capture")?.is_some_and(|asked| asked != amount) {
        return Err(call
            .params
            .error("amount_to_capture", "The sandbox captures the whole amount only."));
    }
    call.params.ignore(&[
        "metadata",
        "final_capture",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "application_fee_amount",
    ]);
    call.params.done()?;
    if !checkout::capture(state, &id) {
        return Err(unexpected(state, &id, "capture"));
    }
    find(state, &id).map(|intent| render::intent(intent))
}

fn unexpected(state: &State, id: &str, action: &str) -> ApiError {
    let status = state
        .intents
        .get(id)
        .map(|intent| render::intent(intent)["status"].as_str().unwrap_or_default().to_owned());
    let mut error = ApiError::invalid(format!(
        "You cannot {action} this PaymentIntent because it has a status of {}.",
        status.unwrap_or_default()
    ))
    .code("payment_intent_unexpected_state");
    if let Some(intent) = state.intents.get(id) {
        error.more = Some(Box::new(
            [("payment_intent".to_owned(), render::intent(intent))].into_iter().collect(),
        ));
    }
    error
}

pub(super) fn retrieve_charge(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    let charge = state.charges.get(&call.id);
    charge
        .map(|charge| render::charge(charge))
        .ok_or_else(|| ApiError::missing("charge", &call.id, "id"))
}

pub(super) fn list_charges(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (intent, customer) = (params.text("payment_intent")?, params.text("customer")?);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.charges, None, "charge", |row| {
        intent.as_deref().is_none_or(|id| *row.intent == *id)
            && customer.as_deref().is_none_or(|id| row.customer.as_deref() == Some(id))
    })?;
    Ok(render::list(rows.iter().map(|row| render::charge(row)).collect(), has_more, "/v1/charges"))
}

pub(super) fn retrieve_method(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    let charge = state.charge_of_method(&call.id);
    charge
        .map(|charge| render::payment_method(charge))
        .ok_or_else(|| ApiError::missing("PaymentMethod", &call.id, "payment_method"))
}

pub(super) fn retrieve_subscription(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    let session = state.session_of_subscription(&call.id);
    session
        .map(|session| render::subscription(session, &call.id))
        .ok_or_else(|| ApiError::missing("subscription", &call.id, "id"))
}
