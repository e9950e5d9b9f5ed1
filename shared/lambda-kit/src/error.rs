//! What the HTTP and the WebSocket side do alike with a client's mistakes and with ours.

use domain::error::causes;
use domain::{ApiError, ErrorCode};
use serde::de::DeserializeOwned;

/// JSON of a client: not JSON at all is another mistake than JSON of the wrong shape.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            ApiError::invalid(format!("The request does not have the documented shape at line {}.", error.line()))
        } else {
            ApiError::new(ErrorCode::BadJson, "The request is not JSON.")
        }
    })
}

/// Logs a refusal where it becomes a response, so that it is logged once: our failures as errors with their causes, the
/// client's mistakes in a line.
pub(crate) fn log_once(error: &ApiError) {
    let code = tracing::field::display(error.code);
    let Some(source) = &error.source else {
        tracing::info!(code, "refused");
        return;
    };
    tracing::error!(code, causes = causes(&**source), "failed");
}
