//! Requests for a state that holds already.

use super::{
    ADMIN, FORMER, FUTURE, MEMBER, NON_MEMBER, OTHER_ADMIN, OTHER_MEMBER, OTHER_OWNER, OWNER, REMOVED, UNKNOWN_USER,
    active, change, outcome, refusal, state, user,
};
use crate::ConversationType::{Group, Private, Public};
use crate::conversation::Member;
use crate::membership::{Action, Change, MAX_GROUP_MEMBERS, MAX_USERS_PER_CHANGE, MemberFacts, State};
use crate::{ErrorCode, MessageKind, Role, UserId};

/// A state that holds is no error for any member, whatever the role and also in a closed conversation: the user may have had the
/// right when they asked first.
#[test]
fn desired_states_that_already_hold_are_no_change() {
    for (kind, closed) in [(Group, false), (Group, true), (Public, false), (Public, true)] {
        let mut shared = State { closed, topic: Some("Ships".to_owned()), ..state(kind) };
        shared.users.insert(OTHER_MEMBER, MemberFacts { muted_until: Some(FUTURE), ..active(Role::Member) });
        for actor in [OWNER, ADMIN, MEMBER] {
            for action in [
                Action::SetTitle("Team".to_owned()),
                Action::SetTopic(Some("Ships".to_owned())),
                Action::SetCustom(None),
                Action::Add(vec![OTHER_MEMBER]),
                Action::Add(vec![OTHER_OWNER, OTHER_ADMIN, OTHER_MEMBER]),
                Action::Remove(FORMER),
                Action::Remove(REMOVED),
                Action::Remove(NON_MEMBER),
                Action::Remove(UNKNOWN_USER),
                Action::SetRole(OTHER_ADMIN, Role::Admin),
                Action::SetRole(OTHER_MEMBER, Role::Member),
                Action::SetRole(OWNER, Role::Owner),
                Action::SetRole(MEMBER, Role::Member),
                Action::Mute(OTHER_MEMBER, Some(FUTURE)),
                Action::Mute(OTHER_ADMIN, None),
                Action::Join,
            ] {
                assert_eq!(
                    outcome(&shared, actor, &action),
                    "none",
                    "{actor} {action:?} in a {kind:?}, closed: {closed}"
                );
            }
        }
        assert_eq!(outcome(&shared, FORMER, &Action::Leave), "none");
        assert_eq!(outcome(&shared, FORMER, &Action::Remove(FORMER)), "none");
    }
    for actor in [OWNER, ADMIN, MEMBER] {
        assert_eq!(outcome(&State { closed: true, ..state(Group) }, actor, &Action::Close), "none");
    }
    let closed = State { closed: true, blocked_by: vec![MEMBER], ..state(Private) };
    assert_eq!(outcome(&closed, MEMBER, &Action::Block(true)), "none");
    assert_eq!(outcome(&closed, OTHER_MEMBER, &Action::Block(false)), "none");
    assert_eq!(refusal(&closed, MEMBER, &Action::Block(false)), ErrorCode::ConversationClosed);
}

#[test]
fn owner_gives_up_the_role_twice() {
    let mut group = state(Group);
    let step_down = Action::SetRole(OWNER, Role::Member);
    assert_eq!(outcome(&group, OWNER, &step_down), "ok");
    group.users.insert(OWNER, active(Role::Member));
    group.owners -= 1;
    assert_eq!(outcome(&group, OWNER, &step_down), "none");
    assert_eq!(refusal(&group, OWNER, &Action::SetRole(OWNER, Role::Admin)), ErrorCode::NotAllowed);
}

#[test]
fn members_among_users_to_add_are_left_out() {
    let add = Action::Add(vec![MEMBER, NON_MEMBER, OTHER_ADMIN]);
    let item = MessageKind::MembersAdded { members: vec![Member::new(NON_MEMBER, Role::Member)] };
    assert_eq!(change(&state(Group), ADMIN, &add), Change::Logged { actor: ADMIN, item });
    assert_eq!(refusal(&state(Group), MEMBER, &add), ErrorCode::NotAllowed);
    // They do not count for the limit of members, and do for that of a request.
    let full = State { member_count: MAX_GROUP_MEMBERS - 1, ..state(Group) };
    assert_eq!(outcome(&full, OWNER, &add), "ok");
    let mut many = state(Group);
    let users: Vec<UserId> = (100..).map(user).take(MAX_USERS_PER_CHANGE + 1).collect();
    many.users.extend(users.iter().map(|user| (*user, active(Role::Member))));
    assert_eq!(outcome(&many, OWNER, &Action::Add(users[1..].to_vec())), "none");
    assert_eq!(refusal(&many, OWNER, &Action::Add(users)), ErrorCode::TooManyMembers);
}

/// Users who are not members learn nothing of the members by asking for a state.
#[test]
fn states_are_hidden_from_non_members() {
    for action in [
        Action::Add(vec![MEMBER]),
        Action::Remove(NON_MEMBER),
        Action::SetRole(MEMBER, Role::Member),
        Action::Mute(MEMBER, None),
        Action::SetTitle("Team".to_owned()),
        Action::Close,
    ] {
        let closed = State { closed: true, ..state(Group) };
        assert_eq!(refusal(&closed, NON_MEMBER, &action), ErrorCode::ConversationNotFound, "{action:?}");
        assert_eq!(refusal(&closed, FORMER, &action), ErrorCode::NotAMember, "{action:?}");
    }
}
