//! Imports: conversations with their history, which a backend brings in the format of exports.

use std::ops::AddAssign;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::file::SignedRequest;
use crate::{ApiError, ConversationId, ConversationType, FileId, ImportId, MessageId, Timestamp, UserId};

/// Largest file: the most that S3 takes in one request.
pub const MAX_IMPORT_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Most bytes of one entry of the file, before compression: a worker has it in memory.
pub const MAX_ENTRY_BYTES: u64 = 64 * 1024 * 1024;

/// Most entries of the file.
pub const MAX_ENTRIES: u64 = 200_000;

/// Longest line of an entry.
pub const MAX_LINE_BYTES: usize = 256 * 1024;

/// Most users that one file names.
pub const MAX_IMPORTED_USERS: usize = 100_000;

/// Most conversations of one file.
pub const MAX_IMPORTED_CONVERSATIONS: usize = 10_000;

/// Most messages of one conversation.
pub const MAX_IMPORTED_MESSAGES: u64 = 1_000_000;

/// Most members and former members of all conversations of one file.
pub const MAX_IMPORTED_MEMBERS: usize = 200_000;

/// Most errors that an import reports. The file is read no further.
pub const MAX_IMPORT_ERRORS: usize = 100;

/// Longest name of a source, in bytes.
pub const MAX_SOURCE_BYTES: usize = 100;

/// Time for which the request that uploads the file is valid.
pub const UPLOAD_LIFETIME: Duration = Duration::from_hours(6);

/// The import is taken for dead after so long without progress: no queue message is left that would go on.
pub const STALLED_AFTER: Duration = Duration::from_mins(90);

/// Longest time from the request to the end: the bucket deletes the file a day after its upload.
pub const MAX_DURATION: Duration = Duration::from_hours(20);

/// The ids that imported users have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportedUsers {
    /// Users with a subject have the id that their tokens will have. Others get one that belongs to no token.
    #[default]
    Mapped,
    /// The same, but others keep their ids: those of an export whose users have tokens of the same issuer.
    Kept,
}

/// The state of an import. It only moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// It waits for its file, and to be started.
    Waiting,
    Running,
    Done,
    /// It was given up. Conversations that were whole by then stay.
    Failed,
    /// The backend cancelled it. The same holds.
    Cancelled,
}

impl ImportState {
    /// Returns true for an import that has ended before its file did.
    pub const fn is_given_up(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }

    /// The name in DynamoDB and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Reason for which an import failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportFailure {
    /// The file breaks rules of the format: see the errors.
    Invalid,
    /// It would have taken longer than [`MAX_DURATION`].
    TookTooLong,
    /// The worker has given it up.
    Stalled,
}

/// What is wrong with a line of the file, or with a whole entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportError {
    /// Name of the entry; empty for the file itself.
    pub file: String,
    /// Number of the line, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    pub message: String,
}

/// Numbers of what was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportCounts {
    /// Users whom the file names.
    pub users: u64,
    pub conversations: u64,
    /// Conversations that an earlier import had brought, and that are as they were.
    pub existing_conversations: u64,
    /// Members and former members.
    pub members: u64,
    pub messages: u64,
    pub files: u64,
    /// Attachments whose bytes the file does not have. Their messages name them in the text.
    pub missing_files: u64,
    /// Messages without their words, because their author is erased here.
    #[serde(default)]
    pub erased_messages: u64,
}

impl AddAssign for ImportCounts {
    fn add_assign(&mut self, other: Self) {
        let Self {
            users,
            conversations,
            existing_conversations,
            members,
            messages,
            files,
            missing_files,
            erased_messages,
        } = other;
        self.users += users;
        self.conversations += conversations;
        self.existing_conversations += existing_conversations;
        self.members += members;
        self.messages += messages;
        self.files += files;
        self.missing_files += missing_files;
        self.erased_messages += erased_messages;
    }
}

/// An import as its backend sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Import {
    pub import_id: ImportId,
    pub source: String,
    pub users: ImportedUsers,
    /// Number of bytes of the file.
    pub size: u64,
    pub state: ImportState,
    /// Set for a failed import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ImportFailure>,
    pub created_at: Timestamp,
    pub counts: ImportCounts,
    /// Errors, up to [`MAX_IMPORT_ERRORS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_IMPORT_ERRORS)))]
    pub errors: Vec<ImportError>,
    /// The request that uploads the file, while the import waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<SignedRequest>,
}

/// Checks the name of a source: 1 to 100 visible characters of ASCII.
pub fn check_source(source: &str) -> Result<(), ApiError> {
    let is_valid = (1..=MAX_SOURCE_BYTES).contains(&source.len()) && source.bytes().all(|byte| byte.is_ascii_graphic());
    if is_valid {
        return Ok(());
    }
    Err(ApiError::invalid(format!("`source` must have 1 to {MAX_SOURCE_BYTES} visible characters of ASCII.")))
}

/// The ids of what comes from one source. The same source and id always give the same id here, so a repeated import finds what an
/// earlier one has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdSpace(Uuid);

impl IdSpace {
    pub fn of(source: &str) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("palaver:import:{source}").as_bytes()))
    }

    fn id(self, kind: &str, source: Uuid) -> Uuid {
        Uuid::new_v5(&self.0, format!("{kind}:{source}").as_bytes())
    }

    /// Returns the id of a user without a subject.
    pub fn user(self, UserId(source): UserId) -> UserId {
        UserId(self.id("user", source))
    }

    /// Returns the id of a conversation: that of a public one tells so.
    pub fn conversation(self, ConversationId(source): ConversationId, kind: ConversationType) -> ConversationId {
        let id = self.id("conversation", source);
        match kind {
            ConversationType::Public => {
                ConversationId(Builder::from_bytes(id.into_bytes()).with_version(uuid::Version::Custom).into_uuid())
            }
            ConversationType::Private | ConversationType::Group => ConversationId(id),
        }
    }

    pub fn message(self, MessageId(source): MessageId) -> MessageId {
        MessageId(self.id("message", source))
    }

    /// Returns the id of a file in a conversation: each conversation has files of its own.
    pub fn file(self, ConversationId(conversation): ConversationId, FileId(source): FileId) -> FileId {
        FileId(self.id(&format!("file:{conversation}"), source))
    }

    /// Returns an id for another part of a conversation, such as a membership period.
    pub fn part(self, ConversationId(conversation): ConversationId, name: &str) -> Uuid {
        self.id(name, conversation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_source_and_id() {
        let (space, other) = (IdSpace::of("a"), IdSpace::of("b"));
        let source = ConversationId::generate();
        let id = space.conversation(source, ConversationType::Group);
        assert_eq!(id, space.conversation(source, ConversationType::Group));
        assert_ne!(id, other.conversation(source, ConversationType::Group));
        assert_ne!(id.0, space.user(UserId(source.0)).0, "a user and a conversation with the same id");
        assert!(!id.is_public() && space.conversation(source, ConversationType::Public).is_public());
    }

    #[test]
    fn source_is_a_short_name() {
        assert!(check_source("slack-acme/2026").is_ok());
        for bad in ["", "a b", "é", "a\n", &"a".repeat(101)] {
            assert!(check_source(bad).is_err(), "{bad:?}");
        }
    }
}
