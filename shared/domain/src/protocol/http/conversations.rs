//! Bodies of the routes of conversations.

use serde::{Deserialize, Serialize};

use super::given;
use crate::conversation::Conversation;
use crate::protocol::or_default;
use crate::protocol::read::Cursor;
use crate::{ConversationId, ConversationType, HistoryPolicy, Timestamp, UserId};

/// Body of `POST /v1/conversations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateConversationRequest {
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Title; required except for a private conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// History policy; `since_join` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryPolicy>,
    /// The other members; of a private conversation exactly one.
    #[serde(default, deserialize_with = "or_default")]
    pub member_ids: Vec<UserId>,
}

/// Body of `PATCH /v1/conversations/{id}`. Absent fields do not change.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateConversationRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `null` removes the topic.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub topic: Option<Option<String>>,
    /// Days for which messages are kept; `null` leaves it to the operator.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<Option<u32>>,
    /// True if the caller blocks the other user of a private conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
}

/// Query of `GET /v1/public-conversations`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicConversationsQuery {
    /// Words that a title or topic has to contain.
    pub q: Option<String>,
    pub limit: Option<u64>,
    pub cursor: Option<Cursor<ConversationId>>,
}

/// Answer to `GET /v1/conversations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConversationsPage {
    pub conversations: Vec<Conversation>,
    /// Cursor of the next page; `None` on the last.
    pub cursor: Option<ConversationId>,
}

/// A public conversation as any user may find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicConversation {
    pub conversation_id: ConversationId,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Number of active members.
    pub member_count: i32,
    pub created_at: Timestamp,
    /// True if the caller is a member.
    pub member: bool,
}

/// Answer to `GET /v1/public-conversations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PublicConversationsPage {
    pub conversations: Vec<PublicConversation>,
    /// Cursor of the next page; `None` on the last.
    pub cursor: Option<ConversationId>,
}
