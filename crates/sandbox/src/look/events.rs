//! The events, their deliveries, and what the endpoints answered.

use std::sync::Arc;

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::{At, Frame, Newest, ROWS, newest, page, when};
use crate::{
    deliver::Attempt,
    render::{self, View, event::related_id},
    state::objects::Event,
    version::Version,
};

#[derive(Template)]
#[template(path = "look/events.html")]
struct Events {
    frame: Frame,
    rows: Vec<EventRow>,
    older: Option<usize>,
}

/// An event in a list.
pub(super) struct EventRow {
    pub(super) id: String,
    pub(super) at: String,
    pub(super) kind: &'static str,
    /// The id of what it is about.
    pub(super) about: String,
    /// How many endpoints have not taken it.
    pub(super) pending: usize,
}

pub(super) fn row(event: &Arc<Event>) -> EventRow {
    EventRow {
        id: event.id.to_string(),
        at: when(event.created_ms),
        kind: event.kind,
        about: related_id(event).to_owned(),
        pending: event.pending(),
    }
}

pub(super) fn list(at: &At<'_>) -> Response {
    let state = &at.app.read();
    let Newest { rows, older } = newest(&state.events, at.before(), |_| true);
    let rows = rows.iter().map(row).collect();
    page(StatusCode::OK, &Events { frame: at.frame(state, "Events", "events"), rows, older })
}

#[derive(Template)]
#[template(path = "look/event.html")]
struct EventPage {
    frame: Frame,
    event: EventRow,
    body: String,
    attempts: Vec<AttemptView>,
    /// Where it can be sent again: ids and URLs.
    endpoints: Vec<(String, String)>,
}

/// An attempt to deliver.
struct AttemptView {
    /// Names it on the page.
    id: String,
    at: String,
    number: u32,
    url: String,
    status: String,
    mood: &'static str,
    ms: u64,
    answer: String,
    /// The endpoint said something; otherwise `answer` is why not.
    answered: bool,
    next: Option<String>,
    request: Option<String>,
    answer_headers: String,
}

impl AttemptView {
    fn new(place: usize, attempt: &Attempt) -> Self {
        let lines = |headers: &std::collections::BTreeMap<String, String>| {
            headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<String>()
        };
        let exchange = attempt.exchange.as_ref();
        Self {
            id: format!("{}-{}-{place}", attempt.endpoint, attempt.attempt),
            at: when(attempt.at_ms),
            number: attempt.attempt,
            url: attempt.url.clone(),
            status: attempt.status.map_or_else(|| "no answer".to_owned(), |code| code.to_string()),
            mood: if matches!(attempt.status, Some(200..=299)) { "good" } else { "bad" },
            ms: attempt.ms,
            answer: attempt.answer.clone(),
            answered: attempt.status.is_some(),
            next: attempt.next_at_ms.map(when),
            request: exchange
                .map(|sent| format!("{}\n{}", lines(&sent.request_headers), sent.request_body)),
            answer_headers: exchange.map(|sent| lines(&sent.answer_headers)).unwrap_or_default(),
        }
    }
}

pub(super) fn one(at: &At<'_>, id: &str) -> Option<Response> {
    let state = &at.app.read();
    let event = state.events.get(id)?;
    let version = Version::newest();
    let shown = render::event::event(event, View { version: &version, base: &state.base });
    let of_it = |attempt: &&Attempt| attempt.event == *event.id || attempt.event == *event.thin_id;
    let attempts: Vec<_> = state.attempts.iter().filter(of_it).enumerate().collect();
    let endpoints = state.endpoints.iter().filter(|endpoint| endpoint.enabled).take(ROWS);
    let template = EventPage {
        frame: at.frame(state, event.kind, "events"),
        event: row(event),
        body: serde_json::to_string_pretty(&shown).unwrap_or_default(),
        attempts: attempts
            .into_iter()
            .rev()
            .take(ROWS)
            .map(|(place, attempt)| AttemptView::new(place, attempt))
            .collect(),
        endpoints: endpoints
            .map(|endpoint| (endpoint.id.to_string(), endpoint.url.to_string()))
            .collect(),
    };
    Some(page(StatusCode::OK, &template))
}
