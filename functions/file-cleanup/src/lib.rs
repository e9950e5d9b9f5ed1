//! Worker of the `files` queue: deletes expired files, uploads that never arrived, and the files of deleted users.

mod serve;

use std::error::Error;

use aws_lambda_events::sqs::SqsEvent;
use chat::files::Files;
use domain::error::causes;

pub use serve::serve;

/// Works on the queue.
#[derive(Debug)]
pub struct Worker {
    pub files: Files,
}

impl Worker {
    /// Works on a batch. Returns the ids of the queue messages that have to be retried.
    pub async fn handle(&self, event: SqsEvent) -> Vec<String> {
        let mut failed = Vec::new();
        for message in event.records {
            let body = message.body.as_deref().unwrap_or_default();
            if let Err(error) = self.work(body).await {
                let queue_message_id = message.message_id.as_deref();
                tracing::error!(
                    queue_message_id,
                    body,
                    error = causes(&*error),
                    "the cleanup of a file will be retried"
                );
                failed.extend(message.message_id);
            }
        }
        failed
    }

    async fn work(&self, body: &str) -> Result<(), Box<dyn Error>> {
        Ok(self.files.clean_up(serde_json::from_str(body)?).await?)
    }
}
