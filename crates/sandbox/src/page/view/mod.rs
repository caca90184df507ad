//! What the templates show.

mod buyer;
mod means;
mod order;

use askama::Template;

use self::order::Bill;
use super::{
    amount::shown,
    check::Errors,
    fields::Filled,
    parts::{AddressView, Field, LineView, Maker, MethodView, ShippingView, Tick},
    words::{Problem, Words},
};
use crate::{
    checkout,
    state::{
        State,
        objects::{Mode, Session},
    },
};

/// A page with a title and a sentence.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct MessagePage<'a> {
    pub(super) words: &'static Words,
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    /// Something went well.
    pub(super) good: bool,
    pub(super) facts: Vec<(String, String)>,
    pub(super) note: Option<String>,
    /// Addresses and labels.
    pub(super) links: Vec<(String, String)>,
}

/// The bank's question.
#[derive(Template)]
#[template(path = "authenticate.html")]
pub(super) struct AuthenticatePage {
    pub(super) words: &'static Words,
    pub(super) action: String,
    pub(super) title: &'static str,
    pub(super) question: String,
}

/// Who looks at the page, and what is to be said.
pub(super) struct Look<'a> {
    pub(super) words: &'static Words,
    /// The country that the browser's language names, as `AT`; empty when it names none.
    pub(super) from: &'a str,
    pub(super) filled: &'a Filled,
    pub(super) notice: Option<&'a str>,
    pub(super) errors: &'a Errors,
}

/// The form.
#[derive(Template)]
#[template(path = "checkout.html")]
pub(super) struct CheckoutPage<'a> {
    words: &'static Words,
    session: &'a Session,
    filled: &'a Filled,
    id: &'a str,
    title: String,
    headline: Option<String>,
    per: String,
    button: String,
    back: String,
    cancel_url: Option<&'a str>,
    lines: Vec<LineView>,
    optional: Vec<LineView>,
    promotion_codes: bool,
    applied: Option<String>,
    totals: Vec<(String, String)>,
    total: String,
    expected_amount: i64,
    /// There is something that changes the total.
    changes: bool,
    contact: Vec<Field>,
    shipping: Option<AddressView>,
    shipping_options: Vec<ShippingView>,
    custom: Vec<Field>,
    methods: Vec<MethodView>,
    payer: Option<Field>,
    billing: Option<AddressView>,
    same: bool,
    consents: Vec<Tick>,
    notice: Option<&'a str>,
    errors: &'a Errors,
    /// Where each problem is, and what it is.
    problems: Vec<(String, String)>,
}

impl<'a> CheckoutPage<'a> {
    pub(super) fn new(state: &State, session: &'a Session, look: &Look<'a>) -> Self {
        let Look { words, filled, errors, .. } = *look;
        let terms = &session.terms;
        let bill = Bill::new(state, session, look);
        let maker = Maker { words, errors };
        let shop = shop(session);
        let pays = bill.quote.asks_for_method;
        let methods = if pays { checkout::offered(session) } else { Vec::new() };
        let set_up = terms.mode == Mode::Setup;
        Self {
            words,
            session,
            filled,
            id: &session.id,
            title: title(words, session, shop),
            headline: (!set_up).then(|| bill.shown(bill.quote.total)),
            per: bill.per(),
            button: button(words, session, &bill),
            back: back(words, session),
            cancel_url: terms.cancel_url.as_deref(),
            lines: bill.lines(&maker),
            optional: bill.optional(&maker),
            promotion_codes: terms.promotion_codes,
            applied: bill.applied().map(str::to_owned),
            totals: bill.totals(),
            total: bill.shown(bill.quote.total),
            expected_amount: bill.quote.total,
            changes: bill.changes(),
            contact: buyer::contact(state, session, filled, &maker),
            shipping: buyer::shipping(session, look, &maker),
            shipping_options: bill.shipping_options(),
            custom: buyer::custom(session, filled, &maker),
            payer: pays.then(|| means::payer(&methods, filled, &maker)),
            billing: buyer::billing(session, look, &maker, pays),
            methods: means::methods(&methods, filled, &maker),
            same: !filled.sent || filled.billing_same,
            consents: buyer::consents(session, filled, &maker),
            notice: look.notice,
            errors,
            problems: errors
                .iter()
                .map(|(name, problem)| named(words, session, name, problem))
                .collect(),
        }
    }

    fn error(&self, field: &str) -> Option<String> {
        Maker { words: self.words, errors: self.errors }.error(field)
    }

    fn beside(&self, place: &str) -> Option<&str> {
        self.session.terms.custom_text(place)
    }
}

/// What the shop calls itself.
fn shop(session: &Session) -> Option<&str> {
    session.terms.shown.get("branding_settings")?.get("display_name")?.as_str()
}

/// The label of a link to the shop.
pub(super) fn back(words: &Words, session: &Session) -> String {
    shop(session).map_or_else(|| words.frame.back.to_owned(), words.frame.back_to)
}

fn title(words: &Words, session: &Session, shop: Option<&str>) -> String {
    let words = &words.order;
    let (alone, with_shop) = match (session.terms.mode, session.terms.submit_type) {
        (Mode::Subscription, _) => return words.subscribe.to_owned(),
        (Mode::Setup, _) => return words.save_method.to_owned(),
        (Mode::Payment, Some("donate")) => (words.give, words.give_shop),
        (Mode::Payment, _) => (words.pay, words.pay_shop),
    };
    shop.map_or_else(|| alone.to_owned(), with_shop)
}

fn button(words: &Words, session: &Session, bill: &Bill<'_>) -> String {
    let total = shown(words, bill.quote.total, session.currency());
    match (session.terms.mode, session.terms.submit_type) {
        (Mode::Setup, _) => words.order.save_method.to_owned(),
        (Mode::Subscription, _) => words.order.subscribe.to_owned(),
        _ if !bill.quote.asks_for_method => words.order.complete_order.to_owned(),
        (_, Some("book")) => words.order.book.to_owned(),
        (_, Some("donate")) => (words.order.donate)(&total),
        _ => (words.order.pay_amount)(&total),
    }
}

/// The id of a field with a problem, and the problem.
fn named(words: &Words, session: &Session, name: &str, problem: &Problem) -> (String, String) {
    let within = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(']'));
    let id = if let Some(line) = within("quantity[") {
        format!("q-{line}")
    } else if let Some(line) = within("amount[") {
        format!("a-{line}")
    } else if let Some(line) = within("optional[").or_else(|| within("optional_quantity[")) {
        format!("o-{line}")
    } else if name == "quantity" || name == "fill" {
        "order".to_owned()
    } else if name == "action" {
        "pay".to_owned()
    } else {
        name.replace('[', "-").replace(']', "")
    };
    let text = words.problem(problem);
    let key = within("custom[");
    let asked = key.and_then(|key| session.terms.custom_fields.iter().find(|one| one.key == key));
    // What may be said of any field says which one it is about.
    let of_any = matches!(
        problem,
        Problem::Unprintable | Problem::Country | Problem::Order(checkout::Problem::TooLong(_))
    );
    let label = asked.map(|asked| asked.label.as_str());
    let label = label.or_else(|| words.label(name).filter(|_| of_any));
    (id, label.map_or_else(|| text.clone(), |label| format!("{label}: {text}")))
}
