//! The data folder and the database file: made for this user alone, and proven to be writable.

use std::{fs, io, path::Path};

use fulfill::store::Location;

/// Makes a folder (0700) where it is not there, and tries to write in it.
pub(crate) fn make(folder: &Path) -> Result<(), String> {
    if folder.exists() && !folder.is_dir() {
        return Err("there is a file of this name, where a folder is needed".to_owned());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| format!("it cannot be made: {error}"))?;
    writable(folder)
}

/// Whether [`make`] would do; nothing is made yet.
pub(super) fn can_be_made(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        return make(folder);
    }
    let above = folder.ancestors().skip(1).find(|above| above.exists() || is_here(above));
    writable(above.filter(|above| !is_here(above)).unwrap_or(Path::new(".")))
}

/// What a name without a slash lies in.
fn is_here(folder: &Path) -> bool {
    folder.as_os_str().is_empty()
}

/// The folder of a database file has to be there already: a mistyped path must not make a new one.
pub(super) fn of_file(file: &Path) -> Result<(), String> {
    let folder = match file.parent() {
        Some(folder) if !is_here(folder) => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(format!("there is no folder {}: make it first", folder.display()));
    }
    if file.is_dir() {
        return Err(format!("{} is a folder, where a file is needed", file.display()));
    }
    writable(folder)
}

fn writable(folder: &Path) -> Result<(), String> {
    let tried = tempfile::Builder::new().prefix(".fulfilld-").tempfile_in(folder);
    tried.map(drop).map_err(|error| format!("{} is not writable: {error}", folder.display()))
}

/// Makes the data folder and the database file (0600) before anybody opens it: SQLite gives the files
/// beside it the same permissions.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn prepare(database: &Location) -> io::Result<()> {
    let Location::Sqlite(path) = database else { return Ok(()) };
    if let Some(folder) = path.parent().filter(|folder| !is_here(folder)) {
        make(folder).map_err(io::Error::other)?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
