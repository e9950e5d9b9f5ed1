//! Tables `erasures` and `erasure_conversations`: erasures of what deleted users wrote, and how far they are.

use std::time::Duration;

use domain::erasure::{Erasure, ErasureState};
use domain::{ConversationId, IdRange, Seq, Timestamp, UserId};
use sqlx_data_api::{DataApiPool, query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::timestamp;
use crate::StoreError;

/// A conversation in which something of a user may be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub conversation_id: ConversationId,
    /// Everything below this seq is erased.
    pub next_seq: Seq,
    /// First seq of the oldest segment that was no part of the archive; `None` if all were.
    pub unarchived_seq: Option<Seq>,
    /// Time at which all of it was erased, for the first time.
    pub walked_at: Option<Timestamp>,
    /// True while nothing of the conversation may be deleted.
    pub is_held: bool,
    /// True if all memberships of the user have ended, in the log as well.
    pub is_left: bool,
}

/// Progress in a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasedPart {
    /// Everything below this seq is erased.
    pub next_seq: Seq,
    /// First seq of a segment that is no part of the archive.
    pub unarchived_seq: Option<Seq>,
    pub messages: u64,
    pub reactions: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    conversation_id: Uuid,
    next_seq: i64,
    unarchived_seq: Option<i64>,
    walked_at: Option<OffsetDateTime>,
    is_held: bool,
    is_left: bool,
}

impl From<Row> for Unfinished {
    fn from(row: Row) -> Self {
        Self {
            conversation_id: ConversationId(row.conversation_id),
            next_seq: Seq(row.next_seq.unsigned_abs()),
            unarchived_seq: row.unarchived_seq.map(|seq| Seq(seq.unsigned_abs())),
            walked_at: row.walked_at.map(timestamp),
            is_held: row.is_held,
            is_left: row.is_left,
        }
    }
}

#[derive(sqlx::FromRow)]
struct StateRow {
    requested_at: OffsetDateTime,
    finished_at: Option<OffsetDateTime>,
    conversations: i64,
    finished_conversations: i64,
    held_conversations: i64,
    messages: i64,
    reactions: i64,
}

/// Records erasures. Each call is one statement.
#[derive(Clone, Debug)]
pub struct Erasures {
    pool: DataApiPool,
}

impl Erasures {
    pub fn new(pool: DataApiPool) -> Self {
        Self { pool }
    }

    /// Deletes a user, if that is not done, and records that everything of theirs is to be erased. Safe to repeat.
    pub async fn request(&self, user: UserId) -> Result<(), StoreError> {
        query(
            "WITH tombstone AS (
                INSERT INTO users AS u (user_id, deleted_at) VALUES ($1, now())
                ON CONFLICT (user_id) DO UPDATE
                SET display_name = NULL, terms = NULL, custom = NULL, updated_at = now(), deleted_at = now()
                WHERE u.deleted_at IS NULL
             )
             INSERT INTO erasures (user_id) VALUES ($1) ON CONFLICT (user_id) DO NOTHING",
        )
        .bind(user.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns true if something of the user is to be erased.
    pub async fn is_running(&self, user: UserId) -> Result<bool, StoreError> {
        let found: Option<(Uuid,)> =
            query_as("SELECT user_id FROM erasures WHERE user_id = $1 AND finished_at IS NULL")
                .bind(user.0)
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.is_some())
    }

    /// Returns how far the erasure of a user is; `None` if nobody has asked for one.
    pub async fn get(&self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        let row: Option<StateRow> = query_as(
            "SELECT e.requested_at, e.finished_at, count(c.conversation_id) AS conversations,
                count(c.finished_at) AS finished_conversations,
                count(c.conversation_id) FILTER (WHERE c.is_held AND c.finished_at IS NULL) AS held_conversations,
                coalesce(sum(c.messages), 0)::bigint AS messages, coalesce(sum(c.reactions), 0)::bigint AS reactions
             FROM erasures e LEFT JOIN erasure_conversations c ON c.user_id = e.user_id
             WHERE e.user_id = $1 GROUP BY e.user_id",
        )
        .bind(user.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| {
            let held = row.held_conversations;
            let state = match row.finished_at {
                Some(_) => ErasureState::Finished,
                None if held > 0 && held + row.finished_conversations == row.conversations => ErasureState::Held,
                None => ErasureState::Running,
            };
            Erasure {
                user_id: user,
                state,
                requested_at: timestamp(row.requested_at),
                finished_at: row.finished_at.map(timestamp),
                conversations: row.conversations.unsigned_abs(),
                finished_conversations: row.finished_conversations.unsigned_abs(),
                held_conversations: held.unsigned_abs(),
                messages: row.messages.unsigned_abs(),
                reactions: row.reactions.unsigned_abs(),
            }
        }))
    }

    /// Records the conversations that the user was ever in. Complete, because the tombstone of the user is older. Safe to repeat.
    pub async fn list(&self, user: UserId) -> Result<(), StoreError> {
        query(
            "INSERT INTO erasure_conversations (user_id, conversation_id)
             SELECT DISTINCT m.user_id, m.conversation_id FROM conversation_members m
             WHERE m.user_id = $1 AND EXISTS (SELECT FROM erasures e WHERE e.user_id = $1 AND e.finished_at IS NULL)
             ON CONFLICT (user_id, conversation_id) DO NOTHING",
        )
        .bind(user.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Every `every`th unfinished conversation after `after`, in the order of their ids, up to `limit`.
    pub async fn borders(
        &self,
        user: UserId,
        after: ConversationId,
        every: usize,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as(
            "SELECT conversation_id FROM (
                SELECT conversation_id, row_number() OVER (ORDER BY conversation_id) AS n FROM erasure_conversations
                WHERE user_id = $1 AND conversation_id > $2 AND finished_at IS NULL
             ) AS listed WHERE n % $3 = 0 ORDER BY conversation_id LIMIT $4",
        )
        .bind(user.0)
        .bind(after.0)
        .bind(i64::try_from(every).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
    }

    /// Up to `limit` unfinished conversations of a range, in the order of their ids.
    pub async fn page(
        &self,
        user: UserId,
        range: IdRange<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Unfinished>, StoreError> {
        let rows: Vec<Row> = query_as(
            "SELECT e.conversation_id, e.next_seq, e.unarchived_seq, e.walked_at, c.held_at IS NOT NULL AS is_held,
                NOT EXISTS (SELECT FROM conversation_members m WHERE m.user_id = $1
                    AND m.conversation_id = e.conversation_id AND (m.left_at IS NULL OR m.left_seq IS NULL)) AS is_left
             FROM erasure_conversations e JOIN conversations c ON c.conversation_id = e.conversation_id
             WHERE e.user_id = $1 AND e.conversation_id > $2 AND e.conversation_id <= $3 AND e.finished_at IS NULL
             ORDER BY e.conversation_id LIMIT $4",
        )
        .bind(user.0)
        .bind(range.after.0)
        .bind(range.last.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Unfinished::from).collect())
    }

    /// Records progress. Returns true if the conversation is held now, so that the work ends here.
    pub async fn progress(
        &self,
        user: UserId,
        conversation: ConversationId,
        part: &ErasedPart,
    ) -> Result<bool, StoreError> {
        let held: Option<(bool,)> = query_as(
            "UPDATE erasure_conversations e SET next_seq = greatest(e.next_seq, $3), is_held = c.held_at IS NOT NULL,
                unarchived_seq = least(e.unarchived_seq, $4), messages = e.messages + $5, reactions = e.reactions + $6
             FROM conversations c
             WHERE e.user_id = $1 AND e.conversation_id = $2 AND c.conversation_id = $2
             RETURNING e.is_held",
        )
        .bind(user.0)
        .bind(conversation.0)
        .bind(signed(part.next_seq.0))
        .bind(part.unarchived_seq.map(|seq| signed(seq.0)))
        .bind(signed(part.messages))
        .bind(signed(part.reactions))
        .fetch_optional(&self.pool)
        .await?;
        Ok(held.is_some_and(|(held,)| held))
    }

    /// Records that a conversation is erased up to its end, for the first time.
    pub async fn walked(&self, user: UserId, conversation: ConversationId) -> Result<(), StoreError> {
        query(
            "UPDATE erasure_conversations SET walked_at = coalesce(walked_at, now())
             WHERE user_id = $1 AND conversation_id = $2",
        )
        .bind(user.0)
        .bind(conversation.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Records that nothing is left in a conversation.
    pub async fn finish_conversation(&self, user: UserId, conversation: ConversationId) -> Result<(), StoreError> {
        query(
            "UPDATE erasure_conversations SET finished_at = now(), is_held = false
             WHERE user_id = $1 AND conversation_id = $2 AND finished_at IS NULL",
        )
        .bind(user.0)
        .bind(conversation.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns the time at which the last conversation was erased; `None` if there is none.
    pub async fn last_walked_at(&self, user: UserId) -> Result<Option<Timestamp>, StoreError> {
        let (last,): (Option<OffsetDateTime>,) =
            query_as("SELECT max(walked_at) FROM erasure_conversations WHERE user_id = $1")
                .bind(user.0)
                .fetch_one(&self.pool)
                .await?;
        Ok(last.map(timestamp))
    }

    /// Returns true if the user was ever in the conversation.
    pub async fn was_in(&self, user: UserId, conversation: ConversationId) -> Result<bool, StoreError> {
        let found: Option<(Uuid,)> =
            query_as("SELECT user_id FROM erasure_conversations WHERE user_id = $1 AND conversation_id = $2")
                .bind(user.0)
                .bind(conversation.0)
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.is_some())
    }

    /// Returns true if both users were ever in a conversation together.
    pub async fn have_met(&self, user: UserId, other: UserId) -> Result<bool, StoreError> {
        let (met,): (bool,) = query_as(
            "SELECT EXISTS (SELECT FROM conversation_members m JOIN erasure_conversations e
                ON e.user_id = $1 AND e.conversation_id = m.conversation_id WHERE m.user_id = $2)",
        )
        .bind(user.0)
        .bind(other.0)
        .fetch_one(&self.pool)
        .await?;
        Ok(met)
    }

    /// Returns true if a file of the user is left, whatever its state.
    pub async fn has_files(&self, user: UserId) -> Result<bool, StoreError> {
        let (has,): (bool,) = query_as("SELECT EXISTS (SELECT FROM file_metadata WHERE owner_id = $1)")
            .bind(user.0)
            .fetch_one(&self.pool)
            .await?;
        Ok(has)
    }

    /// Forgets up to `limit` idempotency keys with which the user created conversations. Returns true if that were all.
    pub async fn forget_keys(&self, user: UserId, limit: usize) -> Result<bool, StoreError> {
        let forgotten = query(
            "UPDATE conversations SET idempotency_key = NULL, request_digest = NULL
             WHERE conversation_id IN (SELECT conversation_id FROM conversations
                WHERE created_by = $1 AND idempotency_key IS NOT NULL LIMIT $2)",
        )
        .bind(user.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .execute(&self.pool)
        .await?;
        Ok(forgotten.rows_affected() < limit as u64)
    }

    /// Records the end of an erasure of which nothing is left. Returns the time that it took if this call did.
    pub async fn finish(&self, user: UserId) -> Result<Option<Duration>, StoreError> {
        let times: Option<(OffsetDateTime, OffsetDateTime)> = query_as(
            "UPDATE erasures SET finished_at = now()
             WHERE user_id = $1 AND finished_at IS NULL AND NOT EXISTS
                (SELECT FROM erasure_conversations WHERE user_id = $1 AND finished_at IS NULL)
             RETURNING requested_at, finished_at",
        )
        .bind(user.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(times.map(|(requested, finished)| timestamp(finished).since(timestamp(requested))))
    }

    /// Up to `limit` users after `after` whose erasure has something left in a conversation, in the order of their ids.
    pub async fn of_conversation(
        &self,
        conversation: ConversationId,
        after: UserId,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as(
            "SELECT user_id FROM erasure_conversations
             WHERE conversation_id = $1 AND user_id > $2 AND finished_at IS NULL ORDER BY user_id LIMIT $3",
        )
        .bind(conversation.0)
        .bind(after.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| UserId(id)).collect())
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
