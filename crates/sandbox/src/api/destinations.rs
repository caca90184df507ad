//! `/v2/core/event_destinations` and `/v2/core/events`: where thin events go, and thin events.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Call,
    events::find as find_event,
    metadata,
    webhook_endpoints::{ENDPOINTS_MAX, events, url},
};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    render,
    state::{
        Job, State,
        objects::{Endpoint, Metadata, Snapshot},
    },
    version::Version,
};

const INCLUDES: [&str; 2] = ["webhook_endpoint.signing_secret", "webhook_endpoint.url"];
const PING: &str = "v2.core.event_destination.ping";
const PAGE_MAX: i64 = 100;

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Endpoint>> {
    state
        .endpoints
        .get(id)
        .filter(|endpoint| endpoint.name.is_some())
        .ok_or_else(|| ApiError::missing("event destination", id, "id"))
}

/// A destination; `include` names what is only shown on request.
fn shape(endpoint: &Endpoint, include: &[String]) -> Value {
    let asked = |name: &str| include.iter().any(|asked| asked == name);
    let mut value = render::event::destination(endpoint);
    value["webhook_endpoint"] = json!({
        "signing_secret": asked(INCLUDES[0]).then_some(&*endpoint.secret),
        "url": asked(INCLUDES[1]).then_some(&*endpoint.url),
    });
    value
}

fn include(params: &mut Params) -> Answer<Vec<String>> {
    let include = params.texts("include")?;
    match include.iter().find(|name| !INCLUDES.contains(&name.as_str())) {
        None => Ok(include),
        Some(name) => Err(params.error("include", format!("Nothing to include is named {name}."))),
    }
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let include = include(params)?;
    if state.endpoints.iter().filter(|endpoint| endpoint.name.is_some()).count() >= ENDPOINTS_MAX {
        return Err(ApiError::invalid(format!(
            "You have reached the maximum of {ENDPOINTS_MAX} event destinations."
        )));
    }
    let name = params.need("name")?;
    params.one_of("type", &["webhook_endpoint"])?.ok_or_else(|| ApiError::required("type"))?;
    let payload = params
        .one_of("event_payload", &["thin", "snapshot"])?
        .ok_or_else(|| ApiError::required("event_payload"))?;
    let events = events(params)?.ok_or_else(|| ApiError::required("enabled_events"))?;
    let version =
        params.text("snapshot_api_version")?.map(|name| Version::parse(&name)).transpose()?;
    let mut target =
        params.object("webhook_endpoint")?.ok_or_else(|| ApiError::required("webhook_endpoint"))?;
    let url = url(&mut target)?.ok_or_else(|| ApiError::required("webhook_endpoint[url]"))?;
    target.done()?;
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let description = params.text("description")?;
    params.ignore(&["events_from"]);
    params.done()?;
    let endpoint = state.endpoints.insert(Endpoint {
        id: state.ids.next("ed_test_"),
        created: state.now(),
        url: url.into(),
        secret: state.ids.next("whsec_"),
        enabled: true,
        events,
        version,
        thin: payload == "thin",
        listener: false,
        name: Some(name),
        description,
        metadata,
    });
    Ok(shape(&endpoint, &include))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    let include = include(&mut call.params)?;
    call.params.done()?;
    find(state, &call.id).map(|endpoint| shape(endpoint, &include))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let asked = call.params.clone();
    let include = include(&mut call.params)?;
    let page = Page::read(&mut call.params)?;
    call.params.done()?;
    let rows = state.endpoints.iter().rev().filter(|endpoint| endpoint.name.is_some());
    let rows = rows.map(|row| shape(row, &include));
    Ok(page.of(rows, "/v2/core/event_destinations", &asked))
}

/// Which page of a list of `/v2` is asked for.
struct Page {
    limit: usize,
    /// The page begins after the object of this id, or ends before it.
    cursor: Option<(bool, String)>,
}

impl Page {
    /// `limit`, and `page`: what a link of another page says, and nobody else has to understand.
    fn read(params: &mut Params) -> Answer<Self> {
        let limit = params.integer("limit")?.unwrap_or(20);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(params.error("limit", format!("The limit is between 1 and {PAGE_MAX}.")));
        }
        let cursor = match params.text("page")? {
            None => None,
            Some(text) => Some(match text.split_once(':') {
                Some(("after", id)) => (true, id.to_owned()),
                Some(("before", id)) => (false, id.to_owned()),
                _ => return Err(params.error("page", "Invalid page token.")),
            }),
        };
        Ok(Self { limit: usize::try_from(limit).unwrap_or(20), cursor })
    }

    /// The page of what is listed newest first, with links to those beside it.
    fn of(self, rows: impl Iterator<Item = Value>, path: &str, asked: &Params) -> Value {
        let all: Vec<Value> = rows.collect();
        let place = |id: &str| all.iter().position(|row| row["id"] == *id);
        let (from, until) = match &self.cursor {
            None => (0, self.limit),
            Some((true, id)) => {
                let from = place(id).map_or(all.len(), |at| at + 1);
                (from, from.saturating_add(self.limit))
            }
            Some((false, id)) => {
                let until = place(id).unwrap_or(0);
                (until.saturating_sub(self.limit), until)
            }
        };
        let until = until.min(all.len());
        let rest = asked.query_without("page");
        let link = |how: &str, row: &Value| {
            let id = row["id"].as_str().unwrap_or_default();
            let mark = if rest.is_empty() { "" } else { "&" };
            format!("{path}?{rest}{mark}page={how}:{id}")
        };
        let data = &all[from.min(until)..until];
        json!({
            "data": data,
            "next_page_url": data.last().filter(|_| until < all.len()).map(|row| link("after", row)),
            "previous_page_url": data.first().filter(|_| from > 0).map(|row| link("before", row)),
        })
    }
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id)?).clone();
    let params = &mut call.params;
    let include = include(params)?;
    if let Some(name) = params.text("name")? {
        next.name = Some(name);
    }
    if let Some(events) = events(params)? {
        next.events = events;
    }
    if let Some(mut target) = params.object("webhook_endpoint")? {
        if let Some(url) = url(&mut target)? {
            next.url = url.into();
        }
        target.done()?;
    }
    match params.change("description")? {
        Change::Leave => {}
        Change::Unset => next.description = None,
        Change::Set(description) => next.description = Some(description),
    }
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    params.done()?;
    Ok(shape(&state.endpoints.insert(next), &include))
}

pub(super) fn enable(state: &mut State, call: &mut Call) -> Answer {
    switch(state, call, true)
}

pub(super) fn disable(state: &mut State, call: &mut Call) -> Answer {
    switch(state, call, false)
}

fn switch(state: &mut State, call: &mut Call, enabled: bool) -> Answer {
    let mut next = (**find(state, &call.id)?).clone();
    let include = include(&mut call.params)?;
    call.params.done()?;
    next.enabled = enabled;
    Ok(shape(&state.endpoints.insert(next), &include))
}

pub(super) fn delete(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    call.params.done()?;
    state.endpoints.remove(&id);
    Ok(json!({ "id": &*id, "object": "v2.core.event_destination", "deleted": true }))
}

/// Sends the destination an event that means nothing, and answers it.
pub(super) fn ping(state: &mut State, call: &mut Call) -> Answer {
    let endpoint = Arc::clone(find(state, &call.id)?);
    call.params.done()?;
    let event = state.emit(PING, Snapshot::Destination(Arc::clone(&endpoint)));
    let already = endpoint.wants(PING);
    if !already {
        let job =
            Job { event: Arc::clone(&event.id), endpoint: Arc::clone(&endpoint.id), attempt: 0 };
        state.send(job);
    }
    Ok(render::event::thin(&event))
}

pub(super) fn retrieve_event(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find_event(state, &call.id).map(|event| render::event::thin(event))
}

/// Thin events, newest first; of one object, if one is named.
pub(super) fn list_events(state: &State, call: &mut Call) -> Answer {
    let asked = call.params.clone();
    let params = &mut call.params;
    let page = Page::read(params)?;
    let (object, types) = (params.text("object_id")?, params.texts("types")?);
    params.done()?;
    let wanted = |event: &Value| {
        object.as_ref().is_none_or(|id| event["related_object"]["id"] == **id)
            && (types.is_empty() || types.iter().any(|kind| event["type"] == **kind))
    };
    let thin = state.events.iter().rev().map(|event| render::event::thin(event)).filter(wanted);
    Ok(page.of(thin, "/v2/core/events", &asked))
}
