//! How the shop's pages leave: rendered in its color, never cached or framed, with one small script
//! and no foreign request.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    body::Bytes,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};

use crate::brand::{Brand, Color};

/// The style of all pages; it stands in each of them, so that one request is enough.
const CSS: &str = include_str!("../../templates/page.css");
/// The script: shows what changes, copies keys, prints. Pages are whole without it.
const SCRIPT: &str = include_str!("../../templates/page.js");
/// What the style draws on in the dark.
const DARK_CARD: &str = "#1b2029";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    // The address holds the session's id: links out must not tell it.
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// What is the same on all pages of a shop.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) css: String,
    pub(super) script: &'static str,
    pub(super) brand: Arc<Brand>,
    /// Allows that style and that script, by their digests, and the shop's own logo.
    policy: HeaderValue,
}

impl Look {
    pub(super) fn new(brand: &Arc<Brand>) -> Self {
        let css = format!("{CSS}{}", brand.color.map(colored).unwrap_or_default());
        let digest = |text: &str| base64(&Sha256::digest(text));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
             img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            digest(&css),
            digest(SCRIPT)
        );
        let policy = HeaderValue::try_from(policy)
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
        Self { css, script: SCRIPT, brand: Arc::clone(brand), policy }
    }

    /// A page with its headers.
    pub(super) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        match page.render() {
            Ok(text) => {
                let mut response = (status, HEADERS, text).into_response();
                response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
                response
            }
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// The style's colors that follow from the shop's.
fn colored(color: Color) -> String {
    let dark = Color::parse(DARK_CARD).unwrap_or(Color::BLACK);
    let root = |accent: Color| {
        format!(":root{{--accent:{};--on-accent:{}}}", accent.hex(), accent.text_on().hex())
    };
    format!(
        "@media screen{{{}}}@media screen and (prefers-color-scheme:dark){{{}}}",
        root(color.readable_on(Color::WHITE)),
        root(color.readable_on(dark))
    )
}

/// `GET /success/logo`: the shop's logo, a picture and nothing else even if it is opened by itself.
pub(super) fn logo(brand: &Brand) -> Router {
    let Some(logo) = brand.logo.clone() else { return Router::new() };
    let (bytes, media) = (Bytes::from(logo.bytes), logo.media);
    let headers = [
        (header::CONTENT_TYPE, media),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ];
    Router::new().route("/success/logo", get(async move || (headers, bytes.clone())))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            (0..3).fold(0_usize, |sum, at| sum << 8 | usize::from(*chunk.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let digit = char::from(DIGITS[group >> (18 - 6 * at) & 63]);
            text.push(if at <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{DARK_CARD, Look, SCRIPT, base64};
    use crate::brand::Brand;

    #[test]
    fn digests_are_written_as_the_rfc_has_it() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn style_and_script_can_stand_in_a_page_and_ask_for_nothing() {
        let brand = Brand::default().color("#ffdd00").unwrap();
        let look = Look::new(&Arc::new(brand));
        assert!(
            !look.css.contains("</") && !look.css.contains("url(") && !look.css.contains("@import")
        );
        assert!(look.css.contains("--card: #1b2029") && DARK_CARD == "#1b2029");
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
        let policy = look.policy.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
