//! The place in the work of an import, and what was found out before it.

use std::collections::BTreeSet;

use domain::import::ImportCounts;
use domain::{ConversationId, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// The place that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cursor {
    /// Before the entry of lines with this number is checked.
    Check { entry: usize },
    /// Before the users after this one are created.
    Users { after: Option<UserId> },
    /// Before the conversation of the file after this one.
    After(Option<ConversationId>),
    /// Within the messages of a conversation of the file.
    Messages {
        conversation: ConversationId,
        /// Number of its entries before.
        entry: usize,
        /// Number of lines of the entry before.
        line: usize,
        end: LogEnd,
    },
}

impl Default for Cursor {
    fn default() -> Self {
        Self::Check { entry: 0 }
    }
}

/// The end of a log so far, on which its next item depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogEnd {
    pub(super) seq: Seq,
    pub(super) sent_at: Timestamp,
    /// Seq and time of the newest item that changed the conversation.
    pub(super) members_seq: Seq,
    pub(super) changed_at: Timestamp,
    /// Number of such items.
    pub(super) changes: u64,
}

impl Default for LogEnd {
    fn default() -> Self {
        Self { seq: Seq::ZERO, sent_at: Timestamp::MIN, members_seq: Seq(1), changed_at: Timestamp::MIN, changes: 0 }
    }
}

/// What was found out about the conversation that is being brought.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Conversation {
    /// The numbers before it.
    pub(super) counts: ImportCounts,
    /// Whoever wrote or reacted, as they are here.
    pub(super) authors: BTreeSet<UserId>,
    /// First seqs of the segments that are in the archive.
    pub(super) archived: BTreeSet<Seq>,
}

/// What a checkpoint has.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) cursor: Cursor,
    pub(super) plan: Plan,
    pub(super) counts: ImportCounts,
    /// Users whose messages come without words, as they are here. Whoever is erased later is found at the end of each conversation.
    #[serde(default)]
    pub(super) erased: BTreeSet<UserId>,
    #[serde(default)]
    pub(super) conversation: Conversation,
    /// Number of checkpoints.
    pub(super) steps: u64,
}
