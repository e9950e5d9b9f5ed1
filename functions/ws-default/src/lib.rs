//! `$default`: answers pings, and tells clients what is wrong with a frame that no other route takes.

use domain::protocol::Answer;
use domain::{ApiError, ErrorCode, Timestamp};
use serde::Deserialize;

/// A frame without a route of its own.
#[derive(Debug, Deserialize)]
pub struct Frame {
    action: Option<String>,
}

/// Answers one frame. What is not JSON was refused as `bad_json` before it came here.
pub fn handle(frame: &Frame) -> Result<Answer, ApiError> {
    match frame.action.as_deref() {
        Some("ping") => Ok(Answer::Pong { time: Timestamp::now() }),
        Some(_) => Err(ApiError::new(ErrorCode::UnknownAction, "No such `action`.")),
        None => Err(ApiError::invalid("A frame has an `action`.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(frame: &str) -> Option<ErrorCode> {
        handle(&serde_json::from_str(frame).unwrap()).err().map(|error| error.code)
    }

    #[test]
    fn only_pings_are_welcome() {
        assert_eq!(code(r#"{"action":"ping"}"#), None);
        assert_eq!(code(r#"{"action":"fly"}"#), Some(ErrorCode::UnknownAction));
        assert_eq!(code("{}"), Some(ErrorCode::InvalidRequest));
    }
}
