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

/// A request for a state that holds is no error, writes no item and pushes nothing, also by users who had the right to it before.
#[tokio::test]
async fn repeats_change_nothing_and_are_no_errors() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (mallory, dave) = tokio::join!(TestUser::new("mallory"), TestUser::new("dave"));
    for kind in ["group", "public"] {
        let body = json!({"type": kind, "title": "Team", "member_ids": [bob.user_id, carol.user_id]});
        let group = Group::new(&alice, &body).await;
        let later = json!({"muted_until": "2100-01-01T00:00:00Z"});
        assert_eq!(group.set_role(&alice, &bob, "owner").await.0, 200);
        // One of two owners gives up the role.
        assert_eq!(group.set_role(&alice, &alice, "member").await.0, 200);
        assert_eq!(bob.patch(&group.member(&carol), &later).await.0, 200);
        let mut socket = bob.connect().await;
        assert_eq!(socket.ask(json!({"action": "open", "conversation_id": group.id})).await["type"], "accepted");
        let before = group.stored_state().await;
        for _ in 0..2 {
            let (status, member) = alice.patch(&group.member(&alice), &json!({"role": "member"})).await;
            assert_eq!((status, &member["role"]), (200, &json!("member")), "{kind}");
            assert_eq!(group.set_role(&alice, &bob, "owner").await.0, 200);
            assert_eq!(group.set_role(&bob, &carol, "member").await.0, 200);
            let (status, member) = bob.patch(&group.member(&carol), &later).await;
            assert_eq!((status, &member["muted_until"]), (200, &json!("2100-01-01T00:00:00.000Z")));
            assert_eq!(group.add(&alice, &[&bob, &carol]).await, (204, Value::Null));
            assert_eq!(group.remove(&bob, &dave).await, (204, Value::Null));
            assert_eq!(bob.delete(&format!("{}/{}", group.members, uuid::Uuid::new_v4())).await, (204, Value::Null));
            assert_eq!(bob.put(&format!("{}/me", group.members), &json!({})).await.0, 200);
        }
        assert_eq!(group.stored_state().await, before, "{kind}");
        assert_eq!(socket.pushed().await, [] as [Value; 0], "{kind}");
        // Rights that were given up are gone, and strangers learn nothing.
        assert_eq!(group.set_role(&alice, &bob, "member").await.1, "not_allowed");
        let hidden = if kind == "public" { "not_a_member" } else { "conversation_not_found" };
        for other in [&carol, &dave] {
            assert_eq!(group.remove(&mallory, other).await.1, hidden);
            assert_eq!(group.add(&mallory, &[other]).await.1, hidden);
            assert_eq!(group.set_role(&mallory, other, "member").await.1, hidden);
        }
        // Those who are members are left out of those to add.
        assert_eq!(group.add(&bob, &[&carol, &dave]).await, (204, Value::Null));
        let after = group.stored_state().await;
        assert_eq!(after.kinds()[before.log.len()..], ["members_added"]);
        assert_eq!(after.active.len(), 4);
        for _ in 0..2 {
            assert_eq!(group.remove(&dave, &dave).await, (204, Value::Null));
            assert_eq!(bob.delete(&group.path).await, (204, Value::Null));
            assert_eq!(carol.delete(&group.path).await, (204, Value::Null));
        }
    }
}
