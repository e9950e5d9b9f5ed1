//! Membership: the allowed changes of a conversation and their effects.
//!
//! [`decide()`] is the rule book: from what is true under the conversation's lock it says whether an [`Action`] is allowed and
//! which [`Change`] it makes. A change has one [`Effect`] on members and conversation, in SQL and in DynamoDB alike.

mod action;
mod change;
mod decide;
mod state;

pub use action::Action;
pub use change::{Change, Departure, Effect};
pub use decide::decide;
pub use state::{MemberFacts, State};

/// Most users that one change names, the creator included: what fits in one `DynamoDB` transaction beside the rest of the
/// change.
pub const MAX_USERS_PER_CHANGE: usize = 50;

/// Most members of a group.
pub const MAX_GROUP_MEMBERS: u32 = 1000;

/// Most membership periods of one user in one conversation.
pub const MAX_PERIODS: u32 = 100;
