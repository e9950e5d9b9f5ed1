//! The errors of the Invoke API, as Lambda writes them: status, `x-amzn-errortype` and a JSON object.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use local_aws::body::BodyError;
use local_aws::{Denied, SignatureError};
use serde_json::json;

use crate::InvokeError;

/// Reasons for which an invocation is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("Function not found: {0}")]
    NotFound(String),
    #[error("{0}")]
    InvalidParameter(String),
    #[error(
        "1 validation error detected: Value '{found}' at '{name}' failed to satisfy constraint: Member must satisfy enum value set: [{allowed}]"
    )]
    Header { name: &'static str, found: String, allowed: String },
    #[error("Could not parse request body into json: {0}")]
    NotJson(String),
    #[error("{size} byte payload is too large for the Event invocation type (limit {limit} bytes)")]
    EventTooLarge { size: usize, limit: usize },
    #[error("the local cloud does not have the operation {0}")]
    UnknownOperation(String),
    #[error("the request ended before its body was complete")]
    Broken,
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("{0}")]
    Denied(Box<Denied>),
    #[error(transparent)]
    Invoke(#[from] InvokeError),
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::Invoke(InvokeError::TooLarge),
            BodyError::Broken => Self::Broken,
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::Denied(Box::new(denied))
    }
}

impl ApiError {
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound(_) | Self::Invoke(InvokeError::NotFound(_)) => {
                (StatusCode::NOT_FOUND, "ResourceNotFoundException")
            }
            Self::InvalidParameter(_) => (StatusCode::BAD_REQUEST, "InvalidParameterValueException"),
            Self::Header { .. } => (StatusCode::BAD_REQUEST, "ValidationException"),
            Self::NotJson(_) | Self::Broken => (StatusCode::BAD_REQUEST, "InvalidRequestContentException"),
            Self::EventTooLarge { .. } | Self::Invoke(InvokeError::TooLarge) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException")
            }
            Self::Signature(error) => (error.status(), error.code()),
            Self::Denied(_) => (StatusCode::FORBIDDEN, "AccessDeniedException"),
            Self::UnknownOperation(_) => (StatusCode::NOT_FOUND, "UnknownOperationException"),
            Self::Invoke(InvokeError::Recursive) => (StatusCode::BAD_REQUEST, "RecursiveInvocationException"),
            Self::Invoke(InvokeError::Throttled) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
            Self::Invoke(InvokeError::Stopping | InvokeError::Unavailable(_)) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "ServiceException")
            }
        }
    }
}

impl IntoResponse for ApiError {
    /// `message` and `Message`: Lambda itself writes either, depending on the error, and its SDKs read both.
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        let fault = if status.is_server_error() { "Service" } else { "User" };
        let message = self.to_string();
        let mut body = json!({ "Type": fault, "message": message, "Message": message });
        if code == "TooManyRequestsException" {
            body["Reason"] = json!("ReservedFunctionConcurrentInvocationLimitExceeded");
        }
        (status, [("x-amzn-errortype", code)], Json(body)).into_response()
    }
}
