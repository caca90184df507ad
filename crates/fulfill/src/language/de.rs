//! German.

use super::Language;

pub(crate) const GERMAN: Language = Language {
    tag: "de",
    countries: &["DE", "AT", "LI"],
    country_names: include_str!("countries.de"),
    separators: (',', '.'),
    currency_first: false,
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    dated: |day, month, year| format!("{day}. {month} {year}"),
};
