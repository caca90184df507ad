//! A buyer's bank wants the money back: the merchant answers, or gives in.

use std::sync::Arc;

use crate::state::{
    State, Task,
    objects::{Charge, Complaint, Dispute, DisputeStatus, Metadata, Snapshot},
};

/// The buyer's bank complains about a charge. None when it has already.
pub(crate) fn raise(
    state: &mut State,
    charge: &Charge,
    complaint: Complaint,
) -> Option<Arc<Dispute>> {
    if charge.disputed || charge.refundable() <= 0 {
        return None;
    }
    let is_card = charge.instrument.kind == "card";
    let status = if complaint.inquiry {
        DisputeStatus::WarningNeedsResponse
    } else {
        DisputeStatus::NeedsResponse
    };
    let dispute = state.disputes.insert(Dispute {
        id: state.ids.next("du_"),
        created: state.clock.now(),
        amount: charge.refundable(),
        currency: Arc::clone(&charge.currency),
        charge: Arc::clone(&charge.id),
        intent: charge.intent.clone(),
        reason: complaint.reason,
        status,
        brand: is_card.then_some(charge.instrument.brand),
        inquiry: complaint.inquiry,
        withdrawn_at: None,
        reinstated_at: None,
        evidence: Arc::default(),
        submissions: 0,
        metadata: Metadata::default(),
    });
    state.charges.change(&charge.id, |row| row.disputed = true);
    state.emit("charge.dispute.created", Snapshot::Dispute(Arc::clone(&dispute)));
    if !complaint.inquiry {
        let now = state.now();
        change(state, &dispute.id, "charge.dispute.funds_withdrawn", |row| {
            row.withdrawn_at = Some(now);
        });
        // Nobody asks the merchant about a debit that is returned.
        if !is_card {
            close(state, &dispute.id);
        }
    }
    state.disputes.get(&dispute.id).cloned()
}

/// What the merchant hands in.
pub(crate) struct Answered {
    pub(crate) evidence: Vec<(String, String)>,
    pub(crate) submit: bool,
    pub(crate) metadata: Metadata,
}

/// The merchant's evidence; it wins or loses as its text says, as in Stripe's test mode.
pub(crate) fn answer(state: &mut State, id: &str, answered: Answered) -> Option<Arc<Dispute>> {
    let Answered { evidence, submit, metadata } = answered;
    let submits = submit && !evidence.is_empty();
    let verdict = evidence.iter().find(|(name, _)| name == "uncategorized_text");
    let verdict = match verdict.map(|(_, text)| text.as_str()) {
        Some("winning_evidence") => Some(true),
        Some("losing_evidence") => Some(false),
        _ => None,
    };
    let dispute = change(state, id, "charge.dispute.updated", |row| {
        row.metadata = metadata;
        row.evidence = Arc::new(evidence);
        if submits {
            row.submissions += 1;
            row.status = if row.inquiry {
                DisputeStatus::WarningUnderReview
            } else {
                DisputeStatus::UnderReview
            };
        }
    })?;
    if let Some(won) = verdict.filter(|_| submits) {
        let at_ms = state.clock.now_ms() + state.settle_ms;
        state.plan(at_ms, Task::Judge { dispute: Arc::clone(&dispute.id), won });
    }
    Some(dispute)
}

/// The merchant gives in. None when the dispute is closed.
pub(crate) fn close(state: &mut State, id: &str) -> Option<Arc<Dispute>> {
    let open = state.disputes.get(id).filter(|dispute| !dispute.status.is_closed())?;
    let status = if open.inquiry { DisputeStatus::WarningClosed } else { DisputeStatus::Lost };
    change(state, id, "charge.dispute.closed", |row| row.status = status)
}

/// The bank decides.
pub(crate) fn judge(state: &mut State, id: &str, won: bool) {
    if !won {
        close(state, id);
        return;
    }
    let Some(open) = state.disputes.get(id).filter(|dispute| !dispute.status.is_closed()) else {
        return;
    };
    let (inquiry, withdrawn, now) = (open.inquiry, open.withdrawn_at.is_some(), state.now());
    let status = if inquiry { DisputeStatus::WarningClosed } else { DisputeStatus::Won };
    change(state, id, "charge.dispute.closed", |row| row.status = status);
    if withdrawn {
        change(state, id, "charge.dispute.funds_reinstated", |row| row.reinstated_at = Some(now));
    }
}

fn change(
    state: &mut State,
    id: &str,
    kind: &'static str,
    change: impl FnOnce(&mut Dispute),
) -> Option<Arc<Dispute>> {
    let dispute = state.disputes.change(id, change)?;
    state.emit(kind, Snapshot::Dispute(Arc::clone(&dispute)));
    Some(dispute)
}
