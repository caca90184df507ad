//! `mail preview`: every mail in every language as pages on the loopback. They are written anew for
//! each page, so that whoever edits a template sees it after loading the page again.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use askama::Template;
use axum::{
    Router,
    extract::{Path as InPath, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use fulfill::actions::mail::Sample;

use crate::{
    config::{self, Environment},
    server::{self, Server},
    signals,
    stdout::say,
};

/// What is under way when it stops.
const GRACE: Duration = Duration::from_secs(1);
const STYLE: &str = include_str!("../../templates/mail/preview.css");
/// Of the pages.
const PAGES: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; \
                     form-action 'none'; frame-ancestors 'none'";
/// Of a mail: what a mail program lets it do.
const MAILS: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                     form-action 'none'; frame-ancestors 'self'; sandbox";

/// Serves until a signal.
pub(super) async fn run(config: Option<&Path>, port: u16) -> anyhow::Result<ExitCode> {
    let shop = Arc::new(Shop { config: config.map(Path::to_owned) });
    // Mistakes are told here, too, where somebody looks now; the pages repeat them.
    let wrong = shop.samples().err();
    let asked = signals::listen()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listener = server::bind(address, "name another with --port").await?;
    let address = listener.local_addr()?;
    if let Some(wrong) = wrong {
        eprintln!("fulfilld: {wrong}");
    }
    say(format_args!("every mail in every language: http://{address}/ (Ctrl-C ends)"));
    let server = Server::start(listener, router(shop));
    asked.cancelled().await;
    server.stop(GRACE).await;
    Ok(ExitCode::SUCCESS)
}

struct Shop {
    config: Option<PathBuf>,
}

impl Shop {
    fn samples(&self) -> Result<Vec<Sample>, String> {
        let preview = config::preview(self.config.as_deref(), &Environment::read())
            .map_err(|mistakes| mistakes.to_string())?;
        preview.sender.samples().map_err(|mistakes| {
            mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        })
    }
}

fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/style.css", get(style))
        .route("/{language}/{mail}/{order}", get(one))
        .route("/{language}/{mail}/{order}/html", get(html))
        .with_state(shop)
}

#[derive(Template)]
#[template(path = "mail/list.html")]
struct List {
    languages: Vec<Language>,
}

struct Language {
    name: &'static str,
    rows: Vec<Link>,
}

#[derive(Clone)]
struct Link {
    href: String,
    text: String,
    under: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "mail/one.html")]
struct One<'a> {
    sample: &'a Sample,
    frame: String,
    mails: Vec<Link>,
    languages: Vec<Link>,
    orders: Vec<Link>,
}

#[derive(Template)]
#[template(path = "mail/wrong.html")]
struct Wrong<'a> {
    title: &'static str,
    wrong: &'a str,
}

async fn list(State(shop): State<Arc<Shop>>) -> Response {
    let samples = match shop.samples() {
        Ok(samples) => samples,
        Err(wrong) => return mistake(&wrong),
    };
    let mut languages: Vec<Language> = Vec::new();
    let mut seen = Vec::new();
    for sample in &samples {
        if seen.contains(&(sample.language, sample.mail)) {
            continue;
        }
        seen.push((sample.language, sample.mail));
        if languages.last().is_none_or(|last| last.name != sample.language) {
            languages.push(Language { name: sample.language, rows: Vec::new() });
        }
        let link = Link {
            href: format!("/{}/{}/0", sample.language, sample.mail),
            text: sample.subject.clone(),
            under: sample.mail.to_owned(),
            here: false,
        };
        languages.last_mut().into_iter().for_each(|last| last.rows.push(link.clone()));
    }
    page(StatusCode::OK, &List { languages })
}

type Which = (String, String, usize);

async fn one(State(shop): State<Arc<Shop>>, InPath(which): InPath<Which>) -> Response {
    let samples = match shop.samples() {
        Ok(samples) => samples,
        Err(wrong) => return mistake(&wrong),
    };
    let (language, mail, order) = &which;
    let Some(sample) = found(&samples, &which) else { return nothing() };
    let mut mails: Vec<&str> = samples.iter().map(|s| s.mail).collect();
    mails.dedup();
    let mut spoken: Vec<&str> = samples.iter().map(|s| s.language).collect();
    spoken.dedup();
    let link = |href: String, text: &str, here| Link {
        href,
        text: text.to_owned(),
        under: String::new(),
        here,
    };
    let of_this = samples.iter().filter(|s| s.language == *language && s.mail == *mail);
    let one = One {
        sample,
        frame: format!("/{language}/{mail}/{order}/html"),
        mails: mails
            .iter()
            .take(mails.len() / spoken.len().max(1))
            .map(|m| link(format!("/{language}/{m}/0"), m, m == mail))
            .collect(),
        languages: spoken
            .iter()
            .map(|l| link(format!("/{l}/{mail}/{order}"), l, l == language))
            .collect(),
        orders: of_this
            .enumerate()
            .map(|(at, s)| link(format!("/{language}/{mail}/{at}"), s.about, at == *order))
            .collect(),
    };
    page(StatusCode::OK, &one)
}

async fn html(State(shop): State<Arc<Shop>>, InPath(which): InPath<Which>) -> Response {
    let samples = shop.samples().unwrap_or_default();
    match found(&samples, &which) {
        Some(sample) => {
            let policy = [(header::CONTENT_SECURITY_POLICY, MAILS)];
            (policy, no_store(), Html(sample.html.clone())).into_response()
        }
        None => nothing(),
    }
}

fn found<'a>(samples: &'a [Sample], (language, mail, order): &Which) -> Option<&'a Sample> {
    samples.iter().filter(|s| s.language == *language && s.mail == *mail).nth(*order)
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], no_store(), STYLE).into_response()
}

fn nothing() -> Response {
    let wrong = "Neither a mail nor a language nor an order of that name is here.";
    page(StatusCode::NOT_FOUND, &Wrong { title: "There is no such mail", wrong })
}

fn mistake(wrong: &str) -> Response {
    page(StatusCode::OK, &Wrong { title: "This has to be mended first", wrong })
}

fn no_store() -> [(header::HeaderName, &'static str); 2] {
    [(header::CACHE_CONTROL, "no-store"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")]
}

fn page(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            let policy = [(header::CONTENT_SECURITY_POLICY, PAGES)];
            (status, policy, no_store(), Html(text)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
