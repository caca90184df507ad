//! "Find my orders": a buyer enters a mail address, a mail with a link goes there, the link shows all
//! orders of that address with their keys and links. Whether an address is known is never told, not by
//! what is answered nor by how long it takes: it is looked up after the answer.

use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use fulfill_rules::id::SessionKey;
use tokio::sync::Semaphore;

use super::{
    bought::{Bought, Show},
    buyer::Mark,
    landing::{Hall, field},
    page::Look,
    visitors::{self, Allowance, later},
    words::{Say, Words},
};
use crate::store::{MAILS_AGAIN, MailsAgain, OrderView, StoreError};

/// Requests a minute from one address. What one mail address gets is bounded in the store.
const PER_MINUTE: i64 = 6;
/// Requests that are looked up at once; more are forgotten, and the buyer asks again.
const LOOKUPS_MAX: usize = 32;
/// A longer address is none.
const EMAIL_MAX: usize = 254;

/// Mails that were asked for.
pub(super) struct Letters {
    asked: Allowance,
    lookups: Arc<Semaphore>,
    /// Looking up an address that somebody waits for: for tests and for a service that stops.
    under_way: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl Default for Letters {
    fn default() -> Self {
        Self {
            asked: Allowance::per_minute(PER_MINUTE),
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
            under_way: Mutex::default(),
        }
    }
}

/// Whose orders a link is wanted for.
#[derive(Debug)]
pub(super) enum Whose {
    Address(String),
    /// The buyer of that session; nobody's when it is no id.
    Session(Option<SessionKey>),
}

#[derive(Template)]
#[template(path = "find.html")]
struct Find<'a> {
    look: &'a Look,
    w: &'static Words,
    base: &'static str,
    finding: bool,
    status: &'static str,
    say: &'static Say,
    mark: Mark,
    refresh: Option<u32>,
    live: Option<String>,
    /// The form stands there.
    form: bool,
    mistake: bool,
    orders: Vec<OrderShown<'a>>,
    /// The link that leads back to the orders.
    back: Option<String>,
}

struct OrderShown<'a> {
    say: &'static Say,
    /// Its mails can be sent again.
    again: bool,
    order: Bought<'a>,
}

impl<'a> Find<'a> {
    fn new(look: &'a Look, w: &'static Words, say: &'static Say, mark: Mark) -> Self {
        Self {
            look,
            w,
            base: "",
            finding: false,
            status: "unknown",
            say,
            mark,
            refresh: None,
            live: None,
            form: false,
            mistake: false,
            orders: Vec::new(),
            back: None,
        }
    }
}

/// `GET /my-orders`: the form.
pub(super) async fn ask(State(hall): State<Arc<Hall>>, headers: HeaderMap) -> Response {
    let w = hall.words(&headers, None);
    let mut page = Find::new(&hall.look, w, &w.find.ask, Mark::Search);
    page.form = hall.mailing;
    if !hall.mailing {
        page.say = &w.find.no_mail;
    }
    hall.look.page(StatusCode::OK, &page)
}

/// `POST /my-orders`: always the same answer.
pub(super) async fn send(State(hall): State<Arc<Hall>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let email = match field(&head, body, "email").await {
        Ok(email) => email.trim().to_owned(),
        Err(unread) => return unread.into_response(),
    };
    let shaped = email.len() <= EMAIL_MAX
        && email.rsplit_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !email.chars().any(char::is_control)
        // Only a name in quotes has spaces.
        && (email.starts_with('"') || !email.contains(char::is_whitespace));
    if !shaped && hall.mailing {
        let w = hall.words(&head.headers, None);
        let mut page = Find::new(&hall.look, w, &w.find.ask, Mark::Search);
        page.form = true;
        page.mistake = true;
        return hall.look.page(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    answer(&hall, &head, Whose::Address(email))
}

/// Answers at once, and the same whatever is known.
pub(super) fn answer(hall: &Arc<Hall>, head: &Parts, whose: Whose) -> Response {
    let (w, headers) = (hall.words(&head.headers, None), &head.headers);
    let address = visitors::address(headers, &head.extensions, hall.behind_proxy);
    let base = if matches!(whose, Whose::Session(_)) { "../" } else { "" };
    let notice = |code, say, mark| {
        let mut page = Find::new(&hall.look, w, say, mark);
        (page.base, page.finding) = (base, hall.mailing);
        hall.look.page(code, &page)
    };
    if !hall.mailing {
        return notice(StatusCode::OK, &w.find.no_mail, Mark::Stop);
    }
    if foreign(headers) {
        return notice(StatusCode::TOO_MANY_REQUESTS, &w.find.too_many, Mark::Stop);
    }
    if let Err(wait) = hall.letters.asked.allow(address, hall.clock.now()) {
        let refused = notice(StatusCode::TOO_MANY_REQUESTS, &w.find.too_many, Mark::Stop);
        return later(refused, wait);
    }
    look_up(hall, whose);
    notice(StatusCode::OK, &w.find.asked, Mark::Mail)
}

/// Browsers say where a form stands: ours stand on our own pages.
fn foreign(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

/// Queues the mail where there is somebody to write to; nobody waits for it.
fn look_up(hall: &Arc<Hall>, whose: Whose) {
    let Ok(seat) = Arc::clone(&hall.letters.lookups).try_acquire_owned() else {
        tracing::warn!("too many buyers ask for links to their orders at once");
        return;
    };
    let at = Arc::clone(hall);
    let task = tokio::spawn(async move {
        match queue(&at, whose).await {
            Ok(true) => at.wake.deliveries(),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "a link to a buyer's orders could not be queued"),
        }
        drop(seat);
    });
    let mut under_way = hall.letters.under_way.lock().unwrap_or_else(PoisonError::into_inner);
    under_way.retain(|task| !task.is_finished());
    under_way.push(task);
}

async fn queue(hall: &Hall, whose: Whose) -> Result<bool, StoreError> {
    let email = match whose {
        Whose::Address(email) => Some(email),
        Whose::Session(None) => None,
        Whose::Session(Some(key)) => {
            let order = hall.store.session_view(&key).await?.and_then(|view| view.order);
            order.and_then(|order| order.sale.customer.email)
        }
    };
    match email {
        Some(email) => hall.store.ask_for_link(&email).await,
        None => Ok(false),
    }
}

/// `GET /my-orders/{link}`: what the link from the mail shows.
pub(super) async fn orders(
    State(hall): State<Arc<Hall>>,
    headers: HeaderMap,
    Path(link): Path<String>,
) -> Response {
    match mine(&hall, &link).await {
        Ok(found) => shown(&hall, &headers, &found),
        Err(error) => trouble(&hall, &headers, &error),
    }
}

/// `POST /my-orders/{link}` with `order=cs_…`: the mails of that order once more.
pub(super) async fn again(
    State(hall): State<Arc<Hall>>,
    Path(link): Path<String>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let id = match field(&head, body, "order").await {
        Ok(id) => id,
        Err(unread) => return unread.into_response(),
    };
    let found = match mine(&hall, &link).await {
        Ok(found) => found,
        Err(error) => return trouble(&hall, &head.headers, &error),
    };
    let Some(order) = found.iter().find(|order| order.key.id == id) else {
        return shown(&hall, &head.headers, &[]);
    };
    let w = hall.words(&head.headers, Some(order));
    let address = visitors::address(&head.headers, &head.extensions, hall.behind_proxy);
    let mut page = Find::new(&hall.look, w, &w.find.too_many, Mark::Stop);
    page.base = "../";
    if foreign(&head.headers) {
        return hall.look.page(StatusCode::TOO_MANY_REQUESTS, &page);
    }
    if let Err(wait) = hall.letters.asked.allow(address, hall.clock.now()) {
        return later(hall.look.page(StatusCode::TOO_MANY_REQUESTS, &page), wait);
    }
    match hall.store.mails_again(&order.key).await {
        Ok(MailsAgain::Due | MailsAgain::NoneSent) => {
            hall.wake.deliveries();
            (page.say, page.mark) = (&w.find.again_sent, Mark::Mail);
            (page.back, page.status) = (Some(link), "sent");
            hall.look.page(StatusCode::OK, &page)
        }
        Ok(MailsAgain::Later(wait)) => {
            (page.say, page.back) = (&w.find.again_later, Some(link));
            later(hall.look.page(StatusCode::TOO_MANY_REQUESTS, &page), wait)
        }
        Err(error) => trouble(&hall, &head.headers, &error),
    }
}

/// The orders that a link opens.
async fn mine(hall: &Hall, link: &str) -> Result<Vec<OrderView>, StoreError> {
    match hall.links.orders_of(link, hall.clock.now()) {
        Some(session) => hall.store.orders_of_buyer(session).await,
        None => Ok(Vec::new()),
    }
}

fn trouble(hall: &Hall, headers: &HeaderMap, error: &StoreError) -> Response {
    tracing::error!(%error, "a buyer's orders could not be read or their mails not be queued");
    let w = hall.words(headers, None);
    hall.notice(w, StatusCode::SERVICE_UNAVAILABLE, &w.trouble, Some(10))
}

fn shown(hall: &Hall, headers: &HeaderMap, found: &[OrderView]) -> Response {
    let w = hall.words(headers, found.first());
    let mut page = Find::new(&hall.look, w, &w.find.over, Mark::Stop);
    (page.base, page.finding) = ("../", hall.mailing);
    if found.is_empty() {
        return hall.look.page(StatusCode::NOT_FOUND, &page);
    }
    (page.say, page.mark, page.status) = (&w.find.mine, Mark::Done, "orders");
    let shown = found.iter().filter_map(|order| {
        let (say, _, show) = super::buyer::of_order(order, w);
        let mails = order.deliveries.iter().any(|d| MAILS_AGAIN.contains(&d.kind.as_str()));
        (show != Show::Nothing).then(|| OrderShown {
            say,
            again: hall.mailing && mails,
            order: Bought::of(order, w, show),
        })
    });
    page.orders = shown.collect();
    hall.look.page(StatusCode::OK, &page)
}
