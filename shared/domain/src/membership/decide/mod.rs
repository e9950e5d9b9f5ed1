//! The rules: which user may change a conversation and its members, and how.
//!
//! | | owner | admin | member | others |
//! |---|---|---|---|---|
//! | add, edit title and topic, pin | yes | yes | | |
//! | remove | anybody | members | | |
//! | mute | admins, members | members | | |
//! | end a mute | anybody's | members' | | |
//! | change roles, set the retention, close | yes | | | |
//! | leave | yes | yes | yes | |
//! | join, if public | | | | yes |
//!
//! The system, as which backends act, has the rights of an owner without being a member, and can neither join nor leave.
//!
//! A private conversation has none of these: its two users cannot leave, and each may block the other and set the retention. A conversation with
//! members always has an owner, and one without members is closed.

mod conversation;
mod guards;
mod joining_and_leaving;
mod rights;
#[cfg(test)]
mod tests;

use super::{Action, Change, State};
use crate::{ApiError, UserId};

/// Returns the change that `action` makes if `actor` may make it; `None` if the desired state holds already.
pub fn decide(state: &State, actor: UserId, action: &Action) -> Result<Option<Change>, ApiError> {
    let context = Context { state, actor };
    match action {
        Action::Add(users) => context.add(users),
        Action::Join => context.join(),
        Action::Leave => context.leave(),
        Action::Remove(user) if *user == actor => context.leave(),
        Action::Remove(user) => context.remove(*user),
        Action::SetRole(user, role) => context.set_role(*user, *role),
        Action::Mute(user, until) => context.mute(*user, *until),
        Action::SetTitle(title) => context.set_title(title),
        Action::SetTopic(topic) => context.set_topic(topic.as_deref()),
        Action::SetCustom(custom) => context.set_custom(custom.as_ref()),
        Action::Pin { seq, on, gone } => context.pin(*seq, *on, gone),
        Action::SetRetention(days) => context.set_retention(*days),
        Action::Close => context.close(),
        Action::Block(blocked) => context.block(*blocked),
        Action::LeaveDeleted => Ok(context.leave_deleted()),
    }
}

/// A user and the conversation in which an action is requested.
struct Context<'a> {
    state: &'a State,
    actor: UserId,
}

type Decision = Result<Option<Change>, ApiError>;
