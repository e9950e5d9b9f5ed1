//! Notifications that a user is typing.

use end_to_end::{Socket, TestUser};
use serde_json::{Value, json};

/// Sends a typing frame; returns the answer.
async fn send_typing(socket: &mut Socket, conversation: &str, typing: bool) -> Value {
    socket.ask(json!({"action": "typing", "conversation_id": conversation, "typing": typing})).await
}

/// Returns the number of items that a user reads in a conversation's log.
async fn log_length(user: &TestUser, conversation: &str) -> usize {
    let (_, page) = user.get(&format!("/v1/conversations/{conversation}/messages")).await;
    page["messages"].as_array().unwrap().len()
}

#[tokio::test]
async fn typing_is_pushed_to_other_members_and_not_stored() {
    let (alice, bob, mallory) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("mallory"));
    let (mut a, mut b, mut m) = tokio::join!(alice.connect(), bob.connect(), mallory.connect());
    let conversation = alice.private_conversation_with(&bob).await;
    assert_eq!(b.next("message").await["message"]["kind"], "created");
    let before = log_length(&bob, &conversation).await;
    for typing in [true, false] {
        assert_eq!(send_typing(&mut a, &conversation, typing).await["type"], "accepted");
        let expected =
            json!({"type": "typing", "conversation_id": conversation, "user_id": alice.user_id, "typing": typing});
        assert_eq!(b.next("typing").await, expected);
    }
    assert_eq!(send_typing(&mut m, &conversation, true).await["error"]["code"], "not_a_member");
    assert_eq!(
        a.pushed().await.iter().filter(|frame| frame["type"] == "typing").count(),
        0,
        "the typing user is not notified"
    );
    assert_eq!(m.pushed().await, [] as [Value; 0]);
    assert_eq!(b.pushed().await, [] as [Value; 0]);
    assert_eq!(log_length(&bob, &conversation).await, before);
}

#[tokio::test]
async fn users_who_may_not_send_may_not_send_typing() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let conversation = alice.private_conversation_with(&bob).await;
    let path = format!("/v1/conversations/{conversation}");
    assert_eq!(alice.patch(&path, &json!({"blocked": true})).await.0, 200);
    assert_eq!(send_typing(&mut b, &conversation, true).await["error"]["code"], "blocked");
    assert_eq!(send_typing(&mut a, &conversation, true).await["error"]["code"], "blocked");

    let body = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
    let (_, group) = alice.post("/v1/conversations", &body).await;
    let group = group["conversation_id"].as_str().unwrap();
    let member = format!("/v1/conversations/{group}/members/{}", bob.user_id);
    assert_eq!(alice.patch(&member, &json!({"muted_until": "2100-01-01T00:00:00Z"})).await.0, 200);
    assert_eq!(send_typing(&mut b, group, true).await["error"]["code"], "muted");
    assert_eq!(send_typing(&mut a, group, true).await["type"], "accepted");
    assert_eq!(alice.delete(&member).await.0, 204);
    assert_eq!(send_typing(&mut b, group, true).await["error"]["code"], "not_a_member");
    assert_eq!(alice.delete(&format!("/v1/conversations/{group}")).await.0, 204);
    assert_eq!(send_typing(&mut a, group, true).await["error"]["code"], "conversation_closed");
}
