//! The process environment, and the names that settings have there and in the file.

use std::{collections::BTreeMap, ffi::OsString};

use super::mistakes::nearest;

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

/// What the names begin with that are nobody's but ours.
const OURS: &str = "FULFILLD_";
/// Variables that Kubernetes sets for a service named fulfilld, and the tests for themselves.
const OTHERS: [&str; 3] = ["FULFILLD_PORT_", "FULFILLD_SERVICE_", "FULFILLD_TEST_"];

/// Every variable and what it is called in the file, for the help.
pub(crate) fn variables() -> String {
    let rows = NAMES.iter().filter_map(|(name, variable)| Some((name, (*variable)?)));
    rows.map(|(name, variable)| format!("  {variable:<24} {name}\n")).collect()
}

/// Says of variables that look like ours what no setting is called. No mistake: platforms set variables, too.
pub(crate) fn unknown() -> Vec<String> {
    unknown_of(std::env::vars_os())
}

fn unknown_of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<String> {
    let known = || NAMES.iter().filter_map(|(_, variable)| *variable);
    let mut said = Vec::new();
    for (name, value) in variables {
        let name = name.to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(OURS) else { continue };
        // Kubernetes' FULFILLD_PORT is an address.
        let others = OTHERS.iter().any(|other| name.starts_with(other))
            || value.to_string_lossy().starts_with("tcp://");
        if others || known().any(|known| known == name) {
            continue;
        }
        let near = nearest(rest, known().filter_map(|known| known.strip_prefix(OURS)));
        let near = near.map_or_else(String::new, |near| format!("; did you mean {OURS}{near}?"));
        said.push(format!("there is no setting {name}, it does nothing{near}"));
    }
    said.sort();
    said
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest_one() {
        let variables = [
            ("FULFILLD_TYPO_OF_NOTHING", "1"),
            ("FULFILLD_LISTN", "127.0.0.1:1"),
            ("FULFILLD_MAILFROM", "a@b.example"),
            ("FULFILLD_PORT", "4242"),
            ("FULFILLD_PORT_4242_TCP", "tcp://10.0.0.1:4242"),
            ("FULFILLD_SERVICE_HOST", "10.0.0.1"),
            ("FULFILLD_TEST_POSTGRES", "postgres://localhost/x"),
            ("FULFILLD_DATA", "data"),
            ("PATH", "/bin"),
        ];
        let said = unknown_of(variables.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(
            said,
            [
                "there is no setting FULFILLD_LISTN, it does nothing; did you mean FULFILLD_LISTEN?",
                "there is no setting FULFILLD_MAILFROM, it does nothing; did you mean FULFILLD_MAIL_FROM?",
                "there is no setting FULFILLD_PORT, it does nothing",
                "there is no setting FULFILLD_TYPO_OF_NOTHING, it does nothing",
            ]
        );
        let kubernetes = [("FULFILLD_PORT".into(), "tcp://10.0.0.1:4242".into())];
        assert_eq!(unknown_of(kubernetes), [] as [&str; 0]);
    }

    #[test]
    fn help_and_docs_name_every_variable() {
        use clap::CommandFactory as _;
        let help = crate::cli::Cli::command().render_long_help().to_string();
        let readme = include_str!("../../../../README.md");
        for variable in NAMES.iter().filter_map(|(_, variable)| *variable) {
            assert!(help.contains(&format!("{variable} ")), "{variable} is not in\n{help}");
            assert!(readme.contains(&format!("`{variable}`")), "{variable} is not in the README");
        }
    }
}
