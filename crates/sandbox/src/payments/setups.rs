//! A payment method is kept for later, without charging it.

use std::sync::Arc;

use super::{NOT_AUTHENTICATED, answered, attach};
use crate::state::{
    State,
    objects::{Ends, Failure, IntentStatus, PaymentMethod, SetupIntent, Snapshot},
};

/// The buyer did not let the bank keep the method.
const REFUSED: Failure =
    Failure { code: "setup_intent_authentication_failure", ..NOT_AUTHENTICATED };

/// Adds a setup intent and tells of it.
pub(crate) fn create(state: &mut State, row: SetupIntent) -> Arc<SetupIntent> {
    let row = state.setups.insert(row);
    state.emit("setup_intent.created", Snapshot::Setup(Arc::clone(&row)));
    row
}

/// Tries to keep a method.
pub(crate) fn attempt(
    state: &mut State,
    id: &str,
    method: &PaymentMethod,
    ends: Ends,
) -> Result<(), Failure> {
    let (status, failure, kind) = match ends {
        Ends::Refused(failure) => {
            (IntentStatus::RequiresPaymentMethod, Some(failure), "setup_intent.setup_failed")
        }
        Ends::Asks { .. } => (IntentStatus::RequiresAction, None, "setup_intent.requires_action"),
        Ends::AtOnce | Ends::Later { .. } | Ends::Voucher { .. } => {
            (IntentStatus::Succeeded, None, "setup_intent.succeeded")
        }
    };
    let row = change(state, id, kind, |row| {
        (row.status, row.failure) = (status, failure);
        row.payment_method = failure.is_none().then(|| Arc::clone(&method.id));
    });
    let customer = row.and_then(|row| row.customer.clone());
    if let Some(customer) = customer.filter(|_| status == IntentStatus::Succeeded)
        && method.customer.is_none()
    {
        attach(state, &method.id, &customer);
    }
    failure.map_or(Ok(()), Err)
}

/// The buyer answers the bank's question about a method to be kept. False when it did not
/// ask, or asked on a session's page: only that page's answer completes the session.
pub(crate) fn answer(state: &mut State, id: &str, approved: bool) -> bool {
    if state.session_by_intent.contains_key(id) {
        return false;
    }
    let asked = state.setups.get(id).filter(|row| row.status == IntentStatus::RequiresAction);
    let method = asked.and_then(|row| row.payment_method.as_ref());
    let Some(method) = method.and_then(|id| state.methods.get(id)).cloned() else { return false };
    let ends = if approved { answered(method.ends, true) } else { Ends::Refused(REFUSED) };
    let _ = attempt(state, id, &method, ends);
    true
}

/// Gives it up. False when it cannot be canceled any more.
pub(crate) fn cancel(state: &mut State, id: &str, reason: Option<&'static str>) -> bool {
    let status = state.setups.get(id).map(|row| row.status);
    if matches!(status, None | Some(IntentStatus::Succeeded | IntentStatus::Canceled)) {
        return false;
    }
    change(state, id, "setup_intent.canceled", |row| {
        (row.status, row.cancellation_reason) = (IntentStatus::Canceled, reason);
    });
    true
}

fn change(
    state: &mut State,
    id: &str,
    kind: &'static str,
    change: impl FnOnce(&mut SetupIntent),
) -> Option<Arc<SetupIntent>> {
    let row = state.setups.change(id, change)?;
    state.emit(kind, Snapshot::Setup(Arc::clone(&row)));
    Some(row)
}
