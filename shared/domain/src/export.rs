//! Exports: archives of what a user may see, or of a conversation, that a worker writes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ConversationId, ExportId, Timestamp, UserId};

/// Version of the format of `docs/export-format.md`.
pub const FORMAT_VERSION: u32 = 1;

/// Time for which a finished export can be downloaded.
pub const KEPT_FOR: Duration = Duration::from_hours(24);

/// Time for which a link is valid.
pub const LINK_LIFETIME: Duration = Duration::from_hours(1);

/// Longest time without progress: later no queue message is left that would go on, since each is received five times, twelve minutes
/// apart.
pub const STALLED_AFTER: Duration = Duration::from_mins(90);

/// Longest time that an export may take: the bucket deletes what it has not finished within a day.
pub const MAX_DURATION: Duration = Duration::from_hours(20);

/// The messages of a user's export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExportedMessages {
    /// Those that the user sent.
    #[default]
    Sent,
    /// All that the user may see.
    Visible,
}

/// The content of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Subject {
    /// What a user may see: profile, memberships, messages.
    User { user_id: UserId, messages: ExportedMessages },
    /// The whole history of a conversation.
    Conversation { conversation_id: ConversationId },
}

/// The state of an export. It only moves on from `running`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    Running,
    /// It can be downloaded until `expires_at`.
    Ready,
    /// It was given up, and has no file.
    Failed,
    /// The caller cancelled it.
    Cancelled,
}

impl ExportState {
    /// Returns true for an export that has ended without a file.
    pub const fn is_given_up(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }

    /// The name in DynamoDB and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Reason for which an export failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExportFailure {
    /// The caller has lost the right to it meanwhile.
    NotAllowed,
    /// It would have more entries or bytes than one file takes.
    TooLarge,
    /// It would have taken longer than [`MAX_DURATION`].
    TookTooLong,
    /// The worker has given it up.
    Stalled,
}

/// An export as the user sees it who requested it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Export {
    pub export_id: ExportId,
    #[serde(flatten)]
    pub subject: Subject,
    /// True for an export with the bytes of files.
    pub files: bool,
    pub state: ExportState,
    /// Set for a failed export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ExportFailure>,
    /// Nothing later is in the export.
    pub created_at: Timestamp,
    /// Number of bytes of a finished export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// End of the time for which a finished export can be downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Link to the file, which needs no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// End of the time for which the link is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_expires_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn subject_is_flat_and_states_have_their_names() {
        let user_id = UserId::SYSTEM;
        let subject = Subject::User { user_id, messages: ExportedMessages::Visible };
        assert_eq!(to_value(subject).unwrap(), json!({"of": "user", "user_id": user_id, "messages": "visible"}));
        for state in [ExportState::Running, ExportState::Ready, ExportState::Failed, ExportState::Cancelled] {
            assert_eq!(to_value(state).unwrap(), state.as_str());
        }
    }
}
