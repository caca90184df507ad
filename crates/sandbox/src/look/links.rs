//! Payment Links, and the form that makes one.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde_json::{Map, Value, json};

use super::{At, Frame, Newest, newest, page, when};
use crate::{form::Params, money, state::State};

/// Prices that the form offers.
const PRICES_MAX: usize = 50;
const CURRENCIES: [&str; 8] = ["eur", "usd", "gbp", "chf", "jpy", "sek", "pln", "brl"];

#[derive(Template)]
#[template(path = "look/links.html")]
struct Links {
    frame: Frame,
    error: Option<String>,
    typed: Typed,
    currencies: [&'static str; 8],
    prices: Vec<(String, String)>,
    rows: Vec<LinkRow>,
    older: Option<usize>,
}

/// A link in the list.
struct LinkRow {
    id: String,
    at: String,
    url: String,
    sells: String,
    active: bool,
    open: bool,
    completed: i64,
}

/// What was typed into the form.
#[derive(Default)]
pub(super) struct Typed {
    price: String,
    name: String,
    amount: String,
    currency: String,
    quantity: String,
    adjustable: bool,
    countries: String,
    billing: bool,
    phone: bool,
    codes: bool,
    redirects: bool,
    message: String,
    url: String,
}

impl Typed {
    pub(super) fn read(form: &mut Params) -> Self {
        let mut text = |name: &str| form.text(name).ok().flatten().unwrap_or_default();
        Self {
            price: text("price"),
            name: text("name"),
            amount: text("amount"),
            currency: text("currency").to_lowercase(),
            quantity: text("quantity"),
            adjustable: !text("adjustable").is_empty(),
            countries: text("countries"),
            billing: !text("billing").is_empty(),
            phone: !text("phone").is_empty(),
            codes: !text("codes").is_empty(),
            redirects: text("after") == "redirect",
            message: text("message"),
            url: text("url"),
        }
    }

    /// The parameters of `POST /v1/payment_links`, or what is missing.
    pub(super) fn asked(&self) -> Result<Value, String> {
        let mut line = Map::new();
        line.insert("quantity".to_owned(), self.quantity()?.into());
        if self.adjustable {
            line.insert("adjustable_quantity".to_owned(), json!({ "enabled": true }));
        }
        if self.price.is_empty() {
            line.insert("price_data".to_owned(), self.price_data()?);
        } else {
            line.insert("price".to_owned(), self.price.as_str().into());
        }
        let mut asked = Map::new();
        let mut ask = |name: &str, value: Value| asked.insert(name.to_owned(), value);
        ask("line_items", json!([line]));
        let countries: Vec<String> = self
            .countries
            .split([',', ' '])
            .filter(|code| !code.is_empty())
            .map(str::to_uppercase)
            .collect();
        if !countries.is_empty() {
            ask("shipping_address_collection", json!({ "allowed_countries": countries }));
        }
        if self.billing {
            ask("billing_address_collection", "required".into());
        }
        if self.phone {
            ask("phone_number_collection", json!({ "enabled": true }));
        }
        if self.codes {
            ask("allow_promotion_codes", true.into());
        }
        if self.redirects {
            let fits = ["http://", "https://"].iter().any(|scheme| self.url.starts_with(scheme));
            if !fits {
                return Err("The address to redirect to begins with http:// or https://.".into());
            }
            ask("after_completion", json!({ "type": "redirect", "redirect": { "url": self.url } }));
        } else if !self.message.is_empty() {
            let confirmation = json!({ "custom_message": self.message });
            ask(
                "after_completion",
                json!({ "type": "hosted_confirmation", "hosted_confirmation": confirmation }),
            );
        }
        Ok(asked.into())
    }

    fn quantity(&self) -> Result<i64, String> {
        let quantity = if self.quantity.is_empty() { Ok(1) } else { self.quantity.trim().parse() };
        quantity
            .ok()
            .filter(|quantity| *quantity > 0)
            .ok_or_else(|| "The quantity is a whole number from 1 on.".to_owned())
    }

    fn price_data(&self) -> Result<Value, String> {
        if self.name.trim().is_empty() {
            return Err("Give the product a name, or choose a price that exists.".to_owned());
        }
        let amount = money::read(&self.amount, &self.currency)
            .ok_or_else(|| "The amount is a number as 12.50.".to_owned())?;
        Ok(json!({
            "currency": self.currency,
            "unit_amount": amount,
            "product_data": { "name": self.name.trim() },
        }))
    }
}

/// The list and the form; with what was typed and what is wrong with it.
pub(super) fn list(at: &At<'_>, typed: Typed, error: Option<String>) -> Response {
    let state = &at.app.read();
    let Newest { rows, older } = newest(&state.links, at.before(), |_| true);
    let rows = rows.iter().map(|link| {
        let currency = link.terms.currency.as_deref().unwrap_or("usd");
        let sells = link.lines.iter().map(|line| {
            let amount = money::shown(line.subtotal(), currency);
            format!("{} × {}, {amount}", line.quantity, line.description)
        });
        LinkRow {
            id: link.id.to_string(),
            at: when(link.created * 1_000),
            url: format!("{}/l/{}", state.base, link.slug),
            sells: sells.collect::<Vec<_>>().join("; "),
            active: link.active,
            open: link.is_open(),
            completed: link.completed,
        }
    });
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = Links {
        frame: at.frame(state, "Payment Links", "links"),
        error,
        typed,
        currencies: CURRENCIES,
        prices: prices(state),
        rows: rows.collect(),
        older,
    };
    page(status, &template)
}

fn prices(state: &State) -> Vec<(String, String)> {
    let wanted = state.prices.iter().rev().filter(|price| price.active).take(PRICES_MAX);
    let named = wanted.map(|price| {
        let product = state.products.get(&price.product);
        let name = product.map_or_else(|| price.product.to_string(), |row| row.name.clone());
        let amount = money::shown(price.unit_amount, &price.currency);
        let every = price.recurring.map_or("", |recurring| recurring.interval);
        let slash = if every.is_empty() { "" } else { " / " };
        (price.id.to_string(), format!("{name}, {amount}{slash}{every}"))
    });
    named.collect()
}
