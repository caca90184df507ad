//! What stands around the demo's pages: the shop's name, the ways to all that runs, one style, and a
//! policy that lets nothing foreign in.

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, header},
    middleware::map_response,
    response::{Html, IntoResponse as _, Response},
};

/// The browser may draw and send forms; where those lead is the checkout's address.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Every answer of these pages has them; one that says more itself keeps it.
pub(super) fn guarded(pages: Router) -> Router {
    pages.layer(map_response(async |mut answer: Response| {
        guard(answer.headers_mut());
        answer
    }))
}

fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Cheap enough to clone.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Where the sandbox's own pages are.
    sandbox: String,
    /// Who may sign in to the dashboard: a name and a password.
    person: Option<(String, String)>,
}

impl Frame {
    pub(crate) fn new(sandbox: &str, person: Option<(&str, &str)>) -> Self {
        let person = person.map(|(name, password)| (name.to_owned(), password.to_owned()));
        Self { sandbox: format!("{sandbox}/_sandbox/"), person }
    }

    /// A page; title, head and body are markup.
    pub(crate) fn page(&self, title: &str, head: &str, body: &str) -> Response {
        let person = match &self.person {
            Some((name, password)) => {
                format!(" (sign in as <code>{name}</code> with <code>{password}</code>)")
            }
            None => String::new(),
        };
        let html = include_str!("pages/frame.html")
            .replace("{title}", &title.replace('&', "&amp;"))
            .replace("{head}", head)
            .replace("{style}", include_str!("pages/style.css"))
            .replace("{body}", body)
            .replace("{person}", &person)
            .replace("{sandbox}", &self.sandbox);
        Html(html).into_response()
    }
}
