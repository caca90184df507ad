//! How an address is written: in its country's order, that carriers read, and with the country's name in
//! the reader's language.

use fulfill_rules::fact::{Address, Shipping};

use super::{ENGLISH, Language};

/// The rows of city, state and postcode, by country.
enum Order {
    /// `San Francisco, CA 94103`.
    StateAndCode(&'static str),
    /// `London`, and `SW1A 1AA` on a row of its own.
    CodeBelow,
    /// `10115 Berlin`.
    CodeFirst,
}

fn order(country: &str) -> Order {
    match country {
        "US" | "AS" | "GU" | "MP" | "PR" | "UM" | "VI" => Order::StateAndCode(", "),
        "AU" | "CA" | "CX" | "CC" | "NF" | "BD" | "BN" | "CN" | "HK" | "ID" | "IN" | "JP"
        | "KR" | "LB" | "MO" | "NP" | "NZ" | "PK" | "SG" | "TH" | "TW" | "VN" | "ZA" => {
            Order::StateAndCode(" ")
        }
        "GB" | "GG" | "GI" | "IE" | "IM" | "JE" | "FK" | "MT" | "KE" | "LK" => Order::CodeBelow,
        _ => Order::CodeFirst,
    }
}

/// The name of a country in a language; the code itself where it has none.
pub(crate) fn country<'a>(language: &Language, code: &'a str) -> &'a str {
    let mut names = language.country_names.lines().filter_map(|line| line.split_once(' '));
    names.find(|(known, _)| *known == code).map_or(code, |(_, name)| name)
}

/// An address as it stands on a parcel, row by row.
pub(crate) fn rows(to: &Shipping, language: &Language) -> Vec<String> {
    let Address { line1, line2, city, state, postal_code, country: code } = &to.address;
    let [name, line1, line2, city, state, postal_code, code] =
        [&to.name, line1, line2, city, state, postal_code, code]
            .map(|part| part.as_deref().map(str::trim).unwrap_or_default());
    let place = match order(code) {
        Order::StateAndCode(between) => {
            [joined(&[&joined(&[city, state], between), postal_code], " "), String::new()]
        }
        Order::CodeBelow => [joined(&[city, state], ", "), postal_code.to_owned()],
        Order::CodeFirst => [joined(&[postal_code, city], " "), state.to_owned()],
    };
    let [place, rest] = &place;
    let rows = [name, line1, line2, place, rest, country(language, code)];
    rows.into_iter().filter(|row| !row.is_empty()).map(str::to_owned).collect()
}

/// An address as it stands on a parcel, row by row, the country in English.
#[must_use]
pub fn address_rows(to: &Shipping) -> Vec<String> {
    rows(to, &ENGLISH)
}

/// Those parts that say something.
fn joined(parts: &[&str], between: &str) -> String {
    let said: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    said.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::{ALL, GERMAN};

    fn to(parts: [&str; 4]) -> Shipping {
        let [city, state, postal_code, country] =
            parts.map(|part| (!part.is_empty()).then(|| part.to_owned()));
        let line1 = Some("1 Long Street".to_owned());
        let address = Address { line1, city, state, postal_code, country, ..Address::default() };
        Shipping { name: Some("Ann".to_owned()), address }
    }

    #[test]
    fn an_address_has_the_order_of_its_country() {
        for (parts, shown) in [
            (["San Francisco", "CA", "94103", "US"], "San Francisco, CA 94103 / United States"),
            (["Toronto", "ON", "M5V 2H1", "CA"], "Toronto ON M5V 2H1 / Canada"),
            (["Sydney", "NSW", "2000", "AU"], "Sydney NSW 2000 / Australia"),
            (["London", "", "SW1A 1AA", "GB"], "London / SW1A 1AA / United Kingdom"),
            (
                ["Dublin", "County Dublin", "D02 X285", "IE"],
                "Dublin, County Dublin / D02 X285 / Ireland",
            ),
            (["Berlin", "", "10115", "DE"], "10115 Berlin / Germany"),
            (["Roma", "RM", "00144", "IT"], "00144 Roma / RM / Italy"),
            (["Paris", "", "", "FR"], "Paris / France"),
            (["", "CA", "", "US"], "CA / United States"),
            (["Far Away", "", "1", "ZZ"], "1 Far Away / ZZ"),
            (["Nowhere", " ", "", ""], "Nowhere"),
        ] {
            let rows = rows(&to(parts), &ENGLISH);
            assert_eq!(rows.join(" / "), format!("Ann / 1 Long Street / {shown}"));
        }
        assert!(rows(&Shipping::default(), &ENGLISH).is_empty());
    }

    #[test]
    fn countries_have_names_in_every_language() {
        assert_eq!(country(&GERMAN, "AT"), "Österreich");
        assert_eq!(country(&ENGLISH, "AT"), "Austria");
        let codes = |language: &Language| -> Vec<&str> {
            language.country_names.lines().filter_map(|line| line.get(..2)).collect()
        };
        for language in ALL {
            assert_eq!(codes(language), codes(&ENGLISH), "{}", language.tag);
            for line in language.country_names.lines() {
                let (code, name) = line.split_once(' ').unwrap();
                assert!(code.len() == 2 && name.len() > 2, "{line}");
            }
        }
        // All that Stripe ships to.
        assert_eq!(codes(&ENGLISH).len(), 237);
    }
}
