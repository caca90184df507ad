//! `/v1/checkout/sessions`.

use std::sync::Arc;

use super::{
    Call, checkout_lines, currency, customers, discounts, landing,
    list::Paging,
    metadata, shape, shipping_rates, tax_rates,
    terms::{self, Owner},
};
use crate::{
    checkout,
    error::{Answer, ApiError},
    form::Params,
    ids::Id,
    money, render,
    state::{
        State,
        objects::{Line, Metadata, Mode, PaymentStatus, Session, Status, Terms, UiMode},
    },
};

const EXPIRES_AFTER_MIN_S: i64 = 30 * 60;
const EXPIRES_AFTER_MAX_S: i64 = 24 * 60 * 60;

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Session>> {
    state.sessions.get(id).ok_or_else(|| ApiError::missing("checkout session", id, "session"))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let mode = match params.one_of("mode", &["payment", "setup", "subscription"])? {
        Some("payment") => Mode::Payment,
        Some("subscription") => Mode::Subscription,
        Some(_) => Mode::Setup,
        None => return Err(ApiError::required("mode")),
    };
    let landing = landing::of_session(params, call.version_named.then_some(&call.version))?;
    let expires_at = expires_at(params, state.now())?;
    let who = Who::read(state, params)?;
    let client_reference_id = shape::text(params, "client_reference_id", 200)?;
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let asked_currency = currency(params, "currency")?;
    let order = checkout_lines::read(state, params, (mode, Owner::Session), asked_currency)?;
    let mut terms = Terms::new(mode);
    terms.currency = order.currency.clone();
    landing.settle(&mut terms);
    terms.updates = updates(params, who.customer.is_some())?;
    terms.shipping_options = shipping_rates::options(state, params, terms.currency.as_deref())?;
    let discount = discounts::of_session(state, params, terms.currency.as_deref())?;
    let now = state.now();
    terms::read(call, &mut terms, Owner::Session, now)?;
    let params = &call.params;
    params.done()?;
    fit_together(params, &terms, discount.is_some(), &who)?;
    let mut lines = order.lines;
    put_off(&mut lines, &terms);
    checkout::discount_lines(&mut lines, discount.as_ref());
    let session = Session {
        expires_at,
        payment_status: if mode == Mode::Setup {
            PaymentStatus::NoPaymentRequired
        } else {
            PaymentStatus::Unpaid
        },
        optional: order.optional,
        discount,
        customer: who.customer.map(Into::into),
        customer_account: who.account,
        customer_email: who.email,
        client_reference_id,
        metadata,
        ..Session::open(state.ids.session(), now, Arc::new(terms), lines)
    };
    enough(&session)?;
    if session.terms.automatic_tax
        && let Some(at) = session.lines.iter().position(|line| !line.tax_rates.is_empty())
    {
        let say = "You can not specify `tax_rates` when `automatic_tax[enabled]` is `true`.";
        return Err(ApiError::invalid(say).param(format!("line_items[{at}][tax_rates]")));
    }
    let session = state.add_session(session);
    Ok(render::session(&session, call.view(state)))
}

/// Nothing is due, or as much as can be charged and no more. What the buyer may choose is seen when it is chosen.
fn enough(session: &Session) -> Answer<()> {
    let (total, least) = (session.total(), money::least(session.currency()));
    let most = money::most(session.currency());
    if session.terms.mode != Mode::Setup && total > most {
        return Err(ApiError::invalid(format!(
            "The Checkout Session's total amount must be no more than {}; it comes to {}.",
            money::shown(most, session.currency()),
            money::shown(total, session.currency())
        ))
        .code("amount_too_large"));
    }
    let chosen = session.lines.iter().any(|line| line.custom.is_some());
    if session.terms.mode != Mode::Payment || chosen || total == 0 || total >= least {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "The Checkout Session's total amount must convert to at least {}; it comes to {}.",
        money::shown(least, session.currency()),
        money::shown(total, session.currency())
    ))
    .code("amount_too_small"))
}

/// With a trial, what recurs is not due yet.
pub(super) fn put_off(lines: &mut [Line], terms: &Terms) {
    for line in lines {
        line.trial = line.recurring && terms.trial.is_some();
    }
}

/// What holds between parameters.
fn fit_together(params: &Params, terms: &Terms, discounted: bool, who: &Who) -> Answer<()> {
    if discounted && terms.promotion_codes {
        return Err(params.error(
            "discounts",
            "You may only specify one of these parameters: allow_promotion_codes, discounts.",
        ));
    }
    if terms.mode == Mode::Setup && terms.currency.is_none() && !terms.methods_named {
        return Err(ApiError::required("currency"));
    }
    if who.customer.is_some() && terms.always_customer {
        return Err(params.error(
            "customer_creation",
            "You may only specify one of these parameters: customer, customer_creation.",
        ));
    }
    if terms.ui_mode == UiMode::Custom {
        let wrong = [
            ("custom_fields", !terms.custom_fields.is_empty()),
            ("after_expiration", terms.recovery.is_some()),
            ("submit_type", terms.submit_type.is_some()),
        ];
        if let Some((name, _)) = wrong.iter().find(|(_, given)| *given) {
            return Err(params
                .error(name, format!("You can not pass `{name}` when `ui_mode` is `elements`.")));
        }
    }
    Ok(())
}

/// The customer, or the address of a buyer who is none yet.
struct Who {
    customer: Option<String>,
    account: Option<String>,
    email: Option<String>,
}

impl Who {
    fn read(state: &State, params: &mut Params) -> Answer<Self> {
        let (customer, email) = (params.text("customer")?, params.text("customer_email")?);
        let account = params.text("customer_account")?;
        if let Some(id) = &customer {
            customers::find(state, id, "customer").map_err(|missing| missing.status(400))?;
        }
        let other = if account.is_some() { "customer_account" } else { "customer_email" };
        if customer.is_some() && (email.is_some() || account.is_some()) {
            return Err(params.error(
                other,
                format!("You may only specify one of these parameters: customer, {other}."),
            ));
        }
        if let Some(email) = email.as_deref().filter(|email| !email.contains('@')) {
            return Err(params
                .error("customer_email", format!("Invalid email address: {email}"))
                .code("email_invalid"));
        }
        Ok(Self { customer, account, email })
    }
}

/// The customer's members that the buyer's answers replace.
fn updates(params: &mut Params, known: bool) -> Answer<Vec<&'static str>> {
    let Some(mut update) = params.object("customer_update")? else { return Ok(Vec::new()) };
    if !known {
        return Err(
            params.error("customer_update", "`customer_update` can only be used with `customer`.")
        );
    }
    let mut updates = Vec::new();
    for name in ["address", "name", "shipping"] {
        if update.one_of(name, &["auto", "never"])? == Some("auto") {
            updates.push(name);
        }
    }
    update.done()?;
    Ok(updates)
}

fn expires_at(params: &mut Params, now: i64) -> Answer<i64> {
    match params.integer("expires_at")? {
        None => Ok(now + EXPIRES_AFTER_MAX_S),
        Some(at) if at < now + EXPIRES_AFTER_MIN_S => {
            Err(params.error("expires_at", "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."))
        }
        Some(at) if at > now + EXPIRES_AFTER_MAX_S => {
            Err(params.error("expires_at", "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."))
        }
        Some(at) => Ok(at),
    }
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|session| render::session(session, call.view(state)))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id)?).clone();
    let params = &mut call.params;
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    let changes_order = ["line_items", "shipping_options", "collected_information"]
        .into_iter()
        .find(|name| params.has(name));
    if let Some(name) = changes_order.filter(|_| next.status != Status::Open) {
        return Err(params.error(name, "Only an open Checkout Session can be changed."));
    }
    if params.has("shipping_options") {
        let currency = next.terms.currency.clone();
        let options = shipping_rates::options(state, params, currency.as_deref())?;
        next.shipping_cost = options.first().cloned();
        Arc::make_mut(&mut next.terms).shipping_options = options;
    }
    if let Some(mut collected) = params.object("collected_information")? {
        if let Some(details) = collected.object("shipping_details")? {
            next.shipping = Some(customers::shipping(details)?);
        }
        collected.done()?;
    }
    if params.has("line_items") {
        next.lines = changed_lines(state, params, &next)?;
        checkout::discount_lines(&mut next.lines, next.discount.as_ref());
    }
    if changes_order.is_some() {
        enough(&next)?;
    }
    params.done()?;
    let session = state.sessions.insert(next);
    Ok(render::session(&session, call.view(state)))
}

/// The lines after an update: those named by id stay, others are new, the rest is gone.
fn changed_lines(state: &mut State, params: &mut Params, session: &Session) -> Answer<Vec<Line>> {
    let mode = session.terms.mode;
    let mut currency = session.terms.currency.clone();
    let mut lines = Vec::new();
    for mut entry in params.objects("line_items")? {
        let Some(id) = entry.text("id")? else {
            let mut line = checkout_lines::one(state, &mut entry, mode, &mut currency)?;
            line.tax_rates = tax_rates::of_line(state, &mut entry)?;
            entry.done()?;
            lines.push(line);
            continue;
        };
        let known = session.lines.iter().find(|line| *line.id == *id).cloned();
        let mut line = known
            .ok_or_else(|| ApiError::missing("line item", &id, &entry.path_of("id")).status(400))?;
        line.quantity = entry.integer("quantity")?.unwrap_or(line.quantity).max(1);
        if let Some(range) = entry.object("adjustable_quantity")? {
            line.adjustable = checkout_lines::adjustable(range)?;
        }
        line.metadata = metadata(&mut entry, "metadata", &line.metadata)?;
        if entry.has("tax_rates") {
            line.tax_rates = tax_rates::of_line(state, &mut entry)?;
        }
        entry.done()?;
        lines.push(line);
    }
    checkout_lines::check(&lines, mode)?;
    put_off(&mut lines, &session.terms);
    Ok(lines)
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let status =
        params.one_of("status", &["complete", "expired", "open"])?.map(|status| match status {
            "open" => Status::Open,
            "complete" => Status::Complete,
            _ => Status::Expired,
        });
    let (customer, link) = (params.text("customer")?, params.text("payment_link")?);
    let (intent, subscription) = (params.text("payment_intent")?, params.text("subscription")?);
    let account = params.text("customer_account")?;
    let details = params.object("customer_details")?;
    let email = match details {
        None => None,
        Some(mut details) => {
            let email = details.need("email")?;
            details.done()?;
            Some(email)
        }
    };
    params.done()?;
    let of_one = |id: &Option<crate::ids::Id>| {
        id.iter().filter_map(|id| state.sessions.place(id)).collect::<Vec<_>>()
    };
    let none = Vec::new();
    let narrowed = intent
        .map(|id| of_one(&state.session_by_intent.get(&*id).cloned()))
        .or_else(|| subscription.map(|id| of_one(&state.session_by_outcome.get(&*id).cloned())));
    let places: Option<&[usize]> = match (&narrowed, &customer, &link) {
        (Some(places), _, _) => Some(places),
        (None, Some(id), _) => Some(state.sessions_by_customer.get(&**id).unwrap_or(&none)),
        (None, None, Some(id)) => Some(state.sessions_by_link.get(&**id).unwrap_or(&none)),
        (None, None, None) => None,
    };
    let (rows, has_more) = paging.newest(&state.sessions, places, "checkout session", |row| {
        status.is_none_or(|status| row.status == status)
            && customer.as_deref().is_none_or(|id| row.customer.as_deref() == Some(id))
            && (account.is_none() || row.customer_account == account)
            && link.as_deref().is_none_or(|id| row.link.as_deref() == Some(id))
            && (email.is_none() || email.as_ref() == email_of(row))
    })?;
    let view = call.view(state);
    let data = rows.iter().map(|row| render::session(row, view)).collect();
    Ok(render::list(data, has_more, "/v1/checkout/sessions"))
}

/// The address that a session is for, as the filter `customer_details[email]` takes it.
fn email_of(session: &Session) -> Option<&String> {
    let typed = session.buyer.as_ref().and_then(|buyer| buyer.email.as_ref());
    typed.or(session.customer_email.as_ref())
}

pub(super) fn line_items(state: &State, call: &mut Call) -> Answer {
    let paging = Paging::read(&mut call.params)?;
    call.params.done()?;
    let session = find(state, &call.id)?;
    let (rows, has_more) = paging.in_order(&session.lines, |line| &line.id, "line item")?;
    let data = rows.into_iter().map(|line| render::line(line, session.currency(), state)).collect();
    Ok(render::list(data, has_more, &format!("/v1/checkout/sessions/{}/line_items", session.id)))
}

pub(super) fn expire(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    call.params.done()?;
    if !checkout::expire(state, &id) {
        let status = match find(state, &id)?.status {
            Status::Complete => "complete",
            Status::Open | Status::Expired => "expired",
        };
        return Err(ApiError::invalid(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {status}."
        )));
    }
    find(state, &id).map(|session| render::session(session, call.view(state)))
}

/// A new session in place of one that expired. None when nobody expired, or it may not be taken up.
pub(crate) fn recover(state: &mut State, id: &str) -> Option<Id> {
    let old = state.sessions.get(id).filter(|old| old.status == Status::Expired).cloned()?;
    let promotion_codes = old.terms.recovery?;
    let now = state.now();
    if now > old.expires_at.saturating_add(render::RECOVERY_LASTS_S) {
        return None;
    }
    let mut terms = (*old.terms).clone();
    terms.promotion_codes |= promotion_codes && old.discount.is_none();
    let renewed = |line: &Line, id: Id| Line { id, ..line.clone() };
    let lines = old.lines.iter().map(|line| renewed(line, state.ids.next("li_"))).collect();
    let optional = old.optional.iter().map(|line| renewed(line, state.ids.next("li_"))).collect();
    let session = Session {
        payment_status: old.payment_status,
        optional,
        discount: old.discount.clone(),
        customer: old.customer.clone(),
        customer_email: old.customer_email.clone(),
        client_reference_id: old.client_reference_id.clone(),
        metadata: Metadata::clone(&old.metadata),
        recovered_from: Some(Arc::clone(&old.id)),
        link: old.link.clone(),
        ..Session::open(state.ids.session(), now, Arc::new(terms), lines)
    };
    Some(Arc::clone(&state.add_session(session).id))
}
