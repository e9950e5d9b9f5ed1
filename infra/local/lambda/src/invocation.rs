//! An invocation: its payload, its outcome, and why it may not run.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

/// Largest payload of an invocation in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// Outcome of an invocation, as the Invoke API reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The function's response payload.
    Success(Bytes),
    /// `X-Amz-Function-Error: Unhandled`: the payload is Lambda's error object (`errorType`, `errorMessage`, …).
    FunctionError(Bytes),
}

/// Reasons for which an invocation did not run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// No function has this logical id.
    #[error("no function `{0}`")]
    NotFound(String),
    /// `TooManyRequestsException`: the reserved concurrency is used up.
    #[error("Rate Exceeded.")]
    Throttled,
    /// `RecursiveInvocationException`: the function ran too often in one chain of invocations.
    #[error(
        "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your \
         function's invocation."
    )]
    Recursive,
    /// `RequestTooLargeException`: more than 6 MiB.
    #[error("Request must be smaller than 6291456 bytes for the InvokeFunction operation")]
    TooLarge,
    /// The local cloud is going down.
    #[error("the local cloud is stopping")]
    Stopping,
    /// The endpoint that invocations are forwarded to does not answer, or not as Lambda does.
    #[error("{0}")]
    Unavailable(String),
}

/// An invocation that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// As the function saw it.
    pub request_id: String,
    /// Outcome of the invocation.
    pub outcome: Outcome,
    /// The last 4 KiB of what it logged, Lambda's own lines included. Empty where the function does not run here.
    pub log: String,
}

/// Stands in for a function that is no process of this machine.
#[doc(hidden)]
pub type Handler =
    Arc<dyn Fn(Bytes) -> Pin<Box<dyn Future<Output = Result<Outcome, InvokeError>> + Send>> + Send + Sync>;
