//! The pages a buyer sees. Plain HTML forms; no script.
//!
//! `GET /c/pay/{session}` shows the form, `POST` to the same address sends it. The fields, as a
//! scripted buyer posts them (`application/x-www-form-urlencoded`):
//!
//! | field | when |
//! |---|---|
//! | `email` | always, unless the session names one |
//! | `name` | always; the name on the card or account |
//! | `phone` | when the session collects it |
//! | `quantity[li_…]` | for adjustable lines; 0 removes one where the minimum is 0 |
//! | `promotion_code` | when the session takes codes |
//! | `shipping_name`, `line1`, `line2`, `city`, `state`, `shipping_postal_code`, `country` | when an address is collected |
//! | `method` | `card`, `sepa_debit`, `us_bank_account`; not asked for when nothing is due |
//! | `card_number`, `exp` (`12/34`), `cvc`, `postal_code` | with `method=card` |
//! | `iban` | with `method=sepa_debit` |
//! | `routing_number`, `account_number` | with `method=us_bank_account` |
//! | `action` | `pay` (if left out) or `update`: shows new totals without paying |
//!
//! Answers: 303 to where the buyer lands; 303 to `/c/pay/{session}/authenticate` when the bank
//! asks (its form has the field `decision`: `approve` or `refuse`); 402 with the form again when the
//! bank declines; 422 with the form again when a field is wrong (the text stands in an element with
//! class `error`); 404 for an unknown session; 409 for one that is paid or expired.

mod changes;
mod fields;
mod view;

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    http::{StatusCode, header},
    response::Response,
};

pub(crate) use self::changes::{Authenticate, FollowLink, Recover, Submit};
pub(crate) use self::fields::year_and_month;
use self::{
    fields::Filled,
    view::{AuthenticatePage, CheckoutPage, MessagePage},
};
use crate::{
    api,
    app::App,
    checkout::Refusal,
    form,
    http::Incoming,
    ids::Id,
    state::objects::{Event, Failure, Session, Status},
};

/// How long a buyer waits for the endpoint's answer before being sent on.
const WAITS_MS: i64 = 10_000;

/// Answers a request for a page.
pub(crate) async fn answer(app: &Arc<App>, incoming: &Incoming) -> Response {
    let parts: Vec<&str> = incoming.path.split('/').filter(|part| !part.is_empty()).collect();
    match (incoming.method.as_str(), &parts[..]) {
        ("GET", []) => message(
            StatusCode::OK,
            "A sandbox for Checkout",
            "This is a pretend Stripe: no money moves here. Point a Stripe client at this address, create a Checkout Session, and open its url.",
        ),
        ("GET", ["c", "pay", id]) => show(app, id),
        ("POST", ["c", "pay", id]) => send(app, id, incoming).await,
        ("GET", ["c", "pay", id, "authenticate"]) => ask(app, id),
        ("POST", ["c", "pay", id, "authenticate"]) => decide(app, id, incoming).await,
        ("GET", ["c", "done", id]) => done(app, id),
        ("GET", ["c", "recover", id]) => take_up(app, id),
        ("GET", ["l", slug]) => follow(app, slug, &incoming.query),
        _ => message(
            StatusCode::NOT_FOUND,
            "No such page",
            "The sandbox has no page at this address.",
        ),
    }
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be rendered");
        String::new()
    });
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"),
    );
    response
}

fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, &MessagePage { title, text, link: None })
}

fn see_other(to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    match to.parse() {
        Ok(location) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        Err(_) => message(
            StatusCode::OK,
            "Thank you",
            "Your payment is done. The shop's address cannot be opened.",
        ),
    }
}

/// The session, when its page can still be used; otherwise the page that says why not.
fn open_session(app: &Arc<App>, id: &str) -> Result<Arc<Session>, Box<Response>> {
    app.run_due();
    let session = app.read().sessions.get(id).cloned();
    let Some(session) = session else {
        return Err(Box::new(message(
            StatusCode::NOT_FOUND,
            "Nothing to pay here",
            "There is no such checkout page. Check the link.",
        )));
    };
    let back = session.terms.cancel_url.as_deref();
    let closed =
        |title, text| MessagePage { title, text, link: back.map(|url| (url, "Back to the shop")) };
    match session.status {
        Status::Open => Ok(session),
        Status::Complete => Err(Box::new(page(
            StatusCode::CONFLICT,
            &closed(
                "You have already paid",
                "This order is complete. There is nothing left to pay.",
            ),
        ))),
        Status::Expired => Err(Box::new(page(
            StatusCode::CONFLICT,
            &closed(
                "This page has expired",
                "Go back to the shop and check out again. You have not been charged.",
            ),
        ))),
    }
}

fn show(app: &Arc<App>, id: &str) -> Response {
    match open_session(app, id) {
        Ok(session) => form_page(app, &session, &Filled::default(), StatusCode::OK, None, &[]),
        Err(response) => *response,
    }
}

fn form_page(
    app: &App,
    session: &Session,
    filled: &Filled,
    status: StatusCode,
    notice: Option<&str>,
    errors: &[(String, String)],
) -> Response {
    let state = app.read();
    let view = CheckoutPage::new(&state, session, filled, notice, errors);
    drop(state);
    page(status, &view)
}

async fn send(app: &Arc<App>, id: &str, incoming: &Incoming) -> Response {
    let session = match open_session(app, id) {
        Ok(session) => session,
        Err(response) => return *response,
    };
    let params = std::str::from_utf8(&incoming.body).ok().and_then(|text| form::decode(text).ok());
    let filled = params.and_then(|mut params| Filled::read(&mut params).ok());
    let Some(filled) = filled else {
        return form_page(
            app,
            &session,
            &Filled::default(),
            StatusCode::UNPROCESSABLE_ENTITY,
            Some("The form could not be read."),
            &[],
        );
    };
    let (_, mut errors) = filled.check(&app.read(), &session);
    if filled.only_update() {
        errors.retain(|(field, _)| field.starts_with("quantity") || field == "promotion_code");
        let status =
            if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        return form_page(app, &session, &filled, status, None, &errors);
    }
    if !errors.is_empty() {
        return form_page(app, &session, &filled, StatusCode::UNPROCESSABLE_ENTITY, None, &errors);
    }
    let form = String::from_utf8_lossy(&incoming.body).into_owned();
    match app.change(Submit { session: id.to_owned(), form }) {
        Ok(event) => land(app, id, &event).await,
        Err(refusal) => refused(app, id, &filled, refusal),
    }
}

fn refused(app: &Arc<App>, id: &str, filled: &Filled, refusal: Refusal) -> Response {
    let session = match open_session(app, id) {
        Ok(session) => session,
        Err(response) => return *response,
    };
    match refusal {
        Refusal::Authenticate => see_other(&format!("/c/pay/{id}/authenticate")),
        Refusal::Declined(Failure { message, .. }) => {
            form_page(app, &session, filled, StatusCode::PAYMENT_REQUIRED, Some(message), &[])
        }
        Refusal::Field(field, text) => form_page(
            app,
            &session,
            filled,
            StatusCode::UNPROCESSABLE_ENTITY,
            None,
            &[(field, text)],
        ),
        Refusal::NoSession | Refusal::NotOpen(_) => form_page(
            app,
            &session,
            filled,
            StatusCode::CONFLICT,
            Some("This payment is no longer open. Try again."),
            &[],
        ),
    }
}

fn ask(app: &Arc<App>, id: &str) -> Response {
    let session = match open_session(app, id) {
        Ok(session) => session,
        Err(response) => return *response,
    };
    if !app.read().authenticating.contains_key(id) {
        return see_other(&format!("/c/pay/{id}"));
    }
    let amount = crate::money::shown(session.total(), session.currency());
    page(StatusCode::OK, &AuthenticatePage { id, amount: &amount })
}

async fn decide(app: &Arc<App>, id: &str, incoming: &Incoming) -> Response {
    if let Err(response) = open_session(app, id) {
        return *response;
    }
    let params = std::str::from_utf8(&incoming.body).ok().and_then(|text| form::decode(text).ok());
    let decision = params.and_then(|mut params| params.text("decision").ok().flatten());
    let approved = match decision.as_deref() {
        Some("approve") => true,
        Some("refuse") => false,
        _ => return ask(app, id),
    };
    match app.change(Authenticate { session: id.to_owned(), approved }) {
        Ok(event) => land(app, id, &event).await,
        Err(refusal) => refused(app, id, &Filled::default(), refusal),
    }
}

/// Waits for the endpoints, then sends the buyer on.
async fn land(app: &Arc<App>, id: &str, event: &Arc<Event>) -> Response {
    let until = app.clock.now_ms() + WAITS_MS;
    tokio::select! {
        () = answered(app, &event.id) => {}
        () = app.clock.until(until) => {}
    }
    let success_url =
        app.read().sessions.get(id).and_then(|session| session.terms.success_url.clone());
    match success_url {
        Some(url) => see_other(&url.replace("{CHECKOUT_SESSION_ID}", id)),
        None => see_other(&format!("/c/done/{id}")),
    }
}

async fn answered(app: &Arc<App>, event: &Id) {
    let mut finished = app.lanes.finished.subscribe();
    loop {
        finished.mark_unchanged();
        if app.read().events.get(event).is_none_or(|event| event.is_answered()) {
            return;
        }
        if finished.changed().await.is_err() {
            return;
        }
    }
}

fn done(app: &Arc<App>, id: &str) -> Response {
    let session = app.read().sessions.get(id).cloned();
    match session {
        Some(session) if session.status == Status::Complete => {
            let text =
                session.terms.confirmation_message.as_deref().unwrap_or("Your order is complete.");
            message(StatusCode::OK, "Thank you", text)
        }
        _ => message(
            StatusCode::NOT_FOUND,
            "Nothing here",
            "There is no completed order at this address.",
        ),
    }
}

/// An expired session is taken up again.
fn take_up(app: &Arc<App>, id: &str) -> Response {
    match app.change(Recover { session: id.to_owned() }) {
        Some(session) => see_other(&format!("/c/pay/{session}")),
        None => message(
            StatusCode::NOT_FOUND,
            "Nothing to pay here",
            "There is no such checkout page. Check the link.",
        ),
    }
}

/// A link makes a session for each visitor.
fn follow(app: &Arc<App>, slug: &str, query: &str) -> Response {
    let visit = api::Visit::read(query);
    match app.change(FollowLink { slug: slug.to_owned(), visit }) {
        Some(session) => see_other(&format!("/c/pay/{session}")),
        None => {
            let words = api::inactive_message(&app.read(), slug);
            let words = words.as_deref().unwrap_or("Ask the shop for another one.");
            message(StatusCode::NOT_FOUND, "This link is not active", words)
        }
    }
}
