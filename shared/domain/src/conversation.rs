//! Conversations, their kinds, and who may begin which.

use serde::{Deserialize, Serialize};

use crate::user::one_line;
use crate::{ApiError, ConversationId, ErrorCode, Seq, Timestamp, UserId};

/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;

/// Most users that one change of membership names, the creator included: what fits in one `DynamoDB` transaction
/// beside the rest of the change.
pub const MAX_USERS_PER_CHANGE: usize = 50;

/// The kind of a conversation; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationType {
    /// Between exactly two users, one per pair.
    Private,
    /// Between up to 1,000 users.
    Group,
}

impl ConversationType {
    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Group => "group",
        }
    }
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Adds, removes, mutes, edits the title.
    Admin,
    /// Sends and leaves.
    Member,
}

impl Role {
    /// The name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }
}

/// A user and their role in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The user.
    pub user_id: UserId,
    /// Their role.
    pub role: Role,
}

/// What a member sees of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: ConversationType,
    /// Title of a group; `None` for a former member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The caller's role; `None` for a former member.
    pub role: Option<Role>,
    /// Number of active members; `None` for a former member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<u32>,
    /// The highest place that the caller can see.
    pub head_seq: Seq,
    /// `sent_at` of the item there.
    pub last_message_at: Option<Timestamp>,
}

/// A conversation that is to be, with every rule checked that needs no look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewConversation {
    /// Between the creator and one other user.
    Private {
        /// The two, the smaller id first: the unique key of the pair.
        pair: [UserId; 2],
    },
    /// Between the creator, who owns it, and others.
    Group {
        /// Its title.
        title: String,
        /// The others, without the creator and without repeats.
        others: Vec<UserId>,
    },
}

impl NewConversation {
    /// Applies the rules to what `creator` asked for.
    ///
    /// A private conversation names exactly one other user and has no title; a group has a title and at most
    /// [`MAX_USERS_PER_CHANGE`] users, the creator among them whether named or not.
    pub fn new(
        creator: UserId,
        kind: ConversationType,
        title: Option<&str>,
        member_ids: &[UserId],
    ) -> Result<Self, ApiError> {
        let mut others: Vec<UserId> = member_ids.iter().copied().filter(|id| *id != creator).collect();
        others.sort_unstable();
        others.dedup();
        match kind {
            ConversationType::Private => {
                if title.is_some() {
                    return Err(ApiError::invalid("A private conversation has no title."));
                }
                let [other] = others[..] else {
                    return Err(ApiError::invalid("A private conversation names exactly one other user."));
                };
                Ok(Self::Private { pair: [creator.min(other), creator.max(other)] })
            }
            ConversationType::Group => {
                let title = one_line("title", title.unwrap_or_default(), MAX_TITLE_CHARS)?;
                if others.len() >= MAX_USERS_PER_CHANGE {
                    return Err(ApiError::new(
                        ErrorCode::TooManyMembers,
                        format!("A conversation begins with at most {MAX_USERS_PER_CHANGE} users."),
                    ));
                }
                Ok(Self::Group { title, others })
            }
        }
    }

    /// The kind.
    pub const fn kind(&self) -> ConversationType {
        match self {
            Self::Private { .. } => ConversationType::Private,
            Self::Group { .. } => ConversationType::Group,
        }
    }

    /// The title of a group.
    pub fn title(&self) -> Option<&str> {
        match self {
            Self::Private { .. } => None,
            Self::Group { title, .. } => Some(title),
        }
    }

    /// The first members: both of a pair are plain members, since neither may put the other out; a group begins with
    /// its creator as owner.
    pub fn members(&self, creator: UserId) -> Vec<Member> {
        match self {
            Self::Private { pair } => {
                pair.iter().map(|user_id| Member { user_id: *user_id, role: Role::Member }).collect()
            }
            Self::Group { others, .. } => std::iter::once(Member { user_id: creator, role: Role::Owner })
                .chain(others.iter().map(|user_id| Member { user_id: *user_id, role: Role::Member }))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn a_pair_has_one_key_whoever_begins() {
        let one = NewConversation::new(user(1), ConversationType::Private, None, &[user(2)]).unwrap();
        let two = NewConversation::new(user(2), ConversationType::Private, None, &[user(1), user(2)]).unwrap();
        assert_eq!(one, two);
    }

    #[test]
    fn a_private_conversation_is_between_exactly_two() {
        for members in [&[][..], &[user(1)], &[user(2), user(3)]] {
            assert!(NewConversation::new(user(1), ConversationType::Private, None, members).is_err());
        }
        assert!(NewConversation::new(user(1), ConversationType::Private, Some("t"), &[user(2)]).is_err());
    }

    #[test]
    fn a_group_counts_its_creator_once() {
        let group =
            NewConversation::new(user(1), ConversationType::Group, Some(" Team "), &[user(2), user(1), user(2)])
                .unwrap();
        assert_eq!(group.title(), Some("Team"));
        let members = group.members(user(1));
        assert_eq!(members.len(), 2);
        assert_eq!(members[0], Member { user_id: user(1), role: Role::Owner });
    }

    #[test]
    fn a_group_begins_with_at_most_fifty() {
        let others = |n: u128| (2..2 + n).map(user).collect::<Vec<_>>();
        let group = |others: &[UserId]| NewConversation::new(user(1), ConversationType::Group, Some("t"), others);
        assert!(group(&others(49)).is_ok());
        assert_eq!(group(&others(50)).unwrap_err().code, ErrorCode::TooManyMembers);
    }
}
