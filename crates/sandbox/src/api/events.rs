//! `/v1/events`.

use std::sync::Arc;

use serde_json::Value;

use super::{Call, list::Paging};
use crate::{
    error::{Answer, ApiError},
    render::{self, View},
    state::{
        Job, State,
        objects::{Endpoint, Event},
    },
    version::Version,
};

const TYPES_MAX: usize = 20;

/// An event in the account's version, whatever version the request asks for: it does not change.
fn shape(state: &State, event: &Event) -> Value {
    render::event::event(event, View { version: &Version::newest(), base: &state.base })
}

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Event>> {
    state.events.get(id).ok_or_else(|| ApiError::missing("event", id, "id"))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|event| shape(state, event))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let mut types = params.texts("types")?;
    if let Some(kind) = params.text("type")? {
        if !types.is_empty() {
            return Err(
                params.error("type", "You may only specify one of these parameters: type, types.")
            );
        }
        types.push(kind);
    }
    if types.len() > TYPES_MAX {
        return Err(params.error("types", format!("You can ask for at most {TYPES_MAX} types.")));
    }
    let delivered = params.boolean("delivery_success")?;
    params.ignore(&["related_object"]);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.events, None, "event", |row| {
        delivered.is_none_or(|delivered| (row.pending() == 0) == delivered)
            && (types.is_empty() || types.iter().any(|kind| matches_type(kind, row.kind)))
    })?;
    Ok(render::list(rows.iter().map(|row| shape(state, row)).collect(), has_more, "/v1/events"))
}

/// `checkout.session.*` asks for all of them.
fn matches_type(wanted: &str, kind: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => wanted == kind,
    }
}

/// Delivers an event again: to one endpoint, or to all listeners.
pub(super) fn retry(state: &mut State, call: &mut Call) -> Answer {
    let event = Arc::clone(find(state, &call.id)?);
    let endpoint = call.params.text("webhook_endpoint")?;
    call.params.ignore(&["for_stripecli", "account"]);
    call.params.done()?;
    let wanted: Vec<Arc<Endpoint>> = match endpoint {
        Some(id) => vec![Arc::clone(
            state
                .endpoints
                .get(&id)
                .ok_or_else(|| ApiError::missing("webhook endpoint", &id, "webhook_endpoint"))?,
        )],
        None => {
            state.endpoints.iter().filter(|endpoint| endpoint.wants(event.kind)).cloned().collect()
        }
    };
    for endpoint in wanted {
        state.send(Job {
            event: Arc::clone(&event.id),
            endpoint: Arc::clone(&endpoint.id),
            attempt: 0,
        });
    }
    Ok(shape(state, &event))
}
