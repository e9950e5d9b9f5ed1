//! Contradictions between SQL and DynamoDB.

use domain::{ConversationId, FileId, UserId};
use serde::{Deserialize, Serialize};

/// Kinds of contradictions between the stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Changes wait in the outbox, so that nothing was compared: a relay may be about to apply them.
    ChangesWaiting,
    /// SQL refers to seqs that the log does not have: the log is older. Users see what is sent from here on.
    LogIsOlder,
    /// The log has no item.
    NoLog,
    /// The log lacks an item between others. It cannot be mended.
    HoleInLog,
    /// The item `#conversation` is missing, or differs from SQL.
    Conversation,
    /// The item of an active member is missing, or differs from SQL.
    ActiveMember,
    /// The item of an active member of whom SQL does not know.
    UnknownActiveMember,
    /// The item of ended membership periods is missing, or differs from SQL.
    FormerMember,
    /// The item of ended membership periods of which SQL does not know.
    UnknownFormerMember,
    /// The items of the blocks of two users differ from SQL.
    Blocks,
    /// A user who is deleted in SQL is an active member.
    MembershipOfDeletedUser,
    /// A user who is deleted in DynamoDB lives in SQL. Only the user, or an operator, can repeat the deletion.
    DeletionLost,
    /// A user who is deleted in SQL has no tombstone in DynamoDB.
    Tombstone,
    /// The item of a ready file is missing, or belongs to another owner or conversation.
    File,
}

/// A contradiction, with the ids that it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub kind: FindingKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_id: Option<FileId>,
    /// The difference, without names, titles and texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Finding {
    pub(crate) fn new(kind: FindingKind) -> Self {
        Self { kind, conversation_id: None, user_id: None, file_id: None, detail: None }
    }

    pub(crate) fn of(kind: FindingKind, conversation: ConversationId) -> Self {
        Self { conversation_id: Some(conversation), ..Self::new(kind) }
    }

    pub(crate) fn user(self, user: UserId) -> Self {
        Self { user_id: Some(user), ..self }
    }

    pub(crate) fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}
