//! `/v1/promotion_codes`.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Call, amount, coupons, currency, customers, list::Paging, metadata, prices::currency_options,
    shape::exclusive,
};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    ids::Id,
    render,
    state::{
        State,
        objects::{CurrencyAmount, Metadata, PromotionCode, Snapshot},
    },
};

const CODE_CHARS_MAX: usize = 500;

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<PromotionCode>> {
    let found = state.promotions.get(id);
    found.ok_or_else(|| ApiError::missing("promotion code", id, "promotion_code"))
}

fn shown(code: &PromotionCode, state: &State, call: &Call) -> Value {
    let of = state.coupons.get(&code.coupon).map(|of| &**of);
    render::promotion_code(code, of, call.view(state), state.now())
}

fn announce(state: &mut State, kind: &'static str, code: &Arc<PromotionCode>) {
    if let Some(of) = state.coupons.get(&code.coupon).cloned() {
        state.emit(kind, Snapshot::PromotionCode(Arc::clone(code), of));
    }
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let coupon = coupon(state, call)?;
    let params = &mut call.params;
    let code = code(state, params)?;
    let customer = match params.text("customer")? {
        None => None,
        Some(id) => Some(Arc::clone(&customers::find(state, &id, "customer")?.id)),
    };
    let expires_at = params.integer("expires_at")?;
    if expires_at.is_some_and(|at| at <= state.now()) {
        return Err(params.error("expires_at", "The timestamp must be in the future."));
    }
    let redemptions_max = params.integer("max_redemptions")?;
    if redemptions_max.is_some_and(|most| most < 1) {
        return Err(params.error("max_redemptions", "Invalid integer: it must be at least 1."));
    }
    let (first_time, minimum) = restrictions(params)?;
    let row = PromotionCode {
        id: state.ids.next("promo_"),
        created: state.now(),
        active: params.boolean("active")?.unwrap_or(true),
        code,
        coupon,
        customer,
        expires_at,
        redemptions_max,
        first_time,
        minimum,
        times_redeemed: 0,
        metadata: metadata(params, "metadata", &Metadata::default())?,
    };
    params.done()?;
    if row.active {
        state.promotion_by_code.insert(row.code.to_uppercase(), Arc::clone(&row.id));
    }
    let code = state.promotions.insert(row);
    announce(state, "promotion_code.created", &code);
    Ok(shown(&code, state, call))
}

/// Which coupon the code gives: `promotion[coupon]` since 2025-09-30.clover, `coupon` before. Who
/// names no version may use either.
fn coupon(state: &State, call: &mut Call) -> Answer<Id> {
    let new = call.version.discount_has_source();
    let params = &mut call.params;
    let unknown = |name: &str, version: &str| {
        ApiError::invalid(format!(
            "Received unknown parameter: {name}. Version {version} does not take it."
        ))
        .code("parameter_unknown")
        .param(name)
    };
    for (name, fits) in [("promotion", new), ("coupon", !new)] {
        if params.has(name) && call.version_named && !fits {
            return Err(unknown(name, &call.version.name));
        }
    }
    let nested = match params.object("promotion")? {
        None => None,
        Some(mut promotion) => {
            let kind = promotion.one_of("type", &["coupon"])?;
            kind.ok_or_else(|| ApiError::required("promotion[type]"))?;
            let coupon = promotion.need("coupon")?;
            promotion.done()?;
            Some(coupon)
        }
    };
    let plain = params.text("coupon")?;
    let id = exclusive(params, ("promotion", nested), ("coupon", plain))?;
    let id = id.ok_or_else(|| ApiError::required(if new { "promotion" } else { "coupon" }))?;
    Ok(Arc::clone(&coupons::find(state, &id, "coupon").map_err(|missing| missing.status(400))?.id))
}

fn code(state: &mut State, params: &mut Params) -> Answer<String> {
    let Some(code) = params.text("code")? else { return Ok(state.ids.text("", 8).to_uppercase()) };
    if code.len() > CODE_CHARS_MAX
        || !code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(params
            .error("code", "Invalid code: it can contain letters (a-z, A-Z), digits and dashes."));
    }
    if state.promotion_by_code.contains_key(&code.to_uppercase()) {
        return Err(params
            .error("code", format!("An active promotion code with `code: {code}` already exists."))
            .code("resource_already_exists"));
    }
    Ok(code)
}

/// Whether it is for a first order only, and the least that an order has to come to.
fn restrictions(params: &mut Params) -> Answer<(bool, Vec<CurrencyAmount>)> {
    let Some(mut restrictions) = params.object("restrictions")? else {
        return Ok((false, Vec::new()));
    };
    let first_time = restrictions.boolean("first_time_transaction")?.unwrap_or(false);
    let least = amount(&mut restrictions, "minimum_amount")?;
    let code = currency(&mut restrictions, "minimum_amount_currency")?;
    let options = currency_options(&mut restrictions, "minimum_amount")?;
    restrictions.done()?;
    let mut minimum = Vec::new();
    match (least, code) {
        (Some(amount), Some(currency)) => {
            minimum.push(CurrencyAmount { currency, amount, tax_behavior: "unspecified" });
            minimum.extend(options);
        }
        (None, None) => {}
        (Some(_), None) => {
            return Err(ApiError::required(&restrictions.path_of("minimum_amount_currency")));
        }
        (None, Some(_)) => return Err(ApiError::required(&restrictions.path_of("minimum_amount"))),
    }
    Ok((first_time, minimum))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|code| shown(code, state, call))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id)?).clone();
    let params = &mut call.params;
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    let active = params.boolean("active")?.unwrap_or(next.active);
    if let Some(mut restrictions) = params.object("restrictions")? {
        for option in currency_options(&mut restrictions, "minimum_amount")? {
            next.minimum.retain(|known| known.currency != option.currency);
            next.minimum.push(option);
        }
        restrictions.done()?;
    }
    params.done()?;
    let typed = next.code.to_uppercase();
    let holder = state.promotion_by_code.get(&typed).cloned();
    match (active, holder) {
        (true, Some(holder)) if holder != next.id => {
            return Err(call.params.error(
                "active",
                format!("An active promotion code with `code: {}` already exists.", next.code),
            ));
        }
        (true, _) => {
            state.promotion_by_code.insert(typed, Arc::clone(&next.id));
        }
        (false, Some(holder)) if holder == next.id => {
            state.promotion_by_code.remove(&typed);
        }
        (false, _) => {}
    }
    next.active = active;
    let code = state.promotions.insert(next);
    announce(state, "promotion_code.updated", &code);
    Ok(shown(&code, state, call))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (code, active) = (params.text("code")?, params.boolean("active")?);
    let (coupon, customer) = (params.text("coupon")?, params.text("customer")?);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.promotions, None, "promotion code", |row| {
        code.as_deref().is_none_or(|code| row.code.eq_ignore_ascii_case(code))
            && active.is_none_or(|active| row.active == active)
            && coupon.as_deref().is_none_or(|coupon| *row.coupon == *coupon)
            && customer.as_deref().is_none_or(|id| row.customer.as_deref() == Some(id))
    })?;
    let data = rows.iter().map(|row| shown(row, state, call)).collect();
    Ok(render::list(data, has_more, "/v1/promotion_codes"))
}
