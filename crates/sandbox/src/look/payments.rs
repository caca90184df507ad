//! The payments: sessions, and intents that no session has.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::{At, Frame, Newest, newest, page, when};
use crate::{
    money, render,
    state::{
        State,
        objects::{Intent, IntentStatus, PaymentStatus, Session, Status},
    },
};

#[derive(Template)]
#[template(path = "look/payments.html")]
struct Payments {
    frame: Frame,
    rows: Vec<Row>,
    older: Option<usize>,
    /// Intents that no session has.
    intents: Vec<Row>,
}

/// A payment in a list.
struct Row {
    id: String,
    at: String,
    amount: String,
    status: &'static str,
    paid: &'static str,
    /// `good`, `bad`, `waits`, `quiet`.
    mood: &'static str,
    buyer: String,
}

pub(super) fn list(at: &At<'_>) -> Response {
    let state = &at.app.read();
    let Newest { rows, older } = newest(&state.sessions, at.before(), |_| true);
    let alone = |intent: &Intent| !state.session_by_intent.contains_key(&intent.id);
    let intents = match at.before() {
        None => newest(&state.intents, None, alone).rows,
        Some(_) => Vec::new(),
    };
    let template = Payments {
        frame: at.frame(state, "Payments", "payments"),
        rows: rows.iter().map(|session| of_session(state, session)).collect(),
        older,
        intents: intents.iter().map(|intent| of_intent(state, intent)).collect(),
    };
    page(StatusCode::OK, &template)
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Complete => "complete",
        Status::Expired => "expired",
    }
}

pub(super) fn paid(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Paid => "paid",
        PaymentStatus::Unpaid => "unpaid",
        PaymentStatus::NoPaymentRequired => "no_payment_required",
    }
}

/// How a payment stands, in a word for the style sheet.
pub(super) fn mood(session: &Session) -> &'static str {
    match (session.status, session.payment_status) {
        (Status::Expired, _) => "quiet",
        (_, PaymentStatus::Paid) | (Status::Complete, PaymentStatus::NoPaymentRequired) => "good",
        (Status::Complete, PaymentStatus::Unpaid) => "waits",
        (Status::Open, _) => "quiet",
    }
}

pub(super) fn mood_of_intent(status: IntentStatus) -> &'static str {
    match status {
        IntentStatus::Succeeded => "good",
        IntentStatus::Processing | IntentStatus::RequiresAction | IntentStatus::RequiresCapture => {
            "waits"
        }
        IntentStatus::RequiresPaymentMethod
        | IntentStatus::RequiresConfirmation
        | IntentStatus::Canceled => "quiet",
    }
}

/// Whom a session is for, as far as it is known.
pub(super) fn buyer(state: &State, session: &Session) -> String {
    let told = session.buyer.as_ref().and_then(|buyer| buyer.email.clone().or(buyer.name.clone()));
    let customer = || {
        let customer = state.customers.get(session.customer.as_ref()?)?;
        customer.email.clone().or(customer.name.clone())
    };
    told.or_else(|| session.customer_email.clone()).or_else(customer).unwrap_or_default()
}

fn of_session(state: &State, session: &Session) -> Row {
    Row {
        id: session.id.to_string(),
        at: when(session.created * 1_000),
        amount: money::shown(session.total(), session.currency()),
        status: status(session.status),
        paid: paid(session.payment_status),
        mood: mood(session),
        buyer: buyer(state, session),
    }
}

fn of_intent(state: &State, intent: &Intent) -> Row {
    let customer = intent.customer.as_ref().and_then(|id| state.customers.get(id));
    Row {
        id: intent.id.to_string(),
        at: when(intent.created * 1_000),
        amount: money::shown(intent.amount, &intent.currency),
        status: render::status(intent.status),
        paid: "",
        mood: mood_of_intent(intent.status),
        buyer: customer.and_then(|customer| customer.email.clone()).unwrap_or_default(),
    }
}
