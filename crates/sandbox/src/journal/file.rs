//! The file: who may have it, its first line, its sums.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The format that this program writes.
pub(super) const FORMAT: u64 = 1;

/// Why a data file will not do.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// It cannot be opened, read or written.
    #[error(
        "the data file {}: {source}. Is its folder there, and may it be read and written?",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another sandbox has it.
    #[error(
        "the data file {} is in use by another sandbox. Stop that one, or choose another file.",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Something else is in it.
    #[error(
        "{} is not a sandbox's data file; nothing in it was touched. Choose another name.",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later program wrote it.
    #[error(
        "the data file {} has format {format}; this program knows formats up to {FORMAT}. Use the newer program that wrote it, or choose another file.",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// It was begun with another seed.
    #[error(
        "the data file {} was begun with seed {seed}, not {asked}: leave the seed out, or choose another file.",
        path.display()
    )]
    Seed {
        /// The file.
        path: PathBuf,
        /// Its seed.
        seed: u64,
        /// The seed asked for.
        asked: u64,
    },
    /// A line before the last cannot be read.
    #[error(
        "the data file {}, line {line}: {what}. Nothing was touched. What comes before it can be kept: head -n {} FILE > ANOTHER",
        path.display(),
        line - 1
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

/// Where lines are stored. An error may leave a part behind; the next call overwrites it.
pub(crate) trait Disk: Send + 'static {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// The file up to its last good byte.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(super) file: File,
    pub(super) end: u64,
}

impl Disk for Stored {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.end)?;
        self.file.sync_data()?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// Opens a file for this process alone.
pub(super) fn lock(path: &Path) -> Result<File, DataError> {
    let failed = |source| DataError::File { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// The sum of the line before; each line's sum covers it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sum([u8; 8]);

/// What stands before and after a sum.
const BEFORE: &[u8] = b"{\"sum\":\"";
const AFTER: &[u8] = b"\",";
pub(super) const REST_AT: usize = BEFORE.len() + 8 + AFTER.len();

impl Sum {
    fn next(&self, rest: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(self.0).chain_update(rest).finalize();
        let mut digits = [0; 8];
        for (at, digit) in digits.iter_mut().enumerate() {
            let nibble = digest[at / 2] >> (4 * (1 - at % 2)) & 15;
            *digit = b"0123456789abcdef"[usize::from(nibble)];
        }
        Self(digits)
    }

    /// Writes a line, whose members are `rest`.
    pub(crate) fn line(&mut self, rest: &str, to: &mut Vec<u8>) {
        *self = self.next(rest.as_bytes());
        for part in [BEFORE, &self.0, AFTER, rest.as_bytes(), b"\n"] {
            to.extend_from_slice(part);
        }
    }

    /// The members of a line (without its end), when its sum is right.
    pub(super) fn check<'a>(&mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        let rest = line.get(REST_AT..)?;
        let next = self.next(rest);
        let begins = line.strip_prefix(BEFORE)?.strip_prefix(&next.0)?.starts_with(AFTER);
        begins.then(|| *self = next)?;
        Some(rest)
    }
}

/// The first line, for a new file.
pub(super) fn header(seed: u64, sum: &mut Sum) -> Vec<u8> {
    let mut bytes = Vec::new();
    sum.line(&format!("\"format\":{FORMAT},\"seed\":{seed}}}"), &mut bytes);
    bytes
}

/// Reads the first line; the seed.
pub(super) fn read_header(path: &Path, line: &[u8], sum: &mut Sum) -> Result<u64, DataError> {
    #[derive(Deserialize)]
    struct Format {
        format: u64,
    }
    #[derive(Deserialize)]
    struct Header {
        seed: u64,
    }
    let foreign = || DataError::Foreign { path: path.to_owned() };
    let known = line.starts_with(BEFORE);
    let Format { format } = Some(line).filter(|_| known).and_then(parsed).ok_or_else(foreign)?;
    if format > FORMAT {
        return Err(DataError::Newer { path: path.to_owned(), format });
    }
    let header: Option<Header> = sum.check(line).and_then(|_| parsed(line));
    header.map(|header| header.seed).ok_or_else(|| DataError::Line {
        path: path.to_owned(),
        line: 1,
        what: "it was altered".to_owned(),
    })
}

fn parsed<T: serde::de::DeserializeOwned>(line: &[u8]) -> Option<T> {
    serde_json::from_slice(line).ok()
}

/// Whether this can be the torn beginning of a new file's first line.
pub(super) fn is_torn_header(line: &[u8]) -> bool {
    line.len() < 200 && (line.starts_with(BEFORE) || BEFORE.starts_with(line))
}
