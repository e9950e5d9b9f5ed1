//! Asynchronous invocations: nobody waits for their response, so Lambda itself tries again.

use std::time::Duration;

use bytes::Bytes;

use super::{InvokeError, Lambda, Outcome};
use crate::back_off::BackOff;

/// The waits before the second and the third attempt:
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.
const RETRIES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];

impl Lambda {
    /// Runs an invocation as Lambda does those of type `Event`: after a function error twice more, after throttling until it
    /// runs. Returns when it has succeeded or is given up, which is logged; what waits for its retry is lost when the future
    /// is dropped.
    pub async fn invoke_asynchronously(&self, function: &str, payload: Bytes) {
        self.invoke_with_retries(function, payload, RETRIES).await;
    }

    async fn invoke_with_retries(&self, function: &str, payload: Bytes, waits: [Duration; 2]) {
        let mut waits = waits.into_iter();
        let mut back_off = BackOff::new();
        loop {
            match self.invoke(function, payload.clone()).await {
                Ok(Outcome::Success(_)) | Err(InvokeError::Stopping) => return,
                Ok(Outcome::FunctionError(_)) => {
                    let Some(wait) = waits.next() else {
                        return tracing::warn!(function, "an asynchronous event is given up after three attempts");
                    };
                    tokio::time::sleep(wait).await;
                }
                Err(InvokeError::Throttled) => tokio::time::sleep(back_off.wait()).await,
                Err(error @ (InvokeError::NotFound(_) | InvokeError::TooLarge)) => {
                    return tracing::error!(function, %error, "cannot invoke");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::Handler;
    use super::*;

    /// How often a function runs whose answer depends on how often it has run.
    async fn attempts(answer: fn(usize) -> Result<Outcome, InvokeError>) -> usize {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let handler: Handler = Arc::new(move |_| {
            let answer = answer(counter.fetch_add(1, Ordering::Relaxed));
            Box::pin(async move { answer })
        });
        let lambda = Lambda::from_handlers([("F".to_owned(), handler)].into());
        lambda.invoke_with_retries("F", Bytes::new(), [Duration::ZERO; 2]).await;
        count.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_function_error_is_retried_twice() {
        assert_eq!(attempts(|_| Ok(Outcome::FunctionError(Bytes::new()))).await, 3);
        let once = |before| match before {
            0 => Ok(Outcome::FunctionError(Bytes::new())),
            _ => Ok(Outcome::Success(Bytes::new())),
        };
        assert_eq!(attempts(once).await, 2);
    }

    #[tokio::test]
    async fn throttling_uses_up_no_attempt() {
        let busy = |before| match before {
            0 => Err(InvokeError::Throttled),
            1 | 2 => Ok(Outcome::FunctionError(Bytes::new())),
            _ => Ok(Outcome::Success(Bytes::new())),
        };
        assert_eq!(attempts(busy).await, 4);
    }
}
