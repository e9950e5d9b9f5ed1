//! What happened to a conversation, and what that does to it and to its members.

use serde::{Deserialize, Serialize};

use crate::conversation::Member;
use crate::{MessageKind, Role, Timestamp, UserId};

/// What happened to a conversation: one version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Something that takes a place in the log.
    Logged {
        /// Who did it.
        actor: UserId,
        /// What the log says.
        item: MessageKind,
    },
    /// Somebody joined a public conversation.
    Joined {
        /// Who.
        user_id: UserId,
        /// Until when they may not send: leaving and coming back does not end it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted_until: Option<Timestamp>,
    },
    /// Somebody left a public conversation.
    Left {
        /// Who.
        user_id: UserId,
        /// Who owns it from here on, where its last owner left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promoted: Option<UserId>,
        /// Whether nobody is left.
        closed: bool,
        /// Whether they left everything.
        user_deleted: bool,
    },
    /// One of a private conversation blocked the other, or thought better of it.
    Blocked {
        /// Who blocks from here on.
        blocked_by: Vec<UserId>,
    },
}

/// A stay that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Whose.
    pub user_id: UserId,
    /// Who put them out; `None` where they left.
    pub removed_by: Option<UserId>,
    /// Whether the user is gone for good: nothing is shown to them any more.
    pub user_deleted: bool,
}

/// What a [`Change`] does to members and conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect<'a> {
    /// Who comes in.
    pub joined: Vec<Member>,
    /// Who goes.
    pub left: Option<Departure>,
    /// Whose role becomes what.
    pub role: Option<(UserId, Role)>,
    /// Who may not send until when; it may be one of those who come in.
    pub muted: Option<(UserId, Option<Timestamp>)>,
    /// The new title.
    pub title: Option<&'a str>,
    /// The new topic, or none.
    pub topic: Option<Option<&'a str>>,
    /// Whether the conversation is over.
    pub closed: bool,
    /// Who blocks from here on.
    pub blocked_by: Option<&'a [UserId]>,
}

impl Effect<'_> {
    /// By how much the number of members grows.
    pub fn growth(&self) -> i32 {
        let joined = i32::try_from(self.joined.len()).unwrap_or(i32::MAX);
        joined - i32::from(self.left.is_some())
    }
}

impl Change {
    /// Who did it and what the log says, for a change that takes a place there.
    pub const fn logged(&self) -> Option<(UserId, &MessageKind)> {
        match self {
            Self::Logged { actor, item } => Some((*actor, item)),
            Self::Joined { .. } | Self::Left { .. } | Self::Blocked { .. } => None,
        }
    }

    /// What it does.
    pub fn effect(&self) -> Effect<'_> {
        match self {
            Self::Logged { actor, item } => logged_effect(*actor, item),
            Self::Joined { user_id, muted_until } => Effect {
                joined: vec![Member { user_id: *user_id, role: Role::Member }],
                muted: muted_until.map(|until| (*user_id, Some(until))),
                ..Effect::default()
            },
            Self::Left { user_id, promoted, closed, user_deleted } => {
                leave(*user_id, *promoted, *closed, *user_deleted)
            }
            Self::Blocked { blocked_by } => Effect { blocked_by: Some(blocked_by), ..Effect::default() },
        }
    }
}

fn logged_effect(actor: UserId, item: &MessageKind) -> Effect<'_> {
    let none = Effect::default();
    match item {
        // These are no changes of a conversation.
        MessageKind::Text(_)
        | MessageKind::Deleted { .. }
        | MessageKind::MessageEdited { .. }
        | MessageKind::MessageDeleted { .. }
        | MessageKind::Reaction { .. } => none,
        MessageKind::Created { title, topic, members, .. } => {
            Effect { joined: members.clone(), title: title.as_deref(), topic: Some(topic.as_deref()), ..none }
        }
        MessageKind::MembersAdded { members } => Effect { joined: members.clone(), ..none },
        MessageKind::MemberLeft { promoted, closed, user_deleted } => leave(actor, *promoted, *closed, *user_deleted),
        MessageKind::MemberRemoved { user_id } => {
            Effect { left: Some(Departure { user_id: *user_id, removed_by: Some(actor), user_deleted: false }), ..none }
        }
        MessageKind::RoleChanged { user_id, role } => Effect { role: Some((*user_id, *role)), ..none },
        MessageKind::MemberMuted { user_id, muted_until } => Effect { muted: Some((*user_id, *muted_until)), ..none },
        MessageKind::TitleChanged { title } => Effect { title: Some(title), ..none },
        MessageKind::TopicChanged { topic } => Effect { topic: Some(topic.as_deref()), ..none },
        MessageKind::Closed => Effect { closed: true, ..none },
    }
}

fn leave(user_id: UserId, promoted: Option<UserId>, closed: bool, user_deleted: bool) -> Effect<'static> {
    Effect {
        left: Some(Departure { user_id, removed_by: None, user_deleted }),
        role: promoted.map(|user| (user, Role::Owner)),
        closed,
        ..Effect::default()
    }
}
