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

/// Prints a table; numbers and amounts stand to the right.
pub(crate) fn say_table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let number = |cell: &String| cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let right: Vec<bool> =
        (0..N).map(|at| rows.iter().filter_map(|row| row.get(at)).all(number)).collect();
    for row in std::iter::once(head.map(str::to_owned)).chain(rows) {
        let cells = row.iter().zip(widths).zip(&right).map(|((cell, width), right)| {
            if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
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
