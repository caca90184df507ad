//! Money is integer minor units plus a currency; where the point goes is decided only when it is
//! shown (design, rule 10; case 25; exponents from Stripe's "Supported currencies").

const ZERO: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];
const THREE: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// How many decimals Stripe's minor unit of this currency has: 0, 2 or 3.
#[must_use]
pub fn exponent(currency: &str) -> u32 {
    let currency = currency.to_ascii_lowercase();
    if ZERO.contains(&currency.as_str()) {
        0
    } else if THREE.contains(&currency.as_str()) {
        3
    } else {
        2
    }
}

/// `1050, "huf"` → `10.50 HUF`. Plain and the same everywhere; pages write it as the language does.
#[must_use]
pub fn plain(minor: i64, currency: &str) -> String {
    format!("{} {}", decimal(minor, currency), currency.to_ascii_uppercase())
}

/// `1050, "huf"` → `10.50`: the number alone, as programs read it.
#[must_use]
pub fn decimal(minor: i64, currency: &str) -> String {
    let digits = exponent(currency) as usize;
    let sign = if minor < 0 { "-" } else { "" };
    let number = minor.unsigned_abs().to_string();
    if digits == 0 {
        return format!("{sign}{number}");
    }
    let padded = format!("{number:0>width$}", width = digits + 1);
    let (whole, part) = padded.split_at(padded.len() - digits);
    format!("{sign}{whole}.{part}")
}

#[cfg(test)]
mod tests {
    use super::{decimal, plain};

    #[test]
    fn case_25_the_exponent_table() {
        for (minor, currency, shown) in [
            (500, "jpy", "500 JPY"),
            (1234, "kwd", "1.234 KWD"),
            (1050, "huf", "10.50 HUF"),
            (5, "eur", "0.05 EUR"),
            (0, "usd", "0.00 USD"),
            (-1999, "EUR", "-19.99 EUR"),
            (10000, "isk", "100.00 ISK"),
            (7, "tnd", "0.007 TND"),
            (i64::MIN, "eur", "-92233720368547758.08 EUR"),
        ] {
            assert_eq!(plain(minor, currency), shown);
            assert_eq!(shown.split_once(' ').unwrap().0, decimal(minor, currency));
        }
    }
}
