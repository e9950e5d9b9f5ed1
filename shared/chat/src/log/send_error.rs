//! Reasons for which a message is not appended.

use std::time::Duration;

use domain::{ApiError, ErrorCode, Timestamp};
use store::StoreError;

/// Time after which a client should retry after contention.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Reasons for which a message is not appended.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The sender is not an active member, or the conversation does not exist. The two cases are indistinguishable on purpose.
    #[error("the sender is not a member of the conversation")]
    NotAMember,
    /// The conversation is closed.
    #[error("the conversation is closed")]
    Closed,
    /// One of the two has blocked the other.
    #[error("one of the two has blocked the other")]
    Blocked,
    /// The sender is muted.
    #[error("the sender is muted until {0}")]
    Muted(Timestamp),
    /// The sender was deleted.
    #[error("the sender is deleted")]
    UserDeleted,
    /// More than 500 items follow `after_seq`, or one that concerns the sender's right to send.
    #[error("the client is too far behind")]
    Behind,
    /// No item has the seq `after_seq`, so the client cannot have seen it.
    #[error("`after_seq` lies beyond the head of the conversation")]
    Ahead,
    /// The sender cannot attach one of the files to this conversation, or it is not ready.
    #[error("one of the files cannot be attached")]
    FileNotReady,
    /// The message that this one answers does not exist, or the sender cannot see it.
    #[error("the sender cannot see a message at `reply_to_seq`")]
    NoReplyTarget,
    /// The same id was used for other content.
    #[error("the client_message_id was used for other content")]
    IdempotencyMismatch,
    /// The sender has reached the flood limit.
    #[error("the sender has reached the flood limit")]
    RateLimited(Duration),
    /// The sender has just lost the right to send, and an earlier attempt of the message may still be under way.
    #[error("an earlier attempt of the message may be under way")]
    UnderWay(Duration),
    /// Other writers took every seq that was tried.
    #[error("the conversation is contended")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SendError {
    /// Returns true if the reason lies in one message, and not in its sender, its conversation or the service.
    pub const fn is_of_message(&self) -> bool {
        matches!(self, Self::FileNotReady | Self::NoReplyTarget | Self::IdempotencyMismatch)
    }
}

impl From<SendError> for ApiError {
    fn from(error: SendError) -> Self {
        let (code, message) = match error {
            SendError::NotAMember => (ErrorCode::NotAMember, "You are not a member of this conversation."),
            SendError::Closed => (ErrorCode::ConversationClosed, "This conversation is closed."),
            SendError::Blocked => return ApiError::blocked(),
            SendError::Muted(until) => {
                return ApiError::new(ErrorCode::Muted, format!("You are muted in this conversation until {until}."));
            }
            SendError::UserDeleted => return ApiError::user_deleted(),
            SendError::Behind => (
                ErrorCode::Behind,
                "The client is more than 500 items behind, or has not seen how its rights changed. Sync before you send.",
            ),
            SendError::Ahead => {
                (ErrorCode::InvalidRequest, "`after_seq` is higher than the newest seq of the conversation.")
            }
            SendError::FileNotReady => (
                ErrorCode::FileNotReady,
                "One of the attachments is not ready, is not your file, or was uploaded to another conversation.",
            ),
            SendError::NoReplyTarget => (ErrorCode::MessageNotFound, "You cannot see a message at `reply_to_seq`."),
            SendError::IdempotencyMismatch => {
                (ErrorCode::IdempotencyMismatch, "This `client_message_id` was used for another message.")
            }
            SendError::RateLimited(wait) => return ApiError::rate_limited(wait),
            SendError::UnderWay(wait) => return ApiError::busy(wait),
            SendError::Contended => return ApiError::busy(RETRY_AFTER),
            SendError::Store(error) => return error.into(),
        };
        ApiError::new(code, message)
    }
}
