//! Blocks of a template that no layout of its has: what stands in them would be left out, unsaid.

use std::collections::BTreeMap;

/// A longer chain of layouts goes round in a circle, which shows in writing.
const LAYOUTS_MAX: usize = 10;

/// What a template consists of, as far as blocks go.
#[derive(Default)]
struct Outline {
    extends: Option<String>,
    /// Each with its line, and whether it stands in no other one.
    blocks: Vec<(String, usize, bool)>,
}

/// The blocks of this template that those it extends do not have: their line, and what is wrong.
pub(super) fn strangers(sources: &BTreeMap<String, String>, name: &str) -> Vec<(usize, String)> {
    let Some(own) = sources.get(name).map(|source| outline(source)) else { return Vec::new() };
    let Some(layout) = own.extends else { return Vec::new() };
    let (mut known, mut next) = (Vec::new(), Some(layout.clone()));
    for _ in 0..LAYOUTS_MAX {
        let Some(above) = next.take() else { break };
        // A layout that is not there is named by who writes with it.
        let Some(source) = sources.get(&above) else { return Vec::new() };
        let above = outline(source);
        known.extend(above.blocks.into_iter().map(|(block, ..)| block));
        next = above.extends;
    }
    let strange =
        own.blocks.into_iter().filter(|(block, _, outer)| *outer && !known.contains(block));
    let say = |(block, line, _)| {
        let known = known.join(", ");
        (
            line,
            format!(
                "{layout} has no block {block}: what stands in it is left out; there are {known}"
            ),
        )
    };
    strange.map(say).collect()
}

/// Reads the tags `extends`, `block` and `endblock`; all else is the engine's to read.
fn outline(source: &str) -> Outline {
    let mut outline = Outline::default();
    let (mut at, mut depth, mut raw) = (0, 0_usize, false);
    while let Some(start) = source[at..].find("{%").map(|found| at + found) {
        let comment = source[at..start].rfind("{#").map(|found| at + found).filter(|_| !raw);
        if let Some(end) = comment.and_then(|open| after(source, open, "#}")).filter(|e| *e > start)
        {
            at = end;
            continue;
        }
        let Some(end) = after(source, start, "%}") else { break };
        let tag = source[start + 2..end - 2].trim_matches(['-', '+']).trim();
        let (word, rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        match word {
            "raw" => raw = true,
            "endraw" => raw = false,
            _ if raw => {}
            "extends" => outline.extends = Some(rest.trim().trim_matches(['"', '\'']).to_owned()),
            "block" => {
                let block = rest.split_whitespace().next().unwrap_or_default();
                let line = source[..start].matches('\n').count() + 1;
                outline.blocks.push((block.to_owned(), line, depth == 0));
                depth += 1;
            }
            "endblock" => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = end;
    }
    outline
}

/// Where the next `mark` from `start` on ends.
fn after(source: &str, start: usize, mark: &str) -> Option<usize> {
    source[start..].find(mark).map(|found| start + found + mark.len())
}
