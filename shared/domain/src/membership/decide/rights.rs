//! Roles, mutes and closing.

use super::guards::{member_not_found, not_allowed, wrong_conversation_type};
use super::{Context, Decision};
use crate::membership::Change;
use crate::{ApiError, ConversationType, MessageKind, Role, Timestamp, UserId};

impl Context<'_> {
    pub(super) fn set_role(&self, user: UserId, role: Role) -> Decision {
        self.member_of_shared()?;
        if self.role_of(user) == Some(role) {
            return Ok(None);
        }
        self.at_least_and_open(Role::Owner)?;
        let current = self.target(user)?.role.ok_or_else(|| member_not_found(user))?;
        self.another_owner_than(current)?;
        self.logged(MessageKind::RoleChanged { user_id: user, role })
    }

    pub(super) fn mute(&self, user: UserId, until: Option<Timestamp>) -> Decision {
        self.member_of_shared()?;
        let current = self.current(user).map(|facts| facts.muted_until.filter(|end| *end > self.state.now));
        if current == Some(until) {
            return Ok(None);
        }
        let own = self.at_least_and_open(Role::Admin)?;
        let role = self.target(user)?.role.ok_or_else(|| member_not_found(user))?;
        if until.is_some_and(|until| until <= self.state.now) {
            return Err(ApiError::invalid("`muted_until` must lie in the future. `null` ends a mute."));
        }
        let lower = match own {
            // An owner cannot be muted, but a muted member may become owner.
            Role::Owner => role != Role::Owner || until.is_none(),
            _ => role == Role::Member,
        };
        if !lower {
            return Err(not_allowed("You can only mute members whose role is lower than yours."));
        }
        self.logged(MessageKind::MemberMuted { user_id: user, muted_until: until })
    }

    pub(super) fn block(&self, blocked: bool) -> Decision {
        self.not_the_system()?;
        self.active()?;
        if self.state.kind != ConversationType::Private {
            return Err(wrong_conversation_type("block a user in"));
        }
        if self.state.blocked_by.contains(&self.actor) == blocked {
            return Ok(None);
        }
        self.open()?;
        let mut blocked_by = self.state.blocked_by.clone();
        blocked_by.retain(|user| *user != self.actor);
        if blocked {
            blocked_by.push(self.actor);
        }
        Ok(Some(Change::Blocked { blocked_by }))
    }
}
