//! What the templates show.

use askama::Template;

use super::fields::{Filled, offered};
use crate::{
    checkout::{self, Choices},
    money,
    state::{
        State,
        objects::{Mode, Session},
    },
};

/// A page with a title and a sentence.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct MessagePage<'a> {
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    pub(super) link: Option<(&'a str, &'a str)>,
}

/// The bank's question.
#[derive(Template)]
#[template(path = "authenticate.html")]
pub(super) struct AuthenticatePage<'a> {
    pub(super) id: &'a str,
    pub(super) amount: &'a str,
}

/// The form.
#[derive(Template)]
#[template(path = "checkout.html")]
pub(super) struct CheckoutPage<'a> {
    id: &'a str,
    title: &'static str,
    button: String,
    lines: Vec<LineView>,
    adjustable: bool,
    discount: Option<String>,
    total: String,
    email: Option<String>,
    filled: &'a Filled,
    phone: bool,
    ships_to: Option<&'a [String]>,
    promotion_codes: bool,
    methods: Vec<&'static str>,
    chosen: &'a str,
    cancel_url: Option<&'a str>,
    notice: Option<&'a str>,
    errors: &'a [(String, String)],
}

/// One line of the order.
struct LineView {
    id: String,
    name: String,
    quantity: i64,
    range: Option<(i64, i64)>,
    amount: String,
}

impl<'a> CheckoutPage<'a> {
    pub(super) fn new(
        state: &State,
        session: &'a Session,
        filled: &'a Filled,
        notice: Option<&'a str>,
        errors: &'a [(String, String)],
    ) -> Self {
        let terms = &session.terms;
        // What is wrong about the choices stands at their fields.
        let quote = checkout::quote(state, session, &filled.choices())
            .or_else(|_| checkout::quote(state, session, &Choices::default()));
        let (wanted, off, due) = match quote {
            Ok(quote) => (quote.lines, quote.discounted, quote.total),
            Err(_) => (session.lines.clone(), session.discounted(), session.total()),
        };
        let currency = session.currency();
        let free = due == 0 && terms.mode != Mode::Setup;
        let customer = session.customer.as_ref().and_then(|id| state.customers.get(id));
        let methods = if free { Vec::new() } else { offered(session) };
        let chosen = methods
            .iter()
            .copied()
            .find(|method| *method == filled.method)
            .or(methods.first().copied());
        Self {
            id: &session.id,
            title: if terms.mode == Mode::Subscription { "Subscribe" } else { "Checkout" },
            button: match terms.mode {
                Mode::Setup => "Save payment method".to_owned(),
                _ if free => "Complete order".to_owned(),
                Mode::Payment | Mode::Subscription => {
                    format!("Pay {}", money::shown(due, currency))
                }
            },
            adjustable: wanted.iter().any(|line| line.adjustable.is_some()),
            lines: wanted
                .into_iter()
                .map(|line| LineView {
                    id: line.id.to_string(),
                    amount: money::shown(line.subtotal(), currency),
                    range: line.adjustable.map(|range| (range.minimum, range.maximum)),
                    name: line.description,
                    quantity: line.quantity,
                })
                .collect(),
            discount: (off > 0).then(|| money::shown(-off, currency)),
            total: money::shown(due, currency),
            email: session
                .customer_email
                .clone()
                .or_else(|| customer.and_then(|customer| customer.email.clone())),
            filled,
            phone: terms.phone,
            ships_to: terms.ships_to.as_deref(),
            promotion_codes: terms.promotion_codes,
            methods,
            chosen: chosen.unwrap_or_default(),
            cancel_url: terms.cancel_url.as_deref(),
            notice,
            errors,
        }
    }

    fn error(&self, field: &str) -> Option<&'a str> {
        self.errors.iter().find(|(name, _)| name == field).map(|(_, text)| text.as_str())
    }

    fn line_error(&self, id: &str) -> Option<&'a str> {
        self.error(&format!("quantity[{id}]"))
    }
}
