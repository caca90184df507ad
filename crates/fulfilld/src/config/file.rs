//! `fulfilld.toml`: read openly enough to name every mistake in it, not only the first.

use std::collections::BTreeMap;

use fulfill::rules::plan::Product;
use serde::Deserialize as _;
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::{
    environment::NAMES,
    mistakes::{Mistakes, meant},
};

/// A setting's text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) place: String,
}

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct File {
    /// Settings by the name they have in [`NAMES`].
    pub(super) settings: BTreeMap<&'static str, Given>,
    pub(super) products: Vec<Product>,
    pub(super) stock: BTreeMap<String, i64>,
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    mistakes: &'a mut Mistakes,
}

/// Reads the file's text; `name` is how the file is called in mistakes.
pub(super) fn read(text: &str, name: &str, mistakes: &mut Mistakes) -> File {
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => {
            let line = line_of(text, error.span());
            mistakes.add(format!("{name}, line {line}: this is not TOML: {}", error.message()));
            return File::default();
        }
    };
    let mut file = File::default();
    Reader { name, text, mistakes }.table(table, &mut file);
    file
}

impl Reader<'_> {
    fn table(&mut self, table: DeTable<'_>, file: &mut File) {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("product", DeValue::Array(_)) => self.products(value, file),
                ("stock", DeValue::Table(_)) => self.stock(value, file),
                (section @ ("mail" | "shop"), DeValue::Table(_)) => {
                    let prefix = format!("{section}.");
                    let DeValue::Table(settings) = value.into_inner() else { return };
                    for (key, value) in settings {
                        self.setting(&prefix, &key, &value, file);
                    }
                }
                ("product", _) => {
                    self.mistake(value.span(), "write [[product]], once for each product")
                }
                (section @ ("stock" | "mail" | "shop"), _) => {
                    self.mistake(value.span(), &format!("write [{section}] as a table"));
                }
                _ => self.setting("", &key, &value, file),
            }
        }
    }

    fn setting(
        &mut self,
        prefix: &str,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        file: &mut File,
    ) {
        let asked = format!("{prefix}{}", key.get_ref());
        let Some((name, _)) = NAMES.iter().find(|(name, _)| *name == asked) else {
            let what = format!("there is no setting {asked}{}", hint(prefix, &asked));
            return self.mistake(key.span(), &what);
        };
        let Some(text) = text_of(value.get_ref()) else {
            return self.mistake(value.span(), &format!("{name} has to be a text"));
        };
        let place = self.place(value.span(), name);
        file.settings.insert(name, Given { text, place });
    }

    fn products(&mut self, value: Spanned<DeValue<'_>>, file: &mut File) {
        let DeValue::Array(entries) = value.into_inner() else { return };
        for (at, entry) in entries.into_iter().enumerate() {
            let around = entry.span();
            match serde_path_to_error::deserialize(ValueDeserializer::from(entry)) {
                Ok(product) => file.products.push(product),
                Err(error) => {
                    let path = error.path().to_string();
                    let error = error.into_inner();
                    let path = if path == "." { String::new() } else { format!(", {path}") };
                    let what =
                        format!("[[product]] number {}{path}: {}", at + 1, hinted(error.message()));
                    self.mistake(error.span().unwrap_or(around), &what);
                }
            }
        }
    }

    fn stock(&mut self, value: Spanned<DeValue<'_>>, file: &mut File) {
        let DeValue::Table(shelves) = value.into_inner() else { return };
        for (sku, amount) in shelves {
            let (around, sku) = (amount.span(), sku.get_ref().to_string());
            match i64::deserialize(ValueDeserializer::from(amount)) {
                Ok(amount) if amount >= 0 => {
                    file.stock.insert(sku, amount);
                }
                Ok(amount) => self.mistake(
                    around,
                    &format!("[stock] {sku} = {amount}: opening stock cannot be below 0"),
                ),
                Err(_) => {
                    self.mistake(around, &format!("[stock] {sku}: write a whole number of units"))
                }
            }
        }
    }

    fn mistake(&mut self, span: std::ops::Range<usize>, what: &str) {
        let line = line_of(self.text, Some(span));
        self.mistakes.add(format!("{}, line {line}: {what}", self.name));
    }

    fn place(&self, span: std::ops::Range<usize>, name: &str) -> String {
        format!("{}, line {}: {name}", self.name, line_of(self.text, Some(span)))
    }
}

fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        DeValue::Array(list) => {
            let texts = list.iter().map(|entry| entry.get_ref().as_str().map(str::to_owned));
            Some(texts.collect::<Option<Vec<_>>>()?.join(","))
        }
        _ => None,
    }
}

/// What somebody may have meant: the nearest name, or all that the section has.
fn hint(prefix: &str, asked: &str) -> String {
    let names: Vec<&str> =
        NAMES.iter().map(|(name, _)| *name).filter(|name| name.starts_with(prefix)).collect();
    let sections = ["product", "stock", "mail", "shop"].into_iter().filter(|_| prefix.is_empty());
    // That both stand in one section makes nothing near.
    let bare = names.iter().map(|name| name.trim_start_matches(prefix)).chain(sections.clone());
    match meant(asked.trim_start_matches(prefix), bare) {
        none if none.is_empty() && !prefix.is_empty() => {
            format!("; there are {}", names.join(", "))
        }
        none if none.is_empty() => none,
        _ => meant(asked, names.iter().copied().chain(sections)),
    }
}

/// serde says `unknown field `dayz`, expected one of `access`, `days`…`: the nearest is the hint.
fn hinted(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match quoted.next() {
        Some(given) if message.starts_with("unknown") => {
            let known: Vec<&str> = quoted.collect();
            let meant = meant(given, known.iter().copied());
            if meant.is_empty() { message.to_owned() } else { format!("unknown: {given}{meant}") }
        }
        _ => message.to_owned(),
    }
}

fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start.min(text.len()));
    text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1
}
