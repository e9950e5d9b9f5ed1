//! Groups with many members, most of whom never send or receive anything.

use serde_json::json;
use sqlx_data_api::query_scalar;
use uuid::Uuid;

use crate::{Cloud, Person, aws};

/// Members that one request may name.
const AT_ONCE: usize = 50;

/// Users who exist in SQL alone, without a token: all that it takes to be added. One statement, however many.
///
/// # Panics
///
/// Where the database refuses.
pub async fn silent(cloud: &Cloud, number: usize) -> Vec<String> {
    let ids: Vec<Uuid> = query_scalar(
        "INSERT INTO users (user_id, display_name) SELECT gen_random_uuid(), 'Nobody' FROM generate_series(1, $1)
         RETURNING user_id",
    )
    .bind(i32::try_from(number).expect("not that many"))
    .fetch_all(&aws::database(cloud))
    .await
    .expect("users");
    ids.iter().map(Uuid::to_string).collect()
}

/// Begins a group of the founder and these members; its id.
///
/// # Panics
///
/// Where that is refused.
pub async fn gather(founder: &Person, members: &[String]) -> String {
    let (first, others) = members.split_at(members.len().min(AT_ONCE - 1));
    let body = json!({"type": "group", "title": "All", "member_ids": first});
    let (status, created) = founder.post("/v1/conversations", &body).await;
    assert_eq!(status, 201, "{created}");
    let id = created["conversation_id"].as_str().expect("a conversation has an id").to_owned();
    for some in others.chunks(AT_ONCE) {
        let added = founder.post(&format!("/v1/conversations/{id}/members"), &json!({"user_ids": some})).await;
        assert_eq!(added.0, 204, "{}", added.1);
    }
    id
}
