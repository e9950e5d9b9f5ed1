//! A request whose every step is slow, without a failure.

use end_to_end::Cloud;
use end_to_end::faults::Kind;
use serde_json::json;

use crate::{PLAN, is_busy, pair};

/// An edit asks five times, one after the other; together that is more than a function has.
#[tokio::test]
async fn request_that_runs_out_of_time_is_busy_and_can_be_retried() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let messages = format!("/v1/conversations/{conversation}/messages");
    let draft = json!({"client_message_id": uuid::Uuid::new_v4(), "after_seq": 1, "text": "helo"});
    assert_eq!(alice.post(&messages, &draft).await.0, 201);
    let cloud = Cloud::shared();
    let slow = ["Query", "TransactGetItems", "TransactWriteItems", "BatchGetItem", "SendMessageBatch"];
    let slow = slow.map(|name| Kind::Delay(2_900, 2_900).rule().operation(name).function("HttpMessages"));
    cloud.inject_faults(1, &slow).await;
    let edit = json!({"text": "hello"});
    let (status, problem) = alice.patch(&format!("{messages}/2"), &edit).await;
    cloud.clear_faults().await;
    assert!(status == 503 && is_busy(&problem), "{status} {problem}");
    let (status, edited) = alice.patch(&format!("{messages}/2"), &edit).await;
    assert_eq!((status, &edited["text"]), (200, &json!("hello")), "{edited}");
    let (_, synced) = bob.post("/v1/sync", &json!({"cursors": {&conversation: 1}})).await;
    let items = synced["conversations"][0]["messages"].as_array().unwrap();
    let kinds: Vec<&str> = items.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "message_edited"], "the edit was applied once");
}
