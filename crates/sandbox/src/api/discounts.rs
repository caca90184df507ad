//! `/v1/coupons` and `/v1/promotion_codes`.

use std::sync::Arc;

use super::{Call, amount, currency, list::Paging, metadata};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    render,
    state::{
        State,
        objects::{Coupon, Discount, Metadata, Off, PromotionCode, Snapshot},
    },
};

fn find_coupon<'a>(state: &'a State, id: &str, param: &str) -> Answer<&'a Arc<Coupon>> {
    state.coupons.get(id).ok_or_else(|| ApiError::missing("coupon", id, param))
}

pub(super) fn create_coupon(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let id = params.text("id")?;
    if let Some(id) = id.as_deref().filter(|id| state.coupons.get(id).is_some()) {
        return Err(params
            .error("id", format!("Coupon already exists: {id}"))
            .code("resource_already_exists"));
    }
    let off = read_off(params)?;
    let coupon = Coupon {
        id: id.unwrap_or_else(|| state.ids.text("", 8)).into(),
        created: state.now(),
        name: params.text("name")?,
        off,
        duration: params.one_of("duration", &["forever", "once", "repeating"])?.unwrap_or("once"),
        duration_in_months: params.integer("duration_in_months")?,
        times_redeemed: 0,
        metadata: metadata(params, "metadata", &Metadata::default())?,
    };
    params.ignore(&["applies_to", "max_redemptions", "redeem_by", "currency_options"]);
    params.done()?;
    let coupon = state.coupons.insert(coupon);
    state.emit("coupon.created", Snapshot::Coupon(Arc::clone(&coupon)));
    Ok(render::coupon(&coupon))
}

fn read_off(params: &mut Params) -> Answer<Off> {
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
        (None, Some(_), None) => Err(params
            .error("currency", "Missing required param: currency.")
            .code("parameter_missing")),
        _ => Err(params.error(
            "percent_off",
            "You must specify one of these parameters: percent_off, amount_off.",
        )),
    }
}

pub(super) fn retrieve_coupon(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find_coupon(state, &call.id, "coupon").map(|coupon| render::coupon(coupon))
}

pub(super) fn list_coupons(state: &State, call: &mut Call) -> Answer {
    let paging = Paging::read_created(&mut call.params)?;
    call.params.done()?;
    let (rows, has_more) = paging.newest(&state.coupons, None, "coupon", |_| true)?;
    Ok(render::list(rows.iter().map(|row| render::coupon(row)).collect(), has_more, "/v1/coupons"))
}

pub(super) fn create_code(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let coupon = match params.object("promotion")? {
        Some(mut promotion) => {
            promotion.ignore(&["type"]);
            let coupon = promotion.need("coupon")?;
            promotion.done()?;
            coupon
        }
        None => params.need("coupon")?,
    };
    let coupon = Arc::clone(&find_coupon(state, &coupon, "coupon")?.id);
    let code = params.text("code")?.unwrap_or_else(|| state.ids.text("", 8).to_uppercase());
    if state.promotion_by_code.contains_key(&code.to_uppercase()) {
        return Err(params
            .error("code", format!("An active promotion code with `code: {code}` already exists."))
            .code("resource_already_exists"));
    }
    let row = PromotionCode {
        id: state.ids.next("promo_"),
        created: state.now(),
        active: params.boolean("active")?.unwrap_or(true),
        code,
        coupon,
        times_redeemed: 0,
        metadata: metadata(params, "metadata", &Metadata::default())?,
    };
    params.ignore(&["customer", "expires_at", "max_redemptions", "restrictions"]);
    params.done()?;
    state.promotion_by_code.insert(row.code.to_uppercase(), Arc::clone(&row.id));
    Ok(render::promotion_code(&state.promotions.insert(row)))
}

pub(super) fn retrieve_code(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    let code = state.promotions.get(&call.id);
    code.map(|code| render::promotion_code(code))
        .ok_or_else(|| ApiError::missing("promotion code", &call.id, "promotion_code"))
}

pub(super) fn list_codes(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (code, active) = (params.text("code")?, params.boolean("active")?);
    params.ignore(&["coupon", "customer"]);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.promotions, None, "promotion code", |row| {
        code.as_deref().is_none_or(|code| row.code.eq_ignore_ascii_case(code))
            && active.is_none_or(|active| row.active == active)
    })?;
    Ok(render::list(
        rows.iter().map(|row| render::promotion_code(row)).collect(),
        has_more,
        "/v1/promotion_codes",
    ))
}

/// The discount that a code typed by a buyer gives.
pub(crate) fn promotion(state: &State, code: &str) -> Option<Discount> {
    let code = state.promotions.get(state.promotion_by_code.get(&code.trim().to_uppercase())?)?;
    let coupon = state.coupons.get(&code.coupon).filter(|_| code.active)?;
    Some(Discount {
        coupon: Arc::clone(&coupon.id),
        promotion_code: Some(Arc::clone(&code.id)),
        off: coupon.off.clone(),
    })
}

/// The discount that a session is created with.
pub(super) fn of_session(state: &State, params: &mut Params) -> Answer<Option<Discount>> {
    let mut discounts = params.objects("discounts")?;
    if discounts.len() > 1 {
        return Err(params.error("discounts", "A session takes one discount."));
    }
    let Some(mut discount) = discounts.pop() else { return Ok(None) };
    let found = match (discount.text("coupon")?, discount.text("promotion_code")?) {
        (Some(coupon), None) => {
            let coupon = find_coupon(state, &coupon, "discounts[0][coupon]")?;
            Discount {
                coupon: Arc::clone(&coupon.id),
                promotion_code: None,
                off: coupon.off.clone(),
            }
        }
        (None, Some(code)) => {
            state.promotions.get(&code).and_then(|row| promotion(state, &row.code)).ok_or_else(
                || ApiError::missing("promotion code", &code, "discounts[0][promotion_code]"),
            )?
        }
        _ => {
            return Err(
                discount.error("coupon", "A discount is either a coupon or a promotion_code.")
            );
        }
    };
    discount.done()?;
    Ok(Some(found))
}
