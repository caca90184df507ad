//! Payments, as facts.

use std::sync::Arc;

use super::objects::{Buyer, Metadata, Shipping, Shown};
use crate::ids::Id;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Canceled,
    Succeeded,
}

/// What the buyer has to do before the money can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Answer the bank's question.
    Authenticate,
    /// Pay a voucher of this kind by then.
    Voucher { kind: &'static str, expires_at: i64 },
}

#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) status: IntentStatus,
    pub(crate) amount: i64,
    pub(crate) received: i64,
    pub(crate) currency: Arc<str>,
    pub(crate) customer: Option<Id>,
    pub(crate) description: Option<String>,
    pub(crate) methods: Vec<&'static str>,
    /// Of the methods that could be offered, only these may.
    pub(crate) allowed_methods: Option<Vec<&'static str>>,
    /// Methods are chosen by the sandbox: whether those that redirect are among them.
    pub(crate) automatic: Option<bool>,
    pub(crate) capture_later: bool,
    /// How it is captured, where the caller said so.
    pub(crate) capture_method: Option<&'static str>,
    /// Only the server confirms it.
    pub(crate) confirmed_by_hand: bool,
    pub(crate) setup_future_usage: Option<&'static str>,
    pub(crate) return_url: Option<String>,
    /// How often it was tried to pay it.
    pub(crate) attempts: u32,
    pub(crate) latest_charge: Option<Id>,
    pub(crate) payment_method: Option<Id>,
    pub(crate) action: Option<Action>,
    pub(crate) failure: Option<Failure>,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) cancellation_reason: Option<&'static str>,
    pub(crate) shipping: Option<Shipping>,
    pub(crate) metadata: Metadata,
    pub(crate) shown: Shown,
}

impl Intent {
    /// An intent that nobody has tried to pay.
    pub(crate) fn new(id: Id, created: i64, amount: i64, currency: Arc<str>) -> Self {
        Self {
            id,
            created,
            status: IntentStatus::RequiresPaymentMethod,
            amount,
            received: 0,
            currency,
            customer: None,
            description: None,
            methods: vec!["card"],
            allowed_methods: None,
            automatic: None,
            capture_later: false,
            capture_method: None,
            confirmed_by_hand: false,
            setup_future_usage: None,
            return_url: None,
            attempts: 0,
            latest_charge: None,
            payment_method: None,
            action: None,
            failure: None,
            canceled_at: None,
            cancellation_reason: None,
            shipping: None,
            metadata: Metadata::default(),
            shown: Shown::default(),
        }
    }

    pub(crate) fn capturable(&self) -> i64 {
        if self.status == IntentStatus::RequiresCapture { self.amount } else { 0 }
    }
}

/// Why money did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) message: &'static str,
}

/// What was paid with, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instrument {
    /// `card`, `sepa_debit`, `us_bank_account`, or a voucher: `boleto`, `konbini`, `multibanco`,
    /// `oxxo`.
    pub(crate) kind: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) last4: String,
    pub(crate) exp_month: i64,
    pub(crate) exp_year: i64,
    pub(crate) country: String,
    pub(crate) fate: Fate,
}

/// What becomes of money that has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    #[default]
    Stays,
    Disputed(Complaint),
    /// A refund takes its time.
    RefundPends,
    /// A refund comes back.
    RefundFails,
}

/// What the buyer told the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) reason: &'static str,
    /// The bank only asks; no money moves yet.
    pub(crate) inquiry: bool,
}

/// How a try to pay ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    AtOnce,
    Refused(Failure),
    /// The bank asks the buyer first, and may refuse even then.
    Asks {
        then: Option<Failure>,
    },
    Later {
        fails: bool,
    },
    /// A slip that is paid later, or never.
    Voucher {
        paid: bool,
    },
}

/// A way to pay that can be used.
#[derive(Debug, Clone)]
pub(crate) struct PaymentMethod {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) instrument: Instrument,
    pub(crate) ends: Ends,
    pub(crate) billing: Buyer,
    pub(crate) customer: Option<Id>,
    pub(crate) allow_redisplay: &'static str,
    pub(crate) metadata: Metadata,
}

/// Keeps a payment method for later, without charging it.
#[derive(Debug, Clone)]
pub(crate) struct SetupIntent {
    pub(crate) id: Id,
    pub(crate) created: i64,
    /// Never in process, never to be captured.
    pub(crate) status: IntentStatus,
    pub(crate) customer: Option<Id>,
    pub(crate) description: Option<String>,
    pub(crate) methods: Vec<&'static str>,
    pub(crate) allowed_methods: Option<Vec<&'static str>>,
    pub(crate) payment_method: Option<Id>,
    pub(crate) failure: Option<Failure>,
    pub(crate) usage: &'static str,
    pub(crate) return_url: Option<String>,
    pub(crate) cancellation_reason: Option<&'static str>,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) captured: bool,
    pub(crate) amount_captured: i64,
    pub(crate) amount_refunded: i64,
    pub(crate) disputed: bool,
    pub(crate) currency: Arc<str>,
    pub(crate) customer: Option<Id>,
    pub(crate) description: Option<String>,
    pub(crate) intent: Option<Id>,
    pub(crate) payment_method: Id,
    pub(crate) instrument: Instrument,
    pub(crate) status: ChargeStatus,
    pub(crate) failure: Option<Failure>,
    pub(crate) buyer: Buyer,
    pub(crate) shipping: Option<Shipping>,
    pub(crate) metadata: Metadata,
    pub(crate) shown: Shown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChargeStatus {
    Succeeded,
    Pending,
    Failed,
}

impl Charge {
    /// A try with that method, with nothing captured yet.
    pub(crate) fn new(
        id: Id,
        created: i64,
        amount: i64,
        currency: Arc<str>,
        method: &PaymentMethod,
    ) -> Self {
        Self {
            id,
            created,
            amount,
            captured: false,
            amount_captured: 0,
            amount_refunded: 0,
            disputed: false,
            currency,
            customer: None,
            description: None,
            intent: None,
            payment_method: Arc::clone(&method.id),
            instrument: method.instrument.clone(),
            status: ChargeStatus::Pending,
            failure: None,
            buyer: method.billing.clone(),
            shipping: None,
            metadata: Metadata::default(),
            shown: Shown::default(),
        }
    }

    /// What can still be given back.
    pub(crate) fn refundable(&self) -> i64 {
        self.amount_captured.saturating_sub(self.amount_refunded)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) currency: Arc<str>,
    pub(crate) charge: Id,
    pub(crate) intent: Option<Id>,
    /// What it goes back to: the charge's kind of instrument.
    pub(crate) kind: &'static str,
    pub(crate) status: RefundStatus,
    pub(crate) reason: Option<&'static str>,
    pub(crate) failure_reason: Option<&'static str>,
    /// Where the buyer is asked for a bank account.
    pub(crate) instructions_email: Option<String>,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    Pending,
    /// The buyer has to name a bank account.
    RequiresAction,
    Succeeded,
    Failed,
    Canceled,
}

/// A buyer's bank wants the money back.
#[derive(Debug, Clone)]
pub(crate) struct Dispute {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) currency: Arc<str>,
    pub(crate) charge: Id,
    pub(crate) intent: Option<Id>,
    pub(crate) reason: &'static str,
    pub(crate) status: DisputeStatus,
    /// The card's brand; none for a bank account.
    pub(crate) brand: Option<&'static str>,
    pub(crate) inquiry: bool,
    /// The money was taken, and given back, by then.
    pub(crate) withdrawn_at: Option<i64>,
    pub(crate) reinstated_at: Option<i64>,
    pub(crate) evidence: Arc<Vec<(String, String)>>,
    pub(crate) submissions: i64,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DisputeStatus {
    WarningNeedsResponse,
    WarningUnderReview,
    WarningClosed,
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
}

impl DisputeStatus {
    /// Evidence can be handed in.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::WarningNeedsResponse | Self::NeedsResponse)
    }

    /// Nobody decides about it any more.
    pub(crate) fn is_closed(self) -> bool {
        matches!(self, Self::WarningClosed | Self::Won | Self::Lost)
    }
}
