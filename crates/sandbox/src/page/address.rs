//! What an address needs, by country: which postcodes there are, and whether a state belongs to it.

use crate::state::objects::Address;

/// Postcodes of a country as masks: `9` is a digit, `A` a letter, a space or a hyphen may be left
/// out. The first is the example that is shown, with its digits as they are.
const POSTCODES: [(&str, &[&str]); 36] = [
    ("AT", &["9999"]),
    ("AU", &["9999"]),
    ("BE", &["9999"]),
    ("BG", &["9999"]),
    ("BR", &["99999-999"]),
    ("CA", &["A9A 9A9"]),
    ("CH", &["9999"]),
    ("CY", &["9999"]),
    ("CZ", &["999 99"]),
    ("DE", &["99999"]),
    ("DK", &["9999"]),
    ("EE", &["99999"]),
    ("ES", &["99999"]),
    ("FI", &["99999"]),
    ("FR", &["99999"]),
    ("GB", &["AA9A 9AA", "A9A 9AA", "A9 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA"]),
    ("GR", &["999 99"]),
    ("HU", &["9999"]),
    ("IN", &["999999"]),
    ("IT", &["99999"]),
    ("JP", &["999-9999"]),
    ("LI", &["9999"]),
    ("LT", &["99999"]),
    ("LU", &["9999"]),
    ("MX", &["99999"]),
    ("NL", &["9999 AA"]),
    ("NO", &["9999"]),
    ("NZ", &["9999"]),
    ("PL", &["99-999"]),
    ("PT", &["9999-999"]),
    ("SE", &["999 99"]),
    ("SG", &["999999"]),
    ("SI", &["9999"]),
    ("SK", &["999 99"]),
    ("PR", &["99999", "99999-9999"]),
    ("US", &["99999", "99999-9999"]),
];

/// Countries that have none, or where many addresses do without.
const WITHOUT_POSTCODE: &str = "AC AE AG AO AQ AW BF BI BJ BO BQ BS BV BW BZ CD CF CG CI CK CM CO \
    CV CW DJ DM EH ER FJ GA GD GH GM GN GQ GY HK IE JM KE KI KM KN LC LY ML MO MR MW NR NU PA QA RW SB SC \
    SL SO SR SS ST SV SX SY TD TF TG TK TL TO TT TV TZ UG VU YE ZM ZW";

const STATES: [(&str, &str); 3] = [
    (
        "US",
        "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming",
    ),
    (
        "CA",
        "AB Alberta|BC British Columbia|MB Manitoba|NB New Brunswick|NL Newfoundland and Labrador|NT Northwest Territories|NS Nova Scotia|NU Nunavut|ON Ontario|PE Prince Edward Island|QC Quebec|SK Saskatchewan|YT Yukon",
    ),
    (
        "AU",
        "ACT Australian Capital Territory|NSW New South Wales|NT Northern Territory|QLD Queensland|SA South Australia|TAS Tasmania|VIC Victoria|WA Western Australia",
    ),
];

/// Countries whose addresses often name a region, without a list of them here.
const WITH_REGION: &str =
    "AE AR BR CL CN CO CR EG ES HK ID IE IN IT JP KR MX MY NG PE PH RU TH TW UA";

/// What is wrong with a postcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostcodeWrong {
    Missing,
    Shape(&'static str),
}

fn masks(country: &str) -> Option<&'static [&'static str]> {
    POSTCODES.iter().find(|(code, _)| *code == country).map(|(_, masks)| *masks)
}

/// An address in this country has a postcode.
pub(super) fn has_postcode(country: &str) -> bool {
    !WITHOUT_POSTCODE.split(' ').any(|code| code == country)
}

/// Where a card's postcode is asked for, as Stripe does; elsewhere banks do not check it.
pub(super) fn card_postcode(country: &str) -> bool {
    ["US", "PR", "CA", "GB"].contains(&country)
}

/// Checks a postcode of this country.
pub(super) fn postcode(country: &str, text: &str) -> Result<(), PostcodeWrong> {
    if text.is_empty() {
        return if has_postcode(country) { Err(PostcodeWrong::Missing) } else { Ok(()) };
    }
    match masks(country) {
        Some(masks) if !masks.iter().any(|mask| fits(mask, text)) => {
            Err(PostcodeWrong::Shape(example(country).unwrap_or_default()))
        }
        _ => Ok(()),
    }
}

fn fits(mask: &str, text: &str) -> bool {
    let bare = |text: &str| -> Vec<char> {
        text.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}')).collect()
    };
    let (mask, text) = (bare(mask), bare(text));
    mask.len() == text.len()
        && mask.iter().zip(&text).all(|(mask, c)| match mask {
            '9' => c.is_ascii_digit(),
            _ => c.is_ascii_alphabetic(),
        })
}

/// A postcode as it looks in this country.
pub(super) fn example(country: &str) -> Option<&'static str> {
    Some(match country {
        "US" => "90210",
        "GB" => "SW1A 1AA",
        "CA" => "K1A 0B1",
        "AT" => "1010",
        "DE" => "10115",
        "CH" => "3011",
        "NL" => "1011 AB",
        "PL" => "00-001",
        "PT" => "1000-001",
        "JP" => "100-0001",
        "BR" => "01310-100",
        "SE" | "CZ" | "SK" | "GR" => "111 20",
        _ => match masks(country)?.first()?.len() {
            4 => "1000",
            5 => "10000",
            _ => "100000",
        },
    })
}

/// An address that fits, for buyers who do not fill in a form.
pub(crate) fn some_address(country: &str) -> Address {
    let (state, city) = match country {
        "US" => (Some("CA"), "Beverly Hills"),
        "CA" => (Some("ON"), "Ottawa"),
        "AU" => (Some("NSW"), "Sydney"),
        "DE" => (None, "Berlin"),
        "AT" => (None, "Wien"),
        "CH" => (None, "Bern"),
        "GB" => (None, "London"),
        _ => (None, "Sample City"),
    };
    Address {
        line1: Some("1 Sample Street".to_owned()),
        line2: None,
        city: Some(city.to_owned()),
        state: state.map(str::to_owned),
        postal_code: has_postcode(country).then(|| example(country).unwrap_or("10000").to_owned()),
        country: Some(country.to_owned()),
    }
}

/// The states of a country that has a list of them: codes and names.
pub(super) fn states(country: &str) -> Vec<(&'static str, &'static str)> {
    let list = STATES.iter().find(|(code, _)| *code == country).map_or("", |(_, list)| *list);
    list.split('|').filter_map(|state| state.split_once(' ')).collect()
}

/// A region is part of addresses in this country.
pub(super) fn has_region(country: &str) -> bool {
    WITH_REGION.split(' ').any(|code| code == country) || !states(country).is_empty()
}

/// Where most buyers with this currency live; none when that says nothing.
pub(crate) fn home(currency: &str) -> &'static str {
    match currency {
        "eur" => "DE",
        "gbp" => "GB",
        "chf" => "CH",
        "cad" => "CA",
        "aud" => "AU",
        "jpy" => "JP",
        "sek" => "SE",
        "nok" => "NO",
        "dkk" => "DK",
        "pln" => "PL",
        "czk" => "CZ",
        "huf" => "HU",
        "brl" => "BR",
        "mxn" => "MX",
        "inr" => "IN",
        "kwd" => "KW",
        _ => "US",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn postcodes_are_checked_as_their_country_writes_them() {
        for (country, text, expected) in [
            ("US", "90210", Ok(())),
            ("US", "90210-1234", Ok(())),
            ("US", "9021", Err(PostcodeWrong::Shape("90210"))),
            ("US", "", Err(PostcodeWrong::Missing)),
            ("GB", "sw1a1aa", Ok(())),
            ("GB", "M1 1AE", Ok(())),
            ("GB", "12345", Err(PostcodeWrong::Shape("SW1A 1AA"))),
            ("CA", "K1A-0B1", Ok(())),
            ("DE", "1010", Err(PostcodeWrong::Shape("10115"))),
            ("AT", "1010", Ok(())),
            ("HK", "", Ok(())),
            ("KW", "whatever", Ok(())),
        ] {
            assert_eq!(postcode(country, text), expected, "{country} {text}");
        }
    }

    #[test]
    fn every_example_is_a_postcode_of_its_country() {
        for (country, _) in POSTCODES {
            assert_eq!(postcode(country, example(country).unwrap()), Ok(()), "{country}");
        }
    }

    #[test]
    fn an_address_that_is_made_up_is_one_of_its_country() {
        for country in ["US", "CA", "AU", "DE", "GB", "IE", "BR", "KW", "IS", "ZZ"] {
            let made = some_address(country);
            let code = made.postal_code.unwrap_or_default();
            assert_eq!(postcode(country, &code), Ok(()), "{country}");
            let states = states(country);
            let known = |state: String| states.iter().any(|(code, _)| *code == state);
            assert_eq!(made.state.is_some_and(known), !states.is_empty(), "{country}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_check(country in "[A-Z]{2}|\\PC{0,3}", text in "\\PC{0,40}") {
            let _ = postcode(&country, &text);
            let _ = (states(&country), has_region(&country));
        }
    }
}
