//! Making the changes of a file again.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use serde::Deserialize;

use super::file::{self, DataError, Disk as _, Stored, Sum};
use crate::{
    change::{Command, Owing},
    clock::Clock,
    state::{Job, State},
};

/// Longer lines are not read: a request's body has at most 1 MiB, a character at most six.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Lines between two words about the progress.
const TELL_EVERY: u64 = 100_000;

/// Making so many changes again takes more than a few seconds.
const LARGE_BYTES: u64 = 200_000_000;

/// The rules have changed since the file was written.
const OTHER_IDS: &str = "this program makes other ids of this change than the one that wrote it; go on with that one, or begin another file";

/// A file whose changes were made again.
pub(crate) struct Opened {
    pub(crate) state: State,
    pub(crate) seed: u64,
    /// Deliveries that were not carried out yet, in the order in which they were asked for.
    pub(crate) owed: Vec<Job>,
    pub(crate) disk: Stored,
    pub(crate) sum: Sum,
}

#[derive(Deserialize)]
struct Entry {
    at: i64,
    drawn: u64,
    change: Command,
}

/// Opens a data file, or begins one, and makes its changes again.
pub(crate) fn open(path: &Path, asked: Option<u64>, clock: &Clock) -> Result<Opened, DataError> {
    let file = file::lock(path)?;
    let failed = |source| DataError::File { path: path.to_owned(), source };
    let length = file.metadata().map_err(failed)?.len();
    let mut lines = Lines { reader: BufReader::with_capacity(1 << 20, &file), line: Vec::new() };
    let mut sum = Sum::default();
    let found = lines.next().map_err(failed)?;
    let seed = match found {
        Ending::Whole => file::read_header(path, &lines.line, &mut sum)?,
        Ending::Torn if !file::is_torn_header(&lines.line) => {
            return Err(DataError::Foreign { path: path.to_owned() });
        }
        Ending::Torn | Ending::End => {
            drop(lines);
            return begin(file, path, asked, clock).map_err(failed);
        }
    };
    if let Some(asked) = asked.filter(|asked| *asked != seed) {
        return Err(DataError::Seed { path: path.to_owned(), seed, asked });
    }
    let mut replay = Replay { state: State::new(clock.clone(), seed), owed: Owed::default() };
    let mut end = lines.line.len() as u64 + 1;
    let mut number = 1;
    loop {
        let ending = lines.next().map_err(failed)?;
        number += 1;
        let wrong = |what| DataError::Line { path: path.to_owned(), line: number, what };
        let rest = match ending {
            Ending::End => break,
            Ending::Whole => sum.check(&lines.line),
            Ending::Torn => None,
        };
        if rest.is_none() {
            // Only the last line can have been under way when the sandbox ended.
            if !lines.is_last().map_err(failed)? {
                return Err(wrong("it was altered, or the line before it is missing".to_owned()));
            }
            tracing::warn!(
                "the data file's last line, {number}, was not finished and is cut off: it was never answered"
            );
            break;
        }
        let entry = serde_json::from_slice(&lines.line)
            .map_err(|error| wrong(format!("this program does not know this change ({error})")))?;
        if !replay.again(entry) {
            return Err(wrong(OTHER_IDS.to_owned()));
        }
        end += lines.line.len() as u64 + 1;
        if number % TELL_EVERY == 0 {
            tracing::info!("reading the data file: {} %", end * 100 / length.max(1));
        }
    }
    drop(lines);
    file.set_len(end).map_err(failed)?;
    if end > LARGE_BYTES {
        tracing::warn!(
            "the data file {} has {} MB and only grows, so every start takes longer; begin another one when what is in it is no longer needed",
            path.display(),
            end / 1_000_000
        );
    }
    let Replay { state, owed } = replay;
    clock.resume(state.turned_ms, state.clock.latest_ms());
    Ok(Opened { state, seed, owed: owed.in_order(), disk: Stored { file, end }, sum })
}

fn begin(file: File, path: &Path, seed: Option<u64>, clock: &Clock) -> io::Result<Opened> {
    let seed = seed.unwrap_or_else(rand::random);
    let mut sum = Sum::default();
    let mut disk = Stored { file, end: 0 };
    disk.file.set_len(0)?;
    disk.append(&file::header(seed, &mut sum))?;
    // A new file is found after a crash only when its folder is stored, too.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(Opened { state: State::new(clock.clone(), seed), seed, owed: Vec::new(), disk, sum })
}

struct Replay {
    state: State,
    owed: Owed,
}

impl Replay {
    /// False when it drew other ids than before.
    fn again(&mut self, Entry { at, drawn, change }: Entry) -> bool {
        let Self { state, owed } = self;
        state.clock.begin_at(at);
        change.apply(state, &mut |owing| match owing {
            Owing::Settled(job) => owed.settled(job),
            Owing::Owed(job) => owed.asked(job.clone()),
        });
        state.clock.end();
        state.take_outgoing().jobs.into_iter().for_each(|job| owed.asked(job));
        state.ids.drawn() == drawn
    }
}

/// Deliveries that were asked for and not carried out so far.
#[derive(Default)]
struct Owed {
    jobs: HashMap<Job, u64>,
    count: u64,
}

impl Owed {
    fn asked(&mut self, job: Job) {
        self.count += 1;
        self.jobs.insert(job, self.count);
    }

    fn settled(&mut self, job: &Job) {
        self.jobs.remove(job);
    }

    fn in_order(self) -> Vec<Job> {
        let mut jobs: Vec<(Job, u64)> = self.jobs.into_iter().collect();
        jobs.sort_unstable_by_key(|(_, count)| *count);
        jobs.into_iter().map(|(job, _)| job).collect()
    }
}

enum Ending {
    Whole,
    /// There was no line's end.
    Torn,
    /// There was nothing more.
    End,
}

struct Lines<'a> {
    reader: BufReader<&'a File>,
    /// The line that was read last, without its end.
    line: Vec<u8>,
}

impl Lines<'_> {
    fn next(&mut self) -> io::Result<Ending> {
        self.line.clear();
        (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)?;
        Ok(match self.line.pop() {
            None => Ending::End,
            Some(b'\n') => Ending::Whole,
            Some(last) => {
                self.line.push(last);
                Ending::Torn
            }
        })
    }

    fn is_last(&mut self) -> io::Result<bool> {
        Ok(self.reader.fill_buf()?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_would_make_other_ids_does_not_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.data");
        let clock = Clock::manual(1_000);
        for (drawn, fits) in [(32, true), (33, false)] {
            let mut sum = Sum::default();
            let mut bytes = file::header(7, &mut sum);
            let turn =
                format!("\"at\":1000,\"drawn\":{drawn},\"change\":{{\"turn\":{{\"by_ms\":5}}}}}}");
            sum.line(&turn, &mut bytes);
            std::fs::write(&path, bytes).unwrap();
            match open(&path, None, &clock) {
                Ok(opened) => assert!(fits && opened.state.turned_ms == 5),
                Err(error) => {
                    assert!(
                        !fits && error.to_string().contains("line 2: this program makes other ids")
                    );
                }
            }
        }
    }
}
