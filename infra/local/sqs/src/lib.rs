//! SQS: the stack's queues, in this process, behind the real wire protocol.
//!
//! Visibility timeouts, delays, long polling, batches, FIFO groups, de-duplication, redrive to dead-letter queues, retention, move tasks,
//! and SQS's limits with its codes and words. Not emulated: the limit of messages in flight, and fairness between the groups of a
//! standard queue.
//!
//! With a journal, every accepted message, deletion and receive is on the disk before its answer. A message keeps its id, its
//! receive count, its delay and the dead-letter queue it has moved to when the process is killed; one that was in flight is
//! visible after the start, since nobody has it any more.

mod attributes;
mod error;
mod handle;
mod journal;
mod limits;
mod message;
mod move_tasks;
mod operations;
mod queue;
mod receiving;
mod sending;
mod service;
mod state;
mod trace;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use local_aws::{Admission, http_server};
use local_template::model;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio_util::sync::CancellationToken;

pub use error::SqsError;
use journal::{Journal, Written};
use move_tasks::MoveTask;
use queue::Queue;
use state::{Change, State};
use trace::Traced;

/// Reasons for which the queues could not be started.
#[derive(Debug, thiserror::Error)]
pub enum QueuesError {
    /// SQS refuses the queue as the template has it.
    #[error("queue `{queue}`: {error}")]
    Queue { queue: String, error: SqsError },
    /// The messages of the last run cannot be read or written.
    #[error("{}: {error}", path.display())]
    Journal { path: PathBuf, error: io::Error },
}

/// The queues of a stack. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sqs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    region: String,
    account: String,
    address: SocketAddr,
    locked: Mutex<Locked>,
    /// Notifies waiting polls that a message may have become visible.
    changed: Notify,
}

/// State and journal under one lock: their orders of changes are the same.
#[derive(Debug, Default)]
struct Locked {
    state: State,
    journal: Option<Journal>,
    /// Changes of the request under way.
    records: Vec<Change>,
    /// Move tasks, in their order.
    moves: Vec<MoveTask>,
}

impl Sqs {
    /// Creates the queues, reached at `address`, with the messages of the journal. Without a journal nothing is kept.
    pub async fn start(
        region: &str,
        account: &str,
        address: SocketAddr,
        queues: &[model::Queue],
        journal: Option<PathBuf>,
    ) -> Result<Self, QueuesError> {
        let now = now();
        let mut state = State::default();
        for queue in queues {
            let new = Queue::new(queue, now);
            let new = new.map_err(|error| QueuesError::Queue { queue: queue.logical_id.clone(), error })?;
            state.queues.insert(queue.name.clone(), new);
        }
        let open = move || match journal {
            None => Ok(Locked { state, ..Locked::default() }),
            Some(path) => restore(state, &path, now).map_err(|error| QueuesError::Journal { path, error }),
        };
        // Only a panic in there makes this fail.
        let opened = tokio::task::spawn_blocking(open).await;
        let locked =
            opened.map_err(|error| QueuesError::Journal { path: PathBuf::new(), error: io::Error::other(error) })??;
        let (region, account) = (region.to_owned(), account.to_owned());
        let inner = Inner { region, account, address, locked: Mutex::new(locked), changed: Notify::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Serves the SQS API (AWS JSON protocol) to signed requests until the token fires.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let service = Traced(SqsHttpService::new(Arc::new(self.clone()), SqsHttpConfig::default()));
        let admission = Admission::signed(&["sqs"]).with_content_type("application/x-amz-json-1.");
        http_server::serve(service, admission, listener, shutdown).await
    }

    /// Ready once a message is sent to any queue, or one is deleted that may have held back others of its group, counted
    /// from this call on, not from when the future is first polled.
    /// Returns a future that resolves when a message was added or became visible.
    pub fn changed(&self) -> Notified<'_> {
        self.inner.changed.notified()
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.inner.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes changes at once, and waits until their records are on the disk.
    async fn change<T>(&self, change: impl FnOnce(&mut Locked) -> Result<T, SqsError>) -> Result<T, SqsError> {
        let (result, written) = {
            let mut locked = self.lock();
            let result = change(&mut locked);
            (result, locked.commit()?)
        };
        if let Some(written) = written {
            self.inner.changed.notify_waiters();
            if written.await.is_err() {
                return Err(SqsError::new(error::INTERNAL, "The journal of the queues cannot be written."));
            }
        } else {
            self.inner.changed.notify_waiters();
        }
        result
    }
}

impl Locked {
    /// Applies a change and keeps it for the journal.
    fn apply(&mut self, change: Change) {
        if self.journal.is_some() {
            self.records.push(change.clone());
        }
        self.state.apply(change);
    }

    /// Hands the changes over to the journal; `None` if there are none, or there is no journal.
    fn commit(&mut self) -> Result<Option<Written>, SqsError> {
        let records = std::mem::take(&mut self.records);
        let Some(journal) = self.journal.as_mut().filter(|_| !records.is_empty()) else { return Ok(None) };
        let text = |records: &[Change]| {
            journal::write_records(records).map_err(|error| SqsError::new(error::INTERNAL, error.to_string()))
        };
        let written = journal.append(text(&records)?);
        if journal.is_large() {
            journal.rewrite(text(&self.state.changes(now()))?);
        }
        Ok(Some(written))
    }

    fn queue(&mut self, url: &str) -> Result<&mut Queue, SqsError> {
        if url.is_empty() {
            return Err(SqsError::missing("QueueUrl"));
        }
        // Clients may write the host in another way.
        let name = url.rsplit('/').next().unwrap_or_default();
        self.state.queues.get_mut(name).ok_or_else(SqsError::no_queue)
    }
}

/// Reads the journal, and begins it anew with what is left of it.
fn restore(mut state: State, path: &Path, now: u64) -> io::Result<Locked> {
    for change in journal::read(path)? {
        state.apply(change);
    }
    for queue in state.queues.values_mut() {
        queue.release_all(now);
    }
    let journal = Journal::start(path.to_owned(), &journal::write_records(&state.changes(now))?)?;
    Ok(Locked { state, journal: Some(journal), ..Locked::default() })
}

/// Milliseconds since the epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
