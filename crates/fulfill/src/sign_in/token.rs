//! Random tokens. Only their digests are kept: who reads the database cannot use them.

use sha2::{Digest, Sha256};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 258 random bits as text, behind a word that says what it is.
pub(crate) struct Token(String);

impl Token {
    /// Another one.
    pub(crate) fn new(word: &str) -> Self {
        // rand's generator for a thread is seeded by the system and fit for secrets.
        let random: [u8; 43] = rand::random();
        let digits = random.iter().map(|byte| char::from(DIGITS[usize::from(byte & 63)]));
        Self(word.chars().chain(digits).collect())
    }

    /// The token itself, to be shown once.
    pub(crate) fn show(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn digest(&self) -> String {
        digest(&self.0)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 in hex. A token is random, so nothing slower is needed.
pub(crate) fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text);
    bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
        for digit in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::{Token, digest};

    #[test]
    fn a_token_is_long_differs_each_time_and_is_never_printed() {
        let (one, other) = (Token::new("ff_test_"), Token::new("ff_test_"));
        assert_ne!(one.show(), other.show());
        assert_eq!(one.show().len(), "ff_test_".len() + 43);
        assert!(!format!("{one:?}").contains(one.show()));
        assert_eq!(one.digest(), digest(one.show()));
    }

    #[test]
    fn a_digest_is_the_known_one() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest("abc"), abc);
    }
}
