//! Body of HTTP errors.

use serde::{Deserialize, Serialize};

use crate::{ApiError, ErrorCode};

/// The body of every error: problem details (RFC 9457) with a stable code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// Always `about:blank`: `code` identifies the problem.
    #[serde(rename = "type")]
    pub kind: String,
    pub status: u16,
    /// The code with spaces instead of underscores.
    pub title: String,
    /// A sentence for developers.
    pub detail: String,
    pub code: ErrorCode,
    /// True if the same request may succeed later.
    pub retryable: bool,
    /// Time after which to retry, in milliseconds; the header `Retry-After` has it in seconds.
    pub retry_after_ms: Option<u64>,
    /// Id of the request in the server's log.
    pub request_id: String,
}

impl Problem {
    /// Describes `error` to the client, without its cause.
    pub fn new(error: &ApiError, request_id: &str) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            status: error.code.status(),
            title: error.code.to_string().replace('_', " "),
            detail: error.message.clone(),
            code: error.code,
            retryable: error.code.retryable(),
            retry_after_ms: error.retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
            request_id: request_id.to_owned(),
        }
    }
}
