//! Plain text in lines that fit every screen, which a reader that knows how joins again (RFC 3676).

/// Longest line, in characters, where there is a space to break it.
const WIDTH: usize = 74;
/// What stands before a signature; its space breaks nothing.
const SIGNATURE: &str = "-- ";

/// The text as `format=flowed`.
pub(super) fn flowed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 80);
    for line in text.lines() {
        if line == SIGNATURE {
            out.push_str(line);
        } else {
            flow(line.trim_end(), &mut out);
        }
        out.push('\n');
    }
    out
}

fn flow(line: &str, out: &mut String) {
    let mut rest = line;
    loop {
        // What looks like a quotation, or like something else that means more, is moved in.
        if rest.starts_with([' ', '>']) || rest.starts_with("From ") {
            out.push(' ');
        }
        let Some(end) = broken(rest) else { return out.push_str(rest) };
        out.push_str(&rest[..end]);
        out.push('\n');
        rest = &rest[end..];
    }
}

/// Where a line that is too long is broken: behind the last space that fits, or the first there is.
fn broken(line: &str) -> Option<usize> {
    if line.chars().count() <= WIDTH {
        return None;
    }
    let indent = line.len() - line.trim_start().len();
    let mut best = None;
    for (n, (at, c)) in line.char_indices().enumerate() {
        let before_a_word = line[at + c.len_utf8()..].chars().next().is_some_and(|c| c != ' ');
        if c == ' ' && before_a_word && at >= indent {
            if n >= WIDTH && best.is_some() {
                break;
            }
            best = Some(at + 1);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader makes of it.
    fn read(flowed: &str) -> String {
        let mut text = String::new();
        for line in flowed.lines() {
            if line == SIGNATURE {
                text.push_str("-- \n");
                continue;
            }
            let line = line.strip_prefix(' ').unwrap_or(line);
            text.push_str(line);
            if !line.ends_with(' ') {
                text.push('\n');
            }
        }
        text
    }

    #[test]
    fn long_lines_are_broken_and_signatures_are_not() {
        let long = "word ".repeat(40);
        let text =
            format!("Hello,\n\n{}\n\n    indented\nFrom here\n\n-- \nOrder 1\n", long.trim());
        let flowed = flowed(&text);
        assert!(flowed.lines().all(|line| line.chars().count() <= WIDTH + 1), "{flowed}");
        assert!(flowed.contains("\n     indented\n From here\n\n-- \nOrder 1\n"), "{flowed}");
        assert_eq!(read(&flowed), text);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_added(lines in prop::collection::vec("[ >a-zF\u{e4}\u{4e00}rom]{0,200}", 0..6)) {
            let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let flowed = flowed(&text);
            prop_assert_eq!(read(&flowed), text);
            for line in flowed.lines() {
                let one_word = line.trim().split(' ').filter(|w| !w.is_empty()).count() <= 1;
                prop_assert!(line.chars().count() <= WIDTH + 2 || one_word || line.trim_end().chars().count() <= WIDTH + 2, "{line:?}");
            }
        }
    }
}
