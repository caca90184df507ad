//! Mail addresses, as a payment page takes them.

/// Addresses are at most this long.
pub(crate) const CHARS_MAX: usize = 254;

/// Somebody, at a host of a domain: `ann@example.com`, and not `ann@home`.
pub(crate) fn is_address(text: &str) -> bool {
    let Some((user, host)) = text.rsplit_once('@') else { return false };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && !"@<>()[],;:\"\\".contains(c);
    !user.is_empty()
        && user.split('.').all(|part| !part.is_empty())
        && user.chars().all(fits)
        && host.contains('.')
        && host.split('.').all(label)
        && text.chars().count() <= CHARS_MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        let long = format!("{}@example.com", "a".repeat(300));
        for (text, expected) in [
            ("ann@example.com", true),
            ("ann.lee+shop@mail.example.co.uk", true),
            ("o'hara_7@example.com", true),
            ("änn@bücher.example", true),
            ("a@b", false),
            ("a@b.", false),
            ("a@.b", false),
            ("a@b..c", false),
            ("a@-b.c", false),
            ("@b.c", false),
            (".a@b.c", false),
            ("a..b@b.c", false),
            ("a b@b.c", false),
            ("a@b c.d", false),
            ("a@b@c.d", false),
            ("a\0@b.c", false),
            ("<a@b.c>", false),
            ("ann", false),
            ("", false),
            (long.as_str(), false),
        ] {
            assert_eq!(is_address(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_not(text in "\\PC{0,40}") {
            prop_assert!(!is_address(&text) || text.contains('@'));
        }
    }
}
