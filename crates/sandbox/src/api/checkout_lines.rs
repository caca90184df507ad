//! The lines that sessions and links are created with, and the items that a buyer may add.

use std::sync::Arc;

use super::{metadata, prices, shape::exclusive, tax_rates, terms::Owner};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    state::{
        State,
        objects::{Adjustable, Line, Metadata, Mode, Price},
    },
};

const LINES_MAX: usize = 100;
const LINES_OF_A_KIND_MAX: usize = 20;
const OPTIONAL_MAX: usize = 10;
const QUANTITY_MAX: i64 = 999_999;
/// Amounts have at most 12 digits.
const TOTAL_MAX: i64 = 999_999_999_999;

/// What is sold.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub(super) lines: Vec<Line>,
    pub(super) optional: Vec<Line>,
    /// The currency that all of it shares.
    pub(super) currency: Option<Arc<str>>,
}

/// Reads the lines and the optional items of a call.
pub(super) fn read(
    state: &mut State,
    params: &mut Params,
    (mode, owner): (Mode, Owner),
    currency: Option<Arc<str>>,
) -> Answer<Order> {
    let entries = params.objects("line_items")?;
    let mut order = Order { currency, ..Order::default() };
    match (mode, entries.len()) {
        (Mode::Setup, 0) => return Ok(order),
        (Mode::Setup, _) => {
            return Err(
                params.error("line_items", "You can not pass `line_items` in `setup` mode.")
            );
        }
        (_, 0) => return Err(ApiError::required("line_items")),
        (_, 1..=LINES_MAX) => {}
        _ => {
            return Err(
                params.error("line_items", format!("A session takes at most {LINES_MAX} lines."))
            );
        }
    }
    for mut entry in entries {
        let mut line = one(state, &mut entry, mode, &mut order.currency)?;
        if owner == Owner::Session {
            line.tax_rates = tax_rates::of_line(state, &mut entry)?;
        }
        entry.done()?;
        order.lines.push(line);
    }
    check(&order.lines, mode)?;
    order.optional = optional(state, params, mode, &mut order.currency)?;
    Ok(order)
}

/// What holds for all lines together.
pub(super) fn check(lines: &[Line], mode: Mode) -> Answer<()> {
    let about = |text: &str| Err(ApiError::invalid(text).param("line_items"));
    if mode == Mode::Subscription {
        let recurring = lines.iter().filter(|line| line.recurring).count();
        if recurring == 0 {
            return about(
                "You must provide at least one recurring price in `subscription` mode when using prices.",
            );
        }
        if recurring > LINES_OF_A_KIND_MAX || lines.len() - recurring > LINES_OF_A_KIND_MAX {
            return about("A subscription takes at most 20 recurring and 20 one-time lines.");
        }
    }
    if lines.len() > 1 && lines.iter().any(|line| line.custom.is_some()) {
        return about("A price with `custom_unit_amount` must be the only line.");
    }
    let total = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.subtotal()));
    if total.is_none_or(|total| total > TOTAL_MAX) {
        let text = "The total of the lines is too large; amounts have at most 12 digits.";
        return Err(ApiError::invalid(text).param("line_items").code("amount_too_large"));
    }
    Ok(())
}

/// The items that a buyer may add.
pub(super) fn optional(
    state: &mut State,
    params: &mut Params,
    mode: Mode,
    currency: &mut Option<Arc<str>>,
) -> Answer<Vec<Line>> {
    let entries = params.objects("optional_items")?;
    if entries.len() > OPTIONAL_MAX {
        return Err(params.error(
            "optional_items",
            format!("A session takes at most {OPTIONAL_MAX} optional items."),
        ));
    }
    let mut items = Vec::new();
    for mut entry in entries {
        if !entry.has("price") {
            return Err(ApiError::required(&entry.path_of("price")));
        }
        let line = one(state, &mut entry, mode, currency)?;
        entry.done()?;
        if line.custom.is_some() {
            return Err(entry
                .error("price", "A price with `custom_unit_amount` cannot be an optional item."));
        }
        items.push(line);
    }
    Ok(items)
}

/// One line. Its currency is the order's, or becomes it.
pub(super) fn one(
    state: &mut State,
    entry: &mut Params,
    mode: Mode,
    currency: &mut Option<Arc<str>>,
) -> Answer<Line> {
    let quantity = entry.integer("quantity")?;
    let adjustable = entry.object("adjustable_quantity")?.map(adjustable).transpose()?.flatten();
    let metadata = metadata(entry, "metadata", &Metadata::default())?;
    let price = price(state, entry)?;
    if price.recurring.is_some() && mode == Mode::Payment {
        return Err(entry.error("price", "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices."));
    }
    let currency = currency.get_or_insert_with(|| Arc::clone(&price.currency));
    let Some((unit_amount, fraction)) = price.amount_in(currency) else {
        let text = format!(
            "The price `{}` is in {}, not in {currency}. All lines must have the same currency.",
            price.id, price.currency
        );
        return Err(entry.error("price", text));
    };
    let quantity = checked(entry, quantity, &price, adjustable)?;
    let name = state.products.get(&price.product).map(|product| product.name.clone());
    Ok(Line {
        id: state.ids.next("li_"),
        price: Arc::clone(&price.id),
        product: Arc::clone(&price.product),
        unit_amount,
        fraction,
        transform: price.transform,
        custom: price.custom,
        recurring: price.recurring.is_some(),
        trial: false,
        description: name.unwrap_or_default(),
        quantity,
        adjustable,
        discount: 0,
        tax_rates: Vec::new(),
        metadata,
    })
}

fn checked(
    entry: &Params,
    quantity: Option<i64>,
    price: &Price,
    adjustable: Option<Adjustable>,
) -> Answer<i64> {
    let metered = price.recurring.is_some_and(|recurring| recurring.usage == "metered");
    let quantity = match quantity {
        Some(quantity) if !metered => quantity,
        Some(_) => {
            return Err(entry.error("quantity", "Quantity should not be specified where usage_type is `metered`. Remove quantity from the line."));
        }
        None if metered => 1,
        None => {
            return Err(entry
                .error("quantity", "Quantity is required. Add `quantity` to each line.")
                .code("parameter_missing"));
        }
    };
    let range = match (price.custom, adjustable) {
        (Some(_), _) => 1..=1,
        (None, Some(range)) => range.minimum.max(1)..=range.maximum,
        (None, None) => 1..=QUANTITY_MAX,
    };
    if range.contains(&quantity) {
        return Ok(quantity);
    }
    let (least, most) = range.into_inner();
    Err(entry
        .error(
            "quantity",
            format!("Invalid quantity: {quantity}. It must be between {least} and {most}."),
        )
        .code("parameter_invalid_integer"))
}

fn price(state: &mut State, entry: &mut Params) -> Answer<Arc<Price>> {
    let id = entry.text("price")?;
    let known = match &id {
        None => None,
        Some(id) => Some(Arc::clone(
            prices::find(state, id, &entry.path_of("price"))
                .map_err(|missing| missing.status(400))?,
        )),
    };
    if known.as_ref().is_some_and(|price| !price.active) {
        return Err(entry.error(
            "price",
            "The price specified is inactive. This field only accepts active prices.",
        ));
    }
    let inline = match entry.object("price_data")? {
        None => None,
        Some(mut data) => {
            let mut price = prices::read(state, &mut data, None)?;
            data.done()?;
            price.active = false;
            Some(state.prices.insert(price))
        }
    };
    exclusive(entry, ("price", known), ("price_data", inline))?.ok_or_else(|| {
        entry
            .error("price", "You must specify either `price` or `price_data` for each line.")
            .code("parameter_missing")
    })
}

pub(super) fn adjustable(mut params: Params) -> Answer<Option<Adjustable>> {
    let enabled = params.boolean("enabled")?;
    let enabled = enabled.ok_or_else(|| ApiError::required(&params.path_of("enabled")))?;
    let minimum = params.integer("minimum")?.unwrap_or(0);
    let maximum = params.integer("maximum")?.unwrap_or(99);
    params.done()?;
    if !(0..=QUANTITY_MAX).contains(&minimum)
        || !(1..=QUANTITY_MAX).contains(&maximum)
        || minimum > maximum
    {
        return Err(params.error("maximum", format!("Invalid range: {minimum} to {maximum}.")));
    }
    Ok(enabled.then_some(Adjustable { minimum, maximum }))
}
