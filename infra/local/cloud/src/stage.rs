//! A group of services that stop together.

use std::io;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Time that a stage may take to stop before the next one is stopped: longer than API Gateway lets a request take.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A service ended without being stopped.
#[derive(Debug, thiserror::Error)]
#[error("{service} ended: {source}")]
pub struct ServiceError {
    /// Name of the service.
    pub service: String,
    /// The operating system's error.
    pub source: io::Error,
}

/// Running services with one shutdown token. Dropping it stops them, without waiting.
pub(crate) struct Stage {
    name: &'static str,
    tasks: TaskTracker,
    shutdown: DropGuard,
    failures: UnboundedSender<ServiceError>,
}

impl Stage {
    /// A stage without services. A service that ends before the stage does goes to `failures`.
    pub(crate) fn new(name: &'static str, failures: UnboundedSender<ServiceError>) -> Self {
        let shutdown = CancellationToken::new().drop_guard();
        Self { name, tasks: TaskTracker::new(), shutdown, failures }
    }

    /// Runs a server, which must end when its token fires.
    pub(crate) fn serve<S>(&self, service: impl Into<String>, server: impl FnOnce(CancellationToken) -> S)
    where
        S: Future<Output = io::Result<()>> + Send + 'static,
    {
        let service = service.into();
        let shutdown = self.token();
        let failures = self.failures.clone();
        let server = server(self.token());
        self.tasks.spawn(async move {
            let ended = server.await;
            if shutdown.is_cancelled() {
                if let Err(error) = ended {
                    tracing::warn!(service, %error, "did not stop cleanly");
                }
                return;
            }
            let source = ended.err().unwrap_or_else(|| io::Error::other("it returned"));
            tracing::error!(service, error = %source, "ended");
            // Without a receiver the cloud is going down, and the log has said it.
            let _ = failures.send(ServiceError { service, source });
        });
    }

    /// Stops all services and waits for them, within reason.
    pub(crate) async fn stop(self) {
        drop(self.shutdown);
        self.tasks.close();
        if tokio::time::timeout(STOP_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!(stage = self.name, left = self.tasks.len(), "some tasks did not stop in time");
        }
    }

    fn token(&self) -> CancellationToken {
        self.shutdown.token().clone()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[tokio::test]
    async fn a_service_that_ends_on_its_own_is_a_failure() {
        let (failed, mut failures) = unbounded_channel();
        let stage = Stage::new("test", failed);
        stage.serve("broken", |_| async { Err(io::Error::other("no disk")) });
        assert_eq!(failures.recv().await.unwrap().to_string(), "broken ended: no disk");
        stage.serve("idle", |_| async { Ok(()) });
        assert_eq!(failures.recv().await.unwrap().to_string(), "idle ended: it returned");
    }

    #[tokio::test]
    async fn stopping_waits_for_what_is_under_way_and_fails_nothing() {
        let (failed, mut failures) = unbounded_channel();
        let stage = Stage::new("test", failed);
        let (done, finished) = tokio::sync::oneshot::channel();
        stage.serve("server", |shutdown| async move {
            shutdown.cancelled().await;
            tokio::task::yield_now().await;
            done.send(()).map_err(|()| io::Error::other("the receiver was dropped"))
        });
        stage.stop().await;
        assert!(finished.await.is_ok());
        assert!(failures.recv().await.is_none());
    }
}
