//! The connections that are open, and how to send to one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{SetOnce, mpsc};
use tokio::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

use super::end::End;
use super::event::Origin;

/// One client, from the moment that `$connect` let it in.
pub(super) struct Connection {
    /// The part of every event that describes the connection.
    pub(super) origin: Origin,
    /// The reason for which the gateway ends the connection, once it does.
    end: SetOnce<End>,
    queue: mpsc::Sender<Message>,
    opened: Instant,
    /// Milliseconds after `opened` at which the last frame went either way.
    last_active: AtomicU64,
}

/// Reasons for which a message cannot be queued for a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PushError {
    /// The client does not read as fast as functions post.
    Full,
    /// The connection is closed.
    Gone,
}

impl Connection {
    /// Queues a message without waiting, so that a slow client never holds up who posts to it.
    pub(super) fn try_push(&self, message: Message) -> Result<(), PushError> {
        self.queue.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PushError::Full,
            mpsc::error::TrySendError::Closed(_) => PushError::Gone,
        })
    }

    /// Queues a message, waiting for room. A reply to a disconnected client is dropped.
    pub(super) async fn push(&self, message: Message) {
        if self.queue.send(message).await.is_err() {
            tracing::debug!(connection = self.origin.connection_id, "the client left before its reply");
        }
    }

    /// Has the session end for this reason, unless it ends for another one already.
    pub(super) fn end(&self, end: End) {
        if self.end.set(end).is_err() {
            tracing::debug!(connection = self.origin.connection_id, "the connection is closing already");
        }
    }

    /// Returns when the connection is [ended](Self::end).
    pub(super) async fn ended(&self) -> End {
        self.end.wait().await.clone()
    }

    /// Notes that a frame went by.
    pub(super) fn touch(&self) {
        let elapsed = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_active.store(elapsed, Ordering::Relaxed);
    }

    /// Returns the time of the last frame.
    pub(super) fn last_active(&self) -> Instant {
        self.opened + Duration::from_millis(self.last_active.load(Ordering::Relaxed))
    }

    /// The same in milliseconds since 1970.
    pub(super) fn last_active_at(&self) -> i64 {
        let elapsed = i64::try_from(self.last_active.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        self.origin.connected_at.saturating_add(elapsed)
    }
}

/// All open connections by id.
#[derive(Default)]
pub(super) struct Connections(Mutex<HashMap<String, Arc<Connection>>>);

impl Connections {
    /// Registers a connection; the receiver is what its session sends.
    pub(super) fn open(&self, origin: Origin, queue: usize) -> (Arc<Connection>, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel(queue);
        let connection = Arc::new(Connection {
            origin,
            end: SetOnce::new(),
            queue: sender,
            opened: Instant::now(),
            last_active: AtomicU64::new(0),
        });
        self.lock().insert(connection.origin.connection_id.clone(), connection.clone());
        (connection, receiver)
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Connection>> {
        self.lock().get(id).cloned()
    }

    pub(super) fn remove(&self, id: &str) -> Option<Arc<Connection>> {
        self.lock().remove(id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Connection>>> {
        // Nothing panics while it holds the lock, and a map is whole between calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
