//! Finding public conversations: table `conversations`.

use domain::protocol::http::PublicConversation;
use domain::search::Words;
use domain::{ConversationId, UserId};
use sqlx_data_api::query_as;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Conversations, timestamp};
use crate::StoreError;

/// Walks the index `open_public_conversations` backwards, whose ids are in order of creation, or uses
/// `words_of_public_conversations` if there are words: without them the planner drops that condition.
pub const DISCOVER: &str = "SELECT c.conversation_id, c.title, c.topic, c.member_count, c.created_at,
        EXISTS (SELECT FROM conversation_members m
            WHERE m.conversation_id = c.conversation_id AND m.user_id = $1 AND m.left_at IS NULL) AS member
     FROM conversations c
     WHERE c.type = 'public' AND c.closed_at IS NULL AND c.conversation_id < $2
        AND ($3::text IS NULL OR c.words @@ to_tsquery('simple', $3::text))
     ORDER BY c.conversation_id DESC LIMIT $4";

#[derive(sqlx::FromRow)]
struct Row {
    conversation_id: Uuid,
    title: String,
    topic: Option<String>,
    member_count: i32,
    created_at: OffsetDateTime,
    member: bool,
}

impl From<Row> for PublicConversation {
    fn from(row: Row) -> Self {
        Self {
            conversation_id: ConversationId(row.conversation_id),
            title: row.title,
            topic: row.topic,
            member_count: row.member_count,
            created_at: timestamp(row.created_at),
            member: row.member,
        }
    }
}

impl Conversations {
    /// Returns up to `limit` open public conversations, newest first, that are older than `before`; with `words`, only
    /// conversations that have for each word a word with that prefix. Cost: one statement.
    pub async fn discover(
        &self,
        user: UserId,
        words: Option<&Words>,
        before: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<PublicConversation>, StoreError> {
        let rows: Vec<Row> = query_as(DISCOVER)
            .bind(user.0)
            .bind(before.map_or(Uuid::max(), |id| id.0))
            .bind(words.map(prefixes))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(PublicConversation::from).collect())
    }
}

/// Returns the `tsquery` that matches all words, each as a prefix. Without words it matches nothing.
pub fn prefixes(words: &Words) -> String {
    words.iter().map(|word| format!("'{word}':*")).collect::<Vec<_>>().join(" & ")
}
