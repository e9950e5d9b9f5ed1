//! What clients are told: pushes, and answers to their frames.

use serde::{Deserialize, Serialize};

use super::sync::Synced;
use crate::file::File;
use crate::{ApiError, ConversationId, ErrorCode, Message, MessageId, MessageKind, Receipt, Seq, Timestamp, UserId};

/// A frame that nobody asked for. It may come late, twice or never: the log is the truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Push {
    /// A message.
    Message {
        /// The message.
        message: Message,
    },
    /// What was said in a conversation with more members than are told one by one: items of its log, events included, in their
    /// order, as sync gives them. At most one such frame a second, unless they do not fit in one.
    Messages {
        /// The items.
        messages: Vec<Message>,
    },
    /// A message was edited: the event, with what the message says from here on.
    MessageEdited {
        /// The event.
        message: Message,
    },
    /// A message was deleted.
    MessageDeleted {
        /// The event.
        message: Message,
    },
    /// Somebody reacted to a message, or took it back.
    Reaction {
        /// The event.
        message: Message,
    },
    /// Receipts of others.
    Receipts {
        /// The receipts.
        receipts: Vec<Receipt>,
    },
    /// What the user has left to read, after they have read something on one of their devices.
    Unread {
        /// By conversation.
        unread: Vec<Unread>,
    },
    /// A file of the user was looked at: it can be attached, or why it cannot.
    File {
        /// The file.
        file: File,
    },
    /// Somebody is writing, or has stopped to. It is kept nowhere: where no more comes, it is over.
    Typing {
        /// Where.
        conversation_id: ConversationId,
        /// Who.
        user_id: UserId,
        /// Whether they are.
        typing: bool,
    },
}

/// Where one of the user's conversations stands after they have read something there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Everything up to here has been read.
    pub read_seq: Seq,
    /// Texts of others after that, as [`crate::conversation::Conversation::unread`] counts them.
    pub unread: u32,
}

impl From<Message> for Push {
    fn from(message: Message) -> Self {
        match message.kind {
            MessageKind::MessageEdited { .. } => Self::MessageEdited { message },
            MessageKind::MessageDeleted { .. } => Self::MessageDeleted { message },
            MessageKind::Reaction { .. } => Self::Reaction { message },
            _ => Self::Message { message },
        }
    }
}

/// The answer to a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// `id` of the frame, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// What there is to say.
    #[serde(flatten)]
    pub answer: Answer,
}

/// What a [`Reply`] says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Answer {
    /// To `send`: the message has its place.
    Sent(Sent),
    /// To `ack` and `read`: the receipts are queued. To `typing`: those who are connected were told. To `open` and `close`: what is
    /// said from here on is pushed, or is not.
    Accepted,
    /// To `sync`.
    Synced(Synced),
    /// To `ping`.
    Pong {
        /// The server's time.
        time: Timestamp,
    },
    /// The frame was refused and changed nothing.
    Error {
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

impl Sent {
    /// What is said of a message that has its place.
    pub const fn of(message: &Message, duplicate: bool) -> Self {
        let Message { conversation_id, seq, message_id, sent_at, .. } = *message;
        Self { conversation_id, seq, message_id, sent_at, duplicate }
    }
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
        let answer = Answer::Error { error: ErrorBody::new(&error, "q") };
        let frame = Reply { reply_to: Some("r1".into()), answer };
        assert_eq!(
            serde_json::to_value(frame).unwrap(),
            serde_json::json!({"type":"error","reply_to":"r1","error":{
                "code":"not_a_member","message":"No.","retryable":false,"retry_after_ms":null,"request_id":"q"}})
        );
    }
}
