//! Parts of a form, as the templates show them.

use std::fmt;

use askama::Template;

use super::{check::Errors, fields::longest, words::Words};

/// One labeled field, with its hint and what is wrong with it.
#[derive(Template, Clone)]
#[template(path = "field.html")]
pub(super) struct Field {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) label: String,
    /// Instead of it, one of these by the kind of the method that is chosen.
    pub(super) labels: Vec<(&'static str, &'static str)>,
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) autocomplete: &'static str,
    pub(super) inputmode: &'static str,
    pub(super) placeholder: String,
    pub(super) hint: String,
    pub(super) required: bool,
    /// What an optional field has behind its label.
    pub(super) note: &'static str,
    pub(super) half: bool,
    /// A change is sent at once where there is script.
    pub(super) updates: bool,
    pub(super) readonly: bool,
    pub(super) error: Option<String>,
}

#[derive(Clone)]
pub(super) enum Kind {
    Input(&'static str),
    /// Values and labels; with a first, empty one if nothing is chosen.
    Select(Vec<(String, String)>),
}

/// What all fields of one page have in common.
pub(super) struct Maker<'a> {
    pub(super) words: &'static Words,
    pub(super) errors: &'a Errors,
}

impl Maker<'_> {
    /// A text field that has to be filled in; its id is its name.
    pub(super) fn text(&self, name: &str, label: &str, value: &str) -> Field {
        Field {
            id: name.replace('[', "-").replace(']', ""),
            name: name.to_owned(),
            label: label.to_owned(),
            labels: Vec::new(),
            kind: Kind::Input("text"),
            value: value.to_owned(),
            autocomplete: "off",
            inputmode: "",
            placeholder: String::new(),
            hint: String::new(),
            required: true,
            note: "",
            half: false,
            updates: false,
            readonly: false,
            error: self.error(name),
        }
    }

    pub(super) fn error(&self, name: &str) -> Option<String> {
        let found = self.errors.iter().find(|(field, _)| field == name);
        found.map(|(_, problem)| self.words.problem(problem))
    }
}

impl Field {
    pub(super) fn fills(mut self, autocomplete: &'static str) -> Self {
        self.autocomplete = autocomplete;
        self
    }

    pub(super) fn of_kind(mut self, kind: &'static str) -> Self {
        self.kind = Kind::Input(kind);
        self
    }

    pub(super) fn one_of(mut self, options: Vec<(String, String)>) -> Self {
        self.kind = Kind::Select(options);
        self
    }

    pub(super) fn digits(mut self) -> Self {
        self.inputmode = "numeric";
        self
    }

    pub(super) fn like(mut self, placeholder: &str) -> Self {
        placeholder.clone_into(&mut self.placeholder);
        self
    }

    pub(super) fn half(mut self) -> Self {
        self.half = true;
        self
    }

    pub(super) fn updating(mut self) -> Self {
        self.updates = true;
        self
    }

    pub(super) fn optional(mut self, words: &Words) -> Self {
        (self.required, self.note) = (false, words.buyer.optional);
        self
    }

    pub(super) fn fixed(mut self) -> Self {
        (self.readonly, self.required) = (true, false);
        self.name.clear();
        self
    }

    /// How many characters it takes.
    fn longest(&self) -> usize {
        longest(&self.name)
    }

    /// The ids of what describes it.
    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A line of the order, or something that may be added to it.
pub(super) struct LineView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) detail: String,
    /// Stands for a picture: pages ask no other address for one.
    pub(super) letter: String,
    /// A number, or what was typed instead.
    pub(super) quantity: String,
    pub(super) range: Option<(i64, i64)>,
    pub(super) quantity_label: String,
    pub(super) costs: String,
    /// The amount that the buyer chooses, as typed.
    pub(super) amount: Option<String>,
    pub(super) gone: bool,
    pub(super) error: Option<String>,
}

/// A way to pay.
pub(super) struct MethodView {
    pub(super) key: &'static str,
    pub(super) label: String,
    pub(super) checked: bool,
    pub(super) fields: Vec<Field>,
    pub(super) hint: &'static str,
    /// Numbers to try, as they are sent and as they are shown, and what happens.
    pub(super) tries: Vec<Try>,
}

pub(super) struct Try {
    pub(super) value: &'static str,
    pub(super) shown: &'static str,
    pub(super) ends: &'static str,
}

/// A way of shipping.
pub(super) struct ShippingView {
    pub(super) rate: String,
    pub(super) name: String,
    pub(super) estimate: String,
    pub(super) costs: String,
    pub(super) checked: bool,
}

/// An address: where it is shown, and the fields.
pub(super) struct AddressView {
    pub(super) fields: Vec<Field>,
}

/// A box to tick.
pub(super) struct Tick {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) checked: bool,
    pub(super) required: bool,
    pub(super) error: Option<String>,
}
