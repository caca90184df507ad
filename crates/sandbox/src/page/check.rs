//! Whether what a buyer typed will do.

use super::{
    address::{self, PostcodeWrong},
    amount,
    fields::{Filled, Place, longest, some},
    words::{self, Problem},
};
use crate::{
    calendar,
    checkout::{self, Means, Payment},
    email, instruments,
    state::{
        State,
        objects::{Address, Buyer, Session, Shipping},
    },
};

/// Fields and what is wrong with them.
pub(super) type Errors = Vec<(String, Problem)>;

/// The payment that the form asks for, and what is wrong with it.
pub(super) fn check(filled: &Filled, state: &State, session: &Session) -> (Payment, Errors) {
    let mut errors = order(filled, state, session);
    let mut wrong = |field: &str, problem| errors.push((field.to_owned(), problem));
    let (terms, choices) = (&session.terms, filled.choices(session));
    let asks_for_method =
        checkout::quote(state, session, &choices).is_ok_and(|quote| quote.asks_for_method);
    let fixed_email = session.customer_email.is_some() || session.customer.is_some();
    if !fixed_email && !email::is_address(&filled.email) {
        wrong("email", Problem::Email);
    }
    if terms.phone && !is_phone(&filled.phone) {
        wrong("phone", Problem::Phone);
    }
    let shipping = terms.ships_to.as_ref().map(|countries| shipping(filled, countries, &mut wrong));
    let answers = filled.answers();
    if !filled.tax_id.is_empty() && answers.tax_id.is_none() {
        wrong("tax_id", Problem::TaxNumber);
    }
    // In the order of the page: the boxes to tick are the last.
    let (ticks, misfits): (Vec<_>, Vec<_>) =
        answers.problems(terms).into_iter().partition(|misfit| misfit.field == "terms_of_service");
    for misfit in misfits {
        wrong(&misfit.field, Problem::Order(misfit.problem));
    }
    let means = if asks_for_method { means(filled, state, session, &mut wrong) } else { None };
    let billing = billing(filled, session, shipping.as_ref(), asks_for_method, &mut wrong);
    for tick in ticks {
        wrong(&tick.field, Problem::Order(tick.problem));
    }
    let buyer = Buyer {
        email: some(&filled.email),
        name: some(&filled.name)
            .or_else(|| some(&filled.individual_name))
            .or_else(|| some(&filled.shipping.name)),
        phone: some(&filled.phone).filter(|_| terms.phone),
        address: billing,
    };
    let errors = named_once(errors);
    (Payment { means, buyer, shipping, choices, answers, presentment: None }, errors)
}

/// The first problem of each field.
fn named_once(errors: Errors) -> Errors {
    let mut once: Errors = Vec::new();
    for (field, problem) in errors {
        if !once.iter().any(|(known, _)| *known == field) {
            once.push((field, problem));
        }
    }
    once
}

/// What no field takes: more than it has room for, and characters that nobody sees.
fn texts(filled: &Filled) -> Errors {
    let wrong = |(name, text): (String, &str)| {
        let longest = longest(&name);
        if text.chars().any(char::is_control) {
            return Some((name, Problem::Unprintable));
        }
        let most = i64::try_from(longest).unwrap_or(i64::MAX);
        let too_long = || (name, Problem::Order(checkout::Problem::TooLong(most)));
        (text.chars().count() > longest).then(too_long)
    };
    filled.texts().into_iter().filter_map(wrong).collect()
}

/// What is wrong with what the buyer chose, or with any field as such.
pub(super) fn order(filled: &Filled, state: &State, session: &Session) -> Errors {
    let mut errors = texts(filled);
    errors.extend(filled.no_buttons.iter().map(|name| ((*name).to_owned(), Problem::NoButton)));
    errors.extend(filled.not_numbers.iter().map(|(field, _)| (field.clone(), Problem::Number)));
    for (id, text) in &filled.amounts {
        if amount::typed(text, session.currency()).is_none() {
            errors.push((format!("amount[{id}]"), Problem::Amount));
        }
    }
    if let Err(error) = checkout::quote(state, session, &filled.choices(session)) {
        errors.push((error.field, Problem::Order(error.problem)));
    }
    named_once(errors)
}

fn shipping(
    filled: &Filled,
    countries: &[String],
    wrong: &mut impl FnMut(&str, Problem),
) -> Shipping {
    let mut place = filled.shipping.clone();
    for (field, or) in
        [(&mut place.name, &filled.name), (&mut place.postal_code, &filled.billing.postal_code)]
    {
        if field.is_empty() {
            or.clone_into(field);
        }
    }
    if let ([only], true) = (countries, place.country.is_empty()) {
        only.clone_into(&mut place.country);
    }
    if place.name.is_empty() {
        wrong("shipping_name", Problem::Recipient);
    }
    let names = ["line1", "city", "state", "shipping_postal_code"];
    check_place(&place, names, wrong);
    if !countries.contains(&place.country) {
        wrong("country", Problem::Country);
    }
    Shipping {
        name: some(&place.name),
        phone: some(&filled.phone),
        address: address(&place),
        ..Shipping::default()
    }
}

/// Checks the parts of an address; the names are those of street, city, state and postcode.
fn check_place(place: &Place, names: [&str; 4], wrong: &mut impl FnMut(&str, Problem)) {
    let [line1, city, state, postcode] = names;
    if place.line1.is_empty() {
        wrong(line1, Problem::Street);
    }
    if place.city.is_empty() {
        wrong(city, Problem::City);
    }
    let states = address::states(&place.country);
    if !states.is_empty() && !states.iter().any(|(code, _)| *code == place.state) {
        wrong(state, Problem::State);
    }
    check_postcode(place, postcode, wrong);
}

fn check_postcode(place: &Place, name: &str, wrong: &mut impl FnMut(&str, Problem)) {
    match address::postcode(&place.country, &place.postal_code) {
        Ok(()) => {}
        Err(PostcodeWrong::Missing) => wrong(name, Problem::Postcode),
        Err(PostcodeWrong::Shape(shape)) => wrong(name, Problem::PostcodeShape(shape)),
    }
}

/// Where the bill goes, as far as the page asks.
fn billing(
    filled: &Filled,
    session: &Session,
    shipping: Option<&Shipping>,
    pays: bool,
    wrong: &mut impl FnMut(&str, Problem),
) -> Address {
    if let (true, Some(shipping)) = (filled.billing_same, shipping) {
        return shipping.address.clone();
    }
    let mut place = filled.billing.clone();
    let country_known = !place.country.is_empty();
    if country_known && !words::is_country(&place.country) {
        wrong("billing_country", Problem::Country);
    }
    if place.country.is_empty() {
        place.country = some(&filled.shipping.country)
            .or_else(|| some(&filled.iban).map(|iban| iban.chars().take(2).collect()))
            .map_or_else(|| "US".to_owned(), |country| country.to_uppercase());
    }
    if session.terms.billing_address {
        let names = ["billing_line1", "billing_city", "billing_state", "postal_code"];
        check_place(&place, names, wrong);
    } else if pays && chosen(filled, session) == Some("card") {
        if !country_known && place.postal_code.is_empty() {
            wrong("postal_code", Problem::Postcode);
        }
        if country_known && address::card_postcode(&place.country) {
            check_postcode(&place, "postal_code", wrong);
        }
    }
    address(&place)
}

fn address(place: &Place) -> Address {
    Address {
        line1: some(&place.line1),
        line2: some(&place.line2),
        city: some(&place.city),
        state: some(&place.state),
        postal_code: some(&place.postal_code),
        country: some(&place.country),
    }
}

/// The way to pay that the buyer chose, if the session offers it.
pub(super) fn chosen(filled: &Filled, session: &Session) -> Option<&'static str> {
    let offered = checkout::offered(session);
    match filled.method.as_str() {
        "" if offered.len() == 1 => offered.first().copied(),
        method => offered.into_iter().find(|offered| *offered == method),
    }
}

fn means(
    filled: &Filled,
    state: &State,
    session: &Session,
    wrong: &mut impl FnMut(&str, Problem),
) -> Option<Means> {
    let means = match chosen(filled, session) {
        Some("card") => card(filled, state, wrong),
        Some("sepa_debit") => instruments::iban(&filled.iban),
        Some("us_bank_account") => {
            instruments::us_account(&filled.routing_number, &filled.account_number)
        }
        Some(voucher) => {
            let email = session.customer_email.as_deref().unwrap_or(&filled.email);
            let paid = instruments::address_pays(Some(email));
            instruments::voucher(voucher, paid).ok_or(("method", "Choose a way to pay."))
        }
        None => {
            wrong("method", Problem::Method);
            return None;
        }
    };
    let means = means.map_err(|(field, text)| wrong(field, Problem::Told(text.to_owned())));
    if filled.name.is_empty() {
        wrong("name", Problem::Name);
    }
    means.ok()
}

/// The card, with everything that is wrong about it: the last is left for the caller to tell.
fn card(
    filled: &Filled,
    state: &State,
    wrong: &mut impl FnMut(&str, Problem),
) -> Result<Means, instruments::Wrong> {
    let present = year_and_month(state.now());
    let Filled { card_number, exp, cvc, .. } = filled;
    let whole = instruments::card(card_number, exp, cvc, present);
    let amex = card_number.starts_with("34") || card_number.starts_with("37");
    let good = if amex { ("378282246310005", "1234") } else { ("4242424242424242", "123") };
    let rest = [
        instruments::card(good.0, exp, good.1, present),
        instruments::card(good.0, &format!("12/{}", present.0), cvc, present),
    ];
    // In the order of the page: what the whole card fails at first stands before the rest.
    let Err(first) = whole else { return whole };
    let rest = rest.into_iter().filter_map(Result::err).filter(|(field, _)| *field != first.0);
    let mut problems: Vec<_> = std::iter::once(first).chain(rest).collect();
    let last = problems.pop().unwrap_or(first);
    for (field, text) in problems {
        wrong(field, Problem::Told(text.to_owned()));
    }
    Err(last)
}

/// The month that a card's expiry is held against.
pub(crate) fn year_and_month(now: i64) -> (i64, i64) {
    let (year, month, _) = calendar::date(now);
    (year, month)
}

/// Digits as people write them; no number has more than 15.
fn is_phone(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_digit() || " +-()./\u{a0}".contains(c);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (5..=15).contains(&digits) && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_digits_as_people_write_them() {
        for (text, expected) in [
            ("+49 (0)731 12-34", true),
            ("555.0100", true),
            ("1234", false),
            ("call 5550100", false),
            ("1234567890123456", false),
            ("", false),
        ] {
            assert_eq!(is_phone(text), expected, "{text}");
        }
    }
}
