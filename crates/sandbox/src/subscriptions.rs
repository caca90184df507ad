//! What happens to subscriptions: they begin, their periods and trials end, they are canceled.

use std::sync::Arc;

use crate::{
    calendar,
    ids::Id,
    state::{
        State, Task,
        objects::{
            Given, Item, MissingMethod, PaymentMethod, Session, Snapshot, Subscription,
            SubscriptionStatus,
        },
    },
};

/// A trial's end is told so long before.
const TRIAL_TOLD_S: i64 = 3 * 24 * 60 * 60;
/// The end of a period for those that have no price to tell it.
const NO_PRICE: (&str, i64) = ("month", 1);

/// When a period that begins then ends.
pub(crate) fn period_end(items: &[Item], begins: i64) -> i64 {
    let recurring = items.iter().find_map(|item| item.price.recurring);
    let (interval, count) = recurring.map_or(NO_PRICE, |every| (every.interval, every.count));
    calendar::period_end(begins, interval, count)
}

/// Adds a subscription, tells of it and plans what comes next.
pub(crate) fn begin(state: &mut State, row: Subscription) -> Arc<Subscription> {
    let row = state.subscriptions.insert(row);
    state.emit("customer.subscription.created", Snapshot::Subscription(Arc::clone(&row)));
    plan(state, &row);
    row
}

/// Plans the end of the present period, and the word before a trial's end.
pub(crate) fn plan(state: &mut State, row: &Subscription) {
    let subscription = Arc::clone(&row.id);
    let ends = row.period.1;
    state.plan(ends.saturating_mul(1000), Task::Renew { subscription, ends });
    let trial = row.trial.filter(|_| row.status == SubscriptionStatus::Trialing);
    let Some((_, ends)) = trial else { return };
    if ends - state.now() <= TRIAL_TOLD_S {
        trial_will_end(state, &row.id, ends);
    } else {
        let subscription = Arc::clone(&row.id);
        let at = (ends - TRIAL_TOLD_S).saturating_mul(1000);
        state.plan(at, Task::TrialWillEnd { subscription, ends });
    }
}

/// Tells that a trial is about to end, unless it ends at another time by now.
pub(crate) fn trial_will_end(state: &mut State, id: &str, ends: i64) {
    let row = state.subscriptions.get(id).cloned();
    let row = row.filter(|row| {
        row.status == SubscriptionStatus::Trialing && row.trial.is_some_and(|(_, end)| end == ends)
    });
    if let Some(row) = row {
        state.emit("customer.subscription.trial_will_end", Snapshot::Subscription(row));
    }
}

/// A period is over: the next begins, unless the subscription ends with it.
pub(crate) fn renew(state: &mut State, id: &str, ends: i64) {
    let Some(row) = state.subscriptions.get(id).cloned() else { return };
    let runs = matches!(row.status, SubscriptionStatus::Active | SubscriptionStatus::Trialing);
    if !runs || row.period.1 != ends {
        return;
    }
    if row.cancels_at_period_end {
        cancel(state, id);
        return;
    }
    let status = after_trial(state, &row);
    if status == SubscriptionStatus::Canceled {
        cancel(state, id);
        return;
    }
    let period = (ends, period_end(&row.items, ends));
    let next = Subscription { status, period, ..(*row).clone() };
    let next = update(state, next);
    if next.status == SubscriptionStatus::Active {
        plan(state, &next);
    }
}

/// What a subscription is when its trial is over.
pub(crate) fn after_trial(state: &State, row: &Subscription) -> SubscriptionStatus {
    if row.status != SubscriptionStatus::Trialing
        || row.collects_by_invoice
        || row.method.is_some()
        || default_method(state, &row.customer).is_some()
    {
        return SubscriptionStatus::Active;
    }
    match row.missing_method {
        MissingMethod::Cancel => SubscriptionStatus::Canceled,
        MissingMethod::CreateInvoice => SubscriptionStatus::Active,
        MissingMethod::Pause => SubscriptionStatus::Paused,
    }
}

/// A subscription becomes what it is now; those who ask for it are told.
pub(crate) fn update(state: &mut State, next: Subscription) -> Arc<Subscription> {
    let before = state.subscriptions.get(&next.id).map(|row| row.status);
    let row = state.subscriptions.insert(next);
    state.emit("customer.subscription.updated", Snapshot::Subscription(Arc::clone(&row)));
    let told = match (before, row.status) {
        (Some(before), now) if before == now => None,
        (_, SubscriptionStatus::Paused) => Some("customer.subscription.paused"),
        (Some(SubscriptionStatus::Paused), SubscriptionStatus::Active) => {
            Some("customer.subscription.resumed")
        }
        _ => None,
    };
    if let Some(kind) = told {
        state.emit(kind, Snapshot::Subscription(Arc::clone(&row)));
    }
    row
}

/// Ends a subscription at once.
pub(crate) fn cancel(state: &mut State, id: &str) -> Option<Arc<Subscription>> {
    let now = state.now();
    let row = state.subscriptions.change(id, |row| {
        row.status = SubscriptionStatus::Canceled;
        row.canceled_at = row.canceled_at.or(Some(now));
        row.ended_at = Some(now);
    })?;
    state.emit("customer.subscription.deleted", Snapshot::Subscription(Arc::clone(&row)));
    Some(row)
}

/// The method that is charged when a subscription names none.
pub(crate) fn default_method(state: &State, customer: &str) -> Option<Id> {
    let customer = state.customers.get(customer)?;
    let settings = customer.shown.get("invoice_settings");
    let named = settings.and_then(|settings| settings["default_payment_method"].as_str());
    let named = named.and_then(|id| state.methods.get(id)).map(|method| Arc::clone(&method.id));
    named.or_else(|| customer.default_source.clone())
}

/// What a session in subscription mode begins when it is complete.
pub(crate) fn of_session(
    state: &mut State,
    session: &Session,
    method: Option<&PaymentMethod>,
) -> Id {
    let id = state.ids.next("sub_");
    let now = state.now();
    let terms = &session.terms;
    let mut items = Vec::new();
    for line in session.lines.iter().filter(|line| line.recurring) {
        let Some(price) = state.prices.get(&line.price).cloned() else { continue };
        items.push(Item {
            id: state.ids.next("si_"),
            created: now,
            price,
            quantity: line.quantity,
            tax_rates: line.tax_rates.clone(),
            metadata: Arc::clone(&line.metadata),
        });
    }
    let trial = terms.trial.map(|trial| (now, trial.ends(now)));
    let ends = trial.map_or_else(|| period_end(&items, now), |(_, ends)| ends);
    let customer = session.customer.clone().unwrap_or_else(|| "".into());
    let discount = session.discount.as_ref().and_then(|given| {
        let coupon = Arc::clone(state.coupons.get(&given.coupon)?);
        Some(Arc::new(Given {
            id: state.ids.next("di_"),
            end: coupon.ends(now),
            coupon,
            promotion_code: given.promotion_code.clone(),
            customer: Arc::clone(&customer),
            subscription: Some(Arc::clone(&id)),
            start: now,
        }))
    });
    let missing = terms.trial_settings.as_ref();
    let missing = missing.and_then(|said| said["end_behavior"]["missing_payment_method"].as_str());
    begin(
        state,
        Subscription {
            id: Arc::clone(&id),
            created: now,
            customer,
            currency: session.currency().into(),
            status: match trial {
                Some(_) => SubscriptionStatus::Trialing,
                None => SubscriptionStatus::Active,
            },
            items,
            period: (now, ends),
            anchor: billing_begins(trial, now),
            trial,
            missing_method: missing_method(missing),
            method: method.map(|method| Arc::clone(&method.id)),
            collects_by_invoice: false,
            cancels_at_period_end: false,
            canceled_at: None,
            ended_at: None,
            discount,
            invoice: session.invoice.clone(),
            description: terms.subscription_description.clone(),
            metadata: Arc::clone(&terms.subscription_metadata),
            shown: Arc::default(),
        },
    );
    id
}

/// Billing begins when the trial is over, or at once.
pub(crate) fn billing_begins(trial: Option<(i64, i64)>, now: i64) -> i64 {
    trial.map_or(now, |(_, ends)| ends)
}

/// `pause`; an invoice is made unless something else was asked for.
pub(crate) fn missing_method(said: Option<&str>) -> MissingMethod {
    match said {
        Some("cancel") => MissingMethod::Cancel,
        Some("pause") => MissingMethod::Pause,
        _ => MissingMethod::CreateInvoice,
    }
}
