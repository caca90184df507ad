//! Webhook endpoints at Stripe: listing them, making one. Who calls these does so once.

use std::fmt::Write;

use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::{
    ApiError, Client, Purpose,
    shapes::{List, WebhookEndpoint},
    wire::BODY_BYTES_MAX,
};

const PAGES_MAX: usize = 20;

/// An endpoint just made.
#[derive(Debug)]
pub struct NewEndpoint {
    /// `we_…`.
    pub id: String,
    /// Its signing secret, which Stripe shows only now.
    pub secret: SecretString,
}

/// A webhook endpoint as Stripe has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `we_…`.
    pub id: String,
    /// Where it delivers to.
    pub url: Option<String>,
    /// `enabled` or `disabled` (case 8).
    pub status: Option<String>,
    /// The event types it asks for; `*` for all (case 23).
    pub events: Vec<String>,
    /// The API version its snapshots are rendered at; the account's if none.
    pub api_version: Option<String>,
}

impl Client {
    /// Makes a webhook endpoint. The idempotency key follows from what is asked for and the minute,
    /// so that a second press of the button makes no second endpoint; look at
    /// [`Client::list_endpoints`] first (case 4).
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn create_endpoint(
        &self,
        url: &str,
        events: &[&str],
        api_version: &str,
    ) -> Result<NewEndpoint, ApiError> {
        let what = format!("webhook endpoint {url}");
        let mut form = vec![("url", url), ("api_version", api_version)];
        form.extend(events.iter().map(|event| ("enabled_events[]", *event)));
        let key = idempotency_key(&form, self.now() / 60_000);
        let request =
            self.wire().post("/v1/webhook_endpoints").header("Idempotency-Key", key).form(&form);
        let answer = self.ask(Purpose::List, request, &what).await.map_err(ApiError::once)?;
        let made: WebhookEndpoint = answer.read(&what).map_err(ApiError::once)?;
        match (made.id, made.secret) {
            (Some(id), Some(secret)) => Ok(NewEndpoint { id, secret: secret.into() }),
            _ => Err(answer.garbled(&what, "the answer has no id or no secret").once()),
        }
    }

    /// All webhook endpoints of the account in the key's mode.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn list_endpoints(&self) -> Result<Vec<Endpoint>, ApiError> {
        let what = "the list of webhook endpoints";
        self.in_time(what, self.fetch_endpoints(what)).await.map_err(ApiError::once)
    }

    async fn fetch_endpoints(&self, what: &str) -> Result<Vec<Endpoint>, ApiError> {
        let mut budget = BODY_BYTES_MAX;
        let mut all: Vec<Endpoint> = Vec::new();
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", "100")];
            query.extend(all.last().map(|endpoint| ("starting_after", endpoint.id.as_str())));
            let request = self.wire().get("/v1/webhook_endpoints").query(&query);
            let answer = self.send(Purpose::List, request, what, &mut budget).await?;
            let list: List<WebhookEndpoint> = answer.read(what)?;
            let data = list.data.ok_or_else(|| answer.garbled(what, "the answer is not a list"))?;
            let known = all.len();
            for endpoint in data.read.into_iter().filter_map(listed) {
                if all.iter().any(|seen| seen.id == endpoint.id) {
                    return Err(answer.garbled(what, "its pages repeat"));
                }
                all.push(endpoint);
            }
            if !list.has_more.unwrap_or(false) {
                return Ok(all);
            }
            if all.len() == known {
                return Err(answer.garbled(what, "a page is empty, yet not the last"));
            }
        }
        Err(ApiError::garbled(what, "it never ends"))
    }
}

fn listed(from: WebhookEndpoint) -> Option<Endpoint> {
    let events = from.enabled_events.map(|events| events.read).unwrap_or_default();
    let WebhookEndpoint { id, url, status, api_version, .. } = from;
    Some(Endpoint { id: id?, url, status, events, api_version })
}

fn idempotency_key(form: &[(&str, &str)], minute: i64) -> String {
    let mut hash = Sha256::new();
    for (name, value) in form {
        hash.update(format!("{name}={value}\n"));
    }
    hash.update(minute.to_string());
    let mut key = "fulfilld-endpoint-".to_owned();
    for byte in hash.finalize().iter().take(16) {
        let _ = write!(key, "{byte:02x}");
    }
    key
}
