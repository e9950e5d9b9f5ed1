//! Rows by key, for the comparison with DynamoDB: conversations, users, and one conversation under its lock.

use domain::{ConversationId, ConversationType, Custom, HistoryPolicy, IdRange, Role, Seq, Timestamp, UserId};
use sqlx_data_api::{DataApiConnection, DataApiPool, DataApiPoolExt, query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::timestamp;
use crate::StoreError;

/// Most ranges that one statement finds: their ids have to fit into its result.
const MAX_RANGES: usize = 5_000;

/// A conversation by SQL.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationRow {
    pub kind: ConversationType,
    pub title: Option<String>,
    pub topic: Option<String>,
    pub custom: Option<Custom>,
    pub pinned_seqs: Vec<Seq>,
    pub retention_days: Option<u32>,
    pub history: HistoryPolicy,
    pub closed: bool,
    pub created_by: UserId,
    pub version: u64,
    pub pair: Option<[UserId; 2]>,
    pub blocked_by: Vec<UserId>,
    /// Number of changes in the outbox.
    pub waiting: u64,
}

/// A membership period by SQL. Its seqs are unknown until the change has reached the log.
#[derive(Clone, Debug, PartialEq)]
pub struct PeriodRow {
    pub user_id: UserId,
    pub user_deleted: bool,
    pub role: Role,
    pub muted_until: Option<Timestamp>,
    pub joined_seq: Option<Seq>,
    pub joined_at: Timestamp,
    /// Time and seq of the end.
    pub left: Option<(Timestamp, Option<Seq>)>,
}

#[derive(Clone, Debug)]
pub struct Rows {
    pool: DataApiPool,
}

impl Rows {
    pub fn new(pool: DataApiPool) -> Self {
        Self { pool }
    }

    /// Up to `limit` conversations after `after`, in the order of their ids: one statement.
    pub async fn conversations(&self, after: ConversationId, limit: usize) -> Result<Vec<ConversationId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as(
            "SELECT conversation_id FROM conversations WHERE conversation_id > $1 ORDER BY conversation_id LIMIT $2",
        )
        .bind(after.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
    }

    /// Returns up to `limit` conversations of a range, in the order of their ids, and the rest of the range if there may be more: one
    /// statement.
    pub async fn conversations_of(
        &self,
        range: IdRange<ConversationId>,
        limit: usize,
    ) -> Result<(Vec<ConversationId>, Option<IdRange<ConversationId>>), StoreError> {
        let mut page = self.conversations(range.after, limit).await?;
        let last = page.last().copied().filter(|last| page.len() == limit && *last < range.last);
        page.retain(|id| *id <= range.last);
        Ok((page, last.map(|after| IdRange { after, ..range })))
    }

    /// Splits the conversations after one into ranges of `every`, as far as one statement finds them: the last one has no end if it is
    /// still to be split.
    pub async fn conversation_ranges(
        &self,
        after: ConversationId,
        every: usize,
    ) -> Result<Vec<(ConversationId, Option<ConversationId>)>, StoreError> {
        let borders = self.conversation_borders(after, every, MAX_RANGES).await?;
        let all = IdRange { after, last: ConversationId(Uuid::max()) };
        Ok(all.split_as_far_as_known(&borders, MAX_RANGES))
    }

    /// Every `every`th conversation after `after`, in the order of their ids, up to `limit`: one statement.
    async fn conversation_borders(
        &self,
        after: ConversationId,
        every: usize,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as(
            "SELECT conversation_id FROM (
                SELECT conversation_id, row_number() OVER (ORDER BY conversation_id) AS n FROM conversations
                WHERE conversation_id > $1
             ) AS listed WHERE n % $2 = 0 ORDER BY conversation_id LIMIT $3",
        )
        .bind(after.0)
        .bind(i64::try_from(every).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
    }

    /// Up to `limit` users after `after`, in the order of their ids, and which of them are deleted: one statement.
    pub async fn users(&self, after: UserId, limit: usize) -> Result<Vec<(UserId, bool)>, StoreError> {
        let rows: Vec<(Uuid, bool)> =
            query_as("SELECT user_id, deleted_at IS NOT NULL FROM users WHERE user_id > $1 ORDER BY user_id LIMIT $2")
                .bind(after.0)
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().map(|(id, deleted)| (UserId(id), deleted)).collect())
    }

    /// Runs `work` with a conversation that is locked meanwhile, so that it does not change; `None` if there is no such
    /// conversation, or an import is still bringing it. Between two statements of `work` at most five seconds may pass.
    pub async fn locked<T>(
        &self,
        conversation: ConversationId,
        work: impl AsyncFnOnce(&mut DataApiConnection, ConversationRow) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.pool
            .transaction(async |mut tx| {
                let Some(row) = lock(&mut tx, conversation).await? else { return Ok(None) };
                work(&mut tx, row).await.map(Some)
            })
            .await
    }
}

#[derive(sqlx::FromRow)]
struct Columns {
    r#type: String,
    title: Option<String>,
    topic: Option<String>,
    custom: Option<String>,
    pinned_seqs: Vec<i64>,
    retention_days: Option<i32>,
    history: String,
    closed: bool,
    created_by: Uuid,
    version: i64,
    private_low: Option<Uuid>,
    private_high: Option<Uuid>,
    blocked_by: Vec<Uuid>,
}

async fn lock(
    connection: &mut DataApiConnection,
    conversation: ConversationId,
) -> Result<Option<ConversationRow>, StoreError> {
    let found: Option<Columns> = query_as(
        "SELECT type, title, topic, custom, pinned_seqs, retention_days, history, closed_at IS NOT NULL AS closed, created_by, version,
            private_low, private_high, blocked_by
         FROM conversations WHERE conversation_id = $1 AND import_id IS NULL FOR UPDATE",
    )
    .bind(conversation.0)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(found) = found else { return Ok(None) };
    // A statement of its own, which sees what was committed while this one waited for the lock.
    let (waiting,): (i64,) = query_as("SELECT count(*) FROM outbox WHERE conversation_id = $1")
        .bind(conversation.0)
        .fetch_one(connection)
        .await?;
    let malformed = |what: &str| StoreError::Inconsistent(format!("malformed {what} of conversation {conversation}"));
    Ok(Some(ConversationRow {
        kind: ConversationType::parse(&found.r#type).ok_or_else(|| malformed("type"))?,
        title: found.title,
        topic: found.topic,
        custom: found.custom.as_deref().map(Custom::stored).transpose()?,
        pinned_seqs: found.pinned_seqs.into_iter().map(|seq| Seq(seq.unsigned_abs())).collect(),
        retention_days: found.retention_days.map(i32::unsigned_abs),
        history: HistoryPolicy::parse(&found.history).ok_or_else(|| malformed("history"))?,
        closed: found.closed,
        created_by: UserId(found.created_by),
        version: found.version.unsigned_abs(),
        pair: found.private_low.zip(found.private_high).map(|(low, high)| [UserId(low), UserId(high)]),
        blocked_by: found.blocked_by.into_iter().map(UserId).collect(),
        waiting: waiting.unsigned_abs(),
    }))
}

type PeriodColumns =
    (Uuid, bool, String, Option<OffsetDateTime>, Option<i64>, OffsetDateTime, Option<OffsetDateTime>, Option<i64>);

/// Up to `limit` membership periods of users after `after`, in the order of the users' ids and of time: one statement.
pub async fn periods(
    connection: &mut DataApiConnection,
    conversation: ConversationId,
    after: UserId,
    limit: usize,
) -> Result<Vec<PeriodRow>, StoreError> {
    let rows: Vec<PeriodColumns> = query_as(
        "SELECT m.user_id, u.deleted_at IS NOT NULL, m.role, m.muted_until, m.joined_seq, m.joined_at, m.left_at,
            m.left_seq
         FROM conversation_members m JOIN users u ON u.user_id = m.user_id
         WHERE m.conversation_id = $1 AND m.user_id > $2 ORDER BY m.user_id, m.joined_version LIMIT $3",
    )
    .bind(conversation.0)
    .bind(after.0)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let seq = |seq: i64| Seq(seq.unsigned_abs());
    let row = |(user, user_deleted, role, muted, joined_seq, joined_at, left_at, left_seq): PeriodColumns| {
        let malformed = || StoreError::Inconsistent(format!("a member has the unknown role {role}"));
        Ok(PeriodRow {
            user_id: UserId(user),
            user_deleted,
            role: Role::parse(&role).ok_or_else(malformed)?,
            muted_until: muted.map(timestamp),
            joined_seq: joined_seq.map(seq),
            joined_at: timestamp(joined_at),
            left: left_at.map(|at| (timestamp(at), left_seq.map(seq))),
        })
    };
    rows.into_iter().map(row).collect()
}

/// Makes all seqs of a conversation's membership periods ones that its log has, or the next one, and empties its outbox: for a
/// log that lacks what they refer to. Two statements, safe to repeat.
pub async fn end_at(
    connection: &mut DataApiConnection,
    conversation: ConversationId,
    head: Seq,
) -> Result<(), StoreError> {
    let head = i64::try_from(head.0).map_err(|_| StoreError::Inconsistent(format!("{head} exceeds bigint")))?;
    query("DELETE FROM outbox WHERE conversation_id = $1").bind(conversation.0).execute(&mut *connection).await?;
    query(
        "UPDATE conversation_members SET joined_seq = least(coalesce(joined_seq, $2 + 1), $2 + 1),
            left_seq = CASE WHEN left_at IS NOT NULL THEN least(coalesce(left_seq, $2), $2) END
         WHERE conversation_id = $1 AND (joined_seq IS NULL OR joined_seq > $2 + 1
            OR (left_at IS NOT NULL AND (left_seq IS NULL OR left_seq > $2)))",
    )
    .bind(conversation.0)
    .bind(head)
    .execute(connection)
    .await?;
    Ok(())
}
