//! The time for which messages are kept: who sets it.

use super::{ADMIN, FORMER, MEMBER, NON_MEMBER, OTHER_MEMBER, OWNER, change, outcome, state};
use crate::ConversationType::{Group, Private, Public};
use crate::membership::{Action, Change, State};
use crate::{MessageKind, UserId};

const WEEK: Action = Action::SetRetention(Some(7));

#[test]
fn owners_set_the_retention() {
    for kind in [Group, Public] {
        let outcomes = [OWNER, ADMIN, MEMBER, FORMER].map(|actor| outcome(&state(kind), actor, &WEEK));
        assert_eq!(outcomes, ["ok", "not_allowed", "not_allowed", "not_a_member"], "{kind:?}");
        let closed = State { closed: true, ..state(kind) };
        assert_eq!(outcome(&closed, OWNER, &WEEK), "conversation_closed");
    }
    assert_eq!(outcome(&state(Group), NON_MEMBER, &WEEK), "conversation_not_found");
}

#[test]
fn both_of_a_private_conversation_set_the_retention() {
    for actor in [MEMBER, OTHER_MEMBER] {
        assert_eq!(outcome(&state(Private), actor, &WEEK), "ok");
        assert_eq!(outcome(&State { closed: true, ..state(Private) }, actor, &WEEK), "conversation_closed");
    }
    assert_eq!(outcome(&state(Private), UserId::SYSTEM, &WEEK), "wrong_conversation_type");
}

#[test]
fn a_retention_is_set_once_and_can_be_left_to_the_operator() {
    let set = State { retention_days: Some(7), ..state(Group) };
    assert_eq!([OWNER, MEMBER].map(|actor| outcome(&set, actor, &WEEK)), ["none", "none"]);
    let item = MessageKind::RetentionChanged { retention_days: None };
    let unset = change(&set, OWNER, &Action::SetRetention(None));
    assert_eq!(unset, Change::Logged { actor: OWNER, item });
    assert_eq!(unset.effect().retention_days, Some(None));
}
