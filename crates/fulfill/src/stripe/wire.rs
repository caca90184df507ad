//! One request and its answer: bounded, timed, and failures put in words.

use std::{borrow::Cow, sync::Once, time::Duration};

use fulfill_rules::Millis;
use reqwest::{
    RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    ApiError, ApiErrorKind,
    error::clean,
    lenient::{self, Lenient},
    shapes::{Failure, FailureDetails},
};

/// Largest answer that is read, all pages of a call together.
pub(super) const BODY_BYTES_MAX: usize = 16 << 20;
const RETRY_AFTER_S_MAX: u64 = 3_600;
/// What is said behind a failure that passes.
const AGAIN: &str = "; it is tried again";
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The connection to Stripe.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    http: reqwest::Client,
    base: String,
}

/// A whole answer with a status of success. It may hold a secret: no Debug.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) request_id: Option<String>,
}

impl Wire {
    pub(super) fn new(
        key: &SecretString,
        version: &'static str,
        base: &Url,
        limit: Duration,
    ) -> Result<Self, String> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Refused only where the program has chosen a provider already, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut token = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
            .map_err(|_| "the key has characters that no key has".to_owned())?;
        token.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, token),
            (
                reqwest::header::HeaderName::from_static("stripe-version"),
                HeaderValue::from_static(version),
            ),
        ]);
        let mut http = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("fulfilld/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(limit.min(CONNECT_MAX))
            .timeout(limit);
        if base.scheme() == "http" {
            // A local stand-in: no certificates to load, no proxy to go through.
            http = http.no_proxy().tls_certs_only([]);
        }
        let http = http.build().map_err(|error| error.to_string())?;
        Ok(Self { http, base: base.as_str().trim_end_matches('/').to_owned() })
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base))
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.base))
    }

    /// Sends once. `what` names the matter in errors; `budget` is how many bytes may still be read.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        what: &str,
        budget: &mut usize,
    ) -> Result<Answer, ApiError> {
        let response = request.send().await.map_err(|error| unreachable(what, &error))?;
        let status = response.status();
        let notes = Notes::of(&response);
        tracing::debug!(what, status = status.as_u16(), request_id = ?notes.request_id, "Stripe answered");
        let read = read(response, what, budget).await;
        let told = if status.is_success() {
            read.map(|body| Answer { body, request_id: notes.request_id.clone() })
        } else {
            Err(refused(what, status, &read.unwrap_or_default()))
        };
        told.map_err(|error| ApiError {
            retry_after_ms: notes.retry_after_ms,
            request_id: notes.request_id,
            should_retry: notes.should_retry.or(error.should_retry),
            ..error
        })
    }
}

impl Answer {
    /// Reads the answer as a shape.
    pub(super) fn read<'a, T: Lenient<'a>>(&'a self, what: &str) -> Result<T, ApiError> {
        let strange = "the answer has a shape that is not known";
        let read = lenient::read(&self.body).map_err(|error| {
            let how = match (error.classify(), self.body.trim_ascii_start().first()) {
                (_, Some(b'<')) => "the answer is a web page, not Stripe's",
                (serde_json::error::Category::Eof, _) => "the answer was cut off",
                (serde_json::error::Category::Data, _) => strange,
                _ => "the answer is not JSON",
            };
            self.garbled(what, how)
        })?;
        read.ok_or_else(|| self.garbled(what, strange))
    }

    pub(super) fn garbled(&self, what: &str, how: &str) -> ApiError {
        ApiError { request_id: self.request_id.clone(), ..ApiError::garbled(what, how) }
    }
}

struct Notes {
    request_id: Option<String>,
    retry_after_ms: Option<Millis>,
    should_retry: Option<bool>,
}

impl Notes {
    fn of(response: &Response) -> Self {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header("retry-after").and_then(|text| text.trim().parse::<u64>().ok());
        Self {
            request_id: header("request-id").map(|id| id.chars().take(100).collect()),
            retry_after_ms: retry_after
                .and_then(|s| i64::try_from(s.min(RETRY_AFTER_S_MAX) * 1_000).ok()),
            should_retry: header("stripe-should-retry").and_then(|text| text.parse().ok()),
        }
    }
}

async fn read(mut from: Response, what: &str, budget: &mut usize) -> Result<Vec<u8>, ApiError> {
    let too_large = || ApiError::garbled(what, "the answer is larger than any of Stripe's");
    let announced = usize::try_from(from.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if announced > *budget {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(announced);
    loop {
        match from.chunk().await {
            Ok(Some(chunk)) => {
                *budget = budget.checked_sub(chunk.len()).ok_or_else(too_large)?;
                body.extend_from_slice(&chunk);
            }
            Ok(None) => {
                return Ok(match lenient::mended(&body) {
                    Cow::Borrowed(_) => body,
                    Cow::Owned(mended) => mended,
                });
            }
            Err(error) if error.is_timeout() => return Err(unreachable(what, &error)),
            Err(error) => {
                tracing::debug!(what, ?error, "an answer broke off");
                return Err(ApiError::garbled(what, "the answer was cut off"));
            }
        }
    }
}

fn unreachable(what: &str, error: &reqwest::Error) -> ApiError {
    tracing::debug!(what, ?error, "no answer from Stripe");
    if error.is_timeout() && !error.is_connect() {
        return too_slow(what);
    }
    ApiError::new(
        ApiErrorKind::Unavailable,
        format!("{what}: Stripe cannot be reached from this machine"),
    )
    .again(AGAIN)
}

/// The time limit of a call is over.
pub(super) fn too_slow(what: &str) -> ApiError {
    ApiError::new(ApiErrorKind::Unavailable, format!("{what}: no whole answer from Stripe in time"))
        .again(AGAIN)
}

fn refused(what: &str, status: StatusCode, body: &[u8]) -> ApiError {
    let code = status.as_u16();
    let stripes = lenient::read::<Failure>(body).ok().flatten().and_then(|failure| failure.error);
    let words = |error: &FailureDetails| {
        clean(error.message.as_deref().or(error.code.as_deref()).unwrap_or("no reason given"))
    };
    let (kind, how) = match (code, stripes) {
        (401, _) => (
            ApiErrorKind::Unauthorized,
            "Stripe refuses the API key (401): check STRIPE_SECRET_KEY, it may have been rolled or \
             have expired"
                .to_owned(),
        ),
        // Of this object alone: others are not asked more slowly for it.
        (429, Some(error)) if error.code.as_deref() == Some("lock_timeout") => (
            ApiErrorKind::Unavailable,
            "something else is changing it at Stripe (429 lock_timeout)".to_owned(),
        ),
        (429, _) => (
            ApiErrorKind::RateLimited,
            "too many requests (429)".to_owned(),
        ),
        (500.., _) => (
            ApiErrorKind::Unavailable,
            format!("Stripe has trouble answering ({code})"),
        ),
        (404, Some(error)) => (
            ApiErrorKind::NotFound,
            format!(
                "not known to Stripe under this key (404: {}): it may belong to the other mode or \
                 to another account",
                words(&error)
            ),
        ),
        (403, Some(error)) => {
            let permission = words(&error);
            let how = format!(
                "the API key may not do this (403): {}. Give the restricted key this permission in the \
                 Stripe dashboard",
                permission.trim_end_matches('.')
            );
            (ApiErrorKind::Forbidden { permission }, how)
        }
        (400.., Some(error)) => {
            (ApiErrorKind::Other(code), format!("Stripe refuses ({code}): {}", words(&error)))
        }
        _ => {
            return ApiError::garbled(what, &format!("an answer {code} that is not Stripe's"));
        }
    };
    let again = match kind {
        ApiErrorKind::RateLimited => "; it is tried again more slowly",
        ApiErrorKind::Unavailable => AGAIN,
        _ => "",
    };
    ApiError::new(kind, format!("{what}: {how}")).again(again)
}
