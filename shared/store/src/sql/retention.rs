//! The time for which the messages of a conversation are kept, and holds.

use domain::ConversationId;
use sqlx_data_api::{DataApiPool, query, query_as};

use crate::StoreError;

/// What decides how long the messages of a conversation are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionRow {
    /// Days, if the conversation has a time of its own.
    pub days: Option<u32>,
    /// True while nothing of the conversation may be deleted for its age.
    pub is_held: bool,
}

/// Reads retention times, and sets holds. Each call is one statement.
#[derive(Clone, Debug)]
pub struct RetentionRows {
    pool: DataApiPool,
}

impl RetentionRows {
    pub fn new(pool: DataApiPool) -> Self {
        Self { pool }
    }

    /// Returns the row of a conversation; `None` if it does not exist.
    pub async fn get(&self, conversation: ConversationId) -> Result<Option<RetentionRow>, StoreError> {
        let row: Option<(Option<i32>, bool)> =
            query_as("SELECT retention_days, held_at IS NOT NULL FROM conversations WHERE conversation_id = $1")
                .bind(conversation.0)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(days, is_held)| RetentionRow { days: days.map(i32::unsigned_abs), is_held }))
    }

    /// Begins or ends the hold of a conversation. Returns false if there is no such conversation.
    pub async fn set_hold(&self, conversation: ConversationId, is_held: bool) -> Result<bool, StoreError> {
        let done = query(
            "UPDATE conversations SET held_at = CASE WHEN $2 THEN coalesce(held_at, now()) END
             WHERE conversation_id = $1",
        )
        .bind(conversation.0)
        .bind(is_held)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
