//! `GET /success?session_id=…`: where the buyer comes back to. The page wants the session fulfilled,
//! waits a little, and shows what a buyer may see (case 42) of what is true now, never a guess (case
//! 43). Refreshing it shows the same.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Form, FromRequest as _, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use fulfill_rules::id::SessionKey;
use tokio::sync::Semaphore;

use super::{
    Web,
    body::{self, Unread},
    buyer::{Landing, Mark, Standing, is_fresh},
    find::{self, Letters},
    live::{self, Stands},
    page::Look,
    seldom::Seldom,
    visitors::{self, Allowance},
    words::{self, Say, Words},
};
use crate::{
    brand::Brand,
    clock::Clock,
    door::Door,
    language::{self, Language},
    links::Links,
    pulse::Pulse,
    store::{OrderView, Ringer, SessionView, Store, StoreError},
    wake::Wake,
};

/// A visitor waits this long for a look.
const PATIENCE: Duration = Duration::from_secs(8);
/// So many visitors wait at once; others are shown what is known, and their page comes again.
const WAITING_MAX: usize = 512;
/// A page that was refused comes again by itself after so many seconds.
const AGAIN_S: u32 = 10;
/// New ids a minute for one address, all of them at once if need be. The contract asks for 60.
const GUESSES_PER_MINUTE: i64 = 120;
/// How long a browser is known again.
const COOKIE_S: i64 = 180 * 86_400;
/// A form here is an id or a mail address.
const FORM_BYTES_MAX: usize = 4_096;

/// What the buyers' pages stand on.
pub(super) struct Hall {
    pub(super) store: Store,
    pub(super) door: Door,
    pub(super) wake: Wake,
    pub(super) pulse: Pulse,
    pub(super) clock: Clock,
    pub(super) links: Links,
    pub(super) look: Look,
    pub(super) behind_proxy: bool,
    /// Cookies are for https only.
    secure: bool,
    /// Mail goes out.
    pub(super) mailing: bool,
    guesses: Allowance,
    seats: Semaphore,
    pub(super) stands: Stands,
    pub(super) letters: Letters,
    troubles: Seldom,
}

pub(super) fn router(web: &Web) -> Router {
    let secure = web.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    let hall = Hall {
        store: web.store.clone(),
        door: web.door.clone(),
        wake: web.wake.clone(),
        pulse: web.pulse.clone(),
        clock: web.clock.clone(),
        links: web.links.clone(),
        look: Look::new(&web.brand),
        behind_proxy: web.behind_proxy,
        secure,
        mailing: web.mailing,
        guesses: Allowance::per_minute(GUESSES_PER_MINUTE),
        seats: Semaphore::new(WAITING_MAX),
        stands: Stands::default(),
        letters: Letters::default(),
        troubles: Seldom::default(),
    };
    Router::new()
        .route("/success", get(success))
        .route("/success/live", get(live::live))
        .route("/success/mail-link", post(mail_link))
        .route("/my-orders", get(find::ask).post(find::send))
        .route("/my-orders/{link}", get(find::orders).post(find::again))
        .with_state(Arc::new(hall))
}

async fn success(State(hall): State<Arc<Hall>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let (headers, usual) = (&head.headers, hall.words(&head.headers, None));
    let id = session_id(&head.uri);
    let Ok(key) = SessionKey::parse(&id) else {
        let placeholder = id.contains("CHECKOUT_SESSION_ID");
        let say = if placeholder { &usual.placeholder } else { &usual.no_id };
        return hall.notice(usual, StatusCode::BAD_REQUEST, say, None);
    };
    match hall.settled(&key).await {
        Ok(Some(view)) => return hall.landing(&key, Some(&view), headers),
        Ok(None) => {}
        Err(error) => return hall.trouble(usual, &key, &error),
    }
    match hall.admits(&key, &head).await {
        Ok(true) => {}
        Ok(false) => {
            let code = StatusCode::TOO_MANY_REQUESTS;
            return hall.notice(usual, code, &usual.too_many, Some(AGAIN_S));
        }
        Err(error) => return hall.trouble(usual, &key, &error),
    }
    let seat = hall.seats.try_acquire();
    let patience = if seat.is_ok() { PATIENCE } else { Duration::ZERO };
    match hall.door.fulfill_checkout(&key, Ringer::Visitor, patience).await {
        Ok(view) => hall.landing(&key, view.as_ref(), headers),
        Err(error) => hall.trouble(usual, &key, &error),
    }
}

/// `POST /success/mail-link`: keys and links are hidden, and the buyer wants them. The mail goes to the
/// order's own address, whoever asks; the answer is the same whatever is known of the session.
async fn mail_link(State(hall): State<Arc<Hall>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    match field(&head, body, "session_id").await {
        Ok(id) => find::answer(&hall, &head, find::Whose::Session(SessionKey::parse(&id).ok())),
        Err(unread) => unread.into_response(),
    }
}

/// A field of a form; empty when there is none.
pub(super) async fn field(head: &Parts, body: Body, asked: &str) -> Result<String, Unread> {
    let bytes = body::read(body, FORM_BYTES_MAX).await?;
    let whole = Request::from_parts(head.clone(), Body::from(bytes));
    let form = Form::<Vec<(String, String)>>::from_request(whole, &()).await;
    let fields = form.map(|Form(fields)| fields).unwrap_or_default();
    let found = fields.into_iter().find(|(name, _)| name == asked);
    Ok(found.map(|(_, value)| value).unwrap_or_default())
}

/// What was asked for, empty when there is nothing or it cannot be read.
pub(super) fn session_id(uri: &Uri) -> String {
    let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let pairs = query.map(|Query(pairs)| pairs).unwrap_or_default();
    pairs.into_iter().find(|(name, _)| name == "session_id").map(|(_, id)| id).unwrap_or_default()
}

/// The cookie of a session; its name tells nobody the id.
fn cookie_name(links: &Links, key: &SessionKey) -> String {
    format!("order_{}", links.browser(key).get(..12).unwrap_or_default())
}

impl Hall {
    /// What is known of an order that nothing will change about: most visits are to those, and read once.
    async fn settled(&self, key: &SessionKey) -> Result<Option<SessionView>, StoreError> {
        if key.livemode != self.store.livemode() {
            return Ok(None);
        }
        let view = self.store.session_view(key).await?;
        Ok(view.filter(|view| view.order.is_some() && self.door.is_settled(view)))
    }

    /// False: too many unknown ids were asked for from there.
    pub(super) async fn admits(&self, key: &SessionKey, head: &Parts) -> Result<bool, StoreError> {
        if self.is_known(key).await? {
            return Ok(true);
        }
        let address = visitors::address(&head.headers, &head.extensions, self.behind_proxy);
        let allowed = self.guesses.allow(address, self.clock.now()).is_ok();
        if !allowed {
            tracing::debug!(%address, "too many unknown session ids were asked for");
        }
        Ok(allowed)
    }

    /// Stripe has named it, in an event or when it was asked.
    async fn is_known(&self, key: &SessionKey) -> Result<bool, StoreError> {
        match self.store.session_view(key).await? {
            Some(view) if !(view.guess && view.missing) => Ok(true),
            _ => self.store.is_announced(key).await,
        }
    }

    fn landing(
        &self,
        key: &SessionKey,
        view: Option<&SessionView>,
        headers: &HeaderMap,
    ) -> Response {
        let now = self.clock.now();
        let order = view.and_then(|view| view.order.as_ref());
        let w = self.words(headers, order);
        let fresh = order.is_some_and(|order| is_fresh(order, now));
        let open = fresh || self.is_buyers(key, headers);
        let standing = Standing::of(view, w, now, open);
        let page = Landing::new(&self.look, w, key, view, &standing).finding(self.mailing);
        let mut response = self.look.page(standing.code, &page);
        if fresh && let Ok(cookie) = HeaderValue::try_from(self.cookie(key)) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }

    fn cookie(&self, key: &SessionKey) -> String {
        let (name, value) = (cookie_name(&self.links, key), self.links.browser(key));
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/success; Max-Age={COOKIE_S}; HttpOnly; SameSite=Lax{secure}")
    }

    /// This browser came from Checkout once.
    fn is_buyers(&self, key: &SessionKey, headers: &HeaderMap) -> bool {
        let name = cookie_name(&self.links, key);
        let cookies =
            headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .any(|(of, value)| of == name && self.links.is_browser(key, value))
    }

    /// The checkout's language, the browser's, the parcel's, the shop's.
    pub(super) fn words(&self, headers: &HeaderMap, order: Option<&OrderView>) -> &'static Words {
        let sale = order.map(|order| &order.sale);
        let chosen = sale.and_then(|sale| language::named(language::chosen(sale)?));
        let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let accepted = || header.and_then(language::accepted);
        let brand: &Brand = &self.look.brand;
        let language: &Language = chosen
            .or_else(accepted)
            .or_else(|| sale.and_then(language::of))
            .or(brand.language)
            .unwrap_or(language::ALL[0]);
        words::of(language)
    }

    fn trouble(&self, w: &'static Words, key: &SessionKey, error: &StoreError) -> Response {
        if let Some(unsaid) = self.troubles.speak(self.clock.now()) {
            tracing::error!(session = %key, %error, unsaid, "a buyer's page could not be shown");
        }
        self.notice(w, StatusCode::SERVICE_UNAVAILABLE, &w.trouble, Some(AGAIN_S))
    }

    /// A page about no order in particular.
    pub(super) fn notice(
        &self,
        w: &'static Words,
        code: StatusCode,
        say: &'static Say,
        again: Option<u32>,
    ) -> Response {
        let mark = if again.is_some() { Mark::Wait } else { Mark::Stop };
        let page = Landing::notice(&self.look, w, say, mark, again);
        let mut response = self.look.page(code, &page);
        if let Some(seconds) = again {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
