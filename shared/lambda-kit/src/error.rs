//! Errors that the HTTP and the WebSocket API share: a client's mistakes and our failures.

use domain::ApiError;
use domain::error::causes;
use domain::protocol::ErrorBody;

/// Logs an error where it becomes a response, so that it is logged once: failures of the server as errors with their causes,
/// mistakes of the client as `info`. The span of the invocation has the ids.
pub(crate) fn log_once(error: &ApiError) {
    let code = tracing::field::display(error.code);
    let Some(source) = &error.source else {
        tracing::info!(code, "the request was refused");
        return;
    };
    tracing::error!(code, error = causes(&**source), "the request failed");
}

/// Returns the error of a part of a request as the client receives it within the answer, and logs it.
pub fn of_part(error: &ApiError, request_id: &str) -> ErrorBody {
    log_once(error);
    ErrorBody::new(error, request_id)
}
