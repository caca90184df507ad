//! The start page.

use askama::Template;
use axum::{Extension, http::StatusCode, response::Response};

use super::{
    In, State,
    frame::{Frame, page},
};

#[derive(Template)]
#[template(path = "dashboard/home.html")]
struct Home {
    f: Frame,
    open: Vec<(String, i64)>,
}

pub(super) async fn show(axum::extract::State(desk): State, Extension(visit): In) -> Response {
    match desk.web.store.counts().await {
        Ok(counts) => page(
            StatusCode::OK,
            &Home { f: visit.frame("Overview", "home"), open: counts.open_orders },
        ),
        Err(error) => desk.trouble(&visit, &error),
    }
}
