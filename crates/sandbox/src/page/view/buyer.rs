//! Who buys, where it goes, and what the merchant wants to know.

use super::Look;
use crate::{
    page::{
        address,
        check::chosen,
        fields::{Filled, Place},
        parts::{AddressView, Field, Maker, Tick},
        words::Words,
    },
    state::{
        State,
        objects::{Ask, FieldKind, Session},
    },
};

/// E-mail, names, phone, tax number.
pub(super) fn contact(
    state: &State,
    session: &Session,
    filled: &Filled,
    maker: &Maker<'_>,
) -> Vec<Field> {
    let (words, terms) = (&maker.words.buyer, &session.terms);
    let customer = session.customer.as_ref().and_then(|id| state.customers.get(id));
    let known = session
        .customer_email
        .clone()
        .or_else(|| customer.and_then(|customer| customer.email.clone()));
    let email = match known {
        Some(email) => maker.text("email", words.email, &email).fixed(),
        None => maker.text("email", words.email, &filled.email),
    };
    let mut fields = vec![email.of_kind("email").fills("email")];
    if terms.phone {
        let phone = maker.text("phone", words.phone, &filled.phone);
        fields.push(phone.of_kind("tel").fills("tel"));
    }
    for (ask, name, label, value, fills) in [
        (
            terms.individual_name,
            "individual_name",
            words.full_name,
            &filled.individual_name,
            "name",
        ),
        (
            terms.business_name,
            "business_name",
            words.business,
            &filled.business_name,
            "organization",
        ),
        (terms.tax_id, "tax_id", words.tax_number, &filled.tax_id, "off"),
    ] {
        let field = || maker.text(name, label, value).fills(fills);
        match ask {
            Ask::No => {}
            Ask::Optional => fields.push(field().optional(maker.words)),
            Ask::Required => fields.push(field()),
        }
    }
    fields
}

/// The names of an address's fields, and how a browser fills them in.
struct Names {
    line1: &'static str,
    line2: &'static str,
    city: &'static str,
    state: &'static str,
    postal_code: &'static str,
    country: &'static str,
    fills: [&'static str; 6],
}

const SHIPPING: Names = Names {
    line1: "line1",
    line2: "line2",
    city: "city",
    state: "state",
    postal_code: "shipping_postal_code",
    country: "country",
    fills: [
        "shipping address-line1",
        "shipping address-line2",
        "shipping address-level2",
        "shipping address-level1",
        "shipping postal-code",
        "shipping country",
    ],
};

const BILLING: Names = Names {
    line1: "billing_line1",
    line2: "billing_line2",
    city: "billing_city",
    state: "billing_state",
    postal_code: "postal_code",
    country: "billing_country",
    fills: [
        "billing address-line1",
        "billing address-line2",
        "billing address-level2",
        "billing address-level1",
        "billing postal-code",
        "billing country",
    ],
};

pub(super) fn shipping(
    session: &Session,
    look: &Look<'_>,
    maker: &Maker<'_>,
) -> Option<AddressView> {
    let countries = session.terms.ships_to.as_ref()?;
    let words = maker.words;
    let mut place = look.filled.shipping.clone();
    let wishes = [place.country.as_str(), look.from, address::home(session.currency())];
    let wish = wishes.into_iter().find(|code| countries.iter().any(|known| known == code));
    place.country = wish.map(str::to_owned).or_else(|| countries.first().cloned())?;
    let mut named: Vec<(String, String)> = countries
        .iter()
        .map(|code| {
            let name = words.country(code);
            (code.clone(), if name.is_empty() { code.clone() } else { name.to_owned() })
        })
        .collect();
    named.sort_by(|(_, one), (_, other)| one.cmp(other));
    let mut fields = vec![
        maker.text("shipping_name", words.buyer.full_name, &place.name).fills("shipping name"),
        country(&place, &SHIPPING, named, maker),
    ];
    fields.extend(whole(&place, &SHIPPING, maker));
    Some(AddressView { fields })
}

fn country(
    place: &Place,
    names: &Names,
    options: Vec<(String, String)>,
    maker: &Maker<'_>,
) -> Field {
    maker
        .text(names.country, maker.words.buyer.country, &place.country)
        .one_of(options)
        .fills(names.fills[5])
        .updating()
}

/// Street, city, postcode and state, as the country writes them.
fn whole(place: &Place, names: &Names, maker: &Maker<'_>) -> Vec<Field> {
    let words = &maker.words.buyer;
    let country = place.country.as_str();
    let city = maker.text(names.city, words.city, &place.city).fills(names.fills[2]).half();
    let postcode = postcode(place, names, maker).half();
    let mut fields = vec![
        maker.text(names.line1, words.line1, &place.line1).fills(names.fills[0]),
        maker
            .text(names.line2, words.line2, &place.line2)
            .fills(names.fills[1])
            .optional(maker.words),
    ];
    let state = state(place, names, maker);
    match (address::has_postcode(country), state) {
        (true, None) => fields.extend([postcode, city]),
        (true, Some(state)) if address::states(country).is_empty() => {
            fields.extend([postcode, city, state]);
        }
        (true, Some(state)) => {
            fields.extend([Field { half: false, ..city }, state.half(), postcode]);
        }
        (false, Some(state)) => fields.extend([city, state.half()]),
        (false, None) => fields.push(Field { half: false, ..city }),
    }
    fields
}

fn state(place: &Place, names: &Names, maker: &Maker<'_>) -> Option<Field> {
    let words = &maker.words.buyer;
    let country = place.country.as_str();
    if !address::has_region(country) {
        return None;
    }
    let label = match country {
        "US" | "AU" => words.state,
        "CA" => words.province,
        _ => words.region,
    };
    let field = maker.text(names.state, label, &place.state).fills(names.fills[3]);
    let states = address::states(country);
    if states.is_empty() {
        return Some(field.optional(maker.words));
    }
    let mut options = vec![(String::new(), words.choose.to_owned())];
    options.extend(states.into_iter().map(|(code, name)| (code.to_owned(), name.to_owned())));
    Some(field.one_of(options))
}

fn postcode(place: &Place, names: &Names, maker: &Maker<'_>) -> Field {
    let words = &maker.words.buyer;
    let label = if place.country == "US" { words.zip } else { words.postcode };
    maker
        .text(names.postal_code, label, &place.postal_code)
        .fills(names.fills[4])
        .like(address::example(&place.country).unwrap_or_default())
}

/// Where the bill goes: the whole address, or what a card's bank wants to know.
pub(super) fn billing(
    session: &Session,
    look: &Look<'_>,
    maker: &Maker<'_>,
    pays: bool,
) -> Option<AddressView> {
    let card = pays && chosen(look.filled, session).is_none_or(|method| method == "card");
    let whole_address = session.terms.billing_address;
    if !card && !whole_address {
        return None;
    }
    let words = maker.words;
    let mut place = look.filled.billing.clone();
    let wishes = [place.country.as_str(), look.from, address::home(session.currency())];
    let wish = wishes.into_iter().find(|code| !words.country(code).is_empty());
    place.country = wish.unwrap_or("US").to_owned();
    let named = words.countries().map(|(code, name)| (code.to_owned(), name.to_owned()));
    let mut fields = vec![country(&place, &BILLING, named.collect(), maker)];
    if whole_address {
        fields.extend(whole(&place, &BILLING, maker));
    } else if address::card_postcode(&place.country) || maker.error("postal_code").is_some() {
        fields.push(postcode(&place, &BILLING, maker));
    }
    Some(AddressView { fields })
}

/// The merchant's own questions.
pub(super) fn custom(session: &Session, filled: &Filled, maker: &Maker<'_>) -> Vec<Field> {
    let words: &Words = maker.words;
    let fields = session.terms.custom_fields.iter().map(|asked| {
        let answer = filled.custom(&asked.key);
        let default = asked.default.as_deref().filter(|_| !filled.sent).unwrap_or_default();
        let value = if answer.is_empty() { default } else { answer };
        let field = maker.text(&format!("custom[{}]", asked.key), &asked.label, value);
        let field = match &asked.kind {
            FieldKind::Text { .. } => field,
            FieldKind::Numeric { .. } => field.digits(),
            FieldKind::Dropdown(options) => {
                let mut all = vec![(String::new(), words.buyer.choose.to_owned())];
                all.extend(options.iter().cloned());
                field.one_of(all)
            }
        };
        if asked.optional { field.optional(words) } else { field }
    });
    fields.collect()
}

pub(super) fn consents(session: &Session, filled: &Filled, maker: &Maker<'_>) -> Vec<Tick> {
    let (words, terms) = (&maker.words.buyer, &session.terms);
    let mut ticks = Vec::new();
    if terms.promotions {
        ticks.push(Tick {
            name: "promotions",
            label: words.agree_promotions.to_owned(),
            checked: filled.wants_promotions,
            required: false,
            error: None,
        });
    }
    if terms.terms_of_service {
        let own = terms.custom_text("terms_of_service_acceptance");
        ticks.push(Tick {
            name: "terms_of_service",
            label: own.unwrap_or(words.agree_terms).to_owned(),
            checked: filled.accepts_terms,
            required: true,
            error: maker.error("terms_of_service"),
        });
    }
    ticks
}
