//! Edits, deletions and reactions.

use end_to_end::TestUser;
use serde_json::{Value, json};
use uuid::Uuid;

fn draft(text: &str) -> Value {
    json!({"client_message_id": Uuid::new_v4(), "text": text})
}

/// Two users, the path of their messages, and a message of the first at seq 2.
async fn conversation_with_message() -> (TestUser, TestUser, String) {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let path = format!("/v1/conversations/{}/messages", alice.private_conversation_with(&bob).await);
    let (status, sent) = alice.post(&path, &draft("helo")).await;
    assert_eq!((status, &sent["seq"]), (201, &json!(2)), "{sent}");
    (alice, bob, path)
}

async fn last(user: &TestUser, path: &str) -> Value {
    user.get(path).await.1["messages"].as_array().unwrap().last().unwrap().clone()
}

#[tokio::test]
async fn edit_changes_the_text_for_all_members() {
    let (alice, bob, path) = conversation_with_message().await;
    let mut socket = bob.connect().await;
    let edit = json!({"text": "hello", "mentions": [bob.user_id]});
    for _ in 0..2 {
        let (status, edited) = alice.patch(&format!("{path}/2"), &edit).await;
        assert_eq!((status, &edited["text"]), (200, &json!("hello")), "{edited}");
    }
    let event = socket.next("message_edited").await["message"].clone();
    assert_eq!((&event["seq"], &event["target_seq"], &event["text"]), (&json!(3), &json!(2), &json!("hello")));
    let seen = last(&bob, &path).await;
    assert_eq!((&seen["seq"], &seen["text"], &seen["edited_at"]), (&json!(2), &json!("hello"), &event["sent_at"]));
    assert_eq!(seen["mentions"], json!([bob.user_id]));
    // The event has its place: the next message comes after it.
    assert_eq!(alice.post(&path, &draft("again")).await.1["seq"], 4);

    let (status, problem) = bob.patch(&format!("{path}/2"), &edit).await;
    assert_eq!((status, &problem["code"]), (403, &json!("not_allowed")));
}

#[tokio::test]
async fn deletion_leaves_a_tombstone() {
    let (alice, bob, path) = conversation_with_message().await;
    alice.patch(&format!("{path}/2"), &json!({"text": "secret"})).await;
    assert_eq!(bob.delete(&format!("{path}/2")).await.0, 403);
    let mut socket = bob.connect().await;
    for _ in 0..2 {
        assert_eq!(alice.delete(&format!("{path}/2")).await, (204, Value::Null));
    }
    assert_eq!(socket.next("message_deleted").await["message"]["target_seq"], 2);
    for user in [&alice, &bob] {
        let (_, history) = user.get(&path).await;
        assert!(!history.to_string().contains("secret") && !history.to_string().contains("helo"), "{history}");
        assert_eq!(last(user, &path).await["kind"], "deleted");
    }
    let (status, problem) = alice.patch(&format!("{path}/2"), &json!({"text": "back"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("message_deleted")));
}

#[tokio::test]
async fn reactions_are_counted_once_per_user_and_emoji() {
    let (alice, bob, path) = conversation_with_message().await;
    let thumb = format!("{path}/2/reactions/%F0%9F%91%8D");
    for _ in 0..2 {
        assert_eq!(bob.put(&thumb, &Value::Null).await.0, 200);
    }
    assert_eq!(alice.put(&thumb, &Value::Null).await.0, 200);
    assert_eq!(last(&bob, &path).await["reactions"], json!([{"emoji": "👍", "count": 2, "mine": true}]));
    assert_eq!(alice.delete(&thumb).await.0, 200);
    assert_eq!(last(&alice, &path).await["reactions"], json!([{"emoji": "👍", "count": 1, "mine": false}]));
    let (status, problem) = bob.put(&format!("{path}/2/reactions/nice"), &Value::Null).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_emoji")));
}

#[tokio::test]
async fn only_visible_messages_can_be_amended() {
    let (alice, bob, path) = conversation_with_message().await;
    let mallory = TestUser::new("mallory").await;
    for (user, seq, refusal) in [
        (&mallory, "2", (403, "not_a_member")),
        (&alice, "1", (404, "message_not_found")),
        (&bob, "7", (404, "message_not_found")),
        (&bob, "x", (404, "message_not_found")),
    ] {
        let (status, problem) = user.delete(&format!("{path}/{seq}")).await;
        assert_eq!((status, problem["code"].as_str().unwrap()), refusal, "{seq}");
    }
}

#[tokio::test]
async fn around_seq_returns_the_messages_before_and_after() {
    let (alice, bob, path) = conversation_with_message().await;
    for text in ["three", "four"] {
        alice.post(&path, &draft(text)).await;
    }
    alice.patch(&format!("{path}/3"), &json!({"text": "drei"})).await;
    alice.post(&path, &draft("six")).await;
    let (status, page) = bob.get(&format!("{path}?around_seq=3&limit=3")).await;
    assert_eq!((status, &page["more_before"], &page["more_after"]), (200, &json!(true), &json!(true)), "{page}");
    let texts: Vec<&Value> = page["messages"].as_array().unwrap().iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["helo", "drei", "four"]);
    let (status, problem) = bob.get(&format!("{path}?around_seq=3&after_seq=1")).await;
    assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")));
}

#[tokio::test]
async fn message_can_be_edited_at_most_20_times() {
    let (alice, bob, path) = conversation_with_message().await;
    for n in 1..=20 {
        assert_eq!(alice.patch(&format!("{path}/2"), &json!({"text": n.to_string()})).await.0, 200);
    }
    let (status, problem) = alice.patch(&format!("{path}/2"), &json!({"text": "21"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("too_many_edits")), "{problem}");
    let (status, same) = alice.patch(&format!("{path}/2"), &json!({"text": "20"})).await;
    assert_eq!((status, &same["text"]), (200, &json!("20")), "a repeated edit changes nothing");
    assert_eq!(last(&bob, &path).await["text"], "20");
}

#[tokio::test]
async fn admins_can_delete_messages_of_others_and_members_cannot() {
    let users = tokio::join!(TestUser::new("owner"), TestUser::new("alice"), TestUser::new("bob"));
    let (owner, alice, bob) = users;
    let group = json!({"type": "group", "title": "Team", "member_ids": [alice.user_id, bob.user_id]});
    let id = owner.post("/v1/conversations", &group).await.1["conversation_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{id}/messages");
    alice.post(&path, &draft("rude")).await;
    let (status, problem) = bob.delete(&format!("{path}/2")).await;
    assert_eq!((status, &problem["code"]), (403, &json!("not_allowed")));
    assert_eq!(owner.delete(&format!("{path}/2")).await.0, 204);
    assert_eq!(last(&bob, &path).await["deleted_by"], owner.user_id);

    // A user who may not send may not amend, and may take back their own words.
    alice.post(&path, &draft("fine")).await;
    let members = format!("/v1/conversations/{id}/members/{}", alice.user_id);
    let refused = async |code: &str| {
        let thumb = format!("{path}/4/reactions/%F0%9F%91%8D");
        let edit = json!({"text": "other"});
        for (_, problem) in [alice.patch(&format!("{path}/4"), &edit).await, alice.put(&thumb, &Value::Null).await] {
            assert_eq!(problem["code"], code, "{problem}");
        }
    };
    alice.post(&path, &draft("rash")).await;
    assert_eq!(alice.put(&format!("{path}/5/reactions/%F0%9F%91%8D"), &Value::Null).await.0, 200);
    owner.patch(&members, &json!({"muted_until": "2100-01-01T00:00:00.000Z"})).await;
    refused("muted").await;
    assert_eq!(alice.delete(&format!("{path}/5/reactions/%F0%9F%91%8D")).await.0, 200);
    assert_eq!(alice.delete(&format!("{path}/5")).await.0, 204);
    owner.patch(&members, &json!({"muted_until": null})).await;
    assert_eq!(owner.delete(&format!("/v1/conversations/{id}")).await.0 / 100, 2);
    refused("conversation_closed").await;
    assert_eq!(alice.get(&format!("{path}?around_seq=4&limit=1")).await.1["messages"][0]["text"], "fine");
}

#[tokio::test]
async fn blocked_users_can_only_take_messages_back() {
    let (alice, bob, path) = conversation_with_message().await;
    let conversation = path.trim_end_matches("/messages");
    assert_eq!(bob.patch(conversation, &json!({"blocked": true})).await.0, 200);
    let (_, problem) = alice.patch(&format!("{path}/2"), &json!({"text": "other"})).await;
    assert_eq!(problem["code"], "blocked", "{problem}");
    assert_eq!(alice.delete(&format!("{path}/2")).await.0, 204, "one's own words can be taken back");
}
