//! Table `file_metadata`: files from their announcement to their end.

use domain::file::{ContentType, Dimensions, File, FileName, FileStatus, NewFile, Rejection, Sha256Hex};
use domain::{ApiError, Attachment, ConversationId, ErrorCode, FileId, IdRange, Idempotency, UserId};
use sqlx_data_api::{DataApiConnection, DataApiPool, DataApiPoolExt, query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::timestamp;
use crate::StoreError;
use crate::dynamodb::FileItem;

/// A file as the table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The file as its owner sees it.
    pub file: File,
    pub owner_id: UserId,
    /// S3's id of the upload, if the file is uploaded in parts.
    pub upload_id: Option<String>,
}

impl StoredFile {
    /// Returns true if the file can be attached and downloaded.
    pub fn is_ready(&self) -> bool {
        self.file.status == FileStatus::Ready
    }

    /// Returns the item of the file, as nobody references it.
    pub fn item(&self) -> FileItem {
        let file = &self.file;
        FileItem {
            attachment: Attachment {
                file_id: file.file_id,
                name: file.name.clone(),
                content_type: file.content_type.clone(),
                size: file.size,
                width: file.dimensions.map(|dimensions| dimensions.width),
                height: file.dimensions.map(|dimensions| dimensions.height),
            },
            owner_id: self.owner_id,
            conversation_id: file.conversation_id,
            referenced_by: Vec::new(),
            released_at: None,
            accepted: self.is_ready(),
        }
    }
}

/// A file to announce.
#[derive(Clone, Debug)]
pub struct Announcement<'a> {
    /// The id that it gets.
    pub file_id: FileId,
    pub owner_id: UserId,
    pub conversation_id: ConversationId,
    pub new: &'a NewFile,
    /// S3's id of the upload, if the file is uploaded in parts.
    pub upload_id: Option<&'a str>,
    pub idempotency: Option<&'a Idempotency>,
}

/// Outcome of an announcement.
#[derive(Debug)]
pub enum Announced {
    /// The file waits for its bytes.
    New(StoredFile),
    /// The same key had announced this one.
    Existing(StoredFile),
}

/// Reasons for which a file cannot be announced.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// The owner has no profile.
    #[error("the owner has no profile")]
    ProfileRequired,
    /// The owner is deleted.
    #[error("the owner is deleted")]
    UserDeleted,
    /// The file would exceed the owner's quota of bytes.
    #[error("the file would exceed the owner's quota")]
    QuotaExceeded,
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AnnounceError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<AnnounceError> for ApiError {
    fn from(error: AnnounceError) -> Self {
        let (code, message) = match error {
            AnnounceError::ProfileRequired => return Self::profile_required(),
            AnnounceError::UserDeleted => return Self::user_deleted(),
            AnnounceError::QuotaExceeded => {
                (ErrorCode::QuotaExceeded, "This file would exceed the quota of bytes for your files.")
            }
            AnnounceError::IdempotencyMismatch => {
                (ErrorCode::IdempotencyMismatch, "This `Idempotency-Key` was used for another request.")
            }
            AnnounceError::Store(error) => return error.into(),
        };
        Self::new(code, message)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    file_id: Uuid,
    owner_id: Uuid,
    conversation_id: Uuid,
    name: String,
    content_type: String,
    size: i64,
    sha256: String,
    upload_id: Option<String>,
    status: String,
    reason: Option<String>,
    width: Option<i32>,
    height: Option<i32>,
    created_at: OffsetDateTime,
}

impl TryFrom<Row> for StoredFile {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let malformed = |what: &str| StoreError::Inconsistent(format!("malformed {what} of file {}", row.file_id));
        let side = |side: Option<i32>| side.and_then(|side| u32::try_from(side).ok());
        let dimensions = side(row.width).zip(side(row.height)).map(|(width, height)| Dimensions { width, height });
        let reason = row.reason.as_deref().map(|reason| Rejection::parse(reason).ok_or_else(|| malformed("reason")));
        let file = File {
            file_id: FileId(row.file_id),
            conversation_id: ConversationId(row.conversation_id),
            name: FileName::stored(row.name),
            content_type: ContentType::parse(&row.content_type).map_err(|_| malformed("content type"))?,
            size: u64::try_from(row.size).map_err(|_| malformed("size"))?,
            sha256: Sha256Hex::parse(&row.sha256).map_err(|_| malformed("checksum"))?,
            status: FileStatus::parse(&row.status).ok_or_else(|| malformed("status"))?,
            reason: reason.transpose()?,
            dimensions,
            created_at: timestamp(row.created_at),
        };
        Ok(Self { file, owner_id: UserId(row.owner_id), upload_id: row.upload_id })
    }
}

#[derive(Clone, Debug)]
pub struct FileMetadata {
    pool: DataApiPool,
}

impl FileMetadata {
    pub fn new(pool: DataApiPool) -> Self {
        Self { pool }
    }

    /// Announces a file, unless the files of its owner would exceed `quota` bytes together. Rejected files do not count.
    ///
    /// Cost: four requests with begin and commit. The row of the owner is the lock, so that concurrent announcements cannot
    /// exceed the quota.
    pub async fn announce(&self, new: &Announcement<'_>, quota: u64) -> Result<Announced, AnnounceError> {
        self.pool
            .transaction(async |mut tx| {
                lock(&mut tx, new.owner_id).await?;
                if let Some(file) = insert(&mut tx, new, quota).await? {
                    return Ok(Announced::New(file));
                }
                let Some(idempotency) = new.idempotency else { return Err(AnnounceError::QuotaExceeded) };
                match by_key(&mut tx, new.owner_id, &idempotency.key).await? {
                    None => Err(AnnounceError::QuotaExceeded),
                    Some((_, digest)) if digest != idempotency.digest => Err(AnnounceError::IdempotencyMismatch),
                    Some((file, _)) => Ok(Announced::Existing(file)),
                }
            })
            .await
    }

    /// The file: one statement.
    pub async fn get(&self, file: FileId) -> Result<Option<StoredFile>, StoreError> {
        let row: Option<Row> = query_as(
            "SELECT file_id, owner_id, conversation_id, name, content_type, size, sha256, upload_id, status, reason,
                width, height, created_at
             FROM file_metadata WHERE file_id = $1",
        )
        .bind(file.0)
        .fetch_optional(&self.pool)
        .await?;
        row.map(StoredFile::try_from).transpose()
    }

    /// Up to `limit` files after `after`, in the order of their ids: one statement.
    pub async fn page(&self, after: FileId, limit: usize) -> Result<Vec<StoredFile>, StoreError> {
        let rows: Vec<Row> = query_as(
            "SELECT file_id, owner_id, conversation_id, name, content_type, size, sha256, upload_id, status, reason,
                width, height, created_at
             FROM file_metadata WHERE file_id > $1 ORDER BY file_id LIMIT $2",
        )
        .bind(after.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(StoredFile::try_from).collect()
    }

    /// Up to `limit` files of a range that a user owns, in the order of their ids: one statement.
    pub async fn of_user(
        &self,
        owner: UserId,
        range: IdRange<FileId>,
        limit: usize,
    ) -> Result<Vec<StoredFile>, StoreError> {
        let rows: Vec<Row> = query_as(
            "SELECT file_id, owner_id, conversation_id, name, content_type, size, sha256, upload_id, status, reason,
                width, height, created_at
             FROM file_metadata WHERE owner_id = $1 AND file_id > $2 AND file_id <= $3 ORDER BY file_id LIMIT $4",
        )
        .bind(owner.0)
        .bind(range.after.0)
        .bind(range.last.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(StoredFile::try_from).collect()
    }

    /// Up to `limit` ready files of a conversation after `after`, in the order of their ids: one statement.
    pub async fn of_conversation(
        &self,
        conversation: ConversationId,
        after: FileId,
        limit: usize,
    ) -> Result<Vec<StoredFile>, StoreError> {
        let rows: Vec<Row> = query_as(
            "SELECT file_id, owner_id, conversation_id, name, content_type, size, sha256, upload_id, status, reason,
                width, height, created_at
             FROM file_metadata WHERE conversation_id = $1 AND file_id > $2 AND status = 'ready' ORDER BY file_id LIMIT $3",
        )
        .bind(conversation.0)
        .bind(after.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(StoredFile::try_from).collect()
    }

    /// Every `every`th file of a user after `after`, in the order of their ids, up to `limit`: one statement.
    pub async fn borders_of_user(
        &self,
        owner: UserId,
        after: FileId,
        every: usize,
        limit: usize,
    ) -> Result<Vec<FileId>, StoreError> {
        let rows: Vec<(Uuid,)> = query_as(
            "SELECT file_id FROM (
                SELECT file_id, row_number() OVER (ORDER BY file_id) AS n FROM file_metadata
                WHERE owner_id = $1 AND file_id > $2
             ) AS listed WHERE n % $3 = 0 ORDER BY file_id LIMIT $4",
        )
        .bind(owner.0)
        .bind(after.0)
        .bind(i64::try_from(every).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(id,)| FileId(id)).collect())
    }

    /// Makes a pending file ready; whether it was pending. One statement, safe to repeat.
    pub async fn accept(&self, file: FileId, dimensions: Option<Dimensions>) -> Result<bool, StoreError> {
        let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        let changed = query(
            "UPDATE file_metadata SET status = 'ready', width = $2, height = $3
             WHERE file_id = $1 AND status = 'pending'",
        )
        .bind(file.0)
        .bind(dimensions.map(|dimensions| side(dimensions.width)))
        .bind(dimensions.map(|dimensions| side(dimensions.height)))
        .execute(&self.pool)
        .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Rejects a pending file; whether it was pending. One statement, safe to repeat.
    pub async fn reject(&self, file: FileId, reason: Rejection) -> Result<bool, StoreError> {
        let changed = query(
            "UPDATE file_metadata SET status = 'rejected', reason = $2
             WHERE file_id = $1 AND status = 'pending'",
        )
        .bind(file.0)
        .bind(reason.as_str())
        .execute(&self.pool)
        .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Deletes a file that has this status, and records that its owner had it: one statement, safe to repeat. Bytes that arrive later
    /// are rejected.
    pub async fn delete(&self, file: FileId, status: FileStatus) -> Result<(), StoreError> {
        query(
            "WITH deleted AS (DELETE FROM file_metadata WHERE file_id = $1 AND status = $2 RETURNING file_id, owner_id)
             INSERT INTO deleted_files (file_id, owner_id) SELECT file_id, owner_id FROM deleted
             ON CONFLICT (file_id) DO NOTHING",
        )
        .bind(file.0)
        .bind(status.as_str())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns true if this user had the file, and it is deleted: one statement.
    pub async fn is_deleted(&self, file: FileId, owner: UserId) -> Result<bool, StoreError> {
        let found: Option<(Uuid,)> = query_as("SELECT file_id FROM deleted_files WHERE file_id = $1 AND owner_id = $2")
            .bind(file.0)
            .bind(owner.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.is_some())
    }
}

/// Locks the owner's row until the transaction ends.
async fn lock(connection: &mut DataApiConnection, owner: UserId) -> Result<(), AnnounceError> {
    let found: Option<(bool,)> = query_as(
        "SELECT deleted_at IS NOT NULL FROM users
         WHERE user_id = $1 FOR NO KEY UPDATE",
    )
    .bind(owner.0)
    .fetch_optional(connection)
    .await?;
    match found {
        None => Err(AnnounceError::ProfileRequired),
        Some((true,)) => Err(AnnounceError::UserDeleted),
        Some((false,)) => Ok(()),
    }
}

/// Inserts the file if the quota allows it and its key is unused.
async fn insert(
    connection: &mut DataApiConnection,
    new: &Announcement<'_>,
    quota: u64,
) -> Result<Option<StoredFile>, AnnounceError> {
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let row: Option<Row> = query_as(
        "INSERT INTO file_metadata (file_id, owner_id, conversation_id, name, content_type, size, sha256, upload_id,
            idempotency_key, request_digest)
         SELECT $1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, $6::bigint, $7::text, $8::text, $9::text, $10::text
         WHERE (SELECT coalesce(sum(size), 0) FROM file_metadata WHERE owner_id = $2 AND status <> 'rejected') + $6 <= $11
         ON CONFLICT (owner_id, idempotency_key) DO NOTHING
         RETURNING file_id, owner_id, conversation_id, name, content_type, size, sha256, upload_id, status, reason,
            width, height, created_at",
    )
    .bind(new.file_id.0)
    .bind(new.owner_id.0)
    .bind(new.conversation_id.0)
    .bind(new.new.name.as_str())
    .bind(new.new.content_type.as_str())
    .bind(bytes(new.new.size))
    .bind(new.new.sha256.as_str())
    .bind(new.upload_id)
    .bind(new.idempotency.map(|idempotency| idempotency.key.as_str()))
    .bind(new.idempotency.map(|idempotency| idempotency.digest.as_str()))
    .bind(bytes(quota))
    .fetch_optional(connection)
    .await?;
    Ok(row.map(StoredFile::try_from).transpose()?)
}

/// The file that a key announced, and the fingerprint of the request.
async fn by_key(
    connection: &mut DataApiConnection,
    owner: UserId,
    key: &str,
) -> Result<Option<(StoredFile, String)>, AnnounceError> {
    #[derive(sqlx::FromRow)]
    struct Keyed {
        #[sqlx(flatten)]
        row: Row,
        request_digest: String,
    }
    let found: Option<Keyed> = query_as(
        "SELECT file_id, owner_id, conversation_id, name, content_type, size, sha256, upload_id, status, reason,
            width, height, created_at, request_digest
         FROM file_metadata WHERE owner_id = $1 AND idempotency_key = $2",
    )
    .bind(owner.0)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|found| Ok::<_, StoreError>((found.row.try_into()?, found.request_digest))).transpose()?)
}
