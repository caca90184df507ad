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
    /// Drawn for the demo, as SVG.
    pub(crate) picture: &'static str,
}

impl Good {
    pub(crate) fn product(&self) -> String {
        format!("prod_demo_{}", self.item)
    }
}

const fn good(
    item: &'static str,
    picture: &'static str,
    name: &'static str,
    about: &'static str,
    cents: u32,
) -> Good {
    Good { item, name, about, cents, adjustable: false, ships: false, picture }
}

pub(crate) const GOODS: [Good; 7] = [
    good(
        "course",
        include_str!("pictures/course.svg"),
        "Video course",
        "Access for a year, at once: a link on the page and in the mail.",
        4_900,
    ),
    Good {
        adjustable: true,
        ..good(
            "editor",
            include_str!("pictures/editor.svg"),
            "Editor license",
            "A license key for each one you take, from a pool of 200.",
            2_900,
        )
    },
    Good {
        adjustable: true,
        ships: true,
        ..good(
            "shirt",
            include_str!("pictures/shirt.svg"),
            "T-shirt",
            "From a shelf of 20, sent as a parcel. An empty shelf holds the order.",
            1_900,
        )
    },
    Good {
        ships: true,
        ..good(
            "poster",
            include_str!("pictures/poster.svg"),
            "Poster",
            "On backorder: it goes out although the shelf is empty.",
            900,
        )
    },
    good(
        "handmade",
        include_str!("pictures/handmade.svg"),
        "Handmade bowl",
        "Waits for a person, and that is you: look into the dashboard.",
        3_500,
    ),
    good(
        "sample",
        include_str!("pictures/sample.svg"),
        "Sample chapter",
        "Free. There is nothing to pay, and it is fulfilled all the same.",
        0,
    ),
    good(
        "mystery",
        include_str!("pictures/mystery.svg"),
        "Mystery box",
        "Not in the catalog: it is paid, so it waits for a person.",
        500,
    ),
];

/// What is bought together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basket {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) items: &'static [&'static str],
}

pub(crate) const BASKETS: [Basket; 3] = [
    Basket {
        name: "One of each",
        about: "A mixed cart: what can go out goes out, the bowl waits for you.",
        items: &["course", "editor", "shirt", "poster", "handmade", "sample"],
    },
    Basket {
        name: "By bank debit",
        about: "Choose SEPA direct debit and IBAN <code>AT61 1904 3002 3457 3201</code>: the money \
                arrives ten seconds later, while you watch.",
        items: &["course"],
    },
    Basket {
        name: "A debit that fails",
        about: "Choose SEPA direct debit and IBAN <code>IT60 X054 2811 1010 0000 0123 456</code>: it \
                fails ten seconds later, and the buyer is told.",
        items: &["editor"],
    },
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
        assert!(BASKETS.iter().flat_map(|basket| basket.items).all(|item| find(item).is_some()));
    }
}
