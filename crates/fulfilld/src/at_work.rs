//! Who works on an SQLite file: `serve` holds a lock beside it, so that a second one is refused and
//! the other commands know whether somebody fulfills what they ring. PostgreSQL takes any number.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use fulfill::store::Location;

/// Held as long as this process works on the file.
#[derive(Debug)]
pub(crate) struct AtWork {
    _lock: Option<File>,
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(beside(path))
}

/// Begins to work on a database.
///
/// # Errors
/// When another process works on this SQLite file.
pub(crate) fn begin(database: &Location, otherwise: &str) -> anyhow::Result<AtWork> {
    let Location::Sqlite(path) = database else { return Ok(AtWork { _lock: None }) };
    let lock = open(path)?;
    match lock.try_lock() {
        Ok(()) => Ok(AtWork { _lock: Some(lock) }),
        Err(TryLockError::WouldBlock) => Err(anyhow::anyhow!(
            "another fulfilld works on {}: stop it first, or {otherwise}",
            path.display()
        )),
        // A file system without locks: nobody can be refused there.
        Err(TryLockError::Error(_)) => Ok(AtWork { _lock: None }),
    }
}

/// Whether a process that fulfills is known to work on this SQLite file.
pub(crate) fn somebody_is(database: &Location) -> bool {
    let Location::Sqlite(path) = database else { return false };
    let lock = open(path);
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
