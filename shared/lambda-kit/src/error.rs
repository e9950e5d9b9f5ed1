//! Errors that the HTTP and the WebSocket API share: a client's mistakes and our failures.

use domain::error::causes;
use domain::{ApiError, ErrorCode};
use serde::de::DeserializeOwned;

/// Largest text that a client may send in one request: the limit of a WebSocket message, and twice the size of the largest
/// request.
const MAX_BYTES: usize = 128 * 1024;

/// JSON of a client: not JSON at all is another mistake than JSON of the wrong shape.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    if text.len() > MAX_BYTES {
        return Err(ApiError::new(ErrorCode::BodyTooLarge, format!("A request can have at most {MAX_BYTES} bytes.")));
    }
    serde_json::from_str(text).map_err(|error| {
        if !error.is_data() {
            return ApiError::new(ErrorCode::BadJson, "The request is not valid JSON.");
        }
        let line = error.line();
        // The errors of serde and uuid have no kinds to match on, only these texts.
        match error.to_string() {
            text if text.starts_with("unknown field") => {
                ApiError::new(ErrorCode::UnknownField, format!("The request has an unknown field at line {line}."))
            }
            text if text.starts_with("UUID parsing failed") => {
                ApiError::new(ErrorCode::InvalidUuid, format!("An id at line {line} is not a UUID."))
            }
            _ => ApiError::invalid(format!("The request does not have the documented format at line {line}.")),
        }
    })
}

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

#[cfg(test)]
mod tests {
    use domain::UserId;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[allow(dead_code)]
        user_ids: Vec<UserId>,
    }

    #[test]
    fn each_malformed_body_has_its_error_code() {
        let huge = format!(r#"{{"user_ids":[]{}}}"#, " ".repeat(MAX_BYTES));
        for (code, text) in [
            (ErrorCode::BadJson, "{"),
            (ErrorCode::InvalidRequest, "{}"),
            (ErrorCode::InvalidRequest, r#"{"user_ids":[7]}"#),
            (ErrorCode::InvalidUuid, r#"{"user_ids":["bob"]}"#),
            (ErrorCode::UnknownField, r#"{"user_ids":[],"as":"owner"}"#),
            (ErrorCode::BodyTooLarge, &huge),
        ] {
            assert_eq!(parse::<Body>(text).unwrap_err().code, code, "{text:.40}");
        }
    }
}
