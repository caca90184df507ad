//! What a form sent, or an address asks.

use std::sync::Arc;

/// Fields of a form; more are not read.
const FIELDS_MAX: usize = 1_000;

/// Names and values, in their order. A copy of a form is another hold on the same one: a list of keys
/// may be long.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(Arc<Vec<(String, String)>>);

impl Form {
    pub(super) fn read(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded).into_owned();
        Self(Arc::new(pairs.take(FIELDS_MAX).collect()))
    }

    /// The first value of this name, without what stands around it; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first value of this name as it was sent.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The same, or what there is where it was not sent.
    pub(super) fn or<'a>(&'a self, name: &str, other: &'a str) -> &'a str {
        self.0.iter().find(|(known, _)| known == name).map_or(other, |(_, value)| value)
    }

    /// All values of this name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(known, value)| known == name && !value.is_empty());
        values.map(|(_, value)| value.clone()).collect()
    }
}
