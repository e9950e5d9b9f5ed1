//! Bodies of the routes of users.

use serde::{Deserialize, Serialize};

use crate::UserId;
use crate::erasure::MessagesOfDeleted;
use crate::user::User;

/// Body of `PUT /v1/users/me`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    pub display_name: String,
}

/// Body of `POST /v1/server/users`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUserRequest {
    /// `sub` of the user's tokens.
    pub subject: String,
    pub display_name: String,
}

/// Query of `GET /v1/users`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersQuery {
    pub ids: Vec<UserId>,
}

/// A user as others see them: the messages of a deleted user keep their author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UserEntry {
    Active(User),
    /// `deleted` is always true.
    Deleted {
        user_id: UserId,
        deleted: bool,
    },
}

/// Answer to `GET /v1/users?ids=`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UsersPage {
    /// The existing ones, in the order of the request.
    pub users: Vec<UserEntry>,
}

/// Query of a deletion of a user.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletionQuery {
    #[serde(default)]
    pub messages: MessagesOfDeleted,
}
