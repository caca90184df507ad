//! The templates that mails are written from: the built-in ones, and what a merchant's folder has
//! instead of them. One engine for both, so that what is written out is what was sent before.

mod blocks;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior,
    value::{Serde, Value},
};
use serde::Serialize;

use super::{
    KINDS,
    letter::one_line,
    summary,
    words::{self, Words},
};

/// What all mails of one form have in common.
const LAYOUTS: [(&str, &str); 4] = [
    ("layout.html", include_str!("../../../templates/mail/layout.html")),
    ("layout.txt", include_str!("../../../templates/mail/layout.txt")),
    ("summary.html", include_str!("../../../templates/mail/summary.html")),
    ("summary.txt", include_str!("../../../templates/mail/summary.txt")),
];
/// Where the built-in layouts stay within reach of those that take their place.
const BUILT_IN: &str = "built-in/";
/// The parts of a mail, by the ends of their files.
const PARTS: [&str; 3] = ["subject", "txt", "html"];
/// Steps and bytes of one rendering: a mail of thousands of keys takes a fraction, an endless loop ends.
const FUEL: u64 = 2_000_000;
/// A longer file is no template.
const FILE_BYTES_MAX: u64 = 256 << 10;
/// More files are no folder of templates.
const FILES_MAX: usize = 500;

/// A mistake in a template, or in the folder of templates: which file, which line, what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct TemplateMistake {
    place: String,
    what: String,
}

/// All templates. Cheap to clone.
#[derive(Clone)]
pub(super) struct Templates(Arc<Inside>);

struct Inside {
    environment: Environment<'static>,
    folder: Option<PathBuf>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").field("folder", &self.0.folder).finish_non_exhaustive()
    }
}

impl Default for Templates {
    /// The built-in ones.
    fn default() -> Self {
        let mut environment = empty();
        for (name, source) in built_in() {
            // A built-in template with a mistake does not pass the tests; its mails would be tried again.
            if let Err(error) = environment.add_template_owned(name, source) {
                tracing::error!(%error, "a built-in template cannot be read");
            }
        }
        Self(Arc::new(Inside { environment, folder: None }))
    }
}

impl Templates {
    /// The built-in ones, but those of the folder first.
    ///
    /// # Errors
    /// Every mistake there is in names and syntax; what shows only in writing, `check` finds.
    pub(super) fn of_folder(folder: &Path) -> Result<Self, Vec<TemplateMistake>> {
        let mut mistakes = Vec::new();
        let mut sources = built_in();
        let mut own = Vec::new();
        for (name, file) in files(folder, &mut mistakes) {
            if let Some(what) = misnamed(&name) {
                mistakes.push(TemplateMistake { place: file.display().to_string(), what });
                continue;
            }
            match read(&file) {
                Ok(source) => {
                    own.push(name.clone());
                    sources.insert(name, source);
                }
                Err(what) => {
                    mistakes.push(TemplateMistake { place: file.display().to_string(), what });
                }
            }
        }
        for name in own {
            mistakes.extend(blocks::strangers(&sources, &name).into_iter().map(|(line, what)| {
                let place = format!("{}, line {line}", place(Some(folder), &name));
                TemplateMistake { place, what }
            }));
        }
        let mut environment = empty();
        for (name, source) in sources {
            if let Err(error) = environment.add_template_owned(name, source) {
                mistakes.push(mistake(Some(folder), &error));
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Self(Arc::new(Inside { environment, folder: Some(folder.to_owned()) })))
    }

    /// One part of a mail: `subject`, `txt` or `html`.
    pub(super) fn render(
        &self,
        words: &Words,
        kind: &str,
        part: &str,
        content: &impl Serialize,
    ) -> Result<String, TemplateMistake> {
        let name = format!("{}/{}.{part}", words.lang, file_name(kind));
        let rendered = self
            .0
            .environment
            .get_template(&name)
            .and_then(|template| template.render(Value::from(Serde(content))));
        let rendered = rendered.map_err(|error| mistake(self.0.folder.as_deref(), &error))?;
        let rendered = if part == "subject" { one_line(&rendered) } else { rendered };
        if rendered.trim().is_empty() {
            let place = place(self.0.folder.as_deref(), &name);
            return Err(TemplateMistake { place, what: "it writes nothing".to_owned() });
        }
        Ok(rendered)
    }
}

/// Writes the built-in templates into a folder; files that are there already stay. How many are new.
///
/// # Errors
/// When they cannot be written.
pub fn write_templates(folder: &Path) -> io::Result<usize> {
    let mut new = 0;
    for (name, source) in built_in() {
        if name.starts_with(BUILT_IN) {
            continue;
        }
        let path = folder.join(&name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::File::create_new(&path) {
            Ok(mut file) => io::Write::write_all(&mut file, (source + "\n").as_bytes())?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        new += 1;
    }
    Ok(new)
}

fn empty() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    environment.set_formatter(write_value);
    // Only so do mistakes name what is not there.
    environment.set_debug(true);
    environment
}

/// What is not there is written as nothing; in HTML what is no markup is escaped, slashes of web
/// addresses left as they are.
fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if value.is_none() {
        return Ok(());
    }
    if value.is_undefined() || value.is_safe() || !matches!(state.auto_escape(), AutoEscape::Html) {
        return minijinja::escape_formatter(out, state, value);
    }
    let text = value.to_string();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        })?;
        rest = &rest[at + 1..];
    }
    Ok(out.write_str(rest)?)
}

/// Every template by its name, which is its path in a folder.
fn built_in() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, source) in LAYOUTS {
        all.insert(name.to_owned(), source.trim_end().to_owned());
        all.insert(format!("{BUILT_IN}{name}"), source.trim_end().to_owned());
    }
    for words in words::ALL {
        for kind in KINDS {
            let say = words.say(kind);
            let layout = if kind == summary::KIND { "summary" } else { "layout" };
            for part in PARTS {
                let name = format!("{}/{}.{part}", words.lang, file_name(kind));
                let source = match part {
                    "subject" => say.subject.to_owned(),
                    "txt" => format!(
                        "{{% extends \"{layout}.txt\" %}}\n{{% block text %}}{}{{% endblock %}}",
                        say.text
                    ),
                    _ => format!(
                        "{{% extends \"{layout}.html\" %}}\n{{% block title %}}{}{{% endblock %}}\n\
                         {{% block text %}}{}{{% endblock %}}",
                        say.title, say.text
                    ),
                };
                all.insert(name, source);
            }
        }
    }
    all
}

/// `mail.new_order` is in files called `new_order`.
pub(super) fn file_name(kind: &str) -> &str {
    kind.strip_prefix("mail.").unwrap_or(kind)
}

/// The files of a folder and of those below it, by their path from it. What is hidden, or no template
/// by its end, is left alone.
fn files(folder: &Path, mistakes: &mut Vec<TemplateMistake>) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = open.pop() {
        let entries = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let place = folder.display().to_string();
                mistakes.push(TemplateMistake { place, what: format!("cannot be read: {error}") });
                continue;
            }
        };
        for entry in entries {
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else { continue };
            let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
            if name.starts_with('.') {
            } else if path.is_dir() && prefix.is_empty() {
                open.push((format!("{name}/"), path));
            } else if path.is_file() && PARTS.contains(&end) {
                found.push((format!("{prefix}{name}"), path));
            }
            if found.len() > FILES_MAX {
                let what = format!("holds more than {FILES_MAX} templates");
                let place = folder.display().to_string();
                mistakes.push(TemplateMistake { place, what });
                return Vec::new();
            }
        }
    }
    found
}

/// A folder is a language, a file in it a mail; beside the folders anything may lie, to be included.
fn misnamed(name: &str) -> Option<String> {
    let (folder, file) = name.split_once('/')?;
    if !words::ALL.iter().any(|words| words.lang == folder) {
        let known: Vec<&str> = words::ALL.iter().map(|words| words.lang).collect();
        return Some(format!("mails are written in {}, not in {folder}", known.join(" and ")));
    }
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let kinds = KINDS.map(file_name);
    (!kinds.contains(&stem))
        .then(|| format!("there is no such mail; there are {}", kinds.join(", ")))
}

fn read(file: &Path) -> Result<String, String> {
    match fs::metadata(file) {
        Ok(about) if about.len() > FILE_BYTES_MAX => Err("is too long for a template".to_owned()),
        Ok(_) => fs::read_to_string(file)
            .map(|text| text.replace("\r\n", "\n"))
            .map_err(|error| format!("cannot be read: {error}")),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// The innermost cause: a mistake in a layout is not one of who extends it.
fn mistake(folder: Option<&Path>, error: &Error) -> TemplateMistake {
    let mut inner = error;
    while let Some(cause) = std::error::Error::source(inner).and_then(|e| e.downcast_ref::<Error>())
    {
        inner = cause;
    }
    let named = if inner.name().is_some() { inner } else { error };
    let mut place = place(folder, named.name().unwrap_or("a template"));
    if let Some(line) = named.line() {
        place = format!("{place}, line {line}");
    }
    let what = match inner.detail() {
        Some(detail) => format!("{}: {detail}", inner.kind()),
        None => inner.kind().to_string(),
    };
    TemplateMistake { place, what }
}

fn place(folder: Option<&Path>, name: &str) -> String {
    let file = folder.map(|folder| folder.join(name)).filter(|file| file.exists());
    file.map_or_else(|| format!("the built-in {name}"), |file| file.display().to_string())
}

#[cfg(test)]
mod tests;
