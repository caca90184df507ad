//! The process environment, and the names that settings have there and in the file.

use std::collections::BTreeMap;

/// A setting: its name in the file (a dot stands for a table), its name in the environment.
pub(super) const NAMES: [(&str, Option<&str>); 26] = [
    ("stripe_secret_key", Some("STRIPE_SECRET_KEY")),
    ("stripe_webhook_secret", Some("STRIPE_WEBHOOK_SECRET")),
    ("stripe_api_base", Some("STRIPE_API_BASE")),
    ("stripe_api_rate", Some("STRIPE_API_RATE")),
    ("database_url", Some("DATABASE_URL")),
    ("data", Some("FULFILLD_DATA")),
    ("listen", Some("FULFILLD_LISTEN")),
    ("api_token", Some("FULFILLD_API_TOKEN")),
    ("public_url", Some("FULFILLD_PUBLIC_URL")),
    ("behind_proxy", Some("FULFILLD_BEHIND_PROXY")),
    ("shop.name", Some("FULFILLD_SHOP_NAME")),
    ("shop.logo", None),
    ("shop.color", None),
    ("shop.language", None),
    ("shop.url", None),
    ("shop.support", None),
    ("shop.time_zone", None),
    ("mail.smtp", Some("FULFILLD_SMTP")),
    ("mail.from", Some("FULFILLD_MAIL_FROM")),
    ("mail.merchant", None),
    ("mail.receipt", None),
    ("mail.language", None),
    ("mail.on_ambiguous", None),
    ("mail.templates", Some("FULFILLD_MAIL_TEMPLATES")),
    ("mail.summary", None),
    ("mail.ca", None),
];

/// What the environment says of our settings, by environment name. Empty counts as not set.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<&'static str, Result<String, NotText>>);

/// A variable that is not UTF-8.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotText;

impl Environment {
    /// Reads the variables of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads it")]
    pub(crate) fn read() -> Self {
        let of = |name: &'static str| match std::env::var(name) {
            Ok(value) if value.trim().is_empty() => None,
            Ok(value) => Some((name, Ok(value))),
            Err(std::env::VarError::NotPresent) => None,
            Err(std::env::VarError::NotUnicode(_)) => Some((name, Err(NotText))),
        };
        Self(NAMES.iter().filter_map(|(_, name)| *name).filter_map(of).collect())
    }

    #[cfg(test)]
    pub(super) fn of(values: &[(&'static str, &str)]) -> Self {
        Self(values.iter().map(|(name, value)| (*name, Ok((*value).to_owned()))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Result<String, NotText>> {
        self.0.get(name)
    }
}
