//! A scripted buyer: does over HTTP what a person does in a browser, and nothing else. Opens the
//! shop, sends its form, fills in the hosted page, comes back to the landing page and waits there.

mod page;

use std::time::Duration;

use anyhow::{Context as _, bail};
use fulfill::clock::{Clock, Stopwatch};
use reqwest::{StatusCode, Url};

use self::page::{Field, Form, Kind, Page};
use crate::cli::Method;

/// A page that takes longer is broken.
const PAGE_MAX: Duration = Duration::from_secs(30);
/// The longest page that is read.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// Between two looks at a landing page that says "not yet".
const REFRESH: Duration = Duration::from_millis(200);

/// A buyer. Cheap to clone: clones share connections.
#[derive(Debug, Clone)]
pub(crate) struct Buyer {
    http: reqwest::Client,
    clock: Clock,
}

/// What a purchase looked like from the buyer's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visit {
    /// The Checkout Session, from the hosted page's address.
    pub(crate) session: String,
    /// `data-status` of the landing page at last; none where the payment was declined.
    pub(crate) landing: Option<String>,
    /// What the hosted page said instead of letting the buyer go.
    pub(crate) refused: Option<String>,
}

struct Shown {
    url: Url,
    status: StatusCode,
    page: Page,
}

impl Buyer {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(PAGE_MAX)
            .pool_max_idle_per_host(64)
            .build()?;
        Ok(Self { http, clock: Clock::system() })
    }

    /// Buys `items` in the shop. Looks at the landing page until it shows an end, at most for
    /// `patience`.
    pub(crate) async fn buy(
        &self,
        shop: &Url,
        items: &[&str],
        method: Method,
        name: &str,
        patience: Duration,
    ) -> anyhow::Result<Visit> {
        let basket: Vec<(String, String)> =
            items.iter().map(|item| ("item".to_owned(), (*item).to_owned())).collect();
        let hosted = self.post(&shop.join("/shop/buy")?, &basket).await.context("the shop")?;
        let session = session(&hosted.url)?;
        let form = hosted.page.forms.iter().find(|form| form.post);
        let form =
            form.with_context(|| format!("{session}: the hosted page has no form to send"))?;
        let filled = fill(form, method, name).with_context(|| session.clone())?;
        let target = hosted.url.join(&form.action)?;
        let after = self.post(&target, &filled).await.with_context(|| session.clone())?;
        if after.status == StatusCode::PAYMENT_REQUIRED {
            let refused = Some(after.page.errors.join(" "));
            return Ok(Visit { session, landing: None, refused });
        }
        if !after.status.is_success() || after.page.status.is_none() {
            let said = after.page.errors.join(" ");
            bail!("{session}: no landing page at {}: {} {said}", after.url, after.status);
        }
        let landing = self.settle(after, patience).await.with_context(|| session.clone())?;
        Ok(Visit { session, landing, refused: None })
    }

    /// Refreshes the landing page until nothing more is to come.
    async fn settle(&self, mut shown: Shown, patience: Duration) -> anyhow::Result<Option<String>> {
        let watch = Stopwatch::start();
        let waits = |status: Option<&str>| {
            matches!(status, None | Some("unknown" | "awaiting_payment" | "preparing"))
        };
        while waits(shown.page.status.as_deref()) && watch.elapsed() < patience {
            self.clock.sleep(REFRESH).await;
            shown = self.get(&shown.url).await?;
        }
        Ok(shown.page.status)
    }

    async fn get(&self, url: &Url) -> anyhow::Result<Shown> {
        read(self.http.get(url.clone()).send().await?).await
    }

    async fn post(&self, url: &Url, form: &[(String, String)]) -> anyhow::Result<Shown> {
        read(self.http.post(url.clone()).form(form).send().await?).await
    }
}

async fn read(mut response: reqwest::Response) -> anyhow::Result<Shown> {
    let (url, status) = (response.url().clone(), response.status());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > PAGE_BYTES_MAX {
            bail!("{url}: the page is too long");
        }
    }
    Ok(Shown { url, status, page: Page::read(&String::from_utf8_lossy(&body)) })
}

fn session(hosted: &Url) -> anyhow::Result<String> {
    let mut parts = hosted.path_segments().into_iter().flatten();
    let id = parts.find(|part| part.starts_with("cs_"));
    Ok(id.with_context(|| format!("{hosted} is not a hosted Checkout page"))?.to_owned())
}

/// What a browser would send after a person has filled in the form.
fn fill(form: &Form, method: Method, name: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut filled = Vec::new();
    let mut methods = form.fields.iter().filter(|field| field.name == "method");
    let debit = matches!(method, Method::Debit | Method::DebitFails);
    let wanted = methods
        .clone()
        .find(|field| (field.value == "card") != debit)
        .map(|field| field.value.clone());
    if wanted.is_none() && methods.next().is_some() {
        bail!("the page does not offer this way to pay");
    }
    for field in &form.fields {
        let value = match field.kind {
            Kind::Radio { .. } if field.name == "method" => {
                (wanted.as_deref() == Some(field.value.as_str())).then(|| field.value.clone())
            }
            Kind::Radio { checked } | Kind::Checkbox { checked } => {
                checked.then(|| field.value.clone())
            }
            Kind::Button => (field.value == "pay").then(|| field.value.clone()),
            // The buyer lives in Vienna, whatever the page thinks.
            Kind::Select if field.name.ends_with("country") => Some("AT".to_owned()),
            Kind::Hidden | Kind::Select => Some(field.value.clone()),
            Kind::Text => Some(typed(field, method, name)?),
        };
        filled.extend(value.map(|value| (field.name.clone(), value)));
    }
    Ok(filled)
}

fn typed(field: &Field, method: Method, name: &str) -> anyhow::Result<String> {
    let fails = method == Method::DebitFails;
    let text = match field.name.as_str() {
        "email" => return Ok(format!("{}@example.com", name.to_lowercase().replace(' ', "."))),
        "name" | "shipping_name" => name,
        "phone" => "+43 1 2345678",
        "line1" => "Ringstraße 1",
        "city" => "Wien",
        "shipping_postal_code" | "postal_code" => "1010",
        "card_number" if method == Method::Declined => "4000 0000 0000 0002",
        "card_number" => "4242 4242 4242 4242",
        "exp" => "12/34",
        "cvc" => "123",
        "iban" if fails => "IT60X0542811101000000123456",
        "iban" => "AT611904300234573201",
        "routing_number" => "110000000",
        "account_number" if fails => "000111111116",
        "account_number" => "000123456789",
        _ if !field.value.is_empty() || !field.required => field.value.as_str(),
        unknown => bail!("the page asks for {unknown}, which this buyer does not know"),
    };
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<form method=post><input name=email required><input type=radio name=method value=card>
        <input type=radio name=method value=sepa_debit><input name=iban><input name=card_number>
        <input type=number name="quantity[li_1]" value=2><button name=action value=update>Update</button>
        <button name=action value=pay>Pay</button></form>"#;

    fn sent(html: &str, method: Method) -> anyhow::Result<Vec<(String, String)>> {
        fill(&Page::read(html).forms[0], method, "Ada Buyer")
    }

    #[test]
    fn a_form_is_filled_in_for_the_way_to_pay() {
        let sent = sent(PAGE, Method::DebitFails).unwrap();
        let has = |name: &str, value: &str| sent.contains(&(name.to_owned(), value.to_owned()));
        assert!(has("email", "ada.buyer@example.com"));
        assert!(has("method", "sepa_debit") && !has("method", "card"));
        assert!(has("iban", "IT60X0542811101000000123456"));
        assert!(has("quantity[li_1]", "2"), "what the page holds already stays");
        assert!(has("action", "pay") && !has("action", "update"));
    }

    #[test]
    fn what_cannot_be_answered_is_named() {
        let page = PAGE.replace("name=email", "name=birthday");
        assert!(sent(&page, Method::Card).unwrap_err().to_string().contains("birthday"));
        let page = PAGE.replace("sepa_debit", "card");
        assert!(sent(&page, Method::Debit).unwrap_err().to_string().contains("does not offer"));
    }
}
