//! Table `users`: profiles, and tombstones of deleted users.

use domain::search::Words;
use domain::user::{Profile, User};
use domain::{AvatarId, ConversationId, Custom, IdRange, UserId};
use sqlx_data_api::{DataApiPool, query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::discovery::{prefixes, vector};
use super::timestamp;
use crate::StoreError;

/// Most users with a searched beginning that are put in order: a single letter may be that of a million.
pub const MAX_COMPARED: i64 = 1_000;

/// Finds users by the index `terms_of_users`.
pub const FIND: &str = "SELECT user_id, display_name, custom, avatar_id, created_at, updated_at FROM (
        SELECT user_id, display_name, custom, avatar_id, created_at, updated_at FROM users
        WHERE deleted_at IS NULL AND terms @@ $1::text::tsquery LIMIT $2
     ) AS found ORDER BY display_name, user_id LIMIT $3";

#[derive(sqlx::FromRow)]
struct Row {
    user_id: Uuid,
    display_name: Option<String>,
    custom: Option<String>,
    avatar_id: Option<Uuid>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

/// A user as the table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    User(User),
    Deleted(UserId),
}

impl Found {
    pub const fn user_id(&self) -> UserId {
        match self {
            Self::User(user) => user.user_id,
            Self::Deleted(user) => *user,
        }
    }
}

impl TryFrom<Row> for Found {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        // Only a tombstone has no name.
        let Some(display_name) = row.display_name else { return Ok(Self::Deleted(UserId(row.user_id))) };
        Ok(Self::User(User {
            user_id: UserId(row.user_id),
            display_name,
            custom: row.custom.as_deref().map(Custom::stored).transpose()?,
            avatar_id: row.avatar_id.map(AvatarId),
            created_at: timestamp(row.created_at),
            updated_at: timestamp(row.updated_at),
        }))
    }
}

#[derive(Clone, Debug)]
pub struct Users {
    pool: DataApiPool,
}

impl Users {
    pub fn new(pool: DataApiPool) -> Self {
        Self { pool }
    }

    /// Creates or changes a profile: one statement, safe to repeat. Does not change a tombstone.
    pub async fn put(&self, user: UserId, profile: &Profile) -> Result<Found, StoreError> {
        let row: Row = query_as(
            "INSERT INTO users AS u (user_id, display_name, terms, custom) VALUES ($1, $2, $3::text::tsvector, $5)
             ON CONFLICT (user_id) DO UPDATE SET
                display_name = CASE WHEN u.deleted_at IS NULL THEN excluded.display_name ELSE u.display_name END,
                terms = CASE WHEN u.deleted_at IS NULL THEN excluded.terms END,
                custom = CASE WHEN u.deleted_at IS NULL AND $4 THEN excluded.custom ELSE u.custom END,
                updated_at = CASE WHEN u.deleted_at IS NULL AND (u.display_name <> excluded.display_name
                    OR $4 AND u.custom IS DISTINCT FROM excluded.custom) THEN now() ELSE u.updated_at END
             RETURNING user_id, display_name, custom, avatar_id, created_at, updated_at",
        )
        .bind(user.0)
        .bind(profile.display_name.as_str())
        .bind(vector(profile.display_name.as_str(), None))
        .bind(profile.custom.is_some())
        .bind(profile.custom.as_ref().and_then(Option::as_ref).map(Custom::canonical))
        .fetch_one(&self.pool)
        .await?;
        row.try_into()
    }

    /// Sets the avatar of a user, or none: one statement, safe to repeat. Returns `None` for a user without a profile; does not change a
    /// tombstone.
    pub async fn set_avatar(&self, user: UserId, avatar: Option<AvatarId>) -> Result<Option<Found>, StoreError> {
        let row: Option<Row> = query_as(
            "UPDATE users SET avatar_id = CASE WHEN deleted_at IS NULL THEN $2::uuid END,
                updated_at = CASE WHEN deleted_at IS NULL AND avatar_id IS DISTINCT FROM $2::uuid THEN now() ELSE updated_at END
             WHERE user_id = $1
             RETURNING user_id, display_name, custom, avatar_id, created_at, updated_at",
        )
        .bind(user.0)
        .bind(avatar.map(|avatar| avatar.0))
        .fetch_optional(&self.pool)
        .await?;
        row.map(Found::try_from).transpose()
    }

    /// Reads the existing users among these, in no order: one statement.
    pub async fn get(&self, users: &[UserId]) -> Result<Vec<Found>, StoreError> {
        let rows: Vec<Row> = query_as(
            "SELECT user_id, display_name, custom, avatar_id, created_at, updated_at FROM users WHERE user_id = ANY ($1)",
        )
        .bind(users.iter().map(|user| user.0).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Found::try_from).collect()
    }

    /// Returns up to `limit` users whose names have for each word a word with that beginning, by name. Among more than
    /// [`MAX_COMPARED`] such users any of them. Cost: one statement.
    pub async fn find(&self, words: &Words, limit: usize) -> Result<Vec<User>, StoreError> {
        let rows: Vec<Row> = query_as(FIND)
            .bind(prefixes(words))
            .bind(MAX_COMPARED)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        let mut users = Vec::with_capacity(rows.len());
        for row in rows {
            if let Found::User(user) = row.try_into()? {
                users.push(user);
            }
        }
        Ok(users)
    }

    /// Leaves a tombstone without a name: one statement, safe to repeat. A user without a profile gets one too, and can create
    /// none from then on.
    pub async fn delete(&self, user: UserId) -> Result<(), StoreError> {
        query(
            "INSERT INTO users AS u (user_id, deleted_at) VALUES ($1, now())
             ON CONFLICT (user_id) DO UPDATE
             SET display_name = NULL, terms = NULL, custom = NULL, avatar_id = NULL, updated_at = now(), deleted_at = now()
             WHERE u.deleted_at IS NULL",
        )
        .bind(user.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns true if the user is deleted.
    pub async fn is_deleted(&self, user: UserId) -> Result<bool, StoreError> {
        Ok(matches!(self.get(&[user]).await?.first(), Some(Found::Deleted(_))))
    }

    /// Up to `limit` conversations of a range that the user is in, in the order of their ids: one statement.
    pub async fn memberships(
        &self,
        user: UserId,
        range: IdRange<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as(
            "SELECT conversation_id FROM conversation_members
             WHERE user_id = $1 AND conversation_id > $2 AND conversation_id <= $3 AND left_at IS NULL
             ORDER BY conversation_id LIMIT $4",
        )
        .bind(user.0)
        .bind(range.after.0)
        .bind(range.last.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
    }

    /// The conversations of a range that the user is or was in, and whose changes wait in the outbox: one statement.
    pub async fn unrelayed(
        &self,
        user: UserId,
        range: IdRange<ConversationId>,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as(
            "SELECT DISTINCT o.conversation_id FROM outbox o
             WHERE o.conversation_id > $2 AND o.conversation_id <= $3 AND EXISTS (SELECT FROM conversation_members m
                WHERE m.conversation_id = o.conversation_id AND m.user_id = $1)",
        )
        .bind(user.0)
        .bind(range.after.0)
        .bind(range.last.0)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
    }

    /// Every `every`th conversation after `after` that the user is in, in the order of their ids, up to `limit`: one statement.
    pub async fn membership_borders(
        &self,
        user: UserId,
        after: ConversationId,
        every: usize,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as(
            "SELECT conversation_id FROM (
                SELECT conversation_id, row_number() OVER (ORDER BY conversation_id) AS n FROM conversation_members
                WHERE user_id = $1 AND conversation_id > $2 AND left_at IS NULL
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
}
