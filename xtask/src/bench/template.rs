//! Texts with named places, filled by copying: what the generator and the stub do per request.

/// A text cut at its places.
pub(crate) struct Template {
    parts: Vec<Part>,
}

enum Part {
    Text(Vec<u8>),
    Place(usize),
}

impl Template {
    /// Cuts `text` at `<name>` for each of `names`; other angle brackets are left alone.
    pub(crate) fn new(text: &str, names: &[&str]) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((at, place, length)) = first_place(rest, names) {
            parts.push(Part::Text(rest.as_bytes()[..at].to_vec()));
            parts.push(Part::Place(place));
            rest = &rest[at + length..];
        }
        parts.push(Part::Text(rest.as_bytes().to_vec()));
        Self { parts }
    }

    /// Appends the text to `out`; `values` stand in the order of the names.
    pub(crate) fn render(&self, out: &mut Vec<u8>, values: &[&[u8]]) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Place(place) => out.extend_from_slice(values[*place]),
            }
        }
    }
}

fn first_place(text: &str, names: &[&str]) -> Option<(usize, usize, usize)> {
    let found = names.iter().enumerate().filter_map(|(place, name)| {
        let mark = format!("<{name}>");
        text.find(&mark).map(|at| (at, place, mark.len()))
    });
    found.min()
}
