//! Bodies of the routes of users.

use serde::{Deserialize, Serialize};

use super::given;
use crate::erasure::MessagesOfDeleted;
use crate::user::User;
use crate::{Custom, UserId};

/// Most users that one request names.
pub const MAX_IDS: usize = 100;

/// Most bytes of a subject: more than the header of a token has room for.
pub const MAX_SUBJECT_BYTES: usize = 2_048;

/// Body of `PUT /v1/users/me`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::user::MAX_DISPLAY_NAME_CHARS)))]
    pub display_name: String,
    /// Absent, it stays; `null` or an empty object removes it.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub custom: Option<Option<Custom>>,
}

/// Body of `POST /v1/server/users`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUserRequest {
    /// `sub` of the user's tokens.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_SUBJECT_BYTES)))]
    pub subject: String,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::user::MAX_DISPLAY_NAME_CHARS)))]
    pub display_name: String,
    /// Absent, it stays; `null` or an empty object removes it.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub custom: Option<Option<Custom>>,
}

/// Query of `GET /v1/users`: `ids`, or `q`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UsersQuery {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_IDS)))]
    #[serde(default)]
    pub ids: Vec<UserId>,
    /// Beginnings of the words of a name.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = crate::search::MAX_SEARCH_CHARS)))]
    pub q: Option<String>,
    /// Most users that `q` finds.
    pub limit: Option<u64>,
}

/// A user as others see them: the messages of a deleted user keep their author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum UserEntry {
    Active(User),
    /// `deleted` is always true.
    Deleted {
        user_id: UserId,
        deleted: bool,
    },
}

/// Answer to `GET /v1/users`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsersPage {
    /// The existing ones, in the order of the request; those whose names match, by name.
    pub users: Vec<UserEntry>,
}

/// Query of a deletion of a user.
/// Answer to `GET /v1/blocks`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlocksPage {
    /// Users whom the caller blocks, in the order of their ids.
    pub user_ids: Vec<UserId>,
    /// Cursor of the next page; `null` on the last.
    pub cursor: Option<UserId>,
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeletionQuery {
    #[serde(default)]
    pub messages: MessagesOfDeleted,
}
