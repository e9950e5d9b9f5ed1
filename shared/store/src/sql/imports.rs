//! Users and conversations that an import brings.
//!
//! A conversation under way has `import_id`: it is closed and has no members in sight, so that no change of it is allowed. Its row is the claim of
//! the import on everything that is stored under its id.

use std::collections::BTreeMap;

use domain::{ConversationId, ConversationType, Custom, HistoryPolicy, ImportId, Seq, Timestamp, UserId};
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
    pub custom: Option<Custom>,
    pub pinned_seqs: Vec<Seq>,
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
    pub conversation_id: ConversationId,
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
    /// The import brings it. Nothing is stored of it.
    New,
    /// The import brings it, and has begun it before.
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

    /// Returns those of these pairs of users whose private conversation cannot be the one beside them: they have another, or one of
    /// them blocks the other. A pair has the smaller id first.
    pub async fn taken_pairs(&self, wanted: &[([UserId; 2], ConversationId)]) -> Result<Vec<[UserId; 2]>, StoreError> {
        let rows: Vec<(Uuid, Uuid)> = query_as(
            "SELECT p.low, p.high FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (low, high, wanted)
             JOIN conversations c ON c.private_low = p.low AND c.private_high = p.high AND c.conversation_id <> p.wanted
             UNION ALL SELECT p.low, p.high FROM unnest($1::uuid[], $2::uuid[]) AS p (low, high)
             JOIN blocks b ON b.blocker_id = p.low AND b.blocked_id = p.high
             UNION ALL SELECT p.low, p.high FROM unnest($1::uuid[], $2::uuid[]) AS p (low, high)
             JOIN blocks b ON b.blocker_id = p.high AND b.blocked_id = p.low",
        )
        .bind(wanted.iter().map(|(pair, _)| pair[0].0).collect::<Vec<_>>())
        .bind(wanted.iter().map(|(pair, _)| pair[1].0).collect::<Vec<_>>())
        .bind(wanted.iter().map(|(_, conversation)| conversation.0).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(low, high)| [UserId(low), UserId(high)]).collect())
    }

    /// Begins conversations, as closed ones without members, unless they exist. Returns their states in the same order.
    pub async fn begin(&self, import: ImportId, new: &[ImportedConversation]) -> Result<Vec<Begun>, StoreError> {
        // A private conversation takes its pair once it is whole: until then its users find none.
        let kind = |new: &ImportedConversation| match new.kind {
            ConversationType::Private => ConversationType::Group,
            kind => kind,
        };
        let rows: Vec<(Uuid, Option<Uuid>, bool)> = query_as(
            "WITH begun AS (
                INSERT INTO conversations (conversation_id, type, title, created_by, created_at, version, member_count,
                    closed_at, history, import_id)
                SELECT n.conversation_id, n.type, 'import', n.created_by, n.created_at, 1, 0, now(), n.history, $1
                FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[], $6::text[])
                    AS n (conversation_id, type, created_by, created_at, history)
                ON CONFLICT (conversation_id) DO NOTHING RETURNING conversation_id, import_id
             )
             SELECT conversation_id, import_id, true FROM begun
             UNION ALL SELECT conversation_id, import_id, false FROM conversations WHERE conversation_id = ANY ($2)",
        )
        .bind(import.0)
        .bind(new.iter().map(|new| new.conversation_id.0).collect::<Vec<_>>())
        .bind(new.iter().map(|new| kind(new).as_str()).collect::<Vec<_>>())
        .bind(new.iter().map(|new| new.created_by.0).collect::<Vec<_>>())
        .bind(new.iter().map(|new| OffsetDateTime::from(new.created_at)).collect::<Vec<_>>())
        .bind(new.iter().map(|new| new.history.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await?;
        let found: BTreeMap<Uuid, (Option<Uuid>, bool)> =
            rows.into_iter().map(|(id, by, is_new)| (id, (by, is_new))).collect();
        let state = |new: &ImportedConversation| match found.get(&new.conversation_id.0) {
            // A row that another one has inserted at this moment is found by the next statement.
            None => Err(StoreError::Busy {
                service: "SQL",
                source: "another import has just begun the conversation".into(),
            }),
            Some((_, true)) => Ok(Begun::New),
            Some((None, _)) => Ok(Begun::There),
            Some((Some(by), _)) if *by == import.0 => Ok(Begun::Here),
            Some((Some(by), _)) => Ok(Begun::By(ImportId(*by))),
        };
        new.iter().map(state).collect()
    }

    /// Adds membership periods, up to some thousands. Users who were deleted are in no current one.
    pub async fn add_periods(&self, import: ImportId, periods: &[ImportedPeriod]) -> Result<(), StoreError> {
        let seq = |seq: Seq| i64::try_from(seq.0).unwrap_or(i64::MAX);
        let each = periods.iter();
        query(
            "INSERT INTO conversation_members (member_id, conversation_id, user_id, role, added_by, joined_version,
                joined_at, joined_seq, muted_until, left_version, left_at, left_seq)
             SELECT m.member_id, m.conversation_id, m.user_id, m.role, c.created_by, m.number, m.joined_at,
                m.joined_seq, m.muted_until, CASE WHEN m.left_at IS NOT NULL THEN m.number END, m.left_at, m.left_seq
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::bigint[],
                $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::bigint[])
                AS m (conversation_id, member_id, user_id, role, joined_at, joined_seq, muted_until, left_at, left_seq,
                    number)
             JOIN conversations c ON c.conversation_id = m.conversation_id AND c.import_id = $1
             JOIN users u ON u.user_id = m.user_id AND (u.deleted_at IS NULL OR m.left_at IS NOT NULL)
             ON CONFLICT DO NOTHING",
        )
        .bind(import.0)
        .bind(each.clone().map(|period| period.conversation_id.0).collect::<Vec<_>>())
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

    /// Gives conversations, which stay closed, what they are to have. Returns false, and changes none, if the two users of a private one have
    /// another already.
    pub async fn complete(&self, import: ImportId, new: &[ImportedConversation]) -> Result<bool, StoreError> {
        let each = new.iter();
        let user = |user: Option<UserId>| user.map(|user| user.0);
        let completed = query(
            "UPDATE conversations c SET type = n.type, title = n.title, topic = n.topic,
                retention_days = n.retention_days, private_low = n.private_low, private_high = n.private_high,
                member_count = n.member_count, terms = n.terms::tsvector, version = n.version,
                custom = n.custom, pinned_seqs = n.pinned_seqs::bigint[]
             FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::uuid[], $8::uuid[], $9::int[],
                $10::text[], $11::bigint[], $12::text[],
                $13::text[])
                AS n (conversation_id, type, title, topic, retention_days, private_low, private_high, member_count, terms,
                    version, custom, pinned_seqs)
             WHERE c.conversation_id = n.conversation_id AND c.import_id = $1",
        )
        .bind(import.0)
        .bind(each.clone().map(|new| new.conversation_id.0).collect::<Vec<_>>())
        .bind(each.clone().map(|new| new.kind.as_str()).collect::<Vec<_>>())
        .bind(each.clone().map(|new| new.title.clone()).collect::<Vec<_>>())
        .bind(each.clone().map(|new| new.topic.clone()).collect::<Vec<_>>())
        .bind(each.clone().map(|new| new.retention_days.map(u32::cast_signed)).collect::<Vec<_>>())
        .bind(each.clone().map(|new| user(new.pair.map(|pair| pair[0]))).collect::<Vec<_>>())
        .bind(each.clone().map(|new| user(new.pair.map(|pair| pair[1]))).collect::<Vec<_>>())
        .bind(each.clone().map(|new| i32::try_from(new.member_count).unwrap_or(i32::MAX)).collect::<Vec<_>>())
        .bind(each.clone().map(|new| terms(new.kind, new.title.as_deref(), new.topic.as_deref())).collect::<Vec<_>>())
        .bind(each.clone().map(|new| i64::try_from(new.version).unwrap_or(i64::MAX)).collect::<Vec<_>>())
        .bind(each.clone().map(|new| new.custom.as_ref().map(Custom::canonical)).collect::<Vec<_>>())
        // An array of arrays has to be rectangular, so each is a text.
        .bind(each.map(|new| seqs(&new.pinned_seqs)).collect::<Vec<_>>())
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

    /// Hands conversations to their users: the import has nothing to do with them any more. Each comes with whether it stays closed.
    pub async fn open(&self, import: ImportId, conversations: &[(ConversationId, bool)]) -> Result<(), StoreError> {
        query(
            "UPDATE conversations c SET import_id = NULL, closed_at = CASE WHEN n.stays_closed THEN c.closed_at END
             FROM unnest($2::uuid[], $3::boolean[]) AS n (conversation_id, stays_closed)
             WHERE c.conversation_id = n.conversation_id AND c.import_id = $1",
        )
        .bind(import.0)
        .bind(conversations.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
        .bind(conversations.iter().map(|(_, stays_closed)| *stays_closed).collect::<Vec<_>>())
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

/// Returns seqs as PostgreSQL writes an array.
fn seqs(seqs: &[Seq]) -> String {
    format!("{{{}}}", seqs.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}
