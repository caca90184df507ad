//! What a merchant settles when creating a session or a link, and the lines of an order.

use std::sync::Arc;

use serde_json::Value;

use super::objects::{Metadata, Off, Shipping, Shown, TaxRate};
use crate::ids::Id;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Payment,
    Subscription,
    Setup,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UiMode {
    Hosted,
    Embedded,
    Custom,
}

/// Whether the buyer is asked for something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Ask {
    #[default]
    No,
    Optional,
    Required,
}

/// When a subscription's first payment is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trial {
    Days(i64),
    Until(i64),
}

impl Trial {
    /// When it ends, if it begins then; in seconds since 1970.
    pub(crate) fn ends(self, begins: i64) -> i64 {
        match self {
            Self::Days(days) => begins.saturating_add(days * 24 * 60 * 60),
            Self::Until(until) => until,
        }
    }
}

/// The terms of a session or a link. Sessions of one link share them.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) mode: Mode,
    pub(crate) currency: Option<Arc<str>>,
    pub(crate) locale: Option<String>,
    pub(crate) methods: Vec<&'static str>,
    /// `methods` were listed by the creator.
    pub(crate) methods_named: bool,
    /// Of the methods that could be offered, only these may.
    pub(crate) allowed_methods: Option<Vec<&'static str>>,
    pub(crate) capture_later: bool,
    pub(crate) phone: bool,
    pub(crate) individual_name: Ask,
    pub(crate) business_name: Ask,
    pub(crate) tax_id: Ask,
    /// A whole billing address is asked for, not only what the payment needs.
    pub(crate) billing_address: bool,
    /// Countries to ship to; none: no address is asked for.
    pub(crate) ships_to: Option<Vec<String>>,
    pub(crate) shipping_options: Vec<ShippingOption>,
    pub(crate) custom_fields: Vec<CustomField>,
    /// The buyer has to accept the shop's terms of service.
    pub(crate) terms_of_service: bool,
    /// The buyer is asked whether to get the shop's news.
    pub(crate) promotions: bool,
    pub(crate) promotion_codes: bool,
    pub(crate) always_customer: bool,
    /// Stripe Tax is asked for. Nobody here has registered anywhere, so it comes to nothing.
    pub(crate) automatic_tax: bool,
    pub(crate) invoices: bool,
    /// `auto`, `book`, `donate`, `pay`, `subscribe`: the word on the button.
    pub(crate) submit_type: Option<&'static str>,
    /// A way to pay is asked for only when something is due now.
    pub(crate) method_if_required: bool,
    pub(crate) trial: Option<Trial>,
    /// An expired session can be taken up again; whether with promotion codes.
    pub(crate) recovery: Option<bool>,
    pub(crate) success_url: Option<String>,
    pub(crate) cancel_url: Option<String>,
    pub(crate) return_url: Option<String>,
    pub(crate) redirects: Option<&'static str>,
    pub(crate) ui_mode: UiMode,
    pub(crate) confirmation_message: Option<String>,
    pub(crate) intent_description: Option<String>,
    pub(crate) intent_metadata: Metadata,
    pub(crate) intent_shipping: Option<Shipping>,
    pub(crate) receipt_email: Option<String>,
    pub(crate) setup_future_usage: Option<&'static str>,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
    pub(crate) transfer_group: Option<String>,
    pub(crate) subscription_description: Option<String>,
    pub(crate) trial_settings: Option<Value>,
    pub(crate) subscription_metadata: Metadata,
    /// The customer's members that the buyer's answers replace: `address`, `name`, `shipping`.
    pub(crate) updates: Vec<&'static str>,
    /// What is shown as it was given: `custom_text`, `branding_settings`, …
    pub(crate) shown: Shown,
}

impl Terms {
    /// Terms that nobody has said anything about.
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            currency: None,
            locale: None,
            methods: Vec::new(),
            methods_named: false,
            allowed_methods: None,
            capture_later: false,
            phone: false,
            individual_name: Ask::No,
            business_name: Ask::No,
            tax_id: Ask::No,
            billing_address: false,
            ships_to: None,
            shipping_options: Vec::new(),
            custom_fields: Vec::new(),
            terms_of_service: false,
            promotions: false,
            promotion_codes: false,
            always_customer: false,
            automatic_tax: false,
            invoices: false,
            submit_type: None,
            method_if_required: false,
            trial: None,
            recovery: None,
            success_url: None,
            cancel_url: None,
            return_url: None,
            redirects: None,
            ui_mode: UiMode::Hosted,
            confirmation_message: None,
            intent_description: None,
            intent_metadata: Metadata::default(),
            intent_shipping: None,
            receipt_email: None,
            setup_future_usage: None,
            statement_descriptor: None,
            statement_descriptor_suffix: None,
            transfer_group: None,
            subscription_description: None,
            trial_settings: None,
            subscription_metadata: Metadata::default(),
            updates: Vec::new(),
            shown: Shown::default(),
        }
    }

    /// The merchant's own words at a place of the page: `submit`, `after_submit`,
    /// `shipping_address`, `terms_of_service_acceptance`.
    pub(crate) fn custom_text(&self, place: &str) -> Option<&str> {
        self.shown.get("custom_text")?.get(place)?.get("message")?.as_str()
    }
}

/// A question of the merchant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomField {
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) optional: bool,
    pub(crate) kind: FieldKind,
    pub(crate) default: Option<String>,
}

/// What may be answered; lengths are in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Text {
        minimum: Option<i64>,
        maximum: Option<i64>,
    },
    Numeric {
        minimum: Option<i64>,
        maximum: Option<i64>,
    },
    /// Values and their labels.
    Dropdown(Vec<(String, String)>),
}

/// A way of shipping, with what it costs in the session's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShippingOption {
    pub(crate) rate: Id,
    pub(crate) amount: i64,
}

/// One line of an order.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) id: Id,
    pub(crate) price: Id,
    pub(crate) product: Id,
    pub(crate) unit_amount: i64,
    /// What a unit costs beyond whole minor units, in millionths of a millionth.
    pub(crate) fraction: i64,
    pub(crate) transform: Option<Transform>,
    /// The buyer chooses the amount.
    pub(crate) custom: Option<CustomAmount>,
    pub(crate) recurring: bool,
    /// Nothing is due yet.
    pub(crate) trial: bool,
    pub(crate) description: String,
    pub(crate) quantity: i64,
    pub(crate) adjustable: Option<Adjustable>,
    pub(crate) discount: i64,
    pub(crate) tax_rates: Vec<Arc<TaxRate>>,
    pub(crate) metadata: Metadata,
}

/// Between what the buyer may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Adjustable {
    pub(crate) minimum: i64,
    pub(crate) maximum: i64,
}

/// Between what amounts the buyer may choose, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CustomAmount {
    pub(crate) minimum: Option<i64>,
    pub(crate) maximum: Option<i64>,
    pub(crate) preset: Option<i64>,
}

/// A price is for so many units; what is left over counts as one more or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transform {
    pub(crate) divide_by: i64,
    pub(crate) round_up: bool,
}

/// How many parts of a minor unit [`Line::fraction`] counts.
pub(crate) const FRACTION: i128 = 1_000_000_000_000;

impl Line {
    pub(crate) fn subtotal(&self) -> i64 {
        if self.trial {
            return 0;
        }
        let packages = match self.transform {
            None => self.quantity,
            Some(Transform { divide_by, round_up }) => {
                let more = i64::from(round_up && self.quantity % divide_by != 0);
                self.quantity / divide_by + more
            }
        };
        let fractions = i128::from(self.fraction) * i128::from(packages);
        let exact = i128::from(self.unit_amount) * i128::from(packages)
            + (fractions + FRACTION / 2).div_euclid(FRACTION);
        i64::try_from(exact).unwrap_or(i64::MAX)
    }

    /// What is left after the discount.
    pub(crate) fn net(&self) -> i64 {
        self.subtotal().saturating_sub(self.discount)
    }

    /// With the taxes that come on top.
    pub(crate) fn total(&self) -> i64 {
        self.net().saturating_add(self.added_tax())
    }
}

/// A discount on a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Discount {
    pub(crate) coupon: Id,
    pub(crate) promotion_code: Option<Id>,
    pub(crate) off: Off,
    /// The products it is for; all when empty.
    pub(crate) products: Arc<[Id]>,
}

impl Discount {
    pub(crate) fn is_for(&self, line: &Line) -> bool {
        self.products.is_empty() || self.products.contains(&line.product)
    }
}
