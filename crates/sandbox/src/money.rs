//! Amounts as a page shows them.

const NO_DECIMALS: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];
const THREE_DECIMALS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// What prices can be in.
const TAKEN: &str = "\
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp \
    byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel \
    gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw \
    kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mro mur mvr mwk mxn myr mzn \
    nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr \
    sek sgd shp sle sll sos srd std svc szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu \
    uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw";

/// Whether Stripe takes this currency, in lower case.
pub(crate) fn is_taken(currency: &str) -> bool {
    currency.len() == 3 && TAKEN.split(' ').any(|taken| taken == currency)
}

/// How many of an amount's digits stand behind the point.
pub(crate) fn decimals(currency: &str) -> u32 {
    if NO_DECIMALS.contains(&currency) {
        0
    } else if THREE_DECIMALS.contains(&currency) {
        3
    } else {
        2
    }
}

/// `€12.34`, `¥500`, `1.234 KWD`.
pub(crate) fn shown(amount: i64, currency: &str) -> String {
    let decimals = decimals(currency);
    let unit = 10_u64.pow(decimals);
    let (whole, part) = (amount.unsigned_abs() / unit, amount.unsigned_abs() % unit);
    let mut number = grouped(whole);
    if decimals > 0 {
        number = format!("{number}.{part:0width$}", width = decimals as usize);
    }
    let sign = if amount < 0 { "-" } else { "" };
    match currency {
        "eur" => format!("{sign}€{number}"),
        "usd" => format!("{sign}${number}"),
        "gbp" => format!("{sign}£{number}"),
        "jpy" => format!("{sign}¥{number}"),
        other => format!("{sign}{number} {}", other.to_uppercase()),
    }
}

/// An amount as a form takes it: `1234.50`.
pub(crate) fn plain(amount: i64, currency: &str) -> String {
    let decimals = decimals(currency) as usize;
    let digits = format!("{amount:0>width$}", width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

/// Reads what a person types into a form: `12`, `12.5`, `12,50`; minor units. None when it is no
/// amount, or has more digits than the currency.
pub(crate) fn read(text: &str, currency: &str) -> Option<i64> {
    let text = text.trim().replace(',', ".");
    let (whole, part) = text.split_once('.').unwrap_or((text.as_str(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let width = decimals(currency) as usize;
    if whole.is_empty() || part.len() > width || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<width$}").parse().ok()
}

fn grouped(whole: u64) -> String {
    let digits = whole.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The least that a card is charged, by currency, in minor units.
const LEAST: [(&str, i64); 24] = [
    ("aed", 200),
    ("aud", 50),
    ("bgn", 100),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1_500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17_500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1_000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1_000),
    ("usd", 50),
];

/// The least that is charged in a currency; one unit where Stripe names nothing.
pub(crate) fn least(currency: &str) -> i64 {
    LEAST.iter().find(|(known, _)| *known == currency).map_or(1, |(_, least)| *least)
}

/// The most that is charged: eight digits, where a currency's small units do not want more.
pub(crate) fn most(currency: &str) -> i64 {
    match currency {
        "idr" | "lbp" => 999_999_999_999,
        "cop" | "huf" | "jpy" => 9_999_999_999,
        "inr" => 999_999_999,
        _ => 99_999_999,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_amount_is_read_as_it_is_written() {
        for (text, currency, expected) in [
            ("12", "eur", Some(1200)),
            (" 12.5", "eur", Some(1250)),
            ("12,50", "eur", Some(1250)),
            ("12.505", "eur", None),
            ("500", "jpy", Some(500)),
            ("500.1", "jpy", None),
            ("-1", "eur", None),
            ("", "eur", None),
            ("1e3", "eur", None),
        ] {
            assert_eq!(super::read(text, currency), expected, "{text} {currency}");
        }
        for (amount, currency) in [(5, "eur"), (123_450, "eur"), (500, "jpy"), (7, "kwd")] {
            assert_eq!(super::read(&super::plain(amount, currency), currency), Some(amount));
        }
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (amount, currency, expected) in [
            (1234, "eur", "€12.34"),
            (-5, "usd", "-$0.05"),
            (500, "jpy", "¥500"),
            (1_234_567, "kwd", "1,234.567 KWD"),
            (105_000_000, "huf", "1,050,000.00 HUF"),
        ] {
            assert_eq!(super::shown(amount, currency), expected);
        }
    }
}
