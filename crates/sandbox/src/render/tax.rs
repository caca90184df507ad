//! Tax rates, and what they come to.

use serde_json::{Value, json};

use super::metadata;
use crate::state::{
    State,
    objects::{Tax, TaxRate},
};

pub(crate) fn tax_rate(rate: &TaxRate) -> Value {
    json!({
        "id": &*rate.id,
        "object": "tax_rate",
        "active": rate.active,
        "country": rate.country,
        "created": rate.created,
        "description": rate.description,
        "display_name": rate.display_name,
        "effective_percentage": null,
        "flat_amount": null,
        "inclusive": rate.inclusive,
        "jurisdiction": rate.jurisdiction,
        "jurisdiction_level": null,
        "livemode": false,
        "metadata": metadata(&rate.metadata),
        "percentage": rate.percent(),
        "rate_type": null,
        "state": rate.state,
        "tax_type": rate.tax_type,
    })
}

/// What `taxes` of a line or of a breakdown expands to. The rates are as they are now; no reason is
/// known for those that a merchant has set.
pub(super) fn taxes(taxes: &[Tax], state: &State) -> Value {
    let one = |tax: &Tax| {
        let rate = state.tax_rates.get(&tax.rate.id).unwrap_or(&tax.rate);
        json!({
            "amount": tax.amount,
            "rate": tax_rate(rate),
            "taxability_reason": null,
            "taxable_amount": tax.taxable,
        })
    };
    taxes.iter().map(one).collect()
}
