//! What a buyer typed, and whether it will do.

use crate::{
    checkout::{self, Answers, Choices, Payment},
    error::Answer,
    form::{Change, Params},
    instruments,
    state::{
        State,
        objects::{Address, Buyer, Session, Shipping},
    },
};

/// The form as it was sent; empty fields are empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Filled {
    action: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) promotion_code: String,
    pub(super) shipping_name: String,
    pub(super) line1: String,
    pub(super) line2: String,
    pub(super) city: String,
    pub(super) state: String,
    pub(super) shipping_postal_code: String,
    pub(super) country: String,
    pub(super) method: String,
    pub(super) card_number: String,
    pub(super) exp: String,
    cvc: String,
    pub(super) postal_code: String,
    pub(super) iban: String,
    pub(super) routing_number: String,
    pub(super) account_number: String,
    pub(super) quantities: Vec<(String, i64)>,
    bad_quantities: Vec<String>,
}

/// Fields and what is wrong with them.
pub(super) type Errors = Vec<(String, String)>;

impl Filled {
    pub(super) fn read(params: &mut Params) -> Answer<Self> {
        let (mut quantities, mut bad_quantities) = (Vec::new(), Vec::new());
        if let Change::Set(pairs) = params.pairs("quantity")? {
            for (line, text) in pairs {
                match text.trim().parse() {
                    Ok(quantity) => quantities.push((line, quantity)),
                    Err(_) => bad_quantities.push(line),
                }
            }
        }
        let mut text =
            |name: &str| params.text(name).map(|text| text.unwrap_or_default().trim().to_owned());
        Ok(Self {
            action: text("action")?,
            email: text("email")?,
            name: text("name")?,
            phone: text("phone")?,
            promotion_code: text("promotion_code")?,
            shipping_name: text("shipping_name")?,
            line1: text("line1")?,
            line2: text("line2")?,
            city: text("city")?,
            state: text("state")?,
            shipping_postal_code: text("shipping_postal_code")?,
            country: text("country")?.to_uppercase(),
            method: text("method")?,
            card_number: text("card_number")?,
            exp: text("exp")?,
            cvc: text("cvc")?,
            postal_code: text("postal_code")?,
            iban: text("iban")?,
            routing_number: text("routing_number")?,
            account_number: text("account_number")?,
            quantities,
            bad_quantities,
        })
    }

    /// The buyer only wants to see new totals.
    pub(super) fn only_update(&self) -> bool {
        self.action == "update"
    }

    /// The payment that the form asks for, and what is wrong with it.
    pub(super) fn check(&self, state: &State, session: &Session) -> (Payment, Errors) {
        let mut errors: Errors = self
            .bad_quantities
            .iter()
            .map(|line| (format!("quantity[{line}]"), "Enter a number.".to_owned()))
            .collect();
        let mut wrong = |field: &str, text: &str| errors.push((field.to_owned(), text.to_owned()));
        let terms = &session.terms;
        let fixed_email = session.customer_email.is_some() || session.customer.is_some();
        if !fixed_email && !plausible_email(&self.email) {
            wrong("email", "Enter an e-mail address, as you@example.com.");
        }
        if terms.phone && self.phone.chars().filter(char::is_ascii_digit).count() < 5 {
            wrong("phone", "Enter a phone number.");
        }
        let shipping =
            terms.ships_to.as_ref().map(|countries| self.shipping(countries, &mut wrong));
        let choices = self.choices();
        let asks_for_method = match checkout::quote(state, session, &choices) {
            Ok(quote) => quote.asks_for_method,
            Err(error) => {
                wrong(&error.field, &error.problem.to_string());
                false
            }
        };
        let means = if asks_for_method { self.means(state, session, &mut wrong) } else { None };
        let buyer = Buyer {
            email: some(&self.email),
            name: some(&self.name).or_else(|| some(&self.shipping_name)),
            phone: some(&self.phone).filter(|_| terms.phone),
            address: Address {
                postal_code: some(&self.postal_code),
                country: self.billing_country(),
                ..Address::default()
            },
        };
        (
            Payment {
                means,
                buyer,
                shipping,
                choices,
                answers: Answers::default(),
                presentment: None,
            },
            errors,
        )
    }

    /// What the buyer chose.
    pub(super) fn choices(&self) -> Choices {
        Choices {
            quantities: self.quantities.clone(),
            promotion_code: some(&self.promotion_code),
            email: some(&self.email),
            ..Choices::default()
        }
    }

    fn billing_country(&self) -> Option<String> {
        some(&self.country)
            .or_else(|| {
                some(&self.iban).map(|iban| iban.chars().take(2).collect::<String>().to_uppercase())
            })
            .or_else(|| Some("US".to_owned()))
    }

    fn shipping(&self, countries: &[String], wrong: &mut impl FnMut(&str, &str)) -> Shipping {
        let name = some(&self.shipping_name).or_else(|| some(&self.name));
        let postal_code = some(&self.shipping_postal_code).or_else(|| some(&self.postal_code));
        let country = some(&self.country)
            .or_else(|| countries.first().filter(|_| countries.len() == 1).cloned());
        for (field, value, text) in [
            ("shipping_name", &name, "Enter the recipient's name."),
            ("line1", &some(&self.line1), "Enter the street and number."),
            ("city", &some(&self.city), "Enter the city."),
            ("shipping_postal_code", &postal_code, "Enter the postcode."),
        ] {
            if value.is_none() {
                wrong(field, text);
            }
        }
        if country.as_ref().is_none_or(|country| !countries.contains(country)) {
            wrong("country", "Choose one of the countries.");
        }
        Shipping {
            name,
            phone: some(&self.phone),
            address: Address {
                line1: some(&self.line1),
                line2: some(&self.line2),
                city: some(&self.city),
                state: some(&self.state),
                postal_code,
                country,
            },
        }
    }

    fn means(
        &self,
        state: &State,
        session: &Session,
        wrong: &mut impl FnMut(&str, &str),
    ) -> Option<checkout::Means> {
        let offered = offered(session);
        let method = match self.method.as_str() {
            "" if offered.len() == 1 => offered[0],
            method => method,
        };
        let means = match offered.iter().find(|offered| **offered == method) {
            Some(&"card") => {
                if self.postal_code.is_empty() {
                    wrong("postal_code", "Enter the postcode, as 90210.");
                }
                instruments::card(
                    &self.card_number,
                    &self.exp,
                    &self.cvc,
                    year_and_month(state.now()),
                )
            }
            Some(&"sepa_debit") => instruments::iban(&self.iban),
            Some(_) => instruments::us_account(&self.routing_number, &self.account_number),
            None => Err(("method", "Choose a way to pay.")),
        };
        if self.name.is_empty() {
            wrong("name", "Enter your name.");
        }
        means.map_err(|(field, text)| wrong(field, text)).ok()
    }
}

/// The methods of a session that the sandbox can play.
pub(super) fn offered(session: &Session) -> Vec<&'static str> {
    let known = ["card", "sepa_debit", "us_bank_account"];
    let offered: Vec<_> =
        known.into_iter().filter(|method| session.terms.methods.contains(method)).collect();
    if offered.is_empty() { vec!["card"] } else { offered }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn plausible_email(text: &str) -> bool {
    let Some((user, host)) = text.rsplit_once('@') else { return false };
    !user.is_empty() && !host.is_empty() && text.len() <= 254 && !text.contains(char::is_whitespace)
}

/// The month that a card's expiry is held against.
pub(crate) fn year_and_month(now: i64) -> (i64, i64) {
    let date = crate::render::event::rfc3339(now.saturating_mul(1000));
    let mut parts = date.split('-').filter_map(|part| part.parse().ok());
    (parts.next().unwrap_or(1970), parts.next().unwrap_or(1))
}
