//! `/_sandbox/`: pages to look at the sandbox and to act on it, in a browser.
//!
//! They take no key, so they are only for somebody at this machine: a page of another origin cannot
//! send their forms (`Origin`, `Sec-Fetch-Site`), and a name that was bent to this address (DNS
//! rebinding) is no name of theirs (`Host`). Everything works without script; with it, the lists
//! follow what happens ([`live`]).

mod acts;
mod events;
mod faults;
mod links;
mod live;
mod payment;
mod payments;
mod places;

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

use crate::{
    app::App,
    form::{self, Params},
    host,
    http::Incoming,
    render::event::rfc3339,
    state::{
        State,
        table::{Row, Table},
    },
};

/// Where the pages are.
const ROOT: &str = "/_sandbox/";
const BELOW: &str = "/_sandbox/look/";
/// Rows on a page.
const ROWS: usize = 50;
/// Rows that are looked at to find them.
const ROWS_SEEN_MAX: usize = 5_000;
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Whether a request is for these pages; the address of the sandbox alone leads to them.
pub(crate) fn is_for(incoming: &Incoming) -> bool {
    let path = incoming.path.as_str();
    let arrives = path == "/" || path == "/_sandbox";
    path == ROOT
        || path.starts_with(BELOW)
        || arrives && incoming.query.is_empty() && incoming.method == "GET"
}

/// Answers a request for a page.
pub(crate) fn answer(app: &Arc<App>, incoming: &Incoming) -> Response {
    if !is_local(&incoming.headers) {
        return plain(
            StatusCode::MISDIRECTED_REQUEST,
            "The sandbox's pages are at 127.0.0.1 and localhost only.",
        );
    }
    let path = incoming.path.strip_prefix(BELOW).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match incoming.method.as_str() {
        "GET" | "HEAD" => show(app, incoming, &parts),
        "POST" if !is_of_same_origin(&incoming.headers) => plain(
            StatusCode::FORBIDDEN,
            "This form was sent by another page. The sandbox takes only its own.",
        ),
        "POST" => acts::act(app, incoming, &parts),
        _ => plain(StatusCode::METHOD_NOT_ALLOWED, "GET or POST."),
    }
}

fn show(app: &Arc<App>, incoming: &Incoming, parts: &[&str]) -> Response {
    match parts {
        ["style.css"] => asset("text/css", include_str!("../../templates/look/style.css")),
        ["live.js"] => asset("text/javascript", include_str!("../../templates/look/live.js")),
        ["icon.svg"] => asset("image/svg+xml", include_str!("../../templates/look/icon.svg")),
        ["news"] => live::news(app),
        [] if incoming.path != ROOT => see_other(ROOT),
        _ => {
            app.run_due();
            let at = At { app, incoming };
            let page = match parts {
                [] => Some(payments::list(&at)),
                ["payment", id] => payment::one(&at, id),
                ["events"] => Some(events::list(&at)),
                ["event", id] => events::one(&at, id),
                ["links"] => Some(links::list(&at, links::Typed::default(), None)),
                ["places"] => Some(places::list(&at)),
                ["faults"] => Some(faults::list(&at)),
                _ => None,
            };
            page.unwrap_or_else(|| notice(&at, StatusCode::NOT_FOUND, "There is nothing here."))
        }
    }
}

/// A request for a page.
#[derive(Clone, Copy)]
struct At<'a> {
    app: &'a Arc<App>,
    incoming: &'a Incoming,
}

impl At<'_> {
    fn query(&self) -> Params {
        form::decode(&self.incoming.query).unwrap_or_default()
    }

    /// The place in a table that a list ends before.
    fn before(&self) -> Option<usize> {
        let before = self.query().integer("before").ok().flatten()?;
        usize::try_from(before).ok()
    }

    fn frame(&self, state: &State, title: &str, part: &'static str) -> Frame {
        let query = match self.incoming.query.as_str() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let here = match self.incoming.method.as_str() {
            "POST" => ROOT.to_owned(),
            _ => format!("{}{query}", self.incoming.path),
        };
        Frame {
            title: title.to_owned(),
            part,
            now: when(self.app.clock.now_ms()),
            ahead: Some(state.turned_ms).filter(|ms| *ms > 0).map(spoken),
            here,
        }
    }
}

/// What all pages show.
struct Frame {
    title: String,
    /// The entry of the navigation.
    part: &'static str,
    now: String,
    ahead: Option<String>,
    /// The page's own address.
    here: String,
}

impl Frame {
    /// `page` for the entry of the navigation that is shown, as ARIA has it.
    fn current(&self, part: &str) -> &'static str {
        if self.part == part { "page" } else { "false" }
    }
}

/// The newest rows of a table before a place, and the place that older ones are before.
struct Newest<T> {
    rows: Vec<Arc<T>>,
    older: Option<usize>,
}

fn newest<T: Row>(
    table: &Table<T>,
    before: Option<usize>,
    wanted: impl Fn(&T) -> bool,
) -> Newest<T> {
    let first = table.created_between(i64::MIN, i64::MAX).start;
    let end = before.map_or(table.len(), |before| before.min(table.len()));
    let (mut at, mut rows) = (end, Vec::new());
    while at > first && rows.len() < ROWS && end - at < ROWS_SEEN_MAX {
        at -= 1;
        rows.extend(table.at(at).filter(|row| wanted(row)).cloned());
    }
    Newest { rows, older: (at > first).then_some(at) }
}

#[derive(Template)]
#[template(path = "look/notice.html")]
struct NoticePage<'a> {
    frame: Frame,
    text: &'a str,
}

/// A page with a sentence.
fn notice(at: &At<'_>, status: StatusCode, text: &str) -> Response {
    let title = if status == StatusCode::NOT_FOUND { "Not found" } else { "That did not work" };
    let frame = at.frame(&at.app.read(), title, "");
    page(status, &NoticePage { frame, text })
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be rendered");
        String::new()
    });
    answered(status, "text/html", html)
}

fn asset(kind: &str, text: &'static str) -> Response {
    answered(StatusCode::OK, kind, text)
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    answered(status, "text/plain", text)
}

fn answered(status: StatusCode, kind: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(kind) = format!("{kind}; charset=utf-8").parse() {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Forms need their origin to be told; others need not know where somebody came from.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn see_other(to: &str) -> Response {
    let mut response = plain(StatusCode::SEE_OTHER, "");
    if let Ok(location) = to.parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The address bar names this machine.
fn is_local(headers: &HeaderMap) -> bool {
    host::is_local(text(headers, "host").unwrap_or_default())
}

/// A form of these pages; browsers tell where a form comes from.
fn is_of_same_origin(headers: &HeaderMap) -> bool {
    let host = text(headers, "host").unwrap_or_default();
    let fetched = text(headers, "sec-fetch-site");
    match text(headers, "origin") {
        Some(origin) => {
            let own =
                origin.strip_prefix("http://").is_some_and(|at| at.eq_ignore_ascii_case(host));
            own && fetched.is_none_or(|site| site == "same-origin")
        }
        None => fetched == Some("same-origin"),
    }
}

/// A browser's page from elsewhere asks; programs tell neither an origin nor a site.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    let fetched = text(headers, "sec-fetch-site");
    let of_browser = fetched.is_some() || headers.contains_key("origin");
    of_browser && !(is_local(headers) && (is_of_same_origin(headers) || fetched == Some("none")))
}

/// `2026-11-03 10:20:30`, in UTC.
fn when(at_ms: i64) -> String {
    rfc3339(at_ms).chars().take(19).map(|sign| if sign == 'T' { ' ' } else { sign }).collect()
}

/// `3 d 2 h`.
fn spoken(ms: i64) -> String {
    let parts = [(86_400_000, "d", i64::MAX), (3_600_000, "h", 24), (60_000, "min", 60)];
    let parts = parts.map(|(unit, name, most)| (ms / unit % most, name));
    let said: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if said.is_empty() { "less than a minute".to_owned() } else { said.join(" ") }
}
