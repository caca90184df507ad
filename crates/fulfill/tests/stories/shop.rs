//! What buyers put into their baskets, and what they tell when they pay.

use fulfill_sandbox::{PostalAddress, Purchase, ShipTo};

/// The parameters a session is created with.
#[derive(Clone)]
pub(crate) struct Basket(pub(crate) Vec<(String, String)>);

/// These products in these quantities, each for 10.00 euros.
pub(crate) fn basket(lines: &[(&str, i64)]) -> Basket {
    let mut basket = Basket(Vec::new()).with("mode", "payment");
    for (product, quantity) in lines {
        basket = basket.line(product, *quantity, 1_000, "eur");
    }
    basket
}

impl Basket {
    pub(crate) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// Another line; its price is made for it.
    pub(crate) fn line(self, product: &str, quantity: i64, amount: i64, currency: &str) -> Self {
        let at = self.lines();
        self.with(format!("line_items[{at}][price_data][product]"), product)
            .with(format!("line_items[{at}][price_data][currency]"), currency)
            .with(format!("line_items[{at}][price_data][unit_amount]"), amount.to_string())
            .with(format!("line_items[{at}][quantity]"), quantity.to_string())
    }

    /// Another line at a price that exists.
    pub(crate) fn priced(self, price: &str, quantity: i64) -> Self {
        let at = self.lines();
        self.with(format!("line_items[{at}][price]"), price)
            .with(format!("line_items[{at}][quantity]"), quantity.to_string())
    }

    /// The buyer may change the last line's quantity.
    pub(crate) fn adjustable(self) -> Self {
        let at = self.lines() - 1;
        self.with(format!("line_items[{at}][adjustable_quantity][enabled]"), "true")
    }

    /// Asks for an address in Germany.
    pub(crate) fn shipped(self) -> Self {
        self.with("shipping_address_collection[allowed_countries][0]", "DE")
    }

    fn lines(&self) -> usize {
        self.0
            .iter()
            .filter(|(name, _)| name.starts_with("line_items") && name.ends_with("[quantity]"))
            .count()
    }
}

/// Somebody whose address is known.
pub(crate) fn ann() -> Purchase {
    Purchase {
        email: Some("Ann@Example.com".into()),
        name: Some("Ann Smith".into()),
        shipping: Some(ShipTo {
            name: Some("Ann Smith".into()),
            address: PostalAddress {
                line1: Some("Hauptstraße 1".into()),
                city: Some("Berlin".into()),
                postal_code: Some("10115".into()),
                country: Some("DE".into()),
                ..PostalAddress::default()
            },
        }),
        ..Purchase::default()
    }
}
