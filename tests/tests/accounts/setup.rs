//! Set-up of the tests.

use std::time::{Duration, Instant};

use end_to_end::TestUser;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use end_to_end::test_user::refusal;

/// Time that a worker may take.
const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Creates a conversation of this type with these members; returns its id.
pub(crate) async fn create_conversation(kind: &str, creator: &TestUser, others: &[&TestUser]) -> String {
    let ids: Vec<&str> = others.iter().map(|user| user.user_id.as_str()).collect();
    let (status, body) =
        creator.post("/v1/conversations", &json!({"type": kind, "title": "Team", "member_ids": ids})).await;
    assert_eq!(status, 201, "{body}");
    body["conversation_id"].as_str().unwrap().to_owned()
}

/// Creates a group with these members; returns its id.
pub(crate) async fn group(creator: &TestUser, others: &[&TestUser]) -> String {
    create_conversation("group", creator, others).await
}

/// Returns the messages that a user sees in a conversation.
pub(crate) async fn messages(user: &TestUser, conversation: &str) -> Vec<Value> {
    let (status, history) = user.get(&format!("/v1/conversations/{conversation}/messages")).await;
    assert_eq!(status, 200, "{history}");
    history["messages"].as_array().unwrap().clone()
}

/// Creates a `send` frame with `after` as its `after_seq`.
pub(crate) fn send_frame(conversation: &str, after: u64, text: &str) -> Value {
    json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(), "after_seq": after,
        "text": text})
}

/// Polls until the result is as expected.
pub(crate) async fn eventually<T: std::fmt::Debug>(
    what: &str,
    mut read: impl AsyncFnMut() -> T,
    is_expected: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    loop {
        let seen = read().await;
        if is_expected(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}: {seen:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
