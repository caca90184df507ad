//! People and API tokens.

use std::sync::Arc;

use askama::Template;
use axum::{Extension, http::StatusCode, response::Response};

use super::{
    Desk, In, State,
    form::Form,
    frame::{Frame, Visit, page},
    gate::too_many,
    words::sentence,
};
use crate::{
    sign_in::{self, PASSWORD_CHARS_MIN, Token},
    store::{ApiToken, Made, Person, StoreError},
    web::visitors::later,
};

#[derive(Template)]
#[template(path = "dashboard/people.html")]
struct Page {
    f: Frame,
    people: Vec<Person>,
    tokens: Vec<ApiToken>,
    /// The reader.
    me: i64,
    chars_min: usize,
    /// Something that is shown this once.
    once: Option<Once>,
    said: Option<&'static str>,
    wrong: Option<String>,
}

enum Once {
    Link(String),
    Token { name: String, token: String },
}

/// What was done, by the word in the address.
fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "removed" => "Removed. They are signed out everywhere.",
        "password" => "Your password is changed, and you are signed out everywhere else.",
        "revoked" => "Revoked. The token works no more.",
        _ => return None,
    })
}

/// `GET /dashboard/people`.
pub(super) async fn show(axum::extract::State(desk): State, Extension(visit): In) -> Response {
    shown(&desk, &visit, StatusCode::OK, None, None).await
}

async fn shown(
    desk: &Desk,
    visit: &Visit,
    status: StatusCode,
    once: Option<Once>,
    wrong: Option<String>,
) -> Response {
    let made = async {
        let (people, tokens) = (desk.web.store.people().await?, desk.web.store.api_tokens().await?);
        Ok::<_, StoreError>(Page {
            f: visit.frame("People and API tokens", "people"),
            people,
            tokens,
            me: visit.login.as_ref().map_or(0, |login| login.person.seq),
            chars_min: PASSWORD_CHARS_MIN,
            once,
            said: done(visit.query.get("done")),
            wrong,
        })
    };
    match made.await {
        Ok(made) => page(status, &made),
        Err(error) => desk.trouble(visit, &error),
    }
}

async fn refused(desk: &Arc<Desk>, visit: &Visit, wrong: &str) -> Response {
    shown(desk, visit, StatusCode::BAD_REQUEST, None, Some(wrong.to_owned())).await
}

/// `POST /dashboard/people/invite`: a link, shown this once.
pub(super) async fn invite(
    axum::extract::State(desk): State,
    Extension(visit): In,
    headers: axum::http::HeaderMap,
) -> Response {
    let token = Token::new("");
    if let Err(error) = desk.web.store.invite(&token.digest(), Some(visit.who())).await {
        return desk.trouble(&visit, &error);
    }
    let origin = if visit.origin.is_empty() {
        let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        format!("http://{host}")
    } else {
        visit.origin.clone()
    };
    let link = format!("{origin}{}?token={}", visit.at("setup"), token.show());
    shown(&desk, &visit, StatusCode::OK, Some(Once::Link(link)), None).await
}

/// `POST /dashboard/people/remove`.
pub(super) async fn remove(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Extension(form): Extension<Form>,
) -> Response {
    let Ok(person) = form.get("person").parse() else {
        return refused(&desk, &visit, "There is nobody like that.").await;
    };
    match desk.web.store.remove_person(person).await {
        Ok(true) => {
            tracing::info!(by = visit.who(), person, "somebody was removed from the dashboard");
            visit.see_other("people?done=removed")
        }
        Ok(false) => {
            refused(&desk, &visit, "The last person stays: somebody has to be able to sign in.")
                .await
        }
        Err(error) => desk.trouble(&visit, &error),
    }
}

/// `POST /dashboard/people/password`: one's own, by who knows the old one.
pub(super) async fn change_password(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Extension(form): Extension<Form>,
) -> Response {
    // Whoever finds an open browser must not guess on, either.
    if let Some(login) = &visit.login
        && let Err(wait) = desk.by_name.take(&login.person.name, desk.web.clock.now())
    {
        let (code, wrong) = (StatusCode::TOO_MANY_REQUESTS, Some(too_many(wait)));
        return later(shown(&desk, &visit, code, None, wrong).await, wait);
    }
    match changed(&desk, &visit, &form).await {
        Ok(None) => visit.see_other("people?done=password"),
        Ok(Some(wrong)) => refused(&desk, &visit, &wrong).await,
        Err(error) => desk.trouble(&visit, &error),
    }
}

async fn changed(desk: &Desk, visit: &Visit, form: &Form) -> Result<Option<String>, StoreError> {
    const BUSY: &str = "Too much is going on. Try again in a moment.";
    let Some(login) = &visit.login else { return Ok(Some("You are not signed in.".into())) };
    let fresh = form.raw("password");
    if let Err(mistake) = sign_in::password(fresh) {
        return Ok(Some(sentence(&mistake.to_string())));
    }
    if fresh != form.raw("again") {
        return Ok(Some("The two new passwords are not the same.".into()));
    }
    let known = desk.web.store.password(&login.person.name).await?;
    match desk.passwords.check(form.raw("old"), known.map(|(_, hash)| hash)).await {
        Ok(true) => {}
        Ok(false) => return Ok(Some("The old password is another one.".into())),
        Err(_busy) => return Ok(Some(BUSY.into())),
    }
    let Ok(hash) = desk.passwords.hash(fresh).await else { return Ok(Some(BUSY.into())) };
    desk.web.store.change_password(login.person.seq, &hash, &login.digest).await?;
    Ok(None)
}

/// `POST /dashboard/people/tokens`: a token, shown this once.
pub(super) async fn make_token(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Extension(form): Extension<Form>,
) -> Response {
    let Ok(name) = sign_in::name(form.get("name")) else {
        return refused(&desk, &visit, "A token needs a name, so that one knows what it is for.")
            .await;
    };
    let token = Token::new(if visit.livemode { "ff_live_" } else { "ff_test_" });
    match desk.web.store.add_api_token(name, &token.digest(), visit.who()).await {
        Ok(Made::Done) => {
            tracing::info!(by = visit.who(), name, "an API token was made");
            let once = Once::Token { name: name.to_owned(), token: token.show().to_owned() };
            shown(&desk, &visit, StatusCode::OK, Some(once), None).await
        }
        Ok(Made::Taken) => refused(&desk, &visit, "There is a token of this name.").await,
        Ok(Made::Full) => refused(&desk, &visit, "There are too many tokens: revoke some.").await,
        Err(error) => desk.trouble(&visit, &error),
    }
}

/// `POST /dashboard/people/tokens/revoke`.
pub(super) async fn revoke_token(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Extension(form): Extension<Form>,
) -> Response {
    let revoked = match form.get("token").parse() {
        Ok(seq) => desk.web.store.revoke_api_token(seq).await,
        Err(_) => Ok(false),
    };
    match revoked {
        Ok(true) => visit.see_other("people?done=revoked"),
        Ok(false) => refused(&desk, &visit, "There is no such token, or no more.").await,
        Err(error) => desk.trouble(&visit, &error),
    }
}
