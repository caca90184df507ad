//! `/v1/payment_pages`: a session's page as Stripe's CLI pays it, without a browser.

use std::sync::Arc;

use serde_json::Value;

use super::{super::Call, declined, methods};
use crate::{
    checkout::{self, Means, Payment, Refusal},
    error::{Answer, ApiError},
    render,
    state::{
        State,
        objects::{Session, Status},
    },
};

/// What a browser sends beside what matters.
const IGNORED: [&str; 9] = [
    "browser_locale",
    "consent",
    "eid",
    "expected_payment_method_type",
    "guid",
    "key",
    "muid",
    "sid",
    "return_url",
];

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Session>> {
    state.sessions.get(id).ok_or_else(|| ApiError::missing("payment page", id, "session"))
}

/// The page: its session, with the number that the page itself has.
fn shown(state: &State, call: &Call, session: &Session) -> Value {
    let view = call.view(state);
    let mut page = render::session(session, view);
    let number: String = session.id.trim_start_matches("cs_test_a1").chars().take(24).collect();
    page["id"] = format!("ppage_{number}").into();
    page["session_id"] = (&*session.id).into();
    let intent = session.intent.as_ref().and_then(|id| state.intents.get(id));
    page["payment_intent"] = intent.map_or(Value::Null, |intent| render::intent(intent, view));
    page["state"] = match session.status {
        Status::Open => "active",
        Status::Complete => "succeeded",
        Status::Expired => "expired",
    }
    .into();
    page
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.ignore(&IGNORED);
    call.params.done()?;
    find(state, &call.id).map(|session| shown(state, call, session))
}

pub(super) fn confirm(state: &mut State, call: &mut Call) -> Answer {
    let session = Arc::clone(find(state, &call.id)?);
    let params = &mut call.params;
    let method = methods::asked(state, params)?;
    let expected = params.integer("expected_amount")?;
    params.ignore(&IGNORED);
    params.done()?;
    let total = session.total();
    if expected.is_some_and(|expected| expected != total) {
        return Err(params
            .error("expected_amount", format!("The amount to pay is {total}."))
            .code("checkout_amount_mismatch"));
    }
    let method = method.and_then(|method| method.take(state));
    let kind = method.as_ref().map(|method| method.instrument.kind);
    if let Some(kind) = kind.filter(|kind| !session.terms.methods.contains(kind)) {
        return Err(call
            .params
            .error("payment_method", format!("This session does not take {kind}.")));
    }
    let payment = Payment {
        buyer: method.as_ref().map(|method| method.billing.clone()).unwrap_or_default(),
        means: method.map(|method| Means {
            known: Some(Arc::clone(&method.id)),
            ..Means::new(method.instrument.clone(), method.ends)
        }),
        ..Payment::default()
    };
    match checkout::pay(state, &session.id, payment) {
        // The bank's question is answered on the session's own pages.
        Ok(_) | Err(Refusal::Authenticate) => {}
        Err(refusal) => return Err(refused(state, call, &session.id, refusal)),
    }
    find(state, &session.id).map(|session| shown(state, call, session))
}

fn refused(state: &State, call: &Call, id: &str, refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Declined(failure) => {
            let error = declined(failure);
            let intent = state.sessions.get(id).and_then(|session| session.intent.as_ref());
            match intent.and_then(|id| state.intents.get(id)) {
                Some(intent) => {
                    error.with("payment_intent", render::intent(intent, call.view(state)))
                }
                None => error,
            }
        }
        Refusal::Field(field, text) => {
            let param = if field == "method" { "payment_method".to_owned() } else { field };
            call.params.error(&param, text)
        }
        Refusal::NotOpen(Status::Expired) => {
            ApiError::invalid("This Checkout Session has expired.").code("checkout_session_expired")
        }
        Refusal::NotOpen(_) | Refusal::LinkFull | Refusal::NoSession | Refusal::Authenticate => {
            ApiError::invalid("This Checkout Session is no longer open.")
                .code("payment_page_not_active")
        }
    }
}
