//! One cursor per conversation covers everything that a client can have missed.

use end_to_end::TestUser;
use serde_json::{Value, json};
use uuid::Uuid;

/// A group of two, its id, and the path of its messages.
async fn group(owner: &TestUser, other: &TestUser) -> (String, String) {
    let body = json!({"type": "group", "title": "Team", "member_ids": [other.user_id]});
    let id = owner.post("/v1/conversations", &body).await.1["conversation_id"].as_str().unwrap().to_owned();
    let messages = format!("/v1/conversations/{id}/messages");
    (id, messages)
}

async fn send_text(user: &TestUser, messages: &str, text: &str) {
    let draft = json!({"client_message_id": Uuid::new_v4(), "text": text});
    assert_eq!(user.post(messages, &draft).await.0, 201);
}

async fn sync(user: &TestUser, id: &str, cursor: u64) -> Value {
    let (status, synced) = user.post("/v1/sync", &json!({"cursors": {id: cursor}})).await;
    assert_eq!(status, 200, "{synced}");
    synced["conversations"][0].clone()
}

fn seqs(synced: &Value) -> Vec<u64> {
    synced["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn cursor_covers_messages_and_events() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (id, messages) = group(&alice, &bob).await;
    send_text(&alice, &messages, "one").await;
    alice.patch(&format!("{messages}/2"), &json!({"text": "two"})).await;
    bob.put(&format!("{messages}/2/reactions/%F0%9F%91%8D"), &Value::Null).await;
    alice.patch(&format!("{messages}/2"), &json!({"text": "three"})).await;

    let synced = sync(&bob, &id, 1).await;
    assert_eq!((seqs(&synced), &synced["head_seq"], &synced["more"]), (vec![2, 3, 4, 5], &json!(5), &json!(false)));
    let kinds: Vec<&Value> = synced["messages"].as_array().unwrap().iter().map(|message| &message["kind"]).collect();
    assert_eq!(kinds, ["text", "message_edited", "reaction", "message_edited"]);
    // Whatever was sent in between, the current state counts.
    assert_eq!(synced["messages"][0]["text"], "three");
    assert_eq!(synced["messages"][1]["text"], "three");

    alice.delete(&format!("{messages}/2")).await;
    let synced = sync(&bob, &id, 1).await;
    assert!(!synced.to_string().contains("three"), "{synced}");
    assert_eq!((seqs(&synced), &synced["messages"][4]["target_seq"]), (vec![2, 3, 4, 5, 6], &json!(2)));
    assert_eq!(seqs(&sync(&bob, &id, 6).await), [0; 0]);
}

#[tokio::test]
async fn hidden_ranges_are_listed_and_their_items_omitted() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (id, messages) = group(&alice, &bob).await;
    let members = format!("/v1/conversations/{id}/members");
    send_text(&alice, &messages, "seen").await;
    bob.delete(&format!("{members}/me")).await;
    send_text(&alice, &messages, "hidden").await;
    alice.patch(&format!("{messages}/2"), &json!({"text": "edited after bob left"})).await;
    let after_leaving = sync(&bob, &id, 0).await;
    assert_eq!(
        (seqs(&after_leaving), &after_leaving["head_seq"], &after_leaving["hidden"]),
        (vec![1, 2, 3], &json!(3), &json!([]))
    );
    assert_eq!(after_leaving["messages"][1]["text"], "seen");

    alice.post(&members, &json!({"user_ids": [bob.user_id]})).await;
    send_text(&alice, &messages, "seen again").await;
    let after_rejoining = sync(&bob, &id, 1).await;
    assert_eq!((seqs(&after_rejoining), &after_rejoining["hidden"]), (vec![2, 3, 6, 7], &json!([[4, 5]])));
    assert_eq!(after_rejoining["messages"][0]["text"], "seen", "the edit is in a hidden range");
    assert_eq!(after_rejoining["head_seq"], 7);
}

#[tokio::test]
async fn sync_without_cursors_lists_conversations() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (id, messages) = group(&alice, &bob).await;
    for text in ["one", "two"] {
        send_text(&alice, &messages, text).await;
    }
    let mut socket = bob.connect().await;
    socket.send(&json!({"action": "sync", "id": "s"})).await;
    let synced = socket.next("synced").await;
    let listed = &synced["conversations"][0];
    assert_eq!(
        (&listed["conversation_id"], &listed["head_seq"], &listed["more"]),
        (&json!(id), &json!(3), &json!(true)),
        "{synced}"
    );
    assert_eq!((&listed["conversation"]["unread"], &listed["conversation"]["title"]), (&json!(2), &json!("Team")));
    let (_, seen) = alice.get(&format!("/v1/conversations/{id}")).await;
    assert_eq!((&seen["unread"], &seen["last_message"]["text"]), (&json!(0), &json!("two")));
}

#[tokio::test]
async fn sync_pages_are_bounded_and_non_members_get_nothing() {
    let (alice, bob, mallory) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("mallory"));
    let (id, messages) = group(&alice, &bob).await;
    // Twenty of these are more than one answer takes.
    for _ in 0..20 {
        send_text(&alice, &messages, &"x".repeat(8000)).await;
    }
    let (mut cursor, mut found) = (0, Vec::new());
    loop {
        let page = sync(&bob, &id, cursor).await;
        assert!(page.to_string().len() <= 128 * 1024);
        found.extend(seqs(&page));
        cursor = *found.last().unwrap();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(found, (1..=21).collect::<Vec<u64>>());
    let (status, nothing) = mallory.post("/v1/sync", &json!({"cursors": {id: 0}})).await;
    assert_eq!((status, nothing), (200, json!({"conversations": [], "cursor": null})));
}
