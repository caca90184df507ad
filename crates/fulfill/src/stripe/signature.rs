//! `Stripe-Signature`: who sent these bytes, and when. Pure.
//!
//! Signed is `t`, a dot and the raw body, by HMAC-SHA256 under the whole secret string, `whsec_`
//! included. During a roll of the secret there is one `v1` for each active one, in any order; every
//! other scheme is ignored (cases 11 to 15).

use std::fmt;

use fulfill_rules::Millis;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far the time of signing may be from now, in either direction.
pub const TOLERANCE_MS: Millis = 300_000;

/// A header this long was not written by Stripe.
const HEADER_BYTES_MAX: usize = 4_096;
const V1_MAX: usize = 16;
const SECRETS_MAX: usize = 16;
const SECRET_BYTES_MAX: usize = 512;

/// The endpoint's signing secrets. Only their keyed hash states are kept, so nothing can print them.
#[derive(Clone)]
pub struct Secrets(Vec<Hmac<Sha256>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} redacted)", self.0.len())
    }
}

/// Why a list of signing secrets cannot be used; `entry` counts from 1. Never holds the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum SecretMistake {
    #[error(
        "no webhook signing secret is set: copy it from the endpoint's page in the Stripe \
         dashboard, or from `stripe listen`; it starts with whsec_"
    )]
    None,
    #[error(
        "webhook secret {entry} is an API key (sk_ or rk_): the signing secret is another one, it \
         starts with whsec_ and stands on the webhook endpoint's page"
    )]
    ApiKey { entry: usize },
    #[error(
        "webhook secret {entry} is a publishable key (pk_): the signing secret starts with whsec_ \
         and stands on the webhook endpoint's page"
    )]
    PublishableKey { entry: usize },
    #[error("webhook secret {entry} is the id of an endpoint (we_): its secret starts with whsec_")]
    EndpointId { entry: usize },
    #[error(
        "webhook secret {entry} does not start with whsec_ followed by letters and digits: copy it \
         again, without quotes or spaces"
    )]
    NotASecret { entry: usize },
    #[error("more than {SECRETS_MAX} webhook secrets: keep those of endpoints still in use")]
    TooMany,
}

impl Secrets {
    /// Reads one secret or several, separated by commas (case 13).
    ///
    /// # Errors
    /// [`SecretMistake`], which names what was pasted instead (cases 12 and 15).
    pub fn parse(list: &str) -> Result<Self, SecretMistake> {
        if list.trim().is_empty() {
            return Err(SecretMistake::None);
        }
        let entries: Vec<&str> = list.trim().trim_end_matches(',').split(',').collect();
        if entries.len() > SECRETS_MAX {
            return Err(SecretMistake::TooMany);
        }
        let keyed = |(at, secret): (usize, &&str)| one(secret.trim(), at + 1);
        entries.iter().enumerate().map(keyed).collect::<Result<_, _>>().map(Self)
    }

    /// How many there are; [`Verified::secret`] is below this.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn one(secret: &str, entry: usize) -> Result<Hmac<Sha256>, SecretMistake> {
    let tail = match secret.split_once('_') {
        Some(("whsec", tail)) => tail,
        Some(("sk" | "rk", _)) => return Err(SecretMistake::ApiKey { entry }),
        Some(("pk", _)) => return Err(SecretMistake::PublishableKey { entry }),
        Some(("we", _)) => return Err(SecretMistake::EndpointId { entry }),
        _ => return Err(SecretMistake::NotASecret { entry }),
    };
    let fits = (1..=SECRET_BYTES_MAX).contains(&tail.len());
    if !fits || !tail.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b)) {
        return Err(SecretMistake::NotASecret { entry });
    }
    keyed(secret).ok_or(SecretMistake::NotASecret { entry })
}

fn keyed(secret: &str) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(secret.as_bytes()).ok()
}

/// These bytes were signed with one of the secrets, and lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Which secret matched, counting from 0: not the first means an old one is still in use.
    pub secret: usize,
    /// When it was signed, seconds since 1970.
    pub timestamp: i64,
    /// Now less the time of signing: the way here, and the difference of the clocks (case 14).
    pub skew_ms: Millis,
}

/// Which check failed. The text is for the log; a stranger hears only that it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Rejected {
    #[error(
        "there is no Stripe-Signature header: not sent by Stripe, or a proxy in between drops it"
    )]
    NoHeader,
    #[error("the Stripe-Signature header cannot be read: it should look like t=…,v1=…")]
    Malformed,
    #[error("the Stripe-Signature header has no v1 signature, and no other scheme is accepted")]
    NoV1,
    #[error(
        "no signature matches: either STRIPE_WEBHOOK_SECRET belongs to another endpoint, to the \
         other mode or to `stripe listen`, or something in between has rewritten the body"
    )]
    Mismatch,
    #[error(
        "signed rightly, but {by_s} s more than allowed ago: this machine's clock is fast, or the \
         request was held back or replayed"
    )]
    Stale { by_s: i64 },
    #[error("signed rightly, but {by_s} s more than allowed ahead: this machine's clock is slow")]
    Future { by_s: i64 },
}

/// Checks the header against the raw body: every `v1` with every secret, in constant time. The
/// signature comes before the time, so that a clock that is off shows as what it is.
///
/// # Errors
/// [`Rejected`] names the check that failed.
pub fn verify(
    header: Option<&str>,
    body: &[u8],
    secrets: &Secrets,
    now: Millis,
    tolerance: Millis,
) -> Result<Verified, Rejected> {
    let header = Header::read(header.ok_or(Rejected::NoHeader)?)?;
    let mut matched = None;
    for (secret, keyed) in secrets.0.iter().enumerate() {
        let wanted = digest(keyed.clone(), header.timestamp_text, body);
        for given in &header.v1[..header.v1_count] {
            if bool::from(wanted.ct_eq(given)) {
                matched = matched.or(Some(secret));
            }
        }
    }
    let secret = matched.ok_or(Rejected::Mismatch)?;
    let skew_ms = now.saturating_sub(header.timestamp.saturating_mul(1_000));
    let beyond_s = |ms: Millis| ms.saturating_sub(tolerance).saturating_add(999) / 1_000;
    if skew_ms > tolerance {
        return Err(Rejected::Stale { by_s: beyond_s(skew_ms) });
    }
    if skew_ms < -tolerance {
        return Err(Rejected::Future { by_s: beyond_s(-skew_ms) });
    }
    Ok(Verified { secret, timestamp: header.timestamp, skew_ms })
}

/// Signs a body as Stripe would, for tests and measurements: the value of the header.
#[must_use]
pub fn sign(secret: &str, timestamp: i64, body: &[u8]) -> String {
    use fmt::Write;

    let mut header = format!("t={timestamp},v1=");
    let text = timestamp.to_string();
    for byte in keyed(secret).map(|key| digest(key, &text, body)).unwrap_or_default() {
        let _ = write!(header, "{byte:02x}");
    }
    header
}

fn digest(mut mac: Hmac<Sha256>, timestamp: &str, body: &[u8]) -> [u8; 32] {
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

struct Header<'a> {
    timestamp_text: &'a str,
    timestamp: i64,
    v1: [[u8; 32]; V1_MAX],
    v1_count: usize,
}

impl<'a> Header<'a> {
    fn read(text: &'a str) -> Result<Self, Rejected> {
        if text.len() > HEADER_BYTES_MAX {
            return Err(Rejected::Malformed);
        }
        let mut timestamp = None;
        let (mut v1, mut v1_count, mut v1_seen) = ([[0; 32]; V1_MAX], 0, false);
        for part in text.split(',') {
            let (scheme, value) = part.trim().split_once('=').ok_or(Rejected::Malformed)?;
            match scheme {
                "t" if timestamp.replace(value).is_some() => return Err(Rejected::Malformed),
                "v1" => {
                    v1_seen = true;
                    // What is not 64 hex digits cannot match; another v1 beside it still may.
                    if let Some(bytes) = unhex(value) {
                        *v1.get_mut(v1_count).ok_or(Rejected::Malformed)? = bytes;
                        v1_count += 1;
                    }
                }
                _ => {}
            }
        }
        let timestamp_text = timestamp.ok_or(Rejected::Malformed)?;
        let digits = (1..=12).contains(&timestamp_text.len())
            && timestamp_text.bytes().all(|b| b.is_ascii_digit());
        let timestamp = timestamp_text.parse().ok().filter(|_| digits);
        let timestamp = timestamp.ok_or(Rejected::Malformed)?;
        if !v1_seen {
            return Err(Rejected::NoV1);
        }
        Ok(Self { timestamp_text, timestamp, v1, v1_count })
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = (pair[0] as char).to_digit(16)?;
        let low = (pair[1] as char).to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(bytes)
}
