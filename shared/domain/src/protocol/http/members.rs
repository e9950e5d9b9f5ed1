//! Members of a conversation.

use serde::{Deserialize, Serialize};

use super::given;
use crate::protocol::read::Cursor;
use crate::{ConversationId, Presence, Role, Seq, Timestamp, UserId};

/// Body of `POST /v1/conversations/{id}/members`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AddMembersRequest {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::membership::MAX_USERS_PER_CHANGE)))]
    pub user_ids: Vec<UserId>,
}

/// Body of `PATCH /v1/conversations/{id}/members/{user_id}`. Absent fields do not change.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMemberRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// End of the mute; `null` unmutes.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Option<Timestamp>>,
}

/// A member, as members see each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Member {
    pub user_id: UserId,
    pub role: Role,
    /// First seq of the current membership period.
    pub joined_seq: Seq,
    pub joined_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}

/// Answer to `GET /v1/conversations/{id}/members`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MembersPage {
    pub members: Vec<Member>,
    /// Cursor of the next page; `None` on the last.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cursor: Option<UserId>,
}

/// Query of `GET /v1/presence`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PresenceQuery {
    pub conversation_id: ConversationId,
    pub limit: Option<u64>,
    pub cursor: Option<Cursor<UserId>>,
}

/// Answer to `GET /v1/presence`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PresencePage {
    pub members: Vec<Presence>,
    /// Cursor of the next page; `None` on the last.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cursor: Option<UserId>,
}
