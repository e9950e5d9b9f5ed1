//! Invokes the function behind a route.

use std::time::Duration;

use bytes::Bytes;
use local_lambda::{InvokeError, Lambda, Outcome};
use serde_json::Value;

use super::reply::Refusal;

/// API Gateway's timeout of a function: the HTTP API maximum and default.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the function and returns its payload.
///
/// All that goes wrong in Lambda, throttling included, is 500 to the client
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html#services-apigateway-errors>); when the gateway
/// stops waiting it is 503.
pub(super) async fn invoke(lambda: &Lambda, function: &str, event: Value) -> Result<Bytes, Refusal> {
    invoke_within(INTEGRATION_TIMEOUT, lambda, function, event).await
}

async fn invoke_within(limit: Duration, lambda: &Lambda, function: &str, event: Value) -> Result<Bytes, Refusal> {
    let payload = Bytes::from(event.to_string());
    let Ok(result) = tokio::time::timeout(limit, lambda.invoke(function, payload)).await else {
        tracing::warn!(function, "no answer within {limit:?}");
        return Err(Refusal::ServiceUnavailable);
    };
    match result {
        Ok(Outcome::Success(payload)) => Ok(payload),
        Ok(Outcome::FunctionError(error)) => {
            tracing::warn!(function, error = %String::from_utf8_lossy(&error), "function error");
            Err(Refusal::InternalServerError)
        }
        Err(InvokeError::TooLarge) => Err(Refusal::TooLarge),
        Err(InvokeError::Stopping) => Err(Refusal::ServiceUnavailable),
        Err(
            error @ (InvokeError::NotFound(_)
            | InvokeError::Throttled
            | InvokeError::Recursive
            | InvokeError::Unavailable(_)),
        ) => {
            tracing::warn!(function, %error, "not invoked");
            Err(Refusal::InternalServerError)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::future::pending;
    use std::sync::Arc;

    use super::*;
    use local_lambda::Handler;

    fn lambda(handler: impl Fn() -> Option<Result<Outcome, InvokeError>> + Send + Sync + 'static) -> Lambda {
        let handler: Handler = Arc::new(move |_| {
            let result = handler();
            Box::pin(async move {
                match result {
                    Some(result) => result,
                    None => pending().await,
                }
            })
        });
        Lambda::from_handlers(BTreeMap::from([("Function".to_owned(), handler)]))
    }

    async fn refusal(handler: impl Fn() -> Option<Result<Outcome, InvokeError>> + Send + Sync + 'static) -> Refusal {
        invoke_within(Duration::from_millis(100), &lambda(handler), "Function", Value::Null).await.unwrap_err()
    }

    #[tokio::test]
    async fn failures_have_api_gateways_statuses() {
        assert_eq!(refusal(|| None).await, Refusal::ServiceUnavailable);
        assert_eq!(refusal(|| Some(Err(InvokeError::Throttled))).await, Refusal::InternalServerError);
        assert_eq!(refusal(|| Some(Err(InvokeError::TooLarge))).await, Refusal::TooLarge);
        let failed = || Some(Ok(Outcome::FunctionError(Bytes::from_static(b"{}"))));
        assert_eq!(refusal(failed).await, Refusal::InternalServerError);
    }
}
