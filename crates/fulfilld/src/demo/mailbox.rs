//! The demo's mailbox: takes every mail by SMTP and shows it in the browser. It speaks as much SMTP and
//! MIME as fulfilld's own mails need, on the loopback only.

use std::{
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
    title: String,
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
    let html = html_part(raw).unwrap_or_else(|| format!("<pre>{}</pre>", escaped(raw)));
    let title = html.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    let title = title.unwrap_or("A mail").to_owned();
    tracing::info!("a mail has arrived in the mailbox: {title}");
    let mut kept = lock(kept);
    kept.so_far += 1;
    let letter = Letter { number: kept.so_far, to: to.to_owned(), title, html };
    kept.newest_first.push_front(letter);
    kept.newest_first.truncate(KEPT);
}

/// The HTML part of a mail, decoded.
fn html_part(raw: &str) -> Option<String> {
    let part = raw.split("\r\n--").find(|part| {
        part.split("\r\n\r\n").next().is_some_and(|head| head.contains("Content-Type: text/html"))
    })?;
    let (head, body) = part.split_once("\r\n\r\n")?;
    let encoding = head.lines().find_map(|line| line.strip_prefix("Content-Transfer-Encoding: "));
    let bytes = match encoding {
        Some("quoted-printable") => quoted_printable(body),
        Some("base64") => base64(body),
        _ => body.as_bytes().to_vec(),
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let mut rest = joined.bytes();
    let mut bytes = Vec::with_capacity(joined.len());
    while let Some(byte) = rest.next() {
        if byte != b'=' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        if let (Some(high), Some(low)) = (digit(), digit()) {
            bytes.extend(u8::try_from(high * 16 + low).ok());
        }
    }
    bytes
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u32> = text.bytes().filter_map(digit).collect();
    let mut bytes = Vec::with_capacity(digits.len());
    for group in digits.chunks(4) {
        let bits = (0..4).fold(0, |sum, at| sum << 6 | group.get(at).copied().unwrap_or(0));
        bytes.extend(bits.to_be_bytes().into_iter().skip(1).take(group.len().saturating_sub(1)));
    }
    bytes
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

async fn list(State(mailbox): State<Pages>) -> Response {
    let rows: String = lock(&mailbox.kept)
        .newest_first
        .iter()
        .map(|Letter { number, to, title, .. }| {
            let (to, title) = (braced(&escaped(to)), braced(title));
            format!("<li><a href=\"/mailbox/{number}\">{title}</a><p>to {to}</p></li>")
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
    fn parts_are_decoded() {
        assert_eq!(base64("SGFsbG8g\r\nV2VsdA=="), b"Hallo Welt");
        assert_eq!(quoted_printable("M=C3=A4rz =\r\n1"), "März 1".as_bytes());
        let raw = "Subject: x\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nno\r\n--b\r\n\
                   Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n<p>yes</p>\r\n--b--\r\n";
        assert_eq!(html_part(raw).as_deref(), Some("<p>yes</p>"));
    }
}
