//! Table `outbox`: changes on their way to the log and the projection.

use domain::membership::Change;
use domain::{ConversationId, Seq, Timestamp};
use sqlx::types::Json;
use sqlx_data_api::{DataApiPool, query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::StoreError;

/// One row: a change that waits, or is being applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub outbox_id: Uuid,
    pub conversation_id: ConversationId,
    /// The version that the change makes.
    pub version: u64,
    pub change: Change,
}

#[derive(sqlx::FromRow)]
struct Row {
    outbox_id: Uuid,
    version: i64,
    change: Json<Change>,
}

#[derive(Clone, Debug)]
pub struct Outbox {
    pool: DataApiPool,
}

impl Outbox {
    pub fn new(pool: DataApiPool) -> Self {
        Self { pool }
    }

    /// Reads the oldest pending change of a conversation: one statement.
    pub async fn next(&self, conversation: ConversationId) -> Result<Option<Pending>, StoreError> {
        let row: Option<Row> = query_as(
            "SELECT outbox_id, version, change FROM outbox WHERE conversation_id = $1 ORDER BY version LIMIT 1",
        )
        .bind(conversation.0)
        .fetch_optional(&self.pool)
        .await?;
        let pending = row.map(|row| {
            Ok(Pending {
                outbox_id: row.outbox_id,
                conversation_id: conversation,
                version: u64::try_from(row.version).map_err(|_| {
                    StoreError::Inconsistent(format!("the change of outbox version {} cannot be read", row.version))
                })?,
                change: row.change.0,
            })
        });
        pending.transpose()
    }

    /// Removes an applied change from the outbox, and writes its seq into the membership periods that it began or ended: one
    /// statement, safe to repeat.
    pub async fn settle(&self, pending: &Pending, seq: Seq, at: Timestamp) -> Result<(), StoreError> {
        query(
            "WITH settled AS (DELETE FROM outbox WHERE outbox_id = $1)
             UPDATE conversation_members SET
                joined_seq = CASE WHEN joined_version = $5 THEN $6 ELSE joined_seq END,
                joined_at = CASE WHEN joined_version = $5 THEN $3 ELSE joined_at END,
                left_seq = CASE WHEN left_version = $5 THEN $2 ELSE left_seq END,
                left_at = CASE WHEN left_version = $5 THEN $3 ELSE left_at END
             WHERE conversation_id = $4 AND ((joined_version = $5 AND joined_seq IS NULL)
                OR (left_version = $5 AND left_seq IS NULL))",
        )
        .bind(pending.outbox_id)
        .bind(signed(seq.0)?)
        .bind(OffsetDateTime::from(at))
        .bind(pending.conversation_id.0)
        .bind(signed(pending.version)?)
        .bind(signed(pending.change.first_visible(seq).0)?)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Inconsistent(format!("{number} exceeds bigint")))
}
