//! What happens to a session: it is paid, completes, settles, fails, expires.

mod answers;
mod lines;
mod quote;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

pub(crate) use self::{
    answers::Answers,
    lines::discount_lines,
    quote::{Choices, FieldError, Problem, Quote, quote},
};
use crate::{
    buy::Presentment,
    ids::Id,
    payments,
    state::{
        State,
        objects::{
            Buyer, Customer, Ends, Event, Failure, Instrument, Intent, IntentStatus, Metadata,
            Mode, PaymentMethod, PaymentStatus, Session, SetupIntent, Shipping, Shown, Snapshot,
            Status, Terms,
        },
    },
    subscriptions,
};

/// What the buyer sends when paying.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payment {
    pub(crate) means: Option<Means>,
    pub(crate) buyer: Buyer,
    pub(crate) shipping: Option<Shipping>,
    pub(crate) presentment: Option<Presentment>,
    pub(crate) choices: Choices,
    pub(crate) answers: Answers,
}

/// What the buyer pays with, and how that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Means {
    pub(crate) instrument: Instrument,
    pub(crate) ends: Ends,
    /// The payment method, when it is one already.
    pub(crate) known: Option<Id>,
}

impl Means {
    pub(crate) fn new(instrument: Instrument, ends: Ends) -> Self {
        Self { instrument, ends, known: None }
    }
}

/// Why a payment did not complete the session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    NoSession,
    NotOpen(Status),
    /// Its payment link takes no more: as many sessions have completed as may.
    LinkFull,
    Declined(Failure),
    /// The buyer has to approve the payment first.
    Authenticate,
    /// A field of the payment is wrong: its name and what about it.
    Field(String, String),
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Self::Field(error.field, error.problem.to_string())
    }
}

/// Whether a session can be paid so.
fn is_offered(session: &Session, kind: &str) -> Result<(), Refusal> {
    let offered = offered(session);
    if offered.contains(&kind) {
        return Ok(());
    }
    let offered = offered.join(", ");
    let message = format!("This session does not take {kind}. It takes {offered}.");
    Err(Refusal::Field("method".into(), message))
}

/// The methods of a session that the sandbox can play.
pub(crate) fn offered(session: &Session) -> Vec<&'static str> {
    let known =
        ["card", "sepa_debit", "us_bank_account", "boleto", "konbini", "multibanco", "oxxo"];
    let offered: Vec<_> =
        known.into_iter().filter(|method| session.terms.methods.contains(method)).collect();
    if offered.is_empty() { vec!["card"] } else { offered }
}

/// Pays a session. On success, the `checkout.session.completed` event.
pub(crate) fn pay(state: &mut State, id: &str, payment: Payment) -> Result<Arc<Event>, Refusal> {
    let session = state.sessions.get(id).cloned().ok_or(Refusal::NoSession)?;
    if session.status != Status::Open {
        return Err(Refusal::NotOpen(session.status));
    }
    if link_is_full(state, &session) {
        return Err(Refusal::LinkFull);
    }
    let mut next = (*session).clone();
    let mut buyer = payment.buyer.clone();
    let known = session.customer.as_ref().and_then(|id| state.customers.get(id));
    let known_email = known.and_then(|customer| customer.email.clone());
    buyer.email = session.customer_email.clone().or(known_email).or(buyer.email);
    let choices = Choices { email: buyer.email.clone(), ..payment.choices.clone() };
    next.take(quote(state, &session, &choices)?);
    if let Some(misfit) = payment.answers.misfits(&session.terms).into_iter().next() {
        return Err(misfit.into());
    }
    next.answers.clone_from(&payment.answers);
    next.buyer = Some(buyer);
    next.presentment.clone_from(&payment.presentment);
    next.shipping = payment.shipping.clone().filter(|_| session.terms.ships_to.is_some());
    if next.total() == 0 && session.terms.mode != Mode::Setup {
        next.payment_status = PaymentStatus::NoPaymentRequired;
        let known = payment.means.filter(|means| matches!(means.ends, Ends::AtOnce));
        let method = known.map(|means| method(state, &means, &next));
        return Ok(complete(state, next, method.as_deref()));
    }
    let Some(means) = payment.means.clone() else {
        return Err(Refusal::Field("method".into(), "Choose a way to pay.".into()));
    };
    is_offered(&session, means.instrument.kind)?;
    drop(session);
    if !matches!(means.ends, Ends::Refused(_) | Ends::Asks { .. }) {
        ensure_customer(state, &mut next);
    }
    let method = method(state, &means, &next);
    let tried = match next.terms.mode {
        Mode::Payment => {
            let intent = begin_intent(state, &mut next);
            let tried = payments::attempt(state, &intent, &method, means.ends);
            if tried.is_err() || matches!(means.ends, Ends::Asks { .. }) {
                state.sessions.change(id, |row| row.intent = Some(Arc::clone(&intent)));
            }
            tried
        }
        Mode::Subscription => begin_subscription(state, &mut next, &method, means.ends),
        Mode::Setup => begin_setup(state, &mut next, &method, means.ends),
    };
    tried.map_err(Refusal::Declined)?;
    if let Ends::Asks { .. } = means.ends {
        let known = Some(Means { known: Some(Arc::clone(&method.id)), ..means });
        state.authenticating.insert(Arc::clone(&next.id), Payment { means: known, ..payment });
        return Err(Refusal::Authenticate);
    }
    let intent = next.intent.clone();
    if let Some(intent) = intent.as_ref().and_then(|id| state.intents.get(id)) {
        let paid = intent.status == IntentStatus::Succeeded;
        next.payment_status = if paid { PaymentStatus::Paid } else { PaymentStatus::Unpaid };
    }
    let event = complete(state, next, Some(&method));
    if let Some(intent) = intent {
        payments::follow_up(state, &intent);
    }
    Ok(event)
}

/// As many of its payment link's sessions have completed as may: others that were open by then end in
/// nothing.
pub(crate) fn link_is_full(state: &State, session: &Session) -> bool {
    session.link.as_ref().and_then(|link| state.links.get(link)).is_some_and(|link| link.is_full())
}

/// The payment method that the buyer's means are.
fn method(state: &mut State, means: &Means, session: &Session) -> Arc<PaymentMethod> {
    if let Some(known) = means.known.as_ref().and_then(|id| state.methods.get(id)) {
        return Arc::clone(known);
    }
    state.methods.insert(PaymentMethod {
        id: state.ids.next("pm_"),
        created: state.clock.now(),
        instrument: means.instrument.clone(),
        ends: means.ends,
        billing: session.buyer.clone().unwrap_or_default(),
        customer: None,
        allow_redisplay: "limited",
        metadata: Metadata::default(),
    })
}

/// A subscription's session has no intent: what is charged first belongs to an invoice.
fn begin_subscription(
    state: &mut State,
    next: &mut Session,
    method: &Arc<PaymentMethod>,
    ends: Ends,
) -> Result<(), Failure> {
    match ends {
        Ends::Refused(failure) => return Err(failure),
        Ends::Asks { .. } => {}
        Ends::AtOnce => next.payment_status = PaymentStatus::Paid,
        Ends::Later { .. } | Ends::Voucher { .. } => {
            next.payment_status = PaymentStatus::Unpaid;
            let intent = begin_intent(state, next);
            payments::attempt(state, &intent, method, ends)?;
            next.intent = None;
        }
    }
    Ok(())
}

/// Nothing is charged; the method is kept.
fn begin_setup(
    state: &mut State,
    next: &mut Session,
    method: &PaymentMethod,
    ends: Ends,
) -> Result<(), Failure> {
    let id = match &next.setup_intent {
        Some(id) => Arc::clone(id),
        None => {
            let row = SetupIntent {
                id: state.ids.next("seti_"),
                created: state.now(),
                status: IntentStatus::RequiresPaymentMethod,
                customer: next.customer.clone(),
                description: None,
                methods: next.terms.methods.clone(),
                allowed_methods: next.terms.allowed_methods.clone(),
                payment_method: None,
                failure: None,
                usage: "off_session",
                return_url: None,
                cancellation_reason: None,
                metadata: Metadata::default(),
            };
            Arc::clone(&payments::setups::create(state, row).id)
        }
    };
    next.setup_intent = Some(Arc::clone(&id));
    state.session_by_intent.insert(Arc::clone(&id), Arc::clone(&next.id));
    let tried = payments::setups::attempt(state, &id, method, ends);
    if tried.is_err() || matches!(ends, Ends::Asks { .. }) {
        state.sessions.change(&next.id, |row| row.setup_intent = Some(id));
    }
    tried
}

/// The buyer answered the bank's question.
pub(crate) fn authenticate(
    state: &mut State,
    id: &str,
    approved: bool,
) -> Result<Arc<Event>, Refusal> {
    let mut payment = state.authenticating.remove(id).ok_or(Refusal::NoSession)?;
    if let Some(means) = &mut payment.means {
        means.ends = payments::answered(means.ends, approved);
    }
    pay(state, id, payment)
}

/// The session's intent as it has to be for this try; made when there is none yet.
fn begin_intent(state: &mut State, next: &mut Session) -> Id {
    if let Some(id) = &next.intent {
        let amount = next.total();
        state.intents.change(id, |row| {
            row.amount = amount;
            row.customer.clone_from(&next.customer);
            row.shipping = shipping(next);
        });
        return Arc::clone(id);
    }
    let id = state.ids.next("pi_");
    let currency = next.terms.currency.clone().unwrap_or_else(|| "usd".into());
    let intent = state.intents.insert(Intent {
        customer: next.customer.clone(),
        description: next.terms.intent_description.clone(),
        methods: next.terms.methods.clone(),
        allowed_methods: next.terms.allowed_methods.clone(),
        capture_later: next.terms.capture_later,
        capture_method: next.terms.capture_later.then_some("manual"),
        setup_future_usage: next.terms.setup_future_usage,
        shipping: shipping(next),
        metadata: Arc::clone(&next.terms.intent_metadata),
        shown: intent_texts(&next.terms),
        ..Intent::new(Arc::clone(&id), state.clock.now(), next.total(), currency)
    });
    state.emit("payment_intent.created", Snapshot::Intent(intent));
    state.session_by_intent.insert(Arc::clone(&id), Arc::clone(&next.id));
    next.intent = Some(Arc::clone(&id));
    id
}

/// Where the intent says it goes: what the buyer told, or else what the merchant knew.
fn shipping(session: &Session) -> Option<Shipping> {
    session.shipping.clone().or_else(|| session.terms.intent_shipping.clone())
}

/// The merchant's texts that the intent shows.
fn intent_texts(terms: &Terms) -> Shown {
    let texts = [
        ("receipt_email", &terms.receipt_email),
        ("statement_descriptor", &terms.statement_descriptor),
        ("statement_descriptor_suffix", &terms.statement_descriptor_suffix),
        ("transfer_group", &terms.transfer_group),
    ];
    let given = texts.into_iter().filter_map(|(name, text)| {
        text.as_ref().map(|text| (name.to_owned(), Value::from(text.as_str())))
    });
    Arc::new(given.collect())
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
        discount: None,
        default_source: None,
        metadata: Arc::default(),
        shown: Arc::default(),
    });
    next.customer = Some(Arc::clone(&customer.id));
    if let Some(place) = state.sessions.place(&next.id) {
        state.sessions_by_customer.entry(Arc::clone(&customer.id)).or_default().push(place);
    }
    state.emit("customer.created", Snapshot::Customer(customer));
}

/// The customer becomes what the buyer told, as far as the session's terms say so.
fn update_customer(state: &mut State, session: &Session) {
    let updates = &session.terms.updates;
    let (Some(id), Some(buyer)) = (&session.customer, &session.buyer) else { return };
    if updates.is_empty() {
        return;
    }
    let customer = state.customers.change(id, |row| {
        if updates.contains(&"address") {
            row.address = Some(buyer.address.clone());
        }
        if updates.contains(&"name") && buyer.name.is_some() {
            row.name.clone_from(&buyer.name);
        }
        if updates.contains(&"shipping") && session.shipping.is_some() {
            row.shipping.clone_from(&session.shipping);
        }
    });
    if let Some(customer) = customer {
        state.emit("customer.updated", Snapshot::Customer(customer));
    }
}

fn complete(state: &mut State, mut next: Session, method: Option<&PaymentMethod>) -> Arc<Event> {
    next.status = Status::Complete;
    if next.terms.mode == Mode::Payment && next.terms.invoices {
        next.invoice = Some(state.ids.next("in_"));
    }
    if next.terms.mode == Mode::Subscription {
        ensure_customer(state, &mut next);
        next.invoice = Some(state.ids.next("in_"));
        let subscription = subscriptions::of_session(state, &next, method);
        state.session_by_outcome.insert(Arc::clone(&subscription), Arc::clone(&next.id));
        next.subscription = Some(subscription);
    }
    if let Some(discount) = &next.discount {
        state.coupons.change(&discount.coupon, |row| row.times_redeemed += 1);
        if let Some(code) = &discount.promotion_code {
            state.promotions.change(code, |row| row.times_redeemed += 1);
        }
    }
    if let Some(link) = &next.link {
        state.links.change(link, |row| row.completed += 1);
    }
    update_customer(state, &next);
    state.authenticating.remove(&next.id);
    let session = state.sessions.insert(next);
    state.emit("checkout.session.completed", Snapshot::Session(session))
}

/// The money of a session's intent has come after all, or will not.
pub(crate) fn settled(state: &mut State, intent: &str, fails: bool) {
    let Some(session) = state.session_by_intent.get(intent).cloned() else { return };
    let session = state.sessions.change(&session, |session| {
        if !fails {
            session.payment_status = PaymentStatus::Paid;
        }
    });
    if let Some(session) = session.filter(|session| session.status == Status::Complete) {
        let kind = if fails {
            "checkout.session.async_payment_failed"
        } else {
            "checkout.session.async_payment_succeeded"
        };
        state.emit(kind, Snapshot::Session(session));
    }
}

/// The money of a session's intent is taken.
pub(crate) fn captured(state: &mut State, intent: &str) {
    if let Some(session) = state.session_by_intent.get(intent).cloned() {
        state.sessions.change(&session, |session| session.payment_status = PaymentStatus::Paid);
    }
}

/// Ends an open session that nobody paid, and its intent with it. False when it is not open.
pub(crate) fn expire(state: &mut State, id: &str) -> bool {
    let open = state.sessions.get(id).is_some_and(|session| session.status == Status::Open);
    if open
        && let Some(session) = state.sessions.change(id, |session| session.status = Status::Expired)
    {
        state.authenticating.remove(id);
        let (intent, setup) = (session.intent.clone(), session.setup_intent.clone());
        state.emit("checkout.session.expired", Snapshot::Session(session));
        if let Some(intent) = intent {
            payments::cancel(state, &intent, Some("automatic"));
        }
        if let Some(setup) = setup {
            payments::setups::cancel(state, &setup, None);
        }
    }
    open
}
