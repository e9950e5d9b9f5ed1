//! Functions behind a DynamoDB stream.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use lambda_runtime::LambdaEvent;
use serde_json::json;
use tracing::Instrument;

use crate::{serve, spans};

/// Serves whole batches until Lambda ends the process. The handler returns the sequence numbers of the records to retry: Lambda retries
/// the batch from the first of them on. The event source mapping must have `ReportBatchItemFailures`.
pub async fn run_batches<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(Vec<EventRecord>) -> Vec<String>,
{
    serve(async |event: LambdaEvent<Event>| {
        let span = spans::batch(&event.context.request_id, event.payload.records.len());
        let failed = Box::pin(handle(event.payload.records)).instrument(span).await;
        let failures: Vec<_> = failed.iter().map(|number| json!({"itemIdentifier": number})).collect();
        Ok::<_, std::convert::Infallible>(json!({"batchItemFailures": failures}))
    })
    .await
}

/// Serves batches until Lambda ends the process, record by record in their order. The handler returns true if a record was
/// processed; otherwise the batch ends, and Lambda retries it from that record on. The event source mapping must have
/// `ReportBatchItemFailures`.
pub async fn run<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(EventRecord) -> bool,
{
    serve(async |event: LambdaEvent<Event>| {
        let mut failed = None;
        let span = spans::batch(&event.context.request_id, event.payload.records.len());
        for record in event.payload.records {
            let sequence_number = record.change.sequence_number.clone();
            if !Box::pin(handle(record)).instrument(span.clone()).await {
                failed = Some(json!({"itemIdentifier": sequence_number}));
                break;
            }
        }
        Ok::<_, std::convert::Infallible>(json!({"batchItemFailures": Vec::from_iter(failed)}))
    })
    .await
}
