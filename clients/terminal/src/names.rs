//! Display names of users.

use std::collections::HashMap;

use client::domain::UserId;
use client::domain::protocol::http::UserEntry;
use client::{Api, ApiError};

use crate::render::clean;

/// Most users of one request.
const MAX_USERS_PER_REQUEST: usize = 100;

/// The names that are known.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<UserId, String>);

impl Names {
    /// Asks for the names of these users that are not known yet.
    pub(crate) async fn learn(&mut self, api: &Api, users: impl IntoIterator<Item = UserId>) -> Result<(), ApiError> {
        let mut unknown: Vec<_> = users.into_iter().filter(|user| !self.0.contains_key(user)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        for some in unknown.chunks(MAX_USERS_PER_REQUEST) {
            for entry in api.users(some).await? {
                match entry {
                    UserEntry::Active(user) => self.0.insert(user.user_id, clean(&user.display_name)),
                    UserEntry::Deleted { user_id, .. } => self.0.insert(user_id, "deleted user".to_owned()),
                };
            }
        }
        Ok(())
    }

    /// Returns the name of a user, or the id until the name is known.
    pub(crate) fn of(&self, user: UserId) -> String {
        self.0.get(&user).cloned().unwrap_or_else(|| user.to_string())
    }
}
