//! The paying side of the API: intents, methods, charges, refunds, disputes, payment pages.

mod charges;
mod disputes;
mod intents;
pub(super) mod methods;
mod pages;
mod refunds;
mod setups;
pub(super) mod sources;

use super::{Call, Route, reads, writes};
use crate::{
    error::{Answer, ApiError},
    render,
    state::{
        State,
        objects::{Failure, Metadata},
    },
};

/// What answers a method and path.
pub(super) fn route(method: &str, resource: &'static str, rest: &[&str]) -> Option<Route> {
    Some(match (method, resource, rest) {
        ("GET", "payment_intent", []) => reads(resource, intents::list),
        ("POST", "payment_intent", []) => writes(resource, intents::create),
        ("GET", "payment_intent", [_]) => reads(resource, intents::retrieve),
        ("POST", "payment_intent", [_]) => writes(resource, intents::update),
        ("POST", "payment_intent", [_, "confirm"]) => writes(resource, intents::confirm),
        ("POST", "payment_intent", [_, "cancel"]) => writes(resource, intents::cancel),
        ("POST", "payment_intent", [_, "capture"]) => writes(resource, intents::capture),
        ("GET", "setup_intent", []) => reads(resource, setups::list),
        ("POST", "setup_intent", []) => writes(resource, setups::create),
        ("GET", "setup_intent", [_]) => reads(resource, setups::retrieve),
        ("POST", "setup_intent", [_, "confirm"]) => writes(resource, setups::confirm),
        ("POST", "setup_intent", [_, "cancel"]) => writes(resource, setups::cancel),
        ("GET", "payment_method", []) => reads(resource, methods::list),
        ("GET", "customer", [_, "payment_methods"]) => {
            reads("payment_method", methods::of_customer)
        }
        ("GET", "customer", [_, "payment_methods", _]) => {
            reads("payment_method", methods::retrieve)
        }
        ("POST", "customer", [_, "sources"]) => writes("source", sources::create),
        ("GET", "customer", [_, "sources", _]) => reads("source", sources::retrieve),
        ("POST", "customer", [_, "sources", _]) => writes("source", sources::update),
        ("POST", "payment_method", []) => writes(resource, methods::create),
        ("GET", "payment_method", [_]) => reads(resource, methods::retrieve),
        ("POST", "payment_method", [_]) => writes(resource, methods::update),
        ("POST", "payment_method", [_, "attach"]) => writes(resource, methods::attach),
        ("POST", "payment_method", [_, "detach"]) => writes(resource, methods::detach),
        ("GET", "charge", []) => reads(resource, charges::list),
        ("POST", "charge", []) => writes(resource, charges::create),
        ("GET", "charge", [_]) => reads(resource, charges::retrieve),
        ("POST", "charge", [_]) => writes(resource, charges::update),
        ("POST", "charge", [_, "capture"]) => writes(resource, charges::capture),
        ("GET", "charge", [_, "refunds"]) => reads("charge", refunds::of_charge),
        // One permission covers charges and their refunds.
        ("GET", "refund", []) => reads("charge", refunds::list),
        ("POST", "refund", []) => writes("charge", refunds::create),
        ("GET", "refund", [_]) => reads("charge", refunds::retrieve),
        ("POST", "refund", [_]) => writes("charge", refunds::update),
        ("POST", "refund", [_, "cancel"]) => writes("charge", refunds::cancel),
        ("GET", "dispute", []) => reads(resource, disputes::list),
        ("GET", "dispute", [_]) => reads(resource, disputes::retrieve),
        ("POST", "dispute", [_]) => writes(resource, disputes::update),
        ("POST", "dispute", [_, "close"]) => writes(resource, disputes::close),
        ("GET", "balance_transaction", [_]) => reads(resource, retrieve_transaction),
        ("GET", "payment_page", [_]) => reads("checkout_session", pages::retrieve),
        ("POST", "payment_page", [_, "confirm"]) => writes("checkout_session", pages::confirm),
        ("DELETE", "customer", [_, "sources", _]) => writes("source", sources::delete),
        ("GET", "customer", [_, "sources"]) => reads("source", sources::list),
        _ => return None,
    })
}

fn retrieve_transaction(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    render::balance_transaction(state, &call.id)
        .ok_or_else(|| ApiError::missing("balance transaction", &call.id, "id"))
}

/// 402: the bank, or the sandbox for it, declined.
pub(super) fn declined(failure: Failure) -> ApiError {
    let error =
        ApiError::invalid(failure.message).status(402).kind("card_error").code(failure.code);
    match failure.decline_code {
        Some(code) => error.with("decline_code", code.into()),
        None => error,
    }
}

/// The metadata after a call that changes nothing else may be wrong with.
fn only_metadata(call: &mut Call, known: &Metadata) -> Answer<Metadata> {
    let metadata = super::metadata(&mut call.params, "metadata", known)?;
    call.params.done()?;
    Ok(metadata)
}
