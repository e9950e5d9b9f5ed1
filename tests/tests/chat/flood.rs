//! Tests of flood control per conversation.

use domain::flood::RecentSenders;
use domain::{MessageId, Timestamp};
use end_to_end::aws::{dynamodb, log};
use end_to_end::cloud::FLOOD_LIMIT;
use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};
use store::dynamodb::LogItem;
use store::dynamodb::messages::PutOutcome;
use uuid::Uuid;

/// Makes the log say that the user has reached the flood limit.
async fn exhaust(user: &TestUser, conversation: &str) {
    let messages = log(&dynamodb(&Cloud::shared().endpoints.aws.dynamodb)).messages;
    let head = messages.head(conversation.parse().unwrap(), true).await.unwrap().unwrap();
    let now = Timestamp::now();
    let count = json!([{"u": user.user_id, "s": now.epoch_millis(), "n": FLOOD_LIMIT}]);
    let recent_senders: RecentSenders = serde_json::from_value(count).unwrap();
    let (seq, sent_at) = (head.seq.next(), now.max(head.sent_at.next()));
    let (message_id, attempt) = (MessageId::generate(sent_at), Uuid::new_v4());
    let item = LogItem { seq, sent_at, message_id, attempt, client_message_id: None, recent_senders, ..head };
    assert!(matches!(messages.put(&item).await.unwrap(), PutOutcome::Written));
}

#[tokio::test]
async fn sender_beyond_the_flood_limit_gets_a_retry_time() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let messages = format!("/v1/conversations/{id}/messages");
    let draft = |after_seq: u64| json!({"client_message_id": Uuid::new_v4(), "after_seq": after_seq, "text": "x"});
    let accepted = draft(1);
    assert_eq!(alice.post(&messages, &accepted).await.0, 201);
    exhaust(&alice, &id).await;

    let has_wait = |error: &Value| error["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0);
    let (status, refused) = alice.post(&messages, &draft(3)).await;
    assert_eq!((status, &refused["code"], &refused["retryable"]), (429, &json!("rate_limited"), &json!(true)));
    assert!(has_wait(&refused), "{refused}");
    let mut frame = draft(3);
    frame["action"] = json!("send");
    frame["conversation_id"] = json!(id);
    let error = alice.connect().await.ask(frame).await["error"].clone();
    assert_eq!((&error["code"], has_wait(&error)), (&json!("rate_limited"), true), "{error}");

    let (status, again) = alice.post(&messages, &accepted).await;
    assert_eq!((status, &again["seq"], &again["duplicate"]), (200, &json!(2), &json!(true)));
    let (status, sent) = bob.post(&messages, &draft(3)).await;
    assert_eq!((status, &sent["seq"]), (201, &json!(4)), "the refused messages were not written");
}

/// Changes of the conversation come between two texts, and carry the counts on.
#[tokio::test]
async fn changes_of_the_conversation_do_not_start_a_new_window() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let group = json!({"type": "group", "title": "Flood", "member_ids": [bob.user_id]});
    let id = alice.post("/v1/conversations", &group).await.1["conversation_id"].as_str().unwrap().to_owned();
    let conversation = format!("/v1/conversations/{id}");
    exhaust(&alice, &id).await;
    let text = || json!({"client_message_id": Uuid::new_v4(), "text": "x"});
    let changes = [
        alice.patch(&conversation, &json!({"title": "Another"})).await.0,
        alice.patch(&conversation, &json!({"topic": "Floods"})).await.0,
        alice.post(&format!("{conversation}/members"), &json!({"user_ids": [carol.user_id]})).await.0,
        alice.patch(&format!("{conversation}/members/{}", bob.user_id), &json!({"role": "admin"})).await.0,
        alice.delete(&format!("{conversation}/members/{}", carol.user_id)).await.0,
    ];
    assert_eq!(changes, [200, 200, 204, 200, 204]);
    let messages = format!("{conversation}/messages");
    let (status, refused) = alice.post(&messages, &text()).await;
    assert_eq!((status, &refused["code"]), (429, &json!("rate_limited")));
    assert_eq!(bob.post(&messages, &text()).await.0, 201);
}
