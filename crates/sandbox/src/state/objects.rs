//! The sandbox's objects, as facts; `render` gives them the shape of a version.

use std::sync::Arc;

use serde_json::{Map, Value};

pub(crate) use super::payments::{
    Action, Charge, ChargeStatus, Complaint, Dispute, DisputeStatus, Ends, Failure, Fate,
    Instrument, Intent, IntentStatus, PaymentMethod, Refund, RefundStatus, SetupIntent,
};
use super::table::Row;
use crate::{buy::Presentment, ids::Id, version::Version};

pub(crate) type Metadata = Arc<Vec<(String, String)>>;

/// Members that are shown as they were given.
pub(crate) type Shown = Arc<Map<String, Value>>;

#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) active: bool,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) images: Vec<String>,
    pub(crate) metadata: Metadata,
    pub(crate) default_price: Option<Id>,
    pub(crate) shown: Shown,
}

#[derive(Debug, Clone)]
pub(crate) struct Price {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) active: bool,
    pub(crate) currency: Arc<str>,
    pub(crate) product: Id,
    pub(crate) unit_amount: i64,
    pub(crate) recurring: Option<Recurring>,
    pub(crate) lookup_key: Option<String>,
    pub(crate) nickname: Option<String>,
    pub(crate) tax_behavior: &'static str,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Recurring {
    pub(crate) interval: &'static str,
    pub(crate) count: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Address {
    pub(crate) line1: Option<String>,
    pub(crate) line2: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) country: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shipping {
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) address: Address,
}

#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) address: Option<Address>,
    pub(crate) shipping: Option<Shipping>,
    pub(crate) preferred_locales: Vec<String>,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone)]
pub(crate) struct Coupon {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) name: Option<String>,
    pub(crate) off: Off,
    pub(crate) duration: &'static str,
    pub(crate) duration_in_months: Option<i64>,
    pub(crate) times_redeemed: i64,
    pub(crate) metadata: Metadata,
}

/// What a coupon takes off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Off {
    Percent(f64),
    Amount { amount: i64, currency: Arc<str> },
}

#[derive(Debug, Clone)]
pub(crate) struct PromotionCode {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) active: bool,
    pub(crate) code: String,
    pub(crate) coupon: Id,
    pub(crate) times_redeemed: i64,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Payment,
    Subscription,
    Setup,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Open,
    Complete,
    Expired,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentStatus {
    Paid,
    Unpaid,
    NoPaymentRequired,
}

/// What the merchant settled when creating a session or a link; never changes, so it is shared.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) mode: Mode,
    pub(crate) currency: Option<Arc<str>>,
    pub(crate) locale: Option<String>,
    pub(crate) methods: Vec<&'static str>,
    pub(crate) capture_later: bool,
    pub(crate) phone: bool,
    /// Countries to ship to; none: no address is asked for.
    pub(crate) ships_to: Option<Vec<String>>,
    pub(crate) promotion_codes: bool,
    pub(crate) always_customer: bool,
    pub(crate) success_url: Option<String>,
    pub(crate) cancel_url: Option<String>,
    pub(crate) return_url: Option<String>,
    pub(crate) ui_mode: UiMode,
    pub(crate) confirmation_message: Option<String>,
    pub(crate) intent_description: Option<String>,
    pub(crate) intent_metadata: Metadata,
    pub(crate) shown: Shown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UiMode {
    Hosted,
    Embedded,
    Custom,
}

/// One line of an order.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) id: Id,
    pub(crate) price: Id,
    pub(crate) unit_amount: i64,
    pub(crate) description: String,
    pub(crate) quantity: i64,
    pub(crate) adjustable: Option<Adjustable>,
    pub(crate) discount: i64,
    pub(crate) metadata: Metadata,
}

/// Between what the buyer may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Adjustable {
    pub(crate) minimum: i64,
    pub(crate) maximum: i64,
}

impl Line {
    pub(crate) fn subtotal(&self) -> i64 {
        self.unit_amount.saturating_mul(self.quantity)
    }

    pub(crate) fn total(&self) -> i64 {
        self.subtotal().saturating_sub(self.discount)
    }
}

/// A discount on a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Discount {
    pub(crate) coupon: Id,
    pub(crate) promotion_code: Option<Id>,
    pub(crate) off: Off,
}

/// What the buyer told.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Buyer {
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) address: Address,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
    pub(crate) status: Status,
    pub(crate) payment_status: PaymentStatus,
    pub(crate) terms: Arc<Terms>,
    pub(crate) lines: Vec<Line>,
    pub(crate) discount: Option<Discount>,
    pub(crate) customer: Option<Id>,
    pub(crate) customer_email: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) buyer: Option<Buyer>,
    pub(crate) shipping: Option<Shipping>,
    pub(crate) presentment: Option<Presentment>,
    pub(crate) intent: Option<Id>,
    pub(crate) setup_intent: Option<Id>,
    pub(crate) subscription: Option<Id>,
    pub(crate) invoice: Option<Id>,
    pub(crate) link: Option<Id>,
}

/// A session can be paid for a day, unless its creator says otherwise.
const SESSION_LASTS_S: i64 = 24 * 60 * 60;

impl Session {
    /// A session that nobody has paid yet.
    pub(crate) fn open(id: Id, created: i64, terms: Arc<Terms>, lines: Vec<Line>) -> Self {
        Self {
            id,
            created,
            expires_at: created + SESSION_LASTS_S,
            status: Status::Open,
            payment_status: PaymentStatus::Unpaid,
            terms,
            lines,
            discount: None,
            customer: None,
            customer_email: None,
            client_reference_id: None,
            metadata: Metadata::default(),
            buyer: None,
            shipping: None,
            presentment: None,
            intent: None,
            setup_intent: None,
            subscription: None,
            invoice: None,
            link: None,
        }
    }

    pub(crate) fn subtotal(&self) -> i64 {
        self.lines.iter().map(Line::subtotal).fold(0, i64::saturating_add)
    }

    pub(crate) fn discounted(&self) -> i64 {
        self.lines.iter().map(|line| line.discount).fold(0, i64::saturating_add)
    }

    pub(crate) fn total(&self) -> i64 {
        self.subtotal().saturating_sub(self.discounted())
    }

    pub(crate) fn currency(&self) -> &str {
        self.terms.currency.as_deref().unwrap_or("usd")
    }
}

#[derive(Debug, Clone)]
pub(crate) struct PaymentLink {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) active: bool,
    pub(crate) slug: String,
    pub(crate) terms: Arc<Terms>,
    pub(crate) lines: Vec<Line>,
    pub(crate) metadata: Metadata,
}

/// Where events go.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) url: Arc<str>,
    pub(crate) secret: Arc<str>,
    pub(crate) enabled: bool,
    pub(crate) events: Vec<String>,
    pub(crate) version: Option<Version>,
    /// Gets thin events instead of snapshots.
    pub(crate) thin: bool,
    /// Registered through the API; a listener (`forward_to`) is not shown and not waited for.
    pub(crate) listener: bool,
    /// An event destination (`/v2`) has a name, a webhook endpoint has none.
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
}

impl Endpoint {
    pub(crate) fn wants(&self, kind: &str) -> bool {
        self.enabled
            && self
                .events
                .iter()
                .any(|event| event == "*" || event.strip_prefix("v1.").unwrap_or(event) == kind)
    }
}

/// Something that happened, with the object as it was then.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: Id,
    /// The id of the thin event for the same notification.
    pub(crate) thin_id: Id,
    pub(crate) created_ms: i64,
    pub(crate) created: i64,
    pub(crate) kind: &'static str,
    pub(crate) object: Snapshot,
    pub(crate) request: Option<Id>,
    pub(crate) idempotency_key: Option<Arc<str>>,
    /// Endpoints that have not answered 2xx yet.
    pub(crate) owed: Vec<Owed>,
}

/// An endpoint that has not taken an event yet.
#[derive(Debug, Clone)]
pub(crate) struct Owed {
    pub(crate) endpoint: Id,
    /// It answered at least once, or nobody waits for it.
    pub(crate) answered: bool,
}

/// The id of the thin event for the same notification.
pub(crate) fn thin_id(event: &str) -> Id {
    event.replacen("evt_", "evt_test_", 1).into()
}

impl Event {
    pub(crate) fn set_id(&mut self, id: Id) {
        self.thin_id = thin_id(&id);
        self.id = id;
    }

    /// It has no snapshot: it is about something that only `/v2` knows.
    pub(crate) fn is_v2(&self) -> bool {
        self.kind.starts_with("v2.")
    }

    /// How many endpoints have not taken it yet: `pending_webhooks`.
    pub(crate) fn pending(&self) -> usize {
        self.owed.len()
    }

    /// Every registered endpoint has answered something.
    pub(crate) fn is_answered(&self) -> bool {
        self.owed.iter().all(|owed| owed.answered)
    }
}

/// An object as it was when something happened to it.
#[derive(Debug, Clone)]
pub(crate) enum Snapshot {
    Product(Arc<Product>),
    Price(Arc<Price>),
    Customer(Arc<Customer>),
    Coupon(Arc<Coupon>),
    Session(Arc<Session>),
    Link(Arc<PaymentLink>),
    Destination(Arc<Endpoint>),
    Intent(Arc<Intent>),
    Charge(Arc<Charge>),
    Method(Arc<PaymentMethod>),
    Setup(Arc<SetupIntent>),
    Refund(Arc<Refund>),
    Dispute(Arc<Dispute>),
}

macro_rules! rows {
    ($($row:ty),+) => {$(
        impl Row for $row {
            fn id(&self) -> &Id {
                &self.id
            }
            fn created(&self) -> i64 {
                self.created
            }
        }
    )+};
}

rows!(
    Product,
    Price,
    Customer,
    Coupon,
    PromotionCode,
    Session,
    PaymentLink,
    Intent,
    Charge,
    PaymentMethod,
    SetupIntent,
    Refund,
    Dispute,
    Endpoint,
    Event
);
