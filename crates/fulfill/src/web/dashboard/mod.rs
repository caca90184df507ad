//! `/dashboard`: the merchant's pages. Everything works without script; with it, pages follow what
//! happens. Nothing but the way in ([`gate`]) is shown to who is not signed in ([`guard`]).

mod acts;
mod assets;
mod chart;
mod form;
mod frame;
mod gate;
mod guard;
mod home;
mod live;
mod order;
mod orders;
mod people;
mod reports;
mod setting_up;
mod stock;
mod todo;
mod tries;
mod words;

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicUsize},
};

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::Response,
    routing::{get, post},
};
use fulfill_rules::{Millis, SECOND};

use self::{frame::Visit, tries::Tries};
use super::{Web, seldom::Seldom};
use crate::{sign_in::Passwords, store::StoreError};

/// Passwords tried from one address: at once, and how often another one.
const ADDRESS_TRIES: (Millis, Millis) = (10, 30 * SECOND);
/// The same for one name. More, so that a stranger cannot easily keep somebody out.
const NAME_TRIES: (Millis, Millis) = (30, 20 * SECOND);
/// From a browser in which this name has signed in before; it shares none of the others' tries, so that
/// no stranger can keep its owner out.
const BROWSER_TRIES: (Millis, Millis) = (10, 30 * SECOND);

/// What the pages share.
struct Desk {
    web: Web,
    passwords: Passwords,
    by_address: Tries<IpAddr>,
    by_name: Tries<String>,
    by_browser: Tries<String>,
    troubles: Seldom,
    /// Pages that listen for news.
    listeners: AtomicUsize,
    /// The browser is to send the login over TLS only.
    secure: bool,
    /// The path in front of ours, where a proxy takes it off.
    prefix: String,
}

impl Desk {
    /// The key pools that the catalog draws from.
    fn pools(&self) -> Vec<String> {
        let keys = self.web.policy.catalog.products().iter().filter_map(|p| p.key.as_ref());
        keys.map(|key| key.pool.clone()).collect()
    }
}

type State = axum::extract::State<Arc<Desk>>;
type In = axum::Extension<Visit>;

pub(super) fn router(web: Web) -> Router {
    let public_url = web.public_url.clone().unwrap_or_default();
    let path = public_url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let desk = Desk {
        passwords: web.passwords.clone(),
        by_address: Tries::new(ADDRESS_TRIES.0, ADDRESS_TRIES.1),
        by_name: Tries::new(NAME_TRIES.0, NAME_TRIES.1),
        by_browser: Tries::new(BROWSER_TRIES.0, BROWSER_TRIES.1),
        troubles: Seldom::default(),
        listeners: AtomicUsize::new(0),
        secure: public_url.starts_with("https://"),
        prefix: path.map(|(_, path)| format!("/{}", path.trim_matches('/'))).unwrap_or_default(),
        web,
    };
    let desk = Arc::new(desk);
    let inside = Router::new()
        .route("/", get(home::show))
        .route("/live", get(live::news))
        .route("/orders", get(orders::list))
        .route("/orders/{id}", get(order::show))
        .route("/orders/{id}/{act}", post(acts::act))
        .route("/todo", get(todo::show))
        .route("/todo/dismiss", post(todo::dismiss))
        .route("/todo/summary", post(todo::summary))
        .route("/stock", get(stock::show).post(stock::correct))
        .route("/keys", post(stock::import))
        .route("/reports", get(reports::show))
        .route("/reports/{file}", get(reports::csv))
        .route("/setting-up", get(setting_up::show))
        .route("/people", get(people::show))
        .route("/people/invite", post(people::invite))
        .route("/people/remove", post(people::remove))
        .route("/people/password", post(people::change_password))
        .route("/people/tokens", post(people::make_token))
        .route("/people/tokens/revoke", post(people::revoke_token))
        .route("/sign-out", post(gate::sign_out))
        .fallback(nothing)
        .method_not_allowed_fallback(nothing)
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), guard::signed_in));
    let pages = Router::new()
        .route("/sign-in", get(gate::ask).post(gate::sign_in))
        .route("/setup", get(gate::invited).post(gate::accept))
        .route("/assets/{name}", get(assets::show))
        .merge(inside)
        .layer(middleware::from_fn(frame::headers))
        .with_state(desk);
    Router::new().nest("/dashboard", pages).route("/dashboard/", get(frame::without_slash))
}

async fn nothing(axum::Extension(visit): In) -> Response {
    visit.sentence(StatusCode::NOT_FOUND, "Not found", "There is nothing at this address.")
}

impl Desk {
    /// What a person is told when the database does not answer; the log has the cause.
    fn trouble(&self, visit: &Visit, error: &StoreError) -> Response {
        if let Some(unsaid) = self.troubles.speak(self.web.clock.now()) {
            tracing::error!(%error, unsaid, "a page of the dashboard could not be made");
        }
        visit.sentence(
            StatusCode::SERVICE_UNAVAILABLE,
            "That did not work",
            "The database does not answer as it should. The log has the cause; please try again.",
        )
    }
}
