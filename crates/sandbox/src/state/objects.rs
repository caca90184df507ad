//! The sandbox's objects, as facts; `render` gives them the shape of a version.

use std::sync::Arc;

use serde_json::{Map, Value};

pub(crate) use super::payments::{
    Action, Charge, ChargeStatus, Complaint, Dispute, DisputeStatus, Ends, Failure, Fate,
    Instrument, Intent, IntentStatus, PaymentMethod, Refund, RefundStatus, SetupIntent,
};
pub(crate) use super::subscriptions::{
    Given, Item, MissingMethod, Subscription, SubscriptionStatus,
};
use super::table::Row;
pub(crate) use super::taxes::{Tax, TaxRate};
pub(crate) use super::terms::{
    Adjustable, Ask, CustomAmount, CustomField, Discount, FRACTION, FieldKind, Line, Mode,
    ShippingOption, Terms, Transform, Trial, UiMode,
};
use crate::{
    buy::Presentment,
    calendar,
    checkout::{Answers, Quote},
    ids::Id,
    version::Version,
};

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
    /// Whole minor units.
    pub(crate) unit_amount: i64,
    /// What comes on top of them, in millionths of a millionth.
    pub(crate) fraction: i64,
    /// The buyer chooses the amount.
    pub(crate) custom: Option<CustomAmount>,
    pub(crate) transform: Option<Transform>,
    /// Amounts in further currencies.
    pub(crate) options: Vec<CurrencyAmount>,
    pub(crate) recurring: Option<Recurring>,
    pub(crate) lookup_key: Option<String>,
    pub(crate) nickname: Option<String>,
    pub(crate) tax_behavior: &'static str,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recurring {
    pub(crate) interval: &'static str,
    pub(crate) count: i64,
    /// `licensed`, `metered`.
    pub(crate) usage: &'static str,
}

impl Price {
    /// What a unit costs in a currency: whole minor units and the fraction on top.
    pub(crate) fn amount_in(&self, currency: &str) -> Option<(i64, i64)> {
        if *self.currency == *currency {
            return Some((self.unit_amount, self.fraction));
        }
        let option = self.options.iter().find(|option| *option.currency == *currency)?;
        Some((option.amount, 0))
    }
}

/// An amount in one more currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CurrencyAmount {
    pub(crate) currency: Arc<str>,
    pub(crate) amount: i64,
    pub(crate) tax_behavior: &'static str,
}

/// What it costs to ship, and how long it takes.
#[derive(Debug, Clone)]
pub(crate) struct ShippingRate {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) active: bool,
    pub(crate) name: String,
    pub(crate) amount: i64,
    pub(crate) currency: Arc<str>,
    pub(crate) options: Vec<CurrencyAmount>,
    pub(crate) fastest: Option<Bound>,
    pub(crate) slowest: Option<Bound>,
    pub(crate) tax_behavior: &'static str,
    pub(crate) tax_code: Option<String>,
    pub(crate) metadata: Metadata,
}

/// One end of a delivery estimate: `3`, `business_day`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) value: i64,
    pub(crate) unit: &'static str,
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
    /// Who carries the parcel, and the number it is followed by: merchants tell their payments.
    pub(crate) carrier: Option<String>,
    pub(crate) tracking_number: Option<String>,
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
    /// A discount on all that it pays by subscription.
    pub(crate) discount: Option<Arc<Given>>,
    /// The card that older calls charge.
    pub(crate) default_source: Option<Id>,
    pub(crate) metadata: Metadata,
    pub(crate) shown: Shown,
}

#[derive(Debug, Clone)]
pub(crate) struct Coupon {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) name: Option<String>,
    pub(crate) off: Off,
    pub(crate) duration: &'static str,
    pub(crate) duration_in_months: Option<i64>,
    /// The products it is for; all when empty.
    pub(crate) products: Arc<[Id]>,
    pub(crate) options: Vec<CurrencyAmount>,
    pub(crate) redemptions_max: Option<i64>,
    pub(crate) redeem_by: Option<i64>,
    pub(crate) times_redeemed: i64,
    pub(crate) metadata: Metadata,
}

impl Coupon {
    /// What it takes off in a currency; none when it is for another one.
    pub(crate) fn off_in(&self, currency: &str) -> Option<Off> {
        match &self.off {
            Off::Amount { currency: own, .. } if **own != *currency => {
                let option = self.options.iter().find(|option| *option.currency == *currency)?;
                let (amount, currency) = (option.amount, Arc::clone(&option.currency));
                Some(Off::Amount { amount, currency })
            }
            off => Some(off.clone()),
        }
    }

    /// When a discount that it gives then is over.
    pub(crate) fn ends(&self, start: i64) -> Option<i64> {
        let months = self.duration_in_months.filter(|_| self.duration == "repeating")?;
        Some(calendar::months_later(start, months))
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.redemptions_max.is_some_and(|most| self.times_redeemed >= most)
    }

    pub(crate) fn is_valid(&self, now: i64) -> bool {
        !self.is_used_up() && self.redeem_by.is_none_or(|at| at > now)
    }
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
    /// The only customer who may use it.
    pub(crate) customer: Option<Id>,
    pub(crate) expires_at: Option<i64>,
    pub(crate) redemptions_max: Option<i64>,
    pub(crate) first_time: bool,
    /// The least that an order has to come to, by currency; the first is the code's own.
    pub(crate) minimum: Vec<CurrencyAmount>,
    pub(crate) times_redeemed: i64,
    pub(crate) metadata: Metadata,
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
    /// What the buyer may add; the id is that of the line it becomes.
    pub(crate) optional: Vec<Line>,
    pub(crate) discount: Option<Discount>,
    /// The way of shipping that is chosen; the first one until the buyer says otherwise.
    pub(crate) shipping_cost: Option<ShippingOption>,
    pub(crate) answers: Answers,
    pub(crate) recovered_from: Option<Id>,
    pub(crate) customer: Option<Id>,
    pub(crate) customer_account: Option<String>,
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
            shipping_cost: terms.shipping_options.first().cloned(),
            terms,
            lines,
            optional: Vec::new(),
            discount: None,
            answers: Answers::default(),
            recovered_from: None,
            customer: None,
            customer_account: None,
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

    /// The order becomes what was quoted.
    pub(crate) fn take(&mut self, quote: Quote) {
        self.lines = quote.lines;
        self.discount = quote.discount;
        self.shipping_cost = quote.shipping_cost;
    }

    pub(crate) fn subtotal(&self) -> i64 {
        self.lines.iter().map(Line::subtotal).fold(0, i64::saturating_add)
    }

    pub(crate) fn discounted(&self) -> i64 {
        self.lines.iter().map(|line| line.discount).fold(0, i64::saturating_add)
    }

    pub(crate) fn shipped(&self) -> i64 {
        self.shipping_cost.as_ref().map_or(0, |shipping| shipping.amount)
    }

    pub(crate) fn total(&self) -> i64 {
        let net = self.subtotal().saturating_sub(self.discounted());
        net.saturating_add(self.shipped()).saturating_add(self.added_tax())
    }

    /// All taxes, also those that prices contain.
    pub(crate) fn taxed(&self) -> i64 {
        self.lines.iter().map(Line::tax).fold(0, i64::saturating_add)
    }

    /// The taxes that come on top of prices.
    pub(crate) fn added_tax(&self) -> i64 {
        self.lines.iter().map(Line::added_tax).fold(0, i64::saturating_add)
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
    pub(crate) optional: Vec<Line>,
    pub(crate) inactive_message: Option<String>,
    /// How many sessions may complete, and how many have.
    pub(crate) completed_max: Option<i64>,
    pub(crate) completed: i64,
    pub(crate) metadata: Metadata,
}

impl PaymentLink {
    /// It can be followed: it is active, and not as many sessions have completed as may.
    pub(crate) fn is_open(&self) -> bool {
        self.active && !self.is_full()
    }

    /// As many sessions have completed as may.
    pub(crate) fn is_full(&self) -> bool {
        self.completed_max.is_some_and(|most| self.completed >= most)
    }
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
    /// A price that recurs, as it was called before there were prices.
    Plan(Arc<Price>),
    /// A customer's discount.
    Discount(Arc<Given>),
    Subscription(Arc<Subscription>),
    Customer(Arc<Customer>),
    Coupon(Arc<Coupon>),
    TaxRate(Arc<TaxRate>),
    PromotionCode(Arc<PromotionCode>, Arc<Coupon>),
    Session(Arc<Session>),
    Link(Arc<PaymentLink>),
    Destination(Arc<Endpoint>),
    Intent(Arc<Intent>),
    Charge(Arc<Charge>),
    Method(Arc<PaymentMethod>),
    /// A card as a customer's source.
    Source(Arc<PaymentMethod>),
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
    ShippingRate,
    TaxRate,
    Session,
    Subscription,
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
