//! Subscriptions, and the discounts of customers.

use std::sync::Arc;

use super::objects::{Coupon, Metadata, Price, Shown, TaxRate};
use crate::ids::Id;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscriptionStatus {
    Active,
    Canceled,
    Incomplete,
    Paused,
    Trialing,
}

/// What becomes of a subscription whose trial ends when nobody knows how it is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingMethod {
    Cancel,
    CreateInvoice,
    Pause,
}

/// A subscription: its periods come and go. There are no invoices, so nothing is charged by it.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) customer: Id,
    pub(crate) currency: Arc<str>,
    pub(crate) status: SubscriptionStatus,
    pub(crate) items: Vec<Item>,
    /// When the present period began, and when it ends.
    pub(crate) period: (i64, i64),
    /// When billing began: the first of the days on which periods end.
    pub(crate) anchor: i64,
    pub(crate) trial: Option<(i64, i64)>,
    pub(crate) missing_method: MissingMethod,
    /// What is charged.
    pub(crate) method: Option<Id>,
    pub(crate) collects_by_invoice: bool,
    pub(crate) cancels_at_period_end: bool,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) discount: Option<Arc<Given>>,
    pub(crate) invoice: Option<Id>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) shown: Shown,
}

impl Subscription {
    pub(crate) fn is_over(&self) -> bool {
        self.status == SubscriptionStatus::Canceled
    }
}

/// One thing that is paid for again and again.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) price: Arc<Price>,
    pub(crate) quantity: i64,
    pub(crate) tax_rates: Vec<Arc<TaxRate>>,
    pub(crate) metadata: Metadata,
}

/// A discount that a customer or a subscription has.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) id: Id,
    pub(crate) coupon: Arc<Coupon>,
    pub(crate) promotion_code: Option<Id>,
    pub(crate) customer: Id,
    pub(crate) subscription: Option<Id>,
    pub(crate) start: i64,
    pub(crate) end: Option<i64>,
}
