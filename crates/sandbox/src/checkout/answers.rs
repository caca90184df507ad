//! What the buyer answers beside choosing and paying: the merchant's own questions, names, consent.

use super::quote::{FieldError, Problem, wrong};
use crate::state::objects::{Ask, CustomField, FieldKind, Terms};

/// The answers. Names of fields on the page are in brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// Keys and values of custom fields (`custom[key]`).
    pub(crate) custom_fields: Vec<(String, String)>,
    /// Set when the terms of service were accepted (`terms_of_service`).
    pub(crate) accepts_terms: bool,
    /// Whether the shop may send news (`promotions`).
    pub(crate) wants_promotions: bool,
    /// (`individual_name`)
    pub(crate) individual_name: Option<String>,
    /// (`business_name`)
    pub(crate) business_name: Option<String>,
    /// A type, as `eu_vat`, and the number (`tax_id`).
    pub(crate) tax_id: Option<(String, String)>,
}

/// What a custom field's length may be when its creator does not say.
const FIELD_CHARS_MAX: i64 = 255;

impl Answers {
    /// The value that a custom field was given.
    pub(crate) fn custom_field(&self, key: &str) -> Option<&str> {
        self.custom_fields.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Everything that is wrong or missing.
    pub(crate) fn problems(&self, terms: &Terms) -> Vec<FieldError> {
        let mut problems = self.misfits(terms);
        let mut need = |asked: Ask, given: bool, field: &str| {
            if asked == Ask::Required && !given {
                problems.push(wrong(field, Problem::Missing));
            }
        };
        need(terms.individual_name, self.individual_name.is_some(), "individual_name");
        need(terms.business_name, self.business_name.is_some(), "business_name");
        need(terms.tax_id, self.tax_id.is_some(), "tax_id");
        for field in terms.custom_fields.iter().filter(|field| !field.optional) {
            if self.custom_field(&field.key).is_none_or(str::is_empty) {
                problems.push(wrong(format!("custom[{}]", field.key), Problem::Missing));
            }
        }
        if terms.terms_of_service && !self.accepts_terms {
            problems.push(wrong("terms_of_service", Problem::NotAccepted));
        }
        problems
    }

    /// What was given and does not fit. Nothing is missed.
    pub(crate) fn misfits(&self, terms: &Terms) -> Vec<FieldError> {
        let misfit = |field: &CustomField| {
            let value = self.custom_field(&field.key).filter(|value| !value.is_empty())?;
            let problem = field.misfit(value)?;
            Some(wrong(format!("custom[{}]", field.key), problem))
        };
        terms.custom_fields.iter().filter_map(misfit).collect()
    }
}

impl CustomField {
    /// What is wrong about an answer.
    pub(crate) fn misfit(&self, value: &str) -> Option<Problem> {
        let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
        match &self.kind {
            FieldKind::Dropdown(options) => {
                (!options.iter().any(|(known, _)| known == value)).then_some(Problem::NotAnOption)
            }
            FieldKind::Numeric { .. } if !value.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(Problem::NotANumber)
            }
            FieldKind::Text { minimum, maximum } | FieldKind::Numeric { minimum, maximum } => {
                let most = maximum.unwrap_or(FIELD_CHARS_MAX);
                match minimum {
                    Some(least) if length < *least => Some(Problem::TooShort(*least)),
                    _ => (length > most).then_some(Problem::TooLong(most)),
                }
            }
        }
    }

    /// An answer that fits, for buyers who do not read.
    pub(crate) fn any_answer(&self) -> String {
        if let Some(default) = &self.default {
            return default.clone();
        }
        let long = |least: &Option<i64>| usize::try_from(least.unwrap_or(1).max(1)).unwrap_or(1);
        match &self.kind {
            FieldKind::Text { minimum, .. } => "x".repeat(long(minimum)),
            FieldKind::Numeric { minimum, .. } => "1".repeat(long(minimum)),
            FieldKind::Dropdown(options) => {
                options.first().map(|(value, _)| value.clone()).unwrap_or_default()
            }
        }
    }
}
