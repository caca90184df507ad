//! English.

use super::Language;

pub(crate) const ENGLISH: Language = Language {
    tag: "en",
    countries: &["GB", "IE", "US", "AU", "NZ"],
    country_names: include_str!("countries.en"),
    separators: ('.', ','),
    currency_first: true,
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    dated: |day, month, year| format!("{day} {month} {year}"),
};
