//! Public conversations: users join and leave freely, without items in the log.

use end_to_end::{Socket, TestUser};
use serde_json::{Value, json};

use crate::group::{Group, outcome, visible};

async fn public_conversation(owner: &TestUser, history: &str) -> Group {
    Group::new(owner, &json!({"type": "public", "title": "Square", "history": history})).await
}

async fn join(group: &Group, user: &TestUser) -> Value {
    let (status, member) = user.put(&format!("{}/me", group.members), &json!({})).await;
    assert_eq!(status, 200, "{member}");
    member
}

async fn leave(group: &Group, user: &TestUser) {
    assert_eq!(user.delete(&format!("{}/me", group.members)).await.0, 204);
}

async fn send_texts(group: &Group, socket: &mut Socket, times: usize) {
    for _ in 0..times {
        assert_eq!(group.send_text(socket, "hear, hear").await["type"], "sent");
    }
}

/// Subscribes to the conversation.
async fn subscribe(group: &Group, socket: &mut Socket) {
    let opened = socket.ask(json!({"action": "open", "conversation_id": group.id})).await;
    assert_eq!(opened["type"], "accepted", "{opened}");
}

/// Returns the head and the newest time that a user sees.
async fn head(group: &Group, user: &TestUser) -> (Value, Value) {
    let (_, seen) = user.get(&group.path).await;
    (seen["head_seq"].clone(), seen["last_message_at"].clone())
}

#[tokio::test]
async fn members_see_messages_from_joining_to_leaving() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = public_conversation(&alice, "since_join").await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    send_texts(&group, &mut a, 2).await;
    assert_eq!(join(&group, &bob).await["joined_seq"], 4);
    subscribe(&group, &mut b).await;
    assert_eq!(group.read(&bob).await, [] as [u64; 0]);
    assert_eq!(head(&group, &bob).await, (json!(3), Value::Null), "the head before joining is the cursor");
    send_texts(&group, &mut a, 1).await;
    join(&group, &bob).await;
    leave(&group, &bob).await;
    send_texts(&group, &mut a, 3).await;
    assert_eq!(group.read(&bob).await, [4]);
    assert_eq!(head(&group, &bob).await.0, 4);
    assert_eq!(group.send_text(&mut b, "let me in").await["error"]["code"], "not_a_member");
    // Joining and leaving before a message is sent shows nothing.
    join(&group, &bob).await;
    leave(&group, &bob).await;
    join(&group, &bob).await;
    assert_eq!(group.read(&bob).await, [4]);
    assert_eq!(head(&group, &bob).await.0, 7);
    let frame = json!({"action": "send", "conversation_id": group.id, "text": "back",
        "client_message_id": uuid::Uuid::new_v4(), "after_seq": 7});
    assert_eq!(b.ask(frame).await["seq"], 8);
    // Leaving ends the subscription.
    subscribe(&group, &mut b).await;
    send_texts(&group, &mut a, 1).await;
    assert_eq!(group.read(&bob).await, [4, 8, 9]);
    let pushed: Vec<u64> = b.pushed().await.iter().map(|frame| frame["message"]["seq"].as_u64().unwrap()).collect();
    assert_eq!(pushed, [4, 9]);
    let state = group.stored_state().await;
    assert_eq!(state.kinds().iter().filter(|kind| *kind != "text").count(), 1, "joining and leaving write no items");
    assert_eq!(visible(&state, &bob), [4, 8, 9]);
}

#[tokio::test]
async fn full_history_is_visible_until_leaving() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = public_conversation(&alice, "full").await;
    let mut a = alice.connect().await;
    send_texts(&group, &mut a, 2).await;
    assert_eq!(bob.get(&format!("{}/messages", group.path)).await.1["code"], "conversation_not_found");
    join(&group, &bob).await;
    assert_eq!(group.read(&bob).await, [1, 2, 3]);
    leave(&group, &bob).await;
    send_texts(&group, &mut a, 2).await;
    assert_eq!(group.read(&bob).await, [1, 2, 3]);
    assert_eq!(head(&group, &bob).await.0, 3);
    join(&group, &bob).await;
    assert_eq!(group.read(&bob).await, [1, 2, 3, 4, 5]);
    group.stored_state().await;
}

#[tokio::test]
async fn removed_user_rejoins_only_when_added() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let group = public_conversation(&alice, "since_join").await;
    join(&group, &bob).await;
    assert_eq!(group.remove(&alice, &bob).await.0, 204);
    let before = group.stored_state().await;
    assert_eq!(before.kinds(), ["created", "member_removed"]);
    let refused = outcome(bob.put(&format!("{}/me", group.members), &json!({})).await);
    assert_eq!(refused, (403, json!("not_allowed")));
    assert_eq!(group.stored_state().await, before);
    assert_eq!(group.add(&alice, &[&bob]).await.0, 204);
    leave(&group, &bob).await;
    join(&group, &bob).await;
    group.stored_state().await;
}

#[tokio::test]
async fn leaving_last_owner_promotes_a_successor_and_the_last_member_closes() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let group = public_conversation(&alice, "since_join").await;
    join(&group, &bob).await;
    tokio::join!(join(&group, &carol), leave(&group, &alice));
    assert_eq!(group.stored_state().await.role(&bob.user_id), Some(domain::Role::Owner));
    tokio::join!(leave(&group, &bob), leave(&group, &carol));
    assert!(group.stored_state().await.conversation_row.unwrap().closed);
    let refused = outcome(alice.put(&format!("{}/me", group.members), &json!({})).await);
    assert_eq!(refused, (409, json!("conversation_closed")));
}
