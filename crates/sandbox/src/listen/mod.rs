//! Listeners: Stripe's CLI on its WebSocket (`stripe listen`, `stripe logs tail`). They are no part
//! of the state: a sandbox that starts again tells them `Unknown WebSocket ID.`, and they come back
//! by themselves.
//!
//! Each session has a queue. What was sent and not acknowledged goes out again on the next
//! connection, so a connection that breaks loses nothing; with a data file, neither does a crash.

mod log_filter;
mod memory;
mod messages;
mod session;
mod socket;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use self::{
    log_filter::LogFilter,
    session::{Item, Session},
};
pub(crate) use self::{
    memory::{Acknowledged, Left, Listens, Memory},
    socket::{PATH, connect},
};
use crate::{
    app::App,
    change::Change,
    deliver::{self, Attempt},
    error::Answer,
    faults::Trouble,
    form::Params,
    ids::Id,
    post::{Exchange, listener_secret},
    state::State,
    version::NEWEST,
};

/// Where a session is opened.
pub(crate) const SESSIONS_PATH: &str = "/v1/stripecli/sessions";

/// Sessions kept; the one that has been gone the longest goes first.
const SESSIONS_MAX: usize = 32;
/// A session that is gone for so long, by the clock of the wire, is forgotten.
const GONE_MS_MAX: i64 = 10 * 60 * 1_000;
/// Seconds after which the CLI connects anew by itself: a day.
const RECONNECT_AFTER_S: u32 = 24 * 60 * 60;
const DEVICE_BYTES_MAX: usize = 200;

/// The sessions of all listeners.
#[derive(Debug)]
pub(crate) struct Listeners {
    sessions: Mutex<Vec<Arc<Session>>>,
    /// Listeners that opened a session since the sandbox started.
    opened: Mutex<HashSet<String>>,
    /// Counts how often all connections were cut.
    cuts: watch::Sender<u64>,
}

impl Default for Listeners {
    fn default() -> Self {
        Self { sessions: Mutex::default(), opened: Mutex::default(), cuts: watch::Sender::new(0) }
    }
}

impl Listeners {
    fn locked(&self) -> MutexGuard<'_, Vec<Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: &str) -> Option<Arc<Session>> {
        self.locked().iter().find(|session| session.id == id).cloned()
    }

    fn is_first_of(&self, listener: &str) -> bool {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(listener.to_owned())
    }

    fn add(&self, session: Session, now_ms: i64) -> Arc<Session> {
        let mut sessions = self.locked();
        sessions.retain(|known| known.gone_ms(now_ms) < GONE_MS_MAX);
        if sessions.len() >= SESSIONS_MAX
            && let Some(longest) =
                (0..sessions.len()).max_by_key(|at| sessions[*at].gone_ms(now_ms))
        {
            sessions.remove(longest).close();
        }
        let session = Arc::new(session);
        sessions.push(Arc::clone(&session));
        session
    }

    /// Breaks all connections, as a bad network would. The CLI connects again.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// The sessions, as the control shows them.
    pub(crate) fn list(&self) -> Vec<Value> {
        self.locked().iter().map(|session| session.shown()).collect()
    }

    /// Tells the listeners of events.
    pub(crate) fn announce(&self, app: &Arc<App>, events: &[Id]) {
        if events.is_empty() {
            return;
        }
        let sessions: Vec<_> =
            self.locked().iter().filter(|session| session.hears_events()).cloned().collect();
        for session in sessions {
            for event in events {
                tell(app, &session, event);
            }
        }
    }

    /// Tells those who follow the log of a request.
    pub(crate) fn log(&self, app: &App, asked: (&str, &str), status: u16, body: &[u8], id: &str) {
        let (method, path) = asked;
        let sessions: Vec<_> =
            self.locked().iter().filter(|session| session.logs.is_some()).cloned().collect();
        if sessions.is_empty() || path == SESSIONS_PATH {
            return;
        }
        let payload = messages::request(asked, status, body, id, app.clock.now_ms());
        for session in sessions {
            let wanted = session.logs.as_ref();
            if wanted.is_some_and(|logs| logs.wants(method, path, status)) {
                session.push(Item::Request { id: id.into(), payload: payload.as_str().into() });
            }
        }
    }
}

/// An event for one session, with whatever trouble is ordered for it.
fn tell(app: &Arc<App>, session: &Arc<Session>, event: &Id) {
    let trouble = if app.faults.touch_deliveries() {
        let kind = app.read().events.get(event).map(|event| event.kind);
        kind.and_then(|kind| app.faults.delivery(kind, session.forward_to.as_deref().unwrap_or("")))
    } else {
        None
    };
    match trouble {
        None => session.event(event),
        Some(Trouble::Duplicate) => {
            session.event(event);
            session.event(event);
        }
        Some(Trouble::Hold) => session.hold(event),
        Some(Trouble::Delay { ms }) => {
            let (app, session, event) = (Arc::clone(app), Arc::clone(session), Arc::clone(event));
            let at_ms = app.clock.now_ms().saturating_add(ms);
            let (tasks, runtime) = (app.tasks.clone(), app.runtime.clone());
            let later = async move {
                tokio::select! {
                    () = app.clock.until(at_ms) => session.event(&event),
                    () = app.stop.cancelled() => {}
                }
            };
            tasks.spawn_on(later, &runtime);
        }
        Some(Trouble::Split) => {
            session.event(event);
            if let Some(twin) = app.change(Twin { event: Arc::clone(event) }) {
                session.event(&twin);
            }
        }
        Some(_) => {}
    }
}

/// Opens a session: `POST /v1/stripecli/sessions`.
pub(crate) fn open(app: &Arc<App>, host: Option<&str>, key: &str, mut params: Params) -> Answer {
    let device: String = params.text("device_name")?.unwrap_or_default();
    let device: String = device.chars().take(DEVICE_BYTES_MAX).collect();
    let mut features = params.texts("websocket_features")?;
    features.extend(params.text("websocket_feature")?);
    if features.is_empty() {
        features.push("webhooks".to_owned());
    }
    let hears = |feature: &str| features.iter().any(|asked| asked == feature);
    let logs = if hears("request_logs") {
        Some(LogFilter::read(params.text("filters")?.as_deref())?)
    } else {
        None
    };
    let secret = listener_secret(key, &device);
    let session = Session::new(
        format!("cliws_{:032x}", rand::random::<u128>()),
        secret.clone(),
        device,
        params.text("forward_to_url")?,
        (hears("webhooks") || hears("webhook-payloads"), hears("v2_events")),
        logs,
        app.clock.wire_ms(),
    );
    let base = app.read().base.to_string();
    let host = host.unwrap_or_else(|| base.trim_start_matches("http://"));
    let answer = json!({
        "object": "stripe_cli_session",
        "secret": secret,
        "websocket_url": format!("ws://{host}{PATH}"),
        "websocket_id": session.id,
        "websocket_authorized_feature": features[0],
        "reconnect_delay": RECONNECT_AFTER_S,
        "display_connect_filter_warning": false,
        "default_version": NEWEST,
        "latest_version": NEWEST,
    });
    let session = app.listeners.add(session, app.clock.wire_ms());
    if keeps(app, &session) {
        let listener = session.listener();
        let goes_on = app.listeners.is_first_of(&listener);
        let owed = app.change(Listens { listener, goes_on });
        owed.iter().for_each(|event| session.event(event));
    }
    Ok(answer)
}

/// What this session has not acknowledged is remembered beyond the process.
fn keeps(app: &App, session: &Session) -> bool {
    app.journal().is_some() && session.hears_events()
}

/// A second Event object for the same change, for a listener.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Twin {
    event: Id,
}

impl Change for Twin {
    type Outcome = Option<Id>;

    fn apply(self, state: &mut State) -> Option<Id> {
        let mut twin = (**state.events.get(&self.event)?).clone();
        twin.set_id(state.ids.next("evt_"));
        twin.owed.clear();
        Some(Arc::clone(&state.events.insert(twin).id))
    }
}

/// A listener told what the endpoint behind it answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heard {
    event: Id,
    thin: bool,
    session: String,
    url: String,
    at_ms: i64,
    status: Option<u16>,
    answer: String,
    ms: u64,
    #[serde(skip)]
    exchange: Option<Arc<Exchange>>,
}

impl Change for Heard {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        let Some(event) = state.events.get(&self.event) else { return };
        let attempt = Attempt {
            event: if self.thin { &event.thin_id } else { &event.id }.to_string(),
            kind: event.kind.to_owned(),
            endpoint: self.session,
            url: self.url,
            attempt: 1,
            at_ms: self.at_ms,
            status: self.status,
            answer: self.answer,
            next_at_ms: None,
            ms: self.ms,
            exchange: self.exchange,
        };
        deliver::log(state, attempt);
    }
}
