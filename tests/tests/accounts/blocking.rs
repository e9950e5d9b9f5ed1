//! Blocks between two users.

use end_to_end::TestUser;
use serde_json::{Value, json};

use crate::setup::{create_conversation, group, messages, refusal, send_frame};

async fn block(user: &TestUser, conversation: &str, blocked: bool) -> Value {
    let (status, body) = user.patch(&format!("/v1/conversations/{conversation}"), &json!({"blocked": blocked})).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Sends a message whose earlier attempts nobody asks for. Returns `sent`, or the code of the refusal.
async fn send_text(user: &TestUser, conversation: &str) -> Value {
    let mut frame = send_frame(conversation, 1, "Hello?");
    frame.as_object_mut().expect("a frame").remove("after_seq");
    let answer = user.connect().await.ask(frame).await;
    if answer["type"] == "sent" { answer["type"].clone() } else { answer["error"]["code"].clone() }
}

#[tokio::test]
async fn block_is_visible_to_the_blocker_and_neither_peer_can_send() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    assert_eq!(send_text(&bob, &id).await, "sent");
    for _ in 0..2 {
        assert_eq!(block(&alice, &id, true).await["blocked"], true, "blocking is idempotent");
    }
    let (_, seen_by_bob) = bob.get(&format!("/v1/conversations/{id}")).await;
    assert_eq!(seen_by_bob.get("blocked"), None, "{seen_by_bob}");
    assert_eq!((send_text(&alice, &id).await, send_text(&bob, &id).await), (json!("blocked"), json!("blocked")));
    assert_eq!(messages(&bob, &id).await.len(), 2);

    // It is still their only conversation.
    assert_eq!(
        (alice.private_conversation_with(&bob).await, bob.private_conversation_with(&alice).await),
        (id.clone(), id.clone())
    );

    assert_eq!(block(&bob, &id, true).await["blocked"], true);
    assert_eq!(block(&alice, &id, false).await.get("blocked"), None);
    assert_eq!(send_text(&alice, &id).await, "blocked", "the other one still blocks");
    assert_eq!(block(&bob, &id, false).await.get("blocked"), None);
    assert_eq!((send_text(&alice, &id).await, send_text(&bob, &id).await), (json!("sent"), json!("sent")));
}

#[tokio::test]
async fn only_peers_of_a_private_conversation_can_block() {
    let (alice, bob, mallory) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("mallory"));
    let private = alice.private_conversation_with(&bob).await;
    let patch = json!({"blocked": true});
    for kind in ["group", "public"] {
        let id = create_conversation(kind, &alice, &[&bob]).await;
        let refused = refusal(alice.patch(&format!("/v1/conversations/{id}"), &patch).await);
        assert_eq!(refused, (409, "wrong_conversation_type".to_owned()));
    }
    let refused = refusal(mallory.patch(&format!("/v1/conversations/{private}"), &patch).await);
    assert_eq!(refused, (404, "conversation_not_found".to_owned()));
}

#[tokio::test]
async fn blocked_user_cannot_add_the_blocker_to_a_group() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let (private, team) = (alice.private_conversation_with(&bob).await, group(&bob, &[&carol]).await);
    block(&alice, &private, true).await;
    let members = format!("/v1/conversations/{team}/members");
    let add = json!({"user_ids": [alice.user_id]});
    let not_allowed = (403, "not_allowed".to_owned());
    assert_eq!(refusal(bob.post(&members, &add).await), not_allowed);
    for kind in ["group", "public"] {
        let new = json!({"type": kind, "title": "Trap", "member_ids": [carol.user_id, alice.user_id]});
        assert_eq!(refusal(bob.post("/v1/conversations", &new).await), not_allowed);
    }
    // The blocking user may add the blocked one, and others may add both.
    group(&alice, &[&bob]).await;
    group(&carol, &[&alice, &bob]).await;
    block(&alice, &private, false).await;
    assert_eq!(bob.post(&members, &add).await.0, 204);
}
