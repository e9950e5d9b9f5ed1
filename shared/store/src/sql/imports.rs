//! Users and conversations that an import brings.
//!
//! A conversation under way has `import_id`: it is closed and has no members in sight, so that no change of it is allowed. Its row is the claim of
//! the import on everything that is stored under its id.

use domain::{ConversationId, ConversationType, HistoryPolicy, ImportId, Seq, Timestamp, UserId};
use sqlx_data_api::{DataApiPool, query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::conversations::terms;
use super::discovery::vector;
use super::files::StoredFile;
use crate::StoreError;

/// Constraint that is violated if the two users have a private conversation already.
const ONE_PAIR: &str = "one_private_conversation_per_pair";

/// A conversation that is to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedConversation {
    pub conversation_id: ConversationId,
    pub kind: ConversationType,
    pub title: Option<String>,
    pub topic: Option<String>,
    pub history: HistoryPolicy,
    pub retention_days: Option<u32>,
    pub closed: bool,
    pub created_by: UserId,
    pub created_at: Timestamp,
    /// The two of a private conversation, the smaller id first.
    pub pair: Option<[UserId; 2]>,
    /// Number of active members.
    pub member_count: u32,
    /// Number of changes so far.
    pub version: u64,
}

/// A membership period that is to be there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImportedPeriod {
    pub member_id: Uuid,
    /// Its number among those of the user, counted from 1: in their order versions rise.
    pub number: u32,
    pub user_id: UserId,
    pub role: domain::Role,
    pub muted_until: Option<Timestamp>,
    pub joined_seq: Seq,
    pub joined_at: Timestamp,
    pub left: Option<domain::period::Left>,
}

/// The state of a conversation that an import wants to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The import brings it.
    Here,
    /// It is there, and belongs to its users.
    There,
    /// Another import brings it, or was given up in the middle of it.
    By(ImportId),
}

/// Rows of users and conversations for imports. Each call is one or two statements, and safe to repeat.
#[derive(Clone, Debug)]
pub struct ImportRows {
    pool: DataApiPool,
}

impl ImportRows {
    pub fn new(pool: DataApiPool) -> Self {
        Self { pool }
    }

    /// Creates those of these users who do not exist. Others stay as they are.
    pub async fn create_users(&self, users: &[(UserId, String)]) -> Result<(), StoreError> {
        query(
            "INSERT INTO users (user_id, display_name, terms) SELECT u.user_id, u.name, u.terms::tsvector
             FROM unnest($1::uuid[], $2::text[], $3::text[]) AS u (user_id, name, terms)
             ON CONFLICT (user_id) DO NOTHING",
        )
        .bind(users.iter().map(|(user, _)| user.0).collect::<Vec<_>>())
        .bind(users.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>())
        .bind(users.iter().map(|(_, name)| vector(name, None)).collect::<Vec<_>>())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns those of these users whose messages are erased, or are to be.
    pub async fn erased(&self, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as("SELECT user_id FROM erasures WHERE user_id = ANY ($1)")
            .bind(users.iter().map(|user| user.0).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|(id,)| UserId(id)).collect())
    }

    /// Returns the private conversations of pairs of users, as far as there are some. A pair has the smaller id first.
    pub async fn private_conversations(
        &self,
        pairs: &[[UserId; 2]],
    ) -> Result<Vec<([UserId; 2], ConversationId)>, StoreError> {
        let rows: Vec<(Uuid, Uuid, Uuid)> = query_as(
            "SELECT c.private_low, c.private_high, c.conversation_id
             FROM unnest($1::uuid[], $2::uuid[]) AS p (low, high)
             JOIN conversations c ON c.private_low = p.low AND c.private_high = p.high",
        )
        .bind(pairs.iter().map(|pair| pair[0].0).collect::<Vec<_>>())
        .bind(pairs.iter().map(|pair| pair[1].0).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(low, high, id)| ([UserId(low), UserId(high)], ConversationId(id))).collect())
    }

    /// Begins a conversation, as a closed one without members, unless it exists.
    pub async fn begin(&self, import: ImportId, new: &ImportedConversation) -> Result<Begun, StoreError> {
        // A private conversation takes its pair once it is whole: until then its users find none.
        let kind = if new.kind == ConversationType::Private { ConversationType::Group } else { new.kind };
        let found: Option<(Option<Uuid>,)> = query_as(
            "WITH begun AS (
                INSERT INTO conversations (conversation_id, type, title, created_by, created_at, version, member_count,
                    closed_at, history, import_id)
                VALUES ($1, $2, 'import', $3, $4, 1, 0, now(), $5, $6)
                ON CONFLICT (conversation_id) DO NOTHING RETURNING import_id
             )
             SELECT import_id FROM begun
             UNION ALL SELECT import_id FROM conversations WHERE conversation_id = $1",
        )
        .bind(new.conversation_id.0)
        .bind(kind.as_str())
        .bind(new.created_by.0)
        .bind(OffsetDateTime::from(new.created_at))
        .bind(new.history.as_str())
        .bind(import.0)
        .fetch_optional(&self.pool)
        .await?;
        // A row that another one has inserted at this moment is found by the next statement.
        let (found,) = found.ok_or_else(|| StoreError::Busy {
            service: "SQL",
            source: "another import has just begun the conversation".into(),
        })?;
        Ok(match found {
            None => Begun::There,
            Some(found) if found == import.0 => Begun::Here,
            Some(found) => Begun::By(ImportId(found)),
        })
    }

    /// Adds membership periods, up to some thousands. Users who were deleted are in no current one.
    pub async fn add_periods(
        &self,
        import: ImportId,
        conversation: ConversationId,
        periods: &[ImportedPeriod],
    ) -> Result<(), StoreError> {
        let seq = |seq: Seq| i64::try_from(seq.0).unwrap_or(i64::MAX);
        let each = periods.iter();
        query(
            "INSERT INTO conversation_members (member_id, conversation_id, user_id, role, added_by, joined_version,
                joined_at, joined_seq, muted_until, left_version, left_at, left_seq)
             SELECT m.member_id, $1, m.user_id, m.role, c.created_by, m.number, m.joined_at, m.joined_seq,
                m.muted_until, CASE WHEN m.left_at IS NOT NULL THEN m.number END, m.left_at, m.left_seq
             FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::bigint[], $8::timestamptz[],
                $9::timestamptz[], $10::bigint[], $11::bigint[])
                AS m (member_id, user_id, role, joined_at, joined_seq, muted_until, left_at, left_seq, number)
             JOIN conversations c ON c.conversation_id = $1 AND c.import_id = $2
             JOIN users u ON u.user_id = m.user_id AND (u.deleted_at IS NULL OR m.left_at IS NOT NULL)
             ON CONFLICT DO NOTHING",
        )
        .bind(conversation.0)
        .bind(import.0)
        .bind(each.clone().map(|period| period.member_id).collect::<Vec<_>>())
        .bind(each.clone().map(|period| period.user_id.0).collect::<Vec<_>>())
        .bind(each.clone().map(|period| period.role.as_str()).collect::<Vec<_>>())
        .bind(each.clone().map(|period| OffsetDateTime::from(period.joined_at)).collect::<Vec<_>>())
        .bind(each.clone().map(|period| seq(period.joined_seq)).collect::<Vec<_>>())
        .bind(each.clone().map(|period| period.muted_until.map(OffsetDateTime::from)).collect::<Vec<_>>())
        .bind(each.clone().map(|period| period.left.map(|left| OffsetDateTime::from(left.at))).collect::<Vec<_>>())
        .bind(each.clone().map(|period| period.left.map(|left| seq(left.seq))).collect::<Vec<_>>())
        .bind(each.map(|period| i64::from(period.number)).collect::<Vec<_>>())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Gives a conversation, which stays closed, what it is to have. Returns false if its two users have a private conversation already.
    pub async fn complete(&self, import: ImportId, new: &ImportedConversation) -> Result<bool, StoreError> {
        let completed = query(
            "UPDATE conversations SET type = $3, title = $4, topic = $5, retention_days = $6, private_low = $7,
                private_high = $8, member_count = $9, terms = $10::text::tsvector, version = $11
             WHERE conversation_id = $1 AND import_id = $2",
        )
        .bind(new.conversation_id.0)
        .bind(import.0)
        .bind(new.kind.as_str())
        .bind(new.title.clone())
        .bind(new.topic.clone())
        .bind(new.retention_days.map(u32::cast_signed))
        .bind(new.pair.map(|pair| pair[0].0))
        .bind(new.pair.map(|pair| pair[1].0))
        .bind(i32::try_from(new.member_count).unwrap_or(i32::MAX))
        .bind(terms(new.kind, new.title.as_deref(), new.topic.as_deref()))
        .bind(i64::try_from(new.version).unwrap_or(i64::MAX))
        .execute(&self.pool)
        .await;
        match completed {
            Ok(_) => Ok(true),
            Err(error) if error.as_database_error().is_some_and(|error| error.constraint() == Some(ONE_PAIR)) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Hands a conversation to its users: the import has nothing to do with it any more.
    pub async fn open(
        &self,
        import: ImportId,
        conversation: ConversationId,
        stays_closed: bool,
    ) -> Result<(), StoreError> {
        query(
            "UPDATE conversations SET import_id = NULL, closed_at = CASE WHEN $3 THEN closed_at END
             WHERE conversation_id = $1 AND import_id = $2",
        )
        .bind(conversation.0)
        .bind(import.0)
        .bind(stays_closed)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns up to `limit` conversations that an import has not brought to their end.
    pub async fn unfinished(&self, import: ImportId, limit: u32) -> Result<Vec<ConversationId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as(
            "SELECT conversation_id FROM conversations WHERE import_id = $1 ORDER BY conversation_id LIMIT $2",
        )
        .bind(import.0)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
    }

    /// Removes a conversation that an import has not brought to its end, once nothing else is stored of it.
    pub async fn remove(&self, import: ImportId, conversation: ConversationId) -> Result<(), StoreError> {
        query(
            "WITH members AS (
                DELETE FROM conversation_members m USING conversations c
                WHERE c.conversation_id = $1 AND c.import_id = $2 AND m.conversation_id = c.conversation_id
             ), files AS (
                DELETE FROM file_metadata f USING conversations c
                WHERE c.conversation_id = $1 AND c.import_id = $2 AND f.conversation_id = c.conversation_id
             ), erasures AS (
                DELETE FROM erasure_conversations e USING conversations c
                WHERE c.conversation_id = $1 AND c.import_id = $2 AND e.conversation_id = c.conversation_id
             )
             SELECT 1",
        )
        .bind(conversation.0)
        .bind(import.0)
        .execute(&self.pool)
        .await?;
        query("DELETE FROM conversations WHERE conversation_id = $1 AND import_id = $2")
            .bind(conversation.0)
            .bind(import.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Adds the row of a file that is ready. Its bytes follow: an event of their upload finds the row.
    pub async fn add_file(&self, stored: &StoredFile) -> Result<(), StoreError> {
        let file = &stored.file;
        query(
            "INSERT INTO file_metadata (file_id, owner_id, conversation_id, name, content_type, size, sha256, status,
                created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'ready', $8)
             ON CONFLICT (file_id) DO NOTHING",
        )
        .bind(file.file_id.0)
        .bind(stored.owner_id.0)
        .bind(file.conversation_id.0)
        .bind(file.name.as_str())
        .bind(file.content_type.as_str())
        .bind(i64::try_from(file.size).unwrap_or(i64::MAX))
        .bind(file.sha256.as_str())
        .bind(OffsetDateTime::from(file.created_at))
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
