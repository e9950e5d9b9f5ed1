//! Catching up: one cursor per conversation covers all that a client can have missed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::or_default;
use crate::conversation::Conversation;
use crate::period::SeqRange;
use crate::{ApiError, ConversationId, ErrorCode, Message, Seq};

/// Most conversations of one request or answer.
pub const MAX_CONVERSATIONS: usize = 50;

/// `{"action":"sync", …}` and `POST /v1/sync`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SyncRequest {
    /// By conversation, the highest seq without a gap below it. Without any, the caller's conversations are listed.
    #[serde(default, deserialize_with = "or_default")]
    #[cfg_attr(feature = "schema", schemars(extend("maxProperties" = MAX_CONVERSATIONS, "propertyNames" = { "format": "uuid" })))]
    pub cursors: BTreeMap<ConversationId, Seq>,
    /// Cursor of the next page of the list.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cursor: Option<ConversationId>,
}

impl SyncRequest {
    pub fn check(self) -> Result<Self, ApiError> {
        if self.cursors.len() > MAX_CONVERSATIONS {
            let message = format!("A request can name at most {MAX_CONVERSATIONS} conversations.");
            return Err(ApiError::new(ErrorCode::TooManyConversations, message));
        }
        if self.cursors.values().any(|seq| *seq > Seq::MAX) {
            return Err(ApiError::invalid("A cursor of the request is not a valid seq."));
        }
        Ok(self)
    }
}

/// The items that a client has missed, or a list of its conversations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Synced {
    /// One entry for each cursor whose conversation the caller can see, or a page of the list.
    pub conversations: Vec<SyncedConversation>,
    /// Cursor of the next page of the list; `None` on the last page, and for a request with cursors.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cursor: Option<ConversationId>,
}

/// The head of a conversation, and the items after the cursor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SyncedConversation {
    pub conversation_id: ConversationId,
    /// The conversation itself; in a list only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Conversation>,
    /// The items after the cursor, events included, lowest seq first.
    pub messages: Vec<Message>,
    /// Ranges of seqs that the caller cannot see, as `[first, last]`. They lie between the cursor and the last item of
    /// `messages`, or the head if `more` is false.
    pub hidden: Vec<[Seq; 2]>,
    /// Highest seq that the caller can see.
    pub head_seq: Seq,
    /// Everything up to this seq has expired, and is among the hidden ranges; absent if nothing has.
    #[serde(default, skip_serializing_if = "Seq::is_zero")]
    pub expired_seq: Seq,
    /// True if more items follow: sync again with the new cursor.
    pub more: bool,
}

/// A range as clients read it.
pub fn pair(range: SeqRange) -> [Seq; 2] {
    [range.first, range.last]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sync_request_is_bounded() {
        let request = |n: usize| SyncRequest {
            cursors: (0..n).map(|_| (ConversationId::generate(), Seq(1))).collect(),
            cursor: None,
        };
        assert!(request(MAX_CONVERSATIONS).check().is_ok());
        let refused = request(MAX_CONVERSATIONS + 1).check().unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooManyConversations);
        let beyond = SyncRequest { cursors: [(ConversationId::generate(), Seq(u64::MAX))].into(), cursor: None };
        assert_eq!(beyond.check().unwrap_err().code, ErrorCode::InvalidRequest);
    }
}
