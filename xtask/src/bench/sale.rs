//! Payments that never happened: distinct session and event ids in the length and alphabet of
//! Stripe's, and the signed deliveries that tell of them.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{generator::Load, template::Template};

/// Signs every delivery; the program and the baseline are started with it.
pub(crate) const SECRET: &str = "whsec_bench0QnTz8LrYwK4sVdXfHc7Jm2Pg";

/// What may differ in an event or a session.
pub(crate) const PLACES: [&str; 6] = ["event", "session", "intent", "buyer", "created", "expires"];

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The random letters of one session's id, behind `cs_test_`.
#[derive(Clone, Copy)]
pub(crate) struct SessionId([u8; 58]);

impl SessionId {
    /// The session of this number; the same in every process.
    pub(crate) fn numbered(number: u64) -> Self {
        let mut letters = [0; 58];
        fill(&mut letters, number.wrapping_mul(2));
        letters[..2].copy_from_slice(b"a1");
        Self(letters)
    }

    /// From the letters of an id; none when it is not one of ours.
    pub(crate) fn parse(letters: &[u8]) -> Option<Self> {
        letters.try_into().ok().map(Self)
    }

    /// The whole id.
    pub(crate) fn id(&self) -> String {
        format!("cs_test_{}", String::from_utf8_lossy(&self.0))
    }

    pub(crate) fn letters(&self) -> &[u8] {
        &self.0
    }

    /// What the payment intent's id goes on with.
    pub(crate) fn intent(&self) -> &[u8] {
        &self.0[8..31]
    }

    /// The buyer's part of the mail address.
    pub(crate) fn buyer(&self) -> &[u8] {
        &self.0[31..43]
    }

    /// A number below `limit`: what this buyer buys.
    pub(crate) fn choice(&self, limit: u64) -> u64 {
        self.0.iter().fold(0, |sum: u64, &b| sum.wrapping_mul(31).wrapping_add(b.into())) % limit
    }
}

/// Signed deliveries of `checkout.session.completed`, one for each of many sessions.
pub(crate) struct Webhooks {
    request: Template,
    deliveries: Vec<Delivery>,
    time: String,
}

struct Delivery {
    session: SessionId,
    event: [u8; 23],
    signature: [u8; 64],
}

impl Webhooks {
    /// Prepares the deliveries for sessions `first..first + count`, signed now.
    pub(crate) fn signed(first: u64, count: usize) -> Self {
        let time = now_s().to_string();
        let body = Template::new(include_str!("templates/event.json"), &PLACES);
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes());
        let mac = mac.unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        let mut text = Vec::new();
        let mut length = 0;
        let deliveries = (first..).take(count).map(|number| {
            let session = SessionId::numbered(number);
            let mut event = [0; 23];
            fill(&mut event, number.wrapping_mul(2).wrapping_add(1));
            text.clear();
            text.extend_from_slice(time.as_bytes());
            text.push(b'.');
            let head = text.len();
            body.render(&mut text, &values(&session, &event, &time));
            length = text.len() - head;
            let signature = hex(&mac.clone().chain_update(&text).finalize().into_bytes());
            Delivery { session, event, signature }
        });
        let deliveries = deliveries.collect();
        let head = format!(
            "POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:4242\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n\
             Accept: */*; q=0.5, application/xml\r\nCache-Control: no-cache\r\nContent-Type: application/json; charset=utf-8\r\n\
             Content-Length: {length}\r\nStripe-Signature: t={time},v1=<signature>\r\n\r\n"
        );
        let names: Vec<&str> = PLACES.into_iter().chain(["signature"]).collect();
        let request = Template::new(&(head + include_str!("templates/event.json")), &names);
        Self { request, deliveries, time }
    }

    pub(crate) fn len(&self) -> usize {
        self.deliveries.len()
    }

    /// The session that delivery `index` tells of.
    pub(crate) fn session(&self, index: usize) -> SessionId {
        self.deliveries[index].session
    }

    /// Writes the whole request of delivery `index` over `out`.
    pub(crate) fn render(&self, index: usize, out: &mut Vec<u8>) {
        let delivery = &self.deliveries[index];
        let [event, session, intent, buyer, created, expires] =
            values(&delivery.session, &delivery.event, &self.time);
        out.clear();
        let signature = &delivery.signature;
        self.request.render(out, &[event, session, intent, buyer, created, expires, signature]);
    }
}

impl Load for &Webhooks {
    fn total(&self) -> usize {
        self.deliveries.len()
    }

    fn render(&mut self, number: usize, _connection: usize, out: &mut Vec<u8>) {
        Webhooks::render(self, number, out);
    }
}

fn values<'a>(session: &'a SessionId, event: &'a [u8], time: &'a str) -> [&'a [u8]; 6] {
    let time = time.as_bytes();
    [event, session.letters(), session.intent(), session.buyer(), time, time]
}

/// Seconds since 1970.
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> [u8; 64] {
    let mut text = [b'0'; 64];
    for (two, byte) in text.chunks_exact_mut(2).zip(bytes) {
        two[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        two[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    text
}

/// Letters that look random and depend on `seed` alone (splitmix64, ten letters a draw).
fn fill(letters: &mut [u8], seed: u64) {
    let mut state = seed.wrapping_mul(0xd134_2543_de82_ef95);
    for ten in letters.chunks_mut(10) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = state;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^= drawn >> 31;
        for letter in ten {
            *letter = ALPHABET[usize::try_from(drawn % 62).unwrap_or(0)];
            drawn /= 62;
        }
    }
}
