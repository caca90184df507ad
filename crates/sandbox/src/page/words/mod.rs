//! What the pages say, a file for each language. To add one: copy `english.rs`, translate it, and
//! name it in [`LANGUAGES`]; the compiler tells what is missing.

mod english;
mod german;

use crate::{checkout, state::objects::Recurring};

const LANGUAGES: [&Words; 2] = [&english::WORDS, &german::WORDS];

/// One language. Texts with a blank are functions of what fills it.
pub(in crate::page) struct Words {
    /// As in `lang="de"`.
    pub(in crate::page) tag: &'static str,
    pub(in crate::page) figures: Figures,
    /// `28 November 2026` from year, month and day.
    pub(in crate::page) date: fn(i64, usize, i64) -> String,
    /// Codes and names, as this language sorts them.
    pub(in crate::page) countries: &'static str,
    pub(in crate::page) problem: fn(&Problem) -> String,
    /// A sentence that other rooms speak English; none when it is not known.
    pub(in crate::page) told: fn(&str) -> Option<&'static str>,
    pub(in crate::page) frame: Frame,
    pub(in crate::page) order: OrderWords,
    pub(in crate::page) buyer: BuyerWords,
    pub(in crate::page) means: MeansWords,
    pub(in crate::page) closed: ClosedWords,
    pub(in crate::page) voucher: VoucherWords,
}

/// How numbers and amounts are written.
pub(in crate::page) struct Figures {
    pub(in crate::page) point: char,
    pub(in crate::page) group: char,
    /// Behind a number, with a space where there is one.
    pub(in crate::page) percent: &'static str,
    /// `€12.00`, not `12,00 €`.
    pub(in crate::page) sign_first: bool,
    /// `per month`, `every 3 months`.
    pub(in crate::page) every: fn(Recurring) -> String,
}

/// Around every page.
pub(in crate::page) struct Frame {
    pub(in crate::page) sandbox: &'static str,
    pub(in crate::page) nothing_charged: &'static str,
    pub(in crate::page) title_error: &'static str,
    pub(in crate::page) back: &'static str,
    pub(in crate::page) back_to: fn(&str) -> String,
    pub(in crate::page) problems: &'static str,
    pub(in crate::page) unreadable: &'static str,
    pub(in crate::page) not_open: &'static str,
    pub(in crate::page) total_changed: fn(&str) -> String,
    pub(in crate::page) small_print: &'static str,
}

/// What is bought.
pub(in crate::page) struct OrderWords {
    pub(in crate::page) pay: &'static str,
    pub(in crate::page) pay_shop: fn(&str) -> String,
    /// What is paid is given away.
    pub(in crate::page) give: &'static str,
    pub(in crate::page) give_shop: fn(&str) -> String,
    pub(in crate::page) subscribe: &'static str,
    pub(in crate::page) save_method: &'static str,
    /// Instead of a total, where a method is only kept.
    pub(in crate::page) nothing_now: &'static str,
    pub(in crate::page) trial_until: fn(&str) -> String,
    pub(in crate::page) pay_amount: fn(&str) -> String,
    pub(in crate::page) book: &'static str,
    pub(in crate::page) donate: fn(&str) -> String,
    pub(in crate::page) complete_order: &'static str,
    pub(in crate::page) processing: &'static str,
    pub(in crate::page) quantity: &'static str,
    pub(in crate::page) quantity_of: fn(&str) -> String,
    pub(in crate::page) quantity_short: fn(i64) -> String,
    pub(in crate::page) your_amount: &'static str,
    pub(in crate::page) each: fn(&str) -> String,
    pub(in crate::page) optional: &'static str,
    pub(in crate::page) code: &'static str,
    pub(in crate::page) apply: &'static str,
    pub(in crate::page) remove: &'static str,
    pub(in crate::page) remove_code: fn(&str) -> String,
    pub(in crate::page) update: &'static str,
    pub(in crate::page) subtotal: &'static str,
    pub(in crate::page) discount: &'static str,
    pub(in crate::page) shipping: &'static str,
    /// A tax's name and percentage, and whether prices contain it.
    pub(in crate::page) tax: fn(&str, &str, bool) -> String,
    pub(in crate::page) total: &'static str,
    pub(in crate::page) free: &'static str,
}

/// Who buys, and where it goes.
pub(in crate::page) struct BuyerWords {
    pub(in crate::page) contact: &'static str,
    pub(in crate::page) email: &'static str,
    pub(in crate::page) phone: &'static str,
    pub(in crate::page) business: &'static str,
    pub(in crate::page) tax_number: &'static str,
    pub(in crate::page) shipping_address: &'static str,
    pub(in crate::page) billing_address: &'static str,
    pub(in crate::page) billing_same: &'static str,
    pub(in crate::page) full_name: &'static str,
    pub(in crate::page) country: &'static str,
    pub(in crate::page) line1: &'static str,
    pub(in crate::page) line2: &'static str,
    pub(in crate::page) city: &'static str,
    pub(in crate::page) postcode: &'static str,
    pub(in crate::page) zip: &'static str,
    pub(in crate::page) state: &'static str,
    pub(in crate::page) province: &'static str,
    pub(in crate::page) region: &'static str,
    pub(in crate::page) choose: &'static str,
    pub(in crate::page) optional: &'static str,
    pub(in crate::page) shipping_method: &'static str,
    /// `3–5 business days`: the least, the most, and Stripe's name of the unit.
    pub(in crate::page) estimate: fn(Option<i64>, Option<i64>, &str) -> String,
    pub(in crate::page) details: &'static str,
    pub(in crate::page) agree_terms: &'static str,
    pub(in crate::page) agree_promotions: &'static str,
}

/// Ways to pay.
pub(in crate::page) struct MeansWords {
    pub(in crate::page) payment: &'static str,
    pub(in crate::page) card: &'static str,
    pub(in crate::page) card_number: &'static str,
    pub(in crate::page) expiry: &'static str,
    pub(in crate::page) expiry_shape: &'static str,
    pub(in crate::page) cvc: &'static str,
    /// Whoever pays, however that is done.
    pub(in crate::page) payer: &'static str,
    pub(in crate::page) payer_card: &'static str,
    pub(in crate::page) payer_account: &'static str,
    pub(in crate::page) sepa: &'static str,
    pub(in crate::page) ach: &'static str,
    pub(in crate::page) routing_number: &'static str,
    pub(in crate::page) account_number: &'static str,
    pub(in crate::page) debit_later: &'static str,
    pub(in crate::page) voucher_later: &'static str,
    pub(in crate::page) tries: &'static str,
    pub(in crate::page) paid: &'static str,
    pub(in crate::page) declined: &'static str,
    pub(in crate::page) insufficient: &'static str,
    pub(in crate::page) asks: &'static str,
    pub(in crate::page) arrives: &'static str,
    pub(in crate::page) fails: &'static str,
    pub(in crate::page) disputed: &'static str,
    pub(in crate::page) bank_title: &'static str,
    pub(in crate::page) bank_asks: fn(&str) -> String,
    /// The title and the question when nothing is paid yet.
    pub(in crate::page) bank_keeps: Said,
    pub(in crate::page) bank_explains: &'static str,
    pub(in crate::page) approve: &'static str,
    pub(in crate::page) refuse: &'static str,
}

/// A page with a title and a sentence.
pub(in crate::page) type Said = (&'static str, &'static str);

/// Pages where nothing is left to pay.
pub(in crate::page) struct ClosedWords {
    pub(in crate::page) welcome: Said,
    pub(in crate::page) no_page: Said,
    pub(in crate::page) no_session: Said,
    pub(in crate::page) too_large: Said,
    pub(in crate::page) already_paid: Said,
    pub(in crate::page) expired: Said,
    pub(in crate::page) start_again: &'static str,
    pub(in crate::page) inactive: Said,
    pub(in crate::page) thanks: Said,
    pub(in crate::page) thanks_later: &'static str,
    /// Beside the amount.
    pub(in crate::page) paid: &'static str,
    pub(in crate::page) bad_landing: &'static str,
    pub(in crate::page) answered: Said,
    pub(in crate::page) nothing_done: Said,
    pub(in crate::page) receipt_to: fn(&str) -> String,
}

/// A payment that is made somewhere else, with a number.
pub(in crate::page) struct VoucherWords {
    pub(in crate::page) title: &'static str,
    pub(in crate::page) pay_by: fn(&str, &str) -> String,
    pub(in crate::page) number: &'static str,
    pub(in crate::page) entity: &'static str,
    pub(in crate::page) paid: Said,
    pub(in crate::page) expired: Said,
    pub(in crate::page) play: &'static str,
    pub(in crate::page) play_hint: &'static str,
    pub(in crate::page) pay_now: &'static str,
    pub(in crate::page) expire_now: &'static str,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::page) enum Problem {
    Number,
    Amount,
    Email,
    Phone,
    Name,
    Recipient,
    Street,
    City,
    Postcode,
    /// How it looks in this country.
    PostcodeShape(&'static str),
    State,
    Country,
    Method,
    /// It was sent by no button of the page.
    NoButton,
    /// A character that nobody sees.
    Unprintable,
    TaxNumber,
    /// About what is bought and asked.
    Order(checkout::Problem),
    /// Said by another room, in English.
    Told(String),
}

impl Problem {
    /// As other rooms speak.
    pub(in crate::page) fn in_english(&self) -> String {
        LANGUAGES[0].problem(self)
    }
}

/// A country that the pages offer.
pub(in crate::page) fn is_country(code: &str) -> bool {
    LANGUAGES[0].countries().any(|(known, _)| known == code)
}

impl Words {
    /// The language of a session's `locale`; `auto` and none follow the browser's wishes.
    pub(in crate::page) fn choose(locale: Option<&str>, accepted: Option<&str>) -> &'static Self {
        match locale {
            Some(locale) if locale != "auto" => by_tag(locale).unwrap_or(LANGUAGES[0]),
            _ => accepted.and_then(preferred).unwrap_or(LANGUAGES[0]),
        }
    }

    pub(in crate::page) fn country(&self, code: &str) -> &str {
        self.countries().find(|(known, _)| *known == code).map_or("", |(_, name)| name)
    }

    /// Codes and names of all countries.
    pub(in crate::page) fn countries(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.countries.lines().filter_map(|line| line.split_once(' '))
    }

    /// A sentence of another room, in this language as far as it is known.
    pub(in crate::page) fn said(&self, english: &str) -> String {
        (self.told)(english).unwrap_or(english).to_owned()
    }

    /// What a field is called, by its name in the form.
    pub(in crate::page) fn label(&self, field: &str) -> Option<&'static str> {
        let Self { order, buyer, means, .. } = self;
        Some(match field {
            "email" => buyer.email,
            "phone" => buyer.phone,
            "name" => means.payer,
            "shipping_name" | "individual_name" => buyer.full_name,
            "business_name" => buyer.business,
            "tax_id" => buyer.tax_number,
            "line1" | "billing_line1" => buyer.line1,
            "line2" | "billing_line2" => buyer.line2,
            "city" | "billing_city" => buyer.city,
            "state" | "billing_state" => buyer.region,
            "postal_code" | "shipping_postal_code" => buyer.postcode,
            "country" | "billing_country" => buyer.country,
            "shipping_rate" => buyer.shipping_method,
            "promotion_code" => order.code,
            "method" => means.payment,
            "card_number" => means.card_number,
            "exp" => means.expiry,
            "cvc" => means.cvc,
            "iban" => "IBAN",
            "routing_number" => means.routing_number,
            "account_number" => means.account_number,
            _ => return None,
        })
    }

    pub(in crate::page) fn problem(&self, problem: &Problem) -> String {
        match problem {
            Problem::Told(english) => self.said(english),
            problem => (self.problem)(problem),
        }
    }
}

fn by_tag(tag: &str) -> Option<&'static Words> {
    let language = tag.trim().split('-').next().unwrap_or_default();
    LANGUAGES.into_iter().find(|words| words.tag.eq_ignore_ascii_case(language))
}

/// The best known language of an `Accept-Language` header.
fn preferred(accepted: &str) -> Option<&'static Words> {
    let wishes = accepted.split(',').take(20).filter_map(|wish| {
        let mut parts = wish.split(';');
        let words = by_tag(parts.next()?)?;
        let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok());
        Some((words, weight.unwrap_or(1.0)))
    });
    wishes
        .filter(|(_, weight)| *weight > 0.0)
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(words, _)| words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruments;

    #[test]
    fn the_language_is_the_sessions_or_the_one_the_browser_likes_best() {
        for (locale, accepted, expected) in [
            (Some("de"), None, "de"),
            (Some("de"), Some("en"), "de"),
            (Some("auto"), Some("de-AT,de;q=0.9,en;q=0.8"), "de"),
            (None, Some("fr, en;q=0.5, de;q=0.7"), "de"),
            (None, Some("de;q=0, en;q=0.1"), "en"),
            (None, Some(";;q=,,"), "en"),
            (Some("en-GB"), Some("de"), "en"),
            (Some("fr"), Some("de"), "en"),
            (None, None, "en"),
        ] {
            assert_eq!(Words::choose(locale, accepted).tag, expected, "{locale:?} {accepted:?}");
        }
    }

    #[test]
    fn every_language_names_every_country() {
        let codes = |words: &Words| {
            let mut codes: Vec<_> = words.countries().map(|(code, _)| code).collect();
            codes.sort_unstable();
            codes
        };
        for words in LANGUAGES {
            assert_eq!(codes(words), codes(LANGUAGES[0]), "{}", words.tag);
            assert!(words.countries().all(|(code, name)| code.len() == 2 && !name.is_empty()));
        }
        assert_eq!(german::WORDS.country("AT"), "Österreich");
    }

    #[test]
    fn what_cards_and_accounts_answer_is_said_in_every_language() {
        let now = (2026, 11);
        let mut sentences = Vec::new();
        for (number, exp, cvc) in [
            ("1", "12/34", "123"),
            ("4242424242424241", "12/34", "123"),
            ("4242424242424242", "", "123"),
            ("4242424242424242", "12/20", "123"),
            ("4242424242424242", "12/99", "123"),
            ("4242424242424242", "12/34", "1"),
        ] {
            sentences.push(instruments::card(number, exp, cvc, now).unwrap_err().1.to_owned());
        }
        for last in ["0002", "9995", "9987", "0069", "0127", "0119"] {
            let number = format!("400000000000{last}");
            let means = instruments::card(&number, "12/34", "123", now).unwrap();
            let crate::state::objects::Ends::Refused(failure) = means.ends else {
                panic!("{number}")
            };
            sentences.push(failure.message.to_owned());
        }
        sentences.push(crate::payments::NOT_AUTHENTICATED.message.to_owned());
        for iban in ["AT", "AT611904300234573202"] {
            sentences.push(instruments::iban(iban).unwrap_err().1.to_owned());
        }
        for (routing, account) in
            [("1", "000123456789"), ("110000001", "000123456789"), ("110000000", "1")]
        {
            sentences.push(instruments::us_account(routing, account).unwrap_err().1.to_owned());
        }
        for words in &LANGUAGES[1..] {
            for sentence in &sentences {
                assert!((words.told)(sentence).is_some(), "{}: {sentence}", words.tag);
            }
        }
    }
}
