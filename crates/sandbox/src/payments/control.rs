//! What happens outside of Stripe and tests want to happen now: a bank complains, a buyer answers a
//! bank's question or pays a voucher.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{answer, disputes, settle, setups};
use crate::{
    change::Change,
    ids::Id,
    state::{
        State,
        objects::{Action, Charge, Complaint, IntentStatus},
    },
};

/// Reasons that banks give.
const REASONS: [&str; 9] = [
    "fraudulent",
    "product_not_received",
    "product_unacceptable",
    "duplicate",
    "credit_not_processed",
    "subscription_canceled",
    "unrecognized",
    "debit_not_authorized",
    "general",
];

/// The intent that a session, an intent's own id or a charge names.
fn intent_of(state: &State, id: &str) -> Option<Id> {
    let of_session = || state.sessions.get(id).and_then(|row| row.intent.clone());
    let of_charge = || state.charges.get(id).and_then(|row| row.intent.clone());
    let own = state.intents.get(id).map(|row| Arc::clone(&row.id));
    own.or_else(of_session).or_else(of_charge)
}

fn charge_of(state: &State, id: &str) -> Option<Arc<Charge>> {
    let of_intent = || {
        let intent = state.intents.get(&intent_of(state, id)?)?;
        state.charges.get(intent.latest_charge.as_ref()?).cloned()
    };
    state.charges.get(id).cloned().or_else(of_intent)
}

/// The buyer's bank wants the money of a session, an intent or a charge back; a bank debit is
/// returned this way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RaiseDispute {
    pub(crate) payment: String,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) inquiry: bool,
}

impl Change for RaiseDispute {
    /// The dispute's id, or what stands in its way.
    type Outcome = Result<Id, &'static str>;

    fn apply(self, state: &mut State) -> Self::Outcome {
        let charge = charge_of(state, &self.payment).ok_or("there is no such payment")?;
        let usual =
            if charge.instrument.kind == "card" { "fraudulent" } else { "debit_not_authorized" };
        let reason = match self.reason {
            None => usual,
            Some(reason) => REASONS
                .into_iter()
                .find(|known| *known == reason)
                .ok_or("banks do not give this reason")?,
        };
        let complaint = Complaint { reason, inquiry: self.inquiry };
        let dispute = disputes::raise(state, &charge, complaint);
        let dispute = dispute.ok_or("the payment is disputed, refunded or not taken")?;
        Ok(Arc::clone(&dispute.id))
    }
}

/// A buyer answers the bank's question about an intent that no session has, or about a method that
/// is to be kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AnswerBank {
    /// A payment intent or a setup intent.
    pub(crate) payment_intent: String,
    pub(crate) approve: bool,
}

impl Change for AnswerBank {
    /// False when the bank did not ask.
    type Outcome = bool;

    fn apply(self, state: &mut State) -> bool {
        let Self { payment_intent: id, approve } = self;
        answer(state, &id, approve) || setups::answer(state, &id, approve)
    }
}

/// A voucher is paid now, or expires now.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PayVoucher {
    /// A session or an intent.
    pub(crate) payment: String,
    pub(crate) paid: bool,
}

impl Change for PayVoucher {
    /// False when no voucher waits there.
    type Outcome = bool;

    fn apply(self, state: &mut State) -> bool {
        let Some(intent) = intent_of(state, &self.payment) else { return false };
        let action = state.intents.get(&intent).and_then(|row| row.action);
        let waits = matches!(action, Some(Action::Voucher { .. }));
        if waits {
            settle(state, &intent, !self.paid);
        }
        waits
    }
}

/// A debit that is on its way arrives now, or fails now.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SettleNow {
    /// A session or an intent.
    pub(crate) payment: String,
    pub(crate) fails: bool,
}

impl Change for SettleNow {
    /// False when no debit is on its way there.
    type Outcome = bool;

    fn apply(self, state: &mut State) -> bool {
        let Some(intent) = intent_of(state, &self.payment) else { return false };
        let row = state.intents.get(&intent);
        let waits = row.is_some_and(|row| row.status == IntentStatus::Processing);
        if waits {
            settle(state, &intent, self.fails);
        }
        waits
    }
}
