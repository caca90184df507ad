//! Pages as HTTP answers: what a browser may load with them, and what happens when one is sent twice.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
};

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{closed::message, words::Words};
use crate::{checkout::Refusal, ids::Id, state::objects::Event};

/// Nothing is loaded from anywhere else. `form-action` is left open: after paying, the form leads to
/// the shop.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be rendered");
        String::new()
    });
    let mut response = sent(html, "text/html; charset=utf-8", "no-store");
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn sent(text: impl Into<Body>, kind: &'static str, cached: &'static str) -> Response {
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cached));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A file that belongs to the pages.
pub(super) fn asset(name: &str) -> Option<Response> {
    let (text, kind) = match name {
        "style.css" => (include_str!("../../assets/style.css"), "text/css; charset=utf-8"),
        "checkout.js" => {
            (include_str!("../../assets/checkout.js"), "text/javascript; charset=utf-8")
        }
        "icon.svg" => (include_str!("../../assets/icon.svg"), "image/svg+xml"),
        "chevron.svg" => (include_str!("../../assets/chevron.svg"), "image/svg+xml"),
        _ => return None,
    };
    Some(sent(text, kind, "no-cache"))
}

pub(super) fn see_other(words: &'static Words, to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    // A header takes no other letters; a browser writes them so, too.
    let plain = |byte: u8| match byte {
        b'!'..=b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    match to.bytes().map(plain).collect::<String>().parse() {
        Ok(location) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        Err(_) => {
            let said = (words.closed.thanks.0, words.closed.bad_landing);
            message(words, StatusCode::OK, said, Vec::new())
        }
    }
}

/// Forms that were paid lately: one that is sent again leads to the same place, and is not paid
/// again.
#[derive(Debug, Default)]
pub(crate) struct Twice(Mutex<VecDeque<Paid>>);

#[derive(Debug)]
struct Paid {
    session: String,
    form: u64,
    event: Id,
}

const REMEMBERED_MAX: usize = 1_000;

impl Twice {
    /// Pays, unless this form has paid already: the event of the payment.
    pub(super) fn once(
        &self,
        session: &str,
        form: &[u8],
        pay: impl FnOnce() -> Result<Arc<Event>, Refusal>,
    ) -> Result<Id, Refusal> {
        // Held while paying, so that the same form waits here for the first one.
        let mut paid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = find(&paid, session, form) {
            return Ok(event);
        }
        let event = Id::clone(&pay()?.id);
        if paid.len() >= REMEMBERED_MAX {
            paid.pop_front();
        }
        let (session, form) = (session.to_owned(), fingerprint(form));
        paid.push_back(Paid { session, form, event: Id::clone(&event) });
        Ok(event)
    }

    /// The event of the payment that this form has made already.
    pub(super) fn paid(&self, session: &str, form: &[u8]) -> Option<Id> {
        find(&self.0.lock().unwrap_or_else(PoisonError::into_inner), session, form)
    }
}

fn find(paid: &VecDeque<Paid>, session: &str, form: &[u8]) -> Option<Id> {
    let form = fingerprint(form);
    let found = paid.iter().rev().find(|one| one.form == form && one.session == session)?;
    Some(Id::clone(&found.event))
}

fn fingerprint(form: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    form.hash(&mut hasher);
    hasher.finish()
}
