//! What a buyer sees: forms to fill in, the errors beside their fields, the state of a landing page.

use html5gum::{StartTag, Token, Tokenizer};

/// Fields of one form; more is no form for people.
const FIELDS_MAX: usize = 2_000;

/// A page, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) forms: Vec<Form>,
    /// Texts marked as errors.
    pub(crate) errors: Vec<String>,
    /// `data-status` of the page's root.
    pub(crate) status: Option<String>,
}

/// A form, with what its fields hold already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) post: bool,
    pub(crate) fields: Vec<Field>,
}

/// One field of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) value: String,
    pub(crate) required: bool,
}

/// What kind of field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Text,
    Hidden,
    /// One of several of the same name.
    Radio {
        checked: bool,
    },
    Checkbox {
        checked: bool,
    },
    /// Sent only when it is the one that is pressed.
    Button,
    Select,
}

impl Page {
    /// Reads a page; markup that is not understood is passed over.
    pub(crate) fn read(html: &str) -> Self {
        let mut reader = Reader::default();
        for Ok(token) in Tokenizer::new(html) {
            match token {
                Token::StartTag(tag) => reader.start(&tag),
                Token::EndTag(tag) => reader.end(&String::from_utf8_lossy(&tag.name)),
                Token::String(text) => reader.text(&String::from_utf8_lossy(&text)),
                _ => {}
            }
        }
        reader.page
    }
}

#[derive(Default)]
struct Reader {
    page: Page,
    in_form: bool,
    /// The element whose text is an error.
    error: Option<String>,
    /// A select has taken an option that was marked.
    chosen: bool,
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    tag.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned())
}

impl Reader {
    fn start(&mut self, tag: &StartTag<()>) {
        let has = |name: &str| tag.attributes.contains_key(name.as_bytes());
        let text = |name: &str| attribute(tag, name).unwrap_or_default();
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if text("class").split_ascii_whitespace().any(|class| class == "error") {
            self.error = Some(name.clone());
            self.page.errors.push(String::new());
        }
        match name.as_str() {
            "html" => self.page.status = attribute(tag, "data-status"),
            "form" => {
                let post = text("method").eq_ignore_ascii_case("post");
                self.page.forms.push(Form { action: text("action"), post, fields: Vec::new() });
                self.in_form = true;
            }
            "input" => {
                let checked = has("checked");
                let kind = match text("type").to_ascii_lowercase().as_str() {
                    "hidden" => Kind::Hidden,
                    "radio" => Kind::Radio { checked },
                    "checkbox" => Kind::Checkbox { checked },
                    "submit" | "button" | "image" | "reset" => Kind::Button,
                    _ => Kind::Text,
                };
                self.field(tag, kind);
            }
            "button" => self.field(tag, Kind::Button),
            "textarea" => self.field(tag, Kind::Text),
            "select" => {
                self.chosen = false;
                self.field(tag, Kind::Select);
            }
            "option" => self.option(&text("value"), has("selected")),
            _ => {}
        }
    }

    fn field(&mut self, tag: &StartTag<()>, kind: Kind) {
        let name = attribute(tag, "name").filter(|name| !name.is_empty());
        let enabled = !tag.attributes.contains_key("disabled".as_bytes());
        let form = self.page.forms.last_mut().filter(|form| form.fields.len() < FIELDS_MAX);
        if let (true, true, Some(name), Some(form)) = (self.in_form, enabled, name, form) {
            let value = attribute(tag, "value").unwrap_or_default();
            let required = tag.attributes.contains_key("required".as_bytes());
            form.fields.push(Field { name, kind, value, required });
        }
    }

    /// The first option counts until one is marked.
    fn option(&mut self, value: &str, selected: bool) {
        let field = self.page.forms.last_mut().and_then(|form| form.fields.last_mut());
        if let Some(field) = field.filter(|field| field.kind == Kind::Select)
            && (field.value.is_empty() || (selected && !self.chosen))
        {
            value.clone_into(&mut field.value);
            self.chosen = selected;
        }
    }

    fn end(&mut self, name: &str) {
        if name == "form" {
            self.in_form = false;
        }
        if self.error.as_deref() == Some(name) {
            self.error = None;
        }
    }

    fn text(&mut self, text: &str) {
        if let (Some(_), Some(error)) = (&self.error, self.page.errors.last_mut()) {
            let space = if error.is_empty() { "" } else { " " };
            let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            if !text.is_empty() {
                error.push_str(space);
                error.push_str(&text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_would_send_it() {
        let page = Page::read(
            r#"<!doctype html><html data-status="fulfilled"><form method=POST action="/pay?a=1&amp;b=2">
            <input type=hidden name=token value='a&quot;b'><input name="email" required>
            <select name=country><option value=AT>A<option value=DE selected>D</select>
            <input type=radio name=method value=card checked><input name=off disabled>
            <p class="error">Your card was <b>declined</b>.</p><button name=action value=pay>Pay</button>
            </form><input name=outside></html>"#,
        );
        assert_eq!(page.status.as_deref(), Some("fulfilled"));
        assert_eq!(page.errors, ["Your card was declined ."]);
        let form = &page.forms[0];
        assert!(form.post);
        assert_eq!(form.action, "/pay?a=1&b=2");
        let fields: Vec<(&str, &str)> =
            form.fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
        let expected = [
            ("token", "a\"b"),
            ("email", ""),
            ("country", "DE"),
            ("method", "card"),
            ("action", "pay"),
        ];
        assert_eq!(fields, expected);
        assert!(form.fields[1].required);
        assert_eq!(form.fields[3].kind, Kind::Radio { checked: true });
    }

    #[test]
    fn whatever_is_not_a_page_is_read_as_an_empty_one() {
        for html in ["", "<", "<form", "</form></html>", "<option value=1>", "\0<input name=\u{0}>"]
        {
            assert_eq!(Page::read(html).status, None, "{html:?}");
        }
    }
}
