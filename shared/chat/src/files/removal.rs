//! How files go for good.
//!
//! A file goes when no message carries it any more, when its owner says so before any does, when its owner goes, or when its
//! bytes never came. Every step may be repeated, and any number may race with messages that carry the file: see
//! [`store::dynamodb::files`].

use std::time::Duration;

use domain::file::{FileStatus, Rejection};
use domain::{FileId, Timestamp, UserId};

use store::StoreError;
use store::dynamodb::Files;
use store::s3::Objects;
use store::sql::FileMetadata;
use store::sql::files::StoredFile;
use store::sqs::{FilesBody, Queue};

/// Files of a user that are dealt with for one message of the queue.
const PAGE: usize = 100;

/// Sets files on their way out.
#[derive(Clone, Debug)]
pub struct Release {
    /// The ready files.
    pub files: Files,
    /// The queue of the worker that removes.
    pub queue: Queue,
    /// How long a file that was released may be taken back: longer than a send can take, and than the stream of `messages` can be
    /// late.
    pub grace: Duration,
}

impl Release {
    /// Sets a file that no message carries on its way out. Whether it is: `false` where one does, or there is no such file.
    pub async fn release(&self, file_id: FileId) -> Result<bool, StoreError> {
        let now = Timestamp::now();
        if !self.files.release(file_id, now).await? {
            return Ok(false);
        }
        self.queue.send_files(FilesBody::Released { file_id, due: now.plus(self.grace) }, now).await?;
        Ok(true)
    }
}

/// Removes files.
#[derive(Clone, Debug)]
pub struct Removal {
    /// Sets files on their way out.
    pub release: Release,
    /// What was announced.
    pub metadata: FileMetadata,
    /// The bytes.
    pub objects: Objects,
}

impl Removal {
    /// Removes a file that was released, unless a message that carries it has come to light since: first the bytes, then what is
    /// known of them.
    pub async fn finish(&self, file: FileId) -> Result<(), StoreError> {
        let before = Timestamp::now().minus(self.release.grace);
        if !self.release.files.decide_removal(file, before).await? {
            return Ok(());
        }
        self.metadata.forget(file, FileStatus::Ready).await?;
        // From here on an upload that comes again is an upload of nothing, and is removed.
        self.objects.remove(file).await?;
        self.release.files.forget(file).await
    }

    /// Looks at an upload whose time is over: what did not come is forgotten, and what was rejected as well.
    pub async fn expire(&self, file: FileId) -> Result<(), StoreError> {
        match self.metadata.get(file).await? {
            Some(stored) if stored.file.status != FileStatus::Ready => self.discard(&stored).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Forgets a file that is not ready, and whatever there is of it; `false` for one that has become ready. Whether it can be
    /// attached is decided by the item in `files`, which is written before the status: where it is there, whoever wrote it may have
    /// died before that.
    pub async fn discard(&self, stored: &StoredFile) -> Result<bool, StoreError> {
        let file = stored.file.file_id;
        if stored.file.status == FileStatus::Pending {
            if let Some(item) = self.release.files.find(file).await? {
                self.metadata.accept(file, item.attachment.dimensions()).await?;
                return Ok(false);
            }
            if !self.metadata.reject(file, Rejection::Abandoned).await?
                && self.metadata.get(file).await?.is_some_and(|stored| stored.file.status == FileStatus::Ready)
            {
                return Ok(false);
            }
        }
        // From here on nothing that comes is taken.
        if let Some(upload_id) = &stored.upload_id {
            self.objects.abort_parts(file, upload_id).await?;
        }
        self.objects.remove(file).await?;
        self.metadata.forget(file, FileStatus::Rejected).await?;
        Ok(true)
    }

    /// Lets go of the next files of a user who is deleted, but for those that messages carry: what was said stays.
    pub async fn forget_some(&self, user_id: UserId, after: FileId) -> Result<(), StoreError> {
        let page = self.metadata.of_user(user_id, after, PAGE).await?;
        for file in &page {
            if !self.release.release(*file).await?
                && let Some(stored) = self.metadata.get(*file).await?
                && stored.file.status != FileStatus::Ready
                && !self.discard(&stored).await?
            {
                self.release.release(*file).await?;
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => {
                self.release.queue.send_files(FilesBody::User { user_id, after: *last }, Timestamp::now()).await
            }
            _ => Ok(()),
        }
    }
}
