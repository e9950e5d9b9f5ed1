//! Conversations and members, as a user and as the system.

use end_to_end::{TestBackend, TestUser};
use serde_json::{Value, json};

use crate::setup::{SYSTEM, group, refusal};

/// The members of a conversation with their roles, by id.
async fn roles(reader: &TestUser, conversation: &str) -> Vec<(String, String)> {
    let (status, page) = reader.get(&format!("/v1/conversations/{conversation}/members")).await;
    assert_eq!(status, 200, "{page}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    page["members"].as_array().unwrap().iter().map(|member| (text(&member["user_id"]), text(&member["role"]))).collect()
}

fn role_of(roles: &[(String, String)], user: &TestUser) -> Option<String> {
    roles.iter().find(|(id, _)| *id == user.user_id).map(|(_, role)| role.clone())
}

#[tokio::test]
async fn backend_creates_and_lists_conversations_for_users() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let as_alice = backend.acting_as(&alice);
    for body in [
        json!({"type": "private", "member_ids": [bob.user_id]}),
        json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]}),
        json!({"type": "public", "title": "Town", "member_ids": []}),
    ] {
        let (status, created) = as_alice.post("/v1/server/conversations", &body).await;
        assert_eq!(status, 201, "{created}");
        let path = format!("/v1/conversations/{}", created["conversation_id"].as_str().unwrap());
        assert_eq!(alice.get(&path).await, (200, created), "as if she had created it");
    }
    let (status, listed) = as_alice.get("/v1/server/conversations").await;
    assert_eq!((status, listed["conversations"].as_array().unwrap().len()), (200, 3));
    assert_eq!(alice.get("/v1/conversations").await.1, listed);
}

#[tokio::test]
async fn conversation_is_created_as_its_owner() {
    let (alice, backend) = tokio::join!(TestUser::new("alice"), TestBackend::new());
    let body = json!({"type": "group", "title": "Team", "member_ids": [alice.user_id]});
    let refused = refusal(backend.post("/v1/server/conversations", &body).await);
    assert_eq!(refused, (400, "invalid_request".to_owned()));
    assert_eq!(refusal(backend.get("/v1/server/conversations").await), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn system_is_never_a_member() {
    let (alice, backend) = tokio::join!(TestUser::new("alice"), TestBackend::new());
    let conversation = group(&alice, &[]).await;
    for body in [
        json!({"type": "private", "member_ids": [SYSTEM]}),
        json!({"type": "group", "title": "Team", "member_ids": [SYSTEM]}),
    ] {
        let refused = refusal(alice.post("/v1/conversations", &body).await);
        assert_eq!(refused, (404, "user_not_found".to_owned()), "{body}");
    }
    let members = format!("/v1/conversations/{conversation}/members");
    let refused = alice.post(&members, &json!({"user_ids": [SYSTEM]})).await;
    assert_eq!(refusal(refused), (404, "user_not_found".to_owned()));
    let path = format!("/v1/server/conversations/{conversation}/members");
    assert_eq!(refusal(backend.post(&path, &json!({"user_ids": [SYSTEM]})).await).0, 400);
    assert_eq!(refusal(backend.put(&format!("{path}/me"), &json!({})).await), (400, "invalid_request".to_owned()));
    assert_eq!(roles(&alice, &conversation).await.len(), 1);
}

#[tokio::test]
async fn system_has_the_rights_of_an_owner() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let backend = TestBackend::new().await;
    let conversation = group(&alice, &[&bob]).await;
    let path = format!("/v1/server/conversations/{conversation}");
    let member = |user: &TestUser| format!("{path}/members/{}", user.user_id);

    let (status, changed) = backend.patch(&path, &json!({"title": "Crew", "topic": "Ships"})).await;
    assert_eq!((status, &changed["title"], &changed["topic"]), (200, &json!("Crew"), &json!("Ships")), "{changed}");
    assert_eq!(alice.get(&format!("/v1/conversations/{conversation}")).await.1["title"], "Crew");
    assert_eq!(backend.post(&format!("{path}/members"), &json!({"user_ids": [carol.user_id]})).await.0, 204);
    let (status, promoted) = backend.patch(&member(&bob), &json!({"role": "owner"})).await;
    assert_eq!((status, &promoted["role"]), (200, &json!("owner")), "{promoted}");
    assert_eq!(backend.patch(&member(&carol), &json!({"muted_until": "2100-01-01T00:00:00Z"})).await.0, 200);
    let sent = carol.post(&format!("/v1/conversations/{conversation}/messages"), &crate::setup::message("hi")).await;
    assert_eq!(refusal(sent), (403, "muted".to_owned()));
    assert_eq!(backend.delete(&member(&alice)).await.0, 204);
    let (status, listed) = backend.get(&format!("{path}/members")).await;
    assert_eq!((status, listed["members"].as_array().unwrap().len()), (200, 2), "{listed}");
    let roles = roles(&bob, &conversation).await;
    assert_eq!((role_of(&roles, &bob).as_deref(), role_of(&roles, &alice)), (Some("owner"), None));
    // The last owner stays one.
    let refused = backend.patch(&member(&bob), &json!({"role": "member"})).await;
    assert_eq!(refusal(refused), (409, "last_owner".to_owned()));

    // All of it is in the log, in the name of the system.
    let (status, history) = bob.get(&format!("/v1/conversations/{conversation}/messages")).await;
    assert_eq!(status, 200);
    let by_system: Vec<&str> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["sender_id"] == SYSTEM)
        .map(|message| message["kind"].as_str().unwrap())
        .collect();
    let expected =
        ["title_changed", "topic_changed", "members_added", "role_changed", "member_muted", "member_removed"];
    assert_eq!(by_system, expected);
    assert_eq!(backend.delete(&path).await.0, 204);
    assert_eq!(bob.get(&format!("/v1/conversations/{conversation}")).await.1["closed"], true);
}

#[tokio::test]
async fn backend_can_do_as_a_user_what_the_user_can() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let backend = TestBackend::new().await;
    let conversation = group(&alice, &[&bob]).await;
    let path = format!("/v1/server/conversations/{conversation}");
    let (as_alice, as_bob, as_carol) = (backend.acting_as(&alice), backend.acting_as(&bob), backend.acting_as(&carol));
    let adding = json!({"user_ids": [carol.user_id]});
    let members = format!("{path}/members");
    assert_eq!(refusal(as_bob.post(&members, &adding).await), (403, "not_allowed".to_owned()));
    assert_eq!(refusal(as_bob.patch(&path, &json!({"title": "Mine"})).await), (403, "not_allowed".to_owned()));
    let not_found = (404, "conversation_not_found".to_owned());
    assert_eq!(refusal(as_carol.get(&path).await), not_found);
    assert_eq!(refusal(as_carol.get(&members).await), not_found);
    assert_eq!(as_alice.post(&members, &adding).await.0, 204);
    assert_eq!(as_carol.get(&path).await.0, 200);
    assert_eq!(as_carol.delete(&format!("{members}/me")).await.0, 204, "she leaves");
    let left = alice.get(&format!("/v1/conversations/{conversation}/messages")).await.1;
    let last = left["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["kind"], &last["sender_id"]), (&json!("member_left"), &json!(carol.user_id)));

    let town = alice.create_conversation(&json!({"type": "public", "title": "Town", "member_ids": []})).await;
    let joined = as_carol.put(&format!("/v1/server/conversations/{town}/members/me"), &json!({})).await;
    assert_eq!((joined.0, &joined.1["user_id"]), (200, &json!(carol.user_id)));
}

#[tokio::test]
async fn private_conversations_have_no_changes_by_the_system() {
    let (alice, bob, backend) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestBackend::new());
    let path = format!("/v1/server/conversations/{}", alice.private_conversation_with(&bob).await);
    let wrong_type = (409, "wrong_conversation_type".to_owned());
    assert_eq!(refusal(backend.patch(&path, &json!({"title": "Ours"})).await), wrong_type);
    assert_eq!(refusal(backend.delete(&path).await), wrong_type);
    assert_eq!(refusal(backend.patch(&path, &json!({"blocked": true})).await), (403, "not_allowed".to_owned()));
    let (status, conversation) = backend.get(&path).await;
    assert_eq!((status, conversation.get("peer_id")), (200, None), "{conversation}");
}
