//! A bank's question about an intent: a payment, or a method to be kept for later. What a session's
//! page has asked for is answered there.

use axum::{http::StatusCode, response::Response};

use super::{
    Visit,
    amount::shown,
    answer::{page, see_other},
    view::AuthenticatePage,
    voucher::session_of,
    words::Words,
};
use crate::{
    payments::AnswerBank,
    render::client_secret,
    state::{
        State,
        objects::{Action, IntentStatus},
    },
};

/// What the bank wants to know.
#[derive(Clone, Copy)]
pub(super) enum Question<'a> {
    /// Whether this may be taken.
    Pay(i64, &'a str),
    /// Whether the method may be kept.
    Keep,
}

/// An intent, as its bank sees it.
struct Asked {
    currency: String,
    amount: Option<i64>,
    waits: bool,
    /// Where the buyer goes with the answer.
    returns: Option<String>,
}

fn asked(state: &State, id: &str) -> Option<Asked> {
    let returns = |url: Option<&String>, name: &str, status: IntentStatus| {
        url.map(|url| returning(url, name, id, status))
    };
    if let Some(row) = state.setups.get(id) {
        return Some(Asked {
            currency: String::new(),
            amount: None,
            waits: row.status == IntentStatus::RequiresAction,
            returns: returns(row.return_url.as_ref(), "setup_intent", row.status),
        });
    }
    let row = state.intents.get(id)?;
    Some(Asked {
        currency: row.currency.to_string(),
        amount: Some(row.amount),
        waits: row.action == Some(Action::Authenticate),
        returns: returns(row.return_url.as_ref(), "payment_intent", row.status),
    })
}

/// A return address with what tells its page how it went.
fn returning(url: &str, name: &str, id: &str, status: IntentStatus) -> String {
    let (url, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let mark = if url.contains('?') { '&' } else { '?' };
    let secret = client_secret(id);
    let failed = matches!(status, IntentStatus::RequiresPaymentMethod | IntentStatus::Canceled);
    let status = if failed { "failed" } else { "succeeded" };
    format!(
        "{url}{mark}{name}={id}&{name}_client_secret={secret}&redirect_status={status}{fragment}"
    )
}

/// The page that asks.
pub(super) fn question(words: &'static Words, action: String, question: Question<'_>) -> Response {
    let (title, question) = match question {
        Question::Pay(amount, currency) => {
            let amount = shown(words, amount, currency);
            (words.means.bank_title, (words.means.bank_asks)(&amount))
        }
        Question::Keep => {
            let (title, question) = words.means.bank_keeps;
            (title, question.to_owned())
        }
    };
    page(StatusCode::OK, &AuthenticatePage { words, action, title, question })
}

impl Visit<'_> {
    pub(super) fn bank(&self, id: &str) -> Response {
        let (asked, session) = {
            let state = self.app.read();
            (asked(&state, id), session_of(&state, id))
        };
        let words = self.words(session.as_deref());
        let Some(asked) = asked else { return self.nowhere() };
        if let Some(session) = session {
            return see_other(words, &format!("/c/pay/{}/authenticate", session.id));
        }
        match asked {
            Asked { waits: true, amount, ref currency, .. } => {
                let asks = amount.map_or(Question::Keep, |amount| Question::Pay(amount, currency));
                question(words, format!("/c/bank/{id}"), asks)
            }
            Asked { returns: Some(url), .. } => see_other(words, &url),
            Asked { returns: None, .. } => self.say(StatusCode::OK, words.closed.answered),
        }
    }

    pub(super) fn answer_bank(&self, id: &str) -> Response {
        let of_session = session_of(&self.app.read(), id).is_some();
        if of_session {
            return self.bank(id);
        }
        let approve = match self.decision().as_deref() {
            Some("approve") => true,
            Some("refuse") => false,
            _ => return self.bank(id),
        };
        self.app.change(AnswerBank { payment_intent: id.to_owned(), approve });
        self.bank(id)
    }
}
