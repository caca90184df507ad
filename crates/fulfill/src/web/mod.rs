//! Answers people and machines over HTTP: the [`webhook`], the buyer's [`landing`] page, the
//! merchant's [`api`], and what machines ask about [`health`].

mod acts;
mod api;
mod body;
mod bought;
mod buyer;
mod dashboard;
mod find;
mod health;
mod landing;
mod live;
mod order_json;
mod orders;
mod page;
mod reports;
mod seldom;
mod supply;
mod visitors;
mod webhook;
mod words;

use std::sync::Arc;

use axum::{Router, http::StatusCode};
use fulfill_rules::order::Policy;
use secrecy::SecretString;

use crate::{
    announce::announce,
    brand::Brand,
    clock::Clock,
    door::Door,
    links::Links,
    meters::Meters,
    pulse::Pulse,
    sign_in::Passwords,
    store::{Recorded, Store},
    stripe::Secrets,
    wake::Wake,
};

/// What the pages and the API need. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    pub(crate) store: Store,
    pub(crate) door: Door,
    pub(crate) wake: Wake,
    pub(crate) meters: Meters,
    pub(crate) pulse: Pulse,
    pub(crate) clock: Clock,
    pub(crate) secrets: Secrets,
    pub(crate) passwords: Passwords,
    /// Beside it, tokens that people made in the dashboard open the API.
    pub(crate) api_token: Option<SecretString>,
    /// Addresses are taken from `X-Forwarded-For` (its last entry).
    pub(crate) behind_proxy: bool,
    /// What the shop wants.
    pub(crate) policy: Arc<Policy>,
    /// Where people reach us, as `https://shop.example.com`.
    pub(crate) public_url: Option<String>,
    /// How the shop shows itself.
    pub(crate) brand: Arc<Brand>,
    /// Mail goes out.
    pub(crate) mailing: bool,
    /// What shows that a browser is a buyer's.
    pub(crate) links: Links,
}

impl Web {
    /// Tells whom it concerns what a person did.
    fn announce(&self, recorded: &Recorded, who: &str) {
        announce((&self.wake, &self.meters), self.clock.now(), recorded, Some(who));
    }
}

/// Everything under one roof. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`:
/// without peers' addresses all strangers share one allowance of guesses.
pub(crate) fn router(web: Web) -> Router {
    Router::new()
        .merge(webhook::router(&web))
        .merge(landing::router(&web))
        .merge(page::logo(&web.brand))
        .merge(health::router(&web))
        .merge(dashboard::router(web.clone()))
        .nest("/api", api::router(web))
        .fallback(async || (StatusCode::NOT_FOUND, "not found"))
}
