//! `/v1/prices`.

use std::sync::Arc;

use super::{Call, amount, currency, list::Paging, metadata, products};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    ids::Id,
    render,
    state::{
        State,
        objects::{Metadata, Price, Recurring, Snapshot},
    },
};

const TAX_BEHAVIORS: [&str; 3] = ["exclusive", "inclusive", "unspecified"];
const LOOKUP_KEYS_MAX: usize = 10;

pub(super) fn find<'a>(state: &'a State, id: &str, param: &str) -> Answer<&'a Arc<Price>> {
    state.prices.get(id).ok_or_else(|| ApiError::missing("price", id, param))
}

/// A price from `price_data`, `default_price_data` or a whole call. The product is made when it is
/// given inline.
pub(super) fn read(state: &mut State, params: &mut Params, product: Option<Id>) -> Answer<Price> {
    let Some(currency) = currency(params, "currency")? else {
        return Err(params
            .error("currency", "Missing required param: currency.")
            .code("parameter_missing"));
    };
    let decimal = params.text("unit_amount_decimal")?;
    let unit_amount =
        match (amount(params, "unit_amount")?, decimal) {
            (Some(amount), None) => amount,
            (None, Some(decimal)) => decimal.parse().map_err(|_| {
                params.error("unit_amount_decimal", "The sandbox takes whole minor units only.")
            })?,
            (None, None) => {
                return Err(params
                    .error("unit_amount", "Missing required param: unit_amount.")
                    .code("parameter_missing"));
            }
            (Some(_), Some(_)) => return Err(params.error(
                "unit_amount",
                "You may only specify one of these parameters: unit_amount, unit_amount_decimal.",
            )),
        };
    let recurring = params.object("recurring")?.map(recurring).transpose()?;
    let tax_behavior = params.one_of("tax_behavior", &TAX_BEHAVIORS)?.unwrap_or("unspecified");
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let product = match product {
        Some(product) => product,
        None => owner(state, params)?,
    };
    Ok(Price {
        id: state.ids.next("price_"),
        created: state.now(),
        active: true,
        currency,
        product,
        unit_amount,
        recurring,
        lookup_key: None,
        nickname: None,
        tax_behavior,
        metadata,
    })
}

fn owner(state: &mut State, params: &mut Params) -> Answer<Id> {
    match (params.text("product")?, params.object("product_data")?) {
        (Some(id), None) => {
            products::find(state, &id, "product").map(|product| Arc::clone(&product.id))
        }
        (None, Some(mut data)) => {
            let id = data.text("id")?;
            let product = products::read(state, &mut data, id)?;
            data.done()?;
            Ok(Arc::clone(&state.products.insert(product).id))
        }
        (None, None) => Err(params
            .error(
                "product",
                "You must specify either product or product_data when creating a price.",
            )
            .code("parameter_missing")),
        (Some(_), Some(_)) => Err(params.error(
            "product",
            "You may only specify one of these parameters: product, product_data.",
        )),
    }
}

fn recurring(mut params: Params) -> Answer<Recurring> {
    let interval = params.one_of("interval", &["day", "week", "month", "year"])?;
    let Some(interval) = interval else {
        return Err(params
            .error("interval", "Missing required param: recurring[interval].")
            .code("parameter_missing"));
    };
    let count = params.integer("interval_count")?.unwrap_or(1);
    params.ignore(&["usage_type", "meter", "trial_period_days"]);
    params.done()?;
    Ok(Recurring { interval, count })
}

pub(super) fn add(state: &mut State, price: Price) -> Id {
    let price = state.prices.insert(price);
    state.emit("price.created", Snapshot::Price(Arc::clone(&price)));
    Arc::clone(&price.id)
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let (active, nickname) = (params.boolean("active")?, params.text("nickname")?);
    let lookup_key = params.text("lookup_key")?;
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    let inline = params.has("product_data");
    params.ignore(&["billing_scheme"]);
    let mut price = read(state, params, None)?;
    params.done()?;
    (price.active, price.nickname) = (active.unwrap_or(true), nickname);
    if inline && let Some(product) = state.products.get(&price.product).cloned() {
        state.emit("product.created", Snapshot::Product(product));
    }
    claim_lookup_key(state, &mut price, lookup_key, transfer)?;
    let id = add(state, price);
    find(state, &id, "price").map(|price| render::price(price))
}

/// A lookup key belongs to one active price; it can be taken over.
fn claim_lookup_key(
    state: &mut State,
    price: &mut Price,
    key: Option<String>,
    transfer: bool,
) -> Answer<()> {
    let Some(key) = key else { return Ok(()) };
    let holder = state.price_by_lookup_key.get(&key).filter(|id| **id != price.id).cloned();
    if let Some(holder) = holder {
        if !transfer {
            return Err(ApiError::invalid(format!(
                "A price (`{holder}`) already uses that lookup key."
            ))
            .param("lookup_key")
            .code("resource_already_exists"));
        }
        state.prices.change(&holder, |row| row.lookup_key = None);
    }
    state.price_by_lookup_key.insert(key.clone(), Arc::clone(&price.id));
    price.lookup_key = Some(key);
    Ok(())
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id, "price").map(|price| render::price(price))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id, "price")?).clone();
    let params = &mut call.params;
    next.active = params.boolean("active")?.unwrap_or(next.active);
    match params.change("nickname")? {
        Change::Leave => {}
        Change::Unset => next.nickname = None,
        Change::Set(nickname) => next.nickname = Some(nickname),
    }
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    if let Some(behavior) = params.one_of("tax_behavior", &TAX_BEHAVIORS)? {
        next.tax_behavior = behavior;
    }
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    let key = params.text("lookup_key")?;
    params.done()?;
    if key.is_some()
        && let Some(old) = next.lookup_key.take()
    {
        state.price_by_lookup_key.remove(&old);
    }
    claim_lookup_key(state, &mut next, key, transfer)?;
    let price = state.prices.insert(next);
    state.emit("price.updated", Snapshot::Price(Arc::clone(&price)));
    Ok(render::price(&price))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (active, product) = (params.boolean("active")?, params.text("product")?);
    let (currency, keys) = (params.text("currency")?, params.texts("lookup_keys")?);
    let kind = params.one_of("type", &["one_time", "recurring"])?;
    params.ignore(&["recurring"]);
    if keys.len() > LOOKUP_KEYS_MAX {
        return Err(params.error("lookup_keys", "You can look up at most 10 keys."));
    }
    params.done()?;
    let (rows, has_more) = paging.newest(&state.prices, None, "price", |row| {
        active.is_none_or(|active| row.active == active)
            && product.as_deref().is_none_or(|product| *row.product == *product)
            && currency.as_deref().is_none_or(|currency| *row.currency == *currency)
            && kind.is_none_or(|kind| (kind == "recurring") == row.recurring.is_some())
            && (keys.is_empty() || row.lookup_key.as_ref().is_some_and(|key| keys.contains(key)))
    })?;
    Ok(render::list(rows.iter().map(|row| render::price(row)).collect(), has_more, "/v1/prices"))
}
