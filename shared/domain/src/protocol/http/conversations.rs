//! Bodies of the routes of conversations.

use serde::{Deserialize, Serialize};

use super::given;
use crate::conversation::Conversation;
use crate::protocol::or_default;
use crate::protocol::read::Cursor;
use crate::settings::ConversationSettings;
use crate::{ConversationId, ConversationType, Custom, HistoryPolicy, Timestamp, UserId};

/// Body of `POST /v1/conversations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateConversationRequest {
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Title; required except for a private conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::conversation::MAX_TITLE_CHARS)))]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::conversation::MAX_TOPIC_CHARS)))]
    pub topic: Option<String>,
    /// History policy; `since_join` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryPolicy>,
    /// What the app adds; none in a private conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
    /// The other members; of a private conversation exactly one.
    #[serde(default, deserialize_with = "or_default")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::membership::MAX_USERS_PER_CHANGE)))]
    pub member_ids: Vec<UserId>,
}

/// Body of `PATCH /v1/conversations/{id}`. Absent fields do not change.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateConversationRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::conversation::MAX_TITLE_CHARS)))]
    pub title: Option<String>,
    /// `null` removes the topic.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::conversation::MAX_TOPIC_CHARS)))]
    pub topic: Option<Option<String>>,
    /// `null` or an empty object removes it.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub custom: Option<Option<Custom>>,
    /// Days for which messages are kept; `null` leaves it to the operator.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::conversation::MAX_RETENTION_DAYS)))]
    pub retention_days: Option<Option<u32>>,
    /// True if the caller blocks the other user of a private conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
}

/// Query of `GET /v1/public-conversations`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PublicConversationsQuery {
    /// Words that a title or topic has to contain.
    #[cfg_attr(feature = "schema", schemars(length(max = crate::search::MAX_SEARCH_CHARS)))]
    pub q: Option<String>,
    pub limit: Option<u64>,
    pub cursor: Option<Cursor<ConversationId>>,
}

/// Query of `GET /v1/conversations`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConversationsQuery {
    pub limit: Option<u64>,
    pub cursor: Option<Cursor<ConversationId>>,
    /// Only those that the caller has archived, or only the others.
    pub archived: Option<bool>,
    /// Only those that the caller has pinned, or only the others.
    pub pinned: Option<bool>,
}

impl ConversationsQuery {
    /// Returns true for a conversation that the caller asks for.
    pub fn matches(&self, conversation: &Conversation) -> bool {
        let ConversationSettings { archived, pinned, .. } = conversation.settings;
        self.archived.is_none_or(|wanted| wanted == archived) && self.pinned.is_none_or(|wanted| wanted == pinned)
    }
}

/// Answer to `GET /v1/conversations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConversationsPage {
    pub conversations: Vec<Conversation>,
    /// Cursor of the next page; `None` on the last.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cursor: Option<ConversationId>,
}

/// A public conversation as any user may find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublicConversationsPage {
    pub conversations: Vec<PublicConversation>,
    /// Cursor of the next page; `None` on the last.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cursor: Option<ConversationId>,
}
