//! New conversations and the rules for creating them.

use crate::conversation::{HistoryPolicy, Member, title, topic};
use crate::membership::MAX_USERS_PER_CHANGE;
use crate::{ApiError, ConversationType, Custom, ErrorCode, Role, UserId};

/// A conversation as a client requests it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedConversation<'a> {
    pub kind: ConversationType,
    pub title: Option<&'a str>,
    /// Absent for a private conversation.
    pub topic: Option<&'a str>,
    /// Absent for a private conversation; `since_join` by default.
    pub history: Option<HistoryPolicy>,
    /// Absent for a private conversation.
    pub custom: Option<&'a Custom>,
    pub member_ids: &'a [UserId],
}

/// A conversation to create. Every rule that needs no look-up is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewConversation {
    /// Between the creator and one other user.
    Private {
        /// The two, the smaller id first: the unique key of the pair.
        pair: [UserId; 2],
    },
    /// A group or a public conversation, owned by its creator.
    Shared(Shared),
}

/// The initial state of a group or public conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    pub kind: ConversationType,
    pub title: String,
    pub topic: Option<String>,
    pub history: HistoryPolicy,
    pub custom: Option<Custom>,
    /// The others, without the creator and without repeats.
    pub others: Vec<UserId>,
}

impl NewConversation {
    /// Applies the rules to a request of `creator`.
    ///
    /// A private conversation names exactly one other user and has no title; other types have a title and at most
    /// [`MAX_USERS_PER_CHANGE`] first members, including the creator.
    pub fn new(creator: UserId, requested: &RequestedConversation<'_>) -> Result<Self, ApiError> {
        let mut others: Vec<UserId> = requested.member_ids.iter().copied().filter(|id| *id != creator).collect();
        others.sort_unstable();
        others.dedup();
        if creator.is_system() || others.contains(&UserId::SYSTEM) {
            return Err(ApiError::new(ErrorCode::UserNotFound, "The system cannot be a member of a conversation."));
        }
        if requested.kind == ConversationType::Private {
            let of_shared = requested.title.is_some() || requested.topic.is_some() || requested.custom.is_some();
            if of_shared || requested.history.is_some() {
                return Err(ApiError::invalid(
                    "A private conversation cannot have a title, a topic, a history policy or `custom`.",
                ));
            }
            let [other] = others[..] else {
                return Err(ApiError::invalid("A private conversation must name exactly one other user."));
            };
            return Ok(Self::Private { pair: [creator.min(other), creator.max(other)] });
        }
        if others.len() >= MAX_USERS_PER_CHANGE {
            return Err(ApiError::new(
                ErrorCode::TooManyMembers,
                format!(
                    "A request can create a conversation with at most {MAX_USERS_PER_CHANGE} members, the creator included."
                ),
            ));
        }
        Ok(Self::Shared(Shared {
            kind: requested.kind,
            title: title(requested.title.unwrap_or_default())?,
            topic: topic(requested.topic.unwrap_or_default())?,
            history: requested.history.unwrap_or_default(),
            custom: Custom::checked(requested.custom.cloned())?,
            others,
        }))
    }

    pub const fn kind(&self) -> ConversationType {
        match self {
            Self::Private { .. } => ConversationType::Private,
            Self::Shared(shared) => shared.kind,
        }
    }

    /// The unique key of a private conversation.
    pub const fn pair(&self) -> Option<[UserId; 2]> {
        match self {
            Self::Private { pair } => Some(*pair),
            Self::Shared(_) => None,
        }
    }

    /// The title, unless private.
    pub fn title(&self) -> Option<&str> {
        match self {
            Self::Private { .. } => None,
            Self::Shared(shared) => Some(&shared.title),
        }
    }

    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::Private { .. } => None,
            Self::Shared(shared) => shared.topic.as_deref(),
        }
    }

    pub fn custom(&self) -> Option<&Custom> {
        match self {
            Self::Private { .. } => None,
            Self::Shared(shared) => shared.custom.as_ref(),
        }
    }

    pub fn history(&self) -> HistoryPolicy {
        match self {
            Self::Private { .. } => HistoryPolicy::default(),
            Self::Shared(shared) => shared.history,
        }
    }

    /// Returns the first members. Both users of a private conversation have the role `member`, since neither may remove the
    /// other; the creator of any other conversation is its owner.
    pub fn members(&self, creator: UserId) -> Vec<Member> {
        match self {
            Self::Private { pair } => pair.iter().map(|user_id| Member::new(*user_id, Role::Member)).collect(),
            Self::Shared(shared) => std::iter::once(Member::new(creator, Role::Owner))
                .chain(shared.others.iter().map(|user_id| Member::new(*user_id, Role::Member)))
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

    fn new(kind: ConversationType, title: Option<&str>, member_ids: &[UserId]) -> Result<NewConversation, ApiError> {
        NewConversation::new(
            user(1),
            &RequestedConversation { kind, title, topic: None, history: None, custom: None, member_ids },
        )
    }

    #[test]
    fn a_pair_has_the_same_key_for_either_creator() {
        let (by_one, by_two) = ([user(2)], [user(1), user(2)]);
        let requested = |member_ids| RequestedConversation {
            kind: ConversationType::Private,
            title: None,
            topic: None,
            custom: None,
            history: None,
            member_ids,
        };
        let one = NewConversation::new(user(1), &requested(&by_one)).unwrap();
        let two = NewConversation::new(user(2), &requested(&by_two)).unwrap();
        assert_eq!(one, two);
    }

    #[test]
    fn private_conversation_has_exactly_two_members() {
        for members in [&[][..], &[user(1)], &[user(2), user(3)]] {
            assert!(new(ConversationType::Private, None, members).is_err());
        }
        assert!(new(ConversationType::Private, Some("t"), &[user(2)]).is_err());
    }

    #[test]
    fn system_is_no_member() {
        for kind in [ConversationType::Private, ConversationType::Group, ConversationType::Public] {
            let title = (kind != ConversationType::Private).then_some("Team");
            let code = |result: Result<_, ApiError>| result.map_err(|error| error.code);
            assert_eq!(code(new(kind, title, &[UserId::SYSTEM])), Err(ErrorCode::UserNotFound));
            let requested =
                RequestedConversation { kind, title, topic: None, history: None, custom: None, member_ids: &[user(1)] };
            let created = NewConversation::new(UserId::SYSTEM, &requested);
            assert_eq!(code(created), Err(ErrorCode::UserNotFound));
        }
    }

    #[test]
    fn group_contains_its_creator_once() {
        let group = new(ConversationType::Group, Some(" Team "), &[user(2), user(1), user(2)]).unwrap();
        assert_eq!(group.title(), Some("Team"));
        let members = group.members(user(1));
        assert_eq!(members.len(), 2);
        assert_eq!(members[0], Member::new(user(1), Role::Owner));
    }

    #[test]
    fn groups_and_public_conversations_need_a_title_and_begin_with_at_most_50_members() {
        for kind in [ConversationType::Group, ConversationType::Public] {
            let others = |n: u128| (2..2 + n).map(user).collect::<Vec<_>>();
            assert!(new(kind, None, &[]).is_err());
            assert!(new(kind, Some("t"), &others(49)).is_ok());
            assert_eq!(new(kind, Some("t"), &others(50)).unwrap_err().code, ErrorCode::TooManyMembers);
        }
    }
}
