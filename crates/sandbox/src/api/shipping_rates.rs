//! `/v1/shipping_rates`, and the ways of shipping that a session or a link offers.

use std::sync::Arc;

use super::{
    Call, amount, currency,
    list::Paging,
    metadata,
    prices::{TAX_BEHAVIORS, currency_options},
    shape::{exclusive, needed, text},
};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    ids::Id,
    render,
    state::{
        State,
        objects::{Bound, Metadata, ShippingOption, ShippingRate},
    },
};

const OPTIONS_MAX: usize = 5;
const UNITS: [&str; 5] = ["business_day", "day", "hour", "month", "week"];

fn find<'a>(state: &'a State, id: &str, param: &str) -> Answer<&'a Arc<ShippingRate>> {
    state.shipping_rates.get(id).ok_or_else(|| ApiError::missing("shipping rate", id, param))
}

/// A rate from a whole call or `shipping_rate_data`.
fn read(state: &mut State, params: &mut Params) -> Answer<ShippingRate> {
    let name = text(params, "display_name", 100)?;
    let name = name.ok_or_else(|| ApiError::required(&params.path_of("display_name")))?;
    params.one_of("type", &["fixed_amount"])?;
    let mut fixed = needed(params, "fixed_amount")?;
    let cost = amount(&mut fixed, "amount")?;
    let cost = cost.ok_or_else(|| ApiError::required(&fixed.path_of("amount")))?;
    let code = currency(&mut fixed, "currency")?;
    let code = code.ok_or_else(|| ApiError::required(&fixed.path_of("currency")))?;
    let options = currency_options(&mut fixed, "amount")?;
    fixed.done()?;
    let (mut fastest, mut slowest) = (None, None);
    if let Some(mut estimate) = params.object("delivery_estimate")? {
        fastest = estimate.object("minimum")?.map(bound).transpose()?;
        slowest = estimate.object("maximum")?.map(bound).transpose()?;
        estimate.done()?;
    }
    Ok(ShippingRate {
        id: state.ids.next("shr_"),
        created: state.now(),
        active: true,
        name,
        amount: cost,
        currency: code,
        options,
        fastest,
        slowest,
        tax_behavior: params.one_of("tax_behavior", &TAX_BEHAVIORS)?.unwrap_or("unspecified"),
        tax_code: params.text("tax_code")?,
        metadata: metadata(params, "metadata", &Metadata::default())?,
    })
}

fn bound(mut params: Params) -> Answer<Bound> {
    let unit = params.one_of("unit", &UNITS)?;
    let unit = unit.ok_or_else(|| ApiError::required(&params.path_of("unit")))?;
    let value = params.integer("value")?;
    let value = value.ok_or_else(|| ApiError::required(&params.path_of("value")))?;
    params.done()?;
    if value < 1 {
        return Err(params.error("value", "Invalid integer: it must be greater than 0."));
    }
    Ok(Bound { value, unit })
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let rate = read(state, &mut call.params)?;
    call.params.done()?;
    Ok(render::shipping_rate(&state.shipping_rates.insert(rate)))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id, "shipping_rate_token").map(|rate| render::shipping_rate(rate))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id, "shipping_rate_token")?).clone();
    let params = &mut call.params;
    next.active = params.boolean("active")?.unwrap_or(next.active);
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    if let Some(behavior) = params.one_of("tax_behavior", &TAX_BEHAVIORS)? {
        next.tax_behavior = behavior;
    }
    if let Some(mut fixed) = params.object("fixed_amount")? {
        for option in currency_options(&mut fixed, "amount")? {
            next.options.retain(|known| known.currency != option.currency);
            next.options.push(option);
        }
        fixed.done()?;
    }
    params.done()?;
    Ok(render::shipping_rate(&state.shipping_rates.insert(next)))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (active, currency) = (params.boolean("active")?, params.text("currency")?);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.shipping_rates, None, "shipping rate", |row| {
        active.is_none_or(|active| row.active == active)
            && currency.as_deref().is_none_or(|currency| *row.currency == *currency)
    })?;
    let data = rows.iter().map(|row| render::shipping_rate(row)).collect();
    Ok(render::list(data, has_more, "/v1/shipping_rates"))
}

/// The ways of shipping that the buyer may choose from, in the session's currency.
pub(super) fn options(
    state: &mut State,
    params: &mut Params,
    currency: Option<&str>,
) -> Answer<Vec<ShippingOption>> {
    let entries = params.objects("shipping_options")?;
    if entries.len() > OPTIONS_MAX {
        return Err(params.error(
            "shipping_options",
            format!("You can offer up to {OPTIONS_MAX} shipping options."),
        ));
    }
    let mut options = Vec::new();
    for mut entry in entries {
        let id = entry.text("shipping_rate")?;
        let known = match &id {
            None => None,
            Some(id) => {
                let found = find(state, id, &entry.path_of("shipping_rate"));
                Some(Arc::clone(&found.map_err(|missing| missing.status(400))?.id))
            }
        };
        let inline = match entry.object("shipping_rate_data")? {
            None => None,
            Some(mut data) => Some(inline(state, &mut data)?),
        };
        let id = exclusive(&entry, ("shipping_rate", known), ("shipping_rate_data", inline))?;
        let id = id.ok_or_else(|| ApiError::required(&entry.path_of("shipping_rate")))?;
        entry.done()?;
        options.push(option(state, &entry, id, currency)?);
    }
    Ok(options)
}

fn inline(state: &mut State, data: &mut Params) -> Answer<Id> {
    let rate = read(state, data)?;
    data.done()?;
    Ok(Arc::clone(&state.shipping_rates.insert(rate).id))
}

fn option(
    state: &State,
    entry: &Params,
    rate: Id,
    currency: Option<&str>,
) -> Answer<ShippingOption> {
    let found = find(state, &rate, "shipping_rate")?;
    if !found.active {
        return Err(
            entry.error("shipping_rate", format!("The shipping rate `{rate}` is inactive."))
        );
    }
    let currency = currency.unwrap_or(&found.currency);
    let amount = if *found.currency == *currency {
        Some(found.amount)
    } else {
        let option = found.options.iter().find(|option| *option.currency == *currency);
        option.map(|option| option.amount)
    };
    let amount = amount.ok_or_else(|| {
        let text = format!("The shipping rate `{rate}` has no amount in {currency}. All shipping options must be in the currency of the session.");
        entry.error("shipping_rate", text)
    })?;
    Ok(ShippingOption { rate, amount })
}
