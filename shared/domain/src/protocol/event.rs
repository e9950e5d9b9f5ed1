//! Frames that clients receive: pushes, and answers to their own frames.

use serde::{Deserialize, Serialize};

use super::sync::Synced;
use crate::export::Export;
use crate::file::File;
use crate::settings::ConversationSettings;
use crate::{
    ApiError, ClientMessageId, ConversationId, ErrorCode, Message, MessageId, MessageKind, Receipt, Seq, Timestamp,
    UserId,
};

/// A pushed frame. It may arrive late, twice or never: the log is the truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Push {
    Message {
        message: Message,
    },
    /// Items of one log in their order, as sync returns them: the messages of a batch, or those of about a second in a large
    /// conversation, events included. One frame, unless they do not fit.
    Messages {
        messages: Vec<Message>,
    },
    /// A message was edited: the event, with what the message says from here on.
    MessageEdited {
        message: Message,
    },
    /// A message was deleted.
    MessageDeleted {
        message: Message,
    },
    /// A user added or withdrew a reaction.
    Reaction {
        message: Message,
    },
    Receipts {
        receipts: Vec<Receipt>,
    },
    /// The number of messages that the user has not read, after a read on one of their devices.
    Unread {
        unread: Vec<Unread>,
    },
    /// The user has changed the settings of a conversation on one of their devices, or a read has ended `marked_unread`.
    ConversationSettings {
        conversation_id: ConversationId,
        settings: ConversationSettings,
    },
    /// The user has blocked another one on one of their devices, or has ended the block.
    Block {
        user_id: UserId,
        blocked: bool,
    },
    /// A file of the user was inspected: it can be attached, or it was rejected.
    File {
        file: File,
    },
    /// An export of the user is ready, or has failed. Its link comes with `GET /v1/exports/{id}`.
    Export {
        export: Export,
    },
    /// A user is typing, or has stopped. The state is not stored: a client hides it when no further event arrives.
    Typing {
        conversation_id: ConversationId,
        user_id: UserId,
        typing: bool,
    },
    /// The token of the connection has ended: nothing is pushed to it any more, and the server closes it.
    TokenExpired,
}

/// The unread messages of one conversation after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unread {
    pub conversation_id: ConversationId,
    /// Seq of the read watermark: everything up to it is read.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reply {
    /// `id` of the frame; absent if the frame had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    #[serde(flatten)]
    pub answer: Answer,
}

/// The content of a [`Reply`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Answer {
    /// Answer to `send`: the message was appended; of a batch all, or the first of them.
    Sent(SentAnswer),
    /// The answer to `ack` and `read`: the receipts are queued. To `typing`: connected members were notified. To `open` and
    /// `close`: the connection is subscribed, or is not any more.
    Accepted,
    Synced(Synced),
    Pong {
        time: Timestamp,
    },
    /// The frame was refused and changed nothing.
    Error {
        error: ErrorBody,
    },
}

/// The two forms of `sent`, as `send` has two: that of a batch has `messages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SentAnswer {
    Batch(SentBatch),
    One(Sent),
}

/// Seq of the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sent {
    pub conversation_id: ConversationId,
    pub seq: Seq,
    pub message_id: MessageId,
    pub sent_at: Timestamp,
    /// True if an earlier send of the same `client_message_id` had appended it.
    pub duplicate: bool,
}

impl Sent {
    /// Describes a message that has its seq.
    pub const fn of(message: &Message, duplicate: bool) -> Self {
        let Message { conversation_id, seq, message_id, sent_at, .. } = *message;
        Self { conversation_id, seq, message_id, sent_at, duplicate }
    }
}

/// Seqs of the messages of a batch, over WebSocket and HTTP alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SentBatch {
    pub conversation_id: ConversationId,
    /// The messages that have a seq: all, or as many as there are before the first one that has none.
    pub messages: Vec<SentEntry>,
    /// The reason for which the rest has no seq; absent if there is no rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// Seq of one message of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SentEntry {
    pub client_message_id: ClientMessageId,
    pub seq: Seq,
    pub message_id: MessageId,
    pub sent_at: Timestamp,
    /// True if an earlier send of the same `client_message_id` had appended it.
    pub duplicate: bool,
}

impl SentEntry {
    /// Describes a message that has its seq, as its sender sees it; `None` for one that was not sent by a client.
    pub fn of(message: &Message, duplicate: bool) -> Option<Self> {
        let Message { client_message_id, seq, message_id, sent_at, .. } = *message;
        client_message_id.map(|client_message_id| Self { client_message_id, seq, message_id, sent_at, duplicate })
    }

    /// Describes the message of the conversation as the answer to a send of it alone does.
    pub const fn sent(&self, conversation_id: ConversationId) -> Sent {
        let Self { seq, message_id, sent_at, duplicate, .. } = *self;
        Sent { conversation_id, seq, message_id, sent_at, duplicate }
    }
}

/// A refusal as clients receive it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorBody {
    pub code: ErrorCode,
    /// One sentence for the developer of a client, as in a problem over HTTP.
    pub detail: String,
    /// True if the same request may succeed later.
    pub retryable: bool,
    /// Time after which to retry, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// Leads to the server's log.
    pub request_id: String,
}

impl ErrorBody {
    /// Describes `error` to the client, without its cause.
    pub fn new(error: &ApiError, request_id: &str) -> Self {
        Self {
            code: error.code,
            detail: error.message.clone(),
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
    fn error_frame_has_the_documented_shape() {
        let error = ApiError::new(ErrorCode::NotAMember, "No.");
        let answer = Answer::Error { error: ErrorBody::new(&error, "q") };
        let frame = Reply { reply_to: Some("r1".into()), answer };
        assert_eq!(
            serde_json::to_value(frame).unwrap(),
            serde_json::json!({"type":"error","reply_to":"r1","error":{
                "code":"not_a_member","detail":"No.","retryable":false,"retry_after_ms":null,"request_id":"q"}})
        );
    }
}
