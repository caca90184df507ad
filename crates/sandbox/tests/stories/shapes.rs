//! Whether an answer or an event has the shape of its version: every member that the stories see is
//! held against `shapes.txt`, and against [`MOVED`] where a version has something else.

use std::{collections::HashMap, sync::OnceLock};

use serde_json::Value;

/// A version by its date.
type Date = &'static str;

enum Was {
    /// The member came with that version; what it may be is not in `shapes.txt` if it came later.
    Since(Date),
    /// The member was there before that version, and is not in `shapes.txt`.
    Until(Date),
    /// Before that version it could be these words.
    Words(Date, &'static [&'static str]),
}

/// What other versions have: the shape, the member, and how it was.
const MOVED: [(&str, &str, Was); 23] = [
    ("checkout.session", "shipping", Was::Until("2022-08-01")),
    ("checkout.session", "shipping_details", Was::Until("2025-02-24")),
    (COLLECTED, "shipping_details", Was::Since("2025-02-24")),
    ("checkout.session", "customer_account", Was::Since("2025-09-30")),
    ("checkout.session", "currency_conversion", Was::Until("2025-09-30")),
    ("checkout.session", "ui_mode", Was::Words("2026-03-25", &["hosted", "embedded", "custom"])),
    ("discount", "source", Was::Since("2025-09-30")),
    ("discount", "coupon", Was::Until("2025-09-30")),
    ("discount", "customer_account", Was::Since("2025-09-30")),
    ("promotion_code", "promotion", Was::Since("2025-09-30")),
    ("promotion_code", "coupon", Was::Until("2025-09-30")),
    ("promotion_code", "customer_account", Was::Since("2025-09-30")),
    ("subscription", "customer_account", Was::Since("2025-09-30")),
    ("subscription", "billing_schedules", Was::Since("2026-01-28")),
    ("subscription", "current_period_start", Was::Until("2025-03-31")),
    ("subscription", "current_period_end", Was::Until("2025-03-31")),
    ("subscription", "discount", Was::Until("2025-03-31")),
    ("subscription_item", "current_period_start", Was::Since("2025-03-31")),
    ("subscription_item", "current_period_end", Was::Since("2025-03-31")),
    ("checkout.session", "allowed_payment_method_types", Was::Since("2026-09-30")),
    ("payment_intent", "allowed_payment_method_types", Was::Since("2026-09-30")),
    ("setup_intent", "allowed_payment_method_types", Was::Since("2026-09-30")),
    ("payment_intent", "invoice", Was::Until("2025-03-31")),
];
const COLLECTED: &str = "payment_pages_checkout_session_collected_information";

enum Type {
    Text,
    Integer,
    Number,
    Flag,
    Anything,
    Never,
    Words(Vec<&'static str>),
    Array(Box<Type>),
    Page(Box<Type>),
    Map(Box<Type>),
    Shape(&'static str),
    OneOf(Vec<Type>),
}

struct Member {
    name: &'static str,
    needed: bool,
    nullable: bool,
    kind: Type,
}

type Shapes = HashMap<&'static str, Vec<Member>>;

fn shapes() -> &'static Shapes {
    static SHAPES: OnceLock<Shapes> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let (mut shapes, mut name) = (Shapes::new(), "");
        for line in include_str!("shapes.txt").lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("  ") {
                None => {
                    name = line;
                    shapes.entry(name).or_default();
                }
                Some(line) => shapes.entry(name).or_default().push(member(line)),
            }
        }
        shapes
    })
}

fn member(line: &'static str) -> Member {
    let (name, kind) = line.split_once(' ').unwrap();
    let bare = name.trim_end_matches(['!', '?']);
    Member {
        name: bare,
        needed: name.contains('!'),
        nullable: name.ends_with('?'),
        kind: kind_of(kind),
    }
}

fn kind_of(text: &'static str) -> Type {
    let inner = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let alternatives = split(text);
    if alternatives.len() > 1 {
        return Type::OneOf(alternatives.into_iter().map(kind_of).collect());
    }
    if let Some(inner) = inner("[", "]") {
        return Type::Array(Box::new(kind_of(inner)));
    }
    if let Some(inner) = inner("page(", ")") {
        return Type::Page(Box::new(kind_of(inner)));
    }
    if let Some(inner) = inner("map(", ")") {
        return Type::Map(Box::new(kind_of(inner)));
    }
    if let Some(words) = text.strip_prefix('=') {
        return Type::Words(words.split('|').collect());
    }
    if let Some(name) = text.strip_prefix('@') {
        return Type::Shape(name);
    }
    match text {
        "text" => Type::Text,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "flag" => Type::Flag,
        "anything" => Type::Anything,
        "never" => Type::Never,
        other => panic!("shapes.txt: {other}"),
    }
}

/// At ` / `, but not inside brackets.
fn split(text: &'static str) -> Vec<&'static str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, char) in text.char_indices() {
        match char {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            '/' if depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts
}

/// Panics with all that is wrong about an answer or an event of this version.
pub(crate) fn check(value: &Value, version: &str) {
    let mut check = Check { date: date(version), wrong: Vec::new() };
    check.root(value, "");
    assert!(
        check.wrong.is_empty(),
        "not the shape of {version}:\n{}\nin {value:#}",
        check.wrong.join("\n")
    );
}

fn date(version: &str) -> &str {
    version.get(..10).unwrap_or_default()
}

struct Check<'a> {
    date: &'a str,
    wrong: Vec<String>,
}

impl Check<'_> {
    fn root(&mut self, value: &Value, at: &str) {
        if value.get("error").is_some() {
            return self.shape(value, "error", at);
        }
        match value["object"].as_str() {
            Some("list") => self.page(value, at, |check, element, at| check.root(element, at)),
            Some("event") => {
                self.shape(value, "event", at);
                // An event keeps the version that it was made in.
                let version = value["api_version"].as_str().unwrap_or(self.date);
                let mut check = Check { date: date(version), wrong: Vec::new() };
                check.root(&value["data"]["object"], &format!("{at}/data/object"));
                self.wrong.append(&mut check.wrong);
            }
            Some(kind) if kind.starts_with("v2.") => {}
            Some(kind) if value["deleted"] == true => {
                self.shape(value, &format!("deleted_{kind}"), at);
            }
            Some(kind) => self.shape(value, kind, at),
            None => self.wrong.push(format!("{at}: it has no `object`")),
        }
    }

    fn page(&mut self, value: &Value, at: &str, each: impl Fn(&mut Self, &Value, &str)) {
        let whole = value["object"] == "list"
            && value["has_more"].is_boolean()
            && value["url"].as_str().is_some_and(|url| url.starts_with("/v1/"));
        match value["data"].as_array().filter(|_| whole) {
            None => self.wrong.push(format!("{at}: no list")),
            Some(data) => {
                let elements = data.iter().enumerate();
                elements.for_each(|(n, value)| each(self, value, &format!("{at}/data/{n}")));
            }
        }
    }

    fn shape(&mut self, value: &Value, name: &str, at: &str) {
        let Some(members) = shapes().get(name) else {
            return self.wrong.push(format!("{at}: nobody knows the shape of {name}"));
        };
        let Some(object) = value.as_object() else {
            return self.wrong.push(format!("{at}: no {name}: {value}"));
        };
        for (key, value) in object {
            let at = format!("{at}/{key}");
            let was = MOVED.iter().filter(|(of, member, _)| *of == name && member == key);
            let was: Vec<&Was> = was.map(|(_, _, was)| was).collect();
            let known = members.iter().find(|member| member.name == key);
            if was.iter().any(|was| matches!(was, Was::Since(date) if self.date < *date)) {
                self.wrong.push(format!("{at}: it came later"));
            } else if was.iter().any(|was| matches!(was, Was::Until(date) if self.date < *date)) {
                continue;
            }
            let words = was.iter().find_map(|was| match was {
                Was::Words(date, words) if self.date < *date => Some(words),
                _ => None,
            });
            match (known, words) {
                (_, Some(words)) => {
                    if !value.as_str().is_some_and(|text| words.contains(&text)) {
                        self.wrong.push(format!("{at}: {value} is none of {words:?}"));
                    }
                }
                (Some(member), None) if value.is_null() => {
                    if !member.nullable {
                        self.wrong.push(format!("{at}: it is null"));
                    }
                }
                (Some(member), None) => self.kind(value, &member.kind, &at),
                (None, None) if was.iter().any(|was| matches!(was, Was::Since(_))) => {}
                (None, None) => self.wrong.push(format!("{at}: {name} has no such member")),
            }
        }
        let missing = members.iter().filter(|member| {
            let later = |(of, other, was): &(&str, &str, Was)| {
                *of == name
                    && *other == member.name
                    && matches!(was, Was::Since(date) if self.date < *date)
            };
            member.needed && !object.contains_key(member.name) && !MOVED.iter().any(later)
        });
        self.wrong.extend(missing.map(|member| format!("{at}/{}: it is missing", member.name)));
    }

    fn kind(&mut self, value: &Value, kind: &Type, at: &str) {
        let fits = match kind {
            Type::Text => value.is_string(),
            Type::Integer => value.is_i64(),
            Type::Number => value.is_number(),
            Type::Flag => value.is_boolean(),
            Type::Anything => true,
            Type::Never => false,
            Type::Words(words) => match value {
                Value::String(text) => words.contains(&text.as_str()),
                Value::Bool(flag) => words.contains(&flag.to_string().as_str()),
                _ => false,
            },
            Type::Array(kind) => {
                let Some(elements) = value.as_array() else {
                    return self.wrong.push(format!("{at}: no array: {value}"));
                };
                let elements = elements.iter().enumerate();
                elements.for_each(|(n, value)| self.kind(value, kind, &format!("{at}/{n}")));
                true
            }
            Type::Page(kind) => {
                self.page(value, at, |check, value, at| check.kind(value, kind, at));
                true
            }
            Type::Map(kind) => {
                let Some(members) = value.as_object() else {
                    return self.wrong.push(format!("{at}: no object: {value}"));
                };
                members.iter().for_each(|(key, value)| {
                    self.kind(value, kind, &format!("{at}/{key}"));
                });
                true
            }
            Type::Shape(name) => {
                self.shape(value, name, at);
                true
            }
            Type::OneOf(kinds) => return self.one_of(value, kinds, at),
        };
        if !fits {
            self.wrong.push(format!("{at}: {value} is not what it may be"));
        }
    }

    fn one_of(&mut self, value: &Value, kinds: &[Type], at: &str) {
        let mut least: Option<Vec<String>> = None;
        // An id may stand for an object, but an object is held against the objects.
        let objects = kinds.iter().filter(|kind| !value.is_object() || !matches!(kind, Type::Text));
        for kind in objects {
            let mut check = Check { date: self.date, wrong: Vec::new() };
            check.kind(value, kind, at);
            if least.as_ref().is_none_or(|least| check.wrong.len() < least.len()) {
                least = Some(check.wrong);
            }
        }
        self.wrong.extend(least.unwrap_or_default());
    }
}

#[test]
#[should_panic(expected = "/unit_amount: \"12\" is not what it may be")]
fn a_number_that_became_text_is_found() {
    let mut price = whole_price();
    price["unit_amount"] = "12".into();
    check(&price, "2026-05-27");
}

#[test]
#[should_panic(expected = "/colour: price has no such member")]
fn a_member_that_stripe_does_not_have_is_found() {
    let mut price = whole_price();
    price["colour"] = "red".into();
    check(&price, "2026-05-27");
}

#[test]
#[should_panic(expected = "/currency: it is missing")]
fn a_member_that_is_missing_is_found() {
    let mut price = whole_price();
    price.as_object_mut().unwrap().remove("currency");
    check(&price, "2026-05-27");
}

#[test]
#[should_panic(expected = "/source: it came later")]
fn a_member_of_a_later_version_is_found() {
    let discount = serde_json::json!({
        "id": "di_1", "object": "discount", "start": 1,
        "source": { "type": "coupon", "coupon": "TEN" },
    });
    check(&discount, "2026-05-27");
    check(&discount, "2023-10-16");
}

fn whole_price() -> Value {
    let mut price = Value::Null;
    for member in &shapes()["price"] {
        price[member.name] = match &member.kind {
            _ if member.nullable => Value::Null,
            Type::Text => "prod_1".into(),
            Type::Integer => 12.into(),
            Type::Flag => true.into(),
            Type::Words(words) => words[0].into(),
            Type::OneOf(_) => "prod_1".into(),
            _ => continue,
        };
    }
    price["metadata"] = serde_json::json!({});
    check(&price, "2026-05-27");
    price
}
