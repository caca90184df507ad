//! What a buyer typed.

use super::amount;
use crate::{
    checkout::{Answers, Choices},
    email,
    error::Answer,
    form::{Change, Params},
    state::objects::Session,
};

/// The form as it was sent; empty fields are empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Filled {
    /// It was sent: what is not ticked was left out on purpose.
    pub(super) sent: bool,
    action: String,
    /// The total that the buyer saw.
    pub(super) expected_amount: Option<i64>,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) promotion_code: String,
    pub(super) shipping: Place,
    pub(super) shipping_rate: String,
    pub(super) billing_same: bool,
    pub(super) billing: Place,
    pub(super) method: String,
    pub(super) card_number: String,
    pub(super) exp: String,
    pub(super) cvc: String,
    pub(super) iban: String,
    pub(super) routing_number: String,
    pub(super) account_number: String,
    pub(super) individual_name: String,
    pub(super) business_name: String,
    pub(super) tax_id: String,
    pub(super) quantities: Vec<(String, i64)>,
    pub(super) optional: Vec<(String, i64)>,
    /// Line ids and amounts as typed.
    pub(super) amounts: Vec<(String, String)>,
    /// Quantities that are no numbers: the names of their fields, and what was typed.
    pub(super) not_numbers: Vec<(String, String)>,
    /// What was asked for in a way that the page does not have, by the names of its buttons.
    pub(super) no_buttons: Vec<&'static str>,
    pub(super) custom: Vec<(String, String)>,
    pub(super) accepts_terms: bool,
    pub(super) wants_promotions: bool,
}

/// An address as typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) line1: String,
    pub(super) line2: String,
    pub(super) city: String,
    pub(super) state: String,
    pub(super) postal_code: String,
    pub(super) country: String,
}

impl Place {
    fn read(params: &mut Params, names: [&str; 7]) -> Answer<Self> {
        let [name, line1, line2, city, state, postal_code, country] = names;
        Ok(Self {
            name: text(params, name)?,
            line1: text(params, line1)?,
            line2: text(params, line2)?,
            city: text(params, city)?,
            state: text(params, state)?,
            postal_code: text(params, postal_code)?,
            country: text(params, country)?.to_uppercase(),
        })
    }
}

const SHIPPING: [&str; 7] =
    ["shipping_name", "line1", "line2", "city", "state", "shipping_postal_code", "country"];
const BILLING: [&str; 7] = [
    "billing_name",
    "billing_line1",
    "billing_line2",
    "billing_city",
    "billing_state",
    "postal_code",
    "billing_country",
];

/// What the page's buttons send as `action`; empty when the form is sent without one.
const ACTIONS: [&str; 4] = ["", "pay", "update", "remove_code"];

/// The numbers that the page offers to fill in.
const TRIES: [&str; 9] = [
    "4242424242424242",
    "4000002500003155",
    "4000000000000002",
    "4000000000009995",
    "4000000000000259",
    "AT611904300234573201",
    "AT861904300235473202",
    "000123456789",
    "000111111116",
];

/// No total: what was sent for the one that the buyer saw is no number.
const NO_TOTAL: i64 = -1;

/// Characters that a name has at most; other fields take more.
const NAME_CHARS_MAX: usize = 150;
const FIELD_CHARS_MAX: usize = 255;

/// How many characters a field takes.
pub(super) fn longest(field: &str) -> usize {
    match field {
        "email" => email::CHARS_MAX,
        "name" | "shipping_name" | "individual_name" | "business_name" => NAME_CHARS_MAX,
        _ => FIELD_CHARS_MAX,
    }
}

impl Place {
    fn texts(
        &self,
        [name, line1, line2, city, state, code, country]: [&'static str; 7],
    ) -> [(&'static str, &str); 7] {
        [
            (name, &self.name),
            (line1, &self.line1),
            (line2, &self.line2),
            (city, &self.city),
            (state, &self.state),
            (code, &self.postal_code),
            (country, &self.country),
        ]
    }
}

impl Filled {
    /// What was typed, by the names of its fields.
    pub(super) fn texts(&self) -> Vec<(String, &str)> {
        let plain = [
            ("email", self.email.as_str()),
            ("name", &self.name),
            ("phone", &self.phone),
            ("promotion_code", &self.promotion_code),
            ("shipping_rate", &self.shipping_rate),
            ("method", &self.method),
            ("card_number", &self.card_number),
            ("exp", &self.exp),
            ("cvc", &self.cvc),
            ("iban", &self.iban),
            ("routing_number", &self.routing_number),
            ("account_number", &self.account_number),
            ("individual_name", &self.individual_name),
            ("business_name", &self.business_name),
            ("tax_id", &self.tax_id),
        ];
        let places = self.shipping.texts(SHIPPING).into_iter().chain(self.billing.texts(BILLING));
        let named = places.chain(plain).map(|(name, text)| (name.to_owned(), text));
        let custom =
            self.custom.iter().map(|(key, text)| (format!("custom[{key}]"), text.as_str()));
        named.chain(custom).collect()
    }

    pub(super) fn read(params: &mut Params) -> Answer<Self> {
        let mut not_numbers = Vec::new();
        let quantities = numbers(params, "quantity", &mut not_numbers)?;
        let mut optional = numbers(params, "optional", &mut not_numbers)?;
        let wanted = numbers(params, "optional_quantity", &mut not_numbers)?;
        for (id, quantity) in &mut optional {
            if let Some((_, wanted)) = wanted.iter().find(|(other, _)| other == id) {
                *quantity = *wanted;
            }
        }
        let mut filled = Self {
            sent: true,
            action: text(params, "action")?,
            expected_amount: some(&text(params, "expected_amount")?)
                .map(|amount| amount.parse().unwrap_or(NO_TOTAL)),
            shipping: Place::read(params, SHIPPING)?,
            billing: Place::read(params, BILLING)?,
            billing_same: ticked(params, "billing_same")?,
            accepts_terms: ticked(params, "terms_of_service")?,
            wants_promotions: ticked(params, "promotions")?,
            amounts: texts(params, "amount")?,
            custom: texts(params, "custom")?,
            quantities,
            optional,
            not_numbers,
            ..Self::default()
        };
        for (field, name) in [
            (&mut filled.email, "email"),
            (&mut filled.name, "name"),
            (&mut filled.phone, "phone"),
            (&mut filled.promotion_code, "promotion_code"),
            (&mut filled.shipping_rate, "shipping_rate"),
            (&mut filled.method, "method"),
            (&mut filled.card_number, "card_number"),
            (&mut filled.exp, "exp"),
            (&mut filled.cvc, "cvc"),
            (&mut filled.iban, "iban"),
            (&mut filled.routing_number, "routing_number"),
            (&mut filled.account_number, "account_number"),
            (&mut filled.individual_name, "individual_name"),
            (&mut filled.business_name, "business_name"),
            (&mut filled.tax_id, "tax_id"),
        ] {
            *field = text(params, name)?;
        }
        if !ACTIONS.contains(&filled.action.as_str()) {
            filled.no_buttons.push("action");
        }
        if filled.action == "remove_code" {
            filled.promotion_code.clear();
        }
        let number = text(params, "fill")?;
        if TRIES.contains(&number.as_str()) {
            filled.try_out(&number);
        } else if !number.is_empty() {
            filled.no_buttons.push("fill");
        }
        Ok(filled)
    }

    /// The buyer only wants to see new totals, or a form that is filled in.
    pub(super) fn only_update(&self) -> bool {
        matches!(self.action.as_str(), "update" | "remove_code" | "fill")
    }

    /// Fills in a known test number and whatever goes with it.
    fn try_out(&mut self, number: &str) {
        "fill".clone_into(&mut self.action);
        let digits = number.len();
        if number.starts_with(|c: char| c.is_ascii_alphabetic()) {
            number.clone_into(&mut self.iban);
            "sepa_debit".clone_into(&mut self.method);
        } else if digits > 12 {
            let groups = number.as_bytes().chunks(4).map(String::from_utf8_lossy);
            self.card_number = groups.collect::<Vec<_>>().join(" ");
            "12 / 34".clone_into(&mut self.exp);
            "123".clone_into(&mut self.cvc);
            "card".clone_into(&mut self.method);
        } else {
            "110000000".clone_into(&mut self.routing_number);
            number.clone_into(&mut self.account_number);
            "us_bank_account".clone_into(&mut self.method);
        }
        if self.name.is_empty() {
            "Alex Example".clone_into(&mut self.name);
        }
        let country = &self.billing.country;
        if self.billing.postal_code.is_empty() {
            self.billing.postal_code =
                super::address::example(country).unwrap_or("90210").to_owned();
        }
    }

    /// Whether the security code may stand in the page: only when the page itself put it there.
    pub(super) fn shown_cvc(&self) -> &str {
        if self.action == "fill" { &self.cvc } else { "" }
    }

    /// What the buyer chose; amounts that are none are left out.
    pub(super) fn choices(&self, session: &Session) -> Choices {
        let amount = |(id, typed): &(String, String)| {
            Some((id.clone(), amount::typed(typed, session.currency())?))
        };
        Choices {
            quantities: self.quantities.clone(),
            optional: self.optional.clone(),
            amounts: self.amounts.iter().filter_map(amount).collect(),
            shipping_rate: some(&self.shipping_rate),
            promotion_code: some(&self.promotion_code).filter(|_| session.terms.promotion_codes),
            email: some(&self.email),
        }
    }

    /// The answer to a question of the merchant's.
    pub(super) fn custom(&self, key: &str) -> &str {
        self.custom.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value.trim())
    }

    pub(super) fn answers(&self) -> Answers {
        let trimmed = |(key, value): &(String, String)| (key.clone(), value.trim().to_owned());
        let given = |(_, value): &(String, String)| !value.is_empty();
        Answers {
            custom_fields: self.custom.iter().map(trimmed).filter(given).collect(),
            accepts_terms: self.accepts_terms,
            wants_promotions: self.wants_promotions,
            individual_name: some(&self.individual_name),
            business_name: some(&self.business_name),
            tax_id: tax_id(&self.tax_id),
        }
    }
}

/// A tax ID's type, by the country it begins with, and the number.
fn tax_id(typed: &str) -> Option<(String, String)> {
    let number: String =
        typed.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    let kind = match number.get(..2)? {
        "GB" => "gb_vat",
        "CH" => "ch_vat",
        "NO" => "no_vat",
        country if country.bytes().all(|byte| byte.is_ascii_uppercase()) => "eu_vat",
        _ => "us_ein",
    };
    (number.len() > 5).then(|| (kind.to_owned(), number))
}

pub(super) fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn texts(params: &mut Params, name: &str) -> Answer<Vec<(String, String)>> {
    Ok(match params.pairs(name)? {
        Change::Set(pairs) => pairs,
        Change::Leave | Change::Unset => Vec::new(),
    })
}

/// Text of any length: a field that is too long is told by its name.
fn text(params: &mut Params, name: &str) -> Answer<String> {
    Ok(params.typed(name)?.unwrap_or_default().trim().to_owned())
}

fn ticked(params: &mut Params, name: &str) -> Answer<bool> {
    Ok(!matches!(params.typed(name)?.as_deref(), None | Some("0" | "false" | "off")))
}

fn numbers(
    params: &mut Params,
    name: &str,
    not_numbers: &mut Vec<(String, String)>,
) -> Answer<Vec<(String, i64)>> {
    let mut numbers = Vec::new();
    for (key, text) in texts(params, name)? {
        match text.trim().parse() {
            Ok(number) => numbers.push((key, number)),
            Err(_) => not_numbers.push((format!("{name}[{key}]"), text)),
        }
    }
    Ok(numbers)
}
