//! What is read from an event: only who rang at which door (design, rule 1). Pure.
//!
//! Snapshot events and thin ones (`v2.core.event`) alike, of any API version.

use fulfill_rules::id::SessionKey;
use serde::Deserialize;

use super::lenient::{self, Lenient, lenient, objects};

/// Longest id or type that is believed.
const NAME_BYTES_MAX: usize = 255;

/// The outside of an event. Only id and type are sure to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `evt_…`, unique among events.
    pub id: String,
    /// The type, `checkout.session.completed`; the `v1.` of thin events is taken off.
    pub kind: String,
    /// The id of the object that it is about.
    pub object_id: Option<String>,
    /// Live money or test money.
    pub livemode: Option<bool>,
    /// The connected account it comes from (`acct_…`).
    pub account: Option<String>,
    /// When it happened, seconds since 1970.
    pub created: Option<i64>,
    /// A thin event: it names its object and holds nothing of it.
    pub thin: bool,
    /// The snapshot event of the same notification, where a thin event names it.
    pub snapshot_event: Option<String>,
}

/// A body that is signed rightly but cannot be read: kept for a person to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Unreadable {
    #[error("the event is not JSON, or was cut off")]
    NotJson,
    #[error("the event is JSON, but not an object with single keys")]
    NotAnEvent,
    #[error("the event has no id that could be one")]
    NoId,
    #[error("the event has no type that could be one")]
    NoType,
}

impl Envelope {
    /// The Checkout Session to look at, if the event is about one.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        let id =
            self.object_id.as_deref().filter(|_| self.kind.starts_with("checkout.session."))?;
        SessionKey::parse(id).is_ok().then_some(id)
    }
}

/// Reads an event's outside. Fields of other types than expected read as absent.
///
/// # Errors
/// [`Unreadable`] where there is no JSON object with an id and a type.
pub fn envelope(body: &[u8]) -> Result<Envelope, Unreadable> {
    let read = lenient::read(&lenient::mended(body)).map_err(|error| {
        if error.is_data() { Unreadable::NotAnEvent } else { Unreadable::NotJson }
    });
    let event: Event = read?.ok_or(Unreadable::NotAnEvent)?;
    let id = event.id.ok_or(Unreadable::NoId)?.0;
    let Name(kind) = event.kind.ok_or(Unreadable::NoType)?;
    let thin = event.object.is_some_and(|object| object.0 == "v2.core.event");
    let kind = match kind.strip_prefix("v1.") {
        Some("") => return Err(Unreadable::NoType),
        Some(short) if thin => short.to_owned(),
        _ => kind,
    };
    let about = event.data.and_then(|data| data.object).or(event.related_object);
    Ok(Envelope {
        id,
        kind,
        object_id: about.and_then(|object| object.id).map(|name| name.0),
        livemode: event.livemode,
        account: event.account.or(event.context).map(|name| name.0),
        created: event.created.map(|moment| moment.0),
        thin,
        snapshot_event: event.snapshot_event.map(|name| name.0),
    })
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<Name>,
    #[serde(default, deserialize_with = "lenient")]
    object: Option<Name>,
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    kind: Option<Name>,
    #[serde(default, deserialize_with = "lenient")]
    livemode: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    account: Option<Name>,
    /// A thin event's account.
    #[serde(default, deserialize_with = "lenient")]
    context: Option<Name>,
    #[serde(default, deserialize_with = "lenient")]
    created: Option<Moment>,
    #[serde(default, deserialize_with = "lenient")]
    data: Option<Data>,
    #[serde(default, deserialize_with = "lenient")]
    related_object: Option<About>,
    #[serde(default, deserialize_with = "lenient")]
    snapshot_event: Option<Name>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default, deserialize_with = "lenient")]
    object: Option<About>,
}

#[derive(Deserialize)]
struct About {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<Name>,
}

objects!(Event, Data, About);

/// An id or a type: short, printable, without spaces.
struct Name(String);

impl Lenient<'_> for Name {
    fn text(text: &str) -> Option<Self> {
        let fits = (1..=NAME_BYTES_MAX).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }
}

/// Seconds since 1970, or RFC 3339 as thin events have it.
struct Moment(i64);

impl Lenient<'_> for Moment {
    fn integer(seconds: i64) -> Option<Self> {
        Some(Self(seconds))
    }
    fn text(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_second()))
    }
}
