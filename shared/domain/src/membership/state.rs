//! What the rules need to know.

use std::collections::BTreeMap;

use crate::{ConversationType, Role, Timestamp, UserId};

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
    pub people: BTreeMap<UserId, MemberFacts>,
}

/// How a user stands to a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberFacts {
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
