//! Who may do what to a conversation and its members.
//!
//! | | owner | admin | member | others |
//! |---|---|---|---|---|
//! | add, edit title and topic | yes | yes | | |
//! | remove | anybody | members | | |
//! | mute | admins, members | members | | |
//! | change roles, close | yes | | | |
//! | leave | yes | yes | yes | |
//! | join, if public | | | | yes |
//!
//! A private conversation knows none of these: its two stay, and each may block the other. A conversation with members has an
//! owner at all times, and one without is closed.

use std::collections::BTreeMap;

use super::{Change, MAX_GROUP_MEMBERS, MAX_STAYS, MAX_USERS_PER_CHANGE};
use crate::conversation::Member;
use crate::{ApiError, ConversationType, ErrorCode, MessageKind, Role, Timestamp, UserId};

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

/// What is true of a conversation, read under its lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its kind.
    pub kind: ConversationType,
    /// Whether it is over.
    pub closed: bool,
    /// Its title.
    pub title: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// Number of active members.
    pub member_count: u32,
    /// Number of active owners.
    pub owners: u32,
    /// Who becomes owner when the last one goes: the admin who is here longest, else the member who is.
    pub successor: Option<UserId>,
    /// Who of a private conversation blocks.
    pub blocked_by: Vec<UserId>,
    /// The actor and whom the action concerns, as far as they exist.
    pub people: BTreeMap<UserId, Standing>,
}

/// How a user stands to a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the user is deleted.
    pub deleted: bool,
    /// Role of an active member.
    pub role: Option<Role>,
    /// Number of stays, the one that lasts included.
    pub stays: u32,
    /// Whether the newest stay was ended by somebody else.
    pub removed: bool,
    /// Until when they may not send, by the newest stay.
    pub muted_until: Option<Timestamp>,
    /// Whether the user blocks the actor in their private conversation.
    pub blocks_actor: bool,
}

/// Which change `action` makes if `actor` may do it; `None` where what is wanted is so already.
pub fn decide(state: &State, actor: UserId, action: &Action) -> Result<Option<Change>, ApiError> {
    let scene = Scene { state, actor };
    match action {
        Action::Add(users) => scene.add(users),
        Action::Join => scene.join(),
        Action::Leave => scene.leave(),
        Action::Remove(user) if *user == actor => scene.leave(),
        Action::Remove(user) => scene.remove(*user),
        Action::SetRole(user, role) => scene.set_role(*user, *role),
        Action::Mute(user, until) => scene.mute(*user, *until),
        Action::SetTitle(title) => scene.set_title(title),
        Action::SetTopic(topic) => scene.set_topic(topic.as_deref()),
        Action::Close => scene.close(),
        Action::Block(blocked) => scene.block(*blocked),
        Action::Forget => scene.forget(),
    }
}

struct Scene<'a> {
    state: &'a State,
    actor: UserId,
}

type Decision = Result<Option<Change>, ApiError>;

impl Scene<'_> {
    fn add(&self, users: &[UserId]) -> Decision {
        self.open_to(Role::Admin)?;
        if users.is_empty() || users.len() > MAX_USERS_PER_CHANGE {
            let message = format!("1 to {MAX_USERS_PER_CHANGE} users can be added at once.");
            return Err(ApiError::new(ErrorCode::TooManyMembers, message));
        }
        if users.contains(&self.actor) {
            return Err(ApiError::new(ErrorCode::SelfAdd, "You are a member already."));
        }
        for user in users {
            let standing = self.state.people.get(user).filter(|standing| !standing.deleted);
            let standing = standing
                .ok_or_else(|| ApiError::new(ErrorCode::UserNotFound, format!("The user {user} does not exist.")))?;
            if standing.role.is_some() {
                let message = format!("The user {user} is a member already.");
                return Err(ApiError::new(ErrorCode::AlreadyAMember, message));
            }
            if standing.blocks_actor {
                return Err(not_allowed("One of these users cannot be added by you."));
            }
            has_a_stay_left(standing)?;
        }
        let grown = u64::from(self.state.member_count) + users.len() as u64;
        if self.state.kind == ConversationType::Group && grown > u64::from(MAX_GROUP_MEMBERS) {
            let message = format!("A group has at most {MAX_GROUP_MEMBERS} members.");
            return Err(ApiError::new(ErrorCode::MemberLimitReached, message));
        }
        let members = users.iter().map(|user| Member { user_id: *user, role: Role::Member }).collect();
        self.logged(MessageKind::MembersAdded { members })
    }

    fn join(&self) -> Decision {
        if self.state.kind != ConversationType::Public {
            // Whoever may not come in learns no more than a stranger does.
            self.active()?;
            return Ok(None);
        }
        let standing = self.standing()?;
        if standing.role.is_some() {
            return Ok(None);
        }
        self.open()?;
        if standing.removed {
            let message = "You were removed from this conversation: an admin has to let you in again.";
            return Err(ApiError::new(ErrorCode::NotAllowed, message));
        }
        has_a_stay_left(&standing)?;
        Ok(Some(Change::Joined { user_id: self.actor, muted_until: standing.muted_until }))
    }

    fn leave(&self) -> Decision {
        let standing = self.known()?;
        if self.state.kind == ConversationType::Private {
            return Err(wrong_type("leave"));
        }
        Ok(standing.role.map(|role| self.departure(role, false)))
    }

    fn forget(&self) -> Decision {
        let role = self.state.people.get(&self.actor).and_then(|standing| standing.role);
        Ok(role.map(|role| self.departure(role, true)))
    }

    /// The actor goes, and what has to happen for the conversation to keep an owner.
    fn departure(&self, role: Role, user_deleted: bool) -> Change {
        let last_owner = role == Role::Owner && self.state.owners <= 1;
        let promoted = self.state.successor.filter(|_| last_owner);
        // A private conversation that has lost one of its two is over.
        let over = self.state.member_count <= 1 || self.state.kind == ConversationType::Private;
        let closed = over && !self.state.closed;
        if self.state.kind == ConversationType::Public {
            Change::Left { user_id: self.actor, promoted, closed, user_deleted }
        } else {
            Change::Logged { actor: self.actor, item: MessageKind::MemberLeft { promoted, closed, user_deleted } }
        }
    }

    fn remove(&self, user: UserId) -> Decision {
        let own = self.open_to(Role::Admin)?;
        let target = self.target(user)?;
        match target.role {
            None => Ok(None),
            Some(role) if own == Role::Owner || role == Role::Member => {
                self.logged(MessageKind::MemberRemoved { user_id: user })
            }
            Some(_) => Err(not_allowed("Only an owner removes admins and owners.")),
        }
    }

    fn set_role(&self, user: UserId, role: Role) -> Decision {
        self.open_to(Role::Owner)?;
        let current = self.target(user)?.role.ok_or_else(|| not_here(user))?;
        if current == role {
            return Ok(None);
        }
        if current == Role::Owner && self.state.owners <= 1 {
            let message = "A conversation keeps an owner: make somebody else one first.";
            return Err(ApiError::new(ErrorCode::LastOwner, message));
        }
        self.logged(MessageKind::RoleChanged { user_id: user, role })
    }

    fn mute(&self, user: UserId, until: Option<Timestamp>) -> Decision {
        let own = self.open_to(Role::Admin)?;
        let target = self.target(user)?;
        let role = target.role.ok_or_else(|| not_here(user))?;
        if target.muted_until == until {
            return Ok(None);
        }
        let lower = match own {
            Role::Owner => role != Role::Owner,
            _ => role == Role::Member,
        };
        if !lower {
            return Err(not_allowed("You can only mute those whose role is below yours."));
        }
        self.logged(MessageKind::MemberMuted { user_id: user, muted_until: until })
    }

    fn set_title(&self, title: &str) -> Decision {
        self.open_to(Role::Admin)?;
        if self.state.title.as_deref() == Some(title) {
            return Ok(None);
        }
        self.logged(MessageKind::TitleChanged { title: title.to_owned() })
    }

    fn set_topic(&self, topic: Option<&str>) -> Decision {
        self.open_to(Role::Admin)?;
        if self.state.topic.as_deref() == topic {
            return Ok(None);
        }
        self.logged(MessageKind::TopicChanged { topic: topic.map(str::to_owned) })
    }

    fn close(&self) -> Decision {
        self.at_least(Role::Owner)?;
        if self.state.closed { Ok(None) } else { self.logged(MessageKind::Closed) }
    }

    fn block(&self, blocked: bool) -> Decision {
        self.active()?;
        if self.state.kind != ConversationType::Private {
            return Err(wrong_type("block somebody in"));
        }
        self.open()?;
        let mut blocked_by = self.state.blocked_by.clone();
        blocked_by.retain(|user| *user != self.actor);
        if blocked {
            blocked_by.push(self.actor);
        }
        Ok((blocked_by.len() != self.state.blocked_by.len()).then_some(Change::Blocked { blocked_by }))
    }

    /// The actor, who has a profile.
    fn standing(&self) -> Result<Standing, ApiError> {
        match self.state.people.get(&self.actor) {
            None => Err(ApiError::new(ErrorCode::ProfileRequired, "Make your profile first: PUT /v1/users/me.")),
            Some(standing) if standing.deleted => Err(ApiError::new(ErrorCode::UserDeleted, "This user was deleted.")),
            Some(standing) => Ok(*standing),
        }
    }

    /// The actor, who is or was here. To others the conversation does not exist, unless everybody may find it.
    fn known(&self) -> Result<Standing, ApiError> {
        let standing = self.standing()?;
        match standing.stays {
            0 if self.state.kind == ConversationType::Public => Err(not_a_member()),
            0 => Err(ApiError::new(ErrorCode::ConversationNotFound, "No such conversation.")),
            _ => Ok(standing),
        }
    }

    /// The role of the actor, who is here.
    fn active(&self) -> Result<Role, ApiError> {
        self.known()?.role.ok_or_else(not_a_member)
    }

    /// The role of the actor, who is here with this role or a higher one. Nobody has that in a private conversation.
    fn at_least(&self, role: Role) -> Result<Role, ApiError> {
        let own = self.active()?;
        if self.state.kind == ConversationType::Private {
            return Err(wrong_type("do this in"));
        }
        if own > role {
            return Err(not_allowed("Your role does not allow this."));
        }
        Ok(own)
    }

    /// The same, in a conversation that is not over.
    fn open_to(&self, role: Role) -> Result<Role, ApiError> {
        let own = self.at_least(role)?;
        self.open()?;
        Ok(own)
    }

    fn open(&self) -> Result<(), ApiError> {
        if self.state.closed {
            return Err(ApiError::new(ErrorCode::ConversationClosed, "This conversation is closed."));
        }
        Ok(())
    }

    /// Somebody who is or was here.
    fn target(&self, user: UserId) -> Result<Standing, ApiError> {
        let standing = self.state.people.get(&user).filter(|standing| standing.stays > 0);
        standing.copied().ok_or_else(|| not_here(user))
    }

    /// Wraps the result as all decisions are.
    #[allow(clippy::unnecessary_wraps)]
    fn logged(&self, item: MessageKind) -> Decision {
        Ok(Some(Change::Logged { actor: self.actor, item }))
    }
}

fn has_a_stay_left(standing: &Standing) -> Result<(), ApiError> {
    if standing.stays >= MAX_STAYS {
        let message = format!("A user comes back at most {MAX_STAYS} times.");
        return Err(ApiError::new(ErrorCode::TooManyStays, message));
    }
    Ok(())
}

fn not_a_member() -> ApiError {
    ApiError::new(ErrorCode::NotAMember, "You are not a member of this conversation.")
}

fn not_here(user: UserId) -> ApiError {
    ApiError::new(ErrorCode::MemberNotFound, format!("The user {user} is not a member."))
}

fn not_allowed(message: &str) -> ApiError {
    ApiError::new(ErrorCode::NotAllowed, message)
}

fn wrong_type(what: &str) -> ApiError {
    ApiError::new(ErrorCode::WrongConversationType, format!("One cannot {what} a conversation of this type."))
}
