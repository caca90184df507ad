//! What mails say, one file for each language; and how it writes money and dates.

mod de;
mod en;

use fulfill_rules::{Millis, fact::Sale, money, notice};
use jiff::Timestamp;
use serde::Serialize;

/// A language: its words, and how it writes numbers and dates. Templates know the words by these
/// names.
#[derive(Debug, Serialize)]
pub(super) struct Words {
    /// BCP 47.
    #[serde(skip)]
    pub(super) lang: &'static str,
    /// Where everybody reads it.
    #[serde(skip)]
    pub(super) countries: &'static [&'static str],
    #[serde(skip)]
    pub(super) receipt: Say,
    #[serde(skip)]
    pub(super) access: Say,
    #[serde(skip)]
    pub(super) payment_pending: Say,
    #[serde(skip)]
    pub(super) payment_failed: Say,
    #[serde(skip)]
    pub(super) shipped: Say,
    #[serde(skip)]
    pub(super) new_order: Say,
    #[serde(skip)]
    pub(super) needs_attention: Say,
    /// Before a name.
    pub(super) hello: &'static str,
    pub(super) hello_nobody: &'static str,
    pub(super) item: &'static str,
    pub(super) total: &'static str,
    pub(super) paid: &'static str,
    pub(super) free: &'static str,
    pub(super) date: &'static str,
    pub(super) open: &'static str,
    pub(super) access_to: &'static str,
    pub(super) until: &'static str,
    pub(super) key: &'static str,
    pub(super) keys: &'static str,
    pub(super) seats: &'static str,
    pub(super) goes_to: &'static str,
    pub(super) carrier: &'static str,
    pub(super) tracking: &'static str,
    pub(super) track: &'static str,
    pub(super) buyer: &'static str,
    pub(super) reason: &'static str,
    pub(super) see_order: &'static str,
    pub(super) reference: &'static str,
    pub(super) test: &'static str,
    pub(super) automatic: &'static str,
    /// Between the whole and its parts; between thousands.
    #[serde(skip)]
    pub(super) separators: (char, char),
    /// Whether the currency stands before the number.
    #[serde(skip)]
    pub(super) currency_first: bool,
    /// January first.
    #[serde(skip)]
    pub(super) months: [&'static str; 12],
    /// Day, month, year.
    #[serde(skip)]
    pub(super) dated: fn(i8, &str, i16) -> String,
}

/// A subject, a heading, and what follows it.
#[derive(Debug)]
pub(super) struct Say {
    pub(super) subject: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// Every language there is; the first is spoken to those whose own is not known.
pub(super) const ALL: [&Words; 2] = [&en::WORDS, &de::WORDS];

/// The language of that name, as in `de` or `de-AT`.
pub(super) fn named(name: &str) -> Option<&'static Words> {
    let language = name.split(['-', '_']).next();
    ALL.into_iter().find(|words| language.is_some_and(|l| l.eq_ignore_ascii_case(words.lang)))
}

/// The language of a sale: the checkout's; where that was left to the browser, the language of where
/// the parcel goes (case 40). Nothing when neither says, or it is not spoken here.
pub(super) fn of(sale: &Sale) -> Option<&'static Words> {
    let country = sale.shipping.as_ref().and_then(|to| to.address.country.as_deref());
    let spoken = |words: &&&Words| country.is_some_and(|c| words.countries.contains(&c));
    match sale.locale.as_deref() {
        Some(locale) if locale != "auto" => named(locale),
        _ => ALL.iter().find(spoken).copied(),
    }
}

impl Words {
    /// What the mail of this kind says.
    pub(super) fn say(&self, kind: &str) -> &Say {
        match kind {
            notice::ACCESS => &self.access,
            notice::PAYMENT_PENDING => &self.payment_pending,
            notice::PAYMENT_FAILED => &self.payment_failed,
            notice::SHIPPED => &self.shipped,
            notice::NEW_ORDER => &self.new_order,
            notice::NEEDS_ATTENTION => &self.needs_attention,
            _ => &self.receipt,
        }
    }

    /// `€1,234.50`, `HUF 10.50`; `1.234,50 €`, `10,50 HUF`.
    pub(super) fn money(&self, minor: i64, currency: &str) -> String {
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
    pub(super) fn day(&self, at: Millis) -> String {
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
            assert_eq!(plain(en::WORDS.money(minor, currency)), english);
            assert_eq!(plain(de::WORDS.money(minor, currency)), german);
        }
    }

    #[test]
    fn dates_are_written_as_the_language_writes_them() {
        assert_eq!(en::WORDS.day(1_804_377_600_000), "7 March 2027");
        assert_eq!(de::WORDS.day(1_804_377_600_000), "7. März 2027");
        assert_eq!(de::WORDS.day(i64::MAX), "");
    }

    #[test]
    fn case_40_the_checkouts_language_is_spoken() {
        let of = |locale: Option<&str>, country: Option<&str>| {
            let address = Address { country: country.map(Into::into), ..Address::default() };
            let shipping = country.map(|_| Shipping { name: None, address });
            let sale = Sale { locale: locale.map(Into::into), shipping, ..Sale::default() };
            of(&sale).map(|words| words.lang)
        };
        for (locale, country, lang) in [
            (Some("de"), None, Some("de")),
            (Some("de-AT"), None, Some("de")),
            (Some("en-GB"), Some("DE"), Some("en")),
            (Some("auto"), Some("DE"), Some("de")),
            (None, Some("AT"), Some("de")),
            (None, None, None),
            (Some("fil"), None, None),
        ] {
            assert_eq!(of(locale, country), lang, "{locale:?} {country:?}");
        }
    }
}
