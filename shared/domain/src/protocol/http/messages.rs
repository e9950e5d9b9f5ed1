//! Messages, their history and their status.

use serde::{Deserialize, Serialize};

use super::given;
use crate::protocol::or_default;
use crate::receipt::{MemberWatermarks, Status};
use crate::{ApiError, Content, Custom, Message, Seq, UserId};

/// Body of `PATCH /v1/conversations/{id}/messages/{seq}`: the new content of the message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    #[cfg_attr(feature = "schema", schemars(length(max = crate::message::MAX_TEXT_BYTES)))]
    pub text: String,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::message::MAX_MENTIONS)))]
    pub mentions: Vec<UserId>,
    /// Absent, it stays; `null` or an empty object removes it.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub custom: Option<Option<Custom>>,
}

impl EditRequest {
    /// Checks every limit. An empty `custom` of the content removes that of the message, and none leaves it.
    pub fn check(self) -> Result<Content, ApiError> {
        let Self { text, mentions, custom } = self;
        let custom = custom.map(Option::unwrap_or_default).map(Custom::check).transpose()?;
        Ok(Content { custom, ..Content::caption(text, None, mentions)? })
    }
}

/// Query of `GET /v1/conversations/{id}/messages`: at most one of the seqs.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    pub limit: Option<u64>,
    pub after_seq: Option<Seq>,
    pub before_seq: Option<Seq>,
    pub around_seq: Option<Seq>,
}

/// A page of history, without events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryPage {
    /// Oldest first; fewer than the limit, perhaps none, in long stretches of events.
    pub messages: Vec<Message>,
    /// True if there are more in the requested direction.
    pub more: bool,
    /// The `after_seq` or `before_seq` of the next page.
    pub next: Option<Seq>,
    /// Everything up to this seq has expired; absent if nothing has.
    #[serde(default, skip_serializing_if = "Seq::is_zero")]
    pub expired_seq: Seq,
}

/// The history around a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AroundPage {
    /// The visible messages, oldest first.
    pub messages: Vec<Message>,
    /// True if there are earlier messages.
    pub more_before: bool,
    /// True if there are later messages.
    pub more_after: bool,
    /// Everything up to this seq has expired; absent if nothing has.
    #[serde(default, skip_serializing_if = "Seq::is_zero")]
    pub expired_seq: Seq,
}

/// Answer to `GET /v1/conversations/{id}/pins`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PinsPage {
    /// The pinned messages that the caller may see, newest first.
    pub messages: Vec<Message>,
    /// Cursor of the next page; `None` on the last.
    pub cursor: Option<String>,
}

/// Answer to `GET /v1/mentions`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MentionsPage {
    /// Messages that mention the caller, newest first; fewer than the limit, perhaps none, where many are hidden.
    pub messages: Vec<Message>,
    /// Cursor of the next page; `None` on the last.
    pub cursor: Option<String>,
}

/// Answer to `GET /v1/conversations/{id}/messages/{seq}/status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusPage {
    /// Recipients with the times of delivery and read.
    pub recipients: Vec<Status>,
    /// Cursor of the next page; `None` on the last.
    pub cursor: Option<String>,
}

/// Answer to `GET /v1/conversations/{id}/receipts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatermarksPage {
    /// The watermarks of each member.
    pub receipts: Vec<MemberWatermarks>,
    /// Cursor of the next page; `None` on the last.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cursor: Option<UserId>,
}
