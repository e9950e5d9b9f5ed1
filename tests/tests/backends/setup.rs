//! Set-up of the tests.

use end_to_end::TestUser;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use end_to_end::test_user::refusal;

/// The id of the system.
pub(crate) const SYSTEM: &str = "00000000-0000-0000-0000-000000000000";

/// Creates a group with these members; returns its id.
pub(crate) async fn group(creator: &TestUser, others: &[&TestUser]) -> String {
    let ids: Vec<&str> = others.iter().map(|user| user.user_id.as_str()).collect();
    creator.create_conversation(&json!({"type": "group", "title": "Team", "member_ids": ids})).await
}

/// The body of a message that is sent once.
pub(crate) fn message(text: &str) -> Value {
    json!({"client_message_id": Uuid::new_v4(), "after_seq": 1, "text": text})
}
