//! Functions that a bucket notifies.

use aws_lambda_events::s3::S3Event;
use domain::error::causes;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use tracing::Instrument;

use crate::{serve, spans};

/// Serves events until Lambda ends the process. The handler gets the key of each object. If it fails, Lambda retries the event
/// twice.
pub async fn run<F, E>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(String) -> Result<(), E>,
    E: std::error::Error + 'static,
{
    serve(async |event: LambdaEvent<S3Event>| {
        for record in event.payload.records {
            // `key` is URL-encoded in S3 events.
            let Some(key) = record.s3.object.url_decoded_key.or(record.s3.object.key) else { continue };
            let span = spans::object(&event.context.request_id, &key);
            if let Err(error) = Box::pin(handle(key.clone())).instrument(span).await {
                let error = causes(&error);
                tracing::error!(key, error, "the event of an object will be retried");
                return Err(lambda_runtime::Error::from(error));
            }
        }
        Ok(Value::Null)
    })
    .await
}
