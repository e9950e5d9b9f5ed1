//! Joining, leaving, adding and removing.

use super::guards::{check_period_limit, not_allowed, wrong_conversation_type};
use super::{Context, Decision};
use crate::conversation::Member;
use crate::membership::{Change, MAX_GROUP_MEMBERS, MAX_USERS_PER_CHANGE};
use crate::{ApiError, ConversationType, ErrorCode, MessageKind, Role, UserId};

impl Context<'_> {
    /// Adds the users who are no members yet.
    pub(super) fn add(&self, users: &[UserId]) -> Decision {
        self.member_of_shared()?;
        let (members, users): (Vec<UserId>, Vec<UserId>) =
            users.iter().partition(|user| **user != self.actor && self.role_of(**user).is_some());
        if users.is_empty() && (1..=MAX_USERS_PER_CHANGE).contains(&members.len()) {
            return Ok(None);
        }
        self.at_least_and_open(Role::Admin)?;
        if users.is_empty() || users.len() + members.len() > MAX_USERS_PER_CHANGE {
            let message = format!("A request can add 1 to {MAX_USERS_PER_CHANGE} users.");
            return Err(ApiError::new(ErrorCode::TooManyMembers, message));
        }
        if users.contains(&self.actor) {
            return Err(ApiError::new(ErrorCode::SelfAdd, "You are already a member."));
        }
        let mut added = Vec::with_capacity(users.len());
        for user in &users {
            let facts = self.state.users.get(user).filter(|facts| !facts.deleted && !user.is_system());
            let facts = facts
                .ok_or_else(|| ApiError::new(ErrorCode::UserNotFound, format!("The user {user} does not exist.")))?;
            if facts.blocks_actor {
                return Err(not_allowed("You cannot add one of these users."));
            }
            check_period_limit(facts)?;
            let muted_until = facts.muted_until.filter(|end| *end > self.state.now);
            added.push(Member { muted_until, ..Member::new(*user, Role::Member) });
        }
        let grown = u64::from(self.state.member_count) + users.len() as u64;
        if self.state.kind == ConversationType::Group && grown > u64::from(MAX_GROUP_MEMBERS) {
            let message = format!("A group can have at most {MAX_GROUP_MEMBERS} members.");
            return Err(ApiError::new(ErrorCode::MemberLimitReached, message));
        }
        self.logged(MessageKind::MembersAdded { members: added })
    }

    pub(super) fn join(&self) -> Decision {
        self.not_the_system()?;
        if self.state.kind != ConversationType::Public {
            // A user who may not join gets the same error as any user who is not a member.
            self.active()?;
            return Ok(None);
        }
        let facts = self.facts()?;
        if facts.role.is_some() {
            return Ok(None);
        }
        self.open()?;
        if facts.removed {
            let message = "You were removed from this conversation. An admin or owner has to add you.";
            return Err(ApiError::new(ErrorCode::NotAllowed, message));
        }
        check_period_limit(&facts)?;
        Ok(Some(Change::Joined { user_id: self.actor, muted_until: facts.muted_until }))
    }

    pub(super) fn leave(&self) -> Decision {
        if self.state.kind == ConversationType::Public {
            // Everybody knows that a public conversation exists, so a user who never was in it has what they want.
            return Ok(self.facts()?.role.map(|role| self.departure(role, false)));
        }
        let facts = self.ever_member()?;
        if self.state.kind == ConversationType::Private {
            return Err(wrong_conversation_type("leave"));
        }
        Ok(facts.role.map(|role| self.departure(role, false)))
    }

    pub(super) fn leave_deleted(&self) -> Option<Change> {
        let role = self.state.users.get(&self.actor).and_then(|facts| facts.role);
        role.map(|role| self.departure(role, true))
    }

    /// Removes the actor; appoints a new owner or closes the conversation if necessary.
    fn departure(&self, role: Role, user_deleted: bool) -> Change {
        let last_owner = role == Role::Owner && self.state.owners <= 1;
        let promoted = self.state.successor.filter(|_| last_owner);
        // A private conversation closes when one of its two users is deleted.
        let must_close = self.state.member_count <= 1 || self.state.kind == ConversationType::Private;
        let closed = must_close && !self.state.closed;
        if self.state.kind == ConversationType::Public {
            Change::Left { user_id: self.actor, promoted, closed, user_deleted }
        } else {
            Change::Logged { actor: self.actor, item: MessageKind::MemberLeft { promoted, closed, user_deleted } }
        }
    }

    pub(super) fn remove(&self, user: UserId) -> Decision {
        self.member_of_shared()?;
        let Some(role) = self.role_of(user) else { return Ok(None) };
        let own = self.at_least_and_open(Role::Admin)?;
        if own == Role::Owner || role == Role::Member {
            // Only the system can ask for it: an owner who removes another one stays.
            self.another_owner_than(role)?;
            return self.logged(MessageKind::MemberRemoved { user_id: user });
        }
        Err(not_allowed("Only an owner can remove admins and owners."))
    }
}
