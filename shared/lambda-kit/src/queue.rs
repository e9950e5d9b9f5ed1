//! Functions behind an SQS queue.

use std::error::Error;

use aws_lambda_events::sqs::SqsEvent;
use domain::Timestamp;
use domain::error::causes;
use lambda_runtime::LambdaEvent;
use serde_json::json;
use tracing::Instrument;

use crate::{deadline, serve, spans};

/// Serves batches until Lambda ends the process. The handler gets the time at which Lambda ends the invocation, and returns the
/// ids of the queue messages to retry; the event source mapping must have `ReportBatchItemFailures`.
pub async fn run<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(SqsEvent, Timestamp) -> Vec<String>,
{
    serve(async |event: LambdaEvent<SqsEvent>| {
        let span = spans::batch(&event.context.request_id, event.payload.records.len());
        let failed = Box::pin(handle(event.payload, deadline::of(&event.context))).instrument(span).await;
        let failures: Vec<_> = failed.iter().map(|id| json!({"itemIdentifier": id})).collect();
        Ok::<_, std::convert::Infallible>(json!({"batchItemFailures": failures}))
    })
    .await
}

/// Does the tasks of a batch one after the other, each the body of a queue message. Returns the ids of the queue messages to retry.
pub async fn each<E: Error + 'static>(event: SqsEvent, work: impl AsyncFn(&str) -> Result<(), E>) -> Vec<String> {
    let mut failed = Vec::new();
    for message in event.records {
        let task = message.body.as_deref().unwrap_or_default();
        if let Err(error) = work(task).await {
            let queue_message_id = message.message_id.as_deref();
            tracing::error!(queue_message_id, task, error = causes(&error), "a queue message will be retried");
            failed.extend(message.message_id);
        }
    }
    failed
}
