//! A constant Stripe: every session it is asked for is complete, paid, and holds two lines.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    sale::{PLACES, SessionId, now_s},
    template::Template,
};

const REQUEST_BYTES_MAX: usize = 64 << 10;
const EMPTY: &[u8] = br#"{"object":"list","data":[],"has_more":false,"url":"/v1/nothing"}"#;
const MISSING: &[u8] = br#"{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such thing here"}}"#;

/// Serves on a free port, told on standard output, until standard input ends. Sessions spread over
/// `products` pairs of products; each answer about a session takes `delay`.
pub(crate) fn serve(products: u64, delay: Duration) -> Result<()> {
    super::program::end_with_stdin();
    let stub: &Stub = Box::leak(Box::new(Stub::new(products, delay)));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            // A client that breaks off is no news to a stub.
            tokio::spawn(async { drop(stub.converse(stream).await) });
        }
    })
}

struct Stub {
    session: Template,
    lines: Template,
    products: u64,
    delay: Duration,
    time: String,
}

impl Stub {
    fn new(products: u64, delay: Duration) -> Self {
        let names: Vec<&str> = PLACES.into_iter().chain(["product"]).collect();
        let lines = include_str!("templates/lines.json");
        let session = include_str!("templates/session.json").replace("<line_items>", lines);
        Self {
            session: Template::new(&session, &names),
            lines: Template::new(lines, &names),
            products,
            delay,
            time: now_s().to_string(),
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let (mut unread, mut body, mut out) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") else {
                if unread.len() > REQUEST_BYTES_MAX || stream.read_buf(&mut unread).await? == 0 {
                    bail!("no whole request");
                }
                continue;
            };
            body.clear();
            let status = self.answer(&unread[..end], &mut body);
            if status == "200 OK" && !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            out.clear();
            let length = body.len();
            out.extend_from_slice(
                format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nRequest-Id: req_bench\r\nContent-Length: {length}\r\n\r\n")
                    .as_bytes(),
            );
            out.extend_from_slice(&body);
            stream.write_all(&out).await?;
            unread.drain(..end + 4);
        }
    }

    fn answer(&self, head: &[u8], body: &mut Vec<u8>) -> &'static str {
        let path = head.split(|&b| b == b' ').nth(1).unwrap_or_default();
        let path = path.split(|&b| b == b'?').next().unwrap_or_default();
        if head.starts_with(b"GET ") {
            if [&b"/v1/checkout/sessions"[..], b"/v1/events", b"/v1/webhook_endpoints"]
                .contains(&path)
            {
                body.extend_from_slice(EMPTY);
                return "200 OK";
            }
            if let Some(rest) = path.strip_prefix(b"/v1/checkout/sessions/cs_test_") {
                let (template, letters) = match rest.strip_suffix(b"/line_items") {
                    Some(letters) => (&self.lines, letters),
                    None => (&self.session, rest),
                };
                if let Some(session) = SessionId::parse(letters) {
                    self.render(template, &session, body);
                    return "200 OK";
                }
            }
        }
        body.extend_from_slice(MISSING);
        "404 Not Found"
    }

    fn render(&self, template: &Template, session: &SessionId, body: &mut Vec<u8>) {
        let product = format!("{:04}", session.choice(self.products));
        let (letters, time) = (session.letters(), self.time.as_bytes());
        let (intent, buyer) = (session.intent(), session.buyer());
        template.render(body, &[b"", letters, intent, buyer, time, time, product.as_bytes()]);
    }
}
