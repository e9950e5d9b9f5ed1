//! Functions behind a DynamoDB stream.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use lambda_runtime::LambdaEvent;
use serde_json::json;
use tracing::Instrument;

use crate::{serve, spans};

/// Serves whole batches until Lambda ends the process. The handler returns the sequence number of the first record that was not
/// processed: Lambda retries the batch from that record on. The event source mapping must have `ReportBatchItemFailures`.
pub async fn run_batches<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(Vec<EventRecord>) -> Option<String>,
{
    serve(async |event: LambdaEvent<Event>| {
        let span = spans::batch(&event.context.request_id, event.payload.records.len());
        let failed = Box::pin(handle(event.payload.records)).instrument(span).await;
        let failures: Vec<_> = failed.iter().map(|number| json!({"itemIdentifier": number})).collect();
        Ok::<_, std::convert::Infallible>(json!({"batchItemFailures": failures}))
    })
    .await
}

/// Serves batches until Lambda ends the process, record by record in their order. The handler returns true if a record was processed;
/// otherwise the batch ends, as in [`run_batches`].
pub async fn run<F>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(EventRecord) -> bool,
{
    run_batches(async |records| {
        for record in records {
            // The stream numbers every record.
            let sequence_number = record.change.sequence_number.clone().unwrap_or_default();
            if !Box::pin(handle(record)).await {
                return Some(sequence_number);
            }
        }
        None
    })
    .await
}
