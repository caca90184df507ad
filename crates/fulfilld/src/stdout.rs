//! Answers on standard output. Whoever reads them may have seen enough (`| head`): that ends the
//! program quietly, not with a panic.

use std::{
    fmt::Display,
    io::{ErrorKind, Write as _},
};

/// Prints a line.
pub(crate) fn say(text: impl Display) {
    let mut out = std::io::stdout().lock();
    or_end(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Prints bytes as they are.
pub(crate) fn write(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    or_end(out.write_all(bytes).and_then(|()| out.flush()));
}

fn or_end(written: std::io::Result<()>) {
    if let Err(error) = written {
        let quiet = error.kind() == ErrorKind::BrokenPipe;
        if !quiet {
            eprintln!("fulfilld: standard output cannot be written: {error}");
        }
        std::process::exit(i32::from(!quiet));
    }
}
