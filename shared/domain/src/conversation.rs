//! Conversations: their kinds, and what a member sees of one.

use serde::{Deserialize, Serialize};

use crate::user::one_line;
use crate::{ApiError, ConversationId, Message, Seq, Timestamp, UserId};

/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// Longest topic, in characters.
pub const MAX_TOPIC_CHARS: usize = 1000;

/// The kind of a conversation; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationType {
    /// Between exactly two users, one per pair.
    Private,
    /// Between up to [`crate::membership::MAX_GROUP_MEMBERS`] users whom its admins let in.
    Group,
    /// Open to everybody who joins.
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

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Private, Self::Group, Self::Public].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// How far back a member sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryPolicy {
    /// What was said during their own stays.
    #[default]
    SinceJoin,
    /// Everything up to the end of their last stay.
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
}

/// What a member may do; the highest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Adds, removes, mutes, edits the title.
    Admin,
    /// Sends and leaves.
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

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Member].into_iter().find(|role| role.as_str() == name)
    }
}

/// A user and their role in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The user.
    pub user_id: UserId,
    /// Their role.
    pub role: Role,
}

/// What a member sees of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Title of a group or public conversation; `None` for a former member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about; `None` for a former member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The other user of a private conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<UserId>,
    /// How far back members see.
    pub history: HistoryPolicy,
    /// Whether it is over: it can be read, and nothing else.
    pub closed: bool,
    /// Whether the caller has blocked the other user of a private conversation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// Until when the caller may not send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// The caller's role; `None` for a former member.
    pub role: Option<Role>,
    /// Number of active members; `None` for a former member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<u32>,
    /// The place up to which there is nothing more to see for the caller: that of the newest item that they can see, or, where
    /// nothing was said since they joined a public conversation, the head at that moment.
    pub head_seq: Seq,
    /// `sent_at` of the newest item that they can see.
    pub last_message_at: Option<Timestamp>,
    /// The newest message that is no event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Message>,
    /// Everything up to here has been read by the caller.
    pub read_seq: Seq,
    /// Texts of others after that: exact up to [`MAX_UNREAD`], which stands for more as well; at least so many where a thousand other
    /// items follow.
    pub unread: u32,
}

/// Where counting unread messages ends: clients show one less with a plus sign.
pub const MAX_UNREAD: u32 = 100;

/// A title that keeps the rules: 1 to [`MAX_TITLE_CHARS`] characters on one line, without space at either end.
pub fn title(text: &str) -> Result<String, ApiError> {
    one_line("title", text, MAX_TITLE_CHARS)
}

/// A topic that keeps the rules: at most [`MAX_TOPIC_CHARS`] characters on one line; `None` for none.
pub fn topic(text: &str) -> Result<Option<String>, ApiError> {
    if text.trim().is_empty() { Ok(None) } else { one_line("topic", text, MAX_TOPIC_CHARS).map(Some) }
}
