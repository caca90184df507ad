//! What the lines of an order cost once the buyer has chosen quantities and a discount.

use super::Refusal;
use crate::state::objects::{Line, Off};

/// Sets each line's discount, so that the parts add up to the whole.
pub(crate) fn discount_lines(lines: &mut [Line], off: Option<&Off>) {
    let mut subtotal_left: i64 = lines.iter().map(Line::subtotal).fold(0, i64::saturating_add);
    let mut amount_left = match off {
        Some(Off::Amount { amount, .. }) => (*amount).min(subtotal_left),
        Some(Off::Percent(_)) | None => 0,
    };
    for line in lines {
        let subtotal = line.subtotal();
        line.discount = match off {
            None => 0,
            Some(Off::Percent(percent)) => percent_of(subtotal, *percent),
            Some(Off::Amount { .. }) if subtotal_left == 0 => 0,
            Some(Off::Amount { .. }) => {
                let share =
                    i128::from(amount_left) * i128::from(subtotal) / i128::from(subtotal_left);
                i64::try_from(share).unwrap_or(subtotal)
            }
        };
        subtotal_left -= subtotal;
        amount_left -= line.discount;
    }
}

fn percent_of(amount: i64, percent: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a percentage is between 0 and 100")]
    let hundredths = (percent * 100.0).round() as i64;
    let exact = (i128::from(amount) * i128::from(hundredths) + 5_000) / 10_000;
    i64::try_from(exact).unwrap_or(amount).min(amount)
}

/// The lines with the quantities that the buyer chose; those chosen away are gone.
pub(crate) fn adjust(lines: &[Line], quantities: &[(String, i64)]) -> Result<Vec<Line>, Refusal> {
    let mut adjusted = lines.to_vec();
    for (id, quantity) in quantities {
        let field = || format!("quantity[{id}]");
        let Some(line) = adjusted.iter_mut().find(|line| *line.id == **id) else {
            return Err(Refusal::Field(field(), "There is no such line.".into()));
        };
        if line.quantity == *quantity {
            continue;
        }
        match line.adjustable {
            None => {
                return Err(Refusal::Field(field(), "The quantity of this line is fixed.".into()));
            }
            Some(range) if *quantity < range.minimum || *quantity > range.maximum => {
                let text = format!("Choose between {} and {}.", range.minimum, range.maximum);
                return Err(Refusal::Field(field(), text));
            }
            Some(_) => line.quantity = *quantity,
        }
    }
    adjusted.retain(|line| line.quantity > 0);
    if adjusted.is_empty() && !lines.is_empty() {
        return Err(Refusal::Field("quantity".into(), "Choose at least one item.".into()));
    }
    Ok(adjusted)
}
