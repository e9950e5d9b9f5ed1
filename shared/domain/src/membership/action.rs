//! What somebody may want of a conversation.

use crate::{Role, Timestamp, UserId};

/// What somebody wants to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Let others in.
    Add(Vec<UserId>),
    /// Come in.
    Join,
    /// Go.
    Leave,
    /// Put somebody out.
    Remove(UserId),
    /// Give somebody a role.
    SetRole(UserId, Role),
    /// Keep somebody from sending until a time; `None` ends it.
    Mute(UserId, Option<Timestamp>),
    /// Give another title.
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
    /// Whom the action concerns besides the actor.
    pub fn targets(&self) -> &[UserId] {
        match self {
            Self::Add(users) => users,
            Self::Remove(user) | Self::SetRole(user, _) | Self::Mute(user, _) => std::slice::from_ref(user),
            _ => &[],
        }
    }
}
