//! What happens to payments: they are tried, settle, are captured or canceled. A session's payment
//! goes this way too; what it means for the session is told to `checkout`.

mod control;
pub(crate) mod disputes;
pub(crate) mod refunds;
pub(crate) mod setups;

use std::sync::Arc;

pub(crate) use self::control::{AnswerBank, PayVoucher, RaiseDispute, SettleNow};
use crate::{
    checkout,
    ids::Id,
    state::{
        State, Task,
        objects::{
            Action, Charge, ChargeStatus, Ends, Failure, Fate, Intent, IntentStatus, PaymentMethod,
            Snapshot,
        },
    },
};

const DAY_S: i64 = 24 * 60 * 60;

/// The debit of a bank account that came back.
const DEBIT_FAILED: Failure = Failure {
    code: "payment_intent_payment_attempt_failed",
    decline_code: None,
    message: "The payment failed.",
};

/// A voucher that nobody paid.
const VOUCHER_EXPIRED: Failure = Failure {
    code: "payment_intent_payment_attempt_expired",
    decline_code: None,
    message: "The voucher expired before the customer paid it.",
};

/// The bank's question was answered with no.
pub(crate) const NOT_AUTHENTICATED: Failure = Failure {
    code: "payment_intent_authentication_failure",
    decline_code: None,
    message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
};

/// The bank has a question, and nobody is there to answer it.
pub(crate) const AUTHENTICATION_REQUIRED: Failure = Failure {
    code: "authentication_required",
    decline_code: Some("authentication_required"),
    message: "Your card was declined. This transaction requires authentication.",
};

/// Emits an event about an intent as it stands.
pub(crate) fn announce(state: &mut State, kind: &'static str, intent: &str) {
    if let Some(row) = state.intents.get(intent).cloned() {
        state.emit(kind, Snapshot::Intent(row));
    }
}

/// Tries to pay an intent. What a bank that asks gets answered is told by [`answer`].
pub(crate) fn attempt(
    state: &mut State,
    intent: &str,
    method: &Arc<PaymentMethod>,
    ends: Ends,
) -> Result<(), Failure> {
    let row = state.intents.change(intent, |row| {
        row.payment_method = Some(Arc::clone(&method.id));
        (row.action, row.failure) = (None, None);
        row.attempts += 1;
    });
    let attempt = row.map_or(0, |row| row.attempts);
    match ends {
        Ends::AtOnce => succeed(state, intent, method),
        Ends::Refused(failure) => {
            refuse(state, intent, method, failure);
            return Err(failure);
        }
        Ends::Asks { .. } => ask(state, intent, Action::Authenticate),
        Ends::Later { fails } => {
            add_charge(state, intent, method, ChargeStatus::Pending, None);
            state.intents.change(intent, |row| row.status = IntentStatus::Processing);
            announce(state, "payment_intent.processing", intent);
            let at_ms = state.clock.now_ms() + state.settle_ms;
            state.plan(at_ms, Task::Settle { intent: intent.into(), attempt, fails });
        }
        Ends::Voucher { paid } => {
            let kind = method.instrument.kind;
            let expires_at = state.now() + if kind == "multibanco" { 7 } else { 3 } * DAY_S;
            ask(state, intent, Action::Voucher { kind, expires_at });
            let paid_ms = state.clock.now_ms() + state.settle_ms;
            let at_ms = if paid { paid_ms } else { expires_at * 1000 };
            state.plan(at_ms, Task::Settle { intent: intent.into(), attempt, fails: !paid });
        }
    }
    keep_method(state, intent, method);
    Ok(())
}

fn ask(state: &mut State, intent: &str, action: Action) {
    state.intents.change(intent, |row| {
        (row.status, row.action) = (IntentStatus::RequiresAction, Some(action));
    });
    announce(state, "payment_intent.requires_action", intent);
}

fn succeed(state: &mut State, intent: &str, method: &PaymentMethod) {
    add_charge(state, intent, method, ChargeStatus::Succeeded, None);
    let row = state.intents.change(intent, |row| {
        (row.status, row.received) = if row.capture_later {
            (IntentStatus::RequiresCapture, 0)
        } else {
            (IntentStatus::Succeeded, row.amount)
        };
    });
    let kind = match row {
        Some(row) if row.capture_later => "payment_intent.amount_capturable_updated",
        _ => "payment_intent.succeeded",
    };
    announce(state, kind, intent);
}

fn refuse(state: &mut State, intent: &str, method: &PaymentMethod, failure: Failure) {
    // Without the bank's approval nothing was charged.
    if failure != NOT_AUTHENTICATED {
        add_charge(state, intent, method, ChargeStatus::Failed, Some(failure));
    }
    state.intents.change(intent, |row| {
        (row.status, row.failure) = (IntentStatus::RequiresPaymentMethod, Some(failure));
    });
    announce(state, "payment_intent.payment_failed", intent);
}

/// A method that is to be used again belongs to the customer from now on.
fn keep_method(state: &mut State, intent: &str, method: &PaymentMethod) {
    let row = state.intents.get(intent);
    let keeps = row.is_some_and(|row| row.setup_future_usage.is_some());
    let customer = row.and_then(|row| row.customer.clone()).filter(|_| keeps);
    if let Some(customer) = customer.filter(|_| method.customer.is_none()) {
        attach(state, &method.id, &customer);
    }
}

/// Gives a payment method to a customer.
pub(crate) fn attach(state: &mut State, method: &str, customer: &Id) -> Option<Arc<PaymentMethod>> {
    let row = state.methods.change(method, |row| row.customer = Some(Arc::clone(customer)))?;
    state.emit("payment_method.attached", Snapshot::Method(Arc::clone(&row)));
    Some(row)
}

/// How a bank's question ends when it is answered.
pub(crate) fn answered(ends: Ends, approved: bool) -> Ends {
    match ends {
        _ if !approved => Ends::Refused(NOT_AUTHENTICATED),
        Ends::Asks { then: Some(failure) } => Ends::Refused(failure),
        Ends::Asks { then: None } => Ends::AtOnce,
        ends => ends,
    }
}

/// The buyer answers the bank's question about an intent that no session has. False when the bank
/// did not ask, or asked on a session's page: only that page's answer completes the session.
pub(crate) fn answer(state: &mut State, intent: &str, approved: bool) -> bool {
    if state.session_by_intent.contains_key(intent) {
        return false;
    }
    let asked = state.intents.get(intent).filter(|row| row.action == Some(Action::Authenticate));
    let method = asked.and_then(|row| row.payment_method.as_ref());
    let Some(method) = method.and_then(|id| state.methods.get(id)).cloned() else { return false };
    let _ = attempt(state, intent, &method, answered(method.ends, approved));
    follow_up(state, intent);
    true
}

fn add_charge(
    state: &mut State,
    intent: &str,
    method: &PaymentMethod,
    status: ChargeStatus,
    failure: Option<Failure>,
) {
    let Some(row) = state.intents.get(intent).cloned() else { return };
    let id = state.ids.next("ch_");
    state.intents.change(intent, |row| row.latest_charge = Some(Arc::clone(&id)));
    let captured = status == ChargeStatus::Succeeded && !row.capture_later;
    let charge = Charge {
        captured,
        amount_captured: if captured { row.amount } else { 0 },
        customer: row.customer.clone(),
        description: row.description.clone(),
        intent: Some(Arc::clone(&row.id)),
        status,
        failure,
        shipping: row.shipping.clone(),
        metadata: Arc::clone(&row.metadata),
        shown: Arc::clone(&row.shown),
        ..Charge::new(id, state.now(), row.amount, Arc::clone(&row.currency), method)
    };
    tell_charge(state, charge);
}

/// Adds a charge and tells of it.
pub(crate) fn tell_charge(state: &mut State, charge: Charge) -> Arc<Charge> {
    let kind = match charge.status {
        ChargeStatus::Succeeded => "charge.succeeded",
        ChargeStatus::Pending => "charge.pending",
        ChargeStatus::Failed => "charge.failed",
    };
    let charge = state.charges.insert(charge);
    state.emit(kind, Snapshot::Charge(Arc::clone(&charge)));
    charge
}

/// What comes right after the money: a bank that wants it back.
pub(crate) fn follow_up(state: &mut State, intent: &str) {
    let row = state.intents.get(intent).filter(|row| row.status == IntentStatus::Succeeded);
    let charge = row.and_then(|row| row.latest_charge.clone());
    if let Some(charge) = charge.and_then(|id| state.charges.get(&id)).cloned() {
        dispute_as_fated(state, &charge);
    }
}

/// Known cards and accounts complain about what was taken from them.
pub(crate) fn dispute_as_fated(state: &mut State, charge: &Charge) {
    if let Fate::Disputed(complaint) = charge.instrument.fate {
        disputes::raise(state, charge, complaint);
    }
}

/// As [`settle`], at the time that was planned when the attempt was made. What was tried since then
/// has a time of its own.
pub(crate) fn settle_attempt(state: &mut State, intent: &str, attempt: u32, fails: bool) {
    if state.intents.get(intent).is_some_and(|row| row.attempts == attempt) {
        settle(state, intent, fails);
    }
}

/// A debit arrives or comes back; a voucher is paid or expires.
pub(crate) fn settle(state: &mut State, intent: &str, fails: bool) {
    let Some(row) = state.intents.get(intent).cloned() else { return };
    let failure = match (row.status, row.action) {
        (IntentStatus::Processing, _) => {
            let failure = fails.then_some(DEBIT_FAILED);
            settle_charge(state, &row, failure);
            failure
        }
        (IntentStatus::RequiresAction, Some(Action::Voucher { .. })) if fails => {
            Some(VOUCHER_EXPIRED)
        }
        (IntentStatus::RequiresAction, Some(Action::Voucher { .. })) => {
            let method = row.payment_method.as_ref().and_then(|id| state.methods.get(id)).cloned();
            if let Some(method) = method {
                add_charge(state, intent, &method, ChargeStatus::Succeeded, None);
            }
            None
        }
        _ => return,
    };
    let fails = failure.is_some();
    state.intents.change(intent, |row| {
        row.status =
            if fails { IntentStatus::RequiresPaymentMethod } else { IntentStatus::Succeeded };
        row.received = if fails { 0 } else { row.amount };
        (row.failure, row.action) = (failure, None);
    });
    let kind = if fails { "payment_intent.payment_failed" } else { "payment_intent.succeeded" };
    announce(state, kind, intent);
    checkout::settled(state, intent, fails);
    follow_up(state, intent);
}

fn settle_charge(state: &mut State, intent: &Intent, failure: Option<Failure>) {
    let (status, kind) = match failure {
        Some(_) => (ChargeStatus::Failed, "charge.failed"),
        None => (ChargeStatus::Succeeded, "charge.succeeded"),
    };
    let charge = intent.latest_charge.as_ref().and_then(|id| {
        state.charges.change(id, |charge| {
            (charge.status, charge.failure, charge.captured) = (status, failure, failure.is_none());
            charge.amount_captured = if failure.is_none() { charge.amount } else { 0 };
        })
    });
    if let Some(charge) = charge {
        state.emit(kind, Snapshot::Charge(charge));
    }
}

/// Takes the money that was reserved, or a part of it. False when there is none.
pub(crate) fn capture(state: &mut State, intent: &str, amount: i64) -> bool {
    let reserved =
        state.intents.get(intent).filter(|row| row.status == IntentStatus::RequiresCapture);
    let Some(row) = reserved.cloned() else { return false };
    let charge = row.latest_charge.as_ref().and_then(|id| {
        state
            .charges
            .change(id, |charge| (charge.captured, charge.amount_captured) = (true, amount))
    });
    if let Some(charge) = charge {
        state.emit("charge.captured", Snapshot::Charge(charge));
    }
    state
        .intents
        .change(intent, |row| (row.status, row.received) = (IntentStatus::Succeeded, amount));
    announce(state, "payment_intent.succeeded", intent);
    checkout::captured(state, intent);
    follow_up(state, intent);
    true
}

/// Gives up an intent that has not succeeded. False when it cannot be canceled any more.
pub(crate) fn cancel(state: &mut State, intent: &str, reason: Option<&'static str>) -> bool {
    let Some(row) = state.intents.get(intent).cloned() else { return false };
    match row.status {
        IntentStatus::Succeeded | IntentStatus::Canceled | IntentStatus::Processing => {
            return false;
        }
        IntentStatus::RequiresCapture => release(state, &row),
        _ => {}
    }
    let now = state.now();
    state.intents.change(intent, |row| {
        (row.status, row.canceled_at, row.cancellation_reason) =
            (IntentStatus::Canceled, Some(now), reason);
        row.action = None;
    });
    announce(state, "payment_intent.canceled", intent);
    true
}

/// What was only reserved goes back to the buyer.
fn release(state: &mut State, intent: &Intent) {
    let charge = intent
        .latest_charge
        .as_ref()
        .and_then(|id| state.charges.change(id, |charge| charge.amount_refunded = charge.amount));
    if let Some(charge) = charge {
        state.emit("charge.refunded", Snapshot::Charge(charge));
    }
}
