//! What the pages say to buyers, one file for each language. Nothing here may frighten somebody who
//! has paid, and nothing may be said that is not known (case 43).

mod de;
mod en;

use crate::language::Language;

/// A heading and what follows it.
#[derive(Debug)]
pub(super) struct Say {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// All that is said in one language.
#[derive(Debug)]
pub(super) struct Words {
    /// How it writes.
    pub(super) language: &'static Language,
    pub(super) ready: Say,
    pub(super) preparing: Say,
    pub(super) partly: Say,
    /// The same three where there was nothing to pay.
    pub(super) ready_free: Say,
    pub(super) preparing_free: Say,
    pub(super) partly_free: Say,
    pub(super) checking: Say,
    pub(super) awaiting: Say,
    pub(super) failed: Say,
    pub(super) expired: Say,
    pub(super) nothing: Say,
    pub(super) unpaid: Say,
    pub(super) looking: Say,
    pub(super) missing: Say,
    pub(super) no_id: Say,
    pub(super) placeholder: Say,
    pub(super) too_many: Say,
    pub(super) trouble: Say,
    pub(super) refreshes: &'static str,
    /// How long delayed ways of paying take, as far as that is known.
    pub(super) takes: Takes,
    /// Before a mail address whose middle is hidden.
    pub(super) will_write: &'static str,
    pub(super) keep_address: &'static str,
    pub(super) test: &'static str,
    pub(super) order: &'static str,
    pub(super) date: &'static str,
    pub(super) total: &'static str,
    pub(super) paid: &'static str,
    pub(super) free: &'static str,
    pub(super) item: &'static str,
    pub(super) open: &'static str,
    pub(super) access: &'static str,
    pub(super) until: &'static str,
    pub(super) key: &'static str,
    pub(super) keys: &'static str,
    pub(super) seats: &'static str,
    pub(super) copy: &'static str,
    pub(super) copied: &'static str,
    pub(super) to_ship: &'static str,
    pub(super) shipped: &'static str,
    pub(super) carrier: &'static str,
    pub(super) tracking: &'static str,
    pub(super) track: &'static str,
    pub(super) waits: &'static str,
    /// Around a mail address whose middle is hidden.
    pub(super) mailed: [&'static str; 2],
    pub(super) print: &'static str,
    pub(super) reference: &'static str,
    /// Why keys and links are not shown, and how to get at them.
    pub(super) masked: Say,
    pub(super) send_link: &'static str,
    pub(super) support: &'static str,
    pub(super) back: &'static str,
    pub(super) find: Find,
}

/// How long the money takes, by how it is paid.
#[derive(Debug)]
pub(super) struct Takes {
    pub(super) sepa_debit: &'static str,
    pub(super) us_bank_account: &'static str,
    pub(super) bacs_debit: &'static str,
    pub(super) au_becs_debit: &'static str,
    pub(super) acss_debit: &'static str,
    pub(super) customer_balance: &'static str,
    pub(super) voucher: &'static str,
    pub(super) unknown: &'static str,
}

/// The pages where buyers find their orders again.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) link: &'static str,
    pub(super) ask: Say,
    pub(super) email: &'static str,
    pub(super) send: &'static str,
    pub(super) no_address: &'static str,
    pub(super) asked: Say,
    pub(super) no_mail: Say,
    /// Too many requests from one place within a minute.
    pub(super) too_many: Say,
    /// The mails of an order were asked for too often within an hour.
    pub(super) again_later: Say,
    pub(super) over: Say,
    pub(super) mine: Say,
    pub(super) again: &'static str,
    pub(super) again_sent: Say,
    pub(super) back: &'static str,
}

/// Every language that pages are written in.
const ALL: [&Words; 2] = [&en::WORDS, &de::WORDS];

/// The words of a language.
pub(super) fn of(language: &Language) -> &'static Words {
    ALL.into_iter().find(|words| words.language.tag == language.tag).unwrap_or(ALL[0])
}

impl Takes {
    /// By what the checkout offered: cards and wallets never keep anybody waiting, so one delayed way
    /// among them is the one that was taken. With several nobody knows.
    pub(super) fn by(&self, methods: &[String]) -> &'static str {
        let known = |method: &String| match method.as_str() {
            "sepa_debit" => Some(self.sepa_debit),
            "us_bank_account" => Some(self.us_bank_account),
            "bacs_debit" => Some(self.bacs_debit),
            "au_becs_debit" => Some(self.au_becs_debit),
            "acss_debit" => Some(self.acss_debit),
            "customer_balance" => Some(self.customer_balance),
            "boleto" | "konbini" | "multibanco" | "oxxo" => Some(self.voucher),
            "card" | "link" | "paypal" | "klarna" | "amazon_pay" | "ideal" | "bancontact"
            | "eps" | "p24" | "cashapp" | "affirm" | "afterpay_clearpay" => None,
            _ => Some(self.unknown),
        };
        let mut delayed = methods.iter().filter_map(known);
        match (delayed.next(), delayed.next()) {
            (Some(one), None) => one,
            _ => self.unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{en, of};
    use crate::language::ALL;

    #[test]
    fn every_language_has_its_words() {
        for language in ALL {
            assert_eq!(of(language).language.tag, language.tag);
        }
    }

    #[test]
    fn how_long_it_takes_is_said_only_where_it_is_known() {
        let takes = &en::WORDS.takes;
        let by = |methods: &[&str]| {
            takes.by(&methods.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(by(&["card", "sepa_debit"]), takes.sepa_debit);
        assert_eq!(by(&["sepa_debit"]), takes.sepa_debit);
        assert_eq!(by(&["oxxo", "card"]), takes.voucher);
        for unknown in
            [&["sepa_debit", "oxxo"][..], &["card"], &[], &["brand_new"], &["card", "brand_new"]]
        {
            assert_eq!(by(unknown), takes.unknown, "{unknown:?}");
        }
    }
}
