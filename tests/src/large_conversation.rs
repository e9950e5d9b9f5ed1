//! Groups with many members, most of whom never send or receive anything.

use serde_json::json;
use sqlx_data_api::query_scalar;
use uuid::Uuid;

use crate::{Cloud, TestUser, aws};

/// Members that one request may name.
const MAX_USERS_PER_REQUEST: usize = 50;

/// Creates users in SQL alone, without tokens, which is enough to add them to conversations. Cost: one statement.
///
/// # Panics
///
/// Where the database refuses.
pub async fn users_without_tokens(cloud: &Cloud, number: usize) -> Vec<String> {
    let ids: Vec<Uuid> = query_scalar(
        "INSERT INTO users (user_id, display_name) SELECT gen_random_uuid(), 'Member' FROM generate_series(1, $1)
         RETURNING user_id",
    )
    .bind(i32::try_from(number).expect("at most i32::MAX users"))
    .fetch_all(&aws::database(cloud))
    .await
    .expect("users");
    ids.iter().map(Uuid::to_string).collect()
}

/// Creates a group of the creator and these members; returns its id.
///
/// # Panics
///
/// Where that is refused.
pub async fn create_group(creator: &TestUser, members: &[String]) -> String {
    let (first, others) = members.split_at(members.len().min(MAX_USERS_PER_REQUEST - 1));
    let body = json!({"type": "group", "title": "All", "member_ids": first});
    let id = creator.create_conversation(&body).await;
    for chunk in others.chunks(MAX_USERS_PER_REQUEST) {
        let added = creator.post(&format!("/v1/conversations/{id}/members"), &json!({"user_ids": chunk})).await;
        assert_eq!(added.0, 204, "{}", added.1);
    }
    id
}
