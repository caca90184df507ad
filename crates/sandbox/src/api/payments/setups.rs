//! `/v1/setup_intents`.

use std::sync::Arc;

use super::{
    super::{Call, customers, list::Paging, metadata, terms},
    declined, methods,
};
use crate::{
    error::{Answer, ApiError},
    payments, render,
    state::{
        State,
        objects::{Ends, IntentStatus, Metadata, SetupIntent},
    },
};

const REASONS: [&str; 3] = ["abandoned", "duplicate", "requested_by_customer"];
const IGNORED: [&str; 8] = [
    "automatic_payment_methods",
    "mandate_data",
    "on_behalf_of",
    "payment_method_configuration",
    "payment_method_options",
    "single_use",
    "use_stripe_sdk",
    "client_secret",
];

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<SetupIntent>> {
    state.setups.get(id).ok_or_else(|| ApiError::missing("setupintent", id, "intent"))
}

fn show(state: &State, call: &Call, id: &str) -> Answer {
    find(state, id).map(|intent| render::setup_intent(intent, call.view(state)))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    let customer = params.text("customer")?;
    let customer = customer.map(|id| {
        let found = customers::find(state, &id, "customer").map_err(|error| error.status(400));
        found.map(|customer| Arc::clone(&customer.id))
    });
    let customer = customer.transpose()?;
    let allowed = terms::allowed(params, None)?;
    let kinds = params.texts("payment_method_types")?;
    let methods = match &allowed {
        Some((allowed, _)) => allowed.clone(),
        None if kinds.is_empty() => vec!["card"],
        None => terms::methods_named(params, "payment_method_types", kinds)?,
    };
    let usage = params.one_of("usage", &["off_session", "on_session"])?.unwrap_or("off_session");
    let (description, return_url) = (params.text("description")?, params.text("return_url")?);
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let method = methods::asked(state, params)?;
    params.ignore(&IGNORED);
    params.done()?;
    if confirm && method.is_none() {
        return Err(ApiError::required("payment_method"));
    }
    let method = method.and_then(|method| method.take(state));
    let row = SetupIntent {
        id: state.ids.next("seti_"),
        created: state.now(),
        status: match method {
            Some(_) => IntentStatus::RequiresConfirmation,
            None => IntentStatus::RequiresPaymentMethod,
        },
        customer,
        description,
        methods,
        allowed_methods: allowed.map(|(allowed, _)| allowed),
        payment_method: method.as_ref().map(|method| Arc::clone(&method.id)),
        failure: None,
        usage,
        return_url,
        cancellation_reason: None,
        metadata,
    };
    let id = Arc::clone(&payments::setups::create(state, row).id);
    if confirm {
        try_to_keep(state, call, &id)?;
    }
    show(state, call, &id)
}

fn try_to_keep(state: &mut State, call: &Call, id: &str) -> Answer<()> {
    let method = find(state, id)?.payment_method.clone();
    let method = method.and_then(|id| state.methods.get(&id)).cloned();
    let method = method.ok_or_else(|| ApiError::required("payment_method"))?;
    let ends = match method.ends {
        // A card that only fails when it is charged can be kept.
        Ends::Refused(_) if method.instrument.last4 == "0341" => Ends::AtOnce,
        ends => ends,
    };
    payments::setups::attempt(state, id, &method, ends).map_err(|failure| {
        let error = declined(failure);
        let intent = state.setups.get(id).map(|row| render::setup_intent(row, call.view(state)));
        error
            .with("payment_method", render::payment_method(&method))
            .with("setup_intent", intent.unwrap_or_default())
    })
}

pub(super) fn confirm(state: &mut State, call: &mut Call) -> Answer {
    let known = Arc::clone(find(state, &call.id)?);
    let params = &mut call.params;
    let method = methods::asked(state, params)?;
    let return_url = params.text("return_url")?;
    params.ignore(&IGNORED);
    params.done()?;
    not_of_session(state, &known.id, "confirm")?;
    if matches!(known.status, IntentStatus::Succeeded | IntentStatus::Canceled) {
        return Err(unexpected(state, call, "confirm"));
    }
    if method.is_none() && known.payment_method.is_none() {
        return Err(ApiError::required("payment_method"));
    }
    let method = method.and_then(|method| method.take(state));
    state.setups.change(&known.id, |row| {
        row.payment_method =
            method.map(|method| Arc::clone(&method.id)).or(row.payment_method.take());
        row.return_url = return_url.or(row.return_url.take());
    });
    try_to_keep(state, call, &known.id)?;
    show(state, call, &known.id)
}

pub(super) fn cancel(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    let reason = call.params.one_of("cancellation_reason", &REASONS)?;
    call.params.done()?;
    not_of_session(state, &id, "cancel")?;
    if !payments::setups::cancel(state, &id, reason) {
        return Err(unexpected(state, call, "cancel"));
    }
    show(state, call, &id)
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.ignore(&["client_secret"]);
    call.params.done()?;
    show(state, call, &call.id)
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (customer, method) = (params.text("customer")?, params.text("payment_method")?);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.setups, None, "setupintent", |row| {
        customer.as_deref().is_none_or(|id| row.customer.as_deref() == Some(id))
            && method.as_deref().is_none_or(|id| row.payment_method.as_deref() == Some(id))
    })?;
    let rows = rows.iter().map(|row| render::setup_intent(row, call.view(state))).collect();
    Ok(render::list(rows, has_more, "/v1/setup_intents"))
}

/// A session's own is confirmed on its page, and given up with it.
fn not_of_session(state: &State, id: &str, action: &str) -> Answer<()> {
    match state.session_by_intent.get(id) {
        Some(session) => Err(ApiError::invalid(format!(
            "You cannot {action} this SetupIntent because it belongs to the Checkout Session {session}. Its buyer answers on the session's page; to give it up, expire the session."
        ))
        .code("setup_intent_unexpected_state")),
        None => Ok(()),
    }
}

fn unexpected(state: &State, call: &Call, action: &str) -> ApiError {
    let Some(intent) = state.setups.get(&call.id) else {
        return ApiError::missing("setupintent", &call.id, "intent");
    };
    ApiError::invalid(format!(
        "You cannot {action} this SetupIntent because it has a status of {}.",
        render::status(intent.status)
    ))
    .code("setup_intent_unexpected_state")
    .with("setup_intent", render::setup_intent(intent, call.view(state)))
}
