//! What a discount takes off each line.

use crate::state::objects::{Discount, Line, Off};

/// Sets each line's discount, so that the parts add up to the whole.
pub(crate) fn discount_lines(lines: &mut [Line], discount: Option<&Discount>) {
    let meant = |line: &Line| discount.is_some_and(|discount| discount.is_for(line));
    let mut subtotal_left =
        lines.iter().filter(|line| meant(line)).map(Line::subtotal).fold(0, i64::saturating_add);
    let mut amount_left = match discount.map(|discount| &discount.off) {
        Some(Off::Amount { amount, .. }) => (*amount).min(subtotal_left),
        Some(Off::Percent(_)) | None => 0,
    };
    for line in lines {
        line.discount = 0;
        let Some(discount) = discount.filter(|discount| discount.is_for(line)) else { continue };
        let subtotal = line.subtotal();
        line.discount = match discount.off {
            Off::Percent(percent) => percent_of(subtotal, percent),
            Off::Amount { .. } if subtotal_left == 0 => 0,
            Off::Amount { .. } => {
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
