//! How people prove who they are: passwords, and tokens that stand for a login, an invitation or a
//! program.

mod passwords;
mod token;

pub(crate) use self::{
    passwords::{Passwords, PasswordsBusy},
    token::{Token, digest},
};
use crate::store::{Made, Store, StoreError};

/// Shortest password, in signs: length is what makes one hard to guess.
pub(crate) const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password, in bytes.
pub(crate) const PASSWORD_BYTES_MAX: usize = 500;
/// Longest name, in signs.
pub(crate) const NAME_CHARS_MAX: usize = 60;

/// Why somebody cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum PersonMistake {
    /// Not a name.
    #[error("a name has 1 to 60 signs that can be seen, in one line, and is not the program's own")]
    Name,
    /// Not a password.
    #[error("a password has at least 10 signs, and at most 500 bytes")]
    Password,
    /// There is somebody of this name.
    #[error("there is somebody of this name")]
    Taken,
    /// There are too many people.
    #[error("there are too many people: remove somebody first")]
    Full,
    /// Too much is going on.
    #[error("too many passwords are being checked: try again in a moment")]
    Busy,
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A name as it is kept: nothing before or behind it.
pub(crate) fn name(given: &str) -> Result<&str, PersonMistake> {
    let name = given.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    let own = OWN.contains(&name.to_lowercase().as_str());
    if fits && !own && !name.chars().any(is_unseen) { Ok(name) } else { Err(PersonMistake::Name) }
}

/// Who else acts: what a timeline tells of them nobody else may be called.
const OWN: [&str; 2] = ["the command line", "the api"];

/// Signs that change how a name looks, or that it is read at all, and are not seen.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

/// Whether this may be a password at all.
pub(crate) fn password(given: &str) -> Result<(), PersonMistake> {
    let fits = given.chars().count() >= PASSWORD_CHARS_MIN && given.len() <= PASSWORD_BYTES_MAX;
    if fits { Ok(()) } else { Err(PersonMistake::Password) }
}

/// Lets somebody sign in who was not invited.
pub(crate) async fn add_person(
    store: &Store,
    passwords: &Passwords,
    given: &str,
    secret: &str,
) -> Result<(), PersonMistake> {
    let name = name(given)?;
    password(secret)?;
    let hash = passwords.hash(secret).await.map_err(|_busy| PersonMistake::Busy)?;
    match store.add_person(name, &hash).await? {
        Made::Done => Ok(()),
        Made::Taken => Err(PersonMistake::Taken),
        Made::Full => Err(PersonMistake::Full),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn nobody_is_called_like_the_program_or_like_somebody_else_at_a_look() {
        for good in ["boss", " Zoë Grün ", "李雷", "o'hara"] {
            assert_eq!(name(good).unwrap(), good.trim());
        }
        for bad in [
            "",
            "The Command Line",
            "the API",
            "bo\u{200b}ss",
            "b\u{202e}oss",
            "a\nb",
            "bo\u{ad}ss",
        ] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
