//! What a person does to an order. Each act is told in its timeline, with who did it.

use std::{sync::Arc, time::Duration};

use axum::{Extension, extract::Path, http::StatusCode, response::Response};
use fulfill_rules::{
    id::SessionKey,
    order::{ByHand, Status},
    shipment::Shipment,
};

use super::{Desk, In, State, form::Form, frame::Visit, gate::sentence, order};
use crate::store::{Recorded, Ringer, StoreError};

/// A person waits this long for a look.
const PATIENCE: Duration = Duration::from_secs(8);
/// Longest note.
const NOTE_CHARS_MAX: usize = 2_000;
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
        Ok(Err(why)) => {
            order::shown(&desk, &visit, &id, StatusCode::CONFLICT, None, Some(why)).await
        }
        Err(error) => desk.trouble(&visit, &error),
    }
}

fn unknown(key: &SessionKey) -> String {
    format!("There is no order {key}.")
}

/// Looks at Stripe now, and tries what is stuck again.
async fn again(desk: &Arc<Desk>, visit: &Visit, key: &SessionKey) -> Acted {
    let web = &desk.web;
    let Some(view) = web.store.session_view(key).await? else { return Ok(Err(unknown(key))) };
    if view.order.is_some() && web.store.unstick(view.session, visit.who()).await? > 0 {
        web.wake.deliveries();
    }
    let view = web.door.fulfill_checkout(key, Ringer::Operator, PATIENCE).await?;
    match view.and_then(|view| view.trouble) {
        Some(trouble) => Ok(Err(sentence(&trouble))),
        None => Ok(Ok("again")),
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
    tell(desk, visit, &recorded).await?;
    Ok(Ok("settled"))
}

async fn note(desk: &Arc<Desk>, visit: &Visit, key: &SessionKey, form: &Form) -> Acted {
    let text = form.get("text");
    if text.is_empty() || text.chars().count() > NOTE_CHARS_MAX {
        return Ok(Err(format!("A note has 1 to {NOTE_CHARS_MAX} signs.")));
    }
    let known = desk.web.store.add_note(key, text, visit.who()).await?;
    Ok(if known { Ok("note") } else { Err(unknown(key)) })
}

async fn resend(desk: &Arc<Desk>, visit: &Visit, key: &SessionKey, form: &Form) -> Acted {
    match desk.web.store.resend(key, form.get("mail"), visit.who()).await? {
        None => Ok(Err(unknown(key))),
        Some(Err(why)) => Ok(Err(sentence(&why.to_string()))),
        Some(Ok(())) => {
            desk.web.wake.deliveries();
            Ok(Ok("resent"))
        }
    }
}

async fn ship(desk: &Arc<Desk>, visit: &Visit, key: &SessionKey, form: &Form) -> Acted {
    let field = |name| Some(form.get(name));
    let shipment = match Shipment::new(field("carrier"), field("tracking"), field("url")) {
        Ok(shipment) => shipment,
        Err(mistake) => return Ok(Err(sentence(&mistake.to_string()))),
    };
    let (lines, mail) = (form.all("line"), form.get("mail") == "yes" && desk.web.mailing);
    if lines.len() > LINES_MAX {
        return Ok(Err("Those are too many lines at once.".to_owned()));
    }
    match desk.web.store.ship(key, lines, shipment, mail, visit.who()).await? {
        None => Ok(Err(unknown(key))),
        Some(Err(why)) => Ok(Err(sentence(&why.to_string()))),
        Some(Ok(recorded)) => {
            tell(desk, visit, &recorded).await?;
            Ok(Ok("shipped"))
        }
    }
}

/// Tells whom it concerns: the log, the meters, who sends mails, and pages that are open.
async fn tell(desk: &Arc<Desk>, visit: &Visit, recorded: &Recorded) -> Result<(), StoreError> {
    let web = &desk.web;
    if recorded.deliveries {
        web.wake.deliveries();
    }
    web.wake.work();
    let status = recorded.status.map_or("no order", Status::as_str);
    let (session, who) = (&recorded.key, visit.who());
    tracing::info!(%session, who, status, "{}", recorded.told.join("; "));
    if recorded.fulfilled
        && let Some(order) = web.store.session_view(session).await?.and_then(|view| view.order)
    {
        web.meters.fulfilled(web.clock.now() - order.first_seen_at);
    }
    Ok(())
}
