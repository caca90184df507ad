//! `/v1/refunds`.

use std::sync::Arc;

use super::{
    super::{Call, list::Paging, metadata},
    charges, only_metadata,
};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    money,
    payments::refunds::{self, Wanted},
    render,
    state::{
        State,
        objects::{Charge, ChargeStatus, Metadata, Refund},
    },
};

const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Refund>> {
    state.refunds.get(id).ok_or_else(|| ApiError::missing("refund", id, "id"))
}

/// The charge that a refund is asked for.
fn charge(state: &State, params: &mut Params) -> Answer<Arc<Charge>> {
    let (charge, intent) = (params.text("charge")?, params.text("payment_intent")?);
    match (charge, intent) {
        (Some(_), Some(_)) => Err(params.error(
            "charge",
            "You may only specify one of these parameters: charge, payment_intent.",
        )),
        (Some(id), None) => charges::find(state, &id, "charge").cloned(),
        (None, Some(id)) => {
            let intent = state
                .intents
                .get(&id)
                .ok_or_else(|| ApiError::missing("payment_intent", &id, "payment_intent"))?;
            let charge = intent.latest_charge.as_ref().and_then(|id| state.charges.get(id));
            charge.filter(|charge| charge.status == ChargeStatus::Succeeded).cloned().ok_or_else(
                || {
                    params.error(
                        "payment_intent",
                        format!("This PaymentIntent ({id}) does not have a successful charge to refund."),
                    )
                },
            )
        }
        (None, None) => Err(ApiError::invalid(
            "One of the following params should be provided for this request: payment_intent or charge.",
        )
        .code("parameter_missing")),
    }
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let charge = charge(state, params)?;
    let amount = super::super::amount(params, "amount")?;
    let reason = params.one_of("reason", &REASONS)?;
    let instructions_email = params.text("instructions_email")?;
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    params.ignore(&[
        "currency",
        "customer",
        "origin",
        "refund_application_fee",
        "reverse_transfer",
    ]);
    params.done()?;
    let amount = check(params, &charge, amount)?;
    let wanted = Wanted { amount, reason, instructions_email, metadata };
    Ok(render::refund(&refunds::create(state, &charge, wanted)))
}

/// How much is refunded, when that much can be.
fn check(params: &Params, charge: &Charge, amount: Option<i64>) -> Answer<i64> {
    let left = charge.refundable();
    let shown = |amount| money::shown(amount, &charge.currency);
    if charge.status != ChargeStatus::Succeeded || !charge.captured {
        return Err(ApiError::invalid(format!(
            "Charge {} was not captured: there is nothing to refund. Cancel its PaymentIntent instead.",
            charge.id
        )));
    }
    if left <= 0 {
        return Err(ApiError::invalid(format!("Charge {} has already been refunded.", charge.id))
            .code("charge_already_refunded"));
    }
    if charge.disputed {
        return Err(ApiError::invalid(format!(
            "Charge {} has been charged back; cannot issue a refund.",
            charge.id
        ))
        .code("charge_disputed"));
    }
    match amount {
        Some(amount) if amount > left => Err(params.error(
            "amount",
            format!(
                "Refund amount ({}) is greater than unrefunded amount on charge ({})",
                shown(amount),
                shown(left)
            ),
        )),
        Some(..1) => Err(params
            .error("amount", "This value must be greater than or equal to 1.")
            .code("parameter_invalid_integer")),
        amount => Ok(amount.unwrap_or(left)),
    }
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|refund| render::refund(refund))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let known = Arc::clone(find(state, &call.id)?);
    let metadata = only_metadata(call, &known.metadata)?;
    refunds::change(state, &known.id, |row| row.metadata = metadata);
    find(state, &known.id).map(|refund| render::refund(refund))
}

pub(super) fn cancel(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    call.params.done()?;
    match refunds::cancel(state, &id) {
        Some(refund) => Ok(render::refund(&refund)),
        None => Err(ApiError::invalid(
            "This refund cannot be canceled: only one with a status of requires_action can.",
        )),
    }
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let charge = params.text("charge")?;
    page(state, call, charge.as_deref(), "/v1/refunds")
}

pub(super) fn of_charge(state: &State, call: &mut Call) -> Answer {
    let charge = charges::find(state, &call.id, "id")?.id.to_string();
    page(state, call, Some(&charge), &format!("/v1/charges/{charge}/refunds"))
}

fn page(state: &State, call: &mut Call, charge: Option<&str>, url: &str) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let intent = params.text("payment_intent")?;
    params.done()?;
    let (rows, has_more) = paging.newest(&state.refunds, None, "refund", |row| {
        charge.is_none_or(|id| *row.charge == *id)
            && intent.as_deref().is_none_or(|id| row.intent.as_deref() == Some(id))
    })?;
    Ok(render::list(rows.iter().map(|row| render::refund(row)).collect(), has_more, url))
}
