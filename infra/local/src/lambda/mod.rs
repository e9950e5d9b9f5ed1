//! Lambda: runs functions as child processes over the real Runtime API.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

/// How an invocation ended, as the Invoke API reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The function's response payload.
    Success(Bytes),
    /// `X-Amz-Function-Error: Unhandled`: the payload is Lambda's error object (`errorType`, `errorMessage`, …).
    FunctionError(Bytes),
}

/// Why an invocation was not run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// No function has this logical id.
    #[error("no function `{0}`")]
    NotFound(String),
    /// `TooManyRequestsException`: the reserved concurrency is used up.
    #[error("Rate Exceeded.")]
    Throttled,
    /// `RequestTooLargeException`: more than 6 MiB.
    #[error("Request must be smaller than 6291456 bytes for the InvokeFunction operation")]
    TooLarge,
    /// The local cloud is going down.
    #[error("the local cloud is stopping")]
    Stopping,
}

/// The functions of a stack. Cheap to clone.
#[derive(Clone)]
pub struct Lambda {
    handlers: Arc<BTreeMap<String, Handler>>,
}

/// Stands in for a function where a test needs no process.
#[doc(hidden)]
pub type Handler =
    Arc<dyn Fn(Bytes) -> Pin<Box<dyn Future<Output = Result<Outcome, InvokeError>> + Send>> + Send + Sync>;

impl Lambda {
    /// Functions that are closures of a test, by logical id.
    #[doc(hidden)]
    pub fn from_handlers(handlers: BTreeMap<String, Handler>) -> Self {
        Self { handlers: Arc::new(handlers) }
    }

    /// Runs one synchronous invocation of the function with this logical id.
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Result<Outcome, InvokeError> {
        match self.handlers.get(function) {
            Some(handler) => handler(payload).await,
            None => Err(InvokeError::NotFound(function.to_owned())),
        }
    }
}
