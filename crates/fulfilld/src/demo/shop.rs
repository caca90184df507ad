//! The demo's shop: one page with things to buy. It does what any shop does: makes a Checkout Session
//! and sends the buyer to it. Of fulfillment it knows nothing.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, bail};
use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use fulfill::rules::money;
use serde_json::Value;

use super::{
    frame::{Frame, guarded},
    goods::{self, BASKETS, GOODS, Good},
};

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
    /// What stands around every page.
    frame: Frame,
}

impl Shop {
    /// Sets up products, prices and Payment Links.
    pub(crate) async fn open(
        api: &str,
        key: &str,
        public: &str,
        frame: &Frame,
    ) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        let mut shop = Self {
            http,
            api: api.to_owned(),
            key: key.to_owned(),
            public: public.to_owned(),
            prices: BTreeMap::new(),
            links: BTreeMap::new(),
            frame: frame.clone(),
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
        let pages = Router::new().route("/", get(front)).route("/shop/buy", post(buy));
        guarded(pages.with_state(Arc::new(self)))
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
    async fn checkout(&self, goods: &[&Good], language: &str) -> anyhow::Result<String> {
        let mut form = self.lines(goods)?;
        form.push(("mode".to_owned(), "payment".to_owned()));
        form.push(("locale".to_owned(), language.to_owned()));
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

async fn front(State(shop): State<Arc<Shop>>) -> Response {
    let goods = GOODS.iter().map(|good| {
        let link = shop.links.get(good.item).map_or("", String::as_str);
        let link = format!(" <span class=\"or\">or by <a href=\"{link}\">Payment Link</a></span>");
        let price = u64::from(good.cents);
        card(good.picture, good.name, price, good.about, &[good.item], &link)
    });
    let baskets = BASKETS.iter().map(|basket| {
        let goods: Vec<&Good> = basket.items.iter().filter_map(|item| goods::find(item)).collect();
        let pictures: String = goods.iter().map(|good| good.picture).collect();
        let picture = match goods.len() {
            1 => pictures,
            _ => format!("<div class=\"two\">{pictures}</div>"),
        };
        let price = goods.iter().map(|good| u64::from(good.cents)).sum();
        card(&picture, basket.name, price, basket.about, basket.items, "")
    });
    let rows: String = goods.chain(baskets).collect();
    let body = include_str!("pages/shop.html").replace("{rows}", &rows);
    shop.frame.page("Fern & Fable, fulfilld's demo", "", &body)
}

/// All of it is ours: nothing that anybody typed.
fn card(picture: &str, name: &str, cents: u64, about: &str, items: &[&str], more: &str) -> String {
    let amount = format!("€{}", money::decimal(i64::try_from(cents).unwrap_or(0), "eur"));
    let (price, act) = match cents {
        0 => ("Free".to_owned(), "Take it for free"),
        _ => (amount, "Buy"),
    };
    let items: String = items
        .iter()
        .map(|item| format!("<input type=\"hidden\" name=\"item\" value=\"{item}\">"))
        .collect();
    format!(
        "<li>{picture}<div class=\"text\"><h2>{name} <span class=\"price\">{price}</span></h2>\
         <p>{about}</p><form method=\"post\" action=\"/shop/buy\">{items}\
         <button aria-label=\"{act}: {name}\">{act}</button>{more}</form></div></li>"
    )
}

/// What the checkout speaks, and so do the order's page and mails.
fn language(headers: &HeaderMap) -> &'static str {
    let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let german = header.is_some_and(|wanted| wanted.to_ascii_lowercase().starts_with("de"));
    if german { "de" } else { "en" }
}

async fn buy(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let items: Option<Vec<&Good>> = fields
        .iter()
        .filter(|(name, _)| name == "item")
        .map(|(_, item)| goods::find(item))
        .collect();
    let Some(items) = items.filter(|items| (1..=LINES_MAX).contains(&items.len())) else {
        return (StatusCode::BAD_REQUEST, "Choose 1 to 100 things that the shop has.")
            .into_response();
    };
    match shop.checkout(&items, language(&headers)).await {
        Ok(page) => Redirect::to(&page).into_response(),
        Err(error) => {
            tracing::error!("no Checkout Session could be made: {error:#}");
            (StatusCode::BAD_GATEWAY, "The checkout cannot be opened. Try again.").into_response()
        }
    }
}
