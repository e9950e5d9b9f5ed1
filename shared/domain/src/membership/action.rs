//! Actions on a conversation and its members.

use crate::{Role, Timestamp, UserId};

/// An action that a user requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Add(Vec<UserId>),
    Join,
    Leave,
    Remove(UserId),
    /// Gives a member a role.
    SetRole(UserId, Role),
    /// Mutes a member until a time; `None` unmutes.
    Mute(UserId, Option<Timestamp>),
    SetTitle(String),
    /// Give another topic, or none.
    SetTopic(Option<String>),
    /// End the conversation: it can be read, and nothing else.
    Close,
    /// Block the other of a private conversation, or no longer.
    Block(bool),
    /// Go because one's account is deleted.
    Forget,
}

impl Action {
    /// Returns the users that the action concerns besides the actor.
    pub fn targets(&self) -> &[UserId] {
        match self {
            Self::Add(users) => users,
            Self::Remove(user) | Self::SetRole(user, _) | Self::Mute(user, _) => std::slice::from_ref(user),
            _ => &[],
        }
    }
}
