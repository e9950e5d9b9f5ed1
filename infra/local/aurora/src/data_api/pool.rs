//! Connections, shared by all calls and transactions.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::Config;

use super::errors::DataApiError;
use super::session::Session;
use crate::Login;

/// At most as many connections as allowed, idle ones included.
pub(super) struct Pool {
    config: Config,
    /// Connections that are neither in use nor idle.
    free: Arc<Semaphore>,
    size: usize,
    patience: Duration,
    /// Clean sessions, most recently used last.
    idle: Mutex<Vec<Session>>,
}

/// A session and its place in the pool. Dropping it closes the connection; PostgreSQL rolls back what was open.
pub(super) struct Lease {
    pub(super) session: Session,
    place: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(config: Config, size: usize, patience: Duration) -> Self {
        Self { config, free: Arc::new(Semaphore::new(size)), size, patience, idle: Mutex::default() }
    }

    /// A clean session of `database`, as `user` or as the owner.
    pub(super) async fn acquire(&self, database: &str, user: Option<Login>) -> Result<Lease, DataApiError> {
        let waiting = tokio::time::timeout(self.patience, Arc::clone(&self.free).acquire_owned());
        // The semaphore is never closed: both errors mean that no place became free.
        let Ok(Ok(place)) = waiting.await else {
            return Err(DataApiError::ServiceUnavailable);
        };
        if let Some(session) = self.take_idle(database, user.as_ref()) {
            return Ok(Lease { session, place });
        }
        let session = Session::connect(&self.config, database, user).await?;
        Ok(Lease { session, place })
    }

    /// Takes a session back: rolls back its transaction and resets its settings. Closes it if one of its statements was
    /// cancelled.
    pub(super) async fn release(&self, lease: Lease) {
        let Lease { session, place } = lease;
        let mut reset = session.reset().await;
        if session.is_cancelled() && reset.is_err() {
            // The late cancel request may have hit the reset.
            reset = session.reset().await;
        }
        match reset {
            Ok(()) if session.is_cancelled() => {}
            Ok(()) => self.idle().push(session),
            Err(error) => tracing::debug!(%error, "a connection is closed instead of reused"),
        }
        // After the session is back, so that a waiting call finds it.
        drop(place);
    }

    /// Also makes room for another connection where all places are taken by other databases' idle ones.
    fn take_idle(&self, database: &str, user: Option<&Login>) -> Option<Session> {
        let mut idle = self.idle();
        idle.retain(|session| !session.is_closed());
        if let Some(index) = idle.iter().rposition(|session| session.is_of(database, user)) {
            return Some(idle.remove(index));
        }
        let in_use = self.size - self.free.available_permits();
        if in_use + idle.len() > self.size {
            idle.remove(0);
        }
        None
    }

    /// A panic elsewhere cannot leave the list half-changed.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
