//! The bodies of queue messages. The versions before and after read them as well: see `docs/architecture.md`.

use domain::{ConversationId, ExportId, FileId, ImportId, MemberRange, Receipt, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Body of a message on the `receipts` queue: the receipts of one frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsBody {
    /// With the user and the time that the server set.
    pub receipts: Vec<Receipt>,
}

/// Body of a message on the `relay` queue: work that a crash may have left unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RelayBody {
    /// A conversation that may have changes in the outbox.
    Conversation { conversation_id: ConversationId },
    /// A user whose account may be deleted and whose memberships may not have ended.
    User {
        user_id: UserId,
        /// The last conversation before these memberships; `None` to begin with the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ConversationId>,
        /// The last conversation of a range that one invocation ends; `None` for memberships that are still to be split into ranges.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<ConversationId>,
    },
    /// Two users without a private conversation, the smaller id first, whose blocks have changed.
    Blocks { pair: [UserId; 2] },
}

impl RelayBody {
    /// Returns the task for all memberships of a deleted user.
    pub const fn all_of(user_id: UserId) -> Self {
        Self::User { user_id, after: None, last: None }
    }
}

/// Body of a message on the `files` queue: a cleanup task, with the time when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilesBody {
    /// An upload to delete unless it was accepted by then.
    Upload { file_id: FileId, due: Timestamp },
    /// A file that expired, and is deleted unless a message has referenced it by then.
    #[serde(rename = "released")]
    Expired { file_id: FileId, due: Timestamp },
    /// A deleted user, whose files are deleted except those that messages reference.
    User {
        user_id: UserId,
        /// The last file before these.
        after: FileId,
        /// The last file of a range that one invocation deletes; `None` for files that are still to be split into ranges.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<FileId>,
    },
}

impl FilesBody {
    /// Returns the task for all files of a deleted user.
    pub const fn all_of(user_id: UserId) -> Self {
        Self::User { user_id, after: FileId(Uuid::nil()), last: None }
    }

    /// Returns the time from which the worker acts on it.
    pub const fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Upload { due, .. } | Self::Expired { due, .. } => Some(*due),
            Self::User { .. } => None,
        }
    }

    /// Returns the task with another time.
    #[must_use]
    pub const fn due_at(self, due: Timestamp) -> Self {
        match self {
            Self::Upload { file_id, .. } => Self::Upload { file_id, due },
            Self::Expired { file_id, .. } => Self::Expired { file_id, due },
            Self::User { .. } => self,
        }
    }

    /// Returns a name for the schedule of the task, the same when it is created again.
    pub fn schedule_name(&self) -> String {
        match self {
            Self::Upload { file_id, due } => format!("upload-{file_id}-{}", due.epoch_millis()),
            Self::Expired { file_id, due } => format!("expired-{file_id}-{}", due.epoch_millis()),
            Self::User { user_id, .. } => format!("user-{user_id}"),
        }
    }
}

/// Body of a message on the `fanout` queue: items of a log, to be pushed to members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanoutBody {
    pub conversation_id: ConversationId,
    /// Seqs of the items.
    pub seqs: Vec<Seq>,
    /// Times that the work was handed over to the queue again, by itself or by what it shared an invocation with.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
    /// The range of members; the whole range is split if it is too large for one worker.
    #[serde(flatten)]
    pub shard: MemberRange,
}

/// Body of a message on the `fanout` queue: items of a public conversation's log, to be pushed to the subscribers in one shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscribersBody {
    pub conversation_id: ConversationId,
    /// Seqs of the items.
    pub seqs: Vec<Seq>,
    /// Times that the work was handed over to the queue again, by itself or by what it shared an invocation with.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
    #[serde(rename = "lookers")]
    pub subscribers: SubscriptionRange,
}

/// A range of the subscribers of a public conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubscriptionRange {
    /// The shard of their subscriptions.
    pub shard: u32,
    /// The last connection before the range; `None` to start with the first of the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_connection: Option<String>,
}

/// Body of a message on the `search-reindex` queue: a part of the logs, from which the index is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReindexBody {
    /// Part of one log, both ends included.
    Slice {
        conversation_id: ConversationId,
        first: Seq,
        last: Seq,
        /// As in a range.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reindex_id: Option<Uuid>,
    },
    /// The conversations after one.
    Range {
        after: ConversationId,
        /// The last one of a range; `None` for conversations that are still to be split into ranges.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<ConversationId>,
        /// The work that it is a part of; `None` if nobody waits for its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reindex_id: Option<Uuid>,
    },
}

impl ReindexBody {
    pub const fn reindex_id(&self) -> Option<Uuid> {
        match self {
            Self::Slice { reindex_id, .. } | Self::Range { reindex_id, .. } => *reindex_id,
        }
    }
}

/// Body of a message on the `archive` queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveBody {
    /// A segment of a log that may move to the archive, or has moved.
    Segment {
        conversation_id: ConversationId,
        /// First seq of the range.
        first: Seq,
        /// True if changes of its messages become part of its chunk.
        #[serde(default)]
        fold: bool,
    },
    /// The conversations after one, whose segments are to be found.
    Range {
        after: ConversationId,
        /// The last one of a range; `None` for conversations that are still to be split into ranges.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<ConversationId>,
    },
}

/// Body of a message on the `export` queue: work on an export, whatever its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportBody {
    pub export_id: ExportId,
    /// Times that the work was handed over to the queue, since it was last handed over to a schedule.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
}

/// Body of a message on the `import` queue: work on an import, whatever its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportBody {
    pub import_id: ImportId,
    /// Times that the work was handed over to the queue, since it was last handed over to a schedule.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
}

/// Body of a message on the `erasure` queue: conversations in which something of a deleted user may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureBody {
    pub user_id: UserId,
    /// The last conversation before these; `None` to begin with the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ConversationId>,
    /// The last one of a range; `None` for conversations that are still to be listed and split into ranges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<ConversationId>,
    /// Times that the work was handed over to the queue, since it was last handed over to a schedule.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
}

impl ErasureBody {
    /// Returns the task for everything of a user.
    pub const fn all_of(user_id: UserId) -> Self {
        Self { user_id, after: None, last: None, round: 0 }
    }

    /// Returns the task for one conversation.
    pub const fn of(user_id: UserId, conversation: ConversationId) -> Self {
        let before = Uuid::from_u128(conversation.0.as_u128().saturating_sub(1));
        Self { user_id, after: Some(ConversationId(before)), last: Some(conversation), round: 0 }
    }
}

/// Body of a message on the `retention` queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionBody {
    /// A conversation of which something may be too old.
    Visit { conversation_id: ConversationId },
    /// Items that are hidden, up to this seq, and are to be deleted.
    Delete { conversation_id: ConversationId, expired_seq: Seq },
    /// The conversations after one, which are to be visited.
    Range {
        after: ConversationId,
        /// The last one of a range; `None` for conversations that are still to be split into ranges.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<ConversationId>,
    },
}

/// Body of a message on the dead-letter queue of `search-index`: a record of the stream that the index refuses. Lambda reports
/// what it has given up in the same queue, in a form of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRecord {
    /// The message, if the record names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// Position of the record in its shard of the stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
    /// The reason, without any content.
    pub reason: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(round: &u32) -> bool {
    *round == 0
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    const USER: &str = "00000000-0000-0000-0000-000000000001";
    const ID: &str = "00000000-0000-0000-0000-000000000002";

    /// Bodies of the version before, which are also what this version writes where it has nothing to add.
    #[test]
    fn bodies_of_the_version_before_are_read_and_written() {
        let relay = json!({"user_id": USER});
        assert_eq!(from_value::<RelayBody>(relay.clone()).unwrap(), RelayBody::all_of(USER.parse().unwrap()));
        assert_eq!(to_value(RelayBody::all_of(USER.parse().unwrap())).unwrap(), relay);
        let files = json!({"user": {"user_id": USER, "after": Uuid::nil()}});
        assert_eq!(to_value(from_value::<FilesBody>(files.clone()).unwrap()).unwrap(), files);
        let fanout = json!({"conversation_id": ID, "seqs": [1]});
        assert_eq!(to_value(from_value::<FanoutBody>(fanout.clone()).unwrap()).unwrap(), fanout);
        let subscribers = json!({"conversation_id": ID, "seqs": [1], "lookers": {"shard": 0}});
        assert_eq!(to_value(from_value::<SubscribersBody>(subscribers.clone()).unwrap()).unwrap(), subscribers);
        for reindex in [
            json!({"range": {"after": ID}}),
            json!({"range": {"after": ID, "last": ID}}),
            json!({"slice": {"conversation_id": ID, "first": 1, "last": 9}}),
        ] {
            assert_eq!(to_value(from_value::<ReindexBody>(reindex.clone()).unwrap()).unwrap(), reindex);
        }
    }

    #[test]
    fn range_of_a_deletion_is_no_conversation() {
        let (user_id, last) = (USER.parse().unwrap(), Some(ID.parse().unwrap()));
        let body = RelayBody::User { user_id, after: None, last };
        assert_eq!(from_value::<RelayBody>(to_value(body).unwrap()).unwrap(), body);
    }
}
