//! Messages that are pinned for everybody.

use domain::conversation::MAX_PINS;
use end_to_end::{Cloud, StoredState, TestUser};
use serde_json::{Value, json};

use crate::receipts_of_members::send_text;

async fn pins(user: &TestUser, path: &str) -> Vec<u64> {
    let (status, page) = user.get(&format!("{path}/pins")).await;
    assert_eq!((status, &page["cursor"]), (200, &Value::Null), "{page}");
    page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

fn code(answer: &(u16, Value)) -> Value {
    answer.1["code"].clone()
}

#[tokio::test]
async fn pins_of_admins_reach_everybody() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    // Before anything is sent to bob: functions believe for a moment that a user has no connection.
    let mut socket = bob.connect().await;
    let id = alice.create_conversation(&json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]})).await;
    let path = format!("/v1/conversations/{id}");
    let pin = |seq: u64| format!("{path}/pins/{seq}");
    let (first, second) = (send_text(&bob, &id).await, send_text(&bob, &id).await);
    for seq in [second, first, second] {
        assert_eq!(alice.put(&pin(seq), &json!({})).await.0, 204);
    }
    assert_eq!(pins(&bob, &path).await, [second, first]);
    assert_eq!(bob.get(&path).await.1["pinned_seqs"], json!([first, second]));
    let one = bob.get(&format!("{path}/pins?limit=1")).await.1;
    let rest = bob.get(&format!("{path}/pins?limit=1&cursor={}", one["cursor"].as_str().unwrap_or_default())).await.1;
    assert_eq!((&one["messages"][0]["seq"], &rest["messages"][0]["seq"]), (&json!(second), &json!(first)), "{one}");
    for (seq, all) in [(second, json!([second])), (first, json!([first, second]))] {
        let pushed = loop {
            let frame = socket.next("message").await["message"].clone();
            if frame["kind"] == "pins_changed" {
                break frame;
            }
        };
        let found = (&pushed["message_seq"], &pushed["on"], &pushed["pinned_seqs"]);
        assert_eq!(found, (&json!(seq), &json!(true), &all));
    }

    // Without the right, without the message.
    assert_eq!(code(&bob.put(&pin(first), &json!({})).await), Value::Null, "it is pinned already");
    assert_eq!(code(&bob.delete(&pin(first)).await), "not_allowed");
    for seq in [0, 1, second + 1, 900] {
        assert_eq!(code(&alice.put(&pin(seq), &json!({})).await), "message_not_found", "{seq}");
    }
    let stranger = TestUser::new("carol").await;
    assert_eq!(code(&stranger.get(&format!("{path}/pins")).await), "conversation_not_found");
    assert_eq!(code(&stranger.put(&pin(first), &json!({})).await), "conversation_not_found");

    // Edited, deleted, ended.
    let message = |seq: u64| format!("{path}/messages/{seq}");
    assert_eq!(bob.patch(&message(first), &json!({"text": "edited"})).await.0, 200);
    assert_eq!(alice.get(&format!("{path}/pins")).await.1["messages"][1]["text"], "edited");
    assert_eq!(bob.delete(&message(second)).await.0, 204);
    assert_eq!(pins(&bob, &path).await, [first]);
    assert_eq!(code(&alice.put(&pin(second), &json!({})).await), "message_not_found");
    for _ in 0..2 {
        assert_eq!(alice.delete(&pin(first)).await.0, 204);
    }
    assert_eq!(pins(&bob, &path).await, [] as [u64; 0]);
    StoredState::of(Cloud::shared(), &id).await.check();

    // Whoever came later does not see it, and whoever has left sees nothing.
    assert_eq!(alice.put(&pin(first), &json!({})).await.0, 204);
    assert_eq!(alice.post(&format!("{path}/members"), &json!({"user_ids": [stranger.user_id]})).await.0, 204);
    assert_eq!(pins(&stranger, &path).await, [] as [u64; 0]);
    assert_eq!(stranger.get(&path).await.1["pinned_seqs"], Value::Null);
    assert_eq!(bob.delete(&format!("{path}/members/me")).await.0, 204);
    assert_eq!(bob.get(&path).await.1["pinned_seqs"], Value::Null);
    assert_eq!(code(&bob.get(&format!("{path}/pins")).await), "not_a_member");
}

#[tokio::test]
async fn pins_are_bounded_and_deleted_messages_make_room() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let path = format!("/v1/conversations/{id}");
    let mut seqs = Vec::new();
    for n in 0..=MAX_PINS {
        // Each of the two below the limit of messages, and of changes.
        seqs.push(send_text(if n % 2 == 0 { &alice } else { &bob }, &id).await);
    }
    for (n, seq) in seqs.iter().take(MAX_PINS).enumerate() {
        let user = if n % 2 == 0 { &alice } else { &bob };
        assert_eq!(user.put(&format!("{path}/pins/{seq}"), &json!({})).await.0, 204);
    }
    let last = format!("{path}/pins/{}", seqs[MAX_PINS]);
    assert_eq!(code(&bob.put(&last, &json!({})).await), "too_many_pins");
    assert_eq!(alice.delete(&format!("{path}/messages/{}", seqs[0])).await.0, 204);
    assert_eq!(bob.put(&last, &json!({})).await.0, 204);
    let expected: Vec<u64> = seqs[1..].iter().rev().copied().collect();
    assert_eq!(pins(&alice, &path).await, expected);

    assert_eq!(bob.patch(&path, &json!({"blocked": true})).await.0, 200);
    assert_eq!(code(&alice.delete(&last).await), "blocked");
    assert_eq!(pins(&alice, &path).await, expected);
}
