//! `$default`: answers pings, and rejects frames with an unknown action.

mod serve;

use domain::protocol::Answer;
use domain::{ApiError, ErrorCode, Timestamp};
use serde::Deserialize;

pub use serve::serve;

/// A frame without a route of its own.
#[derive(Debug, Deserialize)]
pub struct Frame {
    action: Option<String>,
}

/// Answers one frame. API Gateway sends frames here that are not JSON objects with a known action; `bad_json` was answered
/// before.
pub fn handle(frame: &Frame) -> Result<Answer, ApiError> {
    match frame.action.as_deref() {
        Some("ping") => Ok(Answer::Pong { time: Timestamp::now() }),
        Some(_) => Err(ApiError::new(ErrorCode::UnknownAction, "The `action` does not exist.")),
        None => Err(ApiError::invalid("A frame must have an `action`.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(frame: &str) -> Option<ErrorCode> {
        handle(&serde_json::from_str(frame).unwrap()).err().map(|error| error.code)
    }

    #[test]
    fn frames_other_than_ping_are_refused() {
        assert_eq!(code(r#"{"action":"ping"}"#), None);
        assert_eq!(code(r#"{"action":"fly"}"#), Some(ErrorCode::UnknownAction));
        assert_eq!(code("{}"), Some(ErrorCode::InvalidRequest));
    }
}
