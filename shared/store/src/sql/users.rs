//! Table `users`.

use domain::user::{DisplayName, User};
use domain::{Timestamp, UserId};
use sqlx_data_api::{DataApiPool, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::StoreError;

#[derive(sqlx::FromRow)]
struct Row {
    user_id: Uuid,
    display_name: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    deleted: bool,
}

/// A user as the table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A living user.
    User(User),
    /// A tombstone.
    Deleted,
}

impl From<Row> for Found {
    fn from(row: Row) -> Self {
        if row.deleted {
            return Self::Deleted;
        }
        Self::User(User {
            user_id: UserId(row.user_id),
            display_name: row.display_name,
            created_at: Timestamp::from(row.created_at),
            updated_at: Timestamp::from(row.updated_at),
        })
    }
}

/// The table.
#[derive(Clone, Debug)]
pub struct Users {
    pool: DataApiPool,
}

impl Users {
    /// Over this pool.
    pub fn new(pool: DataApiPool) -> Self {
        Self { pool }
    }

    /// Makes or changes a profile: one statement, safe to repeat. A tombstone stays as it is.
    pub async fn put(&self, user: UserId, display_name: &DisplayName) -> Result<Found, StoreError> {
        let row: Row = query_as(
            "INSERT INTO users AS u (user_id, display_name) VALUES ($1, $2)
             ON CONFLICT (user_id) DO UPDATE SET
                display_name = CASE WHEN u.deleted_at IS NULL THEN excluded.display_name ELSE u.display_name END,
                updated_at = CASE WHEN u.deleted_at IS NULL AND u.display_name <> excluded.display_name
                    THEN now() ELSE u.updated_at END
             RETURNING user_id, display_name, created_at, updated_at, deleted_at IS NOT NULL AS deleted",
        )
        .bind(user.0)
        .bind(display_name.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok(row.into())
    }

    /// The user's profile: one statement.
    pub async fn get(&self, user: UserId) -> Result<Option<Found>, StoreError> {
        let row: Option<Row> = query_as(
            "SELECT user_id, display_name, created_at, updated_at, deleted_at IS NOT NULL AS deleted
             FROM users WHERE user_id = $1",
        )
        .bind(user.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(Found::from))
    }
}
