//! What happens to a session: it is paid, settles, fails, expires, is captured or canceled.

mod lines;

use std::sync::Arc;

pub(crate) use self::lines::{adjust, discount_lines};
use crate::{
    buy::Presentment,
    ids::Id,
    state::{
        State, Task,
        objects::{
            Buyer, Charge, ChargeStatus, Customer, Discount, Event, Failure, Instrument, Intent,
            IntentStatus, Mode, PaymentStatus, Session, Shipping, Snapshot, Status,
        },
    },
};

/// What the buyer sends when paying.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payment {
    pub(crate) means: Option<Means>,
    pub(crate) buyer: Buyer,
    pub(crate) shipping: Option<Shipping>,
    pub(crate) presentment: Option<Presentment>,
    /// Line ids and the quantities the buyer wants.
    pub(crate) quantities: Vec<(String, i64)>,
    pub(crate) discount: Option<Discount>,
}

/// What the buyer pays with, and how that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Means {
    pub(crate) instrument: Instrument,
    pub(crate) ends: Ends,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    AtOnce,
    Refused(Failure),
    /// The bank asks the buyer first.
    Asks,
    Later {
        fails: bool,
    },
}

/// Why a payment did not complete the session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    NoSession,
    NotOpen(Status),
    Declined(Failure),
    /// The buyer has to approve the payment first.
    Authenticate,
    /// A field of the payment is wrong: its name and what about it.
    Field(String, String),
}

/// The debit of a bank account that came back.
const DEBIT_FAILED: Failure = Failure {
    code: "payment_intent_payment_attempt_failed",
    decline_code: None,
    message: "The payment failed.",
};

/// The bank's question was answered with no.
pub(crate) const NOT_AUTHENTICATED: Failure = Failure {
    code: "payment_intent_authentication_failure",
    decline_code: None,
    message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
};

/// Pays a session. On success, the `checkout.session.completed` event.
pub(crate) fn pay(state: &mut State, id: &str, payment: Payment) -> Result<Arc<Event>, Refusal> {
    let session = state.sessions.get(id).cloned().ok_or(Refusal::NoSession)?;
    if session.status != Status::Open {
        return Err(Refusal::NotOpen(session.status));
    }
    let mut next = (*session).clone();
    next.lines = adjust(&session.lines, &payment.quantities)?;
    if let Some(discount) = &payment.discount {
        next.discount = Some(discount.clone());
    }
    discount_lines(&mut next.lines, next.discount.as_ref().map(|discount| &discount.off));
    let mut buyer = payment.buyer.clone();
    let known = session.customer.as_ref().and_then(|id| state.customers.get(id));
    let known_email = known.and_then(|customer| customer.email.clone());
    buyer.email = session.customer_email.clone().or(known_email).or(buyer.email);
    next.buyer = Some(buyer);
    next.presentment.clone_from(&payment.presentment);
    next.shipping = payment.shipping.clone().filter(|_| session.terms.ships_to.is_some());
    if next.total() == 0 && session.terms.mode != Mode::Setup {
        next.payment_status = PaymentStatus::NoPaymentRequired;
        return Ok(complete(state, next));
    }
    let Some(means) = &payment.means else {
        return Err(Refusal::Field("method".into(), "Choose a way to pay.".into()));
    };
    match means.ends {
        Ends::Refused(failure) => {
            refuse(state, &mut next, &means.instrument, failure);
            Err(Refusal::Declined(failure))
        }
        Ends::Asks => {
            if session.terms.mode == Mode::Payment {
                let intent = begin_intent(state, &mut next, IntentStatus::RequiresAction);
                remember_intent(state, &session.id, &intent);
                announce(state, "payment_intent.requires_action", &intent);
            }
            state.authenticating.insert(Arc::clone(&session.id), payment);
            Err(Refusal::Authenticate)
        }
        Ends::AtOnce => Ok(charge_at_once(state, next, &means.instrument)),
        Ends::Later { fails } => Ok(charge_later(state, next, &means.instrument, fails)),
    }
}

fn charge_at_once(state: &mut State, mut next: Session, instrument: &Instrument) -> Arc<Event> {
    next.payment_status = match next.terms.mode {
        Mode::Setup => PaymentStatus::NoPaymentRequired,
        Mode::Payment if next.terms.capture_later => PaymentStatus::Unpaid,
        Mode::Payment | Mode::Subscription => PaymentStatus::Paid,
    };
    ensure_customer(state, &mut next);
    if next.terms.mode == Mode::Payment {
        let capture_later = next.terms.capture_later;
        let status =
            if capture_later { IntentStatus::RequiresCapture } else { IntentStatus::Succeeded };
        let intent = begin_intent(state, &mut next, status);
        add_charge(state, &next, &intent, instrument, ChargeStatus::Succeeded, None);
        let kind = if capture_later {
            "payment_intent.amount_capturable_updated"
        } else {
            "payment_intent.succeeded"
        };
        announce(state, kind, &intent);
    }
    complete(state, next)
}

fn charge_later(
    state: &mut State,
    mut next: Session,
    instrument: &Instrument,
    fails: bool,
) -> Arc<Event> {
    next.payment_status = PaymentStatus::Unpaid;
    ensure_customer(state, &mut next);
    let intent = begin_intent(state, &mut next, IntentStatus::Processing);
    add_charge(state, &next, &intent, instrument, ChargeStatus::Pending, None);
    announce(state, "payment_intent.processing", &intent);
    let at_ms = state.clock.now_ms() + state.settle_ms;
    state.plan(at_ms, Task::Settle { intent, fails });
    complete(state, next)
}

/// A try that was turned down: the session stays open, its intent remembers the failure.
pub(crate) fn refuse(
    state: &mut State,
    next: &mut Session,
    instrument: &Instrument,
    failure: Failure,
) {
    if next.terms.mode != Mode::Payment {
        return;
    }
    let id = Arc::clone(&next.id);
    let intent = begin_intent(state, next, IntentStatus::RequiresPaymentMethod);
    state.intents.change(&intent, |row| row.failure = Some(failure));
    remember_intent(state, &id, &intent);
    add_charge(state, next, &intent, instrument, ChargeStatus::Failed, Some(failure));
    announce(state, "payment_intent.payment_failed", &intent);
}

/// The buyer answered the bank's question.
pub(crate) fn authenticate(
    state: &mut State,
    id: &str,
    approved: bool,
) -> Result<Arc<Event>, Refusal> {
    let mut payment = state.authenticating.remove(id).ok_or(Refusal::NoSession)?;
    if let Some(means) = &mut payment.means {
        means.ends = if approved { Ends::AtOnce } else { Ends::Refused(NOT_AUTHENTICATED) };
    }
    pay(state, id, payment)
}

fn remember_intent(state: &mut State, session: &str, intent: &Id) {
    state.sessions.change(session, |row| row.intent = Some(Arc::clone(intent)));
}

/// The session's intent in a new status; made when there is none yet.
fn begin_intent(state: &mut State, next: &mut Session, status: IntentStatus) -> Id {
    let (amount, received) =
        (next.total(), if status == IntentStatus::Succeeded { next.total() } else { 0 });
    if let Some(id) = &next.intent {
        state.intents.change(id, |row| {
            (row.status, row.amount, row.received, row.failure) = (status, amount, received, None);
            row.customer.clone_from(&next.customer);
            row.shipping.clone_from(&next.shipping);
        });
        return Arc::clone(id);
    }
    let id = state.ids.next("pi_");
    let intent = Intent {
        id: Arc::clone(&id),
        created: state.now(),
        status: IntentStatus::RequiresPaymentMethod,
        amount,
        received: 0,
        currency: next.terms.currency.clone().unwrap_or_else(|| "usd".into()),
        customer: next.customer.clone(),
        description: next.terms.intent_description.clone(),
        methods: next.terms.methods.clone(),
        capture_later: next.terms.capture_later,
        latest_charge: None,
        payment_method: None,
        failure: None,
        canceled_at: None,
        cancellation_reason: None,
        shipping: next.shipping.clone(),
        metadata: Arc::clone(&next.terms.intent_metadata),
    };
    let intent = state.intents.insert(intent);
    state.emit("payment_intent.created", Snapshot::Intent(intent));
    state.intents.change(&id, |row| (row.status, row.received) = (status, received));
    state.session_by_intent.insert(Arc::clone(&id), Arc::clone(&next.id));
    next.intent = Some(Arc::clone(&id));
    id
}

fn add_charge(
    state: &mut State,
    session: &Session,
    intent: &Id,
    instrument: &Instrument,
    status: ChargeStatus,
    failure: Option<Failure>,
) {
    let id = state.ids.next("ch_");
    let payment_method: Id = id.replacen("ch_", "pm_", 1).into();
    state.intents.change(intent, |row| {
        row.latest_charge = Some(Arc::clone(&id));
        row.payment_method = Some(Arc::clone(&payment_method));
    });
    let charge = state.charges.insert(Charge {
        id,
        created: state.clock.now(),
        amount: session.total(),
        captured: status == ChargeStatus::Succeeded && !session.terms.capture_later,
        amount_refunded: 0,
        currency: session.terms.currency.clone().unwrap_or_else(|| "usd".into()),
        customer: session.customer.clone(),
        intent: Arc::clone(intent),
        payment_method,
        instrument: instrument.clone(),
        status,
        failure,
        buyer: session.buyer.clone().unwrap_or_default(),
        shipping: session.shipping.clone(),
        metadata: Arc::clone(&session.terms.intent_metadata),
    });
    let kind = match status {
        ChargeStatus::Succeeded => "charge.succeeded",
        ChargeStatus::Pending => "charge.pending",
        ChargeStatus::Failed => "charge.failed",
    };
    state.emit(kind, Snapshot::Charge(charge));
}

/// Emits an event about an intent as it stands.
fn announce(state: &mut State, kind: &'static str, intent: &str) {
    if let Some(row) = state.intents.get(intent).cloned() {
        state.emit(kind, Snapshot::Intent(row));
    }
}

fn ensure_customer(state: &mut State, next: &mut Session) {
    let wanted = next.terms.always_customer || next.terms.mode == Mode::Subscription;
    if next.customer.is_some() || !wanted {
        return;
    }
    let buyer = next.buyer.clone().unwrap_or_default();
    let customer = state.customers.insert(Customer {
        id: state.ids.next("cus_"),
        created: state.clock.now(),
        email: buyer.email,
        name: buyer.name,
        phone: buyer.phone,
        description: None,
        address: Some(buyer.address),
        shipping: next.shipping.clone(),
        preferred_locales: next
            .terms
            .locale
            .iter()
            .filter(|locale| *locale != "auto")
            .cloned()
            .collect(),
        metadata: Arc::default(),
    });
    next.customer = Some(Arc::clone(&customer.id));
    if let Some(place) = state.sessions.place(&next.id) {
        state.sessions_by_customer.entry(Arc::clone(&customer.id)).or_default().push(place);
    }
    state.emit("customer.created", Snapshot::Customer(customer));
}

fn complete(state: &mut State, mut next: Session) -> Arc<Event> {
    next.status = Status::Complete;
    let outcome = match next.terms.mode {
        Mode::Payment => None,
        Mode::Subscription => {
            ensure_customer(state, &mut next);
            next.invoice = Some(state.ids.next("in_"));
            next.subscription = Some(state.ids.next("sub_"));
            next.subscription.clone()
        }
        Mode::Setup => {
            next.setup_intent = Some(state.ids.next("seti_"));
            next.setup_intent.clone()
        }
    };
    if let Some(outcome) = outcome {
        state.session_by_outcome.insert(outcome, Arc::clone(&next.id));
    }
    if let Some(discount) = &next.discount {
        state.coupons.change(&discount.coupon, |row| row.times_redeemed += 1);
        if let Some(code) = &discount.promotion_code {
            state.promotions.change(code, |row| row.times_redeemed += 1);
        }
    }
    state.authenticating.remove(&next.id);
    let session = state.sessions.insert(next);
    state.emit("checkout.session.completed", Snapshot::Session(session))
}

/// A debit arrives, or comes back.
pub(crate) fn settle(state: &mut State, intent: &str, fails: bool) {
    let Some(row) =
        state.intents.get(intent).filter(|row| row.status == IntentStatus::Processing).cloned()
    else {
        return;
    };
    let (status, failure) = if fails {
        (ChargeStatus::Failed, Some(DEBIT_FAILED))
    } else {
        (ChargeStatus::Succeeded, None)
    };
    if let Some(charge) = &row.latest_charge {
        let charge = state.charges.change(charge, |charge| {
            (charge.status, charge.failure, charge.captured) = (status, failure, !fails);
        });
        if let Some(charge) = charge {
            state.emit(
                if fails { "charge.failed" } else { "charge.succeeded" },
                Snapshot::Charge(charge),
            );
        }
    }
    state.intents.change(intent, |row| {
        row.status =
            if fails { IntentStatus::RequiresPaymentMethod } else { IntentStatus::Succeeded };
        row.received = if fails { 0 } else { row.amount };
        row.failure = failure;
    });
    announce(
        state,
        if fails { "payment_intent.payment_failed" } else { "payment_intent.succeeded" },
        intent,
    );
    let Some(session) = state.session_of_intent(intent).map(|session| Arc::clone(&session.id))
    else {
        return;
    };
    let session = state.sessions.change(&session, |session| {
        if !fails {
            session.payment_status = PaymentStatus::Paid;
        }
    });
    if let Some(session) = session {
        let kind = if fails {
            "checkout.session.async_payment_failed"
        } else {
            "checkout.session.async_payment_succeeded"
        };
        state.emit(kind, Snapshot::Session(session));
    }
}

/// Ends an open session that nobody paid. False when it is not open.
pub(crate) fn expire(state: &mut State, id: &str) -> bool {
    let open = state.sessions.get(id).is_some_and(|session| session.status == Status::Open);
    if open
        && let Some(session) = state.sessions.change(id, |session| session.status = Status::Expired)
    {
        state.authenticating.remove(id);
        state.emit("checkout.session.expired", Snapshot::Session(session));
    }
    open
}

/// Takes the money that was reserved. False when there is none.
pub(crate) fn capture(state: &mut State, intent: &str) -> bool {
    let Some(row) = state
        .intents
        .get(intent)
        .filter(|row| row.status == IntentStatus::RequiresCapture)
        .cloned()
    else {
        return false;
    };
    if let Some(charge) = row
        .latest_charge
        .as_ref()
        .and_then(|id| state.charges.change(id, |charge| charge.captured = true))
    {
        state.emit("charge.captured", Snapshot::Charge(charge));
    }
    state
        .intents
        .change(intent, |row| (row.status, row.received) = (IntentStatus::Succeeded, row.amount));
    announce(state, "payment_intent.succeeded", intent);
    if let Some(session) = state.session_of_intent(intent).map(|session| Arc::clone(&session.id)) {
        state.sessions.change(&session, |session| session.payment_status = PaymentStatus::Paid);
    }
    true
}

/// Gives up an intent that has not succeeded. False when it cannot be canceled any more.
pub(crate) fn cancel(state: &mut State, intent: &str, reason: Option<&'static str>) -> bool {
    let status = state.intents.get(intent).map(|row| row.status);
    if matches!(
        status,
        None | Some(IntentStatus::Succeeded | IntentStatus::Canceled | IntentStatus::Processing)
    ) {
        return false;
    }
    let now = state.now();
    state.intents.change(intent, |row| {
        (row.status, row.canceled_at, row.cancellation_reason) =
            (IntentStatus::Canceled, Some(now), reason);
    });
    announce(state, "payment_intent.canceled", intent);
    true
}
