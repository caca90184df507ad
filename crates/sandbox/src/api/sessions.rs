//! `/v1/checkout/sessions`.

use std::sync::Arc;

use super::{Call, checkout_lines, currency, customers, discounts, list::Paging, metadata, terms};
use crate::{
    checkout,
    error::{Answer, ApiError},
    form::Params,
    render,
    state::{
        State,
        objects::{Metadata, Mode, PaymentStatus, Session, Status, UiMode},
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
    let landing = landing(params)?;
    let expires_at = expires_at(params, state.now())?;
    let (customer, customer_email) = customer(state, params)?;
    let client_reference_id = params.text("client_reference_id")?;
    if client_reference_id.as_ref().is_some_and(|id| id.chars().count() > 200) {
        return Err(params
            .error("client_reference_id", "Invalid string: it must be at most 200 characters."));
    }
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let discount = discounts::of_session(state, params)?;
    let asked_currency = currency(params, "currency")?;
    let (mut lines, currency) = checkout_lines::read(state, params, mode)?;
    if let (Some(asked), Some(currency)) = (&asked_currency, &currency)
        && asked != currency
    {
        return Err(
            params.error("currency", format!("The prices are in {currency}, not in {asked}."))
        );
    }
    let terms = terms::read(call, mode, currency.or(asked_currency), landing)?;
    call.params.done()?;
    if discount.is_some() && terms.promotion_codes {
        return Err(call.params.error(
            "discounts",
            "You may only specify one of these parameters: allow_promotion_codes, discounts.",
        ));
    }
    checkout::discount_lines(&mut lines, discount.as_ref().map(|discount| &discount.off));
    let session = Session {
        expires_at,
        payment_status: if mode == Mode::Setup {
            PaymentStatus::NoPaymentRequired
        } else {
            PaymentStatus::Unpaid
        },
        discount,
        customer: customer.map(Into::into),
        customer_email,
        client_reference_id,
        metadata,
        ..Session::open(state.ids.session(), state.now(), Arc::new(terms), lines)
    };
    let session = state.add_session(session);
    Ok(render::session(&session, call.view(state)))
}

/// The customer, or the address of a buyer who is none yet.
fn customer(state: &State, params: &mut Params) -> Answer<(Option<String>, Option<String>)> {
    let (customer, email) = (params.text("customer")?, params.text("customer_email")?);
    if let Some(id) = &customer {
        customers::find(state, id, "customer").map_err(|missing| missing.status(400))?;
        if email.is_some() {
            return Err(params.error(
                "customer_email",
                "You may only specify one of these parameters: customer, customer_email.",
            ));
        }
    }
    if let Some(email) = email.as_deref().filter(|email| !email.contains('@')) {
        return Err(params
            .error("customer_email", format!("Invalid email address: {email}"))
            .code("email_invalid"));
    }
    Ok((customer, email))
}

fn landing(params: &mut Params) -> Answer<terms::Landing> {
    let ui_mode = match params.one_of(
        "ui_mode",
        &["hosted", "hosted_page", "embedded", "embedded_page", "custom", "elements"],
    )? {
        None | Some("hosted" | "hosted_page") => UiMode::Hosted,
        Some("embedded" | "embedded_page") => UiMode::Embedded,
        Some(_) => UiMode::Custom,
    };
    let mut urls = [None, None, None];
    for (name, url) in ["success_url", "cancel_url", "return_url"].into_iter().zip(&mut urls) {
        *url = params.text(name)?;
        if let Some(text) = url
            .as_deref()
            .filter(|text| !text.starts_with("http://") && !text.starts_with("https://"))
        {
            return Err(params
                .error(name, format!("Not a valid URL: {text}. It needs a scheme, as https://."))
                .code("url_invalid"));
        }
    }
    let [success_url, cancel_url, return_url] = urls;
    if ui_mode == UiMode::Hosted && success_url.is_none() {
        return Err(ApiError::required("success_url"));
    }
    Ok(terms::Landing {
        success_url,
        cancel_url,
        return_url,
        ui_mode: Some(ui_mode),
        confirmation_message: None,
    })
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
    let id = Arc::clone(&find(state, &call.id)?.id);
    let known = Metadata::clone(&find(state, &id)?.metadata);
    let next = metadata(&mut call.params, "metadata", &known)?;
    call.params.ignore(&["collected_information", "shipping_options"]);
    call.params.done()?;
    state.sessions.change(&id, |session| session.metadata = next);
    find(state, &id).map(|session| render::session(session, call.view(state)))
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
