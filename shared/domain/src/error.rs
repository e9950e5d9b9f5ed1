//! Errors as clients receive them.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Stable error codes of the protocol. A code never changes its name or meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The frame or body is not JSON.
    BadJson,
    /// A field of the JSON is missing, has the wrong type or a value outside its range.
    InvalidRequest,
    /// The JSON has an unknown field.
    UnknownField,
    /// An id is not a UUID.
    InvalidUuid,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The WebSocket action does not exist.
    UnknownAction,
    /// The HTTP route does not exist.
    NotFound,
    /// The text exceeds [`crate::message::MAX_TEXT_BYTES`].
    TextTooLarge,
    /// The object exceeds 4096 bytes of JSON.
    CustomTooLarge,
    /// More mentions than [`crate::message::MAX_MENTIONS`].
    TooManyMentions,
    /// More members than one request may name.
    TooManyMembers,
    /// Not an emoji of Unicode's list.
    InvalidEmoji,
    /// The message already has the maximum number of reactions.
    TooManyReactions,
    /// The conversation already has the maximum number of pinned messages.
    TooManyPins,
    /// The user has no avatar.
    AvatarNotFound,
    /// The body is no picture that can be shown, or has too many pixels.
    InvalidImage,
    /// The caller already blocks the maximum number of users.
    TooManyBlocks,
    /// The message was edited the maximum number of times.
    TooManyEdits,
    /// The message is too old to be edited.
    EditWindowOver,
    /// The message was deleted.
    MessageDeleted,
    /// The message does not exist, or the caller cannot see it.
    MessageNotFound,
    /// More conversations than one request may name.
    TooManyConversations,
    /// More messages than one send may hold.
    TooManyMessages,
    /// More receipts than one frame may hold.
    TooManyReceipts,
    /// More files than one message may reference.
    TooManyAttachments,
    /// The file exceeds [`crate::file::MAX_FILE_BYTES`].
    FileTooLarge,
    /// The file would exceed the quota of bytes for the user's files.
    QuotaExceeded,
    /// The file does not exist, or the caller cannot see it.
    FileNotFound,
    /// The caller cannot attach the file: it is not ready, belongs to another user, or was uploaded to another conversation.
    FileNotReady,
    /// A message references the file, which is deleted with the message.
    FileInUse,
    /// The upload has ended: the file was accepted or rejected, or the upload was cancelled.
    UploadOver,
    /// Parts of the file are missing.
    UploadIncomplete,
    /// The token is missing or not valid.
    Unauthorized,
    /// The token has expired.
    TokenExpired,
    /// The caller has no profile: `PUT /v1/users/me` creates one.
    ProfileRequired,
    UserNotFound,
    /// The user was deleted.
    UserDeleted,
    /// The conversation does not exist, or the caller was never a member. The two cases are indistinguishable on purpose.
    ConversationNotFound,
    /// The caller is not an active member.
    NotAMember,
    /// The caller's role does not allow it.
    NotAllowed,
    /// The conversation is closed: it can only be read and left.
    ConversationClosed,
    /// The action does not exist for conversations of this type.
    WrongConversationType,
    /// The caller is among the users to add.
    SelfAdd,
    /// One of the users to add is already a member.
    AlreadyAMember,
    /// The user that the request names is not a member.
    MemberNotFound,
    /// The group would exceed the maximum number of members.
    MemberLimitReached,
    /// The user has joined the conversation the maximum number of times.
    #[serde(rename = "too_many_stays")]
    TooManyPeriods,
    /// The conversation would have no owner.
    LastOwner,
    /// The caller is muted.
    Muted,
    /// One user of the private conversation has blocked the other.
    Blocked,
    /// The client is too far behind the head to send: it must sync first.
    Behind,
    /// The same id was used before with other content.
    IdempotencyMismatch,
    /// The sender has reached the flood limit of the conversation.
    RateLimited,
    /// The export does not exist, is too old, or was requested by another user.
    ExportNotFound,
    /// Another export of the caller is under way.
    ExportRunning,
    /// The caller has requested as many exports today as a day allows.
    TooManyExports,
    /// The import does not exist, is too old, or belongs to another client.
    ImportNotFound,
    /// The import has ended.
    ImportOver,
    /// The deployment has no search.
    SearchOff,
    /// The deployment keeps all messages.
    RetentionOff,
    /// Too much contention or a throttled service; the same request may be sent again.
    Busy,
    /// The server failed. The request id identifies the log entries.
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
            | Self::TooManyMessages
            | Self::TooManyReceipts
            | Self::TooManyConversations
            | Self::TooManyAttachments
            | Self::InvalidImage => 400,
            Self::Unauthorized | Self::TokenExpired => 401,
            Self::NotAMember | Self::NotAllowed | Self::Muted | Self::Blocked | Self::UserDeleted => 403,
            Self::NotFound
            | Self::UserNotFound
            | Self::ConversationNotFound
            | Self::MemberNotFound
            | Self::FileNotFound
            | Self::AvatarNotFound
            | Self::ExportNotFound
            | Self::ImportNotFound
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
            | Self::TooManyPins
            | Self::TooManyBlocks
            | Self::EditWindowOver
            | Self::MessageDeleted
            | Self::QuotaExceeded
            | Self::FileNotReady
            | Self::FileInUse
            | Self::UploadOver
            | Self::UploadIncomplete
            | Self::ExportRunning
            | Self::TooManyExports
            | Self::ImportOver
            | Self::LastOwner => 409,
            Self::TextTooLarge | Self::CustomTooLarge | Self::BodyTooLarge | Self::FileTooLarge => 413,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::SearchOff | Self::RetentionOff => 501,
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

    /// A failure of the server. The cause is logged and not sent to the client.
    pub fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            code: ErrorCode::Internal,
            message: "The server failed to handle the request.".to_owned(),
            retry_after: None,
            source: Some(Box::new(source)),
        }
    }

    /// The caller has no profile.
    pub fn profile_required() -> Self {
        Self::new(ErrorCode::ProfileRequired, "You have no profile. Create one with PUT /v1/users/me.")
    }

    /// The caller is deleted.
    pub fn user_deleted() -> Self {
        Self::new(ErrorCode::UserDeleted, "This user was deleted.")
    }

    /// One user of the private conversation has blocked the other.
    pub fn blocked() -> Self {
        Self::new(ErrorCode::Blocked, "One of you has blocked the other.")
    }

    /// Nothing was decided; the same request may be sent again after `retry_after`.
    pub fn busy(retry_after: Duration) -> Self {
        Self {
            code: ErrorCode::Busy,
            message: "The service is busy. Send the same request again.".to_owned(),
            retry_after: Some(retry_after),
            source: None,
        }
    }

    /// The user has reached the flood limit of the conversation, and may go on after `retry_after`.
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self {
            code: ErrorCode::RateLimited,
            message: "You write or change too much in this conversation at once. Wait, then repeat the request."
                .to_owned(),
            retry_after: Some(retry_after),
            source: None,
        }
    }

    /// The same refusal of an element of the list `list`: a field that the message begins with gets its full name.
    #[must_use]
    pub fn in_element(mut self, list: &str, index: usize) -> Self {
        self.message = match self.message.strip_prefix('`') {
            Some(field) => format!("`{list}[{index}].{field}"),
            None => format!("`{list}[{index}]`: {}", self.message),
        };
        self
    }

    /// The same refusal with its cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

/// Formats an error with all its sources on one line, for logs. The `Display` of an error shows only the outermost layer.
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

    #[test]
    fn refusal_of_an_element_names_it() {
        for (message, expected) in
            [("`text` is long.", "`messages[3].text` is long."), ("No such file.", "`messages[3]`: No such file.")]
        {
            assert_eq!(ApiError::invalid(message).in_element("messages", 3).message, expected);
        }
    }
}
