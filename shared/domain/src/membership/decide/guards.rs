//! Checks that several rules share, and the messages of refusals.

use super::{Context, Decision};
use crate::membership::{Change, MAX_PERIODS, MemberFacts};
use crate::{ApiError, ConversationType, ErrorCode, MessageKind, Role, UserId};

impl Context<'_> {
    /// Returns the facts of the actor; an error if the actor has no profile or is deleted.
    pub(super) fn facts(&self) -> Result<MemberFacts, ApiError> {
        match self.state.users.get(&self.actor) {
            None => Err(ApiError::profile_required()),
            Some(facts) if facts.deleted => Err(ApiError::user_deleted()),
            Some(facts) => Ok(*facts),
        }
    }

    /// Returns the facts of an actor who is or was a member. To others the conversation does not exist, unless it is public.
    pub(super) fn ever_member(&self) -> Result<MemberFacts, ApiError> {
        if self.actor.is_system() {
            return self.facts();
        }
        let periods = self.state.users.get(&self.actor).map_or(0, |facts| facts.periods);
        if periods == 0 && self.state.kind != ConversationType::Public {
            return Err(ApiError::new(ErrorCode::ConversationNotFound, "The conversation does not exist."));
        }
        let facts = self.facts()?;
        if periods == 0 { Err(not_a_member()) } else { Ok(facts) }
    }

    /// Returns the role of the actor; an error if the actor is not a member. The system has the rights of an owner.
    pub(super) fn active(&self) -> Result<Role, ApiError> {
        if self.actor.is_system() {
            return Ok(Role::Owner);
        }
        self.ever_member()?.role.ok_or_else(not_a_member)
    }

    /// Fails if a member with this role is the last owner, who must stay one.
    pub(super) fn another_owner_than(&self, role: Role) -> Result<(), ApiError> {
        if role == Role::Owner && self.state.owners <= 1 {
            let message = "A conversation needs an owner. Make another member an owner first.";
            return Err(ApiError::new(ErrorCode::LastOwner, message));
        }
        Ok(())
    }

    /// Returns the role of a member of a group or public conversation.
    ///
    /// Rules check the desired state after this and before the rights that a change takes: a repeat by a user who has lost those
    /// rights is no error. Members know each other's roles and mutes, so the answer reveals nothing.
    pub(super) fn member_of_shared(&self) -> Result<Role, ApiError> {
        self.at_least(Role::Member)
    }

    /// Returns the facts of an active member.
    pub(super) fn current(&self, user: UserId) -> Option<&MemberFacts> {
        self.state.users.get(&user).filter(|facts| facts.role.is_some())
    }

    /// Returns the role of an active member.
    pub(super) fn role_of(&self, user: UserId) -> Option<Role> {
        self.current(user)?.role
    }

    /// Returns the role of the actor if it is this role or a higher one. Always an error in a private conversation.
    pub(super) fn at_least(&self, role: Role) -> Result<Role, ApiError> {
        let own = self.active()?;
        if self.state.kind == ConversationType::Private {
            return Err(wrong_conversation_type("do this in"));
        }
        if own > role {
            return Err(not_allowed("Your role does not allow this."));
        }
        Ok(own)
    }

    /// Like [`Self::at_least`], but an error for a closed conversation.
    pub(super) fn at_least_and_open(&self, role: Role) -> Result<Role, ApiError> {
        let own = self.at_least(role)?;
        self.open()?;
        Ok(own)
    }

    /// Refuses what only a user can do for themselves.
    pub(super) fn not_the_system(&self) -> Result<(), ApiError> {
        if self.actor.is_system() { Err(not_allowed("The system is no member.")) } else { Ok(()) }
    }

    pub(super) fn open(&self) -> Result<(), ApiError> {
        if self.state.closed {
            return Err(ApiError::new(ErrorCode::ConversationClosed, "This conversation is closed."));
        }
        Ok(())
    }

    /// Returns the facts of a current or former member.
    pub(super) fn target(&self, user: UserId) -> Result<MemberFacts, ApiError> {
        let facts = self.state.users.get(&user).filter(|facts| facts.periods > 0);
        facts.copied().ok_or_else(|| member_not_found(user))
    }

    /// Returns the change with this item of the log.
    #[allow(clippy::unnecessary_wraps, reason = "decisions are wrapped")]
    pub(super) fn logged(&self, item: MessageKind) -> Decision {
        Ok(Some(Change::Logged { actor: self.actor, item }))
    }
}

pub(super) fn check_period_limit(facts: &MemberFacts) -> Result<(), ApiError> {
    if facts.periods >= MAX_PERIODS {
        let message = format!("A user can join a conversation at most {MAX_PERIODS} times.");
        return Err(ApiError::new(ErrorCode::TooManyPeriods, message));
    }
    Ok(())
}

pub(super) fn not_a_member() -> ApiError {
    ApiError::new(ErrorCode::NotAMember, "You are not a member of this conversation.")
}

pub(super) fn member_not_found(user: UserId) -> ApiError {
    ApiError::new(ErrorCode::MemberNotFound, format!("The user {user} is not a member of this conversation."))
}

pub(super) fn not_allowed(message: &str) -> ApiError {
    ApiError::new(ErrorCode::NotAllowed, message)
}

pub(super) fn wrong_conversation_type(what: &str) -> ApiError {
    ApiError::new(ErrorCode::WrongConversationType, format!("You cannot {what} a conversation of this type."))
}
