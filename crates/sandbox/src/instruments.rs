//! The cards and accounts that people know from Stripe's test mode, and how each ends.

use crate::{
    checkout::Means,
    state::objects::{Complaint, Ends, Failure, Fate, Instrument},
};

pub(crate) const DECLINED: Failure = Failure {
    code: "card_declined",
    decline_code: Some("generic_decline"),
    message: "Your card was declined.",
};

const fn declined(
    code: &'static str,
    decline_code: Option<&'static str>,
    message: &'static str,
) -> Failure {
    Failure { code, decline_code, message }
}

fn instrument(kind: &'static str, last4: &str, country: &str) -> Instrument {
    Instrument {
        kind,
        brand: "",
        last4: last4.to_owned(),
        exp_month: 0,
        exp_year: 0,
        country: country.to_owned(),
        fate: Fate::Stays,
    }
}

pub(crate) fn visa(last4: &str) -> Instrument {
    Instrument { brand: "visa", exp_month: 12, exp_year: 2034, ..instrument("card", last4, "US") }
}

/// The bank account of a debit: SEPA, or one in the United States.
pub(crate) fn account(euro: bool) -> Instrument {
    if euro {
        instrument("sepa_debit", "3201", "AT")
    } else {
        instrument("us_bank_account", "6789", "US")
    }
}

/// Slips that are paid elsewhere, and the country of each.
const VOUCHERS: [(&str, &str); 4] =
    [("boleto", "BR"), ("konbini", "JP"), ("multibanco", "PT"), ("oxxo", "MX")];

/// A method that is paid elsewhere, later or never.
pub(crate) fn is_voucher(kind: &str) -> bool {
    VOUCHERS.iter().any(|(known, _)| *known == kind)
}

/// A voucher that is paid later, or never. None for other methods.
pub(crate) fn voucher(kind: &str, paid: bool) -> Option<Means> {
    let (kind, country) = VOUCHERS.into_iter().find(|(known, _)| *known == kind)?;
    Some(Means::new(instrument(kind, "", country), Ends::Voucher { paid }))
}

/// A voucher is paid unless the buyer's address says otherwise, as in Stripe's test mode:
/// `anything_fill_never@…`, `anything_expire_with_delay@…`.
pub(crate) fn address_pays(email: Option<&str>) -> bool {
    let user = email.and_then(|email| email.split('@').next()).unwrap_or_default();
    !["fill_never", "expire_immediately", "expire_with_delay"]
        .iter()
        .any(|marker| user.contains(marker))
}

/// What is wrong with a card's field: its name and what about it.
pub(crate) type Wrong = (&'static str, &'static str);

/// No card is good for longer.
const EXPIRES_WITHIN_YEARS: i64 = 50;

/// A card as a buyer types it. `year` and `month` are the sandbox's present.
pub(crate) fn card(
    number: &str,
    exp: &str,
    cvc: &str,
    present: (i64, i64),
) -> Result<Means, Wrong> {
    let digits: String = number.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if !(13..=19).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(("card_number", "Your card number is incomplete."));
    }
    if !luhn(&digits) {
        return Err(("card_number", "Your card number is invalid."));
    }
    let (month, year) = expiry(exp).ok_or(("exp", "Your card's expiration date is incomplete."))?;
    if (year, month) < present {
        return Err(("exp", "Your card's expiration date is in the past."));
    }
    if year > present.0 + EXPIRES_WITHIN_YEARS {
        return Err(("exp", "Your card's expiration year is invalid."));
    }
    let cvc_digits = if digits.starts_with("34") || digits.starts_with("37") { 4 } else { 3 };
    let cvc = cvc.trim();
    if cvc.len() != cvc_digits || !cvc.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(("cvc", "Your card's security code is incomplete."));
    }
    let instrument = Instrument {
        brand: brand(&digits),
        exp_month: month,
        exp_year: year,
        fate: fate(&digits),
        ..instrument("card", &digits[digits.len() - 4..], country(&digits))
    };
    Ok(Means::new(instrument, ends(&digits)))
}

const INSUFFICIENT_FUNDS: Failure =
    declined("card_declined", Some("insufficient_funds"), "Your card has insufficient funds.");

fn ends(digits: &str) -> Ends {
    let declines =
        |reason| Ends::Refused(declined("card_declined", Some(reason), DECLINED.message));
    match digits {
        "4000000000000002" | "4000000000000341" => Ends::Refused(DECLINED),
        "4000000000009995" => Ends::Refused(INSUFFICIENT_FUNDS),
        "4000000000009987" => declines("lost_card"),
        "4000000000009979" => declines("stolen_card"),
        "4100000000000019" => declines("fraudulent"),
        "4000000000006975" => declines("card_velocity_exceeded"),
        "4000000000000069" => {
            Ends::Refused(declined("expired_card", None, "Your card has expired."))
        }
        "4000000000000127" => Ends::Refused(declined(
            "incorrect_cvc",
            None,
            "Your card's security code is incorrect.",
        )),
        "4000000000000119" => Ends::Refused(declined(
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        )),
        "4000008260003178" => Ends::Asks { then: Some(INSUFFICIENT_FUNDS) },
        "4000008400001629" => Ends::Asks { then: Some(DECLINED) },
        "4000002500003155" | "4000002760003184" | "4000000000003220" | "4000000000003063" => {
            Ends::Asks { then: None }
        }
        _ => Ends::AtOnce,
    }
}

fn fate(digits: &str) -> Fate {
    let disputed = |reason, inquiry| Fate::Disputed(Complaint { reason, inquiry });
    match digits {
        "4000000000000259" => disputed("fraudulent", false),
        "4000000000002685" => disputed("product_not_received", false),
        "4000000000001976" => disputed("fraudulent", true),
        "4000000000007726" => Fate::RefundPends,
        "4000000000005126" => Fate::RefundFails,
        _ => Fate::Stays,
    }
}

/// Test cards of other countries carry the country's ISO number.
fn country(digits: &str) -> &'static str {
    match digits.strip_prefix("400000").and_then(|rest| rest.get(..3)) {
        Some("036") => "AU",
        Some("040") => "AT",
        Some("056") => "BE",
        Some("076") => "BR",
        Some("124") => "CA",
        Some("208") => "DK",
        Some("246") => "FI",
        Some("250") => "FR",
        Some("276") => "DE",
        Some("372") => "IE",
        Some("380") => "IT",
        Some("392") => "JP",
        Some("484") => "MX",
        Some("528") => "NL",
        Some("554") => "NZ",
        Some("578") => "NO",
        Some("616") => "PL",
        Some("620") => "PT",
        Some("724") => "ES",
        Some("752") => "SE",
        Some("756") => "CH",
        Some("826") => "GB",
        _ => "US",
    }
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled @ 10..) => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// `12/34`, `12 / 2034`, `1234`: month and year.
fn expiry(text: &str) -> Option<(i64, i64)> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (month, year) = match text.split_once('/') {
        Some((month, year)) => (month.trim().parse().ok()?, year.trim().parse().ok()?),
        None if digits.len() == 4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        None => return None,
    };
    let year: i64 = if year < 100 { year + 2000 } else { year };
    ((1..=12).contains(&month) && (1000..10_000).contains(&year)).then_some((month, year))
}

fn brand(digits: &str) -> &'static str {
    match digits.as_bytes() {
        [b'4', ..] => "visa",
        [b'5' | b'2', ..] => "mastercard",
        [b'3', b'4' | b'7', ..] => "amex",
        [b'3', b'5', ..] => "jcb",
        [b'3', ..] => "diners",
        _ => "discover",
    }
}

/// A bank debit that the buyer has returned after it came.
const RETURNED: Fate = Fate::Disputed(Complaint { reason: "debit_not_authorized", inquiry: false });

/// A SEPA account as a buyer types it.
pub(crate) fn iban(text: &str) -> Result<Means, Wrong> {
    let iban: String =
        text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
    if !(15..=34).contains(&iban.len())
        || !iban.is_ascii()
        || !iban.bytes().all(|byte| byte.is_ascii_alphanumeric())
        || !iban[..2].bytes().all(|byte| byte.is_ascii_uppercase())
        || !iban[2..4].bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(("iban", "The IBAN is incomplete."));
    }
    let rearranged = iban.bytes().skip(4).chain(iban.bytes().take(4));
    let rest = rearranged.fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A' + 10)) % 97,
    });
    if rest != 1 {
        return Err(("iban", "The IBAN is invalid."));
    }
    let fails = [
        "IT60X0542811101000000123456",
        "AT861904300235473202",
        "AT051904300235473205",
        "AT981904300002222227",
        "DE62370400440532013001",
    ]
    .contains(&iban.as_str());
    let mut instrument = instrument("sepa_debit", &iban[iban.len() - 4..], &iban[..2]);
    if iban == "AT591904300235473203" {
        instrument.fate = RETURNED;
    }
    Ok(Means::new(instrument, Ends::Later { fails }))
}

/// An account in the United States as a buyer types it: 000123456789 succeeds, 000111111116 and
/// 000111111113 fail.
pub(crate) fn us_account(routing: &str, account: &str) -> Result<Means, Wrong> {
    let (routing, account) = (routing.trim(), account.trim());
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if routing.len() != 9 || !digits(routing) {
        return Err((
            "routing_number",
            "The routing number has 9 digits (110000000 in the sandbox).",
        ));
    }
    if !is_routing_number(routing) {
        return Err(("routing_number", "The routing number is invalid."));
    }
    if !(4..=17).contains(&account.len()) || !digits(account) {
        return Err(("account_number", "The account number is incomplete."));
    }
    let fails = matches!(
        account,
        "000111111116" | "000111111113" | "000222222227" | "000333333335" | "000444444440"
    );
    let mut instrument = instrument("us_bank_account", &account[account.len() - 4..], "US");
    if account == "000555555559" {
        instrument.fate = RETURNED;
    }
    Ok(Means::new(instrument, Ends::Later { fails }))
}

/// The last of nine digits is a check digit: the digits, weighted by 3, 7 and 1, end in zero.
fn is_routing_number(digits: &str) -> bool {
    let weights = [3, 7, 1].into_iter().cycle();
    let sum: u32 =
        digits.bytes().zip(weights).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    sum.is_multiple_of(10) && sum > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_end_as_their_numbers_promise() {
        let ends = |number: &str| card(number, "12/34", "123", (2026, 11)).map(|means| means.ends);
        assert_eq!(ends("4242 4242 4242 4242"), Ok(Ends::AtOnce));
        assert_eq!(ends("4000000000000002"), Ok(Ends::Refused(DECLINED)));
        assert_eq!(ends("4000002500003155"), Ok(Ends::Asks { then: None }));
        assert_eq!(ends("4242424242424241"), Err(("card_number", "Your card number is invalid.")));
    }

    #[test]
    fn a_card_is_checked_field_by_field() {
        let wrong =
            |number, exp, cvc| card(number, exp, cvc, (2026, 11)).map_err(|(field, _)| field).err();
        for (number, exp, cvc, field) in [
            ("4242", "12/34", "123", Some("card_number")),
            ("4242424242424242", "10/26", "123", Some("exp")),
            ("4242424242424242", "13/34", "123", Some("exp")),
            ("4242424242424242", "12/77", "123", Some("exp")),
            ("4242424242424242", "12/99", "123", Some("exp")),
            ("4242424242424242", "12/2150", "123", Some("exp")),
            ("4242424242424242", "12/1999", "123", Some("exp")),
            ("4242424242424242", "12/76", "123", None),
            ("4242424242424242", "", "123", Some("exp")),
            ("4242424242424242", "11/26", "12", Some("cvc")),
            ("378282246310005", "11/26", "123", Some("cvc")),
            ("378282246310005", "11/26", "1234", None),
            ("4242424242424242", "1234", "123", None),
        ] {
            assert_eq!(wrong(number, exp, cvc), field, "{number} {exp} {cvc}");
        }
    }

    #[test]
    fn known_ibans_succeed_or_fail_later() {
        let ends = |text: &str| iban(text).map(|means| means.ends);
        assert_eq!(ends("AT61 1904 3002 3457 3201"), Ok(Ends::Later { fails: false }));
        assert_eq!(ends("IT60X0542811101000000123456"), Ok(Ends::Later { fails: true }));
        assert_eq!(ends("AT611904300234573202"), Err(("iban", "The IBAN is invalid.")));
        assert_eq!(ends("AT"), Err(("iban", "The IBAN is incomplete.")));
        assert_eq!(ends("1234567890123456789"), Err(("iban", "The IBAN is incomplete.")));
    }

    #[test]
    fn a_routing_number_has_its_check_digit() {
        let wrong = |routing| us_account(routing, "000123456789").map_err(|(field, _)| field).err();
        for (routing, field) in [
            ("110000000", None),
            ("021000021", None),
            ("110000001", Some("routing_number")),
            ("123456789", Some("routing_number")),
            ("000000000", Some("routing_number")),
            ("11000000", Some("routing_number")),
            ("11000000a", Some("routing_number")),
        ] {
            assert_eq!(wrong(routing), field, "{routing}");
        }
    }
}
