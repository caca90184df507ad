//! SQLite: one thread owns the only writing connection and runs whole transactions on it, arrivals
//! first; a few reading connections serve everybody else.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::{Lane, Tx, Value, value::FromRow};
use crate::store::StoreError;

/// Readers side by side.
const READERS: usize = 4;
/// Prepared statements kept by each connection.
const STATEMENTS: usize = 200;
/// Pages in the log before they are copied into the file.
const CHECKPOINT_PAGES: i64 = 8_000;

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
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sqlite {
    /// Opens the file, making it where it is not there, and starts the writing thread.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let writer = connect(path, false)?;
        let lanes = Arc::new(Lanes::default());
        let theirs = Arc::clone(&lanes);
        let (started, start) = mpsc::channel();
        std::thread::Builder::new()
            .name("fulfilld-writer".into())
            .spawn(move || {
                started.send(()).ok();
                theirs.run(writer);
            })
            .map_err(|e| StoreError::Unusable(format!("no thread for the writer: {e}")))?;
        start.recv().map_err(|_| StoreError::Closed)?;
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

    /// Runs `work` on a reading connection, off the async threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Option<Connection>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _seat = self.seats.acquire().await.map_err(|_| StoreError::Closed)?;
        let idle = lock(&self.readers).pop();
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut conn = Some(match idle {
                Some(conn) => conn,
                None => connect(&path, true)?,
            });
            let result = work(&mut conn);
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
    fn run(&self, writer: Connection) {
        let mut writer = Some(writer);
        while let Some(job) = self.next() {
            job(&mut writer);
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(job) = queue.arrivals.pop_front().or_else(|| queue.others.pop_front()) {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn connect(path: &Path, read_only: bool) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(10))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
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
pub(super) fn transact<T>(
    conn: &mut Option<Connection>,
    write: bool,
    body: impl for<'t> FnOnce(&'t mut Tx) -> futures_util::future::BoxFuture<'t, Result<T, StoreError>>,
    tripwire: impl Fn(bool),
) -> Result<T, StoreError> {
    use futures_util::FutureExt as _;
    let owned = conn.take().ok_or(StoreError::Closed)?;
    if let Err(error) = owned.execute_batch(if write { "BEGIN IMMEDIATE" } else { "BEGIN" }) {
        *conn = Some(owned);
        return Err(error.into());
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
        owned.execute_batch("COMMIT")?;
        tripwire(true);
        Ok(value)
    });
    if result.is_err() && !owned.is_autocommit() {
        owned.execute_batch("ROLLBACK").ok();
    }
    *conn = Some(owned);
    result
}

pub(super) fn fetch<T: FromRow>(
    conn: &Connection,
    sql: &str,
    values: &[Value],
) -> Result<Vec<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(T::sqlite(row)?);
    }
    Ok(found)
}

pub(super) fn execute(conn: &Connection, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    Ok(statement.execute(rusqlite::params_from_iter(values))? as u64)
}
