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
    #[error("a name has 1 to 60 signs, in one line")]
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
    if fits && !name.chars().any(char::is_control) { Ok(name) } else { Err(PersonMistake::Name) }
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
