//! From a request to an answer: pages, controls, and the API with its manners.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
};
use base64_user::user_of;
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    api::{self, Call, Route},
    app::App,
    body::{self, Unread},
    change::Change,
    clock, control,
    error::{ApiError, masked},
    faults::Trouble,
    form, host,
    idempotency::{Answered, fingerprint},
    journal::Journal,
    listen, look, page,
    server::{Asked, Dropped, Served, Source},
    state::{Cause, State},
    version::Version,
};

/// Keys of requests are at most this long, as Stripe says.
const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
const QUERY_BYTES_MAX: usize = 16 * 1024;

/// A request, read.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Incoming {
    /// Its method and path.
    fn asked(&self) -> (&str, &str) {
        (self.method.as_str(), &self.path)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Answers a request.
pub(crate) async fn answer(app: Arc<App>, request: Asked, from: Source) -> Served {
    if from == Source::Network
        && let Err(error) = host::check(request.headers())
    {
        return Ok(refused(&app, &error));
    }
    if request.uri().path() == listen::PATH {
        return Ok(listen::connect(&app, request));
    }
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let is_api = is_api(&path);
    if is_api && let Err(error) = host::check_origin(&head.headers) {
        return Ok(refused(&app, &error));
    }
    let read = body::read(body, app.body_within).await;
    // A HEAD is answered as a GET, and its body stays behind: hyper sees to that.
    let method = if head.method == Method::HEAD { Method::GET } else { head.method };
    let incoming = Incoming {
        method,
        path,
        query,
        headers: head.headers,
        body: read.clone().unwrap_or_default(),
    };
    if let Err(why) = read {
        return Ok(without_body(&app, &incoming, why));
    }
    if let Some(why) = app.journal().and_then(Journal::refusal) {
        return Ok(refused(&app, &unstored(&why)));
    }
    let answer = if is_api {
        call(&app, incoming).await
    } else if look::is_for(&incoming) {
        Ok(look::answer(&app, &incoming))
    } else if incoming.path.starts_with("/_sandbox/") {
        Ok(control::answer(&app, &incoming).await)
    } else {
        Ok(page::answer(&app, &incoming).await)
    };
    // Whatever was read or changed for this answer may not be forgotten after it.
    match app.journal() {
        Some(journal) => match journal.stored().await {
            Ok(()) => answer,
            Err(why) => Ok(refused(&app, &unstored(&why))),
        },
        None => answer,
    }
}

/// The API is asked, in whatever version, and however many slashes lead to it.
fn is_api(path: &str) -> bool {
    let first = path.split('/').find(|part| !part.is_empty()).unwrap_or_default();
    let version = first.strip_prefix('v').unwrap_or_default();
    !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
}

/// The body did not come. Whatever of it is still under way is not read any more.
fn without_body(app: &Arc<App>, incoming: &Incoming, why: Unread) -> Response {
    let of_page = !is_api(&incoming.path) && !incoming.path.starts_with("/_sandbox/");
    let mut response = match why {
        Unread::TooLong if of_page => page::too_large(app, incoming),
        why => refused(app, &why.error()),
    };
    let close = header::HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

fn unstored(why: &str) -> ApiError {
    ApiError::invalid(format!(
        "The sandbox cannot write its data file ({why}), so it takes no requests; it goes on when it can."
    ))
    .status(500)
    .kind("api_error")
}

fn refused(app: &App, error: &ApiError) -> Response {
    let request_id = request_id(app);
    json(error.status, Bytes::from(error.body(&request_id).to_string()), &request_id)
}

fn request_id(app: &App) -> String {
    app.request_ids.next()
}

/// A JSON answer with the headers that Stripe's have.
fn json(status: u16, body: Bytes, request_id: &str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    if let Ok(id) = request_id.parse() {
        headers.insert("request-id", id);
    }
    response
}

/// One API call, with whatever trouble is ordered for it.
async fn call(app: &Arc<App>, mut incoming: Incoming) -> Served {
    let request_id = request_id(app);
    let trouble = app.faults.request(incoming.method.as_str(), &incoming.path);
    match &trouble {
        Some(Trouble::Status { status, retry_after }) => {
            app.listeners.log(app, incoming.asked(), *status, b"", &request_id);
            return Ok(failing(*status, *retry_after, &request_id));
        }
        Some(Trouble::Html { status }) => {
            app.listeners.log(app, incoming.asked(), *status, b"", &request_id);
            return Ok(html_failure(*status));
        }
        Some(Trouble::Forbidden { permission }) => {
            let error =
                ApiError::forbidden(key(&incoming).as_deref().unwrap_or_default(), permission);
            return Ok(json(403, Bytes::from(error.body(&request_id).to_string()), &request_id));
        }
        Some(Trouble::Slow { ms }) => clock::pause(std::time::Duration::from_millis(*ms)).await,
        Some(Trouble::RepeatedPage) => {
            incoming.query = incoming
                .query
                .split('&')
                .filter(|pair| !pair.starts_with("starting_after="))
                .collect::<Vec<_>>()
                .join("&");
        }
        _ => {}
    }
    let answered = carry_out(app, &incoming, &request_id);
    app.listeners.log(
        app,
        incoming.asked(),
        answered.kept.status,
        &answered.kept.body,
        &request_id,
    );
    match trouble {
        Some(Trouble::Drop) => Err(Dropped),
        Some(Trouble::Cut) => Ok(cut(answered)),
        Some(Trouble::EmptyPage) => Ok(altered(answered, |list| {
            if list["object"] == "list" {
                list["data"] = Value::Array(Vec::new());
                list["has_more"] = true.into();
            }
        })),
        Some(Trouble::RepeatedPage) => Ok(altered(answered, |list| {
            if list["object"] == "list" {
                list["has_more"] = true.into();
            }
        })),
        Some(Trouble::Alter { set, remove }) => Ok(altered(answered, |value| {
            set.into_iter().for_each(|(pointer, to)| put(value, &pointer, Some(to)));
            remove.iter().for_each(|pointer| put(value, pointer, None));
        })),
        _ => Ok(sent(answered, &incoming)),
    }
}

fn sent(answered: Replied, incoming: &Incoming) -> Response {
    let mut body = answered.kept.body;
    if is_read_by_people(incoming)
        && let Ok(value) = serde_json::from_slice::<Value>(&body)
        && let Ok(pretty) = serde_json::to_string_pretty(&value)
    {
        body = Bytes::from(pretty);
    }
    let mut response = json(answered.kept.status, body, &answered.kept.request_id);
    let headers = response.headers_mut();
    if let Ok(version) = answered.version.parse() {
        headers.insert("stripe-version", version);
    }
    if let Some(key) = incoming.headers.get("idempotency-key") {
        headers.insert("idempotency-key", key.clone());
        if answered.replayed {
            headers.insert("idempotent-replayed", header::HeaderValue::from_static("true"));
        }
    }
    response
}

/// Stripe's CLI and curl print what they get.
fn is_read_by_people(incoming: &Incoming) -> bool {
    let agent = incoming.header("user-agent").unwrap_or_default();
    agent.starts_with("curl/") || agent.contains("stripe-cli")
}

/// An answer, and what its headers tell.
struct Replied {
    kept: Answered,
    version: String,
    replayed: bool,
}

fn carry_out(app: &Arc<App>, incoming: &Incoming, request_id: &str) -> Replied {
    let version = incoming.header("stripe-version").map(Version::parse).transpose();
    let version = version.map(|version| version.unwrap_or_else(Version::newest));
    let name = version.as_ref().map_or_else(|_| String::new(), |version| version.name.to_string());
    if incoming.path == listen::SESSIONS_PATH && incoming.method == Method::POST {
        let opened = ApiCall::new(incoming, request_id).and_then(|call| {
            listen::open(app, incoming.header("host"), &call.key, form::decode(&call.form)?)
        });
        return Replied { kept: answered(opened, request_id), version: name, replayed: false };
    }
    let read = ApiCall::new(incoming, request_id).and_then(|call| Ok((call.read()?, call)));
    let (kept, replayed) = match read {
        Ok(((route, read), mut call)) if route.writes() => {
            call.read = Some(Box::new((route, read)));
            app.change(call)
        }
        Ok(((route, mut call), _)) => {
            let result = api::read(&app.read(), route, &mut call);
            (answered(result, request_id), false)
        }
        Err(error) => (answered(Err(error), request_id), false),
    };
    Replied { kept, version: name, replayed }
}

fn answered(result: Result<Value, ApiError>, request_id: &str) -> Answered {
    let (status, value) = match result {
        Ok(value) => (200, value),
        Err(error) => (error.status, error.body(request_id)),
    };
    Answered { status, body: Bytes::from(value.to_string()), request_id: request_id.to_owned() }
}

/// One call of the API.
#[derive(Serialize, Deserialize)]
pub(crate) struct ApiCall {
    method: String,
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(serialize_with = "without_secret")]
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    /// The parameters, from the body or the query, as they were sent.
    form: String,
    request: String,
    /// Read already.
    #[serde(skip)]
    read: Option<Box<(Route, Call)>>,
}

/// Only restricted keys matter when the call is made again; others stay secret.
fn without_secret<S: serde::Serializer>(key: &str, to: S) -> Result<S::Ok, S::Error> {
    if key.starts_with("rk_test_") { to.serialize_str(key) } else { to.serialize_str(&masked(key)) }
}

impl ApiCall {
    fn new(incoming: &Incoming, request_id: &str) -> Result<Self, ApiError> {
        let key = match key(incoming) {
            Some(key) if key.starts_with("sk_test_") || key.starts_with("rk_test_") => key,
            key => return Err(ApiError::unauthorized(key.as_deref())),
        };
        if incoming.query.len() > QUERY_BYTES_MAX {
            return Err(ApiError::invalid("The request's URL is too long.").status(414));
        }
        let idempotency_key = incoming.header("idempotency-key").filter(|key| !key.is_empty());
        let long = idempotency_key.map_or(0, |key| key.chars().count());
        if long > IDEMPOTENCY_KEY_CHARS_MAX {
            let say = format!(
                "The Idempotency-Key has {long} characters; it may have up to {IDEMPOTENCY_KEY_CHARS_MAX}."
            );
            return Err(ApiError::invalid(say));
        }
        let kind = incoming.header("content-type").unwrap_or_default();
        let of_v1 = !incoming.path.starts_with("/v2/") && !incoming.body.is_empty();
        if of_v1 && ["application/json", "multipart/"].iter().any(|other| kind.starts_with(other)) {
            let say = format!(
                "The body of this call is a form, not {kind}. Send it as application/x-www-form-urlencoded."
            );
            return Err(ApiError::invalid(say));
        }
        let form = if incoming.method == Method::GET || incoming.body.is_empty() {
            incoming.query.clone()
        } else if incoming.path.starts_with("/v2/") {
            form::from_json(&incoming.body)?
        } else {
            std::str::from_utf8(&incoming.body)
                .map_err(|_| ApiError::invalid("Invalid UTF-8 in the request's body."))?
                .to_owned()
        };
        Ok(Self {
            method: incoming.method.to_string(),
            path: incoming.path.clone(),
            version: incoming.header("stripe-version").map(str::to_owned),
            key,
            idempotency_key: idempotency_key.map(str::to_owned),
            form,
            request: request_id.to_owned(),
            read: None,
        })
    }

    /// A POST that a page of the sandbox makes for whoever looks at it.
    pub(crate) fn of_page(path: &str, form: String, key: String, request: String) -> Self {
        Self {
            method: Method::POST.to_string(),
            path: path.to_owned(),
            version: None,
            key,
            idempotency_key: None,
            form,
            request,
            read: None,
        }
    }

    /// Finds the route and reads the parameters.
    fn read(&self) -> Result<(Route, Call), ApiError> {
        let version = self.version.as_deref().map(Version::parse).transpose()?;
        let below = |root| self.path.strip_prefix(root);
        let path = below("/v1/").or_else(|| below("/")).unwrap_or(&self.path);
        let path: Vec<&str> = path.split('/').collect();
        let found = api::route(&self.method, &path);
        let (route, id) = found.ok_or_else(|| ApiError::no_route(&self.method, &self.path))?;
        let call = Call {
            params: form::decode(&self.form)?,
            version_named: version.is_some(),
            version: version.unwrap_or_else(Version::newest),
            key: self.key.clone(),
            id: id.to_owned(),
        };
        Ok((route, call))
    }
}

impl Change for ApiCall {
    /// The answer, and whether it is one that was given before.
    type Outcome = (Answered, bool);

    fn apply(mut self, state: &mut State) -> Self::Outcome {
        let print = fingerprint(&self.method, &self.path, self.form.as_bytes());
        let (route, mut call) = match self.read.take().map_or_else(|| self.read(), |read| Ok(*read))
        {
            Ok(read) => read,
            Err(error) => return (answered(Err(error), &self.request), false),
        };
        let now = state.now();
        if let Some(key) = &self.idempotency_key {
            match state.kept.replay(key, print, now) {
                Ok(Some(kept)) => return (kept, true),
                Ok(None) => {}
                Err(error) => return (answered(Err(error), &self.request), false),
            }
        }
        state.cause = Cause {
            request: Some(self.request.as_str().into()),
            idempotency_key: self.idempotency_key.as_deref().map(Into::into),
        };
        let result = api::write(state, route, &mut call);
        state.cause = Cause::default();
        // What failed before anything was done (a bad parameter, a missing permission) may be sent
        // again with the same key.
        let carried_out = result
            .as_ref()
            .map_or_else(|error| error.status >= 500 || error.status == 402, |_| true);
        let answer = answered(result, &self.request);
        if let Some(key) = self.idempotency_key.filter(|_| carried_out) {
            state.kept.keep(key, print, now, answer.clone());
        }
        (answer, false)
    }
}

/// The key, from bearer or basic auth.
fn key(incoming: &Incoming) -> Option<String> {
    let header = incoming.header("authorization")?;
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned()).filter(|key| !key.is_empty());
    }
    scheme.eq_ignore_ascii_case("basic").then(|| user_of(rest.trim())).flatten()
}

fn failing(status: u16, retry_after: Option<u64>, request_id: &str) -> Response {
    let error = match status {
        429 => ApiError::invalid("Request rate limit exceeded.").code("rate_limit"),
        404 => ApiError::missing("object", "the sandbox was asked to fail", "id"),
        500.. => ApiError::invalid("An unknown error occurred. (The sandbox was asked to fail.)")
            .kind("api_error"),
        _ => ApiError::invalid("The sandbox was asked to fail."),
    };
    let mut response = json(status, Bytes::from(error.body(request_id).to_string()), request_id);
    if let Some(value) = retry_after.and_then(|seconds| seconds.to_string().parse().ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

fn html_failure(status: u16) -> Response {
    let mut response = Response::new(Body::from(format!(
        "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>\n"
    )));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html"));
    response
}

/// Announces the whole body, sends half of it.
fn cut(answered: Replied) -> Response {
    let body = answered.kept.body;
    let half = body.slice(..body.len() / 2);
    // The pause lets the first half go out before the connection ends.
    let end = async {
        tokio::task::yield_now().await;
        Err(Dropped)
    };
    let parts =
        futures_util::stream::once(async { Ok(half) }).chain(futures_util::stream::once(end));
    let mut response = json(answered.kept.status, Bytes::new(), &answered.kept.request_id);
    response.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
    *response.body_mut() = Body::from_stream(parts);
    response
}

fn altered(answered: Replied, alter: impl FnOnce(&mut Value)) -> Response {
    let mut body = answered.kept.body;
    if let Ok(mut value) = serde_json::from_slice::<Value>(&body) {
        alter(&mut value);
        body = Bytes::from(value.to_string());
    }
    json(answered.kept.status, body, &answered.kept.request_id)
}

/// Sets or removes the member that a JSON pointer names.
fn put(value: &mut Value, pointer: &str, to: Option<Value>) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    match (value.pointer_mut(parent), to) {
        (Some(Value::Object(members)), Some(to)) => {
            members.insert(name.to_owned(), to);
        }
        (Some(Value::Object(members)), None) => {
            members.shift_remove(name);
        }
        (Some(Value::Array(elements)), Some(to)) => {
            if let Some(element) = name.parse().ok().and_then(|at: usize| elements.get_mut(at)) {
                *element = to;
            }
        }
        _ => {}
    }
}

/// The user name in basic auth.
mod base64_user {
    /// Decodes base64 and takes what stands before the colon.
    pub(super) fn user_of(encoded: &str) -> Option<String> {
        let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
        for byte in encoded.trim_end_matches('=').bytes() {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                _ => return None,
            };
            bits = (bits << 6 | u32::from(value)) & 0xFF_FFFF;
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xFF).unwrap_or_default());
            }
        }
        let text = String::from_utf8(bytes).ok()?;
        Some(text.split(':').next().unwrap_or_default().to_owned()).filter(|user| !user.is_empty())
    }
}
