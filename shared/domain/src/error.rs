//! Errors as clients receive them.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The stable codes: part of the protocol, never reworded, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The frame or body is not JSON.
    BadJson,
    /// The JSON lacks a field, has one of the wrong type, or a value outside its range.
    InvalidRequest,
    /// The JSON has a field that the request does not take.
    UnknownField,
    /// An id is not a UUID.
    InvalidUuid,
    /// The body exceeds what a request may have.
    BodyTooLarge,
    /// No such WebSocket action.
    UnknownAction,
    /// No such HTTP route.
    NotFound,
    /// The text exceeds [`crate::message::MAX_TEXT_BYTES`].
    TextTooLarge,
    /// More mentions than [`crate::message::MAX_MENTIONS`].
    TooManyMentions,
    /// More members than one request may name.
    TooManyMembers,
    /// Not an emoji of Unicode's list.
    InvalidEmoji,
    /// More reactions than one message keeps.
    TooManyReactions,
    /// More edits than one message keeps.
    TooManyEdits,
    /// The message is too old to be edited.
    EditWindowOver,
    /// The message was deleted.
    MessageDeleted,
    /// No such message, or none that the caller can see.
    MessageNotFound,
    /// More conversations than one request may name.
    TooManyConversations,
    /// More receipts than one frame may hold.
    TooManyReceipts,
    /// More files than one message may reference.
    TooManyAttachments,
    /// The file exceeds [`crate::file::MAX_FILE_BYTES`].
    FileTooLarge,
    /// The user's files have as many bytes together as they may.
    QuotaExceeded,
    /// No such file, or none that the caller can see.
    FileNotFound,
    /// Not a file that the caller can attach here: it is not ready, not theirs, or was uploaded to another conversation.
    FileNotReady,
    /// A message references the file, which is deleted with the message.
    FileInUse,
    /// The file's bytes have come already, and were taken or not.
    UploadOver,
    /// Parts of the file are missing.
    UploadIncomplete,
    /// The token is missing or not valid.
    Unauthorized,
    /// The token's time is over.
    TokenExpired,
    /// The caller has no profile: `PUT /v1/users/me` makes one.
    ProfileRequired,
    UserNotFound,
    /// The user was deleted.
    UserDeleted,
    /// No such conversation, or the caller was never in it: the two look alike.
    ConversationNotFound,
    /// The caller is not an active member.
    NotAMember,
    /// The caller's role does not allow it.
    NotAllowed,
    /// The conversation is over: it can be read, and nothing else.
    ConversationClosed,
    /// Conversations of this type do not know what was asked for.
    WrongConversationType,
    /// The caller wants to add themselves.
    SelfAdd,
    /// One of those who should be added is a member.
    AlreadyAMember,
    /// The user that the request names is not a member.
    MemberNotFound,
    /// The group would have more members than it may.
    MemberLimitReached,
    /// The user came and went more often than is kept.
    #[serde(rename = "too_many_stays")]
    TooManyPeriods,
    /// The conversation would have no owner.
    LastOwner,
    /// The caller may not send for a while.
    Muted,
    /// One of the two has blocked the other.
    Blocked,
    /// The client is too far behind the head to send: it has to sync first.
    Behind,
    /// The same id was used before with other content.
    IdempotencyMismatch,
    /// The sender has sent as many messages here as the flood limit allows.
    RateLimited,
    /// Too much contention or a throttled service; the same request may be sent again.
    Busy,
    /// Something failed on the server; the request id leads to the log.
    Internal,
}

impl ErrorCode {
    /// The HTTP status that goes with the code.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadJson
            | Self::InvalidRequest
            | Self::UnknownField
            | Self::InvalidUuid
            | Self::SelfAdd
            | Self::InvalidEmoji
            | Self::UnknownAction
            | Self::TooManyMentions
            | Self::TooManyMembers
            | Self::TooManyReceipts
            | Self::TooManyConversations
            | Self::TooManyAttachments => 400,
            Self::Unauthorized | Self::TokenExpired => 401,
            Self::NotAMember | Self::NotAllowed | Self::Muted | Self::Blocked | Self::UserDeleted => 403,
            Self::NotFound
            | Self::UserNotFound
            | Self::ConversationNotFound
            | Self::MemberNotFound
            | Self::FileNotFound
            | Self::MessageNotFound => 404,
            Self::ProfileRequired
            | Self::Behind
            | Self::IdempotencyMismatch
            | Self::ConversationClosed
            | Self::WrongConversationType
            | Self::AlreadyAMember
            | Self::MemberLimitReached
            | Self::TooManyPeriods
            | Self::TooManyReactions
            | Self::TooManyEdits
            | Self::EditWindowOver
            | Self::MessageDeleted
            | Self::QuotaExceeded
            | Self::FileNotReady
            | Self::FileInUse
            | Self::UploadOver
            | Self::UploadIncomplete
            | Self::LastOwner => 409,
            Self::TextTooLarge | Self::BodyTooLarge | Self::FileTooLarge => 413,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Busy => 503,
        }
    }

    /// Returns true if the same request may succeed later.
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Busy | Self::Internal)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A refusal: a code and message for the client, and a cause for the log.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    pub code: ErrorCode,
    /// One sentence for the developer of a client; never internals.
    pub message: String,
    /// Time after which a retry makes sense.
    pub retry_after: Option<Duration>,
    /// The cause, for the log only.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// A refusal that the client caused.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None, source: None }
    }

    /// A request that is not well formed.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    /// A failure of ours: the client learns only that it happened.
    pub fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            code: ErrorCode::Internal,
            message: "Something failed on our side.".to_owned(),
            retry_after: None,
            source: Some(Box::new(source)),
        }
    }

    /// Nothing was decided; the same request may be sent again after `retry_after`.
    pub fn busy(retry_after: Duration) -> Self {
        Self {
            code: ErrorCode::Busy,
            message: "Too much is going on here; send the same request again.".to_owned(),
            retry_after: Some(retry_after),
            source: None,
        }
    }

    /// The same refusal with its cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

/// An error and all that lies behind it, on one line: for logs, where a bare error would say only what its outermost layer
/// knows.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line = format!("{line}: {cause}");
        next = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_are_serialized_in_snake_case() {
        assert_eq!(ErrorCode::NotAMember.to_string(), "not_a_member");
        assert_eq!(serde_json::to_string(&ErrorCode::BadJson).unwrap(), r#""bad_json""#);
    }
}
