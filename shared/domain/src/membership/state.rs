//! The facts that the rules need.

use std::collections::BTreeMap;

use crate::{ConversationType, Custom, Role, Seq, Timestamp, UserId};

/// The state of a conversation, read under its lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Time at which the state was read: a mute that ended before is none.
    pub now: Timestamp,
    pub kind: ConversationType,
    /// True for a closed conversation.
    pub closed: bool,
    pub title: Option<String>,
    pub topic: Option<String>,
    /// What the app has added.
    pub custom: Option<Custom>,
    /// Seqs of the pinned messages, rising.
    pub pinned_seqs: Vec<Seq>,
    /// Days for which messages are kept, if the conversation has a time of its own.
    pub retention_days: Option<u32>,
    /// Number of active members.
    pub member_count: u32,
    /// Number of active owners.
    pub owners: u32,
    /// The member who becomes owner when the last owner leaves: the longest-serving admin, else the longest-serving member.
    pub successor: Option<UserId>,
    /// The users of a private conversation who block the other.
    pub blocked_by: Vec<UserId>,
    /// The actor and the users that the action concerns. Users without a profile are absent.
    pub users: BTreeMap<UserId, MemberFacts>,
}

/// The facts about a user in a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberFacts {
    /// True if the user is deleted.
    pub deleted: bool,
    /// Role of an active member.
    pub role: Option<Role>,
    /// Number of membership periods, the current one included.
    pub periods: u32,
    /// True if another user ended the newest membership period.
    pub removed: bool,
    /// End of the mute, from the newest membership period.
    pub muted_until: Option<Timestamp>,
    /// True if the user blocks the actor in their private conversation.
    pub blocks_actor: bool,
}
