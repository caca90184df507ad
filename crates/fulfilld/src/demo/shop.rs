//! The demo's shop: one page with things to buy. It does what any shop does: makes a Checkout Session
//! and sends the buyer to it. Of fulfillment it knows nothing.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, bail};
use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use fulfill::rules::money;
use serde_json::Value;

use super::goods::{self, GOODS, Good};

/// Lines of one session.
const LINES_MAX: usize = 100;
/// Where parcels may go.
const COUNTRIES: [&str; 6] = ["AT", "CH", "DE", "FR", "GB", "US"];

/// The shop's view of the sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    http: reqwest::Client,
    api: String,
    key: String,
    /// Where buyers come back to.
    public: String,
    /// Price ids by item.
    prices: BTreeMap<&'static str, String>,
    /// Payment Links by item.
    pub(crate) links: BTreeMap<&'static str, String>,
}

impl Shop {
    /// Sets up products, prices and Payment Links.
    pub(crate) async fn open(api: &str, key: &str, public: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        let mut shop = Self {
            http,
            api: api.to_owned(),
            key: key.to_owned(),
            public: public.to_owned(),
            prices: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        for good in &GOODS {
            let form = [
                ("id", good.product()),
                ("name", good.name.to_owned()),
                ("description", good.about.to_owned()),
                ("default_price_data[currency]", "eur".to_owned()),
                ("default_price_data[unit_amount]", good.cents.to_string()),
            ];
            let made = shop.call("/v1/products", &form.map(|(n, v)| (n.to_owned(), v))).await?;
            shop.prices.insert(good.item, text(&made, "default_price")?);
        }
        for good in &GOODS {
            let mut form = shop.lines(&[good])?;
            form.push(("after_completion[type]".to_owned(), "redirect".to_owned()));
            form.push(("after_completion[redirect][url]".to_owned(), shop.landing()));
            let made = shop.call("/v1/payment_links", &form).await?;
            shop.links.insert(good.item, text(&made, "url")?);
        }
        Ok(shop)
    }

    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/", get(front))
            .route("/shop/buy", post(buy))
            .with_state(Arc::new(self))
    }

    fn landing(&self) -> String {
        format!("{}/success?session_id={{CHECKOUT_SESSION_ID}}", self.public)
    }

    /// The form parameters for goods to buy.
    fn lines(&self, goods: &[&Good]) -> anyhow::Result<Vec<(String, String)>> {
        let mut form = Vec::new();
        for (at, good) in goods.iter().enumerate() {
            let price = self.prices.get(good.item).context("a good without a price")?;
            form.push((format!("line_items[{at}][price]"), price.clone()));
            form.push((format!("line_items[{at}][quantity]"), "1".to_owned()));
            if good.adjustable {
                let name = |part: &str| format!("line_items[{at}][adjustable_quantity][{part}]");
                form.push((name("enabled"), "true".to_owned()));
                form.push((name("minimum"), "1".to_owned()));
                form.push((name("maximum"), "10".to_owned()));
            }
        }
        if goods.iter().any(|good| good.ships) {
            let name = "shipping_address_collection[allowed_countries][]";
            form.extend(COUNTRIES.iter().map(|code| (name.to_owned(), (*code).to_owned())));
        }
        Ok(form)
    }

    /// Makes a Checkout Session and returns its page.
    async fn checkout(&self, goods: &[&Good]) -> anyhow::Result<String> {
        let mut form = self.lines(goods)?;
        form.push(("mode".to_owned(), "payment".to_owned()));
        form.push(("success_url".to_owned(), self.landing()));
        form.push(("cancel_url".to_owned(), format!("{}/", self.public)));
        text(&self.call("/v1/checkout/sessions", &form).await?, "url")
    }

    async fn call(&self, path: &str, form: &[(String, String)]) -> anyhow::Result<Value> {
        let request = self.http.post(format!("{}{path}", self.api)).bearer_auth(&self.key);
        let answer = request.form(form).send().await?;
        let (status, body) = (answer.status(), answer.json::<Value>().await?);
        if !status.is_success() {
            bail!("POST {path}: {}", body["error"]["message"].as_str().unwrap_or("refused"));
        }
        Ok(body)
    }
}

fn text(object: &Value, field: &str) -> anyhow::Result<String> {
    object[field].as_str().map(str::to_owned).with_context(|| format!("the answer has no {field}"))
}

async fn front(State(shop): State<Arc<Shop>>) -> Html<String> {
    let rows: String = GOODS
        .iter()
        .map(|good| {
            let price = match good.cents {
                0 => "Take it for free".to_owned(),
                cents => format!("Buy for {}", money::plain(i64::from(cents), "eur")),
            };
            let link = shop.links.get(good.item).map_or("", String::as_str);
            format!(
                "<li><h2>{name}</h2><p>{about}</p><form method=\"post\" action=\"/shop/buy\">\
                 <input type=\"hidden\" name=\"item\" value=\"{item}\"><button>{price}</button> \
                 or by <a href=\"{link}\">Payment Link</a></form></li>",
                name = good.name,
                about = good.about,
                item = good.item,
            )
        })
        .collect();
    Html(FRONT.replace("{rows}", &rows))
}

const FRONT: &str = r##"<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>The demo's shop</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h2{font-size:1.1rem;margin:0}p{margin:.2rem 0 .6rem}ul{list-style:none;padding:0}
li{border:1px solid #ccc;border-radius:8px;padding:1rem;margin:1rem 0}
button{font:inherit;padding:.5rem 1rem;border:0;border-radius:6px;background:#3f3cbb;color:#fff;cursor:pointer}
@media(prefers-color-scheme:dark){body{background:#16161a;color:#eee}li{border-color:#444}a{color:#a9a7ff}}</style>
</head><body><main><h1>The demo's shop</h1>
<p>No money moves here. Pay with card 4242&nbsp;4242&nbsp;4242&nbsp;4242, any later date and any three digits;
4000&nbsp;0000&nbsp;0000&nbsp;0002 is declined.
Mail is shown in the <a href="/mailbox">mailbox</a>.</p><ul>{rows}</ul></main></body></html>
"##;

async fn buy(State(shop): State<Arc<Shop>>, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let items: Option<Vec<&Good>> = fields
        .iter()
        .filter(|(name, _)| name == "item")
        .map(|(_, item)| goods::find(item))
        .collect();
    let Some(items) = items.filter(|items| (1..=LINES_MAX).contains(&items.len())) else {
        return (StatusCode::BAD_REQUEST, "Choose 1 to 100 things that the shop has.")
            .into_response();
    };
    match shop.checkout(&items).await {
        Ok(page) => Redirect::to(&page).into_response(),
        Err(error) => {
            tracing::error!("no Checkout Session could be made: {error:#}");
            (StatusCode::BAD_GATEWAY, "The checkout cannot be opened. Try again.").into_response()
        }
    }
}
