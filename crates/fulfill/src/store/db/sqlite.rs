//! SQLite: one thread owns the only writing connection and runs whole transactions on it, arrivals
//! first; a few reading connections serve everybody else; a third party copies the log into the file,
//! so that no commit has to.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::Semaphore;

use super::{Anything, BodyOnce, Lane, Take, Tx, Value, value::Row};
use crate::{clock::Stopwatch, store::StoreError};

/// Readers side by side.
const READERS: usize = 4;
/// Prepared statements kept by each connection.
const STATEMENTS: usize = 200;
/// While both wait, arrivals get so many times the time of the others.
const ARRIVALS_SHARE: u32 = 3;
/// Of a new file. A stored delivery has about 2 KB: on smaller pages half of the room stays empty.
const PAGE_BYTES: i64 = 8_192;
/// Pages in the log before they are copied into the file (16 MB).
const LOG_PAGES: i64 = 2_000;
/// The rest that the writer copies itself, so that the log can begin anew: a few milliseconds.
const REST_PAGES: i64 = 500;
/// Rounds of copying behind a writer that does not pause.
const ROUNDS: u32 = 6;

type Job = Box<dyn FnOnce(&mut Option<Connection>) + Send>;

/// The file and who works on it.
pub(super) struct Sqlite {
    lanes: Arc<Lanes>,
    readers: Mutex<Vec<Connection>>,
    seats: Semaphore,
    path: PathBuf,
}

#[derive(Default)]
struct Lanes {
    queue: Mutex<Queue>,
    ready: Condvar,
}

#[derive(Default)]
struct Queue {
    arrivals: VecDeque<Job>,
    others: VecDeque<Job>,
    /// Time that arrivals get before the others have their next turn.
    owed: Duration,
    closed: bool,
}

/// How long the log is, and whether somebody is copying it.
#[derive(Default)]
struct Log {
    pages: AtomicI64,
    copying: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sqlite {
    /// Opens the file, making it where it is not there, and starts the writing thread.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut writer = connect(path, false)?;
        let lanes = Arc::new(Lanes::default());
        let log = Arc::new(Log::default());
        let noted = Arc::clone(&log);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            noted.pages.store(pages.into(), Ordering::Relaxed);
            Ok(())
        }))?;
        let (long, copy) = mpsc::channel();
        let copier = connect(path, false)?;
        let (theirs, ours) = (Arc::clone(&lanes), Arc::clone(&log));
        start("fulfilld-copier", move || {
            while copy.recv().is_ok() {
                copy_log(&copier, &ours, &theirs);
            }
        })?;
        let theirs = Arc::clone(&lanes);
        start("fulfilld-writer", move || theirs.run(writer, &log, &long))?;
        Ok(Self {
            lanes,
            readers: Mutex::default(),
            seats: Semaphore::new(READERS),
            path: path.to_owned(),
        })
    }

    /// Queues work for the writing thread.
    pub(super) fn send(&self, lane: Lane, job: Job) -> Result<(), StoreError> {
        let mut queue = lock(&self.lanes.queue);
        if queue.closed {
            return Err(StoreError::Closed);
        }
        match lane {
            Lane::Arrivals => queue.arrivals.push_back(job),
            Lane::Others => queue.others.push_back(job),
        }
        drop(queue);
        self.lanes.ready.notify_one();
        Ok(())
    }

    /// Runs `body` on a reading connection, off the async threads.
    pub(super) async fn read(&self, body: BodyOnce) -> Result<Anything, StoreError> {
        let _seat = self.seats.acquire().await.map_err(|_| StoreError::Closed)?;
        let idle = lock(&self.readers).pop();
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut conn = Some(match idle {
                Some(conn) => conn,
                None => connect(&path, true)?,
            });
            let result = transact(&mut conn, false, body, &|_| {});
            Ok::<_, StoreError>((conn, result))
        });
        let (conn, result) = done.await.map_err(|_| StoreError::Closed)??;
        if let Some(conn) = conn {
            lock(&self.readers).push(conn);
        }
        result
    }

    /// Lets the queued work finish, then ends the thread; the log is copied into the file.
    pub(super) async fn close(&self) {
        let (done, closed) = tokio::sync::oneshot::channel();
        self.send(
            Lane::Others,
            Box::new(move |conn| {
                if let Some(conn) = conn.take() {
                    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").ok();
                }
                done.send(()).ok();
            }),
        )
        .ok();
        lock(&self.lanes.queue).closed = true;
        self.lanes.ready.notify_one();
        closed.await.ok();
        lock(&self.readers).clear();
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        lock(&self.lanes.queue).closed = true;
        self.lanes.ready.notify_one();
    }
}

impl Lanes {
    fn run(&self, writer: Connection, log: &Log, long: &mpsc::Sender<()>) {
        let mut writer = Some(writer);
        while let Some((lane, job)) = self.next() {
            let began = Stopwatch::start();
            job(&mut writer);
            let took = began.elapsed();
            let mut queue = lock(&self.queue);
            queue.owed = match lane {
                Lane::Arrivals => queue.owed.saturating_sub(took),
                Lane::Others => took * ARRIVALS_SHARE,
            };
            drop(queue);
            if log.pages.load(Ordering::Relaxed) >= LOG_PAGES
                && !log.copying.swap(true, Ordering::Relaxed)
            {
                long.send(()).ok();
            }
        }
    }

    /// Arrivals go first, but never so long that nobody else gets a turn.
    fn next(&self) -> Option<(Lane, Job)> {
        let mut queue = lock(&self.queue);
        loop {
            let others_turn = queue.owed.is_zero() && !queue.others.is_empty();
            if !others_turn && let Some(job) = queue.arrivals.pop_front() {
                return Some((Lane::Arrivals, job));
            }
            if let Some(job) = queue.others.pop_front() {
                return Some((Lane::Others, job));
            }
            if queue.closed {
                return None;
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(|_| ())
        .map_err(|e| StoreError::Unusable(format!("no thread for {name}: {e}")))
}

/// Copies the log into the file beside the writer, round by round while it grows; the last pages are
/// copied by the writer itself, between two commits: then the log begins anew.
fn copy_log(copier: &Connection, log: &Arc<Log>, lanes: &Lanes) {
    for _ in 0..ROUNDS {
        let copied = checkpoint(copier);
        if copied.is_none_or(|copied| log.pages.load(Ordering::Relaxed) - copied < REST_PAGES) {
            break;
        }
    }
    let log = Arc::clone(log);
    let mut queue = lock(&lanes.queue);
    queue.others.push_front(Box::new(move |conn| {
        if let Some(conn) = conn {
            checkpoint(conn);
        }
        log.pages.store(0, Ordering::Relaxed);
        log.copying.store(false, Ordering::Relaxed);
    }));
    drop(queue);
    lanes.ready.notify_one();
}

/// Copies what can be copied without anybody waiting; returns how many of the log's pages are.
fn checkpoint(conn: &Connection) -> Option<i64> {
    let row = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2));
    row.inspect_err(|error| tracing::warn!(%error, "SQLite's log could not be copied")).ok()
}

fn connect(path: &Path, read_only: bool) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(10))?;
    // A plan stays as it was made. Otherwise SQLite looks at the values of each run, wherever a table has an
    // index of a part of its rows, and makes the plan anew.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.pragma_update(None, "page_size", PAGE_BYTES)?;
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    if read_only {
        conn.pragma_update(None, "query_only", true)?;
    } else {
        conn.pragma_update(None, "cache_size", -16_384)?;
    }
    Ok(conn)
}

/// Runs one transaction to its end. Its body never waits for anything but the connection, so it is
/// ready at its first poll; a body that waits for something else is a mistake and rolled back.
pub(super) fn transact(
    conn: &mut Option<Connection>,
    write: bool,
    body: BodyOnce,
    tripwire: &dyn Fn(bool),
) -> Result<Anything, StoreError> {
    use futures_util::FutureExt as _;
    let owned = conn.take().ok_or(StoreError::Closed)?;
    if let Err(error) = execute(&owned, if write { "BEGIN IMMEDIATE" } else { "BEGIN" }, &[]) {
        *conn = Some(owned);
        return Err(error);
    }
    let mut tx = Tx::Sqlite(owned);
    let ran =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(&mut tx).now_or_never()));
    let Tx::Sqlite(owned) = tx else { return Err(StoreError::Closed) };
    let result = match ran {
        Ok(Some(result)) => result,
        Ok(None) => Err(StoreError::Unusable("a transaction waited for something else".into())),
        Err(_) => Err(StoreError::Unusable("a transaction panicked".into())),
    };
    let result = result.and_then(|value| {
        tripwire(false);
        execute(&owned, "COMMIT", &[])?;
        tripwire(true);
        Ok(value)
    });
    if result.is_err() && !owned.is_autocommit() {
        owned.execute_batch("ROLLBACK").ok();
    }
    *conn = Some(owned);
    result
}

pub(super) fn fetch(
    conn: &Connection,
    sql: &str,
    values: &[Value],
    take: Take<'_>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        take(Row::Sqlite(row))?;
    }
    Ok(())
}

pub(super) fn execute(conn: &Connection, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    Ok(statement.execute(rusqlite::params_from_iter(values))? as u64)
}

/// The statement that inserts each of `rows`.
pub(super) fn insert(head: &str, rows: &[Vec<Value>], tail: &str) -> String {
    let width = rows.first().map_or(0, Vec::len);
    let marks: Vec<String> = (1..=width).map(|n| format!("?{n}")).collect();
    format!("INSERT INTO {head} VALUES ({}) {tail}", marks.join(","))
}
