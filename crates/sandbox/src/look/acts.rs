//! What the forms do: the API's calls and the sandbox's own commands, as everybody else makes them.

use std::{sync::Arc, time::Duration};

use axum::{http::StatusCode, response::Response};
use serde_json::{Value, json};

use super::{At, BELOW, ROOT, faults, links, notice, see_other};
use crate::{
    api::events::Resend,
    app::App,
    form::{self, Params},
    http::{ApiCall, Incoming},
    money,
    payments::{AnswerBank, PayVoucher, RaiseDispute, SettleNow},
};

/// As far as the clock is turned at once.
const TURN_SECONDS_MAX: u64 = 400 * 86_400;
const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Where the browser goes afterwards, or why nothing was done.
type Done = Result<String, String>;

pub(super) fn act(app: &Arc<App>, incoming: &Incoming, parts: &[&str]) -> Response {
    let at = At { app, incoming };
    let text = std::str::from_utf8(&incoming.body).unwrap_or_default();
    let mut form = match form::decode(text) {
        Ok(form) => form,
        Err(error) => return notice(&at, StatusCode::BAD_REQUEST, &error.message),
    };
    app.run_due();
    if parts == ["links"] {
        let typed = links::Typed::read(&mut form);
        return match make_link(app, &typed) {
            Ok(to) => see_other(&to),
            Err(why) => links::list(&at, typed, Some(why)),
        };
    }
    let done = match parts {
        ["payment", id, what] => on_payment(app, id, what, &mut form),
        ["event", id, "resend"] => resend(app, id, &mut form),
        ["link", id, what @ ("activate" | "deactivate")] => {
            let active = json!({ "active": *what == "activate" });
            call(app, &format!("/v1/payment_links/{id}"), &active).map(|_| format!("{BELOW}links"))
        }
        ["place", id, what @ ("enable" | "disable")] => {
            let disabled = json!({ "disabled": *what == "disable" });
            call(app, &format!("/v1/webhook_endpoints/{id}"), &disabled)
                .map(|_| format!("{BELOW}places"))
        }
        ["places"] => add_endpoint(app, &mut form),
        ["faults"] => add_fault(app, &mut form),
        ["faults", "clear"] => {
            app.faults.clear();
            Ok(format!("{BELOW}faults"))
        }
        ["clock"] => turn(app, &mut form),
        _ => return notice(&at, StatusCode::NOT_FOUND, "There is no such form."),
    };
    match done {
        Ok(to) => see_other(&to),
        Err(why) => notice(&at, StatusCode::UNPROCESSABLE_ENTITY, &why),
    }
}

fn field(form: &mut Params, name: &str) -> String {
    form.text(name).ok().flatten().unwrap_or_default()
}

/// Makes a call of the API with the sandbox's own key.
fn call(app: &Arc<App>, path: &str, asked: &Value) -> Result<Value, String> {
    let form = form::from_json(asked.to_string().as_bytes()).map_err(|error| error.message)?;
    let key = app.read().secret_key.clone();
    let request = app.request_ids.next();
    let (answered, _) = app.change(ApiCall::of_page(path, form, key, request.clone()));
    app.listeners.log(app, ("POST", path), answered.status, &answered.body, &request);
    let mut value: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    if answered.status == 200 {
        return Ok(value);
    }
    match value["error"]["message"].take() {
        Value::String(why) => Err(why),
        _ => Err("The sandbox refused that.".to_owned()),
    }
}

fn make_link(app: &Arc<App>, typed: &links::Typed) -> Done {
    let link = call(app, "/v1/payment_links", &typed.asked()?)?;
    let id = link["id"].as_str().unwrap_or_default();
    Ok(format!("{BELOW}links#{id}"))
}

fn on_payment(app: &Arc<App>, id: &str, what: &str, form: &mut Params) -> Done {
    let payment = || id.to_owned();
    let waits_no_longer = || "It does not wait for that any more.".to_owned();
    let intent = field(form, "intent");
    match what {
        "expire" => {
            call(app, &format!("/v1/checkout/sessions/{id}/expire"), &json!({}))?;
        }
        "settle" | "fail" => {
            let settled = app.change(SettleNow { payment: payment(), fails: what == "fail" });
            settled.then_some(()).ok_or_else(waits_no_longer)?;
        }
        "voucher" | "voucher-expire" => {
            let paid = app.change(PayVoucher { payment: payment(), paid: what == "voucher" });
            paid.then_some(()).ok_or_else(waits_no_longer)?;
        }
        "approve" | "refuse" => {
            let answer = AnswerBank { payment_intent: intent, approve: what == "approve" };
            app.change(answer).then_some(()).ok_or_else(waits_no_longer)?;
        }
        "dispute" => {
            let reason = Some(field(form, "reason")).filter(|reason| !reason.is_empty());
            app.change(RaiseDispute { payment: payment(), reason, inquiry: false })
                .map_err(str::to_owned)?;
        }
        "refund" => {
            let currency = field(form, "currency").to_lowercase();
            let amount = money::read(&field(form, "amount"), &currency);
            let amount = amount.ok_or("The amount is a number as 12.50.")?;
            call(app, "/v1/refunds", &json!({ "payment_intent": intent, "amount": amount }))?;
        }
        _ => return Err("There is no such form.".to_owned()),
    }
    Ok(format!("{BELOW}payment/{id}"))
}

fn resend(app: &Arc<App>, id: &str, form: &mut Params) -> Done {
    let endpoint = Some(field(form, "endpoint")).filter(|endpoint| !endpoint.is_empty());
    app.change(Resend { event: id.to_owned(), endpoint }).map_err(|error| error.message)?;
    Ok(format!("{BELOW}event/{id}"))
}

fn add_endpoint(app: &Arc<App>, form: &mut Params) -> Done {
    let asked = json!({ "url": field(form, "url"), "enabled_events": ["*"] });
    call(app, "/v1/webhook_endpoints", &asked)?;
    Ok(format!("{BELOW}places"))
}

fn add_fault(app: &Arc<App>, form: &mut Params) -> Done {
    app.faults.add(faults::read(form)?);
    Ok(format!("{BELOW}faults"))
}

fn turn(app: &Arc<App>, form: &mut Params) -> Done {
    let by = seconds(&field(form, "by"));
    let by = by.ok_or("Turn the clock by a time as 90s, 15m, 6h, 3d or 2w; at most 400 days.")?;
    app.advance(Duration::from_secs(by));
    // Only back to where these pages are.
    let back = field(form, "back");
    Ok(if back == ROOT || back.starts_with(BELOW) { back } else { ROOT.to_owned() })
}

/// `3d`, `6 h`.
fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let count: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    count.checked_mul(seconds).filter(|by| (1..=TURN_SECONDS_MAX).contains(by))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_time_to_turn_by_has_a_unit_and_an_end() {
        let table = [("3d", Some(259_200)), (" 6 h ", Some(21_600)), ("401d", None), ("0s", None)];
        for (text, expected) in table.into_iter().chain([("3", None), ("", None), ("d", None)]) {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
