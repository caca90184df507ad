//! What the demo's shop sells, and the catalog that says what each owes. Each shows one thing.

use fulfill::rules::plan::Product;

/// Something to buy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Good {
    /// Its name in the shop's form, and the end of its product id.
    pub(crate) item: &'static str,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Price in euro cents.
    pub(crate) cents: u32,
    /// The buyer may choose how many.
    pub(crate) adjustable: bool,
    /// The buyer is asked where to send it.
    pub(crate) ships: bool,
}

impl Good {
    pub(crate) fn product(&self) -> String {
        format!("prod_demo_{}", self.item)
    }
}

const fn good(item: &'static str, name: &'static str, about: &'static str, cents: u32) -> Good {
    Good { item, name, about, cents, adjustable: false, ships: false }
}

pub(crate) const GOODS: [Good; 7] = [
    good("course", "Video course", "Access for a year, at once.", 4_900),
    Good {
        adjustable: true,
        ..good("editor", "Editor license", "One license key a unit, from a pool of 200.", 2_900)
    },
    Good {
        adjustable: true,
        ships: true,
        ..good(
            "shirt",
            "T-shirt",
            "From stock, sent as a parcel; held when the shelf is empty.",
            1_900,
        )
    },
    Good {
        ships: true,
        ..good("poster", "Poster", "On backorder: goes out though the shelf is empty.", 900)
    },
    good("handmade", "Handmade bowl", "Waits for a person: you.", 3_500),
    good("sample", "Sample chapter", "Free: nothing to pay.", 0),
    good("mystery", "Mystery box", "Not in the catalog: paid, so it waits for a person.", 500),
];

pub(crate) fn find(item: &str) -> Option<&'static Good> {
    GOODS.iter().find(|good| good.item == item)
}

/// Goods that go out by themselves, for orders of many lines.
pub(crate) const READY: [&str; 4] = ["course", "editor", "shirt", "poster"];

/// The pool that the editor's keys come from.
pub(crate) const POOL: &str = "editor";

/// The catalog, as it would stand in `fulfilld.toml`.
pub(crate) const CATALOG: &str = r#"
[[product]]
id = "prod_demo_course"
grant = { access = "course", days = 365, url = "https://example.com/course" }

[[product]]
id = "prod_demo_editor"
key = { pool = "editor" }

[[product]]
id = "prod_demo_shirt"
stock = { sku = "SHIRT", oversell = "hold" }
parcel = {}

[[product]]
id = "prod_demo_poster"
stock = { sku = "POSTER", oversell = "backorder" }
parcel = {}

[[product]]
id = "prod_demo_handmade"
manual = true

[[product]]
id = "prod_demo_sample"
grant = { access = "sample", url = "https://example.com/sample" }
"#;

#[derive(serde::Deserialize)]
struct Catalog {
    product: Vec<Product>,
}

/// The catalog's products.
pub(crate) fn products() -> anyhow::Result<Vec<Product>> {
    Ok(toml::from_str::<Catalog>(CATALOG)?.product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_good_but_the_mystery_is_in_the_catalog() {
        let products = products().unwrap();
        fulfill::rules::plan::Catalog::new(products.clone()).unwrap();
        let unknown: Vec<&str> = GOODS
            .iter()
            .filter(|good| !products.iter().any(|p| p.id.as_ref() == Some(&good.product())))
            .map(|good| good.item)
            .collect();
        assert_eq!(unknown, ["mystery"]);
        assert!(READY.iter().all(|item| find(item).is_some()));
    }
}
