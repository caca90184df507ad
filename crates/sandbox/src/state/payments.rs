//! Payments, as facts.

use std::sync::Arc;

use super::objects::{Buyer, Metadata, Shipping};
use crate::ids::Id;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresAction,
    Processing,
    RequiresCapture,
    Canceled,
    Succeeded,
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
    pub(crate) capture_later: bool,
    pub(crate) latest_charge: Option<Id>,
    pub(crate) payment_method: Option<Id>,
    pub(crate) failure: Option<Failure>,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) cancellation_reason: Option<&'static str>,
    pub(crate) shipping: Option<Shipping>,
    pub(crate) metadata: Metadata,
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
    /// `card`, `sepa_debit`, `us_bank_account`.
    pub(crate) kind: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) last4: String,
    pub(crate) exp_month: i64,
    pub(crate) exp_year: i64,
    pub(crate) country: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) amount: i64,
    pub(crate) captured: bool,
    pub(crate) amount_refunded: i64,
    pub(crate) currency: Arc<str>,
    pub(crate) customer: Option<Id>,
    pub(crate) intent: Id,
    pub(crate) payment_method: Id,
    pub(crate) instrument: Instrument,
    pub(crate) status: ChargeStatus,
    pub(crate) failure: Option<Failure>,
    pub(crate) buyer: Buyer,
    pub(crate) shipping: Option<Shipping>,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChargeStatus {
    Succeeded,
    Pending,
    Failed,
}
