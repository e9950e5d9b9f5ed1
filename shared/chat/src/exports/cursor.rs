//! The place in the contents of an export.

use domain::{ConversationId, FileId, Seq, UserId};
use serde::{Deserialize, Serialize};

/// The place in the contents that comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cursor {
    #[default]
    Profile,
    Conversations {
        after: Option<ConversationId>,
        /// Number of entries of conversations before.
        entries: u32,
    },
    Members {
        at: Place<UserId>,
        entries: u32,
    },
    Messages {
        at: Place<Seq>,
        /// Number of entries of the conversation before.
        entries: u32,
    },
    Files {
        after: FileId,
        /// The file that is being copied, and the number of its bytes.
        open: Option<(FileId, u64)>,
    },
    Manifest,
}

/// A place in the conversations of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place<T> {
    /// Before the first conversation after this one.
    After(Option<ConversationId>),
    /// Within a conversation, after what this names.
    Within(ConversationId, T),
}
