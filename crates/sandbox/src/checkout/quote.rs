//! What an order comes to with what the buyer chose: the page shows it, paying charges it.

use std::{fmt, sync::Arc};

use super::lines::discount_lines;
use crate::{
    money,
    state::{
        State,
        objects::{Coupon, Discount, Line, Mode, PromotionCode, Session, ShippingOption, Status},
    },
};

/// What the buyer chose. Names of fields on the page are in brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choices {
    /// Line ids and quantities; 0 removes a line (`quantity[li_…]`).
    pub(crate) quantities: Vec<(String, i64)>,
    /// Ids or prices of [`Session::optional`] and quantities; 0 is not taken (`optional[li_…]`).
    pub(crate) optional: Vec<(String, i64)>,
    /// Amounts of lines whose price lets the buyer choose, in minor units (`amount[li_…]`).
    pub(crate) amounts: Vec<(String, i64)>,
    /// A rate of the session's shipping options; the first if left out (`shipping_rate`).
    pub(crate) shipping_rate: Option<String>,
    /// A code as it was typed (`promotion_code`).
    pub(crate) promotion_code: Option<String>,
    /// The buyer's address, as far as it is known: a code may be for new customers only.
    pub(crate) email: Option<String>,
}

/// Lines and totals. `subtotal - discount + shipping` and the taxes that come on top of prices are
/// `total`, and never negative.
#[derive(Debug, Clone)]
pub(crate) struct Quote {
    /// Lines with their discounts; optional items that were taken stand at the end.
    pub(crate) lines: Vec<Line>,
    pub(crate) discount: Option<Discount>,
    pub(crate) shipping_cost: Option<ShippingOption>,
    pub(crate) subtotal: i64,
    pub(crate) discounted: i64,
    pub(crate) shipping: i64,
    pub(crate) total: i64,
    /// The buyer has to say how to pay, now or later.
    pub(crate) asks_for_method: bool,
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    pub(crate) problem: Problem,
}

/// What is wrong about a field. `Display` says it in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    NoSuchItem,
    FixedQuantity,
    /// Between these two.
    Quantity(i64, i64),
    NothingChosen,
    /// Amounts in minor units, and the currency.
    AmountBelow(i64, Arc<str>),
    AmountAbove(i64, Arc<str>),
    NoSuchShipping,
    CodesNotTaken,
    CodeUnknown,
    CodeExpired,
    CodeUsedUp,
    CodeForOthers,
    CodeForNewCustomers,
    /// The least that the order has to come to, in minor units, and the currency.
    CodeNeeds(i64, Arc<str>),
    CodeForOtherItems,
    /// The least that can be charged, in minor units, and the currency.
    CodeLeavesTooLittle(i64, Arc<str>),
    TotalTooLittle(i64, Arc<str>),
    TotalTooMuch(i64, Arc<str>),
    Missing,
    TooShort(i64),
    TooLong(i64),
    NotANumber,
    NotAnOption,
    NotAccepted,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchItem => f.write_str("There is no such item."),
            Self::FixedQuantity => f.write_str("The quantity of this item is fixed."),
            Self::Quantity(least, most) => write!(f, "Choose between {least} and {most}."),
            Self::NothingChosen => f.write_str("Choose at least one item."),
            Self::AmountBelow(least, currency) => {
                write!(f, "Choose at least {}.", money::shown(*least, currency))
            }
            Self::AmountAbove(most, currency) => {
                write!(f, "Choose at most {}.", money::shown(*most, currency))
            }
            Self::NoSuchShipping => f.write_str("Choose one of the ways of shipping."),
            Self::CodesNotTaken => f.write_str("This order takes no codes."),
            Self::CodeUnknown => f.write_str("This code is invalid."),
            Self::CodeExpired => f.write_str("This code has expired."),
            Self::CodeUsedUp => f.write_str("This code has been used up."),
            Self::CodeForOthers => f.write_str("This code is for another customer."),
            Self::CodeForNewCustomers => f.write_str("This code is for a first order only."),
            Self::CodeNeeds(least, currency) => {
                write!(
                    f,
                    "This code needs an order of at least {}.",
                    money::shown(*least, currency)
                )
            }
            Self::CodeForOtherItems => f.write_str("This code is not for these items."),
            Self::CodeLeavesTooLittle(least, currency) => {
                write!(
                    f,
                    "With this code the total is less than {}, the least that can be charged.",
                    money::shown(*least, currency)
                )
            }
            Self::TotalTooMuch(most, currency) => {
                write!(
                    f,
                    "The total is more than {}, the most that can be charged.",
                    money::shown(*most, currency)
                )
            }
            Self::TotalTooLittle(least, currency) => {
                write!(
                    f,
                    "The total is less than {}, the least that can be charged.",
                    money::shown(*least, currency)
                )
            }
            Self::Missing => f.write_str("Fill in this field."),
            Self::TooShort(least) => write!(f, "Enter at least {least} characters."),
            Self::TooLong(most) => write!(f, "Enter at most {most} characters."),
            Self::NotANumber => f.write_str("Enter digits only."),
            Self::NotAnOption => f.write_str("Choose one of the options."),
            Self::NotAccepted => f.write_str("Accept the terms to go on."),
        }
    }
}

pub(super) fn wrong(field: impl Into<String>, problem: Problem) -> FieldError {
    FieldError { field: field.into(), problem }
}

/// What a session comes to with the buyer's choices.
pub(crate) fn quote(
    state: &State,
    session: &Session,
    choices: &Choices,
) -> Result<Quote, FieldError> {
    let mut lines = adjusted(&session.lines, &choices.quantities)?;
    lines.extend(taken(&session.optional, &choices.optional)?);
    if lines.is_empty() && session.terms.mode != Mode::Setup {
        return Err(wrong("quantity", Problem::NothingChosen));
    }
    choose_amounts(&mut lines, &choices.amounts, session)?;
    let subtotal = lines.iter().map(Line::subtotal).fold(0, i64::saturating_add);
    let discount = match choices.promotion_code.as_deref().map(str::trim) {
        None | Some("") => session.discount.clone(),
        Some(code) => Some(
            promised(state, session, choices, code, subtotal)
                .map_err(|problem| wrong("promotion_code", problem))?,
        ),
    };
    discount_lines(&mut lines, discount.as_ref());
    if choices.promotion_code.is_some()
        && let Some(discount) = &discount
        && !lines.iter().any(|line| discount.is_for(line))
    {
        return Err(wrong("promotion_code", Problem::CodeForOtherItems));
    }
    let shipping_cost = shipping(session, choices.shipping_rate.as_deref())?;
    let shipping = shipping_cost.as_ref().map_or(0, |option| option.amount);
    let discounted = lines.iter().map(|line| line.discount).fold(0, i64::saturating_add);
    let tax = lines.iter().map(Line::added_tax).fold(0, i64::saturating_add);
    let total = subtotal.saturating_sub(discounted).saturating_add(shipping).saturating_add(tax);
    enough(session, choices, total)?;
    let asks_for_method = match session.terms.mode {
        Mode::Payment => total > 0,
        Mode::Subscription => total > 0 || !session.terms.method_if_required,
        Mode::Setup => true,
    };
    Ok(Quote {
        lines,
        discount,
        shipping_cost,
        subtotal,
        discounted,
        shipping,
        total,
        asks_for_method,
    })
}

/// Nothing is due, or as much as can be charged and no more. What has made it so is named: the code that
/// the buyer typed, an amount that the buyer chose, or else what is bought.
fn enough(session: &Session, choices: &Choices, total: i64) -> Result<(), FieldError> {
    let chosen = choices.amounts.first().map(|(id, _)| format!("amount[{id}]"));
    let field = chosen.unwrap_or_else(|| "quantity".to_owned());
    let most = money::most(session.currency());
    if session.terms.mode != Mode::Setup && total > most {
        return Err(wrong(field, Problem::TotalTooMuch(most, session.currency().into())));
    }
    let least = money::least(session.currency());
    if session.terms.mode != Mode::Payment || total == 0 || total >= least {
        return Ok(());
    }
    let currency = session.currency().into();
    if choices.promotion_code.as_deref().is_some_and(|code| !code.trim().is_empty()) {
        return Err(wrong("promotion_code", Problem::CodeLeavesTooLittle(least, currency)));
    }
    Err(wrong(field, Problem::TotalTooLittle(least, currency)))
}

/// The lines with the quantities that the buyer chose; those chosen away are gone.
fn adjusted(lines: &[Line], quantities: &[(String, i64)]) -> Result<Vec<Line>, FieldError> {
    let mut adjusted = lines.to_vec();
    for (id, quantity) in quantities {
        let refused = |problem| wrong(format!("quantity[{id}]"), problem);
        let line = adjusted.iter_mut().find(|line| *line.id == **id);
        let line = line.ok_or_else(|| refused(Problem::NoSuchItem))?;
        if line.quantity == *quantity {
            continue;
        }
        let range = line.adjustable.ok_or_else(|| refused(Problem::FixedQuantity))?;
        if !(range.minimum..=range.maximum).contains(quantity) {
            return Err(refused(Problem::Quantity(range.minimum, range.maximum)));
        }
        line.quantity = *quantity;
    }
    adjusted.retain(|line| line.quantity > 0);
    Ok(adjusted)
}

/// The optional items that the buyer took.
fn taken(optional: &[Line], choices: &[(String, i64)]) -> Result<Vec<Line>, FieldError> {
    let mut taken: Vec<Line> = Vec::new();
    for (id, quantity) in choices.iter().filter(|(_, quantity)| *quantity != 0) {
        let refused = |problem| wrong(format!("optional[{id}]"), problem);
        let line = optional.iter().find(|line| *line.id == **id || *line.price == **id);
        let line = line.ok_or_else(|| refused(Problem::NoSuchItem))?;
        match line.adjustable {
            None if *quantity != line.quantity => return Err(refused(Problem::FixedQuantity)),
            Some(range) if !(range.minimum.max(1)..=range.maximum).contains(quantity) => {
                return Err(refused(Problem::Quantity(range.minimum.max(1), range.maximum)));
            }
            _ => {}
        }
        taken.retain(|other| other.id != line.id);
        taken.push(Line { quantity: *quantity, ..line.clone() });
    }
    Ok(taken)
}

fn choose_amounts(
    lines: &mut [Line],
    amounts: &[(String, i64)],
    session: &Session,
) -> Result<(), FieldError> {
    let currency: Arc<str> = session.currency().into();
    for (id, amount) in amounts {
        let refused = |problem| wrong(format!("amount[{id}]"), problem);
        let line = lines.iter_mut().find(|line| *line.id == **id);
        let line = line.ok_or_else(|| refused(Problem::NoSuchItem))?;
        let range = line.custom.ok_or_else(|| refused(Problem::NoSuchItem))?;
        let (least, most) =
            (range.minimum.unwrap_or(0).max(0), range.maximum.unwrap_or(AMOUNT_MAX));
        if *amount < least {
            return Err(refused(Problem::AmountBelow(least, currency)));
        }
        if *amount > most {
            return Err(refused(Problem::AmountAbove(most, currency)));
        }
        line.unit_amount = *amount;
    }
    Ok(())
}

/// What a buyer may choose to pay at most, in minor units.
const AMOUNT_MAX: i64 = 99_999_999;

fn shipping(session: &Session, rate: Option<&str>) -> Result<Option<ShippingOption>, FieldError> {
    let Some(rate) = rate.filter(|rate| !rate.is_empty()) else {
        return Ok(session.shipping_cost.clone());
    };
    let option = session.terms.shipping_options.iter().find(|option| *option.rate == *rate);
    option.cloned().map(Some).ok_or_else(|| wrong("shipping_rate", Problem::NoSuchShipping))
}

/// The discount that a code typed by the buyer gives.
fn promised(
    state: &State,
    session: &Session,
    choices: &Choices,
    code: &str,
    subtotal: i64,
) -> Result<Discount, Problem> {
    if !session.terms.promotion_codes {
        return Err(Problem::CodesNotTaken);
    }
    let found = state.promotion_by_code.get(&code.to_uppercase());
    let code = found.and_then(|id| state.promotions.get(id)).ok_or(Problem::CodeUnknown)?;
    if !code.active {
        return Err(Problem::CodeUnknown);
    }
    let coupon = state.coupons.get(&code.coupon).ok_or(Problem::CodeUnknown)?;
    usable(state, code, coupon)?;
    if code.customer.is_some() && code.customer != session.customer {
        return Err(Problem::CodeForOthers);
    }
    if code.first_time && has_bought(state, session, choices.email.as_deref()) {
        return Err(Problem::CodeForNewCustomers);
    }
    if !code.minimum.is_empty() {
        let least = code.minimum.iter().find(|least| *least.currency == *session.currency());
        let least = least.ok_or(Problem::CodeForOtherItems)?;
        if subtotal < least.amount {
            return Err(Problem::CodeNeeds(least.amount, Arc::clone(&least.currency)));
        }
    }
    let off = coupon.off_in(session.currency()).ok_or(Problem::CodeForOtherItems)?;
    Ok(Discount {
        coupon: Arc::clone(&coupon.id),
        promotion_code: Some(Arc::clone(&code.id)),
        off,
        products: Arc::clone(&coupon.products),
    })
}

fn usable(state: &State, code: &PromotionCode, coupon: &Coupon) -> Result<(), Problem> {
    let now = state.now();
    if code.expires_at.is_some_and(|at| at <= now) || coupon.redeem_by.is_some_and(|at| at <= now) {
        return Err(Problem::CodeExpired);
    }
    if code.redemptions_max.is_some_and(|most| code.times_redeemed >= most) || coupon.is_used_up() {
        return Err(Problem::CodeUsedUp);
    }
    Ok(())
}

/// The customer has completed a session before.
fn has_bought(state: &State, session: &Session, email: Option<&str>) -> bool {
    let bought = |other: &Session| other.status == Status::Complete;
    if let Some(customer) = &session.customer {
        let places = state.sessions_by_customer.get(customer);
        return places
            .into_iter()
            .flatten()
            .any(|place| state.sessions.at(*place).is_some_and(|other| bought(other)));
    }
    let email = email.or(session.customer_email.as_deref());
    email.is_some_and(|email| {
        state.sessions.iter().any(|other| {
            bought(other)
                && other.buyer.as_ref().is_some_and(|buyer| buyer.email.as_deref() == Some(email))
        })
    })
}
