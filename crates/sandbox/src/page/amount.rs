//! Amounts and days as a language writes them.

use super::words::Words;
use crate::{calendar, money};

const SIGNS: [(&str, &str); 17] = [
    ("aud", "A$"),
    ("brl", "R$"),
    ("cad", "CA$"),
    ("cny", "CN¥"),
    ("eur", "€"),
    ("gbp", "£"),
    ("hkd", "HK$"),
    ("ils", "₪"),
    ("inr", "₹"),
    ("jpy", "¥"),
    ("krw", "₩"),
    ("mxn", "MX$"),
    ("nzd", "NZ$"),
    ("php", "₱"),
    ("twd", "NT$"),
    ("usd", "$"),
    ("vnd", "₫"),
];
const NO_BREAK: char = '\u{a0}';

fn decimals(currency: &str) -> usize {
    money::decimals(currency) as usize
}

/// `€12.34` or `12,34 €`, `¥500`, `KWD 1.234`.
pub(super) fn shown(words: &Words, amount: i64, currency: &str) -> String {
    let figures = &words.figures;
    let decimals = decimals(currency);
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    let mut number = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            number.push(figures.group);
        }
        number.push(digit);
    }
    if decimals > 0 {
        number.push(figures.point);
        number.push_str(part);
    }
    let minus = if amount < 0 { "−" } else { "" };
    let sign = SIGNS.iter().find(|(known, _)| *known == currency).map(|(_, sign)| *sign);
    let code = currency.to_uppercase();
    match (figures.sign_first, sign) {
        (true, Some(sign)) => format!("{minus}{sign}{number}"),
        (true, None) => format!("{minus}{code}{NO_BREAK}{number}"),
        (false, sign) => format!("{minus}{number}{NO_BREAK}{}", sign.unwrap_or(&code)),
    }
}

/// An amount without its sign, as a field holds it.
pub(super) fn plain(words: &Words, amount: i64, currency: &str) -> String {
    let decimals = decimals(currency);
    let digits = format!("{:0>width$}", amount.max(0), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { whole.to_owned() } else { format!("{whole}{}{part}", words.figures.point) }
}

/// An amount as people type it, `12`, `12.5` or `12,50`, in minor units.
pub(super) fn typed(text: &str, currency: &str) -> Option<i64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((&text, ""));
    let decimals = decimals(currency);
    let fits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || part.len() > decimals || !fits(whole) || !fits(part)
    {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse().ok()
}

/// The day of a time in seconds since 1970, in UTC.
pub(super) fn day(words: &Words, at: i64) -> String {
    let (year, month, day) = calendar::date(at);
    (words.date)(year, usize::try_from(month).unwrap_or(1), day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency_and_the_look_of_their_language() {
        for (amount, currency, english, german) in [
            (1234, "eur", "€12.34", "12,34\u{a0}€"),
            (-5, "usd", "−$0.05", "−0,05\u{a0}$"),
            (500, "jpy", "¥500", "500\u{a0}¥"),
            (1234, "kwd", "KWD\u{a0}1.234", "1,234\u{a0}KWD"),
            (1050, "huf", "HUF\u{a0}10.50", "10,50\u{a0}HUF"),
            (123_456_789, "eur", "€1,234,567.89", "1.234.567,89\u{a0}€"),
            (i64::MIN, "usd", "−$92,233,720,368,547,758.08", "−92.233.720.368.547.758,08\u{a0}$"),
        ] {
            assert_eq!(shown(Words::choose(Some("en"), None), amount, currency), english);
            assert_eq!(shown(Words::choose(Some("de"), None), amount, currency), german);
        }
    }

    #[test]
    fn amounts_are_read_as_people_type_them() {
        for (text, currency, expected) in [
            ("12", "eur", Some(1200)),
            ("12,5", "eur", Some(1250)),
            ("12.50", "eur", Some(1250)),
            ("12.505", "eur", None),
            ("500", "jpy", Some(500)),
            ("500.5", "jpy", None),
            ("1.234", "kwd", Some(1234)),
            ("", "eur", None),
            ("-1", "eur", None),
            ("1e3", "eur", None),
        ] {
            assert_eq!(typed(text, currency), expected, "{text} {currency}");
        }
        assert_eq!(plain(Words::choose(Some("de"), None), 1250, "eur"), "12,50");
    }

    #[test]
    fn days_have_the_look_of_their_language() {
        for (locale, expected) in [("en", "21 September 2026"), ("de", "21. September 2026")] {
            assert_eq!(day(Words::choose(Some(locale), None), 1_790_000_000), expected);
        }
    }
}
