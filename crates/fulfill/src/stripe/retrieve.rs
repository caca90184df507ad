//! Retrieving one session whole: expansions, the pages of its lines, keys that may not read all of it.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicI64, Ordering},
};

use fulfill_rules::{
    Millis,
    fact::{Sale, Seen},
    id::SessionKey,
};

use super::{
    ApiError, ApiErrorKind, Client, Purpose,
    sale::{sale, seen},
    shapes::{Intent, LineItem, List, MetadataText, Session},
    wire::{Answer, BODY_BYTES_MAX},
};

/// A session with all its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieved {
    /// For the payment gate; `rung` is left for the caller to fill.
    pub seen: Seen,
    /// What was bought.
    pub sale: Sale,
    /// The JSON as received, but for secrets; where lines took further pages, with all of them in it.
    pub raw: Vec<u8>,
    /// What could not be read with this key, for the timeline.
    pub notes: Vec<String>,
    /// `Request-Id`.
    pub request_id: Option<String>,
}

const PAGES_MAX: usize = 100;
/// Embedded lists hold this many; asked pages up to 100.
const PAGE_EMBEDDED: usize = 10;
const PAGE_ASKED: usize = 100;
/// A missing permission may be granted at any time: it is tried again after this long.
const FORBIDDEN_FOR_MS: Millis = 60_000;

const WITHOUT_INTENT: &str = "the API key may not read payment intents: whether a delayed payment \
    failed is learned from events only; give the key \"PaymentIntents: read\" in the Stripe dashboard";
const WITHOUT_PRODUCT: &str = "the API key may not read products: their metadata is not seen, only \
    their ids; give the key \"Products: read\" in the Stripe dashboard";

impl Client {
    /// Retrieves a session with all its lines, their prices and products, and its payment intent.
    ///
    /// # Errors
    /// [`ApiError`]; of kind `NotFound` only where Stripe itself does not know the session.
    pub async fn session(&self, key: &SessionKey) -> Result<Retrieved, ApiError> {
        self.in_time(&what_of(key), self.fetch_session(key)).await
    }

    async fn fetch_session(&self, key: &SessionKey) -> Result<Retrieved, ApiError> {
        let what = &what_of(key);
        if SessionKey::parse(&key.id).is_err() {
            return Err(ApiError::new(
                ApiErrorKind::Other(400),
                format!("{what}: this is not the id of a Checkout Session"),
            ));
        }
        let mut budget = BODY_BYTES_MAX;
        let mut expand = self.forbidden().readable(self.now());
        let answer = loop {
            let request = self.wire().get(&expand.session_path(&key.id));
            match self.send(Purpose::Retrieve, request, what, &mut budget).await {
                Ok(answer) => break answer,
                Err(error) => {
                    let less = expand.without(&error).ok_or(error)?;
                    self.forbidden().remember(self.now(), expand, less);
                    self.debit();
                    expand = less;
                }
            }
        };
        let mut session: Session = answer.read(what)?;
        if session.id.as_deref() != Some(key.id.as_str()) {
            return Err(answer.garbled(what, "the answer is not this session"));
        }
        if session.livemode.is_some_and(|livemode| livemode != key.livemode) {
            return Err(answer.garbled(what, "the answer is of the other mode"));
        }
        let embedded = session.line_items.take();
        let (lines, paged) = self.all_lines(&answer, embedded, key, expand, &mut budget).await?;
        let metadata = serde_json::from_slice::<MetadataText<'_>>(&answer.body)
            .ok()
            .and_then(|text| text.metadata.map(|raw| raw.get().to_owned()))
            .filter(|text| text.starts_with('{') && text.contains('"'));
        let notes = expand.notes(&session);
        Ok(Retrieved {
            seen: seen(&session),
            sale: sale(session, metadata, lines),
            raw: without_secrets(merged(answer.body, paged)),
            notes,
            request_id: answer.request_id,
        })
    }

    /// The lines of the embedded page and of all that follow, and the following pages' JSON.
    async fn all_lines(
        &self,
        first: &Answer,
        embedded: Option<List<LineItem>>,
        key: &SessionKey,
        expand: Expand,
        budget: &mut usize,
    ) -> Result<(Vec<LineItem>, Vec<Answer>), ApiError> {
        let what = &what_of(key);
        let mut lines = Lines::default();
        let mut more = match embedded {
            Some(List { data: Some(page), has_more }) => {
                let full = page.read.len() >= PAGE_EMBEDDED;
                lines.add(page.read, page.odd).map_err(|how| first.garbled(what, how))?;
                has_more.unwrap_or(full)
            }
            // Asked for and not there: no reason to take the order for an empty one.
            _ => true,
        };
        let mut pages = Vec::new();
        while more {
            if pages.len() == PAGES_MAX {
                return Err(first.garbled(what, "its line items never end"));
            }
            if lines.last.is_none() && !lines.all.is_empty() {
                return Err(first.garbled(what, "a line item has no id to go on from"));
            }
            let path = expand.lines_path(&key.id, lines.last.as_deref());
            self.debit();
            let answer = self
                .send(Purpose::Retrieve, self.wire().get(&path), what, budget)
                .await
                .map_err(|error| match error.kind {
                ApiErrorKind::NotFound => {
                    first.garbled(what, "Stripe knows the session but not its line items")
                }
                _ => error,
            })?;
            let list: List<LineItem> = answer.read(what)?;
            let page =
                list.data.ok_or_else(|| answer.garbled(what, "its line items are no list"))?;
            let count = page.read.len();
            more = list.has_more.unwrap_or(count >= PAGE_ASKED);
            if more && count == 0 {
                return Err(answer.garbled(what, "a page of line items is empty, yet not the last"));
            }
            lines.add(page.read, page.odd).map_err(|how| answer.garbled(what, how))?;
            pages.push(answer);
        }
        Ok((lines.all, pages))
    }
}

fn what_of(key: &SessionKey) -> String {
    format!("session {}", key.id)
}

/// Until when the key is taken for one that may not read this or that.
#[derive(Debug)]
pub(super) struct Forbidden {
    intent_until: AtomicI64,
    product_until: AtomicI64,
}

impl Default for Forbidden {
    fn default() -> Self {
        let never = || AtomicI64::new(Millis::MIN);
        Self { intent_until: never(), product_until: never() }
    }
}

impl Forbidden {
    fn readable(&self, now: Millis) -> Expand {
        Expand {
            intent: now >= self.intent_until.load(Ordering::Relaxed),
            product: now >= self.product_until.load(Ordering::Relaxed),
        }
    }

    fn remember(&self, now: Millis, asked: Expand, may: Expand) {
        let until = now.saturating_add(FORBIDDEN_FOR_MS);
        if asked.intent && !may.intent {
            self.intent_until.store(until, Ordering::Relaxed);
        }
        if asked.product && !may.product {
            self.product_until.store(until, Ordering::Relaxed);
        }
    }
}

/// What is asked for together with a session, less what the key may not read.
#[derive(Debug, Clone, Copy)]
struct Expand {
    intent: bool,
    product: bool,
}

impl Expand {
    fn session_path(self, id: &str) -> String {
        let lines = if self.product { "line_items.data.price.product" } else { "line_items" };
        let intent = if self.intent { "&expand%5B%5D=payment_intent" } else { "" };
        format!("/v1/checkout/sessions/{id}?expand%5B%5D={lines}{intent}")
    }

    fn lines_path(self, id: &str, after: Option<&str>) -> String {
        let product = if self.product { "&expand%5B%5D=data.price.product" } else { "" };
        let after = after.map(|id| format!("&starting_after={id}")).unwrap_or_default();
        format!("/v1/checkout/sessions/{id}/line_items?limit={PAGE_ASKED}{product}{after}")
    }

    /// Less of what a 403 is about; none if that is the session itself.
    fn without(self, error: &ApiError) -> Option<Self> {
        let ApiErrorKind::Forbidden { permission } = &error.kind else { return None };
        let about = |names: &[&str]| names.iter().any(|name| permission.contains(name));
        if self.product && about(&["product", "price", "plan"]) {
            Some(Self { product: false, ..self })
        } else if self.intent && !about(&["checkout_session", "product", "price", "plan"]) {
            Some(Self { intent: false, ..self })
        } else {
            None
        }
    }

    fn notes(self, session: &Session) -> Vec<String> {
        let unread_intent = matches!(session.payment_intent, Some(Intent::Id(_)));
        let intent = (!self.intent && unread_intent).then_some(WITHOUT_INTENT);
        let product = (!self.product).then_some(WITHOUT_PRODUCT);
        intent.into_iter().chain(product).map(str::to_owned).collect()
    }
}

#[derive(Default)]
struct Lines {
    all: Vec<LineItem>,
    ids: HashSet<String>,
    last: Option<String>,
}

impl Lines {
    fn add(&mut self, page: Vec<LineItem>, odd: usize) -> Result<(), &'static str> {
        if odd > 0 {
            return Err("a line item is no object");
        }
        for id in page.iter().filter_map(|line| line.id.as_ref()) {
            if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err("a line item has an id that cannot be one");
            }
            if !self.ids.insert(id.clone()) {
                return Err("a page of line items repeats what came before");
            }
        }
        if let Some(line) = page.last() {
            self.last.clone_from(&line.id);
        }
        self.all.extend(page);
        Ok(())
    }
}

/// A `client_secret` is the customer's own: Stripe wants it neither kept nor shown. In JSON a quoted word
/// before a colon is a member's name, for quotes inside a text are escaped.
fn without_secrets(raw: Vec<u8>) -> Vec<u8> {
    const NAME: &[u8] = b"\"client_secret\"";
    let mut rest = raw.as_slice();
    let mut kept = Vec::with_capacity(raw.len());
    while let Some(at) = rest.windows(NAME.len()).position(|part| part == NAME) {
        let (before, after) = rest.split_at(at + NAME.len());
        kept.extend_from_slice(before);
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b':';
        let value = after.iter().position(|byte| !blank(byte)).unwrap_or(after.len());
        let (between, value) = after.split_at(value);
        kept.extend_from_slice(between);
        let end = value.strip_prefix(b"\"").and_then(|text| text.iter().position(|b| *b == b'"'));
        rest = match end.filter(|_| between.contains(&b':')) {
            Some(end) => {
                kept.extend_from_slice(b"null");
                value.get(end + 2..).unwrap_or_default()
            }
            None => value,
        };
    }
    kept.extend_from_slice(rest);
    kept
}

/// The session's JSON with the lines of further pages in it; untouched where there are none.
fn merged(body: Vec<u8>, pages: Vec<Answer>) -> Vec<u8> {
    use serde_json::{Map, Value};

    if pages.is_empty() {
        return body;
    }
    let Ok(mut session) = serde_json::from_slice::<Map<String, Value>>(&body) else { return body };
    let embedded =
        session.get_mut("line_items").and_then(|list| list.get_mut("data")).map(Value::take);
    let mut lines = match embedded {
        Some(Value::Array(lines)) => lines,
        _ => Vec::new(),
    };
    for page in pages {
        if let Ok(mut page) = serde_json::from_slice::<Value>(&page.body)
            && let Some(Value::Array(data)) = page.get_mut("data").map(Value::take)
        {
            lines.extend(data);
        }
    }
    let whole = serde_json::json!({ "object": "list", "data": lines, "has_more": false });
    session.insert("line_items".into(), whole);
    serde_json::to_vec(&session).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn a_client_secret_is_not_kept_and_nothing_else_changes() {
        for (raw, kept) in [
            (
                r#"{"client_secret": null, "payment_intent": {"client_secret":  "pi_1_secret_2","id":"pi_1"}}"#,
                r#"{"client_secret": null, "payment_intent": {"client_secret":  null,"id":"pi_1"}}"#,
            ),
            (r#"{"client_secret":"cs_1"}"#, r#"{"client_secret":null}"#),
            (r#"{"name":"client_secret","x":"y"}"#, r#"{"name":"client_secret","x":"y"}"#),
            (
                r#"{"name":"say \"client_secret\": \"x\""}"#,
                r#"{"name":"say \"client_secret\": \"x\""}"#,
            ),
            (r#"{"client_secret":"cut"#, r#"{"client_secret":"cut"#),
            ("", ""),
        ] {
            let told = String::from_utf8(without_secrets(raw.into())).unwrap();
            assert_eq!(told, kept);
        }
    }
}
