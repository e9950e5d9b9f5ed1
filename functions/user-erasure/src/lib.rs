//! Worker of the `erasure` queue: erases everything that deleted users wrote.
//!
//! A task that fails is received again; all of it is safe to repeat.

mod serve;

use aws_lambda_events::sqs::SqsEvent;
use chat::archive::ArchiveError;
use chat::erasure::ErasureJob;
use domain::Timestamp;
use lambda_kit::queue;
use store::StoreError;

pub use serve::serve;

/// Works on the queue.
#[derive(Debug)]
pub struct Worker {
    pub job: ErasureJob,
}

impl Worker {
    /// Does the tasks of a batch; returns the ids of the queue messages to retry.
    pub async fn handle(&self, event: SqsEvent, deadline: Timestamp) -> Vec<String> {
        queue::each::<ArchiveError>(event, async |task| {
            let body = serde_json::from_str(task).map_err(StoreError::from)?;
            self.job.work(body, deadline).await
        })
        .await
    }
}
