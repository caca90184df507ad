//! `/v1/plans`: prices that recur, as they were called before there were prices.

use std::sync::Arc;

use super::{Call, amount, currency, list::Paging, metadata, prices, products, shape};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    ids::Id,
    render,
    state::{
        State,
        objects::{Metadata, Price, Snapshot},
    },
};

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Price>> {
    let plan = state.prices.get(id).filter(|price| price.recurring.is_some());
    plan.ok_or_else(|| ApiError::missing("plan", id, "plan"))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let id = shape::text(params, "id", 100)?;
    if let Some(id) = id.as_deref().filter(|id| state.prices.get(id).is_some()) {
        return Err(params
            .error("id", format!("Plan already exists: {id}"))
            .code("resource_already_exists"));
    }
    if params.one_of("billing_scheme", &["per_unit", "tiered"])? == Some("tiered") {
        return Err(
            params.error("billing_scheme", "The sandbox has no tiered plans. Use per_unit.")
        );
    }
    let currency = currency(params, "currency")?.ok_or_else(|| ApiError::required("currency"))?;
    let whole = amount(params, "amount")?.map(|amount| (amount, 0));
    let decimal = prices::decimal_amount(params, "amount_decimal")?;
    let cost = shape::exclusive(params, ("amount", whole), ("amount_decimal", decimal))?;
    let (unit_amount, fraction) = cost.ok_or_else(|| ApiError::required("amount"))?;
    let recurring = prices::every(params)?;
    let nickname = params.text("nickname")?;
    let active = params.boolean("active")?.unwrap_or(true);
    let transform = params.object("transform_usage")?.map(prices::transform).transpose()?;
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let (product, made) = owner(state, params)?;
    params.done()?;
    let price = Price {
        id: id.map_or_else(|| state.ids.next("plan_"), Into::into),
        created: state.now(),
        active,
        currency,
        product: Arc::clone(&product),
        unit_amount,
        fraction,
        custom: None,
        transform,
        options: Vec::new(),
        recurring: Some(recurring),
        lookup_key: None,
        nickname,
        tax_behavior: "unspecified",
        metadata,
    };
    if made && let Some(product) = state.products.get(&product).cloned() {
        state.emit("product.created", Snapshot::Product(product));
    }
    let id = prices::add(state, price);
    find(state, &id).map(|plan| render::plan(plan))
}

/// The product, by its id or given inline; whether it was made.
fn owner(state: &mut State, params: &mut Params) -> Answer<(Id, bool)> {
    if params.is_text("product") {
        let id = params.need("product")?;
        return products::find(state, &id, "product").map(|row| (Arc::clone(&row.id), false));
    }
    let mut data = shape::needed(params, "product")?;
    let id = data.text("id")?;
    let product = products::read(state, &mut data, id)?;
    data.done()?;
    Ok((Arc::clone(&state.products.insert(product).id), true))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|plan| render::plan(plan))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id)?).clone();
    let params = &mut call.params;
    next.active = params.boolean("active")?.unwrap_or(next.active);
    match params.change("nickname")? {
        Change::Leave => {}
        Change::Unset => next.nickname = None,
        Change::Set(nickname) => next.nickname = Some(nickname),
    }
    if let Some(id) = params.text("product")? {
        next.product = Arc::clone(&products::find(state, &id, "product")?.id);
    }
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    params.ignore(&["trial_period_days"]);
    params.done()?;
    Ok(render::plan(&prices::change(state, next)))
}

/// Subscriptions keep the plan that they have.
pub(super) fn delete(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    call.params.done()?;
    if let Some(price) = state.prices.remove(&id) {
        if let Some(key) = &price.lookup_key {
            state.price_by_lookup_key.remove(key);
        }
        state.emit("plan.deleted", Snapshot::Plan(Arc::clone(&price)));
        state.emit("price.deleted", Snapshot::Price(price));
    }
    Ok(render::deleted("plan", &id))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (active, product) = (params.boolean("active")?, params.text("product")?);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.prices, None, "plan", |row| {
        row.recurring.is_some()
            && active.is_none_or(|active| row.active == active)
            && product.as_deref().is_none_or(|product| *row.product == *product)
    })?;
    Ok(render::list(rows.iter().map(|row| render::plan(row)).collect(), has_more, "/v1/plans"))
}
