//! What all pages share: where they are, who looks at them, how they are sent.

use askama::Template;
use axum::{
    extract::{OriginalUri, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use fulfill_rules::{MINUTE, Millis, money};

use super::{
    Desk, assets,
    form::Form,
    guard::{self, Login},
};
use crate::zone::Zone;

/// The cookie in which the script tells how far local time is ahead of UTC, in minutes.
const OFFSET_COOKIE: &str = "fulfilld_offset";
/// No place on Earth is further ahead or behind.
const OFFSET_MAX: i64 = 14 * 60;

const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    // Forms need their origin to be told; others need not know where somebody came from.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// Sends every answer with them.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// `/dashboard/` is `/dashboard`, and leads there by a relative address.
pub(super) async fn without_slash() -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "../dashboard")]).into_response()
}

/// Where the page is found that answers a form which was sent to `path`.
fn page_of(path: &str) -> String {
    let mut parts = path.trim_start_matches('/').split('/');
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("orders", Some(id)) => format!("orders/{id}"),
        ("keys", _) => "stock".to_owned(),
        (part, _) => part.to_owned(),
    }
}

/// One request: where from, by whom.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// Our path from the server's root, without a slash at its end.
    pub(super) base: String,
    /// What we are called in public, as `https://shop.example.com`; empty where nobody said it.
    pub(super) origin: String,
    /// What the address asks.
    pub(super) query: Form,
    /// The address below the base, for the page to be fetched again; of an answer to a form, that of the
    /// page that it shows.
    here: String,
    /// The reader's time is so far ahead of UTC.
    offset_minutes: i64,
    /// The shop's time zone, where somebody said it: then it counts for all that is shown.
    zone: Option<Zone>,
    pub(super) livemode: bool,
    /// What the shop is called.
    shop: String,
    pub(super) login: Option<Login>,
    /// How much waits for a person.
    pub(super) waiting: i64,
}

impl Visit {
    pub(super) fn of(desk: &Desk, request: &Request) -> Self {
        let original = request.extensions().get::<OriginalUri>().map(|OriginalUri(uri)| uri.path());
        let own = request.uri().path();
        let whole = original.unwrap_or("/dashboard");
        let base = whole.strip_suffix(own).unwrap_or(whole).trim_end_matches('/');
        let base = if base.starts_with(&desk.prefix) {
            base.to_owned()
        } else {
            format!("{}{base}", desk.prefix)
        };
        let url = desk.web.public_url.as_deref().unwrap_or_default();
        let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
        let offset = guard::cookie(request.headers(), OFFSET_COOKIE);
        let offset = offset.and_then(|minutes| minutes.parse::<i64>().ok());
        let here = if request.method() == Method::POST {
            page_of(own)
        } else {
            let at = request.uri().path_and_query().map_or("", |at| at.as_str());
            at.trim_start_matches('/').to_owned()
        };
        Self {
            base,
            origin,
            query: Form::read(request.uri().query().unwrap_or_default().as_bytes()),
            here,
            offset_minutes: offset.unwrap_or(0).clamp(-OFFSET_MAX, OFFSET_MAX),
            zone: desk.web.brand.time_zone.clone(),
            livemode: desk.web.store.livemode(),
            shop: desk.web.brand.name.clone().unwrap_or_else(|| "fulfilld".to_owned()),
            login: None,
            waiting: 0,
        }
    }

    /// Who acts, for the timeline.
    pub(super) fn who(&self) -> &str {
        self.login.as_ref().map_or("somebody", |login| login.person.name.as_str())
    }

    /// A place of ours.
    pub(super) fn at(&self, place: &str) -> String {
        if place.is_empty() { self.base.clone() } else { format!("{}/{place}", self.base) }
    }

    /// Sends the browser to a place of ours.
    pub(super) fn see_other(&self, place: &str) -> Response {
        let place = self.at(place);
        let Ok(location) = HeaderValue::try_from(place) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
    }

    pub(super) fn frame(&self, title: &str, part: &'static str) -> Frame {
        Frame {
            title: title.to_owned(),
            part,
            base: self.base.clone(),
            here: self.at(&self.here),
            edition: assets::EDITION.as_str(),
            livemode: self.livemode,
            shop: self.shop.clone(),
            person: self.login.as_ref().map(|login| login.person.name.clone()),
            csrf: self.login.as_ref().map(|login| login.csrf.clone()).unwrap_or_default(),
            offset_minutes: self.offset_minutes,
            zone: self.zone.clone(),
            waiting: self.waiting,
        }
    }

    /// A page with a sentence.
    pub(super) fn sentence(&self, status: StatusCode, title: &str, text: &str) -> Response {
        page(status, &Sentence { f: self.frame(title, ""), text })
    }
}

/// What every page shows around what it is about.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    /// The entry of the navigation.
    pub(super) part: &'static str,
    pub(super) base: String,
    pub(super) here: String,
    pub(super) edition: &'static str,
    pub(super) livemode: bool,
    pub(super) shop: String,
    pub(super) person: Option<String>,
    pub(super) csrf: String,
    offset_minutes: i64,
    zone: Option<Zone>,
    pub(super) waiting: i64,
}

impl Frame {
    /// `page` for the entry of the navigation that is shown, as ARIA has it.
    pub(super) fn current(&self, part: &str) -> &'static str {
        if self.part == part { "page" } else { "false" }
    }

    /// `28 Nov 2026, 21:13`, by the shop's clock, or else by the reader's.
    pub(super) fn when(&self, at: &Millis) -> String {
        self.written(*at, "%-d %b %Y, %H:%M")
    }

    /// `28 Nov 2026`.
    pub(super) fn day(&self, at: &Millis) -> String {
        self.written(*at, "%-d %b %Y")
    }

    /// The same for the beginning of a day that was counted.
    pub(super) fn counted_day(&self, begins_at: Millis) -> String {
        self.zone.clone().unwrap_or_default().written(begins_at, "%-d %b %Y")
    }

    /// Whose midnight days are counted by: `Europe/Vienna`, or `UTC` where the shop said none.
    pub(super) fn days(&self) -> &str {
        self.zone.as_ref().map_or("UTC", Zone::name)
    }

    fn written(&self, at: Millis, how: &str) -> String {
        if let Some(zone) = &self.zone {
            return zone.written(at, how);
        }
        let local = at.saturating_add(self.offset_minutes * MINUTE);
        let moment = jiff::Timestamp::from_millisecond(local);
        moment.map(|moment| moment.strftime(how).to_string()).unwrap_or_default()
    }

    /// As `<time datetime>` has it.
    #[expect(clippy::unused_self, reason = "templates call it on the frame, like the others")]
    pub(super) fn machine(&self, at: &Millis) -> String {
        jiff::Timestamp::from_millisecond(*at).map(|at| at.to_string()).unwrap_or_default()
    }

    /// Whose clock times are written by: `Europe/Vienna`; `UTC+1`, `UTC−3:30` for a reader's.
    pub(super) fn zone(&self) -> String {
        if let Some(zone) = &self.zone {
            return zone.name().to_owned();
        }
        match self.offset_minutes {
            0 => "UTC".to_owned(),
            minutes => {
                let sign = if minutes < 0 { '−' } else { '+' };
                let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
                if rest == 0 {
                    format!("UTC{sign}{hours}")
                } else {
                    format!("UTC{sign}{hours}:{rest:02}")
                }
            }
        }
    }
}

/// `1,234.50 EUR`.
pub(super) fn money(minor: i64, currency: &str) -> String {
    let plain = money::plain(minor, currency);
    let (number, currency) = plain.split_once(' ').unwrap_or((&plain, ""));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("−", digits));
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{part}\u{a0}{currency}")
}

#[derive(Template)]
#[template(path = "dashboard/sentence.html")]
struct Sentence<'a> {
    f: Frame,
    text: &'a str,
}

/// A page.
pub(super) fn page(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page of the dashboard could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::money;

    #[test]
    fn amounts_are_grouped_and_keep_their_decimals() {
        for (minor, currency, shown) in [
            (123_456_789, "eur", "1,234,567.89\u{a0}EUR"),
            (-99_900, "usd", "−999.00\u{a0}USD"),
            (1_000, "jpy", "1,000\u{a0}JPY"),
            (1_234_567, "kwd", "1,234.567\u{a0}KWD"),
            (5, "huf", "0.05\u{a0}HUF"),
        ] {
            assert_eq!(money(minor, currency), shown);
        }
    }
}
