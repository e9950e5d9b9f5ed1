mod retention;
mod states;
mod system;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::decide;
use crate::conversation::{MAX_PINS, Member};
use crate::membership::{Action, Change, MAX_GROUP_MEMBERS, MAX_PERIODS, MAX_USERS_PER_CHANGE, MemberFacts, State};
use crate::{ConversationType, ErrorCode, MessageKind, Role, Seq, Timestamp, UserId};

use ConversationType::{Group, Private, Public};

const OWNER: UserId = user(1);
const ADMIN: UserId = user(2);
const MEMBER: UserId = user(3);
/// Others of the same roles, to be acted on.
const OTHER_OWNER: UserId = user(4);
const OTHER_ADMIN: UserId = user(5);
const OTHER_MEMBER: UserId = user(6);
/// A former member who left.
const FORMER: UserId = user(7);
/// A former member who was removed.
const REMOVED: UserId = user(8);
/// A user with a profile who was never a member.
const NON_MEMBER: UserId = user(9);
const DELETED: UserId = user(10);
const BLOCKS: UserId = user(12);
/// A user without a profile, who is not in the state.
const UNKNOWN_USER: UserId = user(11);

const NOW: Timestamp = Timestamp::from_epoch_millis(2_000_000_000_000);
const FUTURE: Timestamp = Timestamp::from_epoch_millis(4_000_000_000_000);

const fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn active(role: Role) -> MemberFacts {
    MemberFacts { role: Some(role), periods: 1, ..MemberFacts::default() }
}

fn state(kind: ConversationType) -> State {
    let former = MemberFacts { periods: 1, ..MemberFacts::default() };
    State {
        now: NOW,
        kind,
        closed: false,
        title: (kind != Private).then(|| "Team".to_owned()),
        topic: None,
        custom: None,
        pinned_seqs: Vec::new(),
        retention_days: None,
        member_count: 6,
        owners: 2,
        successor: Some(ADMIN),
        blocked_by: Vec::new(),
        users: BTreeMap::from([
            (OWNER, active(Role::Owner)),
            (ADMIN, active(Role::Admin)),
            (MEMBER, active(Role::Member)),
            (OTHER_OWNER, active(Role::Owner)),
            (OTHER_ADMIN, active(Role::Admin)),
            (OTHER_MEMBER, active(Role::Member)),
            (FORMER, former),
            (REMOVED, MemberFacts { removed: true, ..former }),
            (NON_MEMBER, MemberFacts::default()),
            (DELETED, MemberFacts { deleted: true, ..MemberFacts::default() }),
        ]),
    }
}

/// Returns `ok` for a change, `none` if the desired state holds already, or the code of the refusal.
fn outcome(state: &State, actor: UserId, action: &Action) -> String {
    match decide(state, actor, action) {
        Ok(Some(_)) => "ok".to_owned(),
        Ok(None) => "none".to_owned(),
        Err(error) => error.code.to_string(),
    }
}

fn change(state: &State, actor: UserId, action: &Action) -> Change {
    decide(state, actor, action).unwrap().unwrap()
}

fn refusal(state: &State, actor: UserId, action: &Action) -> ErrorCode {
    decide(state, actor, action).unwrap_err().code
}

fn actions() -> [Action; 14] {
    [
        Action::Add(vec![NON_MEMBER]),
        Action::SetTitle("Crew".to_owned()),
        Action::SetTopic(Some("Ships".to_owned())),
        Action::Remove(OTHER_MEMBER),
        Action::Remove(OTHER_ADMIN),
        Action::Remove(OTHER_OWNER),
        Action::Mute(OTHER_MEMBER, Some(FUTURE)),
        Action::Mute(OTHER_ADMIN, Some(FUTURE)),
        Action::Mute(OTHER_OWNER, Some(FUTURE)),
        Action::SetRole(OTHER_MEMBER, Role::Admin),
        Action::Close,
        Action::Leave,
        Action::Join,
        Action::Block(true),
    ]
}

/// Every action, by every user, in a conversation of one type.
#[track_caller]
fn check(state: &State, table: &[(&str, UserId, [&str; 14])]) {
    for (name, actor, expected) in table {
        let found = actions().map(|action| outcome(state, *actor, &action));
        assert_eq!(found, *expected, "{name} in a {:?}, closed: {}", state.kind, state.closed);
    }
}

const NO: &str = "not_allowed";
const NOT_A_MEMBER: &str = "not_a_member";
const CLOSED: &str = "conversation_closed";
const WRONG_TYPE: &str = "wrong_conversation_type";
const UNKNOWN: &str = "conversation_not_found";

#[test]
fn those_who_change_the_title_pin_and_both_of_a_private_conversation() {
    let pin = |seq, on| Action::Pin { seq: Seq(seq), on, gone: Vec::new() };
    for kind in [Group, Public] {
        let shared = State { pinned_seqs: vec![Seq(3)], ..state(kind) };
        for (actor, expected) in [(OWNER, "ok"), (ADMIN, "ok"), (MEMBER, NO)] {
            assert_eq!(outcome(&shared, actor, &pin(2, true)), expected);
            assert_eq!(outcome(&shared, actor, &pin(3, false)), expected);
            assert_eq!(
                (outcome(&shared, actor, &pin(3, true)), outcome(&shared, actor, &pin(2, false))),
                ("none".into(), "none".into())
            );
        }
        assert_eq!(outcome(&State { closed: true, ..state(kind) }, OWNER, &pin(2, true)), CLOSED);
        let full = State { pinned_seqs: (1..=MAX_PINS as u64).map(Seq).collect(), ..state(kind) };
        assert_eq!(outcome(&full, OWNER, &pin(900, true)), "too_many_pins");
        let gone = Action::Pin { seq: Seq(900), on: true, gone: vec![Seq(1), Seq(2)] };
        let Change::Logged { item: MessageKind::PinsChanged { pinned_seqs, .. }, .. } = change(&full, OWNER, &gone)
        else {
            panic!("a pin")
        };
        assert_eq!(
            (pinned_seqs.len(), pinned_seqs.first(), pinned_seqs.last()),
            (MAX_PINS - 1, Some(&Seq(3)), Some(&Seq(900)))
        );
    }
    assert_eq!(outcome(&state(Private), MEMBER, &pin(2, true)), "ok");
    let blocked = State { blocked_by: vec![OTHER_MEMBER], ..state(Private) };
    assert_eq!(outcome(&blocked, MEMBER, &pin(2, true)), "blocked");
}

#[test]
#[rustfmt::skip]
fn actions_in_a_group() {
    //                       add   title topic rm-m  rm-a  rm-o  mu-m  mu-a  mu-o  role  close leave join  block
    check(&state(Group), &[
        ("the owner", OWNER,     ["ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", NO,   "ok", "ok", "ok", "none", WRONG_TYPE]),
        ("an admin", ADMIN,      ["ok", "ok", "ok", "ok", NO,   NO,   "ok", NO,   NO,   NO,   NO,   "ok", "none", WRONG_TYPE]),
        ("a member", MEMBER,     [NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   "ok", "none", WRONG_TYPE]),
        ("a former member", FORMER,     [NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  "none", NOT_A_MEMBER,  NOT_A_MEMBER]),
        ("a non-member", NON_MEMBER, [UNKNOWN; 14]),
        ("an unknown user", UNKNOWN_USER,       [UNKNOWN; 14]),
    ]);
}

#[test]
#[rustfmt::skip]
fn actions_in_a_closed_group() {
    check(&State { closed: true, ..state(Group) }, &[
        ("the owner", OWNER,     [CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, "none", "ok", "none", WRONG_TYPE]),
        ("an admin", ADMIN,      [CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, NO, "none", "ok", "none", WRONG_TYPE]),
        ("a member", MEMBER,     [NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO, "none", "ok", "none", WRONG_TYPE]),
        ("a former member", FORMER,     [NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  "none", NOT_A_MEMBER,  NOT_A_MEMBER]),
        ("a non-member", NON_MEMBER, [UNKNOWN; 14]),
        ("an unknown user", UNKNOWN_USER,       [UNKNOWN; 14]),
    ]);
}

#[test]
#[rustfmt::skip]
fn actions_in_a_public_conversation() {
    const PROFILE: &str = "profile_required";
    check(&state(Public), &[
        ("the owner", OWNER,     ["ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", NO,   "ok", "ok", "ok", "none", WRONG_TYPE]),
        ("an admin", ADMIN,      ["ok", "ok", "ok", "ok", NO,   NO,   "ok", NO,   NO,   NO,   NO,   "ok", "none", WRONG_TYPE]),
        ("a member", MEMBER,     [NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   NO,   "ok", "none", WRONG_TYPE]),
        ("a former member", FORMER,     [NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  "none", "ok", NOT_A_MEMBER]),
        ("a non-member", NON_MEMBER, [NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  NOT_A_MEMBER,  "none", "ok", NOT_A_MEMBER]),
        ("an unknown user", UNKNOWN_USER,       [PROFILE; 14]),
    ]);
}

#[test]
#[rustfmt::skip]
fn actions_in_a_private_conversation() {
    let mut private = state(Private);
    for person in [OWNER, ADMIN] {
        private.users.insert(person, active(Role::Member));
    }
    let inside = [WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, "none", "ok"];
    check(&private, &[
        ("one", OWNER, inside),
        ("the other", ADMIN, inside),
        ("a member", MEMBER, inside),
        ("a former member", FORMER, [NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, WRONG_TYPE, NOT_A_MEMBER, NOT_A_MEMBER]),
        ("a non-member", NON_MEMBER, [UNKNOWN; 14]),
        ("an unknown user", UNKNOWN_USER, [UNKNOWN; 14]),
    ]);
}

#[test]
fn deleted_users_can_neither_act_nor_be_added() {
    let mut group = state(Group);
    assert_eq!(refusal(&group, OWNER, &Action::Add(vec![DELETED])), ErrorCode::UserNotFound);
    group.users.insert(OWNER, MemberFacts { deleted: true, ..active(Role::Owner) });
    for action in actions() {
        assert_eq!(refusal(&group, OWNER, &action), ErrorCode::UserDeleted, "{action:?}");
    }
}

#[test]
fn users_that_cannot_be_added() {
    let many: Vec<UserId> = (100..).map(user).take(MAX_USERS_PER_CHANGE + 1).collect();
    for (code, users) in [
        (ErrorCode::TooManyMembers, vec![]),
        (ErrorCode::TooManyMembers, many),
        (ErrorCode::SelfAdd, vec![OWNER]),
        (ErrorCode::UserNotFound, vec![UNKNOWN_USER]),
        (ErrorCode::NotAllowed, vec![NON_MEMBER, BLOCKS]),
    ] {
        let mut group = state(Group);
        group.users.insert(BLOCKS, MemberFacts { blocks_actor: true, ..MemberFacts::default() });
        assert_eq!(refusal(&group, OWNER, &Action::Add(users)), code);
    }
    for user in [FORMER, REMOVED, NON_MEMBER] {
        let item = MessageKind::MembersAdded { members: vec![Member::new(user, Role::Member)] };
        let expected = Change::Logged { actor: ADMIN, item };
        assert_eq!(change(&state(Group), ADMIN, &Action::Add(vec![user])), expected);
    }
}

#[test]
fn groups_have_a_member_limit_and_public_conversations_have_none() {
    let with = |kind, member_count| State { member_count, ..state(kind) };
    let add = Action::Add(vec![NON_MEMBER, FORMER]);
    assert_eq!(outcome(&with(Group, MAX_GROUP_MEMBERS - 2), OWNER, &add), "ok");
    assert_eq!(refusal(&with(Group, MAX_GROUP_MEMBERS - 1), OWNER, &add), ErrorCode::MemberLimitReached);
    assert_eq!(outcome(&with(Public, MAX_GROUP_MEMBERS), OWNER, &add), "ok");
    assert_eq!(outcome(&with(Public, MAX_GROUP_MEMBERS), NON_MEMBER, &Action::Join), "ok");
}

#[test]
fn rejoining_is_refused_at_the_maximum_of_membership_periods() {
    for (periods, expected) in [(MAX_PERIODS - 1, "ok"), (MAX_PERIODS, "too_many_stays")] {
        let mut public = state(Public);
        public.users.insert(FORMER, MemberFacts { periods, ..MemberFacts::default() });
        assert_eq!(outcome(&public, FORMER, &Action::Join), expected);
        assert_eq!(outcome(&public, OWNER, &Action::Add(vec![FORMER])), expected);
    }
}

#[test]
fn removed_users_rejoin_only_when_added() {
    assert_eq!(refusal(&state(Public), REMOVED, &Action::Join), ErrorCode::NotAllowed);
    assert_eq!(outcome(&state(Public), ADMIN, &Action::Add(vec![REMOVED])), "ok");
}

#[test]
fn mute_survives_leaving_removal_and_coming_back() {
    let muted = MemberFacts { periods: 1, muted_until: Some(FUTURE), ..MemberFacts::default() };
    let mut public = state(Public);
    public.users.insert(FORMER, muted);
    let joined = Change::Joined { user_id: FORMER, muted_until: Some(FUTURE) };
    assert_eq!(change(&public, FORMER, &Action::Join), joined);
    for kind in [Group, Public] {
        let mut shared = state(kind);
        shared.users.insert(FORMER, muted);
        shared.users.insert(REMOVED, MemberFacts { removed: true, ..muted });
        let change = change(&shared, ADMIN, &Action::Add(vec![FORMER, REMOVED, NON_MEMBER]));
        let added = change.effect().joined.into_iter().map(|member| (member.user_id, member.muted_until));
        assert!(added.eq([(FORMER, Some(FUTURE)), (REMOVED, Some(FUTURE)), (NON_MEMBER, None)]), "{kind:?}");
    }
}

#[test]
fn muted_owner_can_unmute_themselves() {
    let mut group = state(Group);
    group.users.insert(OWNER, MemberFacts { muted_until: Some(FUTURE), ..active(Role::Owner) });
    assert_eq!(outcome(&group, OWNER, &Action::Mute(OWNER, None)), "ok");
    group.users.insert(ADMIN, MemberFacts { muted_until: Some(FUTURE), ..active(Role::Admin) });
    assert_eq!(refusal(&group, ADMIN, &Action::Mute(ADMIN, None)), ErrorCode::NotAllowed);
}

#[test]
fn last_owner_promotes_a_successor_by_leaving_and_cannot_step_down() {
    let alone = State { owners: 1, ..state(Group) };
    assert_eq!(refusal(&alone, OWNER, &Action::SetRole(OWNER, Role::Admin)), ErrorCode::LastOwner);
    assert_eq!(outcome(&state(Group), OWNER, &Action::SetRole(OWNER, Role::Member)), "ok");
    let left = |promoted, closed| Change::Logged {
        actor: OWNER,
        item: MessageKind::MemberLeft { promoted, closed, user_deleted: false },
    };
    assert_eq!(change(&alone, OWNER, &Action::Leave), left(Some(ADMIN), false));
    assert_eq!(change(&state(Group), OWNER, &Action::Leave), left(None, false), "another owner remains");
    let empty = State { member_count: 1, owners: 1, successor: None, ..state(Group) };
    assert_eq!(change(&empty, OWNER, &Action::Leave), left(None, true), "the last member closes the group");
    let over = State { closed: true, ..empty };
    assert_eq!(change(&over, OWNER, &Action::Leave), left(None, false), "the group was closed before");
    let Change::Logged { item, .. } = change(&alone, MEMBER, &Action::Leave) else { panic!("a group logs departures") };
    assert_eq!(item, MessageKind::MemberLeft { promoted: None, closed: false, user_deleted: false });
    assert_eq!(
        change(&State { owners: 1, ..state(Public) }, OWNER, &Action::Leave),
        Change::Left { user_id: OWNER, promoted: Some(ADMIN), closed: false, user_deleted: false }
    );
}

#[test]
fn removing_oneself_is_leaving() {
    for actor in [OWNER, ADMIN, MEMBER, FORMER] {
        let by_id = decide(&state(Group), actor, &Action::Remove(actor)).unwrap();
        assert_eq!(by_id, decide(&state(Group), actor, &Action::Leave).unwrap());
    }
}

#[test]
fn actions_on_non_members_are_refused() {
    for action in [
        Action::SetRole(NON_MEMBER, Role::Admin),
        Action::Mute(NON_MEMBER, Some(FUTURE)),
        Action::SetRole(FORMER, Role::Admin),
        Action::Mute(FORMER, Some(FUTURE)),
    ] {
        assert_eq!(refusal(&state(Group), OWNER, &action), ErrorCode::MemberNotFound, "{action:?}");
        assert_eq!(refusal(&state(Group), MEMBER, &action), ErrorCode::NotAllowed, "{action:?}");
    }
}

#[test]
fn each_peer_blocks_independently() {
    let blocked = State { blocked_by: vec![MEMBER], ..state(Private) };
    let by = |blocked_by| Change::Blocked { blocked_by };
    assert_eq!(change(&blocked, OTHER_MEMBER, &Action::Block(true)), by(vec![MEMBER, OTHER_MEMBER]));
    assert_eq!(change(&blocked, MEMBER, &Action::Block(false)), by(vec![]));
    assert_eq!(outcome(&blocked, MEMBER, &Action::Block(true)), "none");
    assert_eq!(outcome(&blocked, OTHER_MEMBER, &Action::Block(false)), "none");
}

/// A group with members has an owner after any sequence of actions.
#[test]
fn group_with_members_always_has_an_owner() {
    let people = [OWNER, ADMIN, MEMBER];
    let mut moves: Vec<(UserId, Action)> = Vec::new();
    for actor in people {
        moves.push((actor, Action::Leave));
        for target in people {
            moves.push((actor, Action::Remove(target)));
            moves.extend([Role::Owner, Role::Admin, Role::Member].map(|role| (actor, Action::SetRole(target, role))));
        }
    }
    let first: BTreeMap<UserId, Role> = people.into_iter().zip([Role::Owner, Role::Admin, Role::Member]).collect();
    let (mut seen, mut open) = (std::collections::BTreeSet::from([first.clone()]), vec![first]);
    while let Some(members) = open.pop() {
        let count = |role| members.values().filter(|other| **other == role).count();
        let holder = |role| members.iter().find(|(_, other)| **other == role).map(|(user, _)| *user);
        let now = State {
            closed: members.is_empty(),
            member_count: u32::try_from(members.len()).unwrap(),
            owners: u32::try_from(count(Role::Owner)).unwrap(),
            successor: holder(Role::Admin).or_else(|| holder(Role::Member)),
            users: people
                .map(|user| {
                    (user, MemberFacts { role: members.get(&user).copied(), periods: 1, ..MemberFacts::default() })
                })
                .into(),
            ..state(Group)
        };
        for (actor, action) in &moves {
            let Ok(Some(change)) = decide(&now, *actor, action) else { continue };
            let (mut after, effect) = (members.clone(), change.effect());
            if let Some(departure) = effect.left {
                after.remove(&departure.user_id);
            }
            after.extend(effect.role);
            assert!(
                after.is_empty() || after.values().any(|role| *role == Role::Owner),
                "{actor} {action:?}: {after:?}"
            );
            assert_eq!(after.is_empty(), effect.closed, "{actor} {action:?}");
            if seen.insert(after.clone()) {
                open.push(after);
            }
        }
    }
    assert!(seen.len() > 20, "{} groups were reached", seen.len());
}

#[test]
fn mute_in_the_past_is_refused_and_a_mute_that_ended_is_none() {
    let mut group = state(Group);
    for past in [NOW, Timestamp::from_epoch_millis(0)] {
        assert_eq!(refusal(&group, OWNER, &Action::Mute(OTHER_MEMBER, Some(past))), ErrorCode::InvalidRequest);
        group.users.insert(OTHER_MEMBER, MemberFacts { muted_until: Some(past), ..active(Role::Member) });
        assert_eq!(outcome(&group, OWNER, &Action::Mute(OTHER_MEMBER, None)), "none");
        assert_eq!(outcome(&group, OWNER, &Action::Mute(OTHER_MEMBER, Some(FUTURE))), "ok");
    }
}
