//! The lines that sessions and links are created with.

use std::sync::Arc;

use super::{metadata, prices};
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
const QUANTITY_MAX: i64 = 999_999;

/// Lines, and the currency that they share.
pub(super) fn read(
    state: &mut State,
    params: &mut Params,
    mode: Mode,
) -> Answer<(Vec<Line>, Option<Arc<str>>)> {
    let entries = params.objects("line_items")?;
    match (mode, entries.len()) {
        (Mode::Setup, 0) => return Ok((Vec::new(), None)),
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
    let (mut lines, mut currency, mut recurring) = (Vec::with_capacity(entries.len()), None, 0);
    for mut entry in entries {
        let (line, price) = one(state, &mut entry)?;
        entry.done()?;
        if *currency.get_or_insert_with(|| Arc::clone(&price.currency)) != price.currency {
            return Err(
                entry.error("price", "The lines of a session must all have the same currency.")
            );
        }
        if price.recurring.is_some() && mode == Mode::Payment {
            return Err(entry.error("price", "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices."));
        }
        recurring += usize::from(price.recurring.is_some());
        lines.push(line);
    }
    if mode == Mode::Subscription {
        if recurring == 0 {
            return Err(ApiError::invalid("You must provide at least one recurring price in `subscription` mode when using prices.").param("line_items"));
        }
        if recurring > LINES_OF_A_KIND_MAX || lines.len() - recurring > LINES_OF_A_KIND_MAX {
            return Err(ApiError::invalid(
                "A subscription takes at most 20 recurring and 20 one-time lines.",
            )
            .param("line_items"));
        }
    }
    let total = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.subtotal()));
    if total.is_none_or(|total| total >= 1_000_000_000_000) {
        return Err(ApiError::invalid(
            "The total of the lines is too large; amounts have at most 12 digits.",
        )
        .param("line_items")
        .code("amount_too_large"));
    }
    Ok((lines, currency))
}

fn one(state: &mut State, entry: &mut Params) -> Answer<(Line, Arc<Price>)> {
    let quantity = entry.integer("quantity")?;
    let adjustable = entry.object("adjustable_quantity")?.map(adjustable).transpose()?.flatten();
    let metadata = metadata(entry, "metadata", &Metadata::default())?;
    entry.ignore(&["dynamic_tax_rates", "tax_rates"]);
    let price = match (entry.text("price")?, entry.object("price_data")?) {
        (Some(id), None) => {
            let price = prices::find(state, &id, "line_items[0][price]")?;
            if !price.active {
                return Err(entry.error("price", format!("The price specified is inactive. This field only accepts active prices. ({id})")));
            }
            Arc::clone(price)
        }
        (None, Some(mut data)) => {
            let mut price = prices::read(state, &mut data, None)?;
            data.done()?;
            price.active = false;
            state.prices.insert(price)
        }
        (None, None) => {
            return Err(entry
                .error("price", "You must specify either `price` or `price_data` for each line.")
                .code("parameter_missing"));
        }
        (Some(_), Some(_)) => {
            return Err(entry.error(
                "price",
                "You may only specify one of these parameters: price, price_data.",
            ));
        }
    };
    let Some(quantity) = quantity else {
        return Err(entry
            .error("quantity", "Quantity is required. Add `quantity` to each line.")
            .code("parameter_missing"));
    };
    if !(1..=QUANTITY_MAX).contains(&quantity) {
        return Err(entry
            .error(
                "quantity",
                format!("Invalid quantity: {quantity}. It must be between 1 and {QUANTITY_MAX}."),
            )
            .code("parameter_invalid_integer"));
    }
    let name = state.products.get(&price.product).map(|product| product.name.clone());
    let line = Line {
        id: state.ids.next("li_"),
        price: Arc::clone(&price.id),
        unit_amount: price.unit_amount,
        description: name.unwrap_or_default(),
        quantity,
        adjustable,
        discount: 0,
        metadata,
    };
    Ok((line, price))
}

fn adjustable(mut params: Params) -> Answer<Option<Adjustable>> {
    let enabled = params.boolean("enabled")?.unwrap_or(false);
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
