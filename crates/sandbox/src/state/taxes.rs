//! Tax rates, and what they come to on a line.

use std::sync::Arc;

use super::objects::{Line, Metadata};
use crate::ids::Id;

/// A hundred percent, as [`TaxRate::percentage`] counts it.
const WHOLE: i128 = 1_000_000;

/// A tax that a merchant wants on what is sold.
#[derive(Debug, Clone)]
pub(crate) struct TaxRate {
    pub(crate) id: Id,
    pub(crate) created: i64,
    pub(crate) active: bool,
    pub(crate) display_name: String,
    /// In ten-thousandths of a percent.
    pub(crate) percentage: i64,
    /// Prices contain it; otherwise it comes on top of them.
    pub(crate) inclusive: bool,
    pub(crate) country: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) jurisdiction: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) tax_type: Option<&'static str>,
    pub(crate) metadata: Metadata,
}

impl TaxRate {
    /// `7.25`.
    pub(crate) fn percent(&self) -> f64 {
        f64::from(i32::try_from(self.percentage).unwrap_or_default()) / 10_000.0
    }
}

/// What one rate comes to.
#[derive(Debug, Clone)]
pub(crate) struct Tax {
    pub(crate) rate: Arc<TaxRate>,
    /// What it is reckoned on, without any tax that it contains.
    pub(crate) taxable: i64,
    pub(crate) amount: i64,
}

impl Line {
    /// What each rate comes to, after the discount. Each is rounded on its own, half a unit up;
    /// those that the price contains are never more than it.
    pub(crate) fn taxes(&self) -> Vec<Tax> {
        if self.tax_rates.is_empty() {
            return Vec::new();
        }
        let net = self.net();
        let included = self.tax_rates.iter().filter(|rate| rate.inclusive);
        let included: i128 = included.map(|rate| i128::from(rate.percentage)).sum();
        let mut taxable = net;
        let contained = |rate: &Arc<TaxRate>| {
            let mut tax = Tax { rate: Arc::clone(rate), taxable: 0, amount: 0 };
            if rate.inclusive {
                tax.amount = share(net, rate.percentage, WHOLE + included).min(taxable);
                taxable -= tax.amount;
            }
            tax
        };
        let mut taxes: Vec<Tax> = self.tax_rates.iter().map(contained).collect();
        for tax in &mut taxes {
            tax.taxable = taxable;
            if !tax.rate.inclusive {
                tax.amount = share(taxable, tax.rate.percentage, WHOLE);
            }
        }
        taxes
    }

    /// All taxes.
    pub(crate) fn tax(&self) -> i64 {
        self.taxes().iter().map(|tax| tax.amount).fold(0, i64::saturating_add)
    }

    /// The taxes that come on top of the price.
    pub(crate) fn added_tax(&self) -> i64 {
        let taxes = self.taxes();
        let added = taxes.iter().filter(|tax| !tax.rate.inclusive);
        added.map(|tax| tax.amount).fold(0, i64::saturating_add)
    }
}

/// What each rate comes to on all lines, in the order in which the lines name them.
pub(crate) fn by_rate(lines: &[Line]) -> Vec<Tax> {
    let mut sums: Vec<Tax> = Vec::new();
    for tax in lines.iter().flat_map(Line::taxes) {
        match sums.iter_mut().find(|sum| sum.rate.id == tax.rate.id) {
            None => sums.push(tax),
            Some(sum) => {
                sum.amount = sum.amount.saturating_add(tax.amount);
                sum.taxable = sum.taxable.saturating_add(tax.taxable);
            }
        }
    }
    sums
}

/// So many parts of a whole, half a unit rounded up; amounts are never negative.
fn share(amount: i64, part: i64, whole: i128) -> i64 {
    let exact = (i128::from(amount) * i128::from(part) * 2 + whole) / (2 * whole);
    i64::try_from(exact).unwrap_or(i64::MAX)
}
