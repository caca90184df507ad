//! Trouble on order.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde_json::Value;

use super::{At, Frame, ROWS, page};
use crate::{
    faults::{Fault, Trouble},
    form::Params,
};

/// The common ones: a name, what a person reads, and whether they happen to deliveries.
const COMMON: [(&str, &str, bool); 14] = [
    ("429", "429 too many requests, with Retry-After", false),
    ("429-bare", "429 too many requests, without Retry-After", false),
    ("500", "500 in Stripe's shape", false),
    ("502", "502 with a page of HTML", false),
    ("slow", "an answer that takes 5 seconds", false),
    ("cut", "an answer that is cut in the middle", false),
    ("drop", "no answer, though the request is carried out", false),
    ("empty", "an empty page of a list that says there is more", false),
    ("repeated", "a list that begins again at its first page", false),
    ("duplicate", "delivered twice", true),
    ("hold", "delivered after the next one", true),
    ("delay", "delivered a minute later", true),
    ("lose", "never delivered", true),
    ("split", "two Event objects for one change", true),
];

#[derive(Template)]
#[template(path = "look/faults.html")]
struct FaultsPage {
    frame: Frame,
    faults: Vec<String>,
    more: usize,
    common: [(&'static str, &'static str, bool); 14],
}

pub(super) fn list(at: &At<'_>) -> Response {
    let faults = at.app.faults.list();
    let template = FaultsPage {
        frame: at.frame(&at.app.read(), "Faults", "faults"),
        more: faults.len().saturating_sub(ROWS),
        faults: faults
            .into_iter()
            .rev()
            .take(ROWS)
            .map(|fault| Value::from(fault).to_string())
            .collect(),
        common: COMMON,
    };
    page(StatusCode::OK, &template)
}

/// What the form orders, or what is wrong with it.
pub(super) fn read(form: &mut Params) -> Result<Fault, String> {
    let text = |form: &mut Params, name| form.text(name).map_err(|error| error.message);
    let kind = text(form, "kind")?.unwrap_or_default();
    let status = |status, retry_after| Trouble::Status { status, retry_after };
    let trouble = match kind.as_str() {
        "429" => status(429, Some(1)),
        "429-bare" => status(429, None),
        "500" => status(500, None),
        "502" => Trouble::Html { status: 502 },
        "slow" => Trouble::Slow { ms: 5_000 },
        "cut" => Trouble::Cut,
        "drop" => Trouble::Drop,
        "empty" => Trouble::EmptyPage,
        "repeated" => Trouble::RepeatedPage,
        "duplicate" => Trouble::Duplicate,
        "hold" => Trouble::Hold,
        "delay" => Trouble::Delay { ms: 60_000 },
        "lose" => Trouble::Lose,
        "split" => Trouble::Split,
        _ => return Err("Choose what goes wrong.".to_owned()),
    };
    let times = form.integer("times").map_err(|error| error.message)?;
    let times = times.map(u64::try_from).transpose().ok().filter(|times| *times != Some(0));
    let fault = Fault {
        path: text(form, "path")?,
        event: text(form, "event")?,
        times: times.ok_or("How often: a number from 1 on, or nothing.")?,
        ..Fault::new(trouble)
    };
    // What holds for a fault in JSON holds for one from the form.
    Fault::try_from(Value::from(fault)).map_err(|error| error.to_string())
}
