//! From Stripe's shapes to what the rules speak of.

use std::collections::BTreeMap;

use fulfill_rules::fact::{
    self, Address, CustomField, Customer, Line, Presentment, Rung, Sale, Seen, Shipping,
};

use super::shapes::{
    self, CustomerDetails, Intent, LineItem, PresentmentDetails, Product, Session, ShippingDetails,
};

/// Custom fields that are kept; Stripe has at most three.
const CUSTOM_FIELDS_MAX: usize = 10;
/// Characters of a field's key and label, and of its answer: Stripe's own limits are 200, 50 and 255.
const KEY_CHARS_MAX: usize = 200;
const LABEL_CHARS_MAX: usize = 100;
const ANSWER_CHARS_MAX: usize = 300;

/// What the payment gate looks at.
pub(super) fn seen(session: &Session) -> Seen {
    Seen {
        status: session.status.clone(),
        payment_status: session.payment_status.clone(),
        mode: session.mode.clone(),
        intent: match &session.payment_intent {
            None => fact::Intent::Absent,
            Some(Intent::Expanded(intent)) => {
                intent.status.clone().map_or(fact::Intent::NotReadable, fact::Intent::Status)
            }
            Some(Intent::Id(_) | Intent::Odd) => fact::Intent::NotReadable,
        },
        rung: Rung::default(),
    }
}

/// What was bought; the lines come on their own because they may take several pages.
pub(super) fn sale(session: Session, metadata: Option<String>, lines: Vec<LineItem>) -> Sale {
    let (payment_intent, paid_shipping) = match session.payment_intent {
        Some(Intent::Expanded(intent)) => (intent.id, intent.shipping),
        Some(Intent::Id(id)) => (Some(id), None),
        Some(Intent::Odd) | None => (None, None),
    };
    let places = [
        session.collected_information.and_then(|collected| collected.shipping_details),
        session.shipping_details,
        session.shipping,
        paid_shipping,
    ];
    let id = session.customer.or(session.customer_account).map(|id| id.0);
    Sale {
        mode: session.mode,
        session_status: session.status,
        payment_status: session.payment_status,
        currency: session.currency.map(lower),
        amount_total: session.amount_total,
        presentment: session.presentment_details.and_then(presentment),
        created: session.created,
        payment_intent,
        payment_link: session.payment_link.map(|id| id.0),
        client_reference_id: session.client_reference_id,
        payment_methods: session.payment_method_types.map(|types| types.read).unwrap_or_default(),
        locale: session.locale,
        metadata,
        customer: customer(id, session.customer_details, session.customer_email),
        shipping: places.into_iter().flatten().find_map(shipping),
        custom_fields: session
            .custom_fields
            .into_iter()
            .flat_map(|fields| fields.read)
            .filter_map(custom_field)
            .take(CUSTOM_FIELDS_MAX)
            .collect(),
        lines: lines.into_iter().enumerate().map(|(at, item)| line(at, item)).collect(),
    }
}

fn customer(
    id: Option<String>,
    details: Option<CustomerDetails>,
    email_given: Option<String>,
) -> Customer {
    let Some(details) = details else {
        return Customer { id, email: email_given, ..Customer::default() };
    };
    Customer {
        id,
        email: details.email.or(email_given),
        name: details.name.or(details.individual_name).or(details.business_name),
        phone: details.phone,
    }
}

fn presentment(details: PresentmentDetails) -> Option<Presentment> {
    let (amount, currency) = (details.presentment_amount?, details.presentment_currency?);
    Some(Presentment { amount, currency: lower(currency) })
}

/// An object in which everything is null is no address: the next place is asked.
fn shipping(details: ShippingDetails) -> Option<Shipping> {
    let address = details.address.map(Address::from).unwrap_or_default();
    let empty = details.name.is_none() && address == Address::default();
    (!empty).then_some(Shipping { name: details.name, address })
}

/// A field that was left empty says nothing.
fn custom_field(field: shapes::CustomField) -> Option<CustomField> {
    let typed = field.text.or(field.numeric).and_then(|typed| typed.value);
    let (value, chosen) = match (typed, field.dropdown) {
        (None, Some(dropdown)) => {
            let value = dropdown.value?;
            let options = dropdown.options.into_iter().flat_map(|options| options.read);
            let mut options = options.filter(|o| o.value.as_deref() == Some(value.as_str()));
            let label = options.find_map(|option| option.label);
            (value, label.map(|label| cut(label, ANSWER_CHARS_MAX)))
        }
        (typed, _) => (typed?, None),
    };
    if value.trim().is_empty() {
        return None;
    }
    let key = cut(field.key.unwrap_or_default(), KEY_CHARS_MAX);
    let label = field.label.and_then(|label| label.custom);
    Some(CustomField {
        label: label.map_or_else(|| key.clone(), |label| cut(label, LABEL_CHARS_MAX)),
        key,
        value: cut(value, ANSWER_CHARS_MAX),
        chosen,
    })
}

/// So many characters at most.
fn cut(mut text: String, max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(max) {
        text.truncate(end);
    }
    text
}

fn line(at: usize, item: LineItem) -> Line {
    let (mut price_id, mut lookup_key, mut price_metadata) = (None, None, None);
    let (mut product_id, mut product_name, mut metadata) = (None, None, BTreeMap::new());
    let (mut metered, mut product_unread) = (false, false);
    if let Some(price) = item.price {
        // What is used is counted later: of such a line there is one, and no quantity.
        let usage = price.recurring.and_then(|recurring| recurring.usage_type);
        metered = usage.as_deref() == Some("metered");
        (price_id, lookup_key, price_metadata) = (price.id, price.lookup_key, price.metadata);
        match price.product {
            Some(Product::Expanded(product)) => {
                (product_id, product_name) = (product.id, product.name);
                metadata = product.metadata.unwrap_or_default();
            }
            Some(Product::Id(id)) => (product_id, product_unread) = (Some(id), true),
            None => {}
        }
    }
    metadata.extend(price_metadata.into_iter().flatten());
    metadata.extend(item.metadata.into_iter().flatten());
    Line {
        // The order of lines never changes, so a line without an id can be named by its place.
        id: item.id.unwrap_or_else(|| format!("line-{}", at + 1)),
        product: product_id,
        price: price_id,
        lookup_key,
        description: item.description.or(product_name),
        quantity: item.quantity.unwrap_or(1),
        without_quantity: item.quantity.is_none() && !metered,
        amount_total: item.amount_total,
        currency: item.currency.map(lower),
        product_unread,
        metadata,
    }
}

fn lower(mut currency: String) -> String {
    currency.make_ascii_lowercase();
    currency
}
