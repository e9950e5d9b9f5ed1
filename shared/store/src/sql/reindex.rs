//! The new index of messages that is being filled, and what is left of that work.
//!
//! A part is recorded before it is queued and removed after it is done, and it records the parts that it is split into before it ends.
//! So the index is full if no part is left, whatever became of queue messages.

use sqlx_data_api::{DataApiPool, query, query_as};
use uuid::Uuid;

use crate::StoreError;

/// An index that is being filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIndex {
    pub reindex_id: Uuid,
    pub name: String,
    /// Indexes that are deleted once this one is full.
    pub replaces: Vec<String>,
}

/// The progress of filling a new index. Each call is one statement.
#[derive(Clone, Debug)]
pub struct ReindexProgress {
    pool: DataApiPool,
}

impl ReindexProgress {
    pub fn new(pool: DataApiPool) -> Self {
        Self { pool }
    }

    /// Returns the index that is being filled, if there is one.
    pub async fn current(&self) -> Result<Option<NewIndex>, StoreError> {
        let row: Option<(Uuid, String, Vec<String>)> =
            query_as("SELECT reindex_id, index_name, replaces FROM search_reindex WHERE is_only")
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(reindex_id, name, replaces)| NewIndex { reindex_id, name, replaces }))
    }

    /// Records a new index with its first part, in the place of `before`. Returns false, and records nothing, if another one is current.
    pub async fn begin(&self, new: &NewIndex, before: Option<Uuid>, first: &str) -> Result<bool, StoreError> {
        let (begun,): (i64,) = query_as(
            "WITH begun AS (
                INSERT INTO search_reindex (reindex_id, index_name, replaces) VALUES ($1, $2, $3::text[])
                ON CONFLICT (is_only) DO UPDATE SET reindex_id = excluded.reindex_id,
                    index_name = excluded.index_name, replaces = excluded.replaces
                WHERE search_reindex.reindex_id = $4::uuid
                RETURNING reindex_id
             ), abandoned AS (
                DELETE FROM search_reindex_parts p USING begun WHERE p.reindex_id = $4::uuid
             ), first AS (
                INSERT INTO search_reindex_parts (reindex_id, part) SELECT reindex_id, $5::text FROM begun
             )
             SELECT count(*) FROM begun",
        )
        .bind(new.reindex_id)
        .bind(&new.name)
        .bind(&new.replaces)
        .bind(before)
        .bind(first)
        .fetch_one(&self.pool)
        .await?;
        Ok(begun > 0)
    }

    /// Records parts, unless another index is current.
    pub async fn add(&self, reindex: Uuid, parts: &[String]) -> Result<(), StoreError> {
        query(
            "INSERT INTO search_reindex_parts (reindex_id, part)
             SELECT reindex_id, added.part FROM search_reindex, unnest($2::text[]) AS added (part)
             WHERE is_only AND reindex_id = $1
             ON CONFLICT DO NOTHING",
        )
        .bind(reindex)
        .bind(parts)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns true if the part is left to do.
    pub async fn is_left(&self, reindex: Uuid, part: &str) -> Result<bool, StoreError> {
        let (is_left,): (bool,) =
            query_as("SELECT EXISTS (SELECT FROM search_reindex_parts WHERE reindex_id = $1 AND part = $2)")
                .bind(reindex)
                .bind(part)
                .fetch_one(&self.pool)
                .await?;
        Ok(is_left)
    }

    /// Removes a part that is done.
    pub async fn done(&self, reindex: Uuid, part: &str) -> Result<(), StoreError> {
        query("DELETE FROM search_reindex_parts WHERE reindex_id = $1 AND part = $2")
            .bind(reindex)
            .bind(part)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Returns the number of parts that are left.
    pub async fn count(&self, reindex: Uuid) -> Result<u64, StoreError> {
        let (count,): (i64,) = query_as("SELECT count(*) FROM search_reindex_parts WHERE reindex_id = $1")
            .bind(reindex)
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Returns up to `limit` parts that are left, after one in their order.
    pub async fn left(&self, reindex: Uuid, after: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = query_as(
            "SELECT part FROM search_reindex_parts WHERE reindex_id = $1 AND part > $2 ORDER BY part LIMIT $3",
        )
        .bind(reindex)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(part,)| part).collect())
    }

    /// Ends the work on an index.
    pub async fn end(&self, reindex: Uuid) -> Result<(), StoreError> {
        query(
            "WITH ended AS (DELETE FROM search_reindex WHERE is_only AND reindex_id = $1)
             DELETE FROM search_reindex_parts WHERE reindex_id = $1",
        )
        .bind(reindex)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
