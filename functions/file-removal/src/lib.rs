//! The worker of the `files` queue: removes what nobody has a use for once its time has come.

use std::error::Error;

use aws_lambda_events::sqs::SqsEvent;
use chat::files::Removal;
use domain::Timestamp;
use domain::error::causes;
use store::sqs::FilesBody;

/// What the worker needs.
#[derive(Debug)]
pub struct Worker {
    /// The files, and how they go.
    pub removal: Removal,
}

impl Worker {
    /// Works on a batch; gives back the ids of the queue messages that have to come again.
    pub async fn handle(&self, event: SqsEvent) -> Vec<String> {
        let mut failed = Vec::new();
        for message in event.records {
            if let Err(error) = self.work(message.body.as_deref().unwrap_or_default()).await {
                tracing::error!(error = causes(&*error), "a file will be looked at again");
                failed.extend(message.message_id);
            }
        }
        failed
    }

    async fn work(&self, body: &str) -> Result<(), Box<dyn Error>> {
        let body: FilesBody = serde_json::from_str(body)?;
        let now = Timestamp::now();
        if body.due().is_some_and(|due| due > now) {
            // The queue keeps nothing back for as long as this takes.
            return Ok(self.removal.release.queue.send_files(body, now).await?);
        }
        match body {
            FilesBody::Upload { file_id, .. } => self.removal.expire(file_id).await?,
            FilesBody::Released { file_id, .. } => self.removal.finish(file_id).await?,
            FilesBody::User { user_id, after } => self.removal.forget_some(user_id, after).await?,
        }
        Ok(())
    }
}
