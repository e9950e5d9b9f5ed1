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

async fn blocks(user: &TestUser, query: &str) -> (Vec<String>, Value) {
    let (status, page) = user.get(&format!("/v1/blocks{query}")).await;
    assert_eq!(status, 200, "{page}");
    let ids = page["user_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    (ids, page["cursor"].clone())
}

#[tokio::test]
async fn users_without_a_private_conversation_block_each_other() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let mut device = alice.connect().await;
    for _ in 0..2 {
        alice.block(&bob, true).await;
        let pushed = device.next("block").await;
        assert_eq!((&pushed["user_id"], &pushed["blocked"]), (&json!(bob.user_id), &json!(true)), "{pushed}");
    }
    assert_eq!(blocks(&alice, "").await, (vec![bob.user_id.clone()], Value::Null));
    assert_eq!(blocks(&bob, "").await.0, [] as [String; 0], "nothing says who blocks");

    // No private conversation, whoever asks, and no adding by the blocked one.
    let not_allowed = (403, "not_allowed".to_owned());
    let private = |with: &TestUser| json!({"type": "private", "member_ids": [with.user_id]});
    assert_eq!(refusal(bob.post("/v1/conversations", &private(&alice)).await), not_allowed);
    assert_eq!(refusal(alice.post("/v1/conversations", &private(&bob)).await), (403, "blocked".to_owned()));
    let team = group(&bob, &[&carol]).await;
    let add = json!({"user_ids": [alice.user_id]});
    assert_eq!(refusal(bob.post(&format!("/v1/conversations/{team}/members"), &add).await), not_allowed);
    let trap = json!({"type": "group", "title": "Trap", "member_ids": [carol.user_id, alice.user_id]});
    assert_eq!(refusal(bob.post("/v1/conversations", &trap).await), not_allowed);
    // The one who blocks may add the other one, and others may add both.
    group(&alice, &[&bob]).await;
    group(&carol, &[&alice, &bob]).await;

    // Each has a block of their own.
    bob.block(&alice, true).await;
    alice.block(&bob, false).await;
    assert_eq!(device.next("block").await["blocked"], json!(false));
    assert_eq!(refusal(alice.post("/v1/conversations", &private(&bob)).await), not_allowed);
    bob.block(&alice, false).await;
    bob.block(&alice, false).await;
    let id = alice.private_conversation_with(&bob).await;
    assert_eq!(send_text(&bob, &id).await, "sent");
}

#[tokio::test]
async fn block_of_a_user_is_that_of_the_private_conversation() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let mut device = alice.connect().await;
    let id = alice.private_conversation_with(&bob).await;
    alice.block(&bob, true).await;
    assert_eq!(device.next("block").await["blocked"], json!(true));
    assert_eq!(alice.get(&format!("/v1/conversations/{id}")).await.1["blocked"], json!(true));
    assert_eq!(send_text(&bob, &id).await, "blocked");
    assert_eq!(blocks(&alice, "").await.0, [bob.user_id.as_str()]);
    block(&alice, &id, false).await;
    let pushed = device.next("block").await;
    assert_eq!((&pushed["user_id"], &pushed["blocked"]), (&json!(bob.user_id), &json!(false)));
    assert_eq!(blocks(&alice, "").await.0, [] as [String; 0]);
    assert_eq!(send_text(&bob, &id).await, "sent");
}

#[tokio::test]
async fn blocks_are_listed_in_pages_and_bad_ones_are_refused() {
    let alice = TestUser::new("alice").await;
    let others = futures_util::future::join_all(["bob", "carol", "dave"].map(TestUser::new)).await;
    futures_util::future::join_all(others.iter().map(|other| alice.block(other, true))).await;
    let mut ids: Vec<String> = others.iter().map(|other| other.user_id.clone()).collect();
    ids.sort();
    let (first, cursor) = blocks(&alice, "?limit=2").await;
    let (rest, end) = blocks(&alice, &format!("?limit=2&cursor={}", cursor.as_str().unwrap())).await;
    assert_eq!(([first, rest].concat(), end), (ids, Value::Null));

    let refused = async |id: &str| refusal(alice.put(&format!("/v1/blocks/{id}"), &json!({})).await);
    assert_eq!(refused(&alice.user_id).await, (400, "invalid_request".to_owned()));
    let own = alice.delete(&format!("/v1/blocks/{}", alice.user_id)).await;
    assert_eq!(refusal(own), (400, "invalid_request".to_owned()));
    assert_eq!(refused("someone").await, (400, "invalid_uuid".to_owned()));
    let unknown = uuid::Uuid::new_v4().to_string();
    assert_eq!(refused(&unknown).await, (404, "user_not_found".to_owned()));
    assert_eq!(refused(&uuid::Uuid::nil().to_string()).await.1, "user_not_found");
    assert_eq!(alice.delete(&format!("/v1/blocks/{unknown}")).await.0, 204);
}

/// Whichever is first: the two never have a private conversation with a block beside it.
#[tokio::test]
async fn block_and_the_first_private_conversation_at_the_same_time() {
    for _ in 0..5 {
        let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
        let private = json!({"type": "private", "member_ids": [alice.user_id]});
        let (created, ()) = tokio::join!(bob.post("/v1/conversations", &private), alice.block(&bob, true));
        if created.0 == 201 {
            let id = created.1["conversation_id"].as_str().unwrap();
            assert_eq!(alice.get(&format!("/v1/conversations/{id}")).await.1["blocked"], json!(true));
            assert_eq!(send_text(&bob, id).await, "blocked");
        } else {
            assert_eq!(refusal(created), (403, "not_allowed".to_owned()));
        }
        assert_eq!(blocks(&alice, "").await.0, [bob.user_id.as_str()]);
    }
}
