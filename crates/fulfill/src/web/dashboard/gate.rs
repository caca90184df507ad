//! The way in and out: signing in, and accepting an invitation. What a stranger can reach.

use std::{net::IpAddr, sync::Arc};

use askama::Template;
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use fulfill_rules::Millis;

use super::{
    Desk, In, State,
    form::Form,
    frame::{Frame, Visit, page},
    guard::{self, COOKIE},
    words::sentence,
};
use crate::{
    sign_in::{self, PASSWORD_CHARS_MIN, PasswordsBusy, Token, digest},
    store::{Accepted, Invitation, StoreError},
    web::{
        body,
        visitors::{self, later},
    },
};

/// Largest form of a stranger.
const FORM_BYTES_MAX: usize = 8 << 10;
/// A browser forgets a login after so many seconds; the database after 14 days without a visit.
const COOKIE_AGE_S: u32 = 180 * 86_400;
/// The cookie of a browser from which somebody has signed in: strangers who try the name use up an
/// allowance that is not this browser's.
const KNOWN_COOKIE: &str = "fulfilld_known";
const NOT_THESE: &str = "Name and password do not belong together.";

#[derive(Template)]
#[template(path = "dashboard/sign_in.html")]
struct SignIn {
    f: Frame,
    /// Where to go then.
    next: String,
    name: String,
    wrong: Option<String>,
    /// Nobody can sign in yet.
    nobody: bool,
}

#[derive(Template)]
#[template(path = "dashboard/setup.html")]
struct Setup {
    f: Frame,
    token: String,
    name: String,
    wrong: Option<String>,
    invited_by: Option<String>,
    chars_min: usize,
}

/// `GET /dashboard/sign-in`.
pub(super) async fn ask(axum::extract::State(desk): State, request: Request) -> Response {
    let visit = Visit::of(&desk, &request);
    let next = visit.query.get("next").to_owned();
    match desk.web.store.people().await {
        Ok(people) => asked(&visit, StatusCode::OK, next, "", None, people.is_empty()),
        Err(error) => desk.trouble(&visit, &error),
    }
}

fn asked(
    visit: &Visit,
    status: StatusCode,
    next: String,
    name: &str,
    wrong: Option<String>,
    nobody: bool,
) -> Response {
    let f = visit.frame("Sign in", "");
    let name = name.chars().take(sign_in::NAME_CHARS_MAX).collect();
    page(status, &SignIn { f, next, name, wrong, nobody })
}

/// `POST /dashboard/sign-in`. The same answer, after the same time, for who does not exist and for a
/// wrong password.
pub(super) async fn sign_in(axum::extract::State(desk): State, request: Request) -> Response {
    let known = guard::cookie(request.headers(), KNOWN_COOKIE).unwrap_or_default().to_owned();
    let (visit, address, form) = match stranger(&desk, request).await {
        Ok(given) => given,
        Err(refused) => return refused,
    };
    let (name, next) = (form.get("name").to_owned(), form.get("next").to_owned());
    let refused = |status, wrong: &str| {
        asked(&visit, status, next.clone(), &name, Some(wrong.to_owned()), false)
    };
    let now = desk.web.clock.now();
    let browser = desk.web.links.known(&name, &known).map(str::to_owned);
    let may = match &browser {
        Some(browser) => desk.by_browser.take(browser, now),
        // Names that nobody has are counted too: else an answer would tell who exists.
        None => {
            let by_name = |()| desk.by_name.take(&name, now);
            desk.by_address.take(&address, now).and_then(by_name)
        }
    };
    if let Err(wait) = may {
        tracing::warn!(%address, "too many passwords were tried");
        return later(refused(StatusCode::TOO_MANY_REQUESTS, &too_many(wait)), wait);
    }
    let known = match desk.web.store.password(&name).await {
        Ok(known) => known,
        Err(error) => return desk.trouble(&visit, &error),
    };
    let (person, hash) = known.map_or((None, None), |(seq, hash)| (Some(seq), Some(hash)));
    let password: String = form.raw("password").chars().take(sign_in::PASSWORD_BYTES_MAX).collect();
    match (desk.passwords.check(&password, hash).await, person) {
        (Err(PasswordsBusy), _) => {
            let wrong = "Too many people are signing in. Try again in a moment.";
            refused(StatusCode::SERVICE_UNAVAILABLE, wrong)
        }
        (Ok(true), Some(person)) => {
            // Who comes from a browser of their own has taken nothing from the others.
            let nonce = browser.unwrap_or_else(|| {
                desk.by_address.forgive(&address);
                desk.by_name.forgive(&name);
                Token::new("").show().to_owned()
            });
            desk.by_browser.forgive(&nonce);
            let known = desk.web.links.knows(&name, &nonce);
            enter(&desk, &visit, person, &known, &next).await
        }
        (Ok(_), _) => {
            tracing::info!(%address, "somebody could not sign in");
            refused(StatusCode::UNAUTHORIZED, NOT_THESE)
        }
    }
}

/// What is said to who tried too many passwords.
pub(super) fn too_many(wait: Millis) -> String {
    match visitors::seconds(wait) {
        1 => "Too many tries. Try again in a second.".to_owned(),
        seconds => format!("Too many tries. Try again in {seconds} seconds."),
    }
}

/// Begins a login and leads on. By `known` the browser is known the next time.
async fn enter(desk: &Desk, visit: &Visit, person: i64, known: &str, next: &str) -> Response {
    let token = Token::new("");
    if let Err(error) = desk.web.store.sign_in(person, &token.digest()).await {
        return desk.trouble(visit, &error);
    }
    // Below our own path, whatever it says: it cannot lead elsewhere.
    let next = if next.contains(['\\', '\r', '\n']) { "" } else { next.trim_start_matches('/') };
    let login = cookie(desk, visit, COOKIE, token.show(), COOKIE_AGE_S);
    let known = cookie(desk, visit, KNOWN_COOKIE, known, COOKIE_AGE_S);
    with_cookies(visit.see_other(next), [login, known])
}

fn cookie(desk: &Desk, visit: &Visit, name: &str, value: &str, age_s: u32) -> String {
    let secure = if desk.secure { "; Secure" } else { "" };
    // Lax: who comes by a link in a mail is signed in there, too; forms need more than the cookie.
    let base = &visit.base;
    format!("{name}={value}; Path={base}; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}")
}

fn with_cookies<const N: usize>(mut response: Response, cookies: [String; N]) -> Response {
    for cookie in cookies.into_iter().filter_map(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// `POST /dashboard/sign-out`.
pub(super) async fn sign_out(
    axum::extract::State(desk): State,
    axum::Extension(visit): In,
) -> Response {
    if let Some(login) = &visit.login
        && let Err(error) = desk.web.store.sign_out(&login.digest).await
    {
        return desk.trouble(&visit, &error);
    }
    let gone = cookie(&desk, &visit, COOKIE, "", 0);
    with_cookies(visit.see_other("sign-in"), [gone])
}

/// `GET /dashboard/setup?token=…`.
pub(super) async fn invited(axum::extract::State(desk): State, request: Request) -> Response {
    let visit = Visit::of(&desk, &request);
    let token = visit.query.get("token").to_owned();
    match desk.web.store.invitation(&digest(&token)).await {
        Ok(Some(invitation)) => setup(&visit, StatusCode::OK, token, "", None, &invitation),
        Ok(None) => gone(&visit),
        Err(error) => desk.trouble(&visit, &error),
    }
}

/// `POST /dashboard/setup`.
pub(super) async fn accept(axum::extract::State(desk): State, request: Request) -> Response {
    let (visit, _, form) = match stranger(&desk, request).await {
        Ok(given) => given,
        Err(refused) => return refused,
    };
    match accepted(&desk, &visit, &form).await {
        Ok(response) => response,
        Err(error) => desk.trouble(&visit, &error),
    }
}

async fn accepted(desk: &Arc<Desk>, visit: &Visit, form: &Form) -> Result<Response, StoreError> {
    let (token, given) = (form.get("token").to_owned(), form.get("name").to_owned());
    let key = digest(&token);
    // Before a password is hashed: strangers without an invitation cost nothing.
    let Some(invitation) = desk.web.store.invitation(&key).await? else { return Ok(gone(visit)) };
    let again = |status, wrong: String| {
        Ok(setup(visit, status, token.clone(), &given, Some(wrong), &invitation))
    };
    let secret = form.raw("password");
    let name = match sign_in::name(&given).and_then(|name| sign_in::password(secret).map(|()| name))
    {
        Ok(name) => name,
        Err(mistake) => return again(StatusCode::BAD_REQUEST, sentence(&mistake.to_string())),
    };
    if secret != form.raw("again") {
        let wrong = "The two passwords are not the same.".to_owned();
        return again(StatusCode::BAD_REQUEST, wrong);
    }
    let Ok(hash) = desk.passwords.hash(secret).await else {
        let wrong = "Too much is going on. Try again in a moment.".to_owned();
        return again(StatusCode::SERVICE_UNAVAILABLE, wrong);
    };
    match desk.web.store.accept(&key, name, &hash).await? {
        Accepted::Person(person) => {
            tracing::info!("an invitation to the dashboard was accepted");
            let known = desk.web.links.knows(name, Token::new("").show());
            Ok(enter(desk, visit, person, &known, "").await)
        }
        Accepted::Taken => {
            let wrong = "There is somebody of this name: choose another. If that is you, and your password is \
                         lost, let who invited you remove your name first: then this link takes it."
                .to_owned();
            again(StatusCode::CONFLICT, wrong)
        }
        Accepted::Full => {
            let wrong = "There are too many people: somebody has to be removed first.".to_owned();
            again(StatusCode::CONFLICT, wrong)
        }
        Accepted::Gone => Ok(gone(visit)),
    }
}

fn setup(
    visit: &Visit,
    status: StatusCode,
    token: String,
    name: &str,
    wrong: Option<String>,
    invitation: &Invitation,
) -> Response {
    let f = visit.frame("Welcome", "");
    let name = name.chars().take(sign_in::NAME_CHARS_MAX).collect();
    let invited_by = invitation.invited_by.clone();
    let chars_min = PASSWORD_CHARS_MIN;
    page(status, &Setup { f, token, name, wrong, invited_by, chars_min })
}

fn gone(visit: &Visit) -> Response {
    visit.sentence(
        StatusCode::NOT_FOUND,
        "This link works no more",
        "It was used already, or is older than a day. Ask for another one, or type \
         “fulfilld dashboard link” where fulfilld runs.",
    )
}

/// A form of who is not signed in: from our own page, and small.
async fn stranger(desk: &Desk, request: Request) -> Result<(Visit, IpAddr, Form), Response> {
    let visit = Visit::of(desk, &request);
    let behind_proxy = desk.web.behind_proxy;
    let address = visitors::address(request.headers(), request.extensions(), behind_proxy);
    if !guard::is_ours(request.headers(), &visit.origin) {
        return Err(guard::elsewhere(&visit));
    }
    let sent: Body = request.into_body();
    let bytes = body::read(sent, FORM_BYTES_MAX).await.map_err(|unread| {
        visit.sentence(unread.status(), "That did not work", &format!("{unread}."))
    })?;
    Ok((visit, address, Form::read(&bytes)))
}
