//! Changes of a conversation, and their effects on it and its members.

use serde::{Deserialize, Serialize};

use crate::conversation::Member;
use crate::{Custom, MessageKind, Role, Seq, Timestamp, UserId};

/// One change of a conversation: one version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A change that appends an item to the log.
    Logged {
        actor: UserId,
        /// The system message in the log.
        item: MessageKind,
    },
    /// A user joined a public conversation.
    Joined {
        user_id: UserId,
        /// End of the mute. Leaving and joining again does not end a mute.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted_until: Option<Timestamp>,
    },
    /// A user left a public conversation.
    Left {
        user_id: UserId,
        /// The member who becomes owner, if the last owner left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promoted: Option<UserId>,
        /// True if no member is left.
        closed: bool,
        /// True if the user was deleted.
        user_deleted: bool,
    },
    /// One of a private conversation blocked the other, or thought better of it.
    Blocked {
        /// The users who block after the change.
        blocked_by: Vec<UserId>,
    },
}

/// The end of a membership period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    pub user_id: UserId,
    /// The user who removed the member; `None` if the member left.
    pub removed_by: Option<UserId>,
    /// True if the user was deleted: nothing is shown to them any more.
    pub user_deleted: bool,
}

/// The effect of a [`Change`] on the conversation and its members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect<'a> {
    /// The users that the change adds, with the mutes that they had.
    pub joined: Vec<Member>,
    pub left: Option<Departure>,
    pub role: Option<(UserId, Role)>,
    /// The muted member and the end of the mute.
    pub muted: Option<(UserId, Option<Timestamp>)>,
    pub title: Option<&'a str>,
    /// The new topic, or none.
    pub topic: Option<Option<&'a str>>,
    /// What the app adds from then on, or none.
    pub custom: Option<Option<&'a Custom>>,
    /// The new number of days for which messages are kept, or none.
    pub retention_days: Option<Option<u32>>,
    /// The seqs of all pinned messages.
    pub pinned_seqs: Option<&'a [Seq]>,
    /// True if the conversation is closed.
    pub closed: bool,
    /// The users who block after the change.
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
    /// Returns the actor and the system message of a change that has an item in the log.
    pub const fn logged(&self) -> Option<(UserId, &MessageKind)> {
        match self {
            Self::Logged { actor, item } => Some((*actor, item)),
            Self::Joined { .. } | Self::Left { .. } | Self::Blocked { .. } => None,
        }
    }

    /// Returns the first seq that is visible to the users that the change adds, for a change at `seq`: its own item, or, for
    /// a change without one, the next item.
    pub fn first_visible(&self, seq: Seq) -> Seq {
        if self.logged().is_some() { seq } else { seq.next() }
    }

    pub fn effect(&self) -> Effect<'_> {
        match self {
            Self::Logged { actor, item } => logged_effect(*actor, item),
            Self::Joined { user_id, muted_until } => Effect {
                joined: vec![Member { muted_until: *muted_until, ..Member::new(*user_id, Role::Member) }],
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
        | MessageKind::Reaction { .. }
        | MessageKind::UserErased { .. } => none,
        MessageKind::Created { title, topic, members, custom, .. } => Effect {
            joined: members.clone(),
            title: title.as_deref(),
            topic: Some(topic.as_deref()),
            custom: Some(custom.as_ref()),
            ..none
        },
        MessageKind::MembersAdded { members } => Effect { joined: members.clone(), ..none },
        MessageKind::MemberLeft { promoted, closed, user_deleted } => leave(actor, *promoted, *closed, *user_deleted),
        MessageKind::MemberRemoved { user_id } => {
            Effect { left: Some(Departure { user_id: *user_id, removed_by: Some(actor), user_deleted: false }), ..none }
        }
        MessageKind::RoleChanged { user_id, role } => Effect { role: Some((*user_id, *role)), ..none },
        MessageKind::MemberMuted { user_id, muted_until } => Effect { muted: Some((*user_id, *muted_until)), ..none },
        MessageKind::TitleChanged { title } => Effect { title: Some(title), ..none },
        MessageKind::TopicChanged { topic } => Effect { topic: Some(topic.as_deref()), ..none },
        MessageKind::CustomChanged { custom } => Effect { custom: Some(custom.as_ref()), ..none },
        MessageKind::RetentionChanged { retention_days } => Effect { retention_days: Some(*retention_days), ..none },
        MessageKind::PinsChanged { pinned_seqs, .. } => Effect { pinned_seqs: Some(pinned_seqs), ..none },
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::conversation::{ConversationType, HistoryPolicy};

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    /// One of each, as it lies in the outbox of a running system.
    fn stored() -> Vec<(Change, &'static str)> {
        let at = Timestamp::from_epoch_millis(1_800_000_000_000);
        let logged = |item| Change::Logged { actor: user(1), item };
        let member = |n, role| Member::new(user(n), role);
        vec![
            (
                logged(MessageKind::Created {
                    conversation_type: ConversationType::Group,
                    title: Some("Team".to_owned()),
                    topic: None,
                    history: HistoryPolicy::Full,
                    members: vec![member(1, Role::Owner)],
                    custom: None,
                }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"created","conversation_type":"group","title":"Team","history":"full","members":[{"user_id":"~1","role":"owner"}]}}"#,
            ),
            (
                logged(MessageKind::MembersAdded { members: vec![member(2, Role::Member)] }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"members_added","members":[{"user_id":"~2","role":"member"}]}}"#,
            ),
            (
                logged(MessageKind::MembersAdded {
                    members: vec![Member { muted_until: Some(at), ..member(2, Role::Member) }],
                }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"members_added","members":[{"user_id":"~2","role":"member","muted_until":"2027-01-15T08:00:00.000Z"}]}}"#,
            ),
            (
                logged(MessageKind::MemberLeft { promoted: Some(user(2)), closed: false, user_deleted: false }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"member_left","promoted":"~2","closed":false,"user_deleted":false}}"#,
            ),
            (
                logged(MessageKind::MemberRemoved { user_id: user(2) }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"member_removed","user_id":"~2"}}"#,
            ),
            (
                logged(MessageKind::RoleChanged { user_id: user(2), role: Role::Admin }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"role_changed","user_id":"~2","role":"admin"}}"#,
            ),
            (
                logged(MessageKind::MemberMuted { user_id: user(2), muted_until: Some(at) }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"member_muted","user_id":"~2","muted_until":"2027-01-15T08:00:00.000Z"}}"#,
            ),
            (
                logged(MessageKind::TitleChanged { title: "Crew".to_owned() }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"title_changed","title":"Crew"}}"#,
            ),
            (
                logged(MessageKind::TopicChanged { topic: None }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"topic_changed","topic":null}}"#,
            ),
            (
                logged(MessageKind::CustomChanged { custom: Custom::stored(r#"{"a":1}"#).ok() }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"custom_changed","custom":{"a":1}}}"#,
            ),
            (
                logged(MessageKind::RetentionChanged { retention_days: Some(30) }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"retention_changed","retention_days":30}}"#,
            ),
            (
                logged(MessageKind::PinsChanged { message_seq: Seq(7), on: true, pinned_seqs: vec![Seq(3), Seq(7)] }),
                r#"{"change":"logged","actor":"~1","item":{"kind":"pins_changed","message_seq":7,"on":true,"pinned_seqs":[3,7]}}"#,
            ),
            (logged(MessageKind::Closed), r#"{"change":"logged","actor":"~1","item":{"kind":"closed"}}"#),
            (Change::Joined { user_id: user(2), muted_until: None }, r#"{"change":"joined","user_id":"~2"}"#),
            (
                Change::Joined { user_id: user(2), muted_until: Some(at) },
                r#"{"change":"joined","user_id":"~2","muted_until":"2027-01-15T08:00:00.000Z"}"#,
            ),
            (
                Change::Left { user_id: user(2), promoted: None, closed: true, user_deleted: false },
                r#"{"change":"left","user_id":"~2","closed":true,"user_deleted":false}"#,
            ),
            (Change::Blocked { blocked_by: vec![user(2)] }, r#"{"change":"blocked","blocked_by":["~2"]}"#),
        ]
    }

    #[test]
    fn outbox_format_is_stable() {
        for (change, text) in stored() {
            let text = text.replace("\"~", "\"00000000-0000-0000-0000-00000000000");
            assert_eq!(serde_json::to_string(&change).unwrap(), text);
            assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change);
        }
    }

    #[test]
    fn joins_and_departures_change_the_member_count() {
        let growth: Vec<i32> = stored().iter().map(|(change, _)| change.effect().growth()).collect();
        assert_eq!(growth, [1, 1, 1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, -1, 0]);
    }

    #[test]
    fn each_change_has_exactly_its_effect() {
        let none = Effect::default();
        let departure = |n, by| Departure { user_id: user(n), removed_by: by, user_deleted: false };
        let blocked_by = [user(2)];
        let at = Timestamp::from_epoch_millis(1_800_000_000_000);
        let muted = Member { muted_until: Some(at), ..Member::new(user(2), Role::Member) };
        let custom = Custom::stored(r#"{"a":1}"#).unwrap();
        let expected = [
            Effect {
                joined: vec![Member::new(user(1), Role::Owner)],
                title: Some("Team"),
                topic: Some(None),
                custom: Some(None),
                ..none.clone()
            },
            Effect { joined: vec![Member::new(user(2), Role::Member)], ..none.clone() },
            Effect { joined: vec![muted], ..none.clone() },
            Effect { left: Some(departure(1, None)), role: Some((user(2), Role::Owner)), ..none.clone() },
            Effect { left: Some(departure(2, Some(user(1)))), ..none.clone() },
            Effect { role: Some((user(2), Role::Admin)), ..none.clone() },
            Effect { muted: Some((user(2), Some(at))), ..none.clone() },
            Effect { title: Some("Crew"), ..none.clone() },
            Effect { topic: Some(None), ..none.clone() },
            Effect { custom: Some(Some(&custom)), ..none.clone() },
            Effect { retention_days: Some(Some(30)), ..none.clone() },
            Effect { pinned_seqs: Some(&[Seq(3), Seq(7)]), ..none.clone() },
            Effect { closed: true, ..none.clone() },
            Effect { joined: vec![Member::new(user(2), Role::Member)], ..none.clone() },
            Effect { joined: vec![muted], ..none.clone() },
            Effect { left: Some(departure(2, None)), closed: true, ..none.clone() },
            Effect { blocked_by: Some(&blocked_by), ..none },
        ];
        for ((change, text), expected) in stored().iter().zip(expected) {
            assert_eq!(change.effect(), expected, "{text}");
        }
    }

    #[test]
    fn membership_period_begins_at_its_item_or_after_the_head() {
        for (change, text) in stored() {
            let first = if text.contains("logged") { Seq(7) } else { Seq(8) };
            assert_eq!(change.first_visible(Seq(7)), first, "{text}");
        }
    }
}
