//! The pages a buyer sees: plain HTML forms that need no script. A small script of our own, if it
//! runs, shows new totals at once.
//!
//! `GET /c/pay/{session}` shows the form, `POST` to the same address sends it. The fields, as a
//! scripted buyer posts them (`application/x-www-form-urlencoded`):
//!
//! | field | when |
//! |---|---|
//! | `email` | always, unless the session names one |
//! | `name` | when something is paid; the name on the card or account |
//! | `phone`, `individual_name`, `business_name`, `tax_id` | when the session collects them |
//! | `quantity[li_…]` | for adjustable lines; 0 removes one where the minimum is 0 |
//! | `optional[li_…]` | the quantity of an optional item that is taken |
//! | `amount[li_…]` | where the buyer chooses the price, as `12.50` |
//! | `promotion_code` | when the session takes codes |
//! | `shipping_name`, `line1`, `line2`, `city`, `state`, `shipping_postal_code`, `country` | when an address is collected |
//! | `shipping_rate` | where there is a choice; the first if left out |
//! | `billing_same` | `1`: the bill goes where the parcel goes |
//! | `billing_line1`, `billing_line2`, `billing_city`, `billing_state`, `billing_country`, `postal_code` | when a billing address is collected; a card wants the last two |
//! | `custom[key]`, `terms_of_service`, `promotions` | when the session asks |
//! | `method` | `card`, `sepa_debit`, `us_bank_account`, `boleto`, `konbini`, `multibanco`, `oxxo`; not asked for when nothing is due |
//! | `card_number`, `exp` (`12/34`), `cvc` | with `method=card` |
//! | `iban` | with `method=sepa_debit` |
//! | `routing_number`, `account_number` | with `method=us_bank_account` |
//! | `expected_amount` | the total that the buyer saw; if it has changed, nothing is paid yet |
//! | `action` | `pay` (if left out) or `update`: shows new totals without paying |
//!
//! Answers: 303 to where the buyer lands; 303 to `/c/voucher/{intent}` when there is a number to pay
//! with (its form has the field `decision`: `pay` or `expire`); 303 to
//! `/c/pay/{session}/authenticate` when the bank asks (its form has the field `decision`: `approve`
//! or `refuse`; for an intent without a session, the same at `/c/bank/{intent}`); 402 with the form again when the
//! bank declines; 422 with the form again when a field is wrong (the text stands in an element with
//! class `error`); 404 for an unknown session; 409 for one that is paid or expired. The same form
//! sent twice is paid once, and both answers lead to the same place.

mod address;
mod amount;
mod answer;
mod bank;
mod changes;
mod check;
mod closed;
mod fields;
mod parts;
mod view;
mod voucher;
mod words;

use std::sync::Arc;

use axum::{
    http::{StatusCode, header},
    response::Response,
};

pub(crate) use self::{
    address::{home, some_address},
    answer::Twice,
    changes::{Authenticate, FollowLink, Recover, Submit},
    check::year_and_month,
};
use self::{
    answer::{asset, page, see_other},
    bank::Question,
    closed::{done, message, open_session},
    fields::Filled,
    view::{CheckoutPage, Look},
    words::{Problem, Words},
};
use crate::{
    api,
    app::App,
    checkout::{self, Refusal},
    form,
    http::Incoming,
    ids::Id,
    state::objects::{Failure, Mode, Session},
};

/// How long a buyer waits for the endpoint's answer before being sent on.
const WAITS_MS: i64 = 10_000;

/// Who asks for a page, and what for.
struct Visit<'a> {
    app: &'a Arc<App>,
    incoming: &'a Incoming,
}

/// Says that more was sent than a page takes.
pub(crate) fn too_large(app: &Arc<App>, incoming: &Incoming) -> Response {
    let visit = Visit { app, incoming };
    visit.say(StatusCode::PAYLOAD_TOO_LARGE, visit.words(None).closed.too_large)
}

/// Answers a request for a page.
pub(crate) async fn answer(app: &Arc<App>, incoming: &Incoming) -> Response {
    let visit = Visit { app, incoming };
    let parts: Vec<&str> = incoming.path.split('/').filter(|part| !part.is_empty()).collect();
    match (incoming.method.as_str(), &parts[..]) {
        ("GET", []) => visit.say(StatusCode::OK, visit.words(None).closed.welcome),
        ("GET", ["_page", name]) => asset(name).unwrap_or_else(|| visit.nowhere()),
        ("GET", ["c", "pay", id]) => visit.show(id),
        ("POST", ["c", "pay", id]) => visit.send(id).await,
        ("GET", ["c", "pay", id, "authenticate"]) => visit.ask(id),
        ("POST", ["c", "pay", id, "authenticate"]) => visit.decide(id).await,
        ("GET", ["c", "done", id]) => done(&visit, id),
        ("GET", ["c", "voucher", id]) => visit.voucher(id),
        ("POST", ["c", "voucher", id]) => visit.pay_voucher(id),
        ("GET", ["c", "bank", id]) => visit.bank(id),
        ("POST", ["c", "bank", id]) => visit.answer_bank(id),
        ("GET", ["c", "recover", id]) => visit.recover(id),
        ("GET", ["l", slug]) => visit.follow(slug),
        // Browsers ask for it unasked.
        ("GET", ["favicon.ico"]) => {
            axum::response::IntoResponse::into_response(StatusCode::NO_CONTENT)
        }
        _ => visit.nowhere(),
    }
}

impl Visit<'_> {
    fn accepted(&self) -> Option<&str> {
        self.incoming.headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()
    }

    /// The language of a session, or of a page that has none.
    fn words(&self, session: Option<&Session>) -> &'static Words {
        let locale = session.and_then(|session| session.terms.locale.as_deref());
        Words::choose(locale, self.accepted())
    }

    /// The country of the browser's first language, as in `de-AT`.
    fn from(&self) -> &str {
        let first = self.accepted().and_then(|accepted| accepted.split([',', ';']).next());
        let region = first.and_then(|tag| tag.trim().split_once('-')).map(|(_, region)| region);
        region
            .filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
            .unwrap_or_default()
    }

    fn say(&self, status: StatusCode, said: (&str, &str)) -> Response {
        message(self.words(None), status, said, Vec::new())
    }

    fn nowhere(&self) -> Response {
        self.say(StatusCode::NOT_FOUND, self.words(None).closed.no_page)
    }

    fn show(&self, id: &str) -> Response {
        match open_session(self, id) {
            Ok(session) => {
                self.form(&session, &Filled::default(), StatusCode::OK, None, &Vec::new())
            }
            Err(response) => *response,
        }
    }

    fn form(
        &self,
        session: &Session,
        filled: &Filled,
        status: StatusCode,
        notice: Option<&str>,
        errors: &check::Errors,
    ) -> Response {
        let words = self.words(Some(session));
        let look = Look { words, from: self.from(), filled, notice, errors };
        let state = self.app.read();
        let view = CheckoutPage::new(&state, session, &look);
        drop(state);
        page(status, &view)
    }

    /// The form again, with something to say above it.
    fn notice(&self, session: &Session, filled: &Filled, status: u16, text: &str) -> Response {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        self.form(session, filled, status, Some(text), &Vec::new())
    }

    async fn send(&self, id: &str) -> Response {
        let session = match open_session(self, id) {
            Ok(session) => session,
            Err(closed) => return self.again(id, *closed).await,
        };
        let words = self.words(Some(&session));
        let form = std::str::from_utf8(&self.incoming.body).ok();
        let params = form.and_then(|text| form::decode_typed(text).ok());
        let filled = params.and_then(|mut params| Filled::read(&mut params).ok());
        let (Some(form), Some(filled)) = (form, filled) else {
            return self.notice(&session, &Filled::default(), 422, words.frame.unreadable);
        };
        let errors = {
            let state = self.app.read();
            if filled.only_update() {
                check::order(&filled, &state, &session)
            } else {
                check::check(&filled, &state, &session).1
            }
        };
        if filled.only_update() || !errors.is_empty() {
            let status =
                if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            return self.form(&session, &filled, status, None, &errors);
        }
        if let Some(total) = self.changed(&session, &filled) {
            let text = (words.frame.total_changed)(&total);
            return self.notice(&session, &filled, 422, &text);
        }
        let submit = Submit { session: id.to_owned(), form: form.to_owned() };
        match self.app.twice.once(id, &self.incoming.body, || self.app.change(submit)) {
            Ok(event) => self.land(id, &event).await,
            Err(refusal) => self.refused(id, &filled, refusal),
        }
    }

    /// The form came again after it had paid: the buyer lands all the same.
    async fn again(&self, id: &str, closed: Response) -> Response {
        match self.app.twice.paid(id, &self.incoming.body) {
            Some(event) => self.land(id, &event).await,
            None => closed,
        }
    }

    /// The total, when it is not the one that the buyer saw.
    fn changed(&self, session: &Session, filled: &Filled) -> Option<String> {
        let state = self.app.read();
        let total = checkout::quote(&state, session, &filled.choices(session)).ok()?.total;
        let differs = filled.expected_amount.is_some_and(|expected| expected != total);
        differs.then(|| amount::shown(self.words(Some(session)), total, session.currency()))
    }

    fn refused(&self, id: &str, filled: &Filled, refusal: Refusal) -> Response {
        let session = match open_session(self, id) {
            Ok(session) => session,
            Err(response) => return *response,
        };
        let words = self.words(Some(&session));
        match refusal {
            Refusal::Authenticate => see_other(words, &format!("/c/pay/{id}/authenticate")),
            Refusal::Declined(Failure { message, .. }) => {
                self.notice(&session, filled, 402, &words.said(message))
            }
            Refusal::Field(field, text) => {
                let errors = vec![(field, Problem::Told(text))];
                self.form(&session, filled, StatusCode::UNPROCESSABLE_ENTITY, None, &errors)
            }
            Refusal::NoSession | Refusal::NotOpen(_) | Refusal::LinkFull => {
                self.notice(&session, filled, 409, words.frame.not_open)
            }
        }
    }

    fn ask(&self, id: &str) -> Response {
        let session = match open_session(self, id) {
            Ok(session) => session,
            Err(response) => return *response,
        };
        let words = self.words(Some(&session));
        let total = {
            let state = self.app.read();
            let Some(payment) = state.authenticating.get(id) else {
                return see_other(words, &format!("/c/pay/{id}"));
            };
            checkout::quote(&state, &session, &payment.choices)
                .map_or(session.total(), |quote| quote.total)
        };
        let asks = match session.terms.mode {
            Mode::Setup => Question::Keep,
            _ => Question::Pay(total, session.currency()),
        };
        bank::question(words, format!("/c/pay/{id}/authenticate"), asks)
    }

    async fn decide(&self, id: &str) -> Response {
        if let Err(closed) = open_session(self, id) {
            return self.again(id, *closed).await;
        }
        let approved = match self.decision().as_deref() {
            Some("approve") => true,
            Some("refuse") => false,
            _ => return self.ask(id),
        };
        let answer = Authenticate { session: id.to_owned(), approved };
        match self.app.twice.once(id, &self.incoming.body, || self.app.change(answer)) {
            Ok(event) => self.land(id, &event).await,
            Err(refusal) => self.refused(id, &Filled::default(), refusal),
        }
    }

    /// What a page with two buttons was answered.
    fn decision(&self) -> Option<String> {
        let text = std::str::from_utf8(&self.incoming.body).ok()?;
        form::decode(text).ok()?.text("decision").ok().flatten()
    }

    /// Waits for the endpoints, then sends the buyer on.
    async fn land(&self, id: &str, event: &Id) -> Response {
        let until = self.app.clock.now_ms() + WAITS_MS;
        tokio::select! {
            () = answered(self.app, event) => {}
            () = self.app.clock.until(until) => {}
        }
        let session = self.app.read().sessions.get(id).cloned();
        let words = self.words(session.as_deref());
        let voucher = session
            .as_ref()
            .and_then(|session| voucher::of_session(&self.app.read(), session))
            .map(|intent| format!("/c/voucher/{intent}"));
        let to = voucher.or_else(|| landing(session.as_ref()?));
        see_other(words, &to.unwrap_or_else(|| format!("/c/done/{id}")))
    }

    /// An expired session is taken up again.
    fn recover(&self, id: &str) -> Response {
        let words = self.words(None);
        match self.app.change(Recover { session: id.to_owned() }) {
            Some(session) => see_other(words, &format!("/c/pay/{session}")),
            None => self.say(StatusCode::NOT_FOUND, words.closed.no_session),
        }
    }

    /// A link makes a session for each visitor.
    fn follow(&self, slug: &str) -> Response {
        let words = self.words(None);
        let visit = api::Visit::read(&self.incoming.query);
        match self.app.change(FollowLink { slug: slug.to_owned(), visit }) {
            Some(session) => see_other(words, &format!("/c/pay/{session}")),
            None => {
                let own = api::inactive_message(&self.app.read(), slug);
                let (title, text) = words.closed.inactive;
                self.say(StatusCode::NOT_FOUND, (title, own.as_deref().unwrap_or(text)))
            }
        }
    }
}

/// Where the buyer goes after paying, if the shop says.
fn landing(session: &Session) -> Option<String> {
    let url = session.terms.success_url.as_ref()?;
    Some(url.replace("{CHECKOUT_SESSION_ID}", &session.id))
}

async fn answered(app: &Arc<App>, event: &Id) {
    let mut finished = app.lanes.finished.subscribe();
    loop {
        finished.mark_unchanged();
        if app.read().events.get(event).is_none_or(|event| event.is_answered()) {
            return;
        }
        if finished.changed().await.is_err() {
            return;
        }
    }
}
