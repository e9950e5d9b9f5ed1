//! What apps add to messages: kept as it is, and nothing else.

use domain::custom::MAX_CUSTOM_BYTES;
use end_to_end::{Cloud, StoredState, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

/// Every kind of value, and numbers that stores like to change.
fn everything() -> Value {
    json!({"poll": {"options": ["a", "é 😀 \u{1}"], "open": true, "closed_by": null}, "at": [52.520_008, -13.25, 0.1, 1e-7],
        "whole": [0, -1, 9_007_199_254_740_991_u64, -9_007_199_254_740_991_i64], "empty": [{}, [], ""]})
}

fn of_bytes(bytes: usize) -> Value {
    json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())})
}

async fn message(user: &TestUser, conversation: &str, seq: u64) -> Value {
    let (status, page) =
        user.get(&format!("/v1/conversations/{conversation}/messages?after_seq={}&limit=1", seq - 1)).await;
    assert_eq!(status, 200, "{page}");
    page["messages"][0].clone()
}

#[tokio::test]
async fn messages_keep_what_apps_add() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let path = format!("/v1/conversations/{id}/messages");
    let (mut sender, mut receiver) = tokio::join!(alice.connect(), bob.connect());

    // Over WebSocket, alone and in a batch, and over HTTP.
    let client_message_id = Uuid::new_v4();
    let frame = json!({"action": "send", "conversation_id": id, "after_seq": 1, "client_message_id": client_message_id,
        "text": "vote", "custom": everything()});
    let sent = sender.ask(frame.clone()).await;
    let seq = sent["seq"].as_u64().expect("sent");
    assert_eq!(receiver.next("message").await["message"]["custom"], everything());
    let batch = json!({"action": "send", "conversation_id": id, "after_seq": seq, "messages": [
        {"client_message_id": Uuid::new_v4(), "text": "one", "custom": {"n": 1}},
        {"client_message_id": Uuid::new_v4(), "text": "two", "custom": {}}]});
    assert_eq!(sender.ask(batch).await["messages"].as_array().map(Vec::len), Some(2));
    let pushed = receiver.next("messages").await;
    assert_eq!((&pushed["messages"][0]["custom"], &pushed["messages"][1]["custom"]), (&json!({"n": 1}), &Value::Null));
    let body = json!({"client_message_id": Uuid::new_v4(), "after_seq": seq, "text": "large", "custom": of_bytes(MAX_CUSTOM_BYTES)});
    assert_eq!(alice.post(&path, &body).await.0, 201);
    assert_eq!(message(&bob, &id, seq).await["custom"], everything());
    let (_, synced) = bob.post("/v1/sync", &json!({"cursors": {&id: seq - 1}})).await;
    assert_eq!(synced["conversations"][0]["messages"][0]["custom"], everything(), "{synced}");

    // A resend is the same with the same object alone.
    assert_eq!(sender.ask(frame.clone()).await["duplicate"], true);
    for other in [json!({"n": 2}), Value::Null] {
        let mut resend = frame.clone();
        resend["custom"] = other;
        assert_eq!(sender.ask(resend).await["error"]["code"], "idempotency_mismatch");
    }
}

#[tokio::test]
async fn edits_keep_replace_and_remove_what_apps_added() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let path = format!("/v1/conversations/{id}/messages");
    let body = json!({"client_message_id": Uuid::new_v4(), "text": "vote", "custom": {"n": 1}});
    let seq = alice.post(&path, &body).await.1["seq"].as_u64().unwrap();
    let edit = format!("{path}/{seq}");
    let mut receiver = bob.connect().await;
    for (change, left) in [
        (json!({"text": "vote now"}), json!({"n": 1})),
        (json!({"text": "vote now", "custom": everything()}), everything()),
        (json!({"text": "vote soon"}), everything()),
        (json!({"text": "vote soon", "custom": null}), Value::Null),
        (json!({"text": "vote at last", "custom": {"n": 2}}), json!({"n": 2})),
        (json!({"text": "vote at last", "custom": {}}), Value::Null),
    ] {
        let (status, edited) = alice.patch(&edit, &change).await;
        assert_eq!((status, &edited["custom"]), (200, &left), "{change}");
        let event = receiver.next("message_edited").await;
        assert_eq!((&event["message"]["kind"], &event["message"]["custom"]), (&json!("message_edited"), &left));
        assert_eq!(message(&bob, &id, seq).await["custom"], left);
        // A repeat changes nothing, and is no event.
        assert_eq!(alice.patch(&edit, &change).await, (200, edited));
    }
    assert!(receiver.pushed().await.is_empty());

    assert_eq!(alice.patch(&edit, &json!({"text": "vote", "custom": {"secret": true}})).await.0, 200);
    assert_eq!(alice.delete(&edit).await.0, 204);
    let deleted = message(&bob, &id, seq).await;
    assert_eq!((&deleted["kind"], &deleted["custom"]), (&json!("deleted"), &Value::Null), "{deleted}");
}

#[tokio::test]
async fn conversations_keep_what_apps_add() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    // Before anything is sent to bob: functions believe for a moment that a user has no connection.
    let mut socket = bob.connect().await;
    let body =
        json!({"type": "group", "title": "Team", "member_ids": [bob.user_id, carol.user_id], "custom": everything()});
    let (status, created) = alice.post("/v1/conversations", &body).await;
    assert_eq!((status, &created["custom"]), (201, &everything()), "{created}");
    assert_eq!(created["last_message"]["custom"], everything(), "the item `created` has it");
    let id = created["conversation_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{id}");
    let custom = async |user: &TestUser| user.get(&path).await.1["custom"].clone();
    assert_eq!(custom(&bob).await, everything());
    let (_, synced) = carol.post("/v1/sync", &json!({})).await;
    assert_eq!(synced["conversations"][0]["conversation"]["custom"], everything(), "{synced}");

    assert_eq!(bob.patch(&path, &json!({"custom": {"n": 1}})).await.1["code"], "not_allowed");
    assert_eq!(alice.patch(&format!("{path}/members/{}", carol.user_id), &json!({"role": "admin"})).await.0, 200);
    for (change, left) in [(json!({"n": 1}), json!({"n": 1})), (Value::Null, Value::Null), (json!({}), Value::Null)] {
        let (status, changed) = carol.patch(&path, &json!({ "custom": change })).await;
        assert_eq!((status, &changed["custom"]), (200, &left), "{changed}");
        assert_eq!(custom(&bob).await, left);
    }
    let (_, history) = bob.get(&format!("{path}/messages?limit=2")).await;
    let items = history["messages"].as_array().unwrap().iter().map(|item| (item["kind"].as_str(), &item["custom"]));
    let expected = [(Some("custom_changed"), &json!({"n": 1})), (Some("custom_changed"), &Value::Null)];
    assert!(items.eq(expected), "{history}");
    let mut pushed = Vec::new();
    while pushed.len() < 2 {
        let frame = socket.next("message").await;
        if frame["message"]["kind"] == "custom_changed" {
            pushed.push(frame["message"]["custom"].clone());
        }
    }
    assert_eq!(pushed, [json!({"n": 1}), Value::Null]);
    assert_eq!(alice.patch(&path, &json!({"custom": {"left": "behind"}})).await.0, 200);
    assert_eq!(alice.delete(&format!("{path}/members/{}", bob.user_id)).await.0, 204);
    assert_eq!(custom(&bob).await, Value::Null, "a former member");
    StoredState::of(Cloud::shared(), &id).await.check();

    for (body, code) in [
        (json!({"type": "group", "title": "Team", "custom": of_bytes(MAX_CUSTOM_BYTES + 1)}), "custom_too_large"),
        (json!({"type": "private", "member_ids": [bob.user_id], "custom": {"n": 1}}), "invalid_request"),
    ] {
        assert_eq!(alice.post("/v1/conversations", &body).await.1["code"], code);
    }
    let private = format!("/v1/conversations/{}", alice.private_conversation_with(&bob).await);
    assert_eq!(alice.patch(&private, &json!({"custom": {"n": 1}})).await.1["code"], "wrong_conversation_type");
}

#[tokio::test]
async fn users_keep_what_apps_add() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let (_, named) = alice.put("/v1/users/me", &json!({"display_name": "Alice"})).await;
    assert_eq!(named["custom"], Value::Null);
    for (custom, left) in [
        (json!({"display_name": "Alice", "custom": everything()}), everything()),
        (json!({"display_name": "Alicia"}), everything()),
        (json!({"display_name": "Alicia", "custom": null}), Value::Null),
        (json!({"display_name": "Alicia", "custom": of_bytes(MAX_CUSTOM_BYTES)}), of_bytes(MAX_CUSTOM_BYTES)),
    ] {
        let (status, put) = alice.put("/v1/users/me", &custom).await;
        assert_eq!((status, &put["custom"]), (200, &left), "{put}");
        assert_eq!(alice.put("/v1/users/me", &custom).await.1, put, "a repeat, `updated_at` included");
        assert_eq!(bob.get(&format!("/v1/users/{}", alice.user_id)).await.1, put);
    }
    let (_, found) = bob.get(&format!("/v1/users?ids={}", alice.user_id)).await;
    assert_eq!(found["users"][0]["custom"], of_bytes(MAX_CUSTOM_BYTES));
    let large = json!({"display_name": "Alice", "custom": of_bytes(MAX_CUSTOM_BYTES + 1)});
    assert_eq!(alice.put("/v1/users/me", &large).await.1["code"], "custom_too_large");
    assert_eq!(alice.delete("/v1/users/me").await.0, 204);
    assert_eq!(bob.get(&format!("/v1/users/{}", alice.user_id)).await.1["custom"], Value::Null);
}

#[tokio::test]
async fn what_apps_add_has_limits() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let path = format!("/v1/conversations/{id}/messages");
    let seq =
        alice.post(&path, &json!({"client_message_id": Uuid::new_v4(), "text": "x"})).await.1["seq"].as_u64().unwrap();
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!({ "a": deep });
    }
    for (custom, code) in [
        (of_bytes(MAX_CUSTOM_BYTES + 1), "custom_too_large"),
        (deep, "invalid_request"),
        (json!([]), "invalid_request"),
        (json!("{}"), "invalid_request"),
        (json!({"": 1}), "invalid_request"),
        (json!({"$serde_json::private::RawValue": "[["}), "invalid_request"),
        (json!({"a": "\u{0}"}), "invalid_request"),
        (json!({"a": 1e300}), "invalid_request"),
        (json!({"a": 9_007_199_254_740_992_u64}), "invalid_request"),
    ] {
        let send = json!({"client_message_id": Uuid::new_v4(), "text": "x", "custom": custom});
        for (status, refusal) in [
            alice.post(&path, &send).await,
            alice.post(&path, &json!({"messages": [send]})).await,
            alice.patch(&format!("{path}/{seq}"), &json!({"text": "x", "custom": custom})).await,
        ] {
            assert_eq!(refusal["code"], code, "{status} {custom}");
            assert!(refusal["detail"].as_str().is_some_and(|detail| detail.contains("custom")), "{refusal}");
        }
    }
    assert_eq!(alice.get(&format!("/v1/conversations/{id}")).await.1["head_seq"], seq, "nothing is written");
}
