//! SQS's errors, with its codes and words.

use http::StatusCode;
use rustack_sqs_http::body::SqsResponseBody;
use rustack_sqs_model::types::BatchResultErrorEntry;
use serde_json::json;

/// An error of a request, as SQS answers it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.0)]
pub struct SqsError {
    code: Code,
    message: String,
}

/// The code of the query protocol, which SDKs report, and the name of the error in the JSON protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(&'static str, &'static str);

pub(crate) const NO_QUEUE: Code = Code("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist");
pub(crate) const QUEUE_EXISTS: Code = Code("QueueAlreadyExists", "QueueNameExists");
pub(crate) const INVALID_VALUE: Code = Code("InvalidParameterValue", "InvalidParameterValueException");
pub(crate) const MISSING: Code = Code("MissingParameter", "MissingRequiredParameterException");
pub(crate) const UNKNOWN_ATTRIBUTE: Code = Code("InvalidAttributeName", "InvalidAttributeName");
pub(crate) const INVALID_ATTRIBUTE: Code = Code("InvalidAttributeValue", "InvalidAttributeValue");
pub(crate) const INVALID_CONTENTS: Code = Code("InvalidMessageContents", "InvalidMessageContents");
pub(crate) const INVALID_HANDLE: Code = Code("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid");
pub(crate) const NOT_IN_FLIGHT: Code = Code("MessageNotInflight", "MessageNotInflight");
pub(crate) const EMPTY_BATCH: Code = Code("AWS.SimpleQueueService.EmptyBatchRequest", "EmptyBatchRequest");
pub(crate) const LONG_BATCH: Code =
    Code("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequest");
pub(crate) const LARGE_BATCH: Code = Code("AWS.SimpleQueueService.BatchRequestTooLong", "BatchRequestTooLong");
pub(crate) const REPEATED_ID: Code =
    Code("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct");
pub(crate) const INVALID_ID: Code = Code("AWS.SimpleQueueService.InvalidBatchEntryId", "InvalidBatchEntryId");
pub(crate) const PURGED_LATELY: Code = Code("AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress");
pub(crate) const UNSUPPORTED: Code = Code("AWS.SimpleQueueService.UnsupportedOperation", "UnsupportedOperation");
pub(crate) const NO_RESOURCE: Code = Code("ResourceNotFoundException", "ResourceNotFoundException");
pub(crate) const INTERNAL: Code = Code("InternalError", "InternalError");

impl SqsError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn no_queue() -> Self {
        Self::new(NO_QUEUE, "The specified queue does not exist.")
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(MISSING, format!("The request must contain the parameter {parameter}."))
    }

    /// A value that a parameter cannot have, in SQS's words.
    pub(crate) fn value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> Self {
        Self::new(INVALID_VALUE, format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
    }

    /// The code, as SDKs report it.
    pub fn code(&self) -> &'static str {
        self.code.0
    }

    fn is_of_sender(&self) -> bool {
        self.code != INTERNAL
    }

    /// The error of one entry of a batch.
    pub(crate) fn of_entry(self, id: String) -> BatchResultErrorEntry {
        let sender_fault = self.is_of_sender();
        BatchResultErrorEntry { id, sender_fault, code: self.code.0.to_owned(), message: Some(self.message) }
    }

    pub(crate) fn response(&self, request_id: &str) -> http::Response<SqsResponseBody> {
        let status = match self.code {
            INTERNAL => StatusCode::INTERNAL_SERVER_ERROR,
            PURGED_LATELY => StatusCode::FORBIDDEN,
            NO_RESOURCE => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        let json = json!({ "__type": format!("com.amazonaws.sqs#{}", self.code.1), "message": self.message });
        let mut response = rustack_sqs_http::response::json_response(json.to_string().into_bytes(), request_id);
        *response.status_mut() = status;
        let fault = if self.is_of_sender() { "Sender" } else { "Receiver" };
        if let Ok(value) = format!("{};{fault}", self.code.0).parse() {
            response.headers_mut().insert("x-amzn-query-error", value);
        }
        response
    }
}
