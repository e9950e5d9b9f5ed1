//! Actions on a conversation and its members.

use crate::{Custom, Role, Seq, Timestamp, UserId};

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
    /// Sets the topic; `None` removes it.
    SetTopic(Option<String>),
    /// Sets what the app adds; `None` removes it.
    SetCustom(Option<Custom>),
    /// Sets the number of days for which messages are kept; `None` leaves it to the operator.
    SetRetention(Option<u32>),
    /// Pins a message for everybody, or ends that.
    Pin {
        seq: Seq,
        on: bool,
        /// Pinned messages that are no more, which make room.
        gone: Vec<Seq>,
    },
    /// Closes the conversation: it can only be read and left.
    Close,
    /// Blocks (`true`) or unblocks (`false`) the other user of a private conversation.
    Block(bool),
    /// Leaves because the account of the actor is deleted.
    LeaveDeleted,
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

    /// Returns true for an action that the flood control may refuse: never a departure, nor a block.
    pub const fn is_limited(&self) -> bool {
        !matches!(self, Self::Leave | Self::LeaveDeleted | Self::Block(_))
    }
}
