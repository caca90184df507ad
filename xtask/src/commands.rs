//! Other programs: run with their output kept for the moment it is needed; Debian's packages.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// Runs a command to its end; what it printed is in the error when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    // pg_ctl's server keeps whatever it inherits open, so it gets nothing of ours.
    let out = tempfile::tempfile()?;
    let status = command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out.try_clone()?)
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    let mut out = out;
    std::io::Seek::rewind(&mut out)?;
    std::io::Read::read_to_string(&mut out, &mut said)?;
    bail!("{command:?} ended with {status}: {}", said.trim())
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> Result<bool> {
    let id = Command::new("id").arg("-u").output().context("cannot run id")?;
    Ok(id.stdout.trim_ascii() == b"0")
}

/// Where a program is, by `PATH`.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Installs packages of Debian.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    println!("== not here yet: {names}; installing Debian's packages");
    let sudo: &[&str] = if is_root()? { &[] } else { &["sudo", "-n"] };
    let fetch = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq"];
    for args in [&["apt-get", "update", "-qq"][..], &[&fetch[..], packages].concat()] {
        let words: Vec<&str> = sudo.iter().chain(args).copied().collect();
        let (program, rest) = words.split_first().context("no command")?;
        run(Command::new(program).args(rest)).with_context(|| {
            format!("the tests need {names}, which could not be installed; type: sudo apt-get install {names}")
        })?;
    }
    Ok(())
}
