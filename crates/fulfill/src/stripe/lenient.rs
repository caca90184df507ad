//! Reads JSON openly: a field of another type than expected reads as absent, never as an error.
//!
//! Stripe adds fields and values all the time, and accounts pin old versions; what is not needed must
//! not be able to stop a paid order (case 16).

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What can be read from one JSON value. Each method is one JSON type; by default it reads as absent.
pub(super) trait Lenient<'de>: Sized {
    fn text(_: &str) -> Option<Self> {
        None
    }
    fn integer(_: i64) -> Option<Self> {
        None
    }
    fn flag(_: bool) -> Option<Self> {
        None
    }
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// For `#[serde(default, deserialize_with = "lenient")]`.
pub(super) fn lenient<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Lenient<'de>,
{
    from.deserialize_any(Reader(PhantomData))
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> Visitor<'de> for Reader<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::text(text))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(T::integer(number))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).ok().and_then(T::integer))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(T::flag(flag))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::list(list)
    }
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::object(object)
    }
}

/// Reads a whole JSON text; absent if it is of another type.
pub(super) fn read<'de, T: Lenient<'de>>(text: &'de [u8]) -> serde_json::Result<Option<T>> {
    serde_json::from_slice(text).map(|Value(value)| value)
}

/// JSON whose texts can be read: half a surrogate pair stands for no character, yet JSON can be written
/// with it (an emoji that somebody cut in two). U+FFFD takes its place; nothing else changes.
pub(super) fn mended(text: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(text);
    let mut at = 0;
    while let Some(next) = text[at..].iter().position(|byte| *byte == b'\\') {
        at += next;
        at += match (unit(text, at), unit(text, at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.to_mut()[at..at + 6].copy_from_slice(b"\\ufffd");
                6
            }
            (Some(_), _) => 6,
            (None, _) => 2.min(text.len() - at),
        };
    }
    mended
}

/// The UTF-16 unit that an escape at this place stands for; nothing where there is no `\uXXXX`.
fn unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let mut digits = digits.iter().map(|digit| char::from(*digit).to_digit(16));
    digits.try_fold(0, |unit, digit| Some(unit << 4 | u16::try_from(digit?).ok()?))
}

/// One value on its own, where serde asks for a type.
struct Value<T>(Option<T>);

impl<'de, T: Lenient<'de>> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        lenient(from).map(Self)
    }
}

impl Lenient<'_> for String {
    fn text(text: &str) -> Option<Self> {
        // PostgreSQL's TEXT cannot hold NUL.
        Some(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() })
    }
}

impl Lenient<'_> for i64 {
    fn integer(number: i64) -> Option<Self> {
        Some(number)
    }
    fn text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Lenient<'_> for bool {
    fn flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

/// A list; entries of another type are counted, because whoever pays for lines must not lose one.
pub(super) struct Items<T> {
    pub(super) read: Vec<T>,
    pub(super) odd: usize,
}

impl<'de, T: Lenient<'de>> Lenient<'de> for Items<T> {
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut items = Self { read: Vec::new(), odd: 0 };
        while let Some(Value(item)) = list.next_element()? {
            match item {
                Some(item) => items.read.push(item),
                None => items.odd += 1,
            }
        }
        Ok(Some(items))
    }
}

/// Metadata: text by text.
impl<'de> Lenient<'de> for BTreeMap<String, String> {
    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut map = Self::new();
        while let Some((Value(key), Value(value))) = object.next_entry::<Value<String>, _>()? {
            if let (Some(key), Some(value)) = (key, value) {
                map.insert(key, value);
            }
        }
        Ok(Some(map))
    }
}

/// The id of something that may be expanded or not.
pub(super) struct Id(pub(super) String);

impl<'de> Lenient<'de> for Id {
    fn text(text: &str) -> Option<Self> {
        String::text(text).map(Self)
    }
    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut id = None;
        while let Some(Value(key)) = object.next_key::<Value<String>>()? {
            let Value(value) = object.next_value::<Value<String>>()?;
            if key.as_deref() == Some("id") {
                id = value;
            }
        }
        Ok(id.map(Self))
    }
}

/// Lets structs with derived `Deserialize` be read leniently from JSON objects.
macro_rules! objects {
    ($($shape:ty),+ $(,)?) => {$(
        impl<'de> $crate::stripe::lenient::Lenient<'de> for $shape {
            fn object<A: serde::de::MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
                let from = serde::de::value::MapAccessDeserializer::new(object);
                serde::Deserialize::deserialize(from).map(Some)
            }
        }
    )+};
}
pub(super) use objects;
