//! The languages that people are spoken to in: who reads which, and how each writes money and dates.
//! What is said stands where it is said: `web/words` for pages, `actions/mail/words` for mails.

pub(crate) mod address;
mod de;
mod en;

use fulfill_rules::{Millis, fact::Sale, money};
use jiff::Timestamp;

/// How one language is found, and how it writes.
#[derive(Debug)]
pub(crate) struct Language {
    /// BCP 47.
    pub(crate) tag: &'static str,
    /// Where everybody reads it.
    pub(crate) countries: &'static [&'static str],
    /// Codes and names of all countries, a row for each.
    pub(crate) country_names: &'static str,
    /// Between the whole and its parts; between thousands.
    pub(crate) separators: (char, char),
    /// Whether the currency stands before the number.
    pub(crate) currency_first: bool,
    /// January first.
    pub(crate) months: [&'static str; 12],
    /// Day, month, year.
    pub(crate) dated: fn(i8, &str, i16) -> String,
}

pub(crate) use self::{de::GERMAN, en::ENGLISH};

/// Every language there is; the first is spoken to those whose own is not known.
pub(crate) const ALL: [&Language; 2] = [&ENGLISH, &GERMAN];

/// The language of that name, as in `de` or `de-AT`.
pub(crate) fn named(name: &str) -> Option<&'static Language> {
    let language = name.split(['-', '_']).next();
    ALL.into_iter().find(|known| language.is_some_and(|l| l.eq_ignore_ascii_case(known.tag)))
}

/// The language of a sale: the checkout's; where that was left to the browser, the language of where
/// the parcel goes (case 40). Nothing when neither says, or it is not spoken here.
pub(crate) fn of(sale: &Sale) -> Option<&'static Language> {
    let country = sale.shipping.as_ref().and_then(|to| to.address.country.as_deref());
    let spoken = |known: &&&Language| country.is_some_and(|c| known.countries.contains(&c));
    match chosen(sale) {
        Some(locale) => named(locale),
        None => ALL.iter().find(spoken).copied(),
    }
}

/// The checkout's own language, where the shop chose one.
pub(crate) fn chosen(sale: &Sale) -> Option<&str> {
    sale.locale.as_deref().filter(|locale| *locale != "auto")
}

/// Longest `Accept-Language` that is read, in entries.
const ACCEPTED_MAX: usize = 16;

/// What a browser asks for, by its `Accept-Language`: the best of what is spoken here.
pub(crate) fn accepted(header: &str) -> Option<&'static Language> {
    let mut best: Option<(u16, &'static Language)> = None;
    for entry in header.split(',').take(ACCEPTED_MAX) {
        let (name, weight) = entry.split_once(';').unwrap_or((entry, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(1_000, thousandths);
        let better = weight > best.map_or(0, |(weight, _)| weight);
        if let Some(known) = named(name.trim()).filter(|_| better) {
            best = Some((weight, known));
        }
    }
    best.map(|(_, known)| known)
}

/// `0.85` as 850; what is no weight counts nothing.
fn thousandths(weight: &str) -> u16 {
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u16>()) {
        ("1", Ok(_)) => 1_000,
        ("0", Ok(part)) => part,
        _ => 0,
    }
}

impl Language {
    /// `€1,234.50`, `HUF 10.50`; `1.234,50 €`, `10,50 HUF`.
    pub(crate) fn money(&self, minor: i64, currency: &str) -> String {
        let plain = money::plain(minor, currency);
        let (number, code) = plain.split_once(' ').unwrap_or((&plain, ""));
        let (sign, number) = number.strip_prefix('-').map_or(("", number), |n| ("\u{2212}", n));
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let (point, between) = self.separators;
        let mut shown = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                shown.push(between);
            }
            shown.push(digit);
        }
        if !part.is_empty() {
            shown.push(point);
            shown.push_str(part);
        }
        let symbol = match code {
            "EUR" => "€",
            "USD" => "$",
            "GBP" => "£",
            code => code,
        };
        match (self.currency_first, symbol == code) {
            (true, true) => format!("{symbol}\u{a0}{sign}{shown}"),
            (true, false) => format!("{sign}{symbol}{shown}"),
            (false, _) => format!("{sign}{shown}\u{a0}{symbol}"),
        }
    }

    /// `7 March 2027`, `7. März 2027`; UTC. Nothing for a moment beyond all calendars.
    pub(crate) fn day(&self, at: Millis) -> String {
        let Ok(at) = Timestamp::from_millisecond(at) else { return String::new() };
        let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let month = usize::try_from(date.month() - 1).ok().and_then(|at| self.months.get(at));
        (self.dated)(date.day(), month.unwrap_or(&""), date.year())
    }
}

#[cfg(test)]
mod tests {
    use fulfill_rules::fact::{Address, Shipping};

    use super::*;

    #[test]
    fn case_25_money_is_written_as_the_language_writes_it() {
        for (minor, currency, english, german) in [
            (1_050, "huf", "HUF 10.50", "10,50 HUF"),
            (500, "jpy", "JPY 500", "500 JPY"),
            (1_234, "kwd", "KWD 1.234", "1,234 KWD"),
            (123_456_789, "eur", "€1,234,567.89", "1.234.567,89 €"),
            (100_000, "usd", "$1,000.00", "1.000,00 $"),
            (5, "gbp", "£0.05", "0,05 £"),
            (-1_999, "eur", "−€19.99", "−19,99 €"),
        ] {
            let plain = |text: String| text.replace('\u{a0}', " ");
            assert_eq!(plain(ENGLISH.money(minor, currency)), english);
            assert_eq!(plain(GERMAN.money(minor, currency)), german);
        }
    }

    #[test]
    fn dates_are_written_as_the_language_writes_them() {
        assert_eq!(ENGLISH.day(1_804_377_600_000), "7 March 2027");
        assert_eq!(GERMAN.day(1_804_377_600_000), "7. März 2027");
        assert_eq!(GERMAN.day(i64::MAX), "", "a moment beyond all calendars has no date");
    }

    #[test]
    fn case_40_the_checkouts_language_is_spoken() {
        let of = |locale: Option<&str>, country: Option<&str>| {
            let address = Address { country: country.map(Into::into), ..Address::default() };
            let shipping = country.map(|_| Shipping { name: None, address });
            let sale = Sale { locale: locale.map(Into::into), shipping, ..Sale::default() };
            of(&sale).map(|language| language.tag)
        };
        for (locale, country, tag) in [
            (Some("de"), None, Some("de")),
            (Some("de-AT"), None, Some("de")),
            (Some("en-GB"), Some("DE"), Some("en")),
            (Some("auto"), Some("DE"), Some("de")),
            (None, Some("AT"), Some("de")),
            (None, None, None),
            (Some("fil"), None, None),
        ] {
            assert_eq!(of(locale, country), tag, "{locale:?} {country:?}");
        }
    }

    #[test]
    fn a_browser_is_answered_in_the_language_it_likes_best() {
        for (header, tag) in [
            ("de-AT,de;q=0.9,en;q=0.8", Some("de")),
            ("fr,en;q=0.5,de;q=0.7", Some("de")),
            ("en", Some("en")),
            ("EN-us, de", Some("en")),
            ("fr, *;q=0.5", None),
            ("de;q=0", None),
            ("de;q=zzz, en;q=0.1", Some("en")),
            ("", None),
        ] {
            assert_eq!(accepted(header).map(|language| language.tag), tag, "{header}");
        }
    }
}
