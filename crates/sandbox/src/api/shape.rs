//! Parameters that are checked for their shape and shown again as they were given.

use serde_json::{Map, Value};

use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    state::objects::Shown,
};

/// What a parameter may look like.
pub(super) enum Shape {
    /// Text of at most so many characters.
    Text(usize),
    Flag,
    Integer,
    Number,
    OneOf(&'static [&'static str]),
    Texts,
    /// Names and texts of the caller's choice, as metadata.
    Pairs,
    Any,
    Object(&'static [Member]),
    Objects(&'static [Member]),
}

/// A member of an object: its name, and its shape.
pub(super) type Member = (&'static str, Shape);

/// The parameter as the API shows it; none when it is absent or unset. Members that are left out are
/// null.
pub(super) fn take(params: &mut Params, name: &str, shape: &Shape) -> Answer<Option<Value>> {
    Ok(match shape {
        Shape::Text(most) => text(params, name, *most)?.map(Value::from),
        Shape::Flag => params.boolean(name)?.map(Value::from),
        Shape::Integer => params.integer(name)?.map(Value::from),
        Shape::Number => match params.text(name)? {
            None => None,
            Some(text) => {
                let number = text.parse().ok().and_then(serde_json::Number::from_f64);
                let wrong = || params.error(name, format!("Invalid decimal: {text}"));
                Some(number.ok_or_else(wrong)?.into())
            }
        },
        Shape::OneOf(allowed) => params.one_of(name, allowed)?.map(Value::from),
        Shape::Texts => match params.has(name) {
            false => None,
            true => Some(params.texts(name)?.into()).filter(|texts| *texts != Value::Array(vec![])),
        },
        Shape::Pairs => match params.pairs(name)? {
            Change::Leave | Change::Unset => None,
            Change::Set(pairs) => Some(Value::Object(
                pairs.into_iter().map(|(key, text)| (key, text.into())).collect(),
            )),
        },
        Shape::Any => params.shown(name).filter(|value| !value.is_null()),
        Shape::Object(members) => {
            params.object(name)?.map(|object| whole(object, members)).transpose()?
        }
        Shape::Objects(members) => {
            let objects = params.objects(name)?;
            let values = objects.into_iter().map(|object| whole(object, members));
            Some(values.collect::<Answer<Vec<_>>>()?.into())
                .filter(|values| *values != Value::Array(vec![]))
        }
    })
}

/// Members that are shown as they were given: those in the call, and of those that are known the
/// ones that it does not mention.
pub(super) fn take_all(params: &mut Params, members: &[Member], known: &Shown) -> Answer<Shown> {
    if !members.iter().any(|(name, _)| params.has(name)) {
        return Ok(Shown::clone(known));
    }
    let mut shown = (**known).clone();
    for (name, shape) in members {
        if !params.has(name) {
            continue;
        }
        match take(params, name, shape)? {
            Some(value) => shown.insert((*name).to_owned(), value),
            None => shown.shift_remove(*name),
        };
    }
    Ok(Shown::new(shown))
}

fn whole(mut params: Params, members: &[Member]) -> Answer<Value> {
    let mut object = Map::new();
    for (name, shape) in members {
        object.insert((*name).to_owned(), take(&mut params, name, shape)?.unwrap_or(Value::Null));
    }
    params.done()?;
    Ok(Value::Object(object))
}

/// Text of at most `most` characters.
pub(super) fn text(params: &mut Params, name: &str, most: usize) -> Answer<Option<String>> {
    let text = params.text(name)?;
    match text.as_ref().map(|text| text.chars().count()).filter(|count| *count > most) {
        None => Ok(text),
        Some(count) => Err(params.error(
            name,
            format!("Invalid string: it must be at most {most} characters, and has {count}."),
        )),
    }
}

/// The one that is given of two parameters that exclude each other.
pub(super) fn exclusive<T>(
    params: &Params,
    first: (&str, Option<T>),
    second: (&str, Option<T>),
) -> Answer<Option<T>> {
    match (first.1, second.1) {
        (Some(_), Some(_)) => Err(params.error(
            second.0,
            format!("You may only specify one of these parameters: {}, {}.", first.0, second.0),
        )),
        (first, second) => Ok(first.or(second)),
    }
}

/// An object without which a call makes no sense.
pub(super) fn needed(params: &mut Params, name: &str) -> Answer<Params> {
    params.object(name)?.ok_or_else(|| ApiError::required(&params.path_of(name)))
}

/// An address that somebody can be sent to: a scheme (apps have one of their own), and a host where the
/// web's schemes want one. None that a browser would carry out as a program.
pub(super) fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let scheme = scheme.to_ascii_lowercase();
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let web = matches!(scheme.as_str(), "http" | "https");
    named
        && !matches!(scheme.as_str(), "javascript" | "data" | "vbscript")
        && (!web || !host.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_somewhere() {
        for (text, expected) in [
            ("https://shop.example/done?id={CHECKOUT_SESSION_ID}#top", true),
            ("http://localhost:4242", true),
            ("HTTPS://shop.example", true),
            ("myapp://", true),
            ("https://bücher.example/ü", true),
            ("shop.example", false),
            ("/done", false),
            ("http://", false),
            ("https:///done", false),
            ("://x", false),
            ("1x://x", false),
            ("http://x y", false),
            ("http://x\n", false),
            ("javascript://x/%0aalert(1)", false),
            ("JavaScript://x", false),
            ("data://x", false),
            ("", false),
        ] {
            assert_eq!(is_url(text), expected, "{text}");
        }
    }
}
