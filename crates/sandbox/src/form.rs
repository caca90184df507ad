//! Stripe's form encoding: `a[0][b]=c`, `a[]=c`, brackets literal or percent-encoded, a space as
//! `+` or `%20`, `k=` for "unset"; and a reader that tells which parameters nobody asked for.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::error::{Answer, ApiError};

/// Limits of one request.
const PAIRS_MAX: usize = 2_000;
const DEPTH_MAX: usize = 8;
const KEY_BYTES_MAX: usize = 500;

/// A decoded parameter: text, or named members in the order they came (an array has numbers for
/// names).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Text(String),
    Members(Vec<(String, Node)>),
}

/// The parameters of a request or of one nested object, with the path that leads to them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    path: String,
    members: Vec<(String, Node)>,
}

/// What a parameter of an update says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change<T> {
    Leave,
    Unset,
    Set(T),
}

/// Decodes a query string or form body. No text of the API's has a NUL character in it.
pub(crate) fn decode(text: &str) -> Answer<Params> {
    decode_with(text, |key, value| {
        if key.contains('\0') {
            return Err(malformed(&key.replace('\0', "\\0")));
        }
        if value.contains('\0') {
            let say = format!("Invalid string for {key}: it contains a NUL character.");
            return Err(ApiError::invalid(say).param(key));
        }
        Ok(())
    })
}

/// Decodes what a person typed into a page, whatever characters it has.
pub(crate) fn decode_typed(text: &str) -> Answer<Params> {
    decode_with(text, |_, _| Ok(()))
}

fn decode_with(text: &str, check: impl Fn(&str, &str) -> Answer<()>) -> Answer<Params> {
    let mut root = Vec::new();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    for (count, pair) in pairs.enumerate() {
        if count >= PAIRS_MAX {
            return Err(too_many());
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = unescape(key)?;
        let value = unescape(value)?.into_owned();
        check(&key, &value)?;
        let names = split(&key)?;
        insert(&mut root, &names, value, &key)?;
    }
    Ok(Params { path: String::new(), members: root })
}

/// Writes a JSON object (`/v2` takes them) as the form that means the same.
pub(crate) fn from_json(body: &[u8]) -> Answer<String> {
    /// The form so far, and how many pairs it has: each repeats all names that lead to it.
    struct Form(String, usize);
    fn write(name: &str, value: &Value, depth: usize, form: &mut Form) -> Answer<()> {
        let nested = |key: &str, value: &Value, form: &mut Form| {
            let long = name.len() + key.len() > KEY_BYTES_MAX;
            if long || key.contains(['[', ']']) || depth >= DEPTH_MAX {
                return Err(malformed(key));
            }
            let name =
                if name.is_empty() { escape(key) } else { format!("{name}[{}]", escape(key)) };
            write(&name, value, depth + 1, form)
        };
        match value {
            Value::Object(members) => {
                members.iter().try_for_each(|(key, value)| nested(key, value, form))
            }
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .try_for_each(|(at, value)| nested(&at.to_string(), value, form)),
            value => {
                let text = match value {
                    Value::Null => String::new(),
                    Value::String(text) => escape(text),
                    other => other.to_string(),
                };
                if form.1 >= PAIRS_MAX {
                    return Err(too_many());
                }
                form.0.push_str(&format!("{name}={text}&"));
                form.1 += 1;
                Ok(())
            }
        }
    }
    let value: Value = serde_json::from_slice(body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| ApiError::invalid("The body of a /v2 request is a JSON object."))?;
    let mut form = Form(String::new(), 0);
    write("", &value, 0, &mut form)?;
    Ok(form.0)
}

impl Node {
    fn write(&self, name: &str, pairs: &mut Vec<String>) {
        match self {
            Self::Text(text) => pairs.push(format!("{name}={}", in_url(text))),
            Self::Members(members) => {
                for (key, node) in members {
                    node.write(&format!("{name}[{}]", in_url(key)), pairs);
                }
            }
        }
    }
}

/// Text as it stands in a URL's query.
fn in_url(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '%' | '&' | '=' | '+' => escaped.push_str(&format!("%{:02X}", u32::from(char))),
            _ => escaped.push(char),
        }
    }
    escaped
}

fn unescape(text: &str) -> Answer<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| ApiError::invalid("Invalid UTF-8 in the request's parameters."))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn too_many() -> ApiError {
    ApiError::invalid(format!("A request takes at most {PAIRS_MAX} parameters."))
}

fn malformed(key: &str) -> ApiError {
    let shown: String = key.chars().take(80).collect();
    ApiError::invalid(format!("Invalid request parameter name: {shown}")).code("parameter_unknown")
}

/// `a[0][b]` → `a`, `0`, `b`.
fn split(key: &str) -> Answer<Vec<&str>> {
    let malformed = || malformed(key);
    if key.len() > KEY_BYTES_MAX {
        return Err(malformed());
    }
    let (name, mut rest) = key.split_at(key.find('[').unwrap_or(key.len()));
    if name.is_empty() || name.contains(']') {
        return Err(malformed());
    }
    let mut names = vec![name];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').ok_or_else(malformed)?;
        let end = inner.find(']').ok_or_else(malformed)?;
        let name = &inner[..end];
        if name.contains('[') || names.len() >= DEPTH_MAX {
            return Err(malformed());
        }
        names.push(name);
        rest = &inner[end + 1..];
    }
    Ok(names)
}

fn insert(
    members: &mut Vec<(String, Node)>,
    names: &[&str],
    value: String,
    key: &str,
) -> Answer<()> {
    let [name, rest @ ..] = names else { return Ok(()) };
    // `a[][b]=1&a[][c]=2` is one element until a member comes twice.
    let name = match *name {
        "" => next_index(members, rest),
        name => name.to_owned(),
    };
    let at = members.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        let node =
            if rest.is_empty() { Node::Text(String::new()) } else { Node::Members(Vec::new()) };
        members.push((name, node));
        members.len() - 1
    });
    match (&mut members[at].1, rest.is_empty()) {
        (Node::Text(text), true) => *text = value,
        (Node::Members(inner), false) => insert(inner, rest, value, key)?,
        // `metadata=&metadata[a]=b` and the reverse make no sense.
        (Node::Text(_) | Node::Members(_), _) => {
            return Err(ApiError::invalid(format!(
                "Invalid value for {key}: it is given both as a value and as an object."
            ))
            .param(key));
        }
    }
    Ok(())
}

fn next_index(members: &[(String, Node)], rest: &[&str]) -> String {
    if let (Some((last, Node::Members(inner))), [member, ..]) = (members.last(), rest)
        && !member.is_empty()
        && !inner.iter().any(|(known, _)| known == member)
    {
        return last.clone();
    }
    members.len().to_string()
}

impl Params {
    /// A parameter of these with the path that leads to it.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.path) }
    }

    /// An error about one of these parameters.
    pub(crate) fn error(&self, name: &str, message: impl Into<String>) -> ApiError {
        ApiError::invalid(message).param(self.path_of(name))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(known, _)| known == name)
    }

    /// It was given as text, not as an object.
    pub(crate) fn is_text(&self, name: &str) -> bool {
        self.members.iter().any(|(known, node)| known == name && matches!(node, Node::Text(_)))
    }

    /// The parameters' names, in the order they came.
    pub(crate) fn names(&self) -> Vec<String> {
        self.members.iter().map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.members.iter().position(|(known, _)| known == name)?;
        Some(self.members.remove(at).1)
    }

    /// Text; absent and empty are both none.
    pub(crate) fn text(&mut self, name: &str) -> Answer<Option<String>> {
        Ok(match self.change(name)? {
            Change::Set(text) => Some(text),
            Change::Leave | Change::Unset => None,
        })
    }

    /// Text as a person typed it, of any length.
    pub(crate) fn typed(&mut self, name: &str) -> Answer<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(Node::Members(_)) => Err(self.error(name, "Invalid string: an object was given.")),
        }
    }

    pub(crate) fn change(&mut self, name: &str) -> Answer<Change<String>> {
        match self.take(name) {
            None => Ok(Change::Leave),
            Some(Node::Text(text)) if text.is_empty() => Ok(Change::Unset),
            Some(Node::Text(text)) if text.len() > 5_000 => Err(self.error(
                name,
                format!("Invalid string: it is longer than 5000 bytes ({}).", text.len()),
            )),
            Some(Node::Text(text)) => Ok(Change::Set(text)),
            Some(Node::Members(_)) => Err(self.error(name, "Invalid string: an object was given.")),
        }
    }

    pub(crate) fn need(&mut self, name: &str) -> Answer<String> {
        self.text(name)?.ok_or_else(|| ApiError::required(&self.path_of(name)))
    }

    pub(crate) fn integer(&mut self, name: &str) -> Answer<Option<i64>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| {
            self.error(name, format!("Invalid integer: {text}")).code("parameter_invalid_integer")
        })
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Answer<Option<bool>> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(self.error(name, format!("Invalid boolean: {other}"))),
        }
    }

    /// One of `allowed`, as the static text.
    pub(crate) fn one_of(
        &mut self,
        name: &str,
        allowed: &[&'static str],
    ) -> Answer<Option<&'static str>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        allowed.iter().find(|known| **known == text).copied().map(Some).ok_or_else(|| {
            self.error(name, format!("Invalid {name}: must be one of {}", allowed.join(", ")))
        })
    }

    /// A nested object; absent and empty are both none.
    pub(crate) fn object(&mut self, name: &str) -> Answer<Option<Params>> {
        match self.take(name) {
            None => Ok(None),
            Some(Node::Text(text)) if text.is_empty() => Ok(None),
            Some(Node::Text(_)) => Err(self.error(name, "Invalid object")),
            Some(Node::Members(members)) => Ok(Some(Params { path: self.path_of(name), members })),
        }
    }

    /// An array's elements by their numbers; absent and empty are both none.
    fn elements(&mut self, name: &str) -> Answer<Vec<(String, Node)>> {
        let mut elements = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Node::Text(text)) if text.is_empty() => return Ok(Vec::new()),
            Some(Node::Text(_)) => return Err(self.error(name, "Invalid array")),
            Some(Node::Members(members)) => members,
        };
        if elements.iter().any(|(index, _)| index.parse::<u32>().is_err()) {
            return Err(self.error(name, "Invalid array"));
        }
        elements.sort_by_key(|(index, _)| index.parse::<u32>().unwrap_or(u32::MAX));
        Ok(elements)
    }

    pub(crate) fn objects(&mut self, name: &str) -> Answer<Vec<Params>> {
        let path = self.path_of(name);
        let elements = self.elements(name)?.into_iter().map(|(index, node)| match node {
            Node::Members(members) => Ok(Params { path: format!("{path}[{index}]"), members }),
            Node::Text(_) => Err(self.error(name, "Invalid array: its elements are objects")),
        });
        elements.collect()
    }

    pub(crate) fn texts(&mut self, name: &str) -> Answer<Vec<String>> {
        let elements = self.elements(name)?.into_iter().map(|(_, node)| match node {
            Node::Text(text) => Ok(text),
            Node::Members(_) => Err(self.error(name, "Invalid array: its elements are strings")),
        });
        elements.collect()
    }

    /// Names and texts of an object without a fixed shape, as metadata: an empty text removes.
    pub(crate) fn pairs(&mut self, name: &str) -> Answer<Change<Vec<(String, String)>>> {
        match self.take(name) {
            None => Ok(Change::Leave),
            Some(Node::Text(text)) if text.is_empty() => Ok(Change::Unset),
            Some(Node::Text(_)) => Err(self.error(name, "Invalid object")),
            Some(Node::Members(members)) => {
                let pairs = members.into_iter().map(|(key, node)| match node {
                    Node::Text(text) => Ok((key, text)),
                    Node::Members(_) => {
                        Err(self.error(name, format!("Invalid value for {key}: must be a string")))
                    }
                });
                Ok(Change::Set(pairs.collect::<Answer<_>>()?))
            }
        }
    }

    /// A parameter that the sandbox takes and shows again as it was given, without acting on it.
    pub(crate) fn shown(&mut self, name: &str) -> Option<Value> {
        self.take(name).map(|node| json_of(&node))
    }

    /// The parameters as a query, all but one.
    pub(crate) fn query_without(&self, name: &str) -> String {
        let mut pairs = Vec::new();
        for (key, node) in self.members.iter().filter(|(key, _)| key != name) {
            node.write(&in_url(key), &mut pairs);
        }
        pairs.join("&")
    }

    /// Parameters that the sandbox takes and has no use for.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        self.members.retain(|(name, _)| !names.contains(&name.as_str()));
    }

    /// Refuses what nobody asked for, by name.
    pub(crate) fn done(&self) -> Answer<()> {
        match self.members.first() {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::invalid(format!(
                "Received unknown parameter: {}",
                self.path_of(name)
            ))
            .code("parameter_unknown")
            .param(self.path_of(name))),
        }
    }
}

/// A parameter's value as the API would show it.
fn json_of(node: &Node) -> Value {
    match node {
        Node::Text(text) => match text.as_str() {
            "" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => text.parse::<i64>().map_or_else(|_| text.as_str().into(), Into::into),
        },
        Node::Members(members)
            if !members.is_empty()
                && members.iter().all(|(name, _)| name.parse::<u32>().is_ok()) =>
        {
            members.iter().map(|(_, node)| json_of(node)).collect()
        }
        Node::Members(members) => Value::Object(
            members.iter().map(|(name, node)| (name.clone(), json_of(node))).collect::<Map<_, _>>(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unknown(text: &str) -> String {
        decode(text).unwrap().done().unwrap_err().param.unwrap()
    }

    #[test]
    fn all_ways_to_write_a_parameter_mean_the_same() {
        for text in [
            "a[0][b]=x y&a[1][b]=z",
            "a%5B0%5D%5Bb%5D=x+y&a%5B1%5D%5Bb%5D=z",
            "a[1][b]=z&a[0][b]=x%20y",
            "a[][b]=x+y&a[][b]=z",
            "&a[0][b]=x+y&&a[1][b]=z&",
        ] {
            let mut params = decode(text).unwrap();
            let elements = params.objects("a").unwrap();
            let texts: Vec<_> =
                elements.into_iter().map(|mut one| one.need("b").unwrap()).collect();
            assert_eq!(texts, ["x y", "z"], "{text}");
            params.done().unwrap();
        }
    }

    #[test]
    fn elements_are_told_apart_by_a_member_that_comes_again() {
        let mut params = decode("a[][b]=1&a[][c]=2&a[][b]=3").unwrap();
        let mut elements = params.objects("a").unwrap();
        assert_eq!(elements.len(), 2);
        assert_eq!(elements[0].need("c").unwrap(), "2");
        assert_eq!(elements[1].need("b").unwrap(), "3");
    }

    #[test]
    fn empty_means_unset() {
        let mut params = decode("a=&b=1&m=").unwrap();
        assert_eq!(params.change("a").unwrap(), Change::Unset);
        assert_eq!(params.change("b").unwrap(), Change::Set("1".to_owned()));
        assert_eq!(params.change("c").unwrap(), Change::Leave);
        assert_eq!(params.pairs("m").unwrap(), Change::Unset);
    }

    #[test]
    fn what_nobody_asked_for_is_named_by_its_path() {
        assert_eq!(unknown("x=1"), "x");
        let mut params = decode("a[0][b]=1").unwrap();
        let element = params.objects("a").unwrap().remove(0);
        assert_eq!(element.done().unwrap_err().param.unwrap(), "a[0][b]");
    }

    #[test]
    fn no_text_has_a_nul_character_in_it() {
        for (text, param) in [
            ("name=a%00b", Some("name")),
            (
                "line_items[0][price_data][nickname]=%00",
                Some("line_items[0][price_data][nickname]"),
            ),
            ("metadata[a%00]=b", None),
        ] {
            let error = decode(text).unwrap_err();
            assert_eq!((error.status, error.param.as_deref()), (400, param), "{text}");
        }
        assert!(from_json(br#"{"name":"a\u0000b"}"#).and_then(|form| decode(&form)).is_err());
        assert_eq!(decode_typed("a=x%00").unwrap().need("a").unwrap(), "x\0");
    }

    #[test]
    fn a_request_has_limits() {
        let pairs = "a[]=1&".repeat(PAIRS_MAX + 1);
        assert!(decode(&pairs).is_err());
        assert!(decode(&format!("{}=1", "a".repeat(KEY_BYTES_MAX + 1))).is_err());
        assert!(decode(&format!("a{}=1", "[b]".repeat(DEPTH_MAX))).is_err());
    }

    #[test]
    fn a_json_body_means_the_same_as_a_form() {
        let json = r#"{"name":"a&b=c+ü%","list":["x","y"],"on":true,"none":null,"in":{"n":1}}"#;
        let mut params = decode(&from_json(json.as_bytes()).unwrap()).unwrap();
        assert_eq!(params.need("name").unwrap(), "a&b=c+ü%");
        assert_eq!(params.texts("list").unwrap(), ["x", "y"]);
        assert_eq!(params.boolean("on").unwrap(), Some(true));
        assert_eq!(params.change("none").unwrap(), Change::Unset);
        assert_eq!(params.object("in").unwrap().unwrap().integer("n").unwrap(), Some(1));
        params.done().unwrap();
        for refused in ["", "[]", "7", r#"{"a[b]":1}"#, &"[".repeat(500)] {
            assert!(from_json(refused.as_bytes()).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_json_body_is_not_longer_as_a_form_than_forms_may_be() {
        let long = "k".repeat(KEY_BYTES_MAX / 2);
        let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        let fits = format!("{{\"{long}\":{}}}", list(PAIRS_MAX));
        assert!(from_json(fits.as_bytes()).is_ok());
        for refused in [
            format!("{{\"a\":{}}}", list(PAIRS_MAX + 1)),
            format!("{{\"{long}\":{{\"{long}k\":1}}}}"),
            format!("{{\"{}\":{}}}", "k".repeat(400_000), list(200_000)),
        ] {
            let error = from_json(refused.as_bytes()).unwrap_err();
            assert!(error.message.len() < 200, "{}", error.message.len());
        }
    }

    proptest! {
        #[test]
        fn anything_is_decoded_or_refused(text in ".{0,200}") {
            let _ = decode(&text);
        }

        #[test]
        fn brackets_and_escapes_never_break_it(text in "[a-c\\[\\]=&%+0-9]{0,80}") {
            let _ = decode(&text);
        }

        #[test]
        fn text_comes_back_as_it_was(value in "[^\\x00]{1,100}") {
            let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let mut params = decode(&format!("k={escaped}")).unwrap();
            prop_assert_eq!(params.need("k").unwrap(), value);
        }
    }
}
