//! The document of a message.

use std::fmt;
use std::str::FromStr;

use domain::search::Has;
use domain::{ConversationId, Seq, Timestamp, UserId};
use serde::Serialize;

use crate::dynamodb::millis;

/// The position of a message in its log, which is the id of its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId {
    pub conversation_id: ConversationId,
    pub seq: Seq,
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.conversation_id, self.seq)
    }
}

/// Not an id that this code wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a document of the index has an id of another form")]
pub struct ForeignId;

impl FromStr for DocumentId {
    type Err = ForeignId;

    fn from_str(text: &str) -> Result<Self, ForeignId> {
        let (conversation, seq) = text.split_once('#').ok_or(ForeignId)?;
        let conversation_id = conversation.parse().map_err(|_| ForeignId)?;
        Ok(Self { conversation_id, seq: seq.parse().map_err(|_| ForeignId)? })
    }
}

/// The document of a text, as the index stores it. It has no text, but its terms in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    pub conversation_id: ConversationId,
    pub seq: Seq,
    pub sender_id: UserId,
    #[serde(serialize_with = "millis::serialize")]
    pub sent_at: Timestamp,
    /// Seq of the newest event that changed the message, or its own.
    pub version: Seq,
    /// Terms of the newest text, joined by spaces.
    pub terms: String,
    /// Terms of the names of its files, joined by spaces.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub files: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub has: Vec<Has>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
}

impl Document {
    pub const fn id(&self) -> DocumentId {
        DocumentId { conversation_id: self.conversation_id, seq: self.seq }
    }
}
