//! `/v1/payment_intents`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    super::{Call, amount, currency, customers, list::Paging, metadata, terms},
    declined,
    methods::{self, Named},
};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    money, payments, render,
    state::{
        State,
        objects::{Ends, Intent, IntentStatus, Snapshot},
    },
};

const REASONS: [&str; 4] = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];
const USAGES: [&str; 2] = ["off_session", "on_session"];
const CAPTURES: [&str; 3] = ["automatic", "automatic_async", "manual"];

/// Texts that are shown as they were given.
const SHOWN: [&str; 4] =
    ["receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group"];

/// What the sandbox takes and has no use for.
const IGNORED: [&str; 18] = [
    "amount_details",
    "application_fee_amount",
    "client_secret",
    "error_on_requires_action",
    "excluded_payment_method_types",
    "hooks",
    "mandate",
    "mandate_data",
    "on_behalf_of",
    "payment_details",
    "payment_method_configuration",
    "payment_method_options",
    "radar_options",
    "transfer_data",
    "use_stripe_sdk",
    "amount_to_confirm",
    "final_capture",
    "customer_account",
];

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Intent>> {
    state.intents.get(id).ok_or_else(|| ApiError::missing("payment_intent", id, "intent"))
}

fn show(state: &State, call: &Call, id: &str) -> Answer {
    find(state, id).map(|intent| render::intent(intent, call.view(state)))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.ignore(&["client_secret"]);
    call.params.done()?;
    show(state, call, &call.id)
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let customer = params.text("customer")?;
    params.done()?;
    let (rows, has_more) = paging.newest(&state.intents, None, "payment_intent", |row| {
        customer.as_deref().is_none_or(|id| row.customer.as_deref() == Some(id))
    })?;
    let rows = rows.iter().map(|row| render::intent(row, call.view(state))).collect();
    Ok(render::list(rows, has_more, "/v1/payment_intents"))
}

/// What a call wants of an intent, beside what it changes.
struct Wanted {
    method: Option<Named>,
    off_session: bool,
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let amount = amount(params, "amount")?.ok_or_else(|| ApiError::required("amount"))?;
    let currency = currency(params, "currency")?.ok_or_else(|| ApiError::required("currency"))?;
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    let by_hand = params.one_of("confirmation_method", &["automatic", "manual"])?;
    let automatic = automatic(params)?;
    let mut intent = Intent::new("".into(), state.now(), amount, currency);
    intent.confirmed_by_hand = by_hand == Some("manual");
    intent.automatic = automatic;
    if automatic.is_none() && !params.has("payment_method_types") && call.version.chooses_methods()
    {
        intent.automatic = Some(true);
    }
    if intent.automatic.is_some() {
        intent.methods = match &*intent.currency {
            "eur" => vec!["card", "sepa_debit"],
            "usd" => vec!["card", "us_bank_account"],
            _ => vec!["card"],
        };
    }
    let wanted = read(state, params, &mut intent)?;
    params.done()?;
    check_amount(params, &intent)?;
    if confirm {
        check_confirm(params, &intent, wanted.method.is_some())?;
    }
    intent.id = state.ids.next("pi_");
    let method = wanted.method.and_then(|method| method.take(state));
    if let Some(method) = &method {
        intent.payment_method = Some(Arc::clone(&method.id));
        intent.status = IntentStatus::RequiresConfirmation;
    }
    let intent = state.intents.insert(intent);
    let id = Arc::clone(&intent.id);
    state.emit("payment_intent.created", Snapshot::Intent(intent));
    if confirm {
        try_to_pay(state, call, &id, wanted.off_session)?;
    }
    show(state, call, &id)
}

/// Whether the sandbox chooses the methods, and among those that redirect.
fn automatic(params: &mut Params) -> Answer<Option<bool>> {
    let Some(mut data) = params.object("automatic_payment_methods")? else { return Ok(None) };
    let enabled = data.boolean("enabled")?;
    let redirects = data.one_of("allow_redirects", &["always", "never"])?;
    data.done()?;
    Ok((enabled == Some(true)).then_some(redirects != Some("never")))
}

fn check_amount(params: &Params, intent: &Intent) -> Answer<()> {
    if intent.amount < 1 {
        return Err(params
            .error("amount", "This value must be greater than or equal to 1.")
            .code("parameter_invalid_integer"));
    }
    let least = money::least(&intent.currency);
    if intent.amount < least {
        return Err(params
            .error(
                "amount",
                format!("Amount must be at least {}.", money::shown(least, &intent.currency)),
            )
            .code("amount_too_small"));
    }
    let most = money::most(&intent.currency);
    if intent.amount > most {
        let say = format!("Amount must be no more than {}.", money::shown(most, &intent.currency));
        return Err(params.error("amount", say).code("amount_too_large"));
    }
    Ok(())
}

fn check_confirm(params: &Params, intent: &Intent, brings_method: bool) -> Answer<()> {
    if !brings_method && intent.payment_method.is_none() {
        return Err(ApiError::invalid("You cannot confirm this PaymentIntent because it's missing a payment method. Update it with one, or confirm it with one.")
            .code("payment_intent_unexpected_state"));
    }
    if intent.automatic == Some(true) && intent.return_url.is_none() {
        return Err(params.error("return_url", "This PaymentIntent may use payment methods that send the customer to another page, so it needs a `return_url`. To take none of these, create it with automatic_payment_methods[enabled]=true and automatic_payment_methods[allow_redirects]=never."));
    }
    Ok(())
}

/// The parameters that creating, updating and confirming share.
fn read(state: &State, params: &mut Params, intent: &mut Intent) -> Answer<Wanted> {
    if let Some(customer) = params.text("customer")? {
        let customer = customers::find(state, &customer, "customer");
        intent.customer = Some(Arc::clone(&customer.map_err(|missing| missing.status(400))?.id));
    }
    match params.change("description")? {
        Change::Leave => {}
        Change::Unset => intent.description = None,
        Change::Set(text) => intent.description = Some(text),
    }
    methods_of(params, intent)?;
    if let Some(capture) = params.one_of("capture_method", &CAPTURES)? {
        intent.capture_method = Some(capture);
        intent.capture_later = capture == "manual";
    }
    intent.setup_future_usage =
        params.one_of("setup_future_usage", &USAGES)?.or(intent.setup_future_usage);
    intent.return_url = params.text("return_url")?.or_else(|| intent.return_url.take());
    if let Some(shipping) = params.object("shipping")? {
        intent.shipping = Some(customers::parcel(shipping)?);
    }
    intent.metadata = metadata(params, "metadata", &intent.metadata)?;
    let mut shown: Map<String, Value> = (*intent.shown).clone();
    for name in SHOWN {
        match params.change(name)? {
            Change::Leave => {}
            Change::Unset => {
                shown.shift_remove(name);
            }
            Change::Set(text) => {
                shown.insert(name.to_owned(), text.into());
            }
        }
    }
    if shown != *intent.shown {
        intent.shown = Arc::new(shown);
    }
    // Stripe takes a few words for the moment of a payment instead of true.
    let off_session = params.text("off_session")?.is_some_and(|text| text != "false");
    let method = methods::asked(state, params)?;
    if let Some(owner) = method.as_ref().and_then(|method| method.customer(state))
        && intent.customer.as_ref() != Some(&owner)
    {
        return Err(params.error("payment_method", format!("The payment method belongs to the customer {owner}; name that customer in the `customer` parameter.")));
    }
    params.ignore(&IGNORED);
    Ok(Wanted { method, off_session })
}

/// The methods that may pay it, where the caller says so.
fn methods_of(params: &mut Params, intent: &mut Intent) -> Answer<()> {
    if let Some((allowed, offered)) = terms::allowed(params, Some(&intent.currency))? {
        (intent.allowed_methods, intent.methods) = (Some(allowed), offered);
        intent.automatic = None;
    }
    let kinds = params.texts("payment_method_types")?;
    if !kinds.is_empty() {
        intent.methods = terms::methods_named(params, "payment_method_types", kinds)?;
        (intent.allowed_methods, intent.automatic) = (None, None);
    }
    Ok(())
}

/// Confirms an intent whose method is known.
fn try_to_pay(state: &mut State, call: &Call, id: &str, off_session: bool) -> Answer<()> {
    let method = find(state, id)?.payment_method.clone();
    let method = method.and_then(|id| state.methods.get(&id)).cloned();
    let method = method.ok_or_else(|| ApiError::required("payment_method"))?;
    let ends = match method.ends {
        Ends::Asks { .. } if off_session => Ends::Refused(payments::AUTHENTICATION_REQUIRED),
        ends => ends,
    };
    let tried = payments::attempt(state, id, &method, ends);
    payments::follow_up(state, id);
    tried.map_err(|failure| {
        let mut error = declined(failure);
        if let Some(intent) = state.intents.get(id) {
            if let Some(charge) = &intent.latest_charge {
                error = error.with("charge", (&**charge).into());
            }
            error = error.with("payment_intent", render::intent(intent, call.view(state)));
        }
        error.with("payment_method", render::payment_method(&method))
    })
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let known = Arc::clone(find(state, &call.id)?);
    let done = matches!(
        known.status,
        IntentStatus::Succeeded
            | IntentStatus::Canceled
            | IntentStatus::Processing
            | IntentStatus::RequiresCapture
    );
    let mut next = (*known).clone();
    let fixed = ["amount", "currency", "payment_method", "payment_method_data", "customer"];
    if fixed.iter().any(|name| call.params.has(name)) {
        if done {
            return Err(unexpected(state, call, "update"));
        }
        not_of_session(state, call, "update")?;
    }
    let params = &mut call.params;
    next.amount = amount(params, "amount")?.unwrap_or(next.amount);
    next.currency = currency(params, "currency")?.unwrap_or(next.currency);
    let wanted = read(state, params, &mut next)?;
    params.done()?;
    check_amount(params, &next)?;
    if let Some(method) = wanted.method.and_then(|method| method.take(state)) {
        next.payment_method = Some(Arc::clone(&method.id));
        next.status = IntentStatus::RequiresConfirmation;
    }
    let intent = state.intents.insert(next);
    Ok(render::intent(&intent, call.view(state)))
}

pub(super) fn confirm(state: &mut State, call: &mut Call) -> Answer {
    let known = Arc::clone(find(state, &call.id)?);
    if !may_be_tried(known.status) {
        return Err(unexpected(state, call, "confirm"));
    }
    not_of_session(state, call, "confirm")?;
    let mut next = (*known).clone();
    if next.status == IntentStatus::RequiresPaymentMethod {
        next.payment_method = None;
    }
    let params = &mut call.params;
    let wanted = read(state, params, &mut next)?;
    params.done()?;
    check_confirm(params, &next, wanted.method.is_some())?;
    if let Some(method) = wanted.method.and_then(|method| method.take(state)) {
        next.payment_method = Some(Arc::clone(&method.id));
    }
    state.intents.insert(next);
    try_to_pay(state, call, &known.id, wanted.off_session)?;
    show(state, call, &known.id)
}

pub(super) fn cancel(state: &mut State, call: &mut Call) -> Answer {
    let known = find(state, &call.id)?;
    let (id, open) = (Arc::clone(&known.id), may_be_tried(known.status));
    let reason = call.params.one_of("cancellation_reason", &REASONS)?;
    call.params.done()?;
    if open {
        not_of_session(state, call, "cancel")?;
    }
    if !payments::cancel(state, &id, reason) {
        return Err(unexpected(state, call, "cancel"));
    }
    show(state, call, &id)
}

pub(super) fn capture(state: &mut State, call: &mut Call) -> Answer {
    let known = Arc::clone(find(state, &call.id)?);
    let params = &mut call.params;
    let amount = amount(params, "amount_to_capture")?.unwrap_or(known.amount);
    let metadata = metadata(params, "metadata", &known.metadata)?;
    params.ignore(&IGNORED);
    params.ignore(&["statement_descriptor", "statement_descriptor_suffix"]);
    params.done()?;
    if known.status == IntentStatus::RequiresCapture && !(1..=known.amount).contains(&amount) {
        return Err(params
            .error(
                "amount_to_capture",
                format!(
                    "The remaining amount that can be captured is {}; {amount} cannot.",
                    known.amount
                ),
            )
            .code("amount_too_large"));
    }
    if known.status == IntentStatus::RequiresCapture {
        state.intents.change(&known.id, |row| row.metadata = metadata);
    }
    if !payments::capture(state, &known.id, amount) {
        return Err(unexpected(state, call, "capture"));
    }
    show(state, call, &known.id)
}

fn may_be_tried(status: IntentStatus) -> bool {
    matches!(
        status,
        IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
    )
}

/// What a session's buyer does is up to its page: the session would not know of it.
fn not_of_session(state: &State, call: &Call, action: &str) -> Answer<()> {
    match state.session_by_intent.get(&*call.id) {
        Some(session) => Err(unsuited(
            state,
            call,
            format!(
                "You cannot {action} this PaymentIntent because it belongs to the Checkout Session {session}. Its buyer pays on the session's page; to give it up, expire the session."
            ),
        )),
        None => Ok(()),
    }
}

fn unexpected(state: &State, call: &Call, action: &str) -> ApiError {
    let status = state.intents.get(&call.id).map_or("", |intent| render::status(intent.status));
    let why =
        format!("You cannot {action} this PaymentIntent because it has a status of {status}.");
    unsuited(state, call, why)
}

fn unsuited(state: &State, call: &Call, why: String) -> ApiError {
    let Some(intent) = state.intents.get(&call.id) else {
        return ApiError::missing("payment_intent", &call.id, "intent");
    };
    ApiError::invalid(why)
        .code("payment_intent_unexpected_state")
        .with("payment_intent", render::intent(intent, call.view(state)))
}
