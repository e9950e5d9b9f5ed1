//! Tests of the presence of members.

use std::time::{Duration, Instant};

use domain::Timestamp;
use end_to_end::TestUser;
use serde_json::{Value, json};

/// Returns the presence of `other` as `asker` sees it.
async fn presence(asker: &TestUser, conversation: &str, other: &TestUser) -> Value {
    let (status, page) = asker.get(&format!("/v1/presence?conversation_id={conversation}")).await;
    assert_eq!((status, &page["cursor"]), (200, &Value::Null), "{page}");
    let members = page["members"].as_array().unwrap();
    assert_eq!(members.len(), 2);
    members.iter().find(|member| member["user_id"] == other.user_id).unwrap().clone()
}

#[tokio::test]
async fn members_see_who_is_online_and_when_others_were_last_seen() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let bobs = |online: bool, last_seen_at: Value| json!({"user_id": bob.user_id, "online": online, "last_seen_at": last_seen_at});
    assert_eq!(presence(&alice, &conversation, &bob).await, bobs(false, Value::Null), "bob never connected");
    let (mut phone, laptop) = tokio::join!(bob.connect(), bob.connect());
    assert_eq!(presence(&alice, &conversation, &bob).await, bobs(true, Value::Null));
    laptop.disconnect_abruptly();
    phone.pushed().await;
    assert_eq!(
        presence(&alice, &conversation, &bob).await,
        bobs(true, Value::Null),
        "the other device is still connected"
    );
    let before = Timestamp::now();
    phone.disconnect_abruptly();
    let deadline = Instant::now() + Duration::from_secs(30);
    let offline = loop {
        let shown = presence(&alice, &conversation, &bob).await;
        if shown["online"] == false {
            break shown;
        }
        assert!(Instant::now() < deadline, "{shown}");
    };
    let last_seen: Timestamp = serde_json::from_value(offline["last_seen_at"].clone()).unwrap();
    assert!(before <= last_seen && last_seen <= Timestamp::now(), "{offline}");
}

#[tokio::test]
async fn only_members_see_presence() {
    let (alice, bob, mallory) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("mallory"));
    let body = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
    let (_, group) = alice.post("/v1/conversations", &body).await;
    let path = format!("/v1/presence?conversation_id={}", group["conversation_id"].as_str().unwrap());
    assert_eq!(bob.get(&format!("{path}&limit=1")).await.1["members"].as_array().unwrap().len(), 1);
    assert!(bob.get(&format!("{path}&limit=1")).await.1["cursor"].is_string());
    assert_eq!(mallory.get(&path).await.1["code"], "conversation_not_found");
    let left = format!("/v1/conversations/{}/members/me", group["conversation_id"].as_str().unwrap());
    assert_eq!(bob.delete(&left).await.0, 204);
    assert_eq!(bob.get(&path).await.1["code"], "not_a_member");
    assert_eq!(bob.get("/v1/presence").await.1["code"], "invalid_request");
    let private = format!("/v1/presence?conversation_id={}", alice.private_conversation_with(&mallory).await);
    assert_eq!(mallory.get(&private).await.0, 200);
    assert_eq!(
        alice.patch(&private.replace("presence?conversation_id=", "conversations/"), &json!({"blocked": true})).await.0,
        200
    );
    assert_eq!(mallory.get(&private).await.1["code"], "blocked");
}
