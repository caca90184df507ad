//! What mails say, one file for each language.

mod de;
mod en;

use fulfill_rules::{fact::Sale, notice};
use serde::Serialize;

use super::summary;
use crate::language::{self, Language};

/// All that mails say in one language. Templates know the words by these names.
#[derive(Debug, Serialize)]
pub(super) struct Words {
    /// BCP 47.
    #[serde(skip)]
    pub(super) lang: &'static str,
    /// How it writes.
    #[serde(skip)]
    pub(super) language: &'static Language,
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
    pub(super) link: Say,
    #[serde(skip)]
    pub(super) new_order: Say,
    #[serde(skip)]
    pub(super) needs_attention: Say,
    #[serde(skip)]
    pub(super) summary: Say,
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
    pub(super) filled_in: &'static str,
    pub(super) goes_to: &'static str,
    pub(super) carrier: &'static str,
    pub(super) tracking: &'static str,
    pub(super) track: &'static str,
    pub(super) buyer: &'static str,
    pub(super) reason: &'static str,
    #[serde(skip)]
    pub(super) held: Held,
    pub(super) see_order: &'static str,
    /// The merchant's link.
    pub(super) open_order: &'static str,
    pub(super) my_orders: &'static str,
    pub(super) reference: &'static str,
    pub(super) test: &'static str,
    pub(super) automatic: &'static str,
    pub(super) sold: &'static str,
    pub(super) nothing_sold: &'static str,
    pub(super) order: &'static str,
    pub(super) orders: &'static str,
    pub(super) waits: &'static str,
    pub(super) nothing_waits: &'static str,
    /// Before the colon of a number.
    pub(super) waits_attention: &'static str,
    pub(super) waits_stuck: &'static str,
    pub(super) waits_parcels: &'static str,
    pub(super) waits_payment: &'static str,
    pub(super) low_keys: &'static str,
    pub(super) low_stock: &'static str,
    pub(super) owed: &'static str,
    pub(super) dashboard: &'static str,
}

/// A subject, a heading, and what follows it.
#[derive(Debug)]
pub(super) struct Say {
    pub(super) subject: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// What an order waits for; `{}` is the line, the SKU, the pool, the delivery.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) stock: &'static str,
    pub(super) keys: &'static str,
    pub(super) address: &'static str,
    /// A payment of which Stripe shows no lines.
    pub(super) nothing_listed: &'static str,
    pub(super) unmatched: &'static str,
    /// Metadata with a mistake.
    pub(super) unreadable: &'static str,
    pub(super) by_hand: &'static str,
    pub(super) stuck: &'static str,
}

/// Every language there is; the first is spoken to those whose own is not known.
pub(super) const ALL: [&Words; 2] = [&en::WORDS, &de::WORDS];

/// The words of the language of that name, as in `de` or `de-AT`.
pub(super) fn named(name: &str) -> Option<&'static Words> {
    language::named(name).map(in_language)
}

/// The words of a language.
pub(super) fn in_language(language: &Language) -> &'static Words {
    ALL.into_iter().find(|words| words.lang == language.tag).unwrap_or(ALL[0])
}

/// The words of a sale's language. Nothing when it is not known, or not spoken here.
pub(super) fn of(sale: &Sale) -> Option<&'static Words> {
    language::of(sale).map(in_language)
}

impl Words {
    /// What the mail of this kind says.
    pub(super) fn say(&self, kind: &str) -> &Say {
        match kind {
            notice::ACCESS => &self.access,
            notice::PAYMENT_PENDING => &self.payment_pending,
            notice::PAYMENT_FAILED => &self.payment_failed,
            notice::SHIPPED => &self.shipped,
            notice::LINK => &self.link,
            notice::NEW_ORDER => &self.new_order,
            notice::NEEDS_ATTENTION => &self.needs_attention,
            summary::KIND => &self.summary,
            _ => &self.receipt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_language;
    use crate::language::ALL;

    #[test]
    fn every_language_has_its_words() {
        for language in ALL {
            let words = in_language(language);
            assert_eq!((words.lang, words.language.tag), (language.tag, language.tag));
        }
    }
}
