//! Buying without the page: what tests and `/_sandbox/pay` use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    change::Change,
    checkout::{self, Answers, Choices, Means, Payment, Refusal},
    instruments, page,
    state::{
        State,
        objects::{Address, Ask, Buyer, Ends, Session, Shipping, Status, Terms},
    },
};

/// How a purchase is paid, and how that ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A card; paid at once.
    #[default]
    Card,
    /// A bank debit that arrives after the settling time.
    Debit,
    /// A bank debit that fails after the settling time.
    DebitFails,
    /// Nothing is due.
    Free,
    /// A card that is declined.
    Declined,
    /// A card; paid at once, and disputed by its owner right after.
    Disputed,
    /// A card; refunds of it are pending for the settling time.
    RefundPends,
    /// A card; refunds of it fail after the settling time.
    RefundFails,
    /// A bank debit that arrives after the settling time, and is returned then: disputed and lost.
    DebitReturned,
    /// A voucher that is paid after the settling time.
    Voucher,
    /// A voucher that nobody pays: it expires after seven days.
    VoucherExpires,
}

/// What a buyer tells beside how to pay. Everything can be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Purchase {
    /// The buyer's e-mail address; `buyer@example.com` if left out.
    pub email: Option<String>,
    /// The buyer's name.
    pub name: Option<String>,
    /// The buyer's phone number; one that fits if left out and the session asks for it.
    pub phone: Option<String>,
    /// Where to ship; kept when the session asks for an address. One that it allows if left out; none
    /// with an empty `address`.
    pub shipping: Option<ShipTo>,
    /// Where the bill goes; where to ship if left out, or one that fits if the session asks for it.
    pub billing: Option<PostalAddress>,
    /// What the buyer saw and paid, when prices are shown in the buyer's own currency.
    pub presentment: Option<Presentment>,
    /// Quantities of adjustable lines by line id (`li_…`); 0 removes a line.
    pub quantities: BTreeMap<String, i64>,
    /// Quantities of optional items by their price (`price_…`); 0 does not take one.
    pub optional: BTreeMap<String, i64>,
    /// Amounts by line id, in minor units, where the price lets the buyer choose.
    pub amounts: BTreeMap<String, i64>,
    /// One of the session's shipping rates (`shr_…`); the first if left out.
    pub shipping_rate: Option<String>,
    /// A promotion code, as a buyer types it.
    pub promotion_code: Option<String>,
    /// Values of custom fields by key; required ones that are left out get one that fits.
    pub custom_fields: BTreeMap<String, String>,
}

/// An amount in the buyer's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presentment {
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 in lower case, as `usd`.
    pub currency: String,
}

/// A name and an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShipTo {
    /// The recipient's name.
    pub name: Option<String>,
    /// The address.
    pub address: PostalAddress,
}

/// An address, as Stripe names its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostalAddress {
    /// Street and number.
    pub line1: Option<String>,
    /// A second line.
    pub line2: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// State, county or province.
    pub state: Option<String>,
    /// The postcode.
    pub postal_code: Option<String>,
    /// ISO 3166 alpha-2, as `DE`.
    pub country: Option<String>,
}

/// Why a purchase did not complete the session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayError {
    /// Nobody knows the session.
    #[error("there is no session {0}")]
    NoSession(String),
    /// The session is complete or expired.
    #[error("session {0} is no longer open: it is {1}")]
    NotOpen(String, &'static str),
    /// The bank declined; the session stays open.
    #[error("the payment was declined: {0}")]
    Declined(String),
    /// It was made, but the disk has not taken it; it may be forgotten.
    #[error("the sandbox cannot store the payment: {0}")]
    NotStored(String),
    /// A field of the purchase is wrong.
    #[error("{0}: {1}")]
    Field(String, String),
}

impl From<PostalAddress> for Address {
    fn from(from: PostalAddress) -> Self {
        let PostalAddress { line1, line2, city, state, postal_code, country } = from;
        Self { line1, line2, city, state, postal_code, country }
    }
}

/// A session is paid, without its page.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Buy {
    pub(crate) session: String,
    pub(crate) method: Method,
    pub(crate) purchase: Box<Purchase>,
}

impl Change for Buy {
    type Outcome = Result<(), PayError>;

    fn apply(self, state: &mut State) -> Self::Outcome {
        let Self { session, method, purchase } = self;
        let session = session.as_str();
        let asked = state.sessions.get(session);
        let euro = asked.is_none_or(|session| session.currency() == "eur");
        // The first that the session offers; one that it refuses where it offers none.
        let offered = asked.map(|session| checkout::offered(session)).unwrap_or_default();
        let slip = offered.into_iter().find(|kind| instruments::is_voucher(kind));
        let voucher = |paid| instruments::voucher(slip.unwrap_or("multibanco"), paid);
        let debit = |fails| Means::new(instruments::account(euro), Ends::Later { fails });
        let card = |number| instruments::card(number, "12/34", "123", (2000, 1)).ok();
        let means = match method {
            Method::Card => Some(Means::new(instruments::visa("4242"), Ends::AtOnce)),
            Method::Declined => {
                Some(Means::new(instruments::visa("0002"), Ends::Refused(instruments::DECLINED)))
            }
            Method::Disputed => card("4000000000000259"),
            Method::RefundPends => card("4000000000007726"),
            Method::RefundFails => card("4000000000005126"),
            Method::DebitReturned => instruments::iban("AT591904300235473203").ok(),
            Method::Voucher => voucher(true),
            Method::VoucherExpires => voucher(false),
            Method::Debit => Some(debit(false)),
            Method::DebitFails => Some(debit(true)),
            Method::Free => None,
        };
        let mut payment = Payment { means, ..payment(*purchase) };
        if let Some(session) = state.sessions.get(session) {
            answer_the_rest(&mut payment, session);
        }
        checkout::pay(state, session, payment).map(|_| ()).map_err(|refusal| told(session, refusal))
    }
}

/// Nothing is shipped to nobody.
const SOMEBODY: &str = "A Buyer";

fn payment(purchase: Purchase) -> Payment {
    let shipping = purchase.shipping.map(|to| Shipping {
        name: to.name.or_else(|| purchase.name.clone()).or_else(|| Some(SOMEBODY.to_owned())),
        phone: purchase.phone.clone(),
        address: to.address.into(),
        ..Shipping::default()
    });
    let name = purchase.name.clone();
    let shipped_to = || shipping.as_ref().map(|shipping| shipping.address.clone());
    let address = purchase.billing.map(Into::into).or_else(shipped_to).unwrap_or_default();
    Payment {
        means: None,
        buyer: Buyer {
            email: purchase.email.or_else(|| Some("buyer@example.com".into())),
            name: purchase.name,
            phone: purchase.phone,
            address,
        },
        shipping,
        presentment: purchase.presentment,
        choices: Choices {
            quantities: purchase.quantities.into_iter().collect(),
            optional: purchase.optional.into_iter().collect(),
            amounts: purchase.amounts.into_iter().collect(),
            shipping_rate: purchase.shipping_rate,
            promotion_code: purchase.promotion_code,
            email: None,
        },
        answers: Answers {
            custom_fields: purchase.custom_fields.into_iter().collect(),
            accepts_terms: true,
            wants_promotions: false,
            individual_name: name,
            business_name: None,
            tax_id: None,
        },
    }
}

/// A number that nobody has.
const PHONE: &str = "+15555550100";

/// Answers what the session asks for and the purchase leaves out.
fn answer_the_rest(payment: &mut Payment, session: &Session) {
    let terms = &session.terms;
    if terms.phone && payment.buyer.phone.is_none() {
        payment.buyer.phone = Some(PHONE.to_owned());
    }
    let home = page::home(session.currency());
    if let Some(countries) = terms.ships_to.as_ref().filter(|_| payment.shipping.is_none()) {
        let lives_there = countries.iter().any(|code| code == home);
        let country = if lives_there { Some(home) } else { countries.first().map(String::as_str) };
        let address = page::some_address(country.unwrap_or(home));
        if payment.buyer.address == Address::default() {
            payment.buyer.address = address.clone();
        }
        payment.shipping = Some(Shipping {
            name: payment.buyer.name.clone().or_else(|| Some(SOMEBODY.to_owned())),
            phone: payment.buyer.phone.clone(),
            address,
            ..Shipping::default()
        });
    }
    if terms.billing_address && payment.buyer.address == Address::default() {
        payment.buyer.address = page::some_address(home);
    }
    answer_questions(&mut payment.answers, terms);
}

/// Answers the merchant's own questions, as far as they have to be answered.
fn answer_questions(answers: &mut Answers, terms: &Terms) {
    for field in terms.custom_fields.iter().filter(|field| !field.optional) {
        if answers.custom_field(&field.key).is_none() {
            answers.custom_fields.push((field.key.clone(), field.any_answer()));
        }
    }
    let some = |ask: Ask, text: &str| (ask == Ask::Required).then(|| text.to_owned());
    answers.individual_name = match terms.individual_name {
        Ask::No => None,
        ask => answers.individual_name.take().or_else(|| some(ask, "Jenny Rosen")),
    };
    answers.business_name = some(terms.business_name, "Rosen Ltd.");
    if terms.tax_id == Ask::Required {
        answers.tax_id = Some(("eu_vat".to_owned(), "DE123456789".to_owned()));
    }
}

fn told(session: &str, refusal: Refusal) -> PayError {
    match refusal {
        Refusal::NoSession => PayError::NoSession(session.to_owned()),
        Refusal::NotOpen(Status::Expired) => PayError::NotOpen(session.to_owned(), "expired"),
        Refusal::NotOpen(_) => PayError::NotOpen(session.to_owned(), "complete"),
        Refusal::LinkFull => PayError::Field(
            "session".to_owned(),
            format!("{session} is of a payment link that takes no more payments"),
        ),
        Refusal::Declined(failure) => PayError::Declined(failure.message.to_owned()),
        Refusal::Authenticate => PayError::Declined("the bank asks the buyer first".to_owned()),
        Refusal::Field(field, message) => PayError::Field(field, message),
    }
}
