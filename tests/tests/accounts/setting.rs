//! Set-up of the tests.

use std::time::{Duration, Instant};

use end_to_end::TestUser;
use serde_json::{Value, json};
use uuid::Uuid;

/// Time that a worker may take.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Creates a conversation of this type with these members; returns its id.
pub(crate) async fn begin(kind: &str, creator: &TestUser, others: &[&TestUser]) -> String {
    let ids: Vec<&str> = others.iter().map(|person| person.user_id.as_str()).collect();
    let (status, body) =
        creator.post("/v1/conversations", &json!({"type": kind, "title": "Team", "member_ids": ids})).await;
    assert_eq!(status, 201, "{body}");
    body["conversation_id"].as_str().unwrap().to_owned()
}

/// Creates a group with these members; returns its id.
pub(crate) async fn group(creator: &TestUser, others: &[&TestUser]) -> String {
    begin("group", creator, others).await
}

/// Returns the messages that a user sees in a conversation.
pub(crate) async fn messages(person: &TestUser, conversation: &str) -> Vec<Value> {
    let (status, history) = person.get(&format!("/v1/conversations/{conversation}/messages")).await;
    assert_eq!(status, 200, "{history}");
    history["messages"].as_array().unwrap().clone()
}

/// Returns the status and code of a refusal.
pub(crate) fn refusal((status, body): (u16, Value)) -> (u16, String) {
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// A frame that says something, after the place `after`.
pub(crate) fn saying(conversation: &str, after: u64, text: &str) -> Value {
    json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(), "after_seq": after,
        "text": text})
}

/// Polls until the result is right.
pub(crate) async fn eventually<T: std::fmt::Debug>(
    what: &str,
    mut look: impl AsyncFnMut() -> T,
    right: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let seen = look().await;
        if right(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}: {seen:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
