//! What is set up, and what is still missing and means what.

use askama::Template;
use axum::{Extension, http::StatusCode, response::Response};

use super::{
    Desk, In, State,
    frame::{Frame, page},
};
use crate::store::StoreError;

#[derive(Template)]
#[template(path = "dashboard/setting_up.html")]
struct Page {
    f: Frame,
    steps: Vec<Step>,
    missing: usize,
    /// Where it is reached, or what stands for it.
    url: String,
}

/// One thing that a shop should have.
struct Step {
    done: bool,
    /// It can do without.
    optional: bool,
    what: &'static str,
    said: String,
}

pub(super) async fn show(axum::extract::State(desk): State, Extension(visit): In) -> Response {
    match steps(&desk).await {
        Ok(steps) => {
            let missing = steps.iter().filter(|step| !step.done && !step.optional).count();
            let url = desk.web.public_url.clone();
            let url = url.unwrap_or_else(|| "https://YOUR-ADDRESS".to_owned());
            let f = visit.frame("Setting up", "setting-up");
            page(StatusCode::OK, &Page { f, steps, missing, url })
        }
        Err(error) => desk.trouble(&visit, &error),
    }
}

/// How much is missing that matters.
pub(super) async fn missing(desk: &Desk) -> Result<usize, StoreError> {
    Ok(steps(desk).await?.iter().filter(|step| !step.done && !step.optional).count())
}

fn step(
    done: bool,
    optional: bool,
    what: &'static str,
    there: impl Into<String>,
    missing: &str,
) -> Step {
    let said = if done { there.into() } else { missing.to_owned() };
    Step { done, optional, what, said }
}

async fn steps(desk: &Desk) -> Result<Vec<Step>, StoreError> {
    let web = &desk.web;
    let products = web.policy.catalog.products().len();
    let (needed, optional) = (false, true);
    Ok(vec![
        step(
            web.store.has_received().await?,
            needed,
            "Stripe's webhook",
            "Stripe has delivered events.",
            "Nothing has been delivered yet. “fulfilld endpoint create” makes the endpoint at Stripe. \
             Until events come, payments are found by looking every 10 minutes.",
        ),
        step(
            products > 0,
            optional,
            "Catalog",
            format!("Products in the settings file: {products}."),
            "The settings file names no product. What a product owes can also stand in its metadata \
             at Stripe; anything else waits for you on the list.",
        ),
        step(
            web.public_url.is_some(),
            needed,
            "Public address",
            web.public_url.clone().unwrap_or_default(),
            "FULFILLD_PUBLIC_URL is not set: mails cannot link to the order's page, and the login of \
             this dashboard is not kept to https.",
        ),
        step(
            web.mailing,
            needed,
            "Mail",
            "Mail goes out.",
            "FULFILLD_SMTP is not set: buyers get no mail; it waits until it is.",
        ),
        step(
            web.policy.merchant,
            optional,
            "Mail to you",
            "You are told of new orders and of those that need attention.",
            "[mail] merchant is not set: nobody is told when an order needs a person.",
        ),
        step(
            web.store.livemode(),
            optional,
            "Live mode",
            "The key is a live key: this is real money.",
            "The key is a test key: no money moves. To go live, use the live key and the live \
             endpoint's secret; test orders stay apart from live ones.",
        ),
    ])
}
