//! Worker of the `import` queue: brings conversations out of files, and deletes what is left of imports that were given up.
//!
//! A task that fails is received again; all of it is safe to repeat.

mod serve;

use aws_lambda_events::sqs::SqsEvent;
use chat::imports::ImportJob;
use domain::Timestamp;
use lambda_kit::queue;
use store::StoreError;

pub use serve::serve;

/// Does the tasks of a batch; returns the ids of the queue messages to retry.
pub async fn handle(job: &ImportJob, event: SqsEvent, deadline: Timestamp) -> Vec<String> {
    queue::each(event, async |task| Ok::<_, StoreError>(job.work(serde_json::from_str(task)?, deadline).await?)).await
}
