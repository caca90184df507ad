//! What was changed, in a file, so that a sandbox that stops or crashes goes on where it was.
//!
//! The file is text, one JSON object a line, only ever added to:
//!
//! ```text
//! {"sum":"5f0c91aa","format":1,"seed":7}
//! {"sum":"01b2e7c4","at":1790000000000,"drawn":32,"change":{"start":{"base":"http://127.0.0.1:12111","settle_ms":2000}}}
//! {"sum":"9ad04e13","at":1790000000214,"drawn":70,"change":{"call":{"method":"POST","path":"/v1/products", … }}}
//! ```
//!
//! `at` is the sandbox's time in milliseconds since 1970, `change` one of [`crate::change`]'s
//! commands by name, `drawn` how often chance had been asked when it was made: a program that makes
//! other ids of the same changes must not go on as if they were those that were answered. `sum` is the first four bytes of SHA-256 over the sum before it and the rest of
//! its own line, so a line that was altered, lost or moved is noticed. The state itself is not in the
//! file: the changes are made again, with the seed that the first line tells and at the times that
//! the others tell, and give the same ids and events.
//!
//! A change is in the file, and the file on the disk, before its answer or its deliveries go out; one
//! `fsync` serves all that wait. A last line that is torn was never answered and is cut off. Outcomes
//! of deliveries are written without anybody waiting: a delivery whose outcome was lost goes out
//! again. Faults and open connections belong to the process and are not kept. Keys are not in the
//! file, but for restricted ones, whose permissions matter; endpoints' secrets follow from the seed.

mod file;
mod replay;

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::watch;

pub use self::file::DataError;
pub(crate) use self::{
    file::{Disk, Stored, Sum},
    replay::{Opened, open},
};
use crate::{app::App, change::Change, state::Outgoing};

/// How long the writer waits before it tries a disk again that refused.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Keeps changes; whoever answers for one waits until it is stored.
#[derive(Debug)]
pub(crate) struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// The writer has something to do.
    more: Condvar,
    /// The writer has done something.
    done: Condvar,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct Queue {
    lines: Vec<Line>,
    appended: u64,
    closing: bool,
}

/// Around a change, besides what it carries itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Made {
    /// When, on the sandbox's clock, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// How often chance had been asked after it.
    pub(crate) drawn: u64,
}

#[derive(Debug)]
struct Line {
    made: Made,
    change: String,
    /// Deliveries that go out when the line is stored.
    outgoing: Outgoing,
}

#[derive(Debug, Default)]
struct Progress {
    stored: u64,
    /// Why the disk takes nothing now.
    refused: Option<Arc<str>>,
    closed: bool,
}

impl Progress {
    fn of(&self, line: u64) -> Option<Result<(), Arc<str>>> {
        if self.stored >= line {
            return Some(Ok(()));
        }
        if self.closed && self.refused.is_none() {
            return Some(Err("the sandbox has stopped".into()));
        }
        self.refused.clone().map(Err)
    }
}

impl Shared {
    /// Wakes all that wait.
    fn tell(&self, what: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(what);
        // Whoever is about to wait has the lock until it waits.
        drop(locked(&self.queue));
        self.done.notify_all();
    }
}

fn locked(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The change as its line has it.
pub(crate) fn written<C: Change>(change: &C) -> String {
    let text = serde_json::to_string(change).unwrap_or_default();
    format!("{{\"{}\":{text}}}", C::NAME)
}

impl Journal {
    /// Starts the writer. It ends when the journal is closed or dropped.
    pub(crate) fn start(disk: impl Disk, sum: Sum, app: Weak<App>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            more: Condvar::new(),
            done: Condvar::new(),
            progress: watch::Sender::default(),
        });
        let writer = Writer { shared: Arc::clone(&shared), disk, sum, app };
        std::thread::Builder::new().name("journal".into()).spawn(move || writer.work())?;
        Ok(Self { shared })
    }

    /// Puts a change at the journal's end. Callers hold the state's lock, so that the order is the
    /// one in which changes were made.
    pub(crate) fn append(&self, made: Made, change: String, outgoing: Outgoing) {
        let mut queue = locked(&self.shared.queue);
        queue.lines.push(Line { made, change, outgoing });
        queue.appended += 1;
        drop(queue);
        self.shared.more.notify_one();
    }

    /// Waits until everything that was changed before is stored; the error is the disk's reason.
    pub(crate) async fn stored(&self) -> Result<(), Arc<str>> {
        let line = locked(&self.shared.queue).appended;
        let mut progress = self.shared.progress.subscribe();
        let seen = progress.wait_for(|progress| progress.of(line).is_some()).await;
        seen.ok().and_then(|progress| progress.of(line)).unwrap_or(Ok(()))
    }

    /// As [`Journal::stored`], for callers that cannot await.
    pub(crate) fn stored_blocking(&self) -> Result<(), Arc<str>> {
        self.stored_from(locked(&self.shared.queue))
    }

    fn stored_from(&self, mut queue: MutexGuard<'_, Queue>) -> Result<(), Arc<str>> {
        let line = queue.appended;
        loop {
            if let Some(stored) = self.shared.progress.borrow().of(line) {
                return stored;
            }
            queue = self.shared.done.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Why the disk takes nothing now.
    pub(crate) fn refusal(&self) -> Option<Arc<str>> {
        self.shared.progress.borrow().refused.clone()
    }

    /// Waits until the disk takes what it is given.
    pub(crate) async fn well(&self) {
        let mut progress = self.shared.progress.subscribe();
        let _ = progress.wait_for(|progress| progress.refused.is_none()).await;
    }

    /// Writes what there is and lets go of the file.
    pub(crate) async fn close(&self) {
        self.end();
        let mut progress = self.shared.progress.subscribe();
        let _ = progress.wait_for(|progress| progress.closed).await;
    }

    fn end(&self) {
        locked(&self.shared.queue).closing = true;
        self.shared.more.notify_one();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.end();
    }
}

struct Writer<D> {
    shared: Arc<Shared>,
    disk: D,
    sum: Sum,
    app: Weak<App>,
}

impl<D: Disk> Writer<D> {
    fn work(mut self) {
        while let Some(lines) = self.next() {
            let mut bytes = Vec::new();
            for line in &lines {
                let Made { at_ms, drawn } = line.made;
                let rest = format!("\"at\":{at_ms},\"drawn\":{drawn},\"change\":{}}}", line.change);
                self.sum.line(&rest, &mut bytes);
            }
            if !self.store(&bytes) {
                break;
            }
            let count = lines.len() as u64;
            // Before anybody is answered: who listens from the answer on hears of what comes after it.
            if let Some(app) = self.app.upgrade() {
                lines.into_iter().for_each(|line| app.send(line.outgoing));
            }
            self.shared.tell(|progress| progress.stored += count);
        }
        let Self { shared, disk, .. } = self;
        drop(disk);
        shared.tell(|progress| progress.closed = true);
    }

    /// What waits to be written; nothing once the journal is closed.
    fn next(&self) -> Option<Vec<Line>> {
        let mut queue = locked(&self.shared.queue);
        while queue.lines.is_empty() {
            if queue.closing {
                return None;
            }
            queue = self.shared.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        Some(std::mem::take(&mut queue.lines))
    }

    /// Stores the bytes, however long the disk refuses; false when the sandbox stopped meanwhile.
    fn store(&mut self, bytes: &[u8]) -> bool {
        while let Err(error) = self.disk.append(bytes) {
            if self.shared.progress.borrow().refused.is_none() {
                tracing::error!(
                    %error,
                    "the data file cannot be written: every request is answered 500 until it can"
                );
            }
            let why: Arc<str> = error.to_string().into();
            self.shared.tell(|progress| progress.refused = Some(why));
            let queue = locked(&self.shared.queue);
            let waited = self.shared.more.wait_timeout_while(queue, TRY_AGAIN, |q| !q.closing);
            if waited.unwrap_or_else(PoisonError::into_inner).0.closing {
                return self.disk.append(bytes).is_ok();
            }
        }
        if self.shared.progress.borrow().refused.is_some() {
            tracing::info!("the data file is written again; nothing that was answered is missing");
            self.shared.tell(|progress| progress.refused = None);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            atomic::{AtomicBool, Ordering},
            mpsc,
        },
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Paper {
        full: Arc<AtomicBool>,
        text: Arc<Mutex<String>>,
    }

    impl Disk for Paper {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            if self.full.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.text.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_what_waited_is_stored_when_there_is_room_again() {
        let paper = Paper::default();
        let journal = Journal::start(paper.clone(), Sum::default(), Weak::new()).unwrap();
        journal.append(Made { at_ms: 1, drawn: 0 }, "{}".into(), Outgoing::default());
        assert_eq!(journal.stored().await, Ok(()));
        paper.full.store(true, Ordering::SeqCst);
        journal.append(Made { at_ms: 2, drawn: 0 }, "{}".into(), Outgoing::default());
        assert!(journal.stored().await.is_err());
        assert!(journal.stored_blocking().is_err());
        assert!(journal.refusal().is_some());
        assert_eq!(paper.text.lock().unwrap().lines().count(), 1);
        paper.full.store(false, Ordering::SeqCst);
        journal.well().await;
        assert_eq!(journal.stored().await, Ok(()));
        journal.close().await;
        let text = paper.text.lock().unwrap().clone();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.ends_with("\"at\":2,\"drawn\":0,\"change\":{}}\n"), "{text}");
    }

    #[tokio::test]
    async fn a_sandbox_stops_although_its_disk_is_full() {
        let paper = Paper::default();
        paper.full.store(true, Ordering::SeqCst);
        let journal = Journal::start(paper, Sum::default(), Weak::new()).unwrap();
        journal.append(Made { at_ms: 1, drawn: 0 }, "{}".into(), Outgoing::default());
        journal.close().await;
        assert!(journal.stored().await.is_err());
    }

    /// Its file is let go of slowly: tells that this begins, and goes on when told.
    struct Slow(mpsc::Sender<()>, mpsc::Receiver<()>);

    impl Disk for Slow {
        fn append(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
    }

    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
            self.1.recv().unwrap();
        }
    }

    #[test]
    fn whoever_waits_while_the_sandbox_stops_is_told_that_it_has() {
        let ((begins, begun), (go, goes)) = (mpsc::channel(), mpsc::channel());
        let journal = Journal::start(Slow(begins, goes), Sum::default(), Weak::new()).unwrap();
        journal.end();
        begun.recv().unwrap();
        journal.append(Made { at_ms: 1, drawn: 0 }, "{}".into(), Outgoing::default());
        let (asks, asked) = mpsc::channel();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| {
                // It has the lock until it waits.
                let queue = locked(&journal.shared.queue);
                asks.send(()).unwrap();
                journal.stored_from(queue)
            });
            asked.recv().unwrap();
            drop(locked(&journal.shared.queue));
            go.send(()).unwrap();
            assert!(waits.join().unwrap().is_err());
        });
    }
}
