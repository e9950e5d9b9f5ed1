//! The search for messages.

use serde::{Deserialize, Serialize};

use crate::protocol::read::Cursor;
use crate::search::{Has, SearchCursor, SearchOrder, Span};
use crate::{ConversationId, FileId, Message, Timestamp, UserId};

/// Query of `GET /v1/search`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// Words and phrases, see [`crate::search::MessageQuery`]. It may be absent beside `has`.
    #[cfg_attr(feature = "schema", schemars(length(max = crate::search::MAX_SEARCH_CHARS)))]
    pub q: Option<String>,
    /// Only messages of this conversation.
    pub conversation_id: Option<ConversationId>,
    /// Only messages of this user.
    pub sender_id: Option<UserId>,
    /// Only messages that were sent later.
    pub after: Option<Timestamp>,
    /// Only messages that were sent earlier.
    pub before: Option<Timestamp>,
    /// Only messages that have this.
    pub has: Option<Has>,
    pub order: Option<SearchOrder>,
    pub limit: Option<u64>,
    pub cursor: Option<Cursor<SearchCursor>>,
}

/// Answer to `GET /v1/search`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchPage {
    /// Fewer than the limit, perhaps none, before the last page: only the cursor tells whether there are more.
    pub hits: Vec<Hit>,
    /// Cursor of the next page; `None` on the last.
    pub cursor: Option<String>,
}

/// A message that a search found, as history shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hit {
    pub message: Message,
    /// The parts of the text that match, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub highlights: Vec<Span>,
    /// The names of attached files that match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileHighlights>,
}

/// The parts of a file's name that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileHighlights {
    pub file_id: FileId,
    pub highlights: Vec<Span>,
}
