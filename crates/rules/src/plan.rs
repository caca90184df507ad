//! The catalog: what a product owes once it is paid for (design, §5).

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use serde::Deserialize;

use crate::{fact::Line, metadata};

/// How long a grant may last, in days.
pub(crate) const DAYS: RangeInclusive<i64> = 1..=36_500;

/// One `[[product]]` of the catalog: how a line is recognised, and what it owes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Stripe product id.
    pub id: Option<String>,
    /// Stripe price id; wins over the product's id.
    pub price: Option<String>,
    /// The price's lookup key.
    pub lookup_key: Option<String>,
    /// Payment Link id: every line sold by that link.
    pub payment_link: Option<String>,
    /// Metadata that product, price or line must carry, all of it.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Access to something, perhaps for a term.
    pub grant: Option<Grant>,
    /// A licence key from a pool.
    pub key: Option<Key>,
    /// Stock to take from.
    pub stock: Option<Stock>,
    /// Something to send.
    pub parcel: Option<Parcel>,
    /// A person does it.
    #[serde(default)]
    pub manual: bool,
    /// An action of one's own.
    pub action: Option<Own>,
}

/// Access to something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What for, in the shop's own words.
    pub access: String,
    /// Length in days; without it, for ever.
    pub days: Option<i64>,
    /// Where the buyer goes to use it.
    pub url: Option<String>,
}

/// A licence key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The pool it is drawn from.
    pub pool: String,
    /// One key with N seats instead of N keys (case 31).
    #[serde(default)]
    pub seats: bool,
}

/// Stock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    /// Stock keeping unit.
    pub sku: String,
    /// What happens when there is not enough (case 32).
    #[serde(default)]
    pub oversell: Oversell,
}

/// What happens when stock does not suffice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oversell {
    /// The line waits for stock or a person.
    #[default]
    Hold,
    /// The line goes out; what is missing is counted as owed to the shelf.
    Backorder,
}

/// Something to send; has no settings yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parcel {}

/// An action of one's own, by its kind, with whatever input it wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// The action's `KIND`.
    pub kind: String,
    /// Handed to the action as it stands here.
    #[serde(default)]
    pub input: BTreeMap<String, String>,
}

impl Product {
    fn names_something(&self) -> bool {
        self.id.is_some()
            || self.price.is_some()
            || self.lookup_key.is_some()
            || self.payment_link.is_some()
            || self.metadata.as_ref().is_some_and(|m| !m.is_empty())
    }

    fn owes_something(&self) -> bool {
        self.grant.is_some()
            || self.key.is_some()
            || self.stock.is_some()
            || self.parcel.is_some()
            || self.manual
            || self.action.is_some()
    }

    fn wants(&self, line: &Line, payment_link: Option<&str>) -> bool {
        fn fits(want: Option<&String>, have: Option<&str>) -> bool {
            want.is_none_or(|want| have == Some(want.as_str()))
        }
        fits(self.id.as_ref(), line.product.as_deref())
            && fits(self.price.as_ref(), line.price.as_deref())
            && fits(self.lookup_key.as_ref(), line.lookup_key.as_deref())
            && fits(self.payment_link.as_ref(), payment_link)
            && self
                .metadata
                .iter()
                .flatten()
                .all(|(name, value)| line.metadata.get(name) == Some(value))
    }

    /// Matchers sorted by how narrow they are: price, lookup key, product, metadata, payment link.
    fn narrowness(&self) -> (bool, bool, bool, usize, bool) {
        (
            self.price.is_some(),
            self.lookup_key.is_some(),
            self.id.is_some(),
            self.metadata.as_ref().map_or(0, BTreeMap::len),
            self.payment_link.is_some(),
        )
    }

    fn matcher(&self) -> String {
        let mut parts = Vec::new();
        for (name, value) in [
            ("id", &self.id),
            ("price", &self.price),
            ("lookup_key", &self.lookup_key),
            ("payment_link", &self.payment_link),
        ] {
            if let Some(value) = value {
                parts.push(format!("{name} = \"{value}\""));
            }
        }
        for (name, value) in self.metadata.iter().flatten() {
            parts.push(format!("metadata.{name} = \"{value}\""));
        }
        parts.join(", ")
    }
}

/// What is known of what a line owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// An entry of the catalog.
    Entry(&'a Product),
    /// What the line's own metadata says.
    Metadata(Box<Product>),
    /// Nothing: the line waits for a person.
    Nothing,
    /// Its metadata says something that cannot be meant; the text says what. The line waits.
    Mistake(String),
}

impl Found<'_> {
    /// The product, where there is one.
    #[must_use]
    pub fn product(&self) -> Option<&Product> {
        match self {
            Self::Entry(product) => Some(product),
            Self::Metadata(product) => Some(product),
            Self::Nothing | Self::Mistake(_) => None,
        }
    }
}

/// Why nobody knows what a product owes that no entry names.
const UNREAD: &str =
    "the API key may not read products; give it \"Products: read\" in the Stripe dashboard";

/// All products, ready to be matched.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Narrowest first, so the first that fits is the one.
    products: Vec<Product>,
    by_price: HashMap<String, Vec<usize>>,
    by_product: HashMap<String, Vec<usize>>,
    others: Vec<usize>,
}

/// What is wrong with a catalog; every mistake is named at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogMistake {
    /// An entry nothing can match.
    #[error(
        "[[product]] number {0} names nothing: give it id, price, lookup_key, payment_link or metadata"
    )]
    NoMatcher(usize),
    /// An entry that does nothing.
    #[error("[[product]] {0} owes nothing: give it grant, key, stock, parcel, manual or action")]
    OwesNothing(String),
    /// Two entries for the same thing.
    #[error("[[product]] {0} stands twice: put what it owes into one entry")]
    Twice(String),
    /// A number out of range.
    #[error("[[product]] {0}: days must be 1 to 36500")]
    Days(String),
    /// An empty name.
    #[error("[[product]] {0}: {1} must not be empty")]
    Empty(String, &'static str),
}

impl Catalog {
    /// Checks the entries and sorts them by how narrow they are.
    ///
    /// # Errors
    /// Every [`CatalogMistake`] there is.
    pub fn new(mut products: Vec<Product>) -> Result<Self, Vec<CatalogMistake>> {
        let mistakes = mistakes(&products);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        products.sort_by_key(|p| std::cmp::Reverse(p.narrowness()));
        let mut catalog = Self::default();
        for (at, product) in products.iter().enumerate() {
            if let Some(price) = &product.price {
                catalog.by_price.entry(price.clone()).or_default().push(at);
            } else if let Some(id) = &product.id {
                catalog.by_product.entry(id.clone()).or_default().push(at);
            } else {
                catalog.others.push(at);
            }
        }
        catalog.products = products;
        Ok(catalog)
    }

    /// What a line owes: the narrowest entry that fits (price, lookup key, product, metadata, payment
    /// link), otherwise what its metadata says (case 29).
    #[must_use]
    pub fn find(&self, line: &Line, payment_link: Option<&str>) -> Found<'_> {
        if let Some(entry) = self.entry(line, payment_link) {
            return Found::Entry(entry);
        }
        match metadata::product(&line.metadata) {
            Ok(Some(product)) => Found::Metadata(Box::new(product)),
            Ok(None) if line.product_unread => Found::Mistake(UNREAD.to_owned()),
            Ok(None) => Found::Nothing,
            Err(mistake) => Found::Mistake(mistake),
        }
    }

    fn entry(&self, line: &Line, payment_link: Option<&str>) -> Option<&Product> {
        let none: &[usize] = &[];
        let named = |map: &'_ HashMap<String, Vec<usize>>, key: &Option<String>| -> Vec<usize> {
            key.as_ref().and_then(|k| map.get(k)).map_or(none, Vec::as_slice).to_vec()
        };
        let mut candidates = named(&self.by_price, &line.price);
        candidates.extend(named(&self.by_product, &line.product));
        candidates.extend_from_slice(&self.others);
        candidates.sort_unstable();
        candidates
            .into_iter()
            .filter_map(|at| self.products.get(at))
            .find(|product| product.wants(line, payment_link))
    }

    /// All entries, narrowest first.
    #[must_use]
    pub fn products(&self) -> &[Product] {
        &self.products
    }
}

fn mistakes(products: &[Product]) -> Vec<CatalogMistake> {
    let mut found = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (at, product) in products.iter().enumerate() {
        let name = product.matcher();
        if !product.names_something() {
            found.push(CatalogMistake::NoMatcher(at + 1));
            continue;
        }
        if !product.owes_something() {
            found.push(CatalogMistake::OwesNothing(name.clone()));
        }
        if !seen.insert(name.clone()) {
            found.push(CatalogMistake::Twice(name.clone()));
        }
        if let Some(days) = product.grant.as_ref().and_then(|g| g.days)
            && !DAYS.contains(&days)
        {
            found.push(CatalogMistake::Days(name.clone()));
        }
        for (field, value) in [
            ("grant.access", product.grant.as_ref().map(|g| &g.access)),
            ("key.pool", product.key.as_ref().map(|k| &k.pool)),
            ("stock.sku", product.stock.as_ref().map(|s| &s.sku)),
            ("action.kind", product.action.as_ref().map(|a| &a.kind)),
        ] {
            if value.is_some_and(|v| v.trim().is_empty()) {
                found.push(CatalogMistake::Empty(name.clone(), field));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Catalog, CatalogMistake, Product};
    use crate::fact::Line;

    fn catalog(text: &str) -> Result<Catalog, Vec<CatalogMistake>> {
        #[derive(serde::Deserialize)]
        struct File {
            product: Vec<Product>,
        }
        Catalog::new(toml::from_str::<File>(text).unwrap().product)
    }

    #[test]
    fn case_29_the_narrowest_matcher_wins() {
        let catalog = catalog(
            r#"
            [[product]]
            metadata = { kind = "course" }
            grant = { access = "by metadata" }
            [[product]]
            payment_link = "plink_1"
            grant = { access = "by link" }
            [[product]]
            id = "prod_1"
            grant = { access = "by product" }
            [[product]]
            lookup_key = "yearly"
            grant = { access = "by lookup key" }
            [[product]]
            price = "price_1"
            grant = { access = "by price" }
        "#,
        )
        .unwrap();
        let mut line = Line::default();
        let access = |line: &Line, link| {
            let found = catalog.find(line, link);
            found.product().and_then(|p| p.grant.clone()).map(|g| g.access)
        };
        assert_eq!(access(&line, None), None);
        assert_eq!(access(&line, Some("plink_1")).as_deref(), Some("by link"));
        line.metadata.insert("fulfilld_grant".into(), "by the product's own metadata".into());
        assert_eq!(access(&line, None).as_deref(), Some("by the product's own metadata"));
        assert_eq!(access(&line, Some("plink_1")).as_deref(), Some("by link"));
        line.metadata.insert("kind".into(), "course".into());
        assert_eq!(access(&line, Some("plink_1")).as_deref(), Some("by metadata"));
        line.product = Some("prod_1".into());
        assert_eq!(access(&line, None).as_deref(), Some("by product"));
        line.lookup_key = Some("yearly".into());
        assert_eq!(access(&line, None).as_deref(), Some("by lookup key"));
        line.price = Some("price_1".into());
        assert_eq!(access(&line, None).as_deref(), Some("by price"));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let found = catalog(
            r#"
            [[product]]
            manual = true
            [[product]]
            id = "prod_1"
            [[product]]
            id = "prod_2"
            grant = { access = "", days = 0 }
            [[product]]
            id = "prod_2"
            manual = true
        "#,
        )
        .unwrap_err();
        assert_eq!(found.len(), 5, "{found:#?}");
    }
}
