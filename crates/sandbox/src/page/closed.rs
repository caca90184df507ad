//! Pages where nothing is left to pay.

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};

use super::{
    Visit,
    amount::shown,
    answer::page,
    landing,
    view::{MessagePage, back},
    words::Words,
};
use crate::{
    api, checkout,
    state::objects::{PaymentStatus, Session, Status},
};

pub(super) fn message(
    words: &'static Words,
    status: StatusCode,
    (title, text): (&str, &str),
    links: Vec<(String, String)>,
) -> Response {
    page(
        status,
        &MessagePage { words, title, text, good: false, facts: Vec::new(), note: None, links },
    )
}

/// The session, when its page can still be used; otherwise the page that says why not.
pub(super) fn open_session(visit: &Visit<'_>, id: &str) -> Result<Arc<Session>, Box<Response>> {
    visit.app.run_due();
    let session = visit.app.read().sessions.get(id).cloned();
    let Some(session) = session else {
        let said = visit.words(None).closed.no_session;
        return Err(Box::new(visit.say(StatusCode::NOT_FOUND, said)));
    };
    let words = visit.words(Some(&session));
    let link = |url: Option<String>| url.map(|url| (url, back(words, &session))).into_iter();
    let closed = &words.closed;
    let full = {
        let state = visit.app.read();
        let slug = session.link.as_ref().and_then(|link| Some(state.links.get(link)?.slug.clone()));
        let own = slug.and_then(|slug| api::inactive_message(&state, &slug));
        checkout::link_is_full(&state, &session).then_some(own)
    };
    let (said, links) = match (session.status, &full) {
        (Status::Open, None) => return Ok(session),
        (Status::Open, Some(own)) => {
            let (title, text) = closed.inactive;
            ((title, own.as_deref().unwrap_or(text)), Vec::new())
        }
        (Status::Complete, _) => (closed.already_paid, link(landing(&session)).collect()),
        (Status::Expired, _) => {
            let recover = session
                .terms
                .recovery
                .map(|_| (format!("/c/recover/{}", session.id), closed.start_again.to_owned()));
            let back = link(session.terms.cancel_url.clone());
            (closed.expired, recover.into_iter().chain(back).collect())
        }
    };
    Err(Box::new(message(words, StatusCode::CONFLICT, said, links)))
}

/// The sandbox's own confirmation, where the shop has no page for it.
pub(super) fn done(visit: &Visit<'_>, id: &str) -> Response {
    let session = visit.app.read().sessions.get(id).cloned();
    let Some(session) = session.filter(|session| session.status == Status::Complete) else {
        return visit.say(StatusCode::NOT_FOUND, visit.words(None).closed.nothing_done);
    };
    let words = visit.words(Some(&session));
    let (title, thanks) = words.closed.thanks;
    let later = session.payment_status == PaymentStatus::Unpaid;
    let otherwise = if later { words.closed.thanks_later } else { thanks };
    let text = session.terms.confirmation_message.as_deref().unwrap_or(otherwise);
    let currency = session.currency();
    let mut facts: Vec<(String, String)> = session
        .lines
        .iter()
        .map(|line| {
            let name = match line.quantity {
                1 => line.description.clone(),
                quantity => format!("{quantity} × {}", line.description),
            };
            (name, shown(words, line.total(), currency))
        })
        .collect();
    let paid = session.payment_status == PaymentStatus::Paid;
    let label = if paid { words.closed.paid } else { words.order.total };
    facts.push((label.to_owned(), shown(words, session.total(), currency)));
    let email = session.buyer.as_ref().and_then(|buyer| buyer.email.as_deref());
    let note = email.map(|email| (words.closed.receipt_to)(email));
    page(
        StatusCode::OK,
        &MessagePage { words, title, text, good: true, facts, note, links: Vec::new() },
    )
}
