//! Worker of the `export` queue: writes exports, and deletes what is left of those that were given up.
//!
//! A task that fails is received again; all of it is safe to repeat.

mod serve;

use aws_lambda_events::sqs::SqsEvent;
use chat::exports::{ExportJob, Finished};
use chat::notify::UserNotifier;
use domain::Timestamp;
use domain::error::causes;
use domain::protocol::Push;
use store::StoreError;

pub use serve::serve;

/// Works on the queue.
#[derive(Debug)]
pub struct Worker {
    pub job: ExportJob,
    pub notifier: UserNotifier,
}

impl Worker {
    /// Does the tasks of a batch; returns the ids of the queue messages to retry.
    pub async fn handle(&self, event: SqsEvent, deadline: Timestamp) -> Vec<String> {
        let mut failed = Vec::new();
        for message in event.records {
            let task = message.body.as_deref().unwrap_or_default();
            if let Err(error) = self.work(task, deadline).await {
                let queue_message_id = message.message_id.as_deref();
                tracing::error!(
                    queue_message_id,
                    task,
                    error = causes(&error),
                    "the work on an export will be retried"
                );
                failed.extend(message.message_id);
            }
        }
        failed
    }

    async fn work(&self, task: &str, deadline: Timestamp) -> Result<(), StoreError> {
        if let Some(finished) = self.job.work(serde_json::from_str(task)?, deadline).await? {
            self.notify(finished).await;
        }
        Ok(())
    }

    /// Notifies the user's devices. Those that miss it ask for the state.
    async fn notify(&self, Finished { user_id, export }: Finished) {
        if !user_id.is_system() {
            self.notifier.push(user_id, &Push::Export { export }).await;
        }
    }
}
