//! The demo's mailbox: takes every mail by SMTP and shows it in the browser. It speaks as much SMTP
//! as fulfilld's own mails need, on the loopback only.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use super::frame::{Frame, guarded};
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use mail_parser::MessageParser;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};

/// The newest so many mails are kept.
const KEPT: usize = 200;
/// A mail draws, and does nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";
/// A longer mail is cut off.
const MAIL_BYTES_MAX: usize = 1 << 20;
/// A longer command is none.
const LINE_BYTES_MAX: u64 = 4_096;
/// Senders at once.
const SENDERS_MAX: usize = 16;

#[derive(Debug, Clone)]
struct Letter {
    number: usize,
    to: String,
    subject: String,
    html: String,
}

#[derive(Debug, Default)]
struct Kept {
    so_far: usize,
    newest_first: VecDeque<Letter>,
}

/// What its pages stand on.
#[derive(Debug, Clone)]
struct Pages {
    kept: Arc<Mutex<Kept>>,
    frame: Frame,
}

/// Where all of the demo's mail ends.
#[derive(Debug)]
pub(crate) struct Mailbox {
    kept: Arc<Mutex<Kept>>,
    /// `smtp://…` for whoever sends.
    pub(crate) url: String,
    taking: JoinHandle<()>,
}

impl Mailbox {
    /// Listens on a port of its own.
    pub(crate) async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("smtp://{}", listener.local_addr()?);
        let kept = Arc::<Mutex<Kept>>::default();
        let taking = tokio::spawn(take(listener, Arc::clone(&kept)));
        Ok(Self { kept, url, taking })
    }

    /// The pages.
    pub(crate) fn router(&self, frame: &Frame) -> Router {
        let pages = Pages { kept: Arc::clone(&self.kept), frame: frame.clone() };
        guarded(
            Router::new()
                .route("/mailbox", get(list))
                .route("/mailbox/live.js", get(live))
                .route("/mailbox/{number}", get(one))
                .with_state(pages),
        )
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.taking.abort();
    }
}

fn lock(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take(listener: TcpListener, kept: Arc<Mutex<Kept>>) {
    let seats = Arc::new(Semaphore::new(SENDERS_MAX));
    let mut talks = tokio::task::JoinSet::new();
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        while talks.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { return };
        let kept = Arc::clone(&kept);
        talks.spawn(async move {
            // Whoever hangs up in between has sent nothing.
            talk(stream, &kept).await.ok();
            drop(seat);
        });
    }
}

async fn talk(stream: TcpStream, kept: &Mutex<Kept>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut to = String::new();
    let mut answer = "220 the demo's mailbox";
    loop {
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        let line = hear(&mut read).await?;
        let command = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        answer = match command.as_str() {
            "RCPT" => {
                line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                "250 ok"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let raw = body(&mut read).await?;
                keep(kept, &to, &raw);
                "250 it is in the mailbox"
            }
            "QUIT" | "" => return write.write_all(b"221 bye\r\n").await,
            _ => "250 ok",
        };
    }
}

async fn hear(read: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut line = String::new();
    read.take(LINE_BYTES_MAX).read_line(&mut line).await?;
    Ok(line)
}

/// A mail up to the line with a single dot; what is too long is read and forgotten.
async fn body(read: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut raw = String::new();
    loop {
        let line = hear(read).await?;
        if line == ".\r\n" || line.is_empty() {
            return Ok(raw);
        }
        if raw.len() < MAIL_BYTES_MAX {
            raw.push_str(line.strip_prefix('.').unwrap_or(&line));
        }
    }
}

fn keep(kept: &Mutex<Kept>, to: &str, raw: &str) {
    let (subject, html) = read(raw);
    tracing::info!("a mail has arrived in the mailbox: {subject}");
    let mut kept = lock(kept);
    kept.so_far += 1;
    let letter = Letter { number: kept.so_far, to: to.to_owned(), subject, html };
    kept.newest_first.push_front(letter);
    kept.newest_first.truncate(KEPT);
}

/// A mail's subject, and what is shown of it.
fn read(raw: &str) -> (String, String) {
    let mail = MessageParser::default().parse(raw);
    let subject = mail.as_ref().and_then(|mail| mail.subject()).unwrap_or("A mail").to_owned();
    let html = mail.as_ref().and_then(|mail| mail.body_html(0)).map(Cow::into_owned);
    (subject, html.unwrap_or_else(|| format!("<pre>{}</pre>", escaped(raw))))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

async fn list(State(mailbox): State<Pages>) -> Response {
    let rows: String = lock(&mailbox.kept)
        .newest_first
        .iter()
        .map(|Letter { number, to, subject, .. }| {
            let (to, subject) = (braced(&escaped(to)), braced(&escaped(subject)));
            format!("<li><a href=\"/mailbox/{number}\">{subject}</a><p>to {to}</p></li>")
        })
        .collect();
    let rows = match rows.as_str() {
        "" => "<li>Nothing yet: buy something in the <a href=\"/\">shop</a>.</li>",
        rows => rows,
    };
    let head = "<script src=\"/mailbox/live.js\" defer></script>";
    let body = include_str!("pages/mailbox.html").replace("{rows}", rows);
    mailbox.frame.page("The demo's mailbox", head, &body)
}

async fn live() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("pages/mailbox.js")).into_response()
}

/// What somebody typed is not taken for a place to fill in.
fn braced(text: &str) -> String {
    text.replace('{', "&#123;")
}

async fn one(State(mailbox): State<Pages>, Path(number): Path<usize>) -> Response {
    let html = lock(&mailbox.kept)
        .newest_first
        .iter()
        .find(|letter| letter.number == number)
        .map(|letter| letter.html.clone());
    match html {
        Some(html) => ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response(),
        None => (StatusCode::NOT_FOUND, "There is no such mail.").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn every_page_lets_nothing_foreign_in() {
        let mailbox = Mailbox::open().await.unwrap();
        keep(&mailbox.kept, "ann@example.com", "x\r\n\r\n<p style='color:red'>hello</p>");
        let pages = mailbox.router(&Frame::new("http://127.0.0.1:1", None));
        for (path, found) in [
            ("/mailbox", true),
            ("/mailbox/1", true),
            ("/mailbox/live.js", true),
            ("/mailbox/2", false),
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = pages.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status().is_success(), found, "{path}");
            let header = |name| answer.headers()[name].to_str().unwrap();
            assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
            let policy = header("content-security-policy");
            for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            assert_eq!(policy.contains("script-src"), path != "/mailbox/1", "{path}: {policy}");
        }
    }

    #[test]
    fn a_mail_is_shown_with_its_subject_and_its_html() {
        let raw = "Subject: =?utf-8?b?SWhyZSBadWfDpG5nZQ==?=\r\nMIME-Version: 1.0\r\n\
                   Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\
                   Content-Type: text/plain\r\n\r\nno\r\n--b\r\n\
                   Content-Type: text/html; charset=utf-8\r\n\
                   Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>M=C3=A4rz =\r\n1</p>\r\n--b--\r\n";
        let (subject, html) = read(raw);
        assert_eq!((subject.as_str(), html.trim()), ("Ihre Zugänge", "<p>März 1</p>"));
        assert_eq!(read("<b>").1, "<pre>&lt;b&gt;</pre>");
    }
}
