//! The catalog without a file: what a product owes, written into its metadata at Stripe (case 29).
//!
//! | name | value |
//! |---|---|
//! | `fulfilld_grant` | what access is given to, in the shop's own words |
//! | `fulfilld_days`, `fulfilld_url` | the grant's term in days, and where it is used |
//! | `fulfilld_key` | the pool a license key is drawn from |
//! | `fulfilld_seats` | `yes`: one key with N seats instead of N keys |
//! | `fulfilld_stock` | the SKU that is taken from |
//! | `fulfilld_oversell` | `hold` (by default) or `backorder` |
//! | `fulfilld_parcel` | `yes`: something is sent |
//! | `fulfilld_manual` | `yes`: a person does it |
//!
//! A price's or a line's metadata wins over the product's, an entry of the catalog over all of them.

use std::collections::BTreeMap;

use crate::plan::{DAYS, Grant, Key, Oversell, Parcel, Product, Stock};

/// Names that begin so are ours; Stripe allows 40 characters for a name and 500 for a value.
const PREFIX: &str = "fulfilld_";
const NAMES: [&str; 9] =
    ["grant", "days", "url", "key", "seats", "stock", "oversell", "parcel", "manual"];

/// Reads what a line's metadata says that it owes; nothing when it says nothing.
///
/// # Errors
/// All that is wrong with it, for people: then nobody knows what was meant, and the line has to wait.
pub fn product(metadata: &BTreeMap<String, String>) -> Result<Option<Product>, String> {
    let mut said = Said { mistakes: Vec::new(), words: BTreeMap::new() };
    for (name, value) in metadata {
        let Some(name) = name.strip_prefix(PREFIX) else { continue };
        if NAMES.contains(&name) {
            said.words.insert(name, value.trim());
        } else {
            said.mistakes.push(format!("{PREFIX}{name} is none of the names that are known"));
        }
    }
    if said.words.is_empty() && said.mistakes.is_empty() {
        return Ok(None);
    }
    let product = said.product();
    if said.mistakes.is_empty() { Ok(Some(product)) } else { Err(said.mistakes.join("; ")) }
}

struct Said<'a> {
    words: BTreeMap<&'a str, &'a str>,
    mistakes: Vec<String>,
}

impl Said<'_> {
    fn product(&mut self) -> Product {
        let grant = self.text("grant").map(|access| Grant {
            access,
            days: self.days(),
            url: self.text("url"),
        });
        let key = self.text("key").map(|pool| Key { pool, seats: self.yes("seats") });
        let stock = self.text("stock").map(|sku| Stock { sku, oversell: self.oversell() });
        let product = Product {
            grant,
            key,
            stock,
            parcel: self.yes("parcel").then_some(Parcel {}),
            manual: self.yes("manual"),
            ..Product::default()
        };
        for (part, whole) in
            [("days", "grant"), ("url", "grant"), ("seats", "key"), ("oversell", "stock")]
        {
            if self.words.contains_key(part) && !self.words.contains_key(whole) {
                self.mistakes.push(format!("{PREFIX}{part} needs {PREFIX}{whole}"));
            }
        }
        product
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let value = *self.words.get(name)?;
        if value.is_empty() {
            self.mistakes.push(format!("{PREFIX}{name} is empty"));
        }
        Some(value.to_owned())
    }

    fn days(&mut self) -> Option<i64> {
        let value = *self.words.get("days")?;
        let days = value.parse().ok().filter(|days| DAYS.contains(days));
        if days.is_none() {
            self.mistakes.push(format!("{PREFIX}days = '{value}' is not a number from 1 to 36500"));
        }
        days
    }

    fn yes(&mut self, name: &str) -> bool {
        let Some(value) = self.words.get(name) else { return false };
        match value.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => true,
            "no" | "false" | "0" => false,
            _ => {
                self.mistakes.push(format!("{PREFIX}{name} = '{value}' is neither yes nor no"));
                false
            }
        }
    }

    fn oversell(&mut self) -> Oversell {
        match self.words.get("oversell").copied() {
            None | Some("hold") => Oversell::Hold,
            Some("backorder") => Oversell::Backorder,
            Some(other) => {
                let mistake = format!("{PREFIX}oversell = '{other}' is neither hold nor backorder");
                self.mistakes.push(mistake);
                Oversell::Hold
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[(&str, &str)]) -> Result<Option<Product>, String> {
        product(&words.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn case_29_metadata_can_be_the_whole_catalog() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("kind", "course"), ("grant", "not ours")]), Ok(None));
        let course = read(&[
            ("fulfilld_grant", " course "),
            ("fulfilld_days", "365"),
            ("fulfilld_url", "https://example.com/course"),
        ]);
        let course = course.unwrap().unwrap();
        let grant = course.grant.clone().unwrap();
        assert_eq!((grant.access.as_str(), grant.days), ("course", Some(365)));
        assert_eq!(grant.url.as_deref(), Some("https://example.com/course"));
        assert_eq!(Product { grant: None, ..course }, Product::default());

        let all = read(&[
            ("fulfilld_key", "editor"),
            ("fulfilld_seats", "Yes"),
            ("fulfilld_stock", "SHIRT-M"),
            ("fulfilld_oversell", "backorder"),
            ("fulfilld_parcel", "true"),
            ("fulfilld_manual", "no"),
        ]);
        let wanted = Product {
            key: Some(Key { pool: "editor".into(), seats: true }),
            stock: Some(Stock { sku: "SHIRT-M".into(), oversell: Oversell::Backorder }),
            parcel: Some(Parcel {}),
            ..Product::default()
        };
        assert_eq!(all, Ok(Some(wanted)));
    }

    #[test]
    fn what_was_meant_is_never_guessed() {
        for (name, value, why) in [
            ("grnt", "course", "none of the names"),
            ("grant", " ", "is empty"),
            ("days", "365", "needs fulfilld_grant"),
            ("url", "https://example.com", "needs fulfilld_grant"),
            ("seats", "yes", "needs fulfilld_key"),
            ("oversell", "hold", "needs fulfilld_stock"),
            ("parcel", "maybe", "neither yes nor no"),
            ("manual", "", "neither yes nor no"),
        ] {
            let found = read(&[(&format!("fulfilld_{name}"), value)]).unwrap_err();
            assert!(found.contains(why), "{name}: {found}");
        }
        let found = read(&[("fulfilld_grant", "x"), ("fulfilld_days", "0")]).unwrap_err();
        assert!(found.contains("from 1 to 36500"), "{found}");
        let found =
            read(&[("fulfilld_stock", "S"), ("fulfilld_oversell", "yes"), ("fulfilld_x", "")]);
        assert_eq!(found.unwrap_err().split("; ").count(), 2, "every mistake is named");
    }
}
