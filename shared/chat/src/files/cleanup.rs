//! Deletes files: expired ones, uploads that never arrived, and the files of deleted users.

use domain::file::{FileStatus, Rejection};
use domain::{FileId, Timestamp, UserId};
use store::StoreError;
use store::s3::Objects;
use store::sql::FileMetadata;
use store::sql::files::StoredFile;
use store::sqs::FilesBody;

use super::FileReferences;

/// Files of a deleted user that one queue message deletes.
const PAGE_SIZE: usize = 100;

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

    /// Works on a message of the `files` queue, or queues it again if it is not due yet.
    pub async fn clean_up(&self, body: FilesBody) -> Result<(), StoreError> {
        if body.due().is_some_and(|due| due > Timestamp::now()) {
            return self.references.defer(body).await;
        }
        match body {
            FilesBody::Upload { file_id, .. } => self.expire_upload(file_id).await,
            FilesBody::Expired { file_id, .. } => self.delete_expired(file_id).await,
            FilesBody::User { user_id, after } => self.purge_user(user_id, after).await,
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

    /// Deletes an expired upload whose bytes never arrived or were rejected.
    async fn expire_upload(&self, file: FileId) -> Result<(), StoreError> {
        match self.metadata.get(file).await? {
            Some(stored) if stored.file.status != FileStatus::Ready => self.delete_unready(&stored).await.map(drop),
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
                return Ok(false);
            }
            if !self.metadata.reject(file, Rejection::Abandoned).await?
                && self.metadata.get(file).await?.is_some_and(|stored| stored.file.status == FileStatus::Ready)
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

    /// Deletes the next page of a deleted user's files and queues the page after it. Files that messages reference are kept, as
    /// the messages are.
    async fn purge_user(&self, user_id: UserId, after: FileId) -> Result<(), StoreError> {
        let page = self.metadata.of_user(user_id, after, PAGE_SIZE).await?;
        for file in &page {
            if !self.references.expire(*file).await?
                && let Some(stored) = self.metadata.get(*file).await?
                && stored.file.status != FileStatus::Ready
                && !self.delete_unready(&stored).await?
            {
                self.references.expire(*file).await?;
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE_SIZE => {
                self.references.defer(FilesBody::User { user_id, after: *last }).await
            }
            _ => Ok(()),
        }
    }
}
