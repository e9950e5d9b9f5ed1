//! What clients are told: pushes, and answers to their frames.

use serde::{Deserialize, Serialize};

use crate::{ApiError, ConversationId, ErrorCode, Message, MessageId, Receipt, Seq, Timestamp};

/// A frame to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The answer to `send`.
    Sent {
        /// `id` of the frame that is answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<String>,
        /// Where the message is.
        #[serde(flatten)]
        sent: Sent,
    },
    /// The answer to `ack` and `read`: the receipts are queued.
    Accepted {
        /// `id` of the frame that is answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<String>,
    },
    /// The answer to `ping`.
    Pong {
        /// `id` of the frame that is answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<String>,
        /// The server's time.
        time: Timestamp,
    },
    /// A message, pushed.
    Message {
        /// The message.
        message: Message,
    },
    /// Receipts of others, pushed.
    Receipts {
        /// The receipts.
        receipts: Vec<Receipt>,
    },
    /// A frame was refused.
    Error {
        /// `id` of the frame that is answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<String>,
        /// Why.
        error: ErrorBody,
    },
}

/// The place that a message was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The place.
    pub seq: Seq,
    /// The message's id.
    pub message_id: MessageId,
    /// The message's time.
    pub sent_at: Timestamp,
    /// Whether an earlier send of the same `client_message_id` had given it this place.
    pub duplicate: bool,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence for the developer of a client.
    pub message: String,
    /// Whether the very same request may succeed later.
    pub retryable: bool,
    /// When to try again, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// Leads to the server's log.
    pub request_id: String,
}

impl ErrorBody {
    /// What the client is told of `error`; its cause stays behind.
    pub fn new(error: &ApiError, request_id: &str) -> Self {
        Self {
            code: error.code,
            message: error.message.clone(),
            retryable: error.code.retryable(),
            retry_after_ms: error.retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
            request_id: request_id.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_frame_has_the_documented_shape() {
        let error = ApiError::new(ErrorCode::NotAMember, "No.");
        let frame = Event::Error { reply_to: Some("r1".into()), error: ErrorBody::new(&error, "q") };
        assert_eq!(
            serde_json::to_value(frame).unwrap(),
            serde_json::json!({"type":"error","reply_to":"r1","error":{
                "code":"not_a_member","message":"No.","retryable":false,"retry_after_ms":null,"request_id":"q"}})
        );
    }
}
