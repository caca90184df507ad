//! A sandbox that runs on its own, and a merchant's folder beside it.

use std::{fs, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::running::{Running, fulfilld, http};

pub(crate) struct Shop {
    pub(crate) folder: TempDir,
    pub(crate) api: String,
    key: String,
    _sandbox: Running,
}

const CATALOG: &str = r#"
[[product]]
id = "prod_course"
grant = { access = "course" }

[[product]]
id = "prod_key"
key = { pool = "editor" }

[[product]]
id = "prod_shirt"
stock = { sku = "SHIRT", oversell = "hold" }

[[product]]
id = "prod_mug"
stock = { sku = "MUG" }
parcel = {}
"#;
/// Kept where the session asks for one.
const ADDRESS: &str = r#"{"name": "Ada", "address": {"line1": "1 Road", "city": "Berlin", "postal_code": "10115", "country": "DE"}}"#;

impl Shop {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("fulfilld.toml"), CATALOG).unwrap();
        let sandbox =
            Running::start(fulfilld(folder.path(), &["sandbox", "--port", "0", "--settle", "0"]));
        let api = sandbox.heard("STRIPE_API_BASE=");
        let key = sandbox.heard("STRIPE_SECRET_KEY=");
        let shop = Self { folder, api, key, _sandbox: sandbox };
        for item in ["course", "key", "shirt", "mug", "mystery"] {
            shop.post("/v1/products", &format!("id=prod_{item}&name={item}"));
        }
        shop
    }

    /// The program with this shop's settings.
    pub(crate) fn fulfilld(&self, args: &[&str]) -> Command {
        let mut command = fulfilld(self.folder.path(), args);
        command
            .env("STRIPE_SECRET_KEY", &self.key)
            .env("STRIPE_API_BASE", &self.api)
            .env("STRIPE_WEBHOOK_SECRET", "whsec_test")
            .env("FULFILLD_LISTEN", "127.0.0.1:0")
            .env("FULFILLD_API_TOKEN", "the-token-of-the-shop");
        command
    }

    /// Starts `serve` and returns it with its address.
    pub(crate) fn serve(&self) -> (Running, String) {
        let serve = Running::start(self.fulfilld(&["serve"]));
        let address = serve.heard("listening on ");
        (serve, address.split(',').next().unwrap().to_owned())
    }

    fn post(&self, path: &str, form: &str) -> Value {
        let headers = format!(
            "Authorization: Bearer {}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            self.key
        );
        let (status, body) = http(&self.api, &format!("POST {path}"), &headers, form);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// A session for one unit of each item, still open.
    pub(crate) fn checkout(&self, items: &[&str]) -> String {
        let mut form = "mode=payment&success_url=http://localhost/".to_owned();
        for (at, item) in items.iter().enumerate() {
            let data = format!("line_items[{at}][price_data]");
            form.push_str(&format!(
                "&line_items[{at}][quantity]=1&{data}[currency]=eur&{data}[unit_amount]=500&{data}[product]=prod_{item}"
            ));
        }
        if items.contains(&"mug") {
            form.push_str("&shipping_address_collection[allowed_countries][0]=DE");
            form.push_str(
                "&custom_fields[0][key]=print&custom_fields[0][type]=text\
                 &custom_fields[0][label][type]=custom&custom_fields[0][label][custom]=Name on it\
                 &custom_fields[0][text][default_value]=Ada",
            );
        }
        self.post("/v1/checkout/sessions", &form)["id"].as_str().unwrap().to_owned()
    }

    /// The same, paid by card.
    pub(crate) fn buy(&self, items: &[&str]) -> String {
        let session = self.checkout(items);
        let body = format!(
            r#"{{"session": "{session}", "method": "card", "email": "ada@example.com", "shipping": {ADDRESS}}}"#
        );
        let (status, answer) = http(&self.api, "POST /_sandbox/pay", "", &body);
        assert_eq!(status, 200, "{answer}");
        session
    }
}
