//! `/v1/prices`.

use std::sync::Arc;

use super::{Call, amount, currency, list::Paging, metadata, products, shape};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    ids::Id,
    render,
    state::{
        State,
        objects::{
            CurrencyAmount, CustomAmount, FRACTION, Metadata, Price, Recurring, Snapshot, Transform,
        },
    },
};

pub(super) const TAX_BEHAVIORS: [&str; 3] = ["exclusive", "inclusive", "unspecified"];
const LOOKUP_KEYS_MAX: usize = 10;
/// A price recurs at least every three years.
const INTERVALS_MAX: [(&str, i64); 4] = [("day", 1_095), ("week", 156), ("month", 36), ("year", 3)];

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
    if params.has("tiers") || params.has("tiers_mode") {
        return Err(params.error("tiers", "The sandbox has no tiered prices. Use unit_amount."));
    }
    let custom = params.object("custom_unit_amount")?.map(custom_amount).transpose()?.flatten();
    let (unit_amount, fraction) = unit_amount(params, custom)?;
    let transform = params.object("transform_quantity")?.map(transform).transpose()?;
    let options = currency_options(params, "unit_amount")?;
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
        fraction,
        custom,
        transform,
        options,
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

/// Whole minor units, and the millionths of a millionth on top.
fn unit_amount(params: &mut Params, custom: Option<CustomAmount>) -> Answer<(i64, i64)> {
    let decimal = decimal_amount(params, "unit_amount_decimal")?;
    let whole = amount(params, "unit_amount")?.map(|amount| (amount, 0));
    let given = shape::exclusive(params, ("unit_amount", whole), ("unit_amount_decimal", decimal))?;
    match (given, custom) {
        (Some(_), Some(_)) => Err(params.error(
            "custom_unit_amount",
            "You may only specify one of these parameters: unit_amount, custom_unit_amount.",
        )),
        (Some(given), None) => Ok(given),
        (None, Some(custom)) => Ok((custom.preset.or(custom.minimum).unwrap_or(0), 0)),
        (None, None) => Err(params
            .error("unit_amount", "Missing required param: unit_amount.")
            .code("parameter_missing")),
    }
}

pub(super) fn decimal_amount(params: &mut Params, name: &str) -> Answer<Option<(i64, i64)>> {
    let Some(text) = params.text(name)? else { return Ok(None) };
    decimal(&text).map(Some).ok_or_else(|| {
        let message = format!("Invalid decimal: {text}. It has at most 12 decimal places.");
        params.error(name, message)
    })
}

/// `12.5` → 12 and half of [`FRACTION`].
fn decimal(text: &str) -> Option<(i64, i64)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 12 || !part.bytes().chain(whole.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|whole| *whole < 1_000_000_000_000)?;
    let part: i64 = format!("{part:0<12}").parse().ok()?;
    (i128::from(part) < FRACTION).then_some((whole, part))
}

fn custom_amount(mut params: Params) -> Answer<Option<CustomAmount>> {
    let enabled = params.boolean("enabled")?;
    let enabled = enabled.ok_or_else(|| ApiError::required(&params.path_of("enabled")))?;
    let custom = CustomAmount {
        minimum: amount(&mut params, "minimum")?,
        maximum: amount(&mut params, "maximum")?,
        preset: amount(&mut params, "preset")?,
    };
    params.done()?;
    let (least, most) = (custom.minimum.unwrap_or(0), custom.maximum.unwrap_or(i64::MAX));
    if least > most || custom.preset.is_some_and(|preset| preset < least || preset > most) {
        return Err(
            params.error("preset", "The preset must lie between the minimum and the maximum.")
        );
    }
    Ok(enabled.then_some(custom))
}

pub(super) fn transform(mut params: Params) -> Answer<Transform> {
    let divide_by = params.integer("divide_by")?;
    let divide_by = divide_by.ok_or_else(|| ApiError::required(&params.path_of("divide_by")))?;
    let round = params.one_of("round", &["down", "up"])?;
    let round = round.ok_or_else(|| ApiError::required(&params.path_of("round")))?;
    params.done()?;
    if divide_by < 1 {
        return Err(params.error("divide_by", "Invalid integer: it must be at least 1."));
    }
    Ok(Transform { divide_by, round_up: round == "up" })
}

/// Amounts in further currencies, by currency; `member` is what an amount is called.
pub(super) fn currency_options(params: &mut Params, member: &str) -> Answer<Vec<CurrencyAmount>> {
    let Some(mut all) = params.object("currency_options")? else { return Ok(Vec::new()) };
    let mut options = Vec::new();
    for name in all.names() {
        let Some(mut option) = all.object(&name)? else { continue };
        let cost = amount(&mut option, member)?;
        let cost = cost.ok_or_else(|| ApiError::required(&option.path_of(member)))?;
        let tax_behavior = option.one_of("tax_behavior", &TAX_BEHAVIORS)?.unwrap_or("unspecified");
        option.done()?;
        let currency = name.to_ascii_lowercase();
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(params.error("currency_options", format!("Invalid currency: {name}")));
        }
        options.push(CurrencyAmount { currency: currency.into(), amount: cost, tax_behavior });
    }
    Ok(options)
}

fn recurring(mut params: Params) -> Answer<Recurring> {
    let recurring = every(&mut params)?;
    params.done()?;
    Ok(recurring)
}

/// How often a price recurs.
pub(super) fn every(params: &mut Params) -> Answer<Recurring> {
    let interval = params.one_of("interval", &["day", "week", "month", "year"])?;
    let interval = interval.ok_or_else(|| ApiError::required(&params.path_of("interval")))?;
    let count = params.integer("interval_count")?.unwrap_or(1);
    let most =
        INTERVALS_MAX.iter().find(|(name, _)| *name == interval).map_or(1, |(_, most)| *most);
    if !(1..=most).contains(&count) {
        return Err(params.error(
            "interval_count",
            format!("Invalid interval_count: it must be between 1 and {most} for {interval}."),
        ));
    }
    let usage = params.one_of("usage_type", &["licensed", "metered"])?.unwrap_or("licensed");
    if params.has("meter") {
        return Err(params.error("meter", "The sandbox has no billing meters."));
    }
    params.ignore(&["trial_period_days"]);
    Ok(Recurring { interval, count, usage })
}

/// Adds a price; one that recurs is a plan, too.
pub(super) fn add(state: &mut State, price: Price) -> Id {
    let price = state.prices.insert(price);
    if price.recurring.is_some() {
        state.emit("plan.created", Snapshot::Plan(Arc::clone(&price)));
    }
    state.emit("price.created", Snapshot::Price(Arc::clone(&price)));
    Arc::clone(&price.id)
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let (active, nickname) = (params.boolean("active")?, params.text("nickname")?);
    let lookup_key = shape::text(params, "lookup_key", 200)?;
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    let inline = params.has("product_data");
    if params.one_of("billing_scheme", &["per_unit", "tiered"])? == Some("tiered") {
        return Err(
            params.error("billing_scheme", "The sandbox has no tiered prices. Use per_unit.")
        );
    }
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
    let unset = params.has("lookup_key");
    let key = shape::text(params, "lookup_key", 200)?;
    for option in currency_options(params, "unit_amount")? {
        next.options.retain(|known| known.currency != option.currency);
        next.options.push(option);
    }
    params.done()?;
    if unset && let Some(old) = next.lookup_key.take() {
        state.price_by_lookup_key.remove(&old);
    }
    claim_lookup_key(state, &mut next, key, transfer)?;
    Ok(render::price(&change(state, next)))
}

/// A price becomes what it is now.
pub(super) fn change(state: &mut State, next: Price) -> Arc<Price> {
    let price = state.prices.insert(next);
    if price.recurring.is_some() {
        state.emit("plan.updated", Snapshot::Plan(Arc::clone(&price)));
    }
    state.emit("price.updated", Snapshot::Price(Arc::clone(&price)));
    price
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (active, product) = (params.boolean("active")?, params.text("product")?);
    let (currency, keys) = (params.text("currency")?, params.texts("lookup_keys")?);
    let kind = params.one_of("type", &["one_time", "recurring"])?;
    let (mut interval, mut usage) = (None, None);
    if let Some(mut recurring) = params.object("recurring")? {
        interval = recurring.one_of("interval", &["day", "month", "week", "year"])?;
        usage = recurring.one_of("usage_type", &["licensed", "metered"])?;
        recurring.ignore(&["meter"]);
        recurring.done()?;
    }
    if keys.len() > LOOKUP_KEYS_MAX {
        return Err(params.error("lookup_keys", "You can look up at most 10 keys."));
    }
    params.done()?;
    let (rows, has_more) = paging.newest(&state.prices, None, "price", |row| {
        active.is_none_or(|active| row.active == active)
            && product.as_deref().is_none_or(|product| *row.product == *product)
            && currency.as_deref().is_none_or(|currency| *row.currency == *currency)
            && interval.is_none_or(|asked| row.recurring.is_some_and(|own| own.interval == asked))
            && usage.is_none_or(|asked| row.recurring.is_some_and(|own| own.usage == asked))
            && kind.is_none_or(|kind| (kind == "recurring") == row.recurring.is_some())
            && (keys.is_empty() || row.lookup_key.as_ref().is_some_and(|key| keys.contains(key)))
    })?;
    Ok(render::list(rows.iter().map(|row| render::price(row)).collect(), has_more, "/v1/prices"))
}
