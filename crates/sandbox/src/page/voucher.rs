//! What a buyer who pays with a voucher does outside of the payment page: pays with its number.

use std::sync::Arc;

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::{
    Visit,
    amount::{day, shown},
    answer::{page, see_other},
    landing,
    view::back,
    words::Words,
};
use crate::{
    ids::Id,
    payments::PayVoucher,
    render::digits,
    state::{
        State,
        objects::{Action, Intent, IntentStatus, Session},
    },
};

#[derive(Template)]
#[template(path = "voucher.html")]
struct VoucherPage<'a> {
    words: &'static Words,
    intent: &'a str,
    title: &'a str,
    text: String,
    numbers: Vec<(&'static str, String)>,
    link: Option<(String, String)>,
    /// It can still be paid.
    waits: bool,
}

/// The page of the voucher that a session's buyer pays with; none when that is not how it is paid.
pub(super) fn of_session(state: &State, session: &Session) -> Option<Id> {
    let intent = state.intents.get(session.intent.as_ref()?)?;
    kind(state, intent).map(|_| Id::clone(&intent.id))
}

pub(super) fn session_of(state: &State, intent: &str) -> Option<Arc<Session>> {
    state.session_by_intent.get(intent).and_then(|id| state.sessions.get(id)).cloned()
}

/// The method of an intent that is paid with a voucher.
fn kind(state: &State, intent: &Intent) -> Option<&'static str> {
    let method = state.methods.get(intent.payment_method.as_ref()?)?;
    crate::instruments::is_voucher(method.instrument.kind).then_some(method.instrument.kind)
}

fn numbers(words: &Words, kind: &str, intent: &str) -> Vec<(&'static str, String)> {
    let words = &words.voucher;
    match kind {
        "boleto" => vec![(words.number, digits(intent, 47))],
        "oxxo" => vec![(words.number, grouped(&digits(intent, 32)))],
        "konbini" => vec![(words.number, digits(intent, 11))],
        _ => vec![(words.entity, "12345".to_owned()), (words.number, grouped(&digits(intent, 9)))],
    }
}

fn grouped(digits: &str) -> String {
    let group = if digits.len() == 9 { 3 } else { 4 };
    let groups = digits.as_bytes().chunks(group).map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(" ")
}

impl Visit<'_> {
    pub(super) fn voucher(&self, id: &str) -> Response {
        self.app.run_due();
        let state = self.app.read();
        let intent = state.intents.get(id).cloned();
        let kind = intent.as_ref().and_then(|intent| kind(&state, intent));
        let (Some(intent), Some(kind)) = (intent, kind) else {
            drop(state);
            return self.nowhere();
        };
        let session = session_of(&state, id);
        drop(state);
        let words = self.words(session.as_deref());
        let amount = shown(words, intent.amount, &intent.currency);
        let (waits, title, text) = match intent.action {
            Some(Action::Voucher { expires_at, .. }) => {
                let text = (words.voucher.pay_by)(&amount, &day(words, expires_at));
                (true, words.voucher.title, text)
            }
            _ if intent.status == IntentStatus::Succeeded => {
                (false, words.voucher.paid.0, words.voucher.paid.1.to_owned())
            }
            _ => (false, words.voucher.expired.0, words.voucher.expired.1.to_owned()),
        };
        let numbers = if waits { numbers(words, kind, id) } else { Vec::new() };
        let link = session.map(|session| {
            let url = landing(&session).unwrap_or_else(|| format!("/c/done/{}", session.id));
            (url, back(words, &session))
        });
        page(StatusCode::OK, &VoucherPage { words, intent: id, title, text, numbers, link, waits })
    }

    /// The buyer goes and pays, or lets the number expire.
    pub(super) fn pay_voucher(&self, id: &str) -> Response {
        let paid = match self.decision().as_deref() {
            Some("pay") => true,
            Some("expire") => false,
            _ => return self.voucher(id),
        };
        self.app.change(PayVoucher { payment: id.to_owned(), paid });
        see_other(self.words(None), &format!("/c/voucher/{id}"))
    }
}
