//! What is bought, and what it comes to.

use super::{Look, shown};
use crate::{
    checkout::{self, Choices, Quote},
    page::{
        amount,
        fields::Filled,
        parts::{LineView, Maker, ShippingView},
        words::Words,
    },
    state::{
        State,
        objects::{Line, Mode, Off, Recurring, Session, ShippingRate},
        taxes,
    },
};

/// A quote, and what its lines are called.
pub(super) struct Bill<'a> {
    state: &'a State,
    session: &'a Session,
    filled: &'a Filled,
    words: &'static Words,
    pub(super) quote: Quote,
}

impl<'a> Bill<'a> {
    /// The bill for what the buyer chose; choices that cannot be had are left out.
    pub(super) fn new(state: &'a State, session: &'a Session, look: &Look<'a>) -> Self {
        let choices = look.filled.choices(session);
        let without_code = Choices { promotion_code: None, ..choices.clone() };
        let only_code =
            Choices { promotion_code: choices.promotion_code.clone(), ..Choices::default() };
        let quote = [choices, without_code, only_code, Choices::default()]
            .iter()
            .find_map(|choices| checkout::quote(state, session, choices).ok());
        let quote = quote.unwrap_or_else(|| Quote {
            lines: session.lines.clone(),
            discount: session.discount.clone(),
            shipping_cost: session.shipping_cost.clone(),
            subtotal: session.subtotal(),
            discounted: session.discounted(),
            shipping: session.shipped(),
            total: session.total(),
            asks_for_method: true,
        });
        Self { state, session, filled: look.filled, words: look.words, quote }
    }

    pub(super) fn shown(&self, amount: i64) -> String {
        shown(self.words, amount, self.session.currency())
    }

    fn recurring(&self, line: &Line) -> Option<Recurring> {
        self.state.prices.get(&line.price)?.recurring
    }

    /// How often the total is due, if it is due again; until when nothing is, on trial.
    pub(super) fn per(&self) -> String {
        if self.session.terms.mode != Mode::Subscription {
            return String::new();
        }
        if let Some(trial) = self.session.terms.trial {
            let ends = amount::day(self.words, trial.ends(self.session.created));
            return (self.words.order.trial_until)(&ends);
        }
        let recurring = self.session.lines.iter().find_map(|line| self.recurring(line));
        recurring.map(self.words.figures.every).unwrap_or_default()
    }

    pub(super) fn lines(&self, maker: &Maker<'_>) -> Vec<LineView> {
        let quoted = |line: &Line| self.quote.lines.iter().find(|quoted| quoted.id == line.id);
        let view = |line: &Line| {
            let now = quoted(line);
            let mut view = self.line(now.unwrap_or(line), maker, "quantity");
            view.gone = now.is_none();
            let typed = self.typed(&self.filled.quantities, "quantity", line);
            view.quantity = typed.unwrap_or(view.quantity);
            if view.gone {
                view.costs = self.shown(0);
            }
            view
        };
        self.session.lines.iter().map(view).collect()
    }

    pub(super) fn optional(&self, maker: &Maker<'_>) -> Vec<LineView> {
        let view = |line: &Line| {
            let taken = self.quote.lines.iter().find(|quoted| quoted.id == line.id);
            let mut view = self.line(taken.unwrap_or(line), maker, "optional");
            let wrong = view.error.is_some();
            let typed = self.typed(&self.filled.optional, "optional_quantity", line);
            // What cannot be had stays in its field, beside what is said about it.
            if let Some(typed) = typed.filter(|typed| wrong && typed != "0") {
                (view.gone, view.quantity) = (false, typed);
            } else {
                view.gone = taken.is_none();
            }
            view.range = line.adjustable.map(|range| (range.minimum.max(1), range.maximum));
            view
        };
        self.session.optional.iter().map(view).collect()
    }

    /// The quantity of a line as it was typed.
    fn typed(&self, numbers: &[(String, i64)], field: &str, line: &Line) -> Option<String> {
        let name = format!("{field}[{}]", line.id);
        let odd = self.filled.not_numbers.iter().find(|(field, _)| *field == name);
        let number = numbers.iter().find(|(id, _)| **id == *line.id);
        odd.map(|(_, text)| text.clone()).or_else(|| number.map(|(_, number)| number.to_string()))
    }

    fn line(&self, line: &Line, maker: &Maker<'_>, field: &str) -> LineView {
        let words = self.words;
        let product = self.state.products.get(&line.product);
        let mut details = Vec::new();
        if line.adjustable.is_none() && line.quantity != 1 {
            details.push((words.order.quantity_short)(line.quantity));
        }
        let countable = line.quantity != 1 || line.adjustable.is_some();
        if countable && line.custom.is_none() && line.transform.is_none() && !line.trial {
            details.push((words.order.each)(&self.shown(line.unit_amount)));
        }
        let every = self.recurring(line).map(words.figures.every);
        details.extend(every.map(|every| {
            if line.trial { format!("{} {every}", self.shown(line.unit_amount)) } else { every }
        }));
        if details.is_empty() {
            details.extend(product.and_then(|product| product.description.clone()));
        }
        let custom = line.custom.map(|_| {
            let typed = self.filled.amounts.iter().find(|(id, _)| **id == *line.id);
            let now = || amount::plain(words, line.unit_amount, self.session.currency());
            typed.map_or_else(now, |(_, text)| text.clone())
        });
        let error = |name: &str| maker.error(&format!("{name}[{}]", line.id));
        LineView {
            id: line.id.to_string(),
            name: line.description.clone(),
            detail: details.join(" · "),
            letter: letter(&line.description),
            quantity: line.quantity.to_string(),
            range: line.adjustable.map(|range| (range.minimum, range.maximum)),
            quantity_label: (words.order.quantity_of)(&line.description),
            costs: self.shown(line.subtotal()),
            amount: custom,
            gone: false,
            error: error(field).or_else(|| error("amount")).or_else(|| error("optional_quantity")),
        }
    }

    /// The code that counts now.
    pub(super) fn applied(&self) -> Option<&'a str> {
        let code = self.filled.promotion_code.as_str();
        let given = self.quote.discount.as_ref().is_some_and(|one| one.promotion_code.is_some());
        (given && !code.is_empty()).then_some(code)
    }

    /// The lines between what is bought and the total.
    pub(super) fn totals(&self) -> Vec<(String, String)> {
        let (words, quote) = (&self.words.order, &self.quote);
        let mut totals = Vec::new();
        let taxes = taxes::by_rate(&quote.lines);
        let differs = quote.discounted != 0 || quote.shipping_cost.is_some() || !taxes.is_empty();
        if differs {
            totals.push((words.subtotal.to_owned(), self.shown(quote.subtotal)));
        }
        if quote.discounted != 0 {
            let percent = match quote.discount.as_ref().map(|discount| &discount.off) {
                Some(Off::Percent(percent)) => {
                    format!(" ({}{})", self.number(*percent), self.words.figures.percent)
                }
                _ => String::new(),
            };
            totals.push((format!("{}{percent}", words.discount), self.shown(-quote.discounted)));
        }
        if let Some(shipping) = &quote.shipping_cost {
            let name = self.rate(&shipping.rate).map(|rate| format!(" ({})", rate.name));
            let label = format!("{}{}", words.shipping, name.unwrap_or_default());
            totals.push((label, self.costs(quote.shipping)));
        }
        for tax in taxes {
            let rate = self.state.tax_rates.get(&tax.rate.id).unwrap_or(&tax.rate);
            let percent = format!("{}{}", self.number(rate.percent()), self.words.figures.percent);
            let label = (words.tax)(&rate.display_name, &percent, rate.inclusive);
            totals.push((label, self.shown(tax.amount)));
        }
        totals
    }

    /// Whether the buyer can do something about the total.
    pub(super) fn changes(&self) -> bool {
        let terms = &self.session.terms;
        let line = |line: &Line| line.adjustable.is_some() || line.custom.is_some();
        self.session.lines.iter().any(line)
            || !self.session.optional.is_empty()
            || terms.promotion_codes
            || terms.shipping_options.len() > 1
            || terms.ships_to.is_some()
    }

    fn number(&self, number: f64) -> String {
        number.to_string().replace('.', &self.words.figures.point.to_string())
    }

    fn costs(&self, amount: i64) -> String {
        if amount == 0 { self.words.order.free.to_owned() } else { self.shown(amount) }
    }

    fn rate(&self, id: &str) -> Option<&ShippingRate> {
        self.state.shipping_rates.get(id).map(AsRef::as_ref)
    }

    pub(super) fn shipping_options(&self) -> Vec<ShippingView> {
        let chosen = self.quote.shipping_cost.as_ref().map(|option| &option.rate);
        let options = self.session.terms.shipping_options.iter();
        options
            .map(|option| {
                let rate = self.rate(&option.rate);
                let estimate = rate.map_or_else(String::new, |rate| {
                    let unit = rate.slowest.or(rate.fastest).map_or("day", |bound| bound.unit);
                    let value = |bound: Option<crate::state::objects::Bound>| {
                        bound.map(|bound| bound.value)
                    };
                    (self.words.buyer.estimate)(value(rate.fastest), value(rate.slowest), unit)
                });
                ShippingView {
                    rate: option.rate.to_string(),
                    name: rate.map_or_else(|| option.rate.to_string(), |rate| rate.name.clone()),
                    estimate,
                    costs: self.costs(option.amount),
                    checked: chosen == Some(&option.rate),
                }
            })
            .collect()
    }
}

/// The first letter of a name, for its tile.
fn letter(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric()).unwrap_or('•');
    first.to_uppercase().collect()
}
