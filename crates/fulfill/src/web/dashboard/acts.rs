//! What a person does to an order. Each act is told in its timeline, with who did it.

use std::{sync::Arc, time::Duration};

use axum::{Extension, extract::Path, http::StatusCode, response::Response};
use fulfill_rules::{
    id::SessionKey,
    order::{ByHand, Status},
    place::{Effect, EffectStatus},
    shipment::{NotShipped, Shipment},
};

use super::{Desk, In, State, form::Form, frame::Visit, order, words::sentence};
use crate::store::{OrderView, Ringer, StoreError};

/// A person waits this long for a look.
const PATIENCE: Duration = Duration::from_secs(8);
/// Lines named in one form.
const LINES_MAX: usize = 200;

type Sent = Extension<Form>;
/// Why an act was refused, for people.
type Acted = Result<Result<&'static str, String>, StoreError>;

/// `POST /dashboard/orders/{id}/{act}`.
pub(super) async fn act(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Extension(form): Sent,
    Path((id, act)): Path<(String, String)>,
) -> Response {
    let Ok(key) = SessionKey::parse(&id) else {
        return visit.sentence(StatusCode::NOT_FOUND, "Not found", "That is no session.");
    };
    let acted = match act.as_str() {
        "put-aside" => put_aside(&desk, &visit, &key).await,
        "again" => again(&desk, &visit, &key).await,
        "done" => settle(&desk, &visit, &key, &form, ByHand::Fulfill).await,
        "waive" => settle(&desk, &visit, &key, &form, ByHand::Waive).await,
        "note" => note(&desk, &visit, &key, &form).await,
        "resend" => resend(&desk, &visit, &key, &form).await,
        "ship" => ship(&desk, &visit, &key, &form).await,
        _ => return visit.sentence(StatusCode::NOT_FOUND, "Not found", "There is no such act."),
    };
    match acted {
        Ok(Ok(word)) if form.get("back") == "todo" => visit.see_other(&format!("todo?done={word}")),
        Ok(Ok(word)) => visit.see_other(&format!("orders/{id}?done={word}")),
        Ok(Err(why)) => order::refused(&desk, &visit, &id, why, form).await,
        Err(error) => desk.trouble(&visit, &error),
    }
}

fn unknown(key: &SessionKey) -> String {
    format!("There is no order {key}.")
}

/// What an act came to, or why it was refused.
fn done<T, E: std::fmt::Display>(key: &SessionKey, act: Option<Result<T, E>>) -> Result<T, String> {
    act.ok_or_else(|| unknown(key))?.map_err(|why| sentence(&why.to_string()))
}

/// Looks at Stripe now, and tries what is stuck again.
async fn again(desk: &Arc<Desk>, visit: &Visit, key: &SessionKey) -> Acted {
    let web = &desk.web;
    let Some(view) = web.store.session_view(key).await? else { return Ok(Err(unknown(key))) };
    if view.order.is_some() && web.store.unstick(view.session, visit.who()).await? > 0 {
        web.wake.deliveries();
    } else if view.order.is_some_and(|order| order.status == Status::Fulfilled) {
        return Ok(Ok("nothing"));
    }
    let view = web.door.fulfill_checkout(key, Ringer::Operator, PATIENCE).await?;
    match view.and_then(|view| view.trouble) {
        Some(trouble) => Ok(Err(sentence(&trouble))),
        None => Ok(Ok("again")),
    }
}

/// Nobody waits any more for what is stuck.
async fn put_aside(desk: &Arc<Desk>, visit: &Visit, key: &SessionKey) -> Acted {
    let store = &desk.web.store;
    let Some(view) = store.session_view(key).await? else { return Ok(Err(unknown(key))) };
    match store.put_aside(view.session, visit.who()).await? {
        0 => Ok(Err("Nothing is stuck there any more, so nothing was changed.".to_owned())),
        _ => Ok(Ok("aside")),
    }
}

/// What is held was handed over by hand, or is not owed any more.
async fn settle(
    desk: &Arc<Desk>,
    visit: &Visit,
    key: &SessionKey,
    form: &Form,
    act: ByHand,
) -> Acted {
    let lines = form.all("line");
    if lines.len() > LINES_MAX {
        return Ok(Err("Those are too many lines at once.".to_owned()));
    }
    let Some(recorded) = desk.web.store.by_hand(key, act, lines, visit.who()).await? else {
        return Ok(Err(unknown(key)));
    };
    // Nothing told is nothing changed: somebody else was faster, or there is no such line.
    if recorded.told.is_empty() {
        let wrong = "Nothing is held there any more, so nothing was changed. This is the order as it is now.";
        return Ok(Err(wrong.to_owned()));
    }
    desk.web.announce(&recorded, visit.who());
    Ok(Ok("settled"))
}

async fn note(desk: &Arc<Desk>, visit: &Visit, key: &SessionKey, form: &Form) -> Acted {
    let act = desk.web.store.add_note(key, form.get("text"), visit.who()).await?;
    Ok(done(key, act).map(|()| "note"))
}

async fn resend(desk: &Arc<Desk>, visit: &Visit, key: &SessionKey, form: &Form) -> Acted {
    let act = desk.web.store.resend(key, form.get("mail"), visit.who()).await?;
    Ok(done(key, act).map(|()| {
        desk.web.wake.deliveries();
        "resent"
    }))
}

async fn ship(desk: &Arc<Desk>, visit: &Visit, key: &SessionKey, form: &Form) -> Acted {
    let field = |name| Some(form.get(name));
    let shipment = match Shipment::new(field("carrier"), field("tracking"), field("url")) {
        Ok(shipment) => shipment,
        Err(mistake) => return Ok(Err(sentence(&mistake.to_string()))),
    };
    let (lines, mail) = (form.all("line"), form.get("mail") == "yes" && desk.web.policy.writes());
    if lines.len() > LINES_MAX {
        return Ok(Err("Those are too many lines at once.".to_owned()));
    }
    if lines.is_empty() {
        return Ok(Err("Which parcel? Tick at least one; nothing was changed.".to_owned()));
    }
    // Only the form for corrections means a parcel that has left: the others are of before.
    let corrects = form.get("means") == "correct";
    let (asked, shipment) = (lines.clone(), if corrects { shipment } else { shipment.first() });
    let act = desk.web.store.ship(key, lines, shipment, mail, visit.who()).await?;
    if let Some(Err(NotShipped::Left { carrier, tracking, .. })) = &act {
        let view = desk.web.store.session_view(key).await?;
        let order = view.and_then(|view| view.order);
        return Ok(Err(left_already(order.as_ref(), &asked, carrier, tracking)));
    }
    Ok(done(key, act).map(|shipped| {
        desk.web.announce(&shipped, visit.who());
        "shipped"
    }))
}

/// Somebody else was faster: who, and how the parcel travels.
fn left_already(
    order: Option<&OrderView>,
    asked: &[String],
    carrier: &str,
    tracking: &str,
) -> String {
    let told = order.and_then(|order| {
        order.timeline.iter().rev().find(|told| told.what.starts_with("shipped by "))
    });
    let who = told.and_then(|told| told.who.as_deref()).unwrap_or("Somebody");
    let waits =
        |effect: &Effect| effect.status == EffectStatus::ToShip && asked.contains(&effect.line);
    let part = order.is_some_and(|order| order.effects.iter().any(waits));
    let what = if part { "a part of it" } else { "it" };
    let way = [carrier, tracking].join(" ");
    let with = if way.trim().is_empty() { String::new() } else { format!(", with {}", way.trim()) };
    format!(
        "{who} shipped {what} already{with}; nothing was changed. If that is wrong, correct the tracking \
         below."
    )
}
