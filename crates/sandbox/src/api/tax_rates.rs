//! `/v1/tax_rates`, and the rates that a line names.

use std::sync::Arc;

use super::{Call, list::Paging, metadata, shape::text};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    render,
    state::{
        State,
        objects::{Metadata, Snapshot, TaxRate},
    },
};

/// Rates of one line; Stripe publishes no limit.
const RATES_MAX: usize = 10;
const NAME_CHARS_MAX: usize = 50;
const JURISDICTION_CHARS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 5_000;
const DECIMALS_MAX: usize = 4;
const TYPES: [&str; 28] = [
    "admissions_tax",
    "amusement_tax",
    "attendance_tax",
    "communications_tax",
    "digital_excise_tax",
    "entertainment_tax",
    "get_fund",
    "gross_receipts_tax",
    "gst",
    "hospitality_tax",
    "hst",
    "igst",
    "jct",
    "lease_tax",
    "luxury_tax",
    "mass_transit_parking_tax",
    "nhil",
    "parking_tax",
    "pst",
    "qst",
    "resort_tax",
    "retail_delivery_fee",
    "rst",
    "sales_tax",
    "service_tax",
    "tourism_tax",
    "utility_users_tax",
    "vat",
];

fn find<'a>(state: &'a State, id: &str, param: &str) -> Answer<&'a Arc<TaxRate>> {
    state.tax_rates.get(id).ok_or_else(|| ApiError::missing("tax rate", id, param))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let display_name = text(params, "display_name", NAME_CHARS_MAX)?;
    let display_name = display_name.ok_or_else(|| ApiError::required("display_name"))?;
    let inclusive = params.boolean("inclusive")?;
    let inclusive = inclusive.ok_or_else(|| ApiError::required("inclusive"))?;
    let percentage = params.need("percentage")?;
    let percentage = decimal(&percentage).ok_or_else(|| {
        let about = format!(
            "Invalid percentage: {percentage}. It is between 0 and 100, with at most {DECIMALS_MAX} decimal places."
        );
        params.error("percentage", about)
    })?;
    let mut rate = TaxRate {
        id: "".into(),
        created: state.now(),
        active: true,
        display_name,
        percentage,
        inclusive,
        country: None,
        state: None,
        jurisdiction: None,
        description: None,
        tax_type: None,
        metadata: Metadata::default(),
    };
    take(params, &mut rate)?;
    params.done()?;
    rate.id = state.ids.next("txr_");
    let rate = state.tax_rates.insert(rate);
    state.emit("tax_rate.created", Snapshot::TaxRate(Arc::clone(&rate)));
    Ok(render::tax_rate(&rate))
}

/// `7.25` → 72,500: ten-thousandths. None when it is no percentage.
fn decimal(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > DECIMALS_MAX || !digits(whole) || !digits(part) {
        return None;
    }
    let parts: i64 = format!("{whole}{part:0<DECIMALS_MAX$}").parse().ok()?;
    (parts <= 1_000_000).then_some(parts)
}

/// What can be said again later.
fn take(params: &mut Params, rate: &mut TaxRate) -> Answer<()> {
    rate.active = params.boolean("active")?.unwrap_or(rate.active);
    for (name, most, known) in [
        ("country", 2, &mut rate.country),
        ("description", TEXT_CHARS_MAX, &mut rate.description),
        ("jurisdiction", JURISDICTION_CHARS_MAX, &mut rate.jurisdiction),
        ("state", TEXT_CHARS_MAX, &mut rate.state),
    ] {
        if params.has(name) {
            *known = text(params, name, most)?;
        }
    }
    if let Some(country) = &mut rate.country {
        country.make_ascii_uppercase();
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let about = format!("Invalid country: {country}. It is a two-letter ISO code, as DE.");
            return Err(params.error("country", about));
        }
    }
    if params.has("tax_type") {
        rate.tax_type = params.one_of("tax_type", &TYPES)?;
    }
    rate.metadata = metadata(params, "metadata", &rate.metadata)?;
    Ok(())
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id, "tax_rate").map(|rate| render::tax_rate(rate))
}

/// Sessions keep what a rate takes: its percentage cannot change.
pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id, "tax_rate")?).clone();
    let params = &mut call.params;
    let unnamed = matches!(params.clone().change("display_name")?, Change::Unset);
    if unnamed {
        return Err(params.error("display_name", "A tax rate needs a name that buyers see."));
    }
    if let Some(name) = text(params, "display_name", NAME_CHARS_MAX)? {
        next.display_name = name;
    }
    take(params, &mut next)?;
    params.done()?;
    let rate = state.tax_rates.insert(next);
    state.emit("tax_rate.updated", Snapshot::TaxRate(Arc::clone(&rate)));
    Ok(render::tax_rate(&rate))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (active, inclusive) = (params.boolean("active")?, params.boolean("inclusive")?);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.tax_rates, None, "tax rate", |row| {
        active.is_none_or(|active| row.active == active)
            && inclusive.is_none_or(|inclusive| row.inclusive == inclusive)
    })?;
    let data = rows.iter().map(|row| render::tax_rate(row)).collect();
    Ok(render::list(data, has_more, "/v1/tax_rates"))
}

/// The rates that a line or an item names in `tax_rates`.
pub(super) fn named(state: &State, entry: &mut Params) -> Answer<Vec<Arc<TaxRate>>> {
    let ids = entry.texts("tax_rates")?;
    if ids.len() > RATES_MAX {
        let about = format!("The sandbox takes at most {RATES_MAX} tax rates for one line.");
        return Err(entry.error("tax_rates", about));
    }
    let mut rates = Vec::with_capacity(ids.len());
    for id in &ids {
        let rate = find(state, id, &entry.path_of("tax_rates"));
        let rate = rate.map_err(|missing| missing.status(400))?;
        if !rate.active {
            let about = format!("The tax rate `{id}` is not active. Use one that is.");
            return Err(entry.error("tax_rates", about));
        }
        rates.push(Arc::clone(rate));
    }
    Ok(rates)
}

/// The rates of a session's line; those that depend on the buyer's address are refused.
pub(super) fn of_line(state: &State, entry: &mut Params) -> Answer<Vec<Arc<TaxRate>>> {
    if !entry.texts("dynamic_tax_rates")?.is_empty() {
        return Err(entry.error(
            "dynamic_tax_rates",
            "The sandbox does not choose tax rates by the buyer's address. Use `tax_rates`.",
        ));
    }
    named(state, entry)
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn a_percentage_has_up_to_four_decimals_and_is_at_most_a_hundred() {
        for (text, expected) in [
            ("0", Some(0)),
            ("19", Some(190_000)),
            ("19.0", Some(190_000)),
            ("7.25", Some(72_500)),
            ("8.8750000", Some(88_750)),
            ("0.0001", Some(1)),
            ("100", Some(1_000_000)),
            ("100.0001", None),
            ("0.00001", None),
            ("-1", None),
            (".5", None),
            ("1e1", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(decimal(text), expected, "{text}");
        }
    }
}
