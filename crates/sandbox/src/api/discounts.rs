//! The discount that a session is created with.

use std::sync::Arc;

use super::{coupons, shape::exclusive};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    ids::Id,
    state::{
        State,
        objects::{Coupon, Discount, Given, PromotionCode},
    },
};

/// Reads `discounts`: one coupon or one promotion code.
pub(super) fn of_session(
    state: &State,
    params: &mut Params,
    currency: Option<&str>,
) -> Answer<Option<Discount>> {
    let mut discounts = params.objects("discounts")?;
    if discounts.len() > 1 {
        return Err(params.error("discounts", "A session takes one discount."));
    }
    let Some(mut entry) = discounts.pop() else { return Ok(None) };
    let (coupon, code) = (entry.text("coupon")?, entry.text("promotion_code")?);
    entry.done()?;
    let coupon = match coupon {
        None => None,
        Some(id) => {
            let found = coupons::find(state, &id, &entry.path_of("coupon"));
            Some((Arc::clone(found.map_err(|missing| missing.status(400))?), None))
        }
    };
    let code = match code {
        None => None,
        Some(id) => Some(code_and_coupon(state, &id, &entry)?),
    };
    let found = exclusive(&entry, ("coupon", coupon), ("promotion_code", code))?;
    let (coupon, code) = found.ok_or_else(|| {
        entry.error("coupon", "A discount is either a coupon or a promotion_code.")
    })?;
    if !coupon.is_valid(state.now()) {
        return Err(entry
            .error("coupon", format!("Coupon {} is used up or has expired.", coupon.id))
            .code("coupon_expired"));
    }
    let off = coupon.off_in(currency.unwrap_or_default()).ok_or_else(|| {
        entry.error("coupon", format!("The coupon {} is for another currency.", coupon.id))
    })?;
    Ok(Some(Discount {
        coupon: Arc::clone(&coupon.id),
        promotion_code: code,
        off,
        products: Arc::clone(&coupon.products),
    }))
}

/// Reads `coupon` and `promotion_code` of a customer or a subscription.
pub(super) fn given(
    state: &mut State,
    params: &mut Params,
    customer: &Id,
    subscription: Option<&Id>,
) -> Answer<Option<Given>> {
    let (coupon, code) = (params.text("coupon")?, params.text("promotion_code")?);
    let coupon = match coupon {
        None => None,
        Some(id) => {
            let found = coupons::find(state, &id, &params.path_of("coupon"));
            Some((Arc::clone(found.map_err(|missing| missing.status(400))?), None))
        }
    };
    let code = match code {
        None => None,
        Some(id) => Some(code_and_coupon(state, &id, params)?),
    };
    let found = exclusive(params, ("coupon", coupon), ("promotion_code", code))?;
    let Some((coupon, promotion_code)) = found else { return Ok(None) };
    let start = state.now();
    if !coupon.is_valid(start) {
        return Err(params
            .error("coupon", format!("Coupon {} is used up or has expired.", coupon.id))
            .code("coupon_expired"));
    }
    Ok(Some(Given {
        id: state.ids.next("di_"),
        end: coupon.ends(start),
        coupon,
        promotion_code,
        customer: Arc::clone(customer),
        subscription: subscription.cloned(),
        start,
    }))
}

/// Counts a discount that was given.
pub(super) fn redeem(state: &mut State, given: &Given) {
    state.coupons.change(&given.coupon.id, |row| row.times_redeemed += 1);
    if let Some(code) = &given.promotion_code {
        state.promotions.change(code, |row| row.times_redeemed += 1);
    }
}

type Found = (Arc<Coupon>, Option<Id>);

fn code_and_coupon(state: &State, id: &str, entry: &Params) -> Answer<Found> {
    let param = entry.path_of("promotion_code");
    let missing = || ApiError::missing("promotion code", id, &param).status(400);
    let code = state.promotions.get(id).ok_or_else(missing)?;
    if !is_usable(code, state.now()) {
        return Err(ApiError::invalid("This promotion code is not active.").param(param));
    }
    let coupon = state.coupons.get(&code.coupon).ok_or_else(missing)?;
    Ok((Arc::clone(coupon), Some(Arc::clone(&code.id))))
}

fn is_usable(code: &PromotionCode, now: i64) -> bool {
    code.active
        && code.expires_at.is_none_or(|at| at > now)
        && code.redemptions_max.is_none_or(|most| code.times_redeemed < most)
}
