//! Several changes of one conversation at once.

use domain::{MessageKind, Role};
use end_to_end::large_conversation::users_without_tokens;
use end_to_end::{Cloud, TestUser};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::group::{Group, outcome};

#[tokio::test]
async fn concurrent_departures_of_the_last_two_owners_promote_a_successor() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let groups = (0..4).map(async |_| {
        let group = Group::of(&alice, &[&bob, &carol]).await;
        assert_eq!(group.set_role(&alice, &bob, "owner").await.0, 200);
        let (one, other) = tokio::join!(group.remove(&alice, &alice), group.remove(&bob, &bob));
        assert_eq!((one.0, other.0), (204, 204), "{one:?} {other:?}");
        let state = group.stored_state().await;
        assert_eq!(state.role(&carol.user_id), Some(Role::Owner));
        assert_eq!(state.active.len(), 1);
    });
    join_all(groups).await;
}

#[tokio::test]
async fn concurrent_demotions_leave_an_owner() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let groups = (0..4).map(async |_| {
        let group = Group::of(&alice, &[&bob]).await;
        assert_eq!(group.set_role(&alice, &bob, "owner").await.0, 200);
        let (one, other) = tokio::join!(group.set_role(&alice, &bob, "member"), group.set_role(&bob, &alice, "member"));
        let mut outcomes = [one, other];
        outcomes.sort_unstable_by_key(|(status, _)| *status);
        assert_eq!(outcomes, [(200, Value::Null), (403, json!("not_allowed"))]);
        let (one, other) = tokio::join!(group.set_role(&alice, &alice, "member"), group.set_role(&bob, &bob, "member"));
        assert!(one.1 == "last_owner" || other.1 == "last_owner", "{one:?} {other:?}");
        group.stored_state().await;
    });
    join_all(groups).await;
}

#[tokio::test]
async fn a_group_never_has_more_than_a_thousand_members() {
    let (alice, users) = tokio::join!(TestUser::new("alice"), users_without_tokens(Cloud::shared(), 1100));
    let mut users = users.into_iter();
    let mut take = |number| users.by_ref().take(number).collect::<Vec<String>>();
    let group = Group::new(&alice, &json!({"type": "group", "title": "All", "member_ids": take(49)})).await;
    let add = async |users: Vec<String>| outcome(alice.post(&group.members, &json!({"user_ids": users})).await);
    for _ in 1..19 {
        assert_eq!(add(take(50)).await, (204, Value::Null));
    }
    let mut outcomes = join_all([take(20), take(20), take(20), take(20)].map(&add)).await;
    outcomes.sort_unstable_by_key(|(status, _)| *status);
    let full = (409, json!("member_limit_reached"));
    assert_eq!(outcomes, [(204, Value::Null), (204, Value::Null), full.clone(), full.clone()]);
    assert_eq!(add(take(10)).await, (204, Value::Null));
    assert_eq!(add(take(1)).await, full);
    let state = group.stored_state().await;
    assert_eq!((state.active.len(), state.conversation_row.unwrap().member_count), (1000, 1000));

    let (mut listed, mut path) = (0, format!("{}?limit=600", group.members));
    loop {
        let (_, page) = alice.get(&path).await;
        listed += page["members"].as_array().unwrap().len();
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("{}?limit=600&cursor={cursor}", group.members);
    }
    assert_eq!(listed, 1000);
}

#[tokio::test]
async fn concurrent_addition_and_removal_of_a_user_stay_consistent() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let group = Group::of(&alice, &[&bob]).await;
    assert_eq!(group.set_role(&alice, &bob, "admin").await.0, 200);
    let carols = [&carol];
    let rounds = (0..4).map(async |_| tokio::join!(group.add(&alice, &carols), group.remove(&bob, &carol)));
    for (added, removed) in join_all(rounds).await {
        assert_eq!((added.0, removed.0), (204, 204), "{added:?} {removed:?}");
    }
    let state = group.stored_state().await;
    let (adds, removals) = (count(&state.kinds(), "members_added"), count(&state.kinds(), "member_removed"));
    assert!(adds >= 1);
    assert_eq!(adds - removals, usize::from(state.role(&carol.user_id).is_some()));
}

fn count(kinds: &[String], kind: &str) -> usize {
    kinds.iter().filter(|other| *other == kind).count()
}

#[tokio::test]
async fn concurrent_title_changes_are_logged_in_their_stored_order() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = Group::of(&alice, &[&bob]).await;
    assert_eq!(group.set_role(&alice, &bob, "admin").await.0, 200);
    let titles = (0..8).map(async |n| {
        let user = if n % 2 == 0 { &alice } else { &bob };
        user.patch(&group.path, &json!({"title": format!("Title {n}"), "topic": format!("Topic {n}")})).await.0
    });
    assert_eq!(join_all(titles).await, [200; 8]);
    let state = group.stored_state().await;
    assert_eq!((count(&state.kinds(), "title_changed"), count(&state.kinds(), "topic_changed")), (8, 8));
    let last = state.log.iter().rev().find_map(|item| match &item.kind {
        MessageKind::TitleChanged { title } => Some(title.clone()),
        _ => None,
    });
    let row = state.conversation_row.unwrap();
    assert_eq!(row.title, last);
    // Both of one request, or of none.
    assert_eq!(row.topic.unwrap().replace("Topic", "Title"), last.unwrap());
}
