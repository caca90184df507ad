//! `/v1/webhook_endpoints`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Call, list::Paging, metadata, shape::is_url};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    render,
    state::{
        State,
        objects::{Endpoint, Metadata},
    },
    version::Version,
};

/// Endpoints an account can have.
pub(super) const ENDPOINTS_MAX: usize = 16;

/// Types of events that Stripe knows, one a line.
const TYPES: &str = include_str!("event_types.txt");

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Endpoint>> {
    state
        .endpoints
        .get(id)
        .filter(|endpoint| is_shown(endpoint))
        .ok_or_else(|| ApiError::missing("webhook endpoint", id, "webhook_endpoint"))
}

/// A listener is nobody's endpoint; a destination is one of `/v2`.
fn is_shown(endpoint: &Endpoint) -> bool {
    !endpoint.listener && endpoint.name.is_none()
}

fn shape(endpoint: &Endpoint) -> Value {
    json!({
        "id": &*endpoint.id,
        "object": "webhook_endpoint",
        "api_version": endpoint.version.as_ref().map(|version| &*version.name),
        "application": null,
        "created": endpoint.created,
        "description": endpoint.description,
        "enabled_events": endpoint.events,
        "livemode": false,
        "metadata": endpoint.metadata.iter().cloned().map(|(key, value)| (key, Value::from(value))).collect::<serde_json::Map<_, _>>(),
        "status": if endpoint.enabled { "enabled" } else { "disabled" },
        "url": &*endpoint.url,
    })
}

/// Creates an endpoint; the answer alone carries its secret. With `metadata[payload]=thin` it gets
/// thin events (Stripe makes such destinations through `/v2`).
pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let registered = state.endpoints.iter().filter(|endpoint| is_shown(endpoint)).count();
    if registered >= ENDPOINTS_MAX {
        return Err(ApiError::invalid(format!(
            "You have reached the maximum of {ENDPOINTS_MAX} test webhook endpoints."
        )));
    }
    let url = url(params)?.ok_or_else(|| ApiError::required("url"))?;
    let events = events(params)?.ok_or_else(|| ApiError::required("enabled_events"))?;
    let version = params.text("api_version")?.map(|name| Version::parse(&name)).transpose()?;
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let description = params.text("description")?;
    params.ignore(&["connect"]);
    params.done()?;
    let endpoint = state.endpoints.insert(Endpoint {
        id: state.ids.next("we_"),
        created: state.clock.now(),
        url: url.into(),
        secret: state.ids.next("whsec_"),
        enabled: true,
        events,
        version,
        thin: metadata.iter().any(|(key, value)| key == "payload" && value == "thin"),
        listener: false,
        name: None,
        description,
        metadata,
    });
    let mut value = shape(&endpoint);
    value["secret"] = (*endpoint.secret).into();
    Ok(value)
}

pub(super) fn url(params: &mut Params) -> Answer<Option<String>> {
    let url = params.text("url")?;
    match url.as_deref() {
        Some(text) if !is_url(text) || !text.starts_with("http") => Err(params
            .error("url", format!("Invalid URL: {text}. Write it as https://shop.example/webhook."))
            .code("url_invalid")),
        _ => Ok(url),
    }
}

/// The types that are wanted: ones that Stripe knows, with `v1.` in front for thin events, or `*`.
pub(super) fn events(params: &mut Params) -> Answer<Option<Vec<String>>> {
    if !params.has("enabled_events") {
        return Ok(None);
    }
    let events = params.texts("enabled_events")?;
    let known = |event: &String| {
        let plain = event.strip_prefix("v1.").unwrap_or(event);
        event == "*" || event.starts_with("v2.") || TYPES.lines().any(|known| known == plain)
    };
    if events.is_empty() || events.len() > 400 {
        return Err(params.error("enabled_events", "Name at least one event, or *."));
    }
    if events.len() > 1 && events.iter().any(|event| event == "*") {
        return Err(params.error("enabled_events", "Use * alone: it stands for all events."));
    }
    if let Some(bad) = events.iter().find(|event| !known(event)) {
        return Err(params.error("enabled_events", format!("Invalid enabled_events: must be one of the types of events that Stripe knows, or *: {bad}")));
    }
    Ok(Some(events))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|endpoint| shape(endpoint))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id)?).clone();
    let params = &mut call.params;
    if let Some(url) = url(params)? {
        next.url = url.into();
    }
    if let Some(events) = events(params)? {
        next.events = events;
    }
    if let Some(disabled) = params.boolean("disabled")? {
        next.enabled = !disabled;
    }
    match params.change("description")? {
        Change::Leave => {}
        Change::Unset => next.description = None,
        Change::Set(description) => next.description = Some(description),
    }
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    params.done()?;
    Ok(shape(&state.endpoints.insert(next)))
}

pub(super) fn delete(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    call.params.done()?;
    state.endpoints.remove(&id);
    Ok(json!({ "id": &*id, "object": "webhook_endpoint", "deleted": true }))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let paging = Paging::read(&mut call.params)?;
    call.params.done()?;
    let (rows, has_more) = paging.newest(&state.endpoints, None, "webhook endpoint", is_shown)?;
    Ok(render::list(rows.iter().map(|row| shape(row)).collect(), has_more, "/v1/webhook_endpoints"))
}
