//! Functions behind an SQS queue.

use aws_lambda_events::sqs::SqsEvent;
use domain::Timestamp;
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
