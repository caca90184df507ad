//! Who is signed in, and whether a form is one of ours. Every page and every act but the way in comes
//! through here, so none can forget it.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Desk, State, form::Form, frame::Visit};
use crate::{
    sign_in::digest,
    store::{Person, StoreError},
    web::body,
};

/// The cookie that holds a login.
pub(super) const COOKIE: &str = "fulfilld_login";
/// Largest form, except where keys are imported.
const FORM_BYTES_MAX: usize = 256 << 10;
/// Largest import of keys.
const KEYS_BYTES_MAX: usize = 16 << 20;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) person: Person,
    /// As it is kept.
    pub(super) digest: String,
    /// What the forms of this login carry.
    pub(super) csrf: String,
}

/// Lets through who is signed in; forms only with their token, and only from our own pages.
pub(super) async fn signed_in(
    axum::extract::State(desk): State,
    request: Request,
    next: Next,
) -> Response {
    let mut visit = Visit::of(&desk, &request);
    match login(&desk, request.headers()).await {
        Ok(Some(login)) => visit.login = Some(login),
        Ok(None) => return to_sign_in(&visit, &request),
        Err(error) => return desk.trouble(&visit, &error),
    }
    // A number beside a word: a page does not fail for it. Forms that change it are answered by another
    // page's address.
    let counts = desk.web.store.to_do_counts(&desk.pools()).await.unwrap_or_default();
    visit.waiting = counts.sum();
    let mut request = request;
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::POST => {
            let body = std::mem::replace(request.body_mut(), Body::empty());
            match form(&visit, request.headers(), body, request.uri().path()).await {
                Ok(form) => {
                    request.extensions_mut().insert(form);
                }
                Err(refused) => return refused,
            }
        }
        _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
    request.extensions_mut().insert(visit);
    next.run(request).await
}

async fn login(desk: &Desk, headers: &HeaderMap) -> Result<Option<Login>, StoreError> {
    let Some(token) = cookie(headers, COOKIE) else { return Ok(None) };
    let digest = digest(token);
    let person = desk.web.store.login(&digest).await?;
    Ok(person.map(|person| Login { person, digest, csrf: csrf(token) }))
}

/// Follows from the login and does not tell it; the login itself is in no page.
fn csrf(token: &str) -> String {
    digest(&format!("csrf of {token}"))
}

async fn form(
    visit: &Visit,
    headers: &HeaderMap,
    sent: Body,
    path: &str,
) -> Result<Form, Response> {
    if !is_ours(headers, &visit.origin) {
        return Err(elsewhere(visit));
    }
    let most = if path.starts_with("/keys") { KEYS_BYTES_MAX } else { FORM_BYTES_MAX };
    let bytes = body::read(sent, most).await.map_err(|unread| {
        visit.sentence(unread.status(), "That did not work", &format!("{unread}."))
    })?;
    let form = Form::read(&bytes);
    let own = visit.login.as_ref().map_or("", |login| login.csrf.as_str());
    // Digests are compared, so that lengths do not matter.
    let same = Sha256::digest(form.raw("csrf")).ct_eq(&Sha256::digest(own));
    if bool::from(same) && !own.is_empty() { Ok(form) } else { Err(elsewhere(visit)) }
}

/// What a form gets that is none of ours.
pub(super) fn elsewhere(visit: &Visit) -> Response {
    visit.sentence(
        StatusCode::FORBIDDEN,
        "That did not work",
        "This form was sent by another page, or by one that was open for too long. Nothing was done: \
         go back, load the page again, and try once more.",
    )
}

fn to_sign_in(visit: &Visit, request: &Request) -> Response {
    let own = request.uri().path_and_query().map_or("", |at| at.as_str()).trim_start_matches('/');
    let get = request.method() == Method::GET && !own.starts_with("live");
    let next: String = if get && !own.is_empty() {
        format!("?next={}", form_urlencoded::byte_serialize(own.as_bytes()).collect::<String>())
    } else {
        String::new()
    };
    visit.see_other(&format!("sign-in{next}"))
}

/// Browsers say where a form comes from. `origin` is what we are called, beside the `Host` that was
/// asked for: a proxy may have written another one.
pub(super) fn is_ours(headers: &HeaderMap, origin: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = text("host").unwrap_or_default();
    let Some(from) = text("origin") else { return false };
    let from_host = from.split_once("://").map_or("", |(_, host)| host);
    (!host.is_empty() && from_host.eq_ignore_ascii_case(host)) || from.eq_ignore_ascii_case(origin)
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs.flat_map(|pairs| pairs.split(';')).find_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{cookie, is_ours};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_form_is_ours_when_the_browser_says_so() {
        for (pairs, ours) in [
            (&[("host", "shop.test"), ("origin", "https://shop.test")][..], true),
            (&[("host", "Shop.Test"), ("origin", "http://shop.test")], true),
            (&[("host", "upstream:4242"), ("origin", "https://pay.shop.test")], true),
            (&[("host", "upstream:4242"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "shop.test")], false),
            (&[("host", "shop.test"), ("origin", "null")], false),
            (&[("host", "shop.test"), ("origin", "https://evil.test")], false),
            (&[("host", "shop.test"), ("origin", "https://shop.test.evil.test")], false),
            (&[("host", ""), ("origin", "https://")], false),
            (
                &[
                    ("host", "shop.test"),
                    ("origin", "https://shop.test"),
                    ("sec-fetch-site", "same-site"),
                ],
                false,
            ),
            (&[("host", "shop.test"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "shop.test"), ("sec-fetch-site", "none")], false),
        ] {
            assert_eq!(is_ours(&headers(pairs), "https://pay.shop.test"), ours, "{pairs:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let sent = headers(&[("cookie", "a=1; fulfilld_login=tok; b=2"), ("cookie", "c=3")]);
        assert_eq!(cookie(&sent, "fulfilld_login"), Some("tok"));
        assert_eq!(cookie(&sent, "c"), Some("3"));
        assert_eq!(cookie(&headers(&[("cookie", "xfulfilld_login=tok")]), "fulfilld_login"), None);
    }
}
