//! Answers people and machines over HTTP.

use axum::Router;
use secrecy::SecretString;

use crate::{
    clock::Clock, door::Door, meters::Meters, pulse::Pulse, store::Store, stripe::Secrets,
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
    /// Without it the API refuses everything.
    pub(crate) api_token: Option<SecretString>,
    /// Addresses are taken from `X-Forwarded-For` (its last entry).
    pub(crate) behind_proxy: bool,
}

pub(crate) fn router(_web: Web) -> Router {
    Router::new()
}
