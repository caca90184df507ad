//! Money that goes back to the buyer: at once, later, or not after all.

use std::sync::Arc;

use crate::state::{
    State, Task,
    objects::{Charge, Fate, Metadata, Refund, RefundStatus, Snapshot},
};

/// What the merchant wants refunded.
pub(crate) struct Wanted {
    pub(crate) amount: i64,
    pub(crate) reason: Option<&'static str>,
    pub(crate) instructions_email: Option<String>,
    pub(crate) metadata: Metadata,
}

/// Refunds a charge that has `amount` left to refund.
pub(crate) fn create(state: &mut State, charge: &Charge, wanted: Wanted) -> Arc<Refund> {
    let Wanted { amount, reason, instructions_email, metadata } = wanted;
    let voucher = crate::instruments::is_voucher(charge.instrument.kind);
    let status = match charge.instrument.fate {
        _ if voucher => RefundStatus::RequiresAction,
        Fate::RefundPends => RefundStatus::Pending,
        _ => RefundStatus::Succeeded,
    };
    let refund = state.refunds.insert(Refund {
        id: state.ids.next("re_"),
        created: state.clock.now(),
        amount,
        currency: Arc::clone(&charge.currency),
        charge: Arc::clone(&charge.id),
        intent: charge.intent.clone(),
        kind: charge.instrument.kind,
        status,
        reason,
        failure_reason: None,
        instructions_email: instructions_email
            .or_else(|| charge.buyer.email.clone())
            .filter(|_| voucher),
        metadata,
    });
    state.emit("refund.created", Snapshot::Refund(Arc::clone(&refund)));
    if let Some(charge) = state.charges.change(&charge.id, |row| row.amount_refunded += amount) {
        state.emit("charge.refunded", Snapshot::Charge(charge));
    }
    if status != RefundStatus::Succeeded || charge.instrument.fate == Fate::RefundFails {
        let at_ms = state.clock.now_ms() + state.settle_ms;
        state.plan(at_ms, Task::SettleRefund { refund: Arc::clone(&refund.id) });
    }
    refund
}

/// A refund that was on its way arrives; one that will not comes back.
pub(crate) fn settle(state: &mut State, id: &str) {
    let Some(refund) = state.refunds.get(id) else { return };
    match refund.status {
        RefundStatus::Pending | RefundStatus::RequiresAction => {
            change(state, id, |row| row.status = RefundStatus::Succeeded);
        }
        RefundStatus::Succeeded => {
            undo(state, id, RefundStatus::Failed);
        }
        RefundStatus::Failed | RefundStatus::Canceled => {}
    }
}

/// Calls back a refund that waits for the buyer. None when it does not wait.
pub(crate) fn cancel(state: &mut State, id: &str) -> Option<Arc<Refund>> {
    state.refunds.get(id).filter(|refund| refund.status == RefundStatus::RequiresAction)?;
    undo(state, id, RefundStatus::Canceled)
}

/// The merchant has the money again.
fn undo(state: &mut State, id: &str, status: RefundStatus) -> Option<Arc<Refund>> {
    let refund = state.refunds.get(id).cloned()?;
    let charge = state.charges.change(&refund.charge, |row| row.amount_refunded -= refund.amount);
    let refund = change(state, id, |row| {
        row.status = status;
        row.failure_reason = (status == RefundStatus::Failed).then_some("expired_or_canceled_card");
    })?;
    if status == RefundStatus::Failed {
        state.emit("refund.failed", Snapshot::Refund(Arc::clone(&refund)));
    }
    if let Some(charge) = charge {
        state.emit("charge.updated", Snapshot::Charge(charge));
    }
    Some(refund)
}

/// Changes a refund and tells of it, under both names that the event has.
pub(crate) fn change(
    state: &mut State,
    id: &str,
    change: impl FnOnce(&mut Refund),
) -> Option<Arc<Refund>> {
    let refund = state.refunds.change(id, change)?;
    state.emit("refund.updated", Snapshot::Refund(Arc::clone(&refund)));
    state.emit("charge.refund.updated", Snapshot::Refund(Arc::clone(&refund)));
    Some(refund)
}
