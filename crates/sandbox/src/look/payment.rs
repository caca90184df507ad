//! One payment: what it is, what can be done about it now, and what happened.

use std::sync::Arc;

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::{
    At, Frame,
    events::{self, EventRow},
    newest, page, payments, when,
};
use crate::{
    money, render,
    state::{
        State,
        objects::{
            Action, Charge, ChargeStatus, Event, Intent, IntentStatus, Session, Snapshot, Status,
        },
        taxes,
    },
};

#[derive(Template)]
#[template(path = "look/payment.html")]
struct Payment {
    frame: Frame,
    /// A session's or an intent's.
    id: String,
    mood: &'static str,
    standing: String,
    facts: Vec<(&'static str, String)>,
    lines: Vec<(i64, String, String)>,
    /// The page of an open session.
    url: Option<String>,
    expires: bool,
    intent: String,
    /// A debit on its way, a voucher that waits, a question of the bank.
    settles: bool,
    voucher: bool,
    asks: bool,
    /// What can still be given back, as a form takes it.
    refundable: Option<String>,
    currency: String,
    disputable: bool,
    events: Vec<EventRow>,
}

pub(super) fn one(at: &At<'_>, id: &str) -> Option<Response> {
    let state = &at.app.read();
    let session = state.sessions.get(id);
    let intent = match session {
        Some(session) => session.intent.as_ref().and_then(|id| state.intents.get(id)),
        None => Some(state.intents.get(id)?),
    };
    let charge = intent
        .and_then(|intent| intent.latest_charge.as_ref())
        .and_then(|id| state.charges.get(id))
        .filter(|charge| charge.status == ChargeStatus::Succeeded);
    let action = intent.and_then(|intent| intent.action);
    let currency = match (session, intent) {
        (Some(session), _) => session.currency().to_owned(),
        (None, intent) => intent.map(|intent| intent.currency.to_string()).unwrap_or_default(),
    };
    let told = newest(&state.events, None, |event| {
        concerns(event, session.map(|session| &*session.id), intent.map(|intent| &*intent.id))
    });
    let template = Payment {
        frame: at.frame(state, "Payment", "payments"),
        id: id.to_owned(),
        mood: match (session, intent) {
            (Some(session), _) => payments::mood(session),
            (None, Some(intent)) => payments::mood_of_intent(intent.status),
            (None, None) => "quiet",
        },
        standing: standing(session, intent),
        facts: facts(state, session, intent, charge),
        lines: session.map(|session| lines(session)).unwrap_or_default(),
        url: session
            .filter(|session| session.status == Status::Open)
            .map(|session| format!("/c/pay/{}", session.id)),
        expires: session.is_some_and(|session| session.status == Status::Open),
        intent: intent.map(|intent| intent.id.to_string()).unwrap_or_default(),
        settles: intent.is_some_and(|intent| intent.status == IntentStatus::Processing),
        voucher: matches!(action, Some(Action::Voucher { .. })),
        asks: session.is_none() && action == Some(Action::Authenticate),
        refundable: charge
            .map(|charge| charge.refundable())
            .filter(|left| *left > 0)
            .map(|left| money::plain(left, &currency)),
        disputable: charge.is_some_and(|charge| !charge.disputed && charge.refundable() > 0),
        currency: currency.to_uppercase(),
        events: told.rows.iter().map(events::row).collect(),
    };
    Some(page(StatusCode::OK, &template))
}

fn standing(session: Option<&Arc<Session>>, intent: Option<&Arc<Intent>>) -> String {
    match (session, intent) {
        (Some(session), _) => format!(
            "{}, {}",
            payments::status(session.status),
            payments::paid(session.payment_status)
        ),
        (None, Some(intent)) => render::status(intent.status).to_owned(),
        (None, None) => String::new(),
    }
}

fn lines(session: &Session) -> Vec<(i64, String, String)> {
    let shown = |amount| money::shown(amount, session.currency());
    let mut lines: Vec<_> = session
        .lines
        .iter()
        .map(|line| (line.quantity, line.description.clone(), shown(line.subtotal())))
        .collect();
    if session.discounted() > 0 {
        lines.push((1, "Discount".to_owned(), shown(-session.discounted())));
    }
    if let Some(shipping) = &session.shipping_cost {
        lines.push((1, "Shipping".to_owned(), shown(shipping.amount)));
    }
    for tax in taxes::by_rate(&session.lines) {
        let included = if tax.rate.inclusive { " included" } else { "" };
        let name = format!("{} ({}%{included})", tax.rate.display_name, tax.rate.percent());
        lines.push((1, name, shown(tax.amount)));
    }
    lines
}

fn facts(
    state: &State,
    session: Option<&Arc<Session>>,
    intent: Option<&Arc<Intent>>,
    charge: Option<&Arc<Charge>>,
) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(session) = session {
        facts.push(("Amount", money::shown(session.total(), session.currency())));
        facts.push(("Buyer", payments::buyer(state, session)));
        facts.push(("Made", when(session.created * 1_000)));
        if session.status == Status::Open {
            facts.push(("Expires", when(session.expires_at * 1_000)));
        }
        let link = session.link.as_ref().map(ToString::to_string);
        facts.push(("Payment Link", link.unwrap_or_default()));
        facts.push(("Reference", session.client_reference_id.clone().unwrap_or_default()));
    }
    if let Some(intent) = intent {
        facts.push(("Intent", format!("{} ({})", intent.id, render::status(intent.status))));
        if session.is_none() {
            facts.push(("Amount", money::shown(intent.amount, &intent.currency)));
            facts.push(("Made", when(intent.created * 1_000)));
        }
        let failure = intent.failure.map(|failure| failure.message.to_owned());
        facts.push(("Failure", failure.unwrap_or_default()));
    }
    if let Some(charge) = charge {
        facts
            .push(("Paid with", format!("{} {}", charge.instrument.kind, charge.instrument.last4)));
        if charge.amount_refunded > 0 {
            facts.push(("Refunded", money::shown(charge.amount_refunded, &charge.currency)));
        }
        if charge.disputed {
            facts.push(("Disputed", "yes".to_owned()));
        }
    }
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

/// Whether an event tells of this session or this intent.
fn concerns(event: &Event, session: Option<&str>, intent: Option<&str>) -> bool {
    let of_intent = |id: Option<&str>| id.is_some() && id == intent;
    match &event.object {
        Snapshot::Session(row) => session == Some(&*row.id),
        Snapshot::Intent(row) => of_intent(Some(&*row.id)),
        Snapshot::Charge(row) => of_intent(row.intent.as_deref()),
        Snapshot::Refund(row) => of_intent(row.intent.as_deref()),
        Snapshot::Dispute(row) => of_intent(row.intent.as_deref()),
        _ => false,
    }
}
