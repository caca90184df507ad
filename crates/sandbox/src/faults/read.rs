//! Faults as JSON, and what is wrong with JSON that is none.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use super::{Fault, Trouble};

/// Why a text does not tell of faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FaultError {
    /// The line of the text, counted from 1; none when there was no text.
    pub line: Option<usize>,
    /// The member that is wrong, as `retry_after`; empty when it is the whole.
    pub field: String,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for FaultError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, field, what } = self;
        if let Some(line) = line {
            write!(f, "line {line}: ")?;
        }
        if !field.is_empty() {
            write!(f, "{field}: ")?;
        }
        f.write_str(what)
    }
}

/// Reads one fault or a list of them, as `POST /_sandbox/faults` takes them one by one.
///
/// # Errors
/// [`FaultError`] with the line and the member that is wrong.
pub fn read(text: &str) -> Result<Vec<Fault>, FaultError> {
    let broken = |error: serde_json::Error| FaultError {
        line: Some(error.line()),
        field: String::new(),
        what: error.to_string(),
    };
    let parts: Vec<&RawValue> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(broken)?
    } else {
        vec![serde_json::from_str(text).map_err(broken)?]
    };
    let mut faults = Vec::with_capacity(parts.len());
    let mut from = 0;
    for part in parts {
        let part = part.get();
        let begins = from + text[from..].find(part).unwrap_or_default();
        from = begins + part.len();
        let value: Value = serde_json::from_str(part).map_err(broken)?;
        faults.push(Fault::try_from(value).map_err(|error| {
            // The member's own line, where it has one.
            let quoted =
                format!("\"{}\"", error.field.split(['.', '[']).next().unwrap_or_default());
            let is_name = |at: usize| part[at + quoted.len()..].trim_start().starts_with(':');
            let mut named = part.match_indices(&quoted).map(|(at, _)| at);
            let at = begins + named.find(|at| is_name(*at)).unwrap_or_default();
            FaultError { line: Some(1 + text[..at].matches('\n').count()), ..error }
        })?);
    }
    Ok(faults)
}

/// When a fault happens.
#[derive(Serialize, Deserialize)]
struct When {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(default)]
    after: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chance: Option<f64>,
}

const WHEN: [&str; 6] = ["method", "path", "event", "after", "times", "chance"];

fn wrong(field: &str, what: impl Into<String>) -> FaultError {
    FaultError { line: None, field: field.to_owned(), what: what.into() }
}

fn member<T: DeserializeOwned>(value: Value, within: &str) -> Result<T, FaultError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let field = path.strip_prefix(within).unwrap_or(&path).trim_start_matches('.');
        let field = if matches!(field, "" | "?") { "" } else { field };
        wrong(field, error.inner().to_string())
    })
}

impl TryFrom<Value> for Fault {
    type Error = FaultError;

    fn try_from(value: Value) -> Result<Self, FaultError> {
        let Value::Object(mut members) = value else {
            return Err(wrong(
                "",
                "a fault is an object, as {\"kind\": \"status\", \"status\": 500}",
            ));
        };
        let kind = match members.shift_remove("kind") {
            Some(Value::String(kind)) => kind,
            Some(_) => return Err(wrong("kind", "it is a text")),
            None => return Err(wrong("kind", "it is missing")),
        };
        let mut when = Map::new();
        for name in WHEN {
            when.extend(members.shift_remove(name).map(|value| (name.to_owned(), value)));
        }
        let when: When = member(when.into(), "")?;
        if when.chance.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            return Err(wrong("chance", "between 0 and 1"));
        }
        let plain: Option<Trouble> = serde_json::from_value(kind.clone().into()).ok();
        let trouble = match plain {
            Some(trouble) => match members.keys().next() {
                Some(other) => {
                    return Err(wrong(other, format!("{kind} has no such member")));
                }
                None => trouble,
            },
            None => member(Map::from_iter([(kind.clone(), members.into())]).into(), &kind)
                .map_err(|error: FaultError| {
                    let unknown = error.field.is_empty() && error.what.contains("unknown variant");
                    FaultError { field: if unknown { "kind".into() } else { error.field }, ..error }
                })?,
        };
        let When { method, path, event, after, times, chance } = when;
        let fault = Self { trouble, method, path, event, after, times, chance };
        fits(&fault, &kind)?;
        Ok(fault)
    }
}

/// How slow a call may be made: whoever waits longer has given up.
const SLOW_MS_MAX: u64 = 60 * 60 * 1_000;
/// How late a delivery may be made: as far as the clock can be turned at a time.
const DELAY_MS_MAX: i64 = 400 * 86_400 * 1_000;

/// Refuses what would never happen, or would happen otherwise than it reads.
fn fits(fault: &Fault, kind: &str) -> Result<(), FaultError> {
    match &fault.trouble {
        Trouble::Status { status, .. } | Trouble::Html { status }
            if !(200..=599).contains(status) =>
        {
            return Err(wrong("status", "an HTTP status, 200 to 599"));
        }
        Trouble::Slow { ms } if *ms > SLOW_MS_MAX => {
            return Err(wrong("ms", "at most an hour, 3600000"));
        }
        Trouble::Delay { ms } if !(0..=DELAY_MS_MAX).contains(ms) => {
            return Err(wrong("ms", "between 0 and 400 days"));
        }
        Trouble::Alter { set, remove } => {
            let is_pointer = |pointer: &&String| pointer.starts_with('/');
            let wrongly = |pointer: &String| format!("{pointer}: write it as /data/0/name");
            if let Some(pointer) = set.keys().find(|pointer| !is_pointer(pointer)) {
                return Err(wrong("set", wrongly(pointer)));
            }
            if let Some(pointer) = remove.iter().find(|pointer| !is_pointer(pointer)) {
                return Err(wrong("remove", wrongly(pointer)));
            }
        }
        _ => {}
    }
    let of_deliveries = fault.trouble.is_of_deliveries();
    if of_deliveries && fault.method.is_some() {
        return Err(wrong("method", format!("{kind} is about deliveries, which take `event`")));
    }
    if !of_deliveries && fault.event.is_some() {
        return Err(wrong(
            "event",
            format!("{kind} is about calls, which take `method` and `path`"),
        ));
    }
    let path = fault.path.as_deref().filter(|_| !of_deliveries);
    if path.is_some_and(|path| !path.starts_with(['/', '*'])) {
        return Err(wrong("path", "it begins with /, as /v1/products"));
    }
    if fault.times == Some(0) {
        return Err(wrong("times", "at least 1"));
    }
    Ok(())
}

impl From<Fault> for Value {
    fn from(fault: Fault) -> Self {
        let Fault { trouble, method, path, event, after, times, chance } = fault;
        let mut members = Map::new();
        match serde_json::to_value(trouble) {
            Ok(Value::Object(one)) => {
                for (kind, rest) in one {
                    members.insert("kind".into(), kind.into());
                    members.extend(rest.as_object().cloned().unwrap_or_default());
                }
            }
            kind => {
                members.insert("kind".into(), kind.unwrap_or_default());
            }
        }
        let when = serde_json::to_value(When { method, path, event, after, times, chance });
        members.extend(when.ok().and_then(|when| when.as_object().cloned()).unwrap_or_default());
        members.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fault_or_a_list_is_read_and_told_as_it_was_written() {
        let text = r#"[
            {"kind": "status", "status": 429, "retry_after": 1, "path": "/v1/products", "times": 2},
            {"kind": "alter", "set": {"/a": 1}},
            {"kind": "hold", "event": "checkout.session", "chance": 0.25}
        ]"#;
        let faults = read(text).unwrap();
        assert_eq!(
            faults[1].trouble,
            read(r#"{"kind":"alter","set":{"/a":1}}"#).unwrap()[0].trouble
        );
        let told = serde_json::to_string(&faults).unwrap();
        assert_eq!(read(&told).unwrap(), faults);
        assert!(
            told.contains(r#"{"kind":"hold","event":"checkout.session","after":0,"chance":0.25}"#)
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_member() {
        for (text, told) in [
            (
                "[\n{\"kind\":\"cut\"},\n{\"kind\": \"lunch\"}]",
                "line 3: kind: unknown variant `lunch`",
            ),
            ("[\n{\"kind\":\"cut\",\n\"tims\": 2}]", "line 3: tims: cut has no such member"),
            ("{\"kind\":\"status\",\n\n\"status\":\"no\"}", "line 3: status: invalid type: string"),
            ("{\"kind\":\"status\",\"status\":1}", "line 1: status: an HTTP status"),
            ("{\"kind\":\"slow\"}", "line 1: missing field `ms`"),
            ("{\"kind\":\"slow\",\"ms\":1,\n\"mss\":1}", "unknown field `mss`"),
            ("{\"kind\":\"cut\",\n\"times\":-1}", "line 2: times: invalid value"),
            ("{\"kind\":\"cut\",\"chance\":2}", "line 1: chance: between 0 and 1"),
            ("{\"kind\":\"cut\",\"times\":0}", "line 1: times: at least 1"),
            ("{\"kind\":\"cut\",\"event\":\"charge\"}", "event: cut is about calls"),
            (
                "{\"kind\":\"lose\",\n\"method\":\"GET\"}",
                "line 2: method: lose is about deliveries",
            ),
            ("{\"kind\":\"cut\",\"path\":\"v1/products\"}", "path: it begins with /"),
            ("{\"kind\":\"slow\",\"ms\":3600001}", "ms: at most an hour"),
            ("{\"kind\":\"delay\",\"ms\":-1}", "ms: between 0 and 400 days"),
            ("{\"kind\":\"alter\",\"set\":{\"name\":1}}", "set: name: write it as /data/0/name"),
            ("{\"kind\":\"alter\",\"remove\":[\"x\"]}", "remove: x: write it as"),
            ("{\"status\":500}", "line 1: kind: it is missing"),
            ("[1]", "line 1: a fault is an object"),
            ("[\n{", "line 2: EOF"),
            ("", "EOF"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
