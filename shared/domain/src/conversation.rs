//! Conversations: kinds, roles, and the view of a member.

use serde::{Deserialize, Serialize};

use crate::characters::line_of;
use crate::settings::ConversationSettings;
use crate::{ApiError, ConversationId, Custom, Message, Seq, Timestamp, UserId};

/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// Most messages that are pinned in one conversation.
pub const MAX_PINS: usize = 50;

/// Longest topic, in characters.
pub const MAX_TOPIC_CHARS: usize = 1000;

/// Longest time for which a conversation can ask to keep messages, in days.
pub const MAX_RETENTION_DAYS: u32 = 3650;

/// The kind of a conversation; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConversationType {
    /// Between exactly two users, one per pair.
    Private,
    /// Up to [`crate::membership::MAX_GROUP_MEMBERS`] users, added by owners and admins.
    Group,
    /// Any user may join.
    Public,
}

impl ConversationType {
    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Group => "group",
            Self::Public => "public",
        }
    }

    /// Returns the kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Private, Self::Group, Self::Public].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The part of the history that a member sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HistoryPolicy {
    /// Items of the member's own membership periods.
    #[default]
    SinceJoin,
    /// Everything up to the end of the last membership period.
    Full,
}

impl HistoryPolicy {
    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SinceJoin => "since_join",
            Self::Full => "full",
        }
    }

    /// Finds the policy with this name in SQL.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::SinceJoin, Self::Full].into_iter().find(|policy| policy.as_str() == name)
    }
}

/// Rights of a member, highest role first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    /// Adds, removes, mutes, edits the title.
    Admin,
    Member,
}

impl Role {
    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// Returns the role with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Member].into_iter().find(|role| role.as_str() == name)
    }
}

/// A user and their role in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AddedMember"))]
pub struct Member {
    pub user_id: UserId,
    pub role: Role,
    /// End of a mute from an earlier membership period: a mute outlives leaving and removal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}

impl Member {
    /// Returns a member who is not muted.
    pub const fn new(user_id: UserId, role: Role) -> Self {
        Self { user_id, role, muted_until: None }
    }
}

/// A conversation as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conversation {
    pub conversation_id: ConversationId,
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Title of a group or public conversation; `None` for a former member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `None` for a former member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// What the app has added; `None` for a former member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
    /// The other user of a private conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<UserId>,
    pub history: HistoryPolicy,
    /// Seqs of the pinned messages, rising, as far as the caller may see them; none for a former member. Some may be deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_PINS)))]
    pub pinned_seqs: Vec<Seq>,
    /// Days for which messages are kept, if the conversation has a time of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// Everything up to this seq has expired; absent if nothing has.
    #[serde(default, skip_serializing_if = "Seq::is_zero")]
    pub expired_seq: Seq,
    /// True for a closed conversation, which can only be read and left.
    pub closed: bool,
    /// True if the caller has blocked the other user of a private conversation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// End of the caller's mute; absent if the caller is not muted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// The caller's role; `None` for a former member.
    pub role: Option<Role>,
    /// The caller's own; absent if the caller has set nothing.
    #[serde(default, skip_serializing_if = "ConversationSettings::is_default")]
    pub settings: ConversationSettings,
    /// Number of active members; `None` for a former member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<u32>,
    /// Highest seq that the caller can see: the seq of the newest visible item. In a public conversation without items since
    /// the caller joined it is the head at the time of joining.
    pub head_seq: Seq,
    /// `sent_at` of the newest item that the caller can see.
    pub last_message_at: Option<Timestamp>,
    /// The newest item that is not an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Message>,
    /// The caller's read watermark: everything up to this seq is read.
    pub read_seq: Seq,
    /// Number of texts by others after `read_seq`: exact below [`MAX_UNREAD`], which means "at least" that many. A lower bound
    /// if more than a thousand other items follow.
    #[cfg_attr(feature = "schema", schemars(range(max = MAX_UNREAD)))]
    pub unread: u32,
}

/// The number at which counting unread messages stops; clients show `99+`.
pub const MAX_UNREAD: u32 = 100;

/// Returns a valid title: a [line](crate::characters) of at most [`MAX_TITLE_CHARS`] characters.
pub fn title(text: &str) -> Result<String, ApiError> {
    line_of("title", text, MAX_TITLE_CHARS)
}

/// Returns a valid topic: a [line](crate::characters) of at most [`MAX_TOPIC_CHARS`] characters; `None` for white space alone.
pub fn topic(text: &str) -> Result<Option<String>, ApiError> {
    if text.trim().is_empty() { Ok(None) } else { line_of("topic", text, MAX_TOPIC_CHARS).map(Some) }
}

/// Returns a valid number of days for which messages are kept: 1 to [`MAX_RETENTION_DAYS`].
pub fn retention_days(days: u32) -> Result<u32, ApiError> {
    if (1..=MAX_RETENTION_DAYS).contains(&days) {
        return Ok(days);
    }
    Err(ApiError::invalid(format!("`retention_days` must be from 1 to {MAX_RETENTION_DAYS}, or null.")))
}
