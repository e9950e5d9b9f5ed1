//! Functions that a bucket notifies.

use aws_lambda_events::s3::S3Event;
use domain::error::causes;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

/// Serves events until Lambda ends the process. The handler gets the keys of the objects. If it fails, Lambda retries the event
/// twice.
pub async fn run<F, E>(handle: F) -> Result<(), lambda_runtime::Error>
where
    F: AsyncFn(String) -> Result<(), E>,
    E: std::error::Error + 'static,
{
    lambda_runtime::run(service_fn(async |event: LambdaEvent<S3Event>| {
        for record in event.payload.records {
            // Decoded, unlike the other, which is as in a form.
            let Some(key) = record.s3.object.url_decoded_key.or(record.s3.object.key) else { continue };
            if let Err(error) = Box::pin(handle(key)).await {
                let error = causes(&error);
                tracing::error!(error, "an object will be looked at again");
                return Err(lambda_runtime::Error::from(error));
            }
        }
        Ok(Value::Null)
    }))
    .await
}
