//! Group commit: the writes that are under way together share one flush of the write-ahead log.
//!
//! SQLite leaves the log of a commit in the system's cache (`synchronous = NORMAL`); what it needs to stay whole, it flushes
//! itself when it moves the log into the database. A write is answered when the log has been flushed after it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;

/// Writes after which the log is moved into the database. SQLite does it at 1,000 pages by itself, while a write waits for it.
const CHECKPOINT_WRITES: usize = 100;

/// The write-ahead log of a database. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct WriteAheadLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: File,
    database: PathBuf,
    waiting: Mutex<Waiting>,
}

/// The writes that wait for the next flush.
#[derive(Debug, Default)]
struct Waiting {
    writes: Vec<oneshot::Sender<Result<(), Arc<io::Error>>>>,
    is_flushing: bool,
    /// Writes since the log was last moved into the database.
    unmoved: usize,
    is_moving: bool,
}

impl WriteAheadLog {
    /// Opens the log of a database that is open.
    pub(crate) fn open(database: PathBuf) -> io::Result<Self> {
        let mut file = database.clone().into_os_string();
        file.push("-wal");
        let file = File::open(file)?;
        Ok(Self(Arc::new(Inner { file, database, waiting: Mutex::default() })))
    }

    /// Returns when what has been written so far is on the disk.
    pub(crate) async fn flushed(&self) -> Result<(), Arc<io::Error>> {
        let (sender, receiver) = oneshot::channel();
        let is_first = {
            let mut waiting = self.0.lock();
            waiting.writes.push(sender);
            waiting.unmoved += 1;
            !std::mem::replace(&mut waiting.is_flushing, true)
        };
        if is_first {
            let inner = self.0.clone();
            tokio::task::spawn_blocking(move || inner.flush());
        }
        // Without an answer the runtime is being shut down, and the write is as good as lost.
        receiver.await.unwrap_or_else(|_| Err(Arc::new(io::ErrorKind::Interrupted.into())))
    }
}

impl Inner {
    /// Flushes until nothing waits: what comes during one flush shares the next. Returns how often it has flushed.
    fn flush(self: &Arc<Self>) -> usize {
        let mut flushes = 0;
        loop {
            let writes = {
                let mut waiting = self.lock();
                if waiting.writes.is_empty() {
                    waiting.is_flushing = false;
                    return flushes;
                }
                std::mem::take(&mut waiting.writes)
            };
            let result = self.file.sync_data().map_err(Arc::new);
            flushes += 1;
            for write in writes {
                // A client that has gone away does not need to know.
                let _ = write.send(result.clone());
            }
            if self.has_enough_to_move() {
                let inner = self.clone();
                tokio::task::spawn_blocking(move || inner.checkpoint());
            }
        }
    }

    fn has_enough_to_move(&self) -> bool {
        let mut waiting = self.lock();
        let is_due = waiting.unmoved >= CHECKPOINT_WRITES && !waiting.is_moving;
        waiting.is_moving |= is_due;
        is_due
    }

    /// Moves the log into the database, beside the flushes. A failure only leaves it to SQLite.
    fn checkpoint(&self) {
        let moved = Connection::open(&self.database)
            .and_then(|connection| connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())));
        if let Err(error) = moved {
            tracing::debug!(%error, "the write-ahead log is not moved into the database");
        }
        let mut waiting = self.lock();
        (waiting.unmoved, waiting.is_moving) = (0, false);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A database with a table, open for as long as the connection lives.
    fn database() -> (tempfile::TempDir, Connection, WriteAheadLog) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("database");
        let connection = Connection::open(&file).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE numbers (number)").unwrap();
        let log = WriteAheadLog::open(file).unwrap();
        (folder, connection, log)
    }

    #[tokio::test]
    async fn writes_that_wait_share_a_flush() {
        let (_folder, _connection, log) = database();
        // As if a flush were under way.
        log.0.lock().is_flushing = true;
        let writes: Vec<_> = (0..50)
            .map(|_| {
                tokio::spawn({
                    let log = log.clone();
                    async move { log.flushed().await }
                })
            })
            .collect();
        while log.0.lock().writes.len() < 50 {
            tokio::task::yield_now().await;
        }
        assert!(writes.iter().all(|write| !write.is_finished()), "before the flush there is no answer");
        assert_eq!(log.0.flush(), 1);
        for write in writes {
            write.await.unwrap().unwrap();
        }
        log.flushed().await.unwrap();
    }

    #[tokio::test]
    async fn a_log_that_has_grown_is_moved_into_the_database() {
        let (folder, connection, log) = database();
        connection.execute_batch("PRAGMA wal_autocheckpoint = 0").unwrap();
        for number in 0..CHECKPOINT_WRITES {
            connection.execute("INSERT INTO numbers VALUES (?1)", [number]).unwrap();
            log.flushed().await.unwrap();
        }
        // What a reader finds who has the database without its log.
        let copy = folder.path().join("copy");
        let moved = || {
            std::fs::copy(folder.path().join("database"), &copy).unwrap();
            let connection = Connection::open(&copy)?;
            connection.query_row("SELECT count(*) FROM numbers", [], |row| row.get::<_, usize>(0))
        };
        let all = async {
            while moved().unwrap_or_default() < CHECKPOINT_WRITES {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
    }
}
