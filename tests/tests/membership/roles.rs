//! Coming, going and roles, one after the other.

use domain::Role;
use end_to_end::TestUser;
use serde_json::{Value, json};

use crate::group::Group;

async fn kinds(user: &TestUser, group: &Group) -> Vec<Value> {
    let (status, history) = user.get(&format!("{}/messages", group.path)).await;
    assert_eq!(status, 200, "{history}");
    history["messages"].as_array().unwrap().iter().map(|message| message["kind"].clone()).collect()
}

#[tokio::test]
async fn member_joins_leaves_and_is_added_again() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let group = Group::of(&alice, &[&bob]).await;
    assert_eq!(group.add(&alice, &[&carol]).await.0, 204);
    let (_, listed) = carol.get(&group.members).await;
    assert_eq!(listed["members"].as_array().map(Vec::len), Some(3), "{listed}");
    for _ in 0..2 {
        assert_eq!(bob.delete(&format!("{}/me", group.members)).await, (204, Value::Null), "leaving is idempotent");
    }
    assert_eq!(alice.patch(&group.path, &json!({"title": "The others", "topic": "Bob"})).await.1["topic"], "Bob");
    assert_eq!(group.add(&alice, &[&bob]).await.0, 204);
    let all = ["created", "members_added", "member_left", "title_changed", "topic_changed", "members_added"];
    assert_eq!(kinds(&alice, &group).await, all);
    assert_eq!(kinds(&carol, &group).await, all[1..]);
    assert_eq!(kinds(&bob, &group).await, [all[0], all[1], all[2], all[5]]);
    group.stored_state().await;
}

#[tokio::test]
async fn leaving_last_owner_promotes_a_successor() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let group = Group::of(&alice, &[&bob, &carol]).await;
    assert_eq!(alice.patch(&group.member(&carol), &json!({"role": "admin"})).await.1["role"], "admin");
    assert_eq!(group.remove(&alice, &alice).await.0, 204);
    let state = group.stored_state().await;
    assert_eq!(state.role(&carol.user_id), Some(Role::Owner));
    assert_eq!(state.role(&bob.user_id), Some(Role::Member));
    for user in [&bob, &carol] {
        assert_eq!(group.remove(user, user).await.0, 204);
    }
    assert!(group.stored_state().await.conversation_row.unwrap().closed);
    assert_eq!(carol.get(&group.path).await.1["closed"], true);
}

/// Several wishes in one request are one: the second is refused, so the first did not happen.
#[tokio::test]
async fn request_with_several_changes_is_atomic() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let group = Group::of(&alice, &[&bob, &carol]).await;
    assert_eq!(group.set_role(&alice, &bob, "owner").await.0, 200);
    let before = group.stored_state().await;
    // As a member she may not mute; she can become one.
    let (status, refused) =
        alice.patch(&group.member(&alice), &json!({"role": "member", "muted_until": "2100-01-01T00:00:00Z"})).await;
    assert_eq!((status, &refused["code"]), (403, &json!("not_allowed")));
    assert_eq!(group.stored_state().await, before);
    // Owners are not muted; once he is a member, he is.
    let both = json!({"role": "member", "muted_until": "2100-01-01T00:00:00Z"});
    let (status, member) = alice.patch(&group.member(&bob), &both).await;
    assert_eq!(
        (status, &member["role"], &member["muted_until"]),
        (200, &json!("member"), &json!("2100-01-01T00:00:00.000Z"))
    );
    assert_eq!(group.stored_state().await.kinds()[2..], ["role_changed", "member_muted"]);
}
