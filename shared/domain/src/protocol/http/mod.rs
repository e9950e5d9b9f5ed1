//! Bodies of the HTTP API, by resource. Paths and statuses are in `docs/protocol.md`.
//!
//! Requests with unknown fields or parameters are refused; responses may get new fields.

mod audit;
mod conversations;
mod exports;
mod files;
mod imports;
mod members;
mod messages;
pub mod pages;
mod problem;
mod search;
mod users;

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::read::Cursor;

pub use audit::{AuditCursor, AuditDay, AuditEntry, AuditOutcome, AuditPage, AuditQuery};
pub use conversations::{
    ConversationsPage, ConversationsQuery, CreateConversationRequest, PublicConversation, PublicConversationsPage,
    PublicConversationsQuery, UpdateConversationRequest,
};
pub use exports::{ConversationExportRequest, UserExportRequest};
pub use files::{FileQuery, SignedParts, ThumbnailQuery};
pub use imports::NewImportRequest;
pub use members::{AddMembersRequest, Member, MembersPage, PresencePage, PresenceQuery, UpdateMemberRequest};
pub use messages::{
    AroundPage, EditRequest, HistoryPage, HistoryQuery, MentionsPage, PinsPage, StatusPage, WatermarksPage,
};
pub use problem::Problem;
pub use search::{FileHighlights, Hit, SearchPage, SearchQuery};
pub use users::{
    BlocksPage, DeletionQuery, MAX_IDS, MAX_SUBJECT_BYTES, NewUserRequest, ProfileRequest, UserEntry, UsersPage,
    UsersQuery,
};

/// Query of a list: page size and cursor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "C: FromStr"))]
pub struct PageQuery<C> {
    pub limit: Option<u64>,
    pub cursor: Option<Cursor<C>>,
}

/// Parses a field that is `null` apart from one that is absent; for `deserialize_with` beside `default`.
#[allow(clippy::option_option, reason = "absent, or `null`")]
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_absent_are_distinguished() {
        let parse = |json| serde_json::from_str::<UpdateMemberRequest>(json).unwrap().muted_until;
        assert_eq!((parse("{}"), parse(r#"{"muted_until":null}"#)), (None, Some(None)));
        let write = |muted_until| serde_json::to_string(&UpdateMemberRequest { role: None, muted_until }).unwrap();
        assert_eq!((write(None).as_str(), write(Some(None)).as_str()), ("{}", r#"{"muted_until":null}"#));
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(serde_json::from_str::<ProfileRequest>(r#"{"display_name":"a","admin":true}"#).is_err());
        assert!(serde_json::from_str::<EditRequest>(r#"{"text":"a","sent_at":"b"}"#).is_err());
    }
}
