//! Deletes files: expired ones, uploads that never arrived, and the files of deleted users.

use domain::file::{FileStatus, Rejection};
use domain::{FileId, IdRange, Timestamp, UserId};
use futures_util::{StreamExt, stream};
use store::StoreError;
use store::s3::Objects;
use store::sql::FileMetadata;
use store::sql::files::StoredFile;
use store::sqs::FilesBody;
use uuid::Uuid;

use super::FileReferences;

/// Files of a deleted user that one queue message deletes. Ten of these messages are a batch.
const RANGE_SIZE: usize = 50;

/// Most ranges that one invocation queues, in one request for each ten: 100,000 files.
const MAX_RANGES: usize = 2_000;

/// Files that are expired or deleted at the same time, most of which is waiting for services.
const CONCURRENT_FILES: usize = 8;

/// The file after all others.
const LAST: FileId = FileId(Uuid::max());

/// Files, with their metadata in SQL, their bytes in S3 and their references in DynamoDB.
#[derive(Clone, Debug)]
pub struct Files {
    pub(super) references: FileReferences,
    pub(super) metadata: FileMetadata,
    pub(super) objects: Objects,
}

impl Files {
    pub fn new(references: FileReferences, metadata: FileMetadata, objects: Objects) -> Self {
        Self { references, metadata, objects }
    }

    /// Works on a message of the `files` queue. One of the version before that is not due yet waits on.
    pub async fn clean_up(&self, body: FilesBody) -> Result<(), StoreError> {
        if body.due().is_some_and(|due| due > Timestamp::now()) {
            return self.references.defer(body).await;
        }
        match body {
            FilesBody::Upload { file_id, .. } => self.expire_upload(file_id).await,
            FilesBody::Expired { file_id, .. } => self.delete_expired(file_id).await,
            FilesBody::User { user_id, after, last: None } => self.split(user_id, after).await,
            FilesBody::User { user_id, after, last: Some(last) } => self.purge(user_id, IdRange { after, last }).await,
        }
    }

    /// Deletes an expired file unless a message has referenced it since: first its metadata and bytes, then its item.
    async fn delete_expired(&self, file: FileId) -> Result<(), StoreError> {
        if !self.references.decide_deletion(file).await? {
            return Ok(());
        }
        self.metadata.delete(file, FileStatus::Ready).await?;
        // An upload that arrives again after this has no metadata, and its inspection removes it.
        self.objects.remove(file).await?;
        self.references.delete(file).await
    }

    /// Deletes an expired upload whose bytes never arrived or were rejected. Cost for an accepted one: a read unit and no SQL, so
    /// that a paused database stays paused.
    async fn expire_upload(&self, file: FileId) -> Result<(), StoreError> {
        if self.references.is_accepted(file).await? {
            return Ok(());
        }
        match self.metadata.get(file).await? {
            Some(stored) if !stored.is_ready() => self.delete_unready(&stored).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Deletes a file that is not ready, with all that exists of it. Returns false for one that has become ready.
    ///
    /// The item in `files` decides: it is written before the status, and the inspection that wrote it may have crashed in between.
    pub(super) async fn delete_unready(&self, stored: &StoredFile) -> Result<bool, StoreError> {
        let file = stored.file.file_id;
        if stored.file.status == FileStatus::Pending {
            if let Some(dimensions) = self.references.dimensions_if_ready(file).await? {
                self.metadata.accept(file, dimensions).await?;
                self.references.mark_accepted(file).await;
                return Ok(false);
            }
            if !self.metadata.reject(file, Rejection::Abandoned).await?
                && self.metadata.get(file).await?.is_some_and(|stored| stored.is_ready())
            {
                return Ok(false);
            }
        }
        // The file is rejected now: nothing that arrives is accepted any more.
        if let Some(upload_id) = &stored.upload_id {
            self.objects.abort_parts(file, upload_id).await?;
        }
        self.objects.remove(file).await?;
        self.metadata.delete(file, FileStatus::Rejected).await?;
        Ok(true)
    }

    /// Splits the files of a deleted user into ranges, and queues each of them for an invocation of its own, so that the chain of
    /// queue messages is as short for very many files. Deletes them at once if they are few.
    async fn split(&self, user_id: UserId, after: FileId) -> Result<(), StoreError> {
        // The message comes half a minute after the deletion began: by then no request puts a picture any more.
        self.objects.remove_avatar(user_id).await?;
        let all = IdRange { after, last: LAST };
        let borders = self.metadata.borders_of_user(user_id, after, RANGE_SIZE, MAX_RANGES).await?;
        if borders.is_empty() {
            return self.purge(user_id, all).await;
        }
        // The rest of a user with more ranges is split by an invocation of its own.
        let parts = all.split_as_far_as_known(&borders, MAX_RANGES).into_iter();
        let tasks = parts.map(|(after, last)| FilesBody::User { user_id, after, last });
        self.references.defer_all(&tasks.collect::<Vec<_>>()).await
    }

    /// Deletes the files of a deleted user in a range. Files that messages reference are kept, as the messages are. A file that fails
    /// does not stop the others; a failure is returned in the end.
    async fn purge(&self, user: UserId, mut range: IdRange<FileId>) -> Result<(), StoreError> {
        let mut failure = None;
        loop {
            let page = self.metadata.of_user(user, range, RANGE_SIZE).await?;
            let purged = stream::iter(&page).map(|stored| self.purge_file(stored)).buffer_unordered(CONCURRENT_FILES);
            let mut deletions = Vec::new();
            for purged in purged.collect::<Vec<_>>().await {
                match purged {
                    Ok(deletion) => deletions.extend(deletion),
                    // One stands for all: the worker meets each of them again.
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            self.references.defer_all(&deletions).await?;
            match page.last() {
                Some(last) if page.len() == RANGE_SIZE => range.after = last.file.file_id,
                _ => return failure.map_or(Ok(()), Err),
            }
        }
    }

    /// Expires a file, or deletes it if it is not ready. Returns the task that deletes an expired file.
    async fn purge_file(&self, stored: &StoredFile) -> Result<Option<FilesBody>, StoreError> {
        let file = stored.file.file_id;
        let expired = self.references.mark_expired(file).await?;
        if expired.is_some() || stored.is_ready() || self.delete_unready(stored).await? {
            return Ok(expired);
        }
        // It has become ready meanwhile.
        self.references.mark_expired(file).await
    }
}
