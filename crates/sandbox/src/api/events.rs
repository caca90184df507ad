//! `/v1/events`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, list::Paging};
use crate::{
    change::Change,
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

/// An event by its id, or by the thin one's.
pub(super) fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Event>> {
    let snapshot = id.replacen("evt_test_", "evt_", 1);
    let known =
        state.events.get(&snapshot).filter(|event| *event.id == *id || *event.thin_id == *id);
    known.ok_or_else(|| ApiError::missing("event", id, "id"))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id)
        .and_then(|event| {
            if event.is_v2() { Err(ApiError::missing("event", &call.id, "id")) } else { Ok(event) }
        })
        .map(|event| shape(state, event))
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
    let related = params.text("related_object")?;
    params.done()?;
    let (rows, has_more) = paging.newest(&state.events, None, "event", |row| {
        !row.is_v2()
            && related.as_ref().is_none_or(|id| render::event::related_id(row) == *id)
            && delivered.is_none_or(|delivered| (row.pending() == 0) == delivered)
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

/// Delivers an event again: to one endpoint, to the listeners (`for_stripecli`), or to all.
pub(super) fn retry(state: &mut State, call: &mut Call) -> Answer {
    let event = Arc::clone(find(state, &call.id)?);
    let endpoint = call.params.text("webhook_endpoint")?;
    let listeners = call.params.boolean("for_stripecli")?.unwrap_or(false);
    call.params.ignore(&["account"]);
    call.params.done()?;
    let to = match &endpoint {
        Some(id) => To::Endpoint(id),
        None if listeners => To::Listeners,
        None => To::All,
    };
    again(state, &event, &to)?;
    Ok(if *event.id == *call.id { shape(state, &event) } else { render::event::thin(&event) })
}

/// Who gets an event again.
enum To<'a> {
    Endpoint(&'a str),
    Listeners,
    All,
}

fn again(state: &mut State, event: &Arc<Event>, to: &To<'_>) -> Answer<()> {
    let endpoints: Vec<Arc<Endpoint>> = match to {
        To::Endpoint(id) => vec![Arc::clone(
            state
                .endpoints
                .get(id)
                .ok_or_else(|| ApiError::missing("webhook endpoint", id, "webhook_endpoint"))?,
        )],
        To::Listeners | To::All => {
            let wanted = |endpoint: &&Arc<Endpoint>| {
                endpoint.wants(event.kind) && (endpoint.listener || matches!(to, To::All))
            };
            state.endpoints.iter().filter(wanted).cloned().collect()
        }
    };
    for endpoint in endpoints {
        state.send(Job {
            event: Arc::clone(&event.id),
            endpoint: Arc::clone(&endpoint.id),
            attempt: 0,
        });
    }
    if !matches!(to, To::Endpoint(_)) {
        state.announce(&event.id);
    }
    Ok(())
}

/// An event is delivered again, because the sandbox's user wants it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Resend {
    pub(crate) event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<String>,
}

impl Change for Resend {
    type Outcome = Answer<()>;

    fn apply(self, state: &mut State) -> Answer<()> {
        let event = Arc::clone(find(state, &self.event)?);
        again(state, &event, &self.endpoint.as_deref().map_or(To::All, To::Endpoint))
    }
}
