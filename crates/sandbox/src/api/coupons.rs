//! `/v1/coupons`.

use std::sync::Arc;

use serde_json::json;

use super::{
    Call, amount, currency, list::Paging, metadata, prices::currency_options, products, shape,
};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    ids::Id,
    render,
    state::{
        State,
        objects::{Coupon, Metadata, Off, Snapshot},
    },
};

pub(super) fn find<'a>(state: &'a State, id: &str, param: &str) -> Answer<&'a Arc<Coupon>> {
    state.coupons.get(id).ok_or_else(|| ApiError::missing("coupon", id, param))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let id = params.text("id")?;
    if let Some(id) = id.as_deref().filter(|id| state.coupons.get(id).is_some()) {
        return Err(params
            .error("id", format!("Coupon already exists: {id}"))
            .code("resource_already_exists"));
    }
    let off = off(params)?;
    let (duration, duration_in_months) = duration(params)?;
    let redemptions_max = params.integer("max_redemptions")?;
    if redemptions_max.is_some_and(|most| most < 1) {
        return Err(params.error("max_redemptions", "Invalid integer: it must be at least 1."));
    }
    let redeem_by = params.integer("redeem_by")?;
    if redeem_by.is_some_and(|at| at <= state.now()) {
        return Err(params.error("redeem_by", "The timestamp must be in the future."));
    }
    let coupon = Coupon {
        id: id.unwrap_or_else(|| state.ids.text("", 8)).into(),
        created: state.now(),
        name: shape::text(params, "name", 40)?,
        off,
        duration,
        duration_in_months,
        products: applies_to(state, params)?.into(),
        options: currency_options(params, "amount_off")?,
        redemptions_max,
        redeem_by,
        times_redeemed: 0,
        metadata: metadata(params, "metadata", &Metadata::default())?,
    };
    params.done()?;
    let coupon = state.coupons.insert(coupon);
    state.emit("coupon.created", Snapshot::Coupon(Arc::clone(&coupon)));
    Ok(render::coupon(&coupon, state.now()))
}

fn off(params: &mut Params) -> Answer<Off> {
    let currency = currency(params, "currency")?;
    match (params.text("percent_off")?, amount(params, "amount_off")?, currency) {
        (Some(percent), None, _) => match percent.parse::<f64>() {
            Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(Off::Percent(percent)),
            _ => Err(params.error(
                "percent_off",
                format!("Invalid percentage: {percent}. It must be above 0 and at most 100."),
            )),
        },
        (None, Some(amount), Some(currency)) if amount > 0 => Ok(Off::Amount { amount, currency }),
        (None, Some(_), None) => Err(ApiError::required("currency")),
        _ => Err(params.error(
            "percent_off",
            "You must specify one of these parameters: percent_off, amount_off.",
        )),
    }
}

fn duration(params: &mut Params) -> Answer<(&'static str, Option<i64>)> {
    let duration = params.one_of("duration", &["forever", "once", "repeating"])?.unwrap_or("once");
    match (duration, params.integer("duration_in_months")?) {
        ("repeating", Some(months @ 1..=1_200)) => Ok((duration, Some(months))),
        ("repeating", None) => Err(ApiError::required("duration_in_months")),
        (_, None) => Ok((duration, None)),
        (_, Some(_)) => Err(params.error(
            "duration_in_months",
            "It goes with the duration `repeating` only, and is at least 1.",
        )),
    }
}

fn applies_to(state: &State, params: &mut Params) -> Answer<Vec<Id>> {
    let Some(mut applies) = params.object("applies_to")? else { return Ok(Vec::new()) };
    let mut ids = Vec::new();
    for id in applies.texts("products")? {
        ids.push(Arc::clone(&products::find(state, &id, "applies_to[products]")?.id));
    }
    applies.done()?;
    Ok(ids)
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id, "coupon").map(|coupon| render::coupon(coupon, state.now()))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id, "coupon")?).clone();
    let params = &mut call.params;
    if params.has("name") {
        next.name = shape::text(params, "name", 40)?;
    }
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    for option in currency_options(params, "amount_off")? {
        next.options.retain(|known| known.currency != option.currency);
        next.options.push(option);
    }
    params.done()?;
    let coupon = state.coupons.insert(next);
    state.emit("coupon.updated", Snapshot::Coupon(Arc::clone(&coupon)));
    Ok(render::coupon(&coupon, state.now()))
}

/// Discounts that were given keep what they took off; codes for the coupon no longer work.
pub(super) fn delete(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id, "coupon")?.id);
    call.params.done()?;
    if let Some(coupon) = state.coupons.remove(&id) {
        state.emit("coupon.deleted", Snapshot::Coupon(coupon));
    }
    Ok(json!({ "id": &*id, "object": "coupon", "deleted": true }))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let paging = Paging::read_created(&mut call.params)?;
    call.params.done()?;
    let (rows, has_more) = paging.newest(&state.coupons, None, "coupon", |_| true)?;
    let data = rows.iter().map(|row| render::coupon(row, state.now())).collect();
    Ok(render::list(data, has_more, "/v1/coupons"))
}
