//! Table `blocks`: blocks between users who have no private conversation. A private conversation keeps its own, in `blocked_by`.
//!
//! A pair is locked while its blocks change and while its private conversation begins, so that a pair never has both.

use domain::{ApiError, ConversationId, ErrorCode, UserId};
use sqlx_data_api::{DataApiConnection, DataApiPoolExt, query, query_as};
use uuid::Uuid;

use super::Conversations;
use crate::StoreError;
use crate::sqs::{RELAY_DELAY, RelayBody};

/// Most users whom a user blocks without having a private conversation with them.
pub const MAX_BLOCKS: i64 = 1000;

/// Constraint that is violated if the user who blocks has no profile.
const BLOCKER: &str = "blocks_blocker_id_fkey";

/// Outcome of setting or ending a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockSet {
    /// The state is the requested one.
    Done,
    /// Nothing changed: the two have this private conversation, which keeps their blocks.
    InConversation(ConversationId),
}

/// Reasons for which a block is neither set nor ended.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    #[error("the user does not exist")]
    UserNotFound,
    #[error("the user who blocks has no profile")]
    ProfileRequired,
    #[error("the user who blocks is deleted")]
    UserDeleted,
    #[error("the user blocks {MAX_BLOCKS} users already")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for BlockError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(database) if database.is_foreign_key_violation() && database.constraint() == Some(BLOCKER) => {
                Self::ProfileRequired
            }
            Some(database) if database.is_foreign_key_violation() => Self::UserNotFound,
            _ => Self::Store(error.into()),
        }
    }
}

impl From<BlockError> for ApiError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::UserNotFound => Self::new(ErrorCode::UserNotFound, "The user does not exist."),
            BlockError::ProfileRequired => Self::profile_required(),
            BlockError::UserDeleted => Self::user_deleted(),
            BlockError::TooMany => {
                Self::new(ErrorCode::TooManyBlocks, format!("You can block at most {MAX_BLOCKS} users."))
            }
            BlockError::Store(error) => error.into(),
        }
    }
}

/// The state of a pair, read under its lock.
#[derive(sqlx::FromRow)]
struct PairRow {
    conversation_id: Option<Uuid>,
    blocker_deleted: bool,
    blocked_exists: bool,
    /// Number of the users whom the one who asks blocks.
    blocks: i64,
    blockers: Vec<Uuid>,
}

impl Conversations {
    /// Sets or ends the block of one user by another, unless they have a private conversation. `project` gets the users of the pair
    /// who block the other from then on, before the change is committed and under the lock of the pair.
    ///
    /// The relay queue gets its message before: it projects the pair again, whatever becomes of this request. Cost: six requests with
    /// begin and commit.
    pub async fn set_block(
        &self,
        blocker: UserId,
        other: UserId,
        on: bool,
        project: impl AsyncFnOnce([UserId; 2], &[UserId]) -> Result<(), StoreError>,
    ) -> Result<BlockSet, BlockError> {
        let pair = ordered(blocker, other);
        self.pool
            .transaction(async |mut tx| {
                let row = locked_pair(&mut tx, pair, blocker).await?;
                if let Some(conversation) = row.conversation_id {
                    return Ok(BlockSet::InConversation(ConversationId(conversation)));
                }
                if row.blocker_deleted {
                    return Err(BlockError::UserDeleted);
                }
                let mut blockers = row.blockers();
                if on && (other.is_system() || !row.blocked_exists) {
                    return Err(BlockError::UserNotFound);
                }
                if on && !blockers.contains(&blocker) && row.blocks >= MAX_BLOCKS {
                    return Err(BlockError::TooMany);
                }
                blockers.retain(|user| *user != blocker);
                blockers.extend(on.then_some(blocker));
                // Both to their end: a transaction with a statement under way cannot be rolled back.
                let (written, queued) = tokio::join!(write(&mut tx, blocker, other, on), self.queue_blocks(pair));
                written?;
                queued?;
                project(pair, &blockers).await?;
                Ok::<_, BlockError>(BlockSet::Done)
            })
            .await
    }

    /// Projects the blocks of a pair again, under its lock; of a pair with a private conversation, its changes do.
    pub async fn project_blocks(
        &self,
        pair: [UserId; 2],
        project: impl AsyncFnOnce([UserId; 2], &[UserId]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.pool
            .transaction(async |mut tx| {
                let row = locked_pair(&mut tx, pair, pair[0]).await?;
                if row.conversation_id.is_none() {
                    project(pair, &row.blockers()).await?;
                }
                Ok::<_, StoreError>(())
            })
            .await
    }

    async fn queue_blocks(&self, pair: [UserId; 2]) -> Result<(), StoreError> {
        match &self.relay {
            Some(relay) => relay.send_relay(RelayBody::Blocks { pair }, RELAY_DELAY).await,
            None => Ok(()),
        }
    }
}

impl PairRow {
    fn blockers(&self) -> Vec<UserId> {
        self.blockers.iter().copied().map(UserId).collect()
    }
}

/// Returns two users with the smaller id first.
fn ordered(one: UserId, other: UserId) -> [UserId; 2] {
    if one < other { [one, other] } else { [other, one] }
}

/// Locks a pair until the transaction ends, and reads it. The lock is a statement of its own, so that the next one sees what was
/// committed before it.
async fn locked_pair(
    connection: &mut DataApiConnection,
    [low, high]: [UserId; 2],
    blocker: UserId,
) -> Result<PairRow, StoreError> {
    query("SELECT pg_advisory_xact_lock(hashtextextended(concat($1::uuid, $2::uuid), 0)) IS NULL")
        .bind(low.0)
        .bind(high.0)
        .execute(&mut *connection)
        .await?;
    let row = query_as(
        "SELECT (SELECT conversation_id FROM conversations WHERE private_low = $1 AND private_high = $2) AS conversation_id,
            EXISTS (SELECT FROM users WHERE user_id = $3 AND deleted_at IS NOT NULL) AS blocker_deleted,
            EXISTS (SELECT FROM users WHERE user_id IN ($1, $2) AND user_id <> $3 AND deleted_at IS NULL) AS blocked_exists,
            (SELECT count(*) FROM blocks WHERE blocker_id = $3) AS blocks,
            ARRAY(SELECT blocker_id FROM blocks
                WHERE (blocker_id = $1 AND blocked_id = $2) OR (blocker_id = $2 AND blocked_id = $1)) AS blockers",
    )
    .bind(low.0)
    .bind(high.0)
    .bind(blocker.0)
    .fetch_one(connection)
    .await?;
    Ok(row)
}

async fn write(
    connection: &mut DataApiConnection,
    blocker: UserId,
    other: UserId,
    on: bool,
) -> Result<(), sqlx::Error> {
    let statement = if on {
        query("INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
    } else {
        query("DELETE FROM blocks WHERE blocker_id = $1 AND blocked_id = $2")
    };
    statement.bind(blocker.0).bind(other.0).execute(connection).await?;
    Ok(())
}
