//! Style, script and icon, the same for everybody; the address changes with what is in it.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::sign_in::digest;

const CSS: &str = include_str!("../../../templates/dashboard/style.css");
const SCRIPT: &str = include_str!("../../../templates/dashboard/dashboard.js");
const ICON: &str = include_str!("../../../templates/dashboard/icon.svg");

/// Part of the assets' addresses, so that a browser keeps them until they change.
pub(super) static EDITION: LazyLock<String> =
    LazyLock::new(|| digest(&[CSS, SCRIPT, ICON].concat()).chars().take(12).collect());

pub(super) async fn show(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.rsplit_once('.') {
        Some((_, "css")) => ("text/css; charset=utf-8", CSS),
        Some((_, "js")) => ("text/javascript; charset=utf-8", SCRIPT),
        Some((_, "svg")) => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
    if name.contains(EDITION.as_str()) {
        let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, kept);
    }
    response
}
