//! The system: the actor of what backends do as themselves.

use super::{ADMIN, MEMBER, NON_MEMBER, OTHER_OWNER, OWNER, REMOVED, actions, change, outcome, refusal, state};
use crate::ConversationType::{Group, Private, Public};
use crate::membership::{Action, Change, MemberFacts, State};
use crate::{ErrorCode, MessageKind, Role, UserId};

const SYSTEM: UserId = UserId::SYSTEM;

/// The system has a profile, and was never a member.
fn with_system(mut state: State) -> State {
    state.users.insert(SYSTEM, MemberFacts::default());
    state
}

#[test]
fn system_has_the_rights_of_an_owner_who_is_no_member() {
    for kind in [Group, Public] {
        for closed in [false, true] {
            let shared = with_system(State { closed, ..state(kind) });
            for action in actions() {
                let expected = match action {
                    Action::Leave => "none".to_owned(),
                    Action::Join | Action::Block(_) => "not_allowed".to_owned(),
                    _ => outcome(&shared, OWNER, &action),
                };
                assert_eq!(outcome(&shared, SYSTEM, &action), expected, "{action:?} in a {kind:?}, closed: {closed}");
            }
        }
    }
}

#[test]
fn system_changes_no_private_conversation() {
    let private = with_system(state(Private));
    for action in actions() {
        assert!(
            ["wrong_conversation_type", "not_allowed"].contains(&&*outcome(&private, SYSTEM, &action)),
            "{action:?}"
        );
    }
}

#[test]
fn changes_of_the_system_name_it() {
    let group = with_system(state(Group));
    let item = MessageKind::RoleChanged { user_id: MEMBER, role: Role::Owner };
    let expected = Change::Logged { actor: SYSTEM, item };
    assert_eq!(change(&group, SYSTEM, &Action::SetRole(MEMBER, Role::Owner)), expected);
    let removed = change(&group, SYSTEM, &Action::Remove(OTHER_OWNER));
    assert_eq!(removed.effect().left.and_then(|departure| departure.removed_by), Some(SYSTEM));
    assert_eq!(outcome(&group, SYSTEM, &Action::Add(vec![REMOVED, NON_MEMBER])), "ok");
}

#[test]
fn system_leaves_no_group_without_an_owner() {
    for owners in [1, 2] {
        let group = with_system(State { owners, ..state(Group) });
        let expected = if owners == 1 { "last_owner" } else { "ok" };
        assert_eq!(outcome(&group, SYSTEM, &Action::Remove(OTHER_OWNER)), expected);
    }
}

#[test]
fn system_becomes_no_member() {
    for kind in [Group, Public] {
        let shared = with_system(state(kind));
        for actor in [OWNER, ADMIN] {
            assert_eq!(refusal(&shared, actor, &Action::Add(vec![SYSTEM])), ErrorCode::UserNotFound);
        }
        assert_eq!(refusal(&shared, SYSTEM, &Action::Add(vec![SYSTEM])), ErrorCode::SelfAdd);
        assert_eq!(refusal(&shared, OWNER, &Action::SetRole(SYSTEM, Role::Admin)), ErrorCode::MemberNotFound);
        assert_eq!(outcome(&shared, OWNER, &Action::Remove(SYSTEM)), "none");
    }
}
