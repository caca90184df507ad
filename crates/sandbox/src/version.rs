//! API versions: which shape of an object a caller or an endpoint gets.

use std::sync::Arc;

use crate::error::{Answer, ApiError};

/// The newest version the sandbox speaks; its account's default.
pub(crate) const NEWEST: &str = "2026-10-28.endive";

/// A version by its date; a shape moves with a date, so any version can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) name: Arc<str>,
    date: Date,
}

/// Year, month, day.
type Date = (u32, u32, u32);

/// Dates on which shapes moved.
mod moved {
    use super::Date;

    pub(super) const SHIPPING_DETAILS: Date = (2022, 8, 1);
    pub(super) const AUTOMATIC_METHODS: Date = (2023, 8, 16);
    pub(super) const ASYNC_CAPTURE: Date = (2024, 4, 10);
    /// 2025-03-31.basil: a subscription's periods are its items', its discounts a list.
    pub(super) const PERIODS_OF_ITEMS: Date = (2025, 3, 31);
    pub(super) const BILLING_SCHEDULES: Date = (2026, 1, 28);
    pub(super) const COLLECTED_INFORMATION: Date = (2025, 2, 24);
    /// 2025-09-30.clover: `source` in discounts, `promotion` in promotion codes, accounts as
    /// customers; `currency_conversion` is gone.
    pub(super) const DISCOUNT_SOURCE: Date = (2025, 9, 30);
    pub(super) const UI_MODE_NAMES: Date = (2026, 3, 25);
    pub(super) const NO_PAYMENT_METHOD_TYPES: Date = (2026, 9, 30);
}

/// Where a session shows the shipping address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShippingPlace {
    Shipping,
    ShippingDetails,
    CollectedInformation,
}

impl Version {
    pub(crate) fn newest() -> Self {
        Self::parse(NEWEST).unwrap_or(Self { name: NEWEST.into(), date: (2026, 10, 28) })
    }

    /// `2025-03-31.basil`, `2022-11-15`.
    pub(crate) fn parse(name: &str) -> Answer<Self> {
        let date = name.split('.').next().unwrap_or_default();
        let digits: Option<Vec<u32>> = date.split('-').map(|part| part.parse().ok()).collect();
        match digits.as_deref() {
            Some([year @ 2011..=2100, month @ 1..=12, day @ 1..=31])
                if date.len() == 10 && name.len() <= 40 =>
            {
                Ok(Self { name: name.into(), date: (*year, *month, *day) })
            }
            _ => Err(ApiError::invalid(format!(
                "Invalid Stripe API version: {}. A version is a date, with a name since 2024: {NEWEST}",
                name.chars().take(40).collect::<String>()
            ))),
        }
    }

    pub(crate) fn shipping_place(&self) -> ShippingPlace {
        if self.date >= moved::COLLECTED_INFORMATION {
            ShippingPlace::CollectedInformation
        } else if self.date >= moved::SHIPPING_DETAILS {
            ShippingPlace::ShippingDetails
        } else {
            ShippingPlace::Shipping
        }
    }

    /// An intent that names no payment methods takes those the account has.
    pub(crate) fn chooses_methods(&self) -> bool {
        self.date >= moved::AUTOMATIC_METHODS
    }

    /// `automatic_async` is the capture method unless another is asked for.
    pub(crate) fn captures_async(&self) -> bool {
        self.date >= moved::ASYNC_CAPTURE
    }

    /// A discount names its coupon in `source`, a promotion code in `promotion`.
    pub(crate) fn discount_has_source(&self) -> bool {
        self.date >= moved::DISCOUNT_SOURCE
    }

    /// A session shows `currency_conversion`, which is null since 2025.
    pub(crate) fn shows_currency_conversion(&self) -> bool {
        self.date < moved::DISCOUNT_SOURCE
    }

    /// Each item of a subscription has its own period.
    pub(crate) fn periods_are_items(&self) -> bool {
        self.date >= moved::PERIODS_OF_ITEMS
    }

    pub(crate) fn shows_billing_schedules(&self) -> bool {
        self.date >= moved::BILLING_SCHEDULES
    }

    /// A session names the account that stands instead of a customer.
    pub(crate) fn shows_customer_account(&self) -> bool {
        self.date >= moved::DISCOUNT_SOURCE
    }

    pub(crate) fn ui_mode_says_page(&self) -> bool {
        self.date >= moved::UI_MODE_NAMES
    }

    /// What is charged shows which methods its creator allows.
    pub(crate) fn shows_allowed_methods(&self) -> bool {
        self.date >= moved::NO_PAYMENT_METHOD_TYPES
    }

    /// An intent names its invoice, not the invoice its payments.
    pub(crate) fn shows_invoice(&self) -> bool {
        !self.periods_are_items()
    }

    pub(crate) fn takes_payment_method_types(&self) -> bool {
        self.date < moved::NO_PAYMENT_METHOD_TYPES
    }
}
