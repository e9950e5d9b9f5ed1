//! References of messages to files, and the expiry of a file with its last reference.

use std::time::Duration;

use domain::error::causes;
use domain::{Attachment, FileId, Seq, Timestamp, UserId};
use store::StoreError;
use store::dynamodb::FileItems;
use store::sqs::FilesBody;

use super::FileTasks;

/// Keeps which messages reference a file.
#[derive(Clone, Debug)]
pub struct FileReferences {
    items: FileItems,
    tasks: FileTasks,
    grace: Duration,
}

impl FileReferences {
    /// Keeps references in `items`. `tasks` queues work for the worker that deletes.
    ///
    /// `grace` is the time between a file's expiry and its deletion: longer than a send can take, and than the stream of `messages`
    /// can lag, so that a message on its way still finds its file.
    pub fn new(items: FileItems, tasks: FileTasks, grace: Duration) -> Self {
        Self { items, tasks, grace }
    }

    /// Records that the message at `seq` references a file, which keeps the file. Returns false for a file that is already
    /// being deleted. Cost: one write unit.
    pub async fn reference_added(&self, file: FileId, seq: Seq) -> Result<bool, StoreError> {
        self.items.add_reference(file, seq).await
    }

    /// Records that the message at `seq` no longer references a file, and expires the file with its last reference.
    ///
    /// Cost: one write unit; for the last reference another one, and one request to SQS.
    pub async fn reference_removed(&self, file: FileId, seq: Seq) -> Result<(), StoreError> {
        if self.items.remove_reference(file, seq).await? {
            self.expire(file).await?;
        }
        Ok(())
    }

    /// Expires a file: no message can reference it afterwards, and the worker deletes it after the grace period unless a
    /// message that was on its way references it. Returns false if a message references it, or if there is no such file.
    pub(super) async fn expire(&self, file_id: FileId) -> Result<bool, StoreError> {
        let expired = self.mark_expired(file_id).await?;
        if let Some(deletion) = expired {
            self.defer(deletion).await?;
        }
        Ok(expired.is_some())
    }

    /// Like [`Self::expire`], but returns the task of the worker instead of queuing it.
    pub(super) async fn mark_expired(&self, file_id: FileId) -> Result<Option<FilesBody>, StoreError> {
        let now = Timestamp::now();
        let expired = self.items.expire(file_id, now).await?;
        Ok(expired.then(|| FilesBody::Expired { file_id, due: now.plus(self.grace) }))
    }

    /// Decides that an expired file is deleted now. Returns false if a message has referenced it since, or if it expired less than
    /// the grace period ago.
    pub(super) async fn decide_deletion(&self, file: FileId) -> Result<bool, StoreError> {
        self.items.decide_deletion(file, Timestamp::now().minus(self.grace)).await
    }

    /// Deletes the item of a file: the last step of its deletion. Safe to repeat.
    pub(super) async fn delete(&self, file: FileId) -> Result<(), StoreError> {
        self.items.delete(file).await
    }

    /// Returns the dimensions of a ready file if its item exists: `Some(None)` for a file that is not an image.
    pub(super) async fn dimensions_if_ready(
        &self,
        file: FileId,
    ) -> Result<Option<Option<domain::file::Dimensions>>, StoreError> {
        Ok(self.items.find(file).await?.map(|item| item.attachment.dimensions()))
    }

    /// Returns a ready file of its owner's.
    pub(super) async fn owned(&self, file: FileId, owner: UserId) -> Result<Option<Attachment>, StoreError> {
        let item = self.items.find(file).await?.filter(|item| item.owner_id == owner);
        Ok(item.map(|item| item.attachment))
    }

    /// Records that SQL has accepted a ready file, so that the check of its upload needs no SQL. A failure is no error: then the
    /// check asks SQL.
    pub(super) async fn mark_accepted(&self, file: FileId) {
        mark_accepted(&self.items, file).await;
    }

    /// Returns true if a file is ready and SQL has accepted it. Cost: one read unit.
    pub(super) async fn is_accepted(&self, file: FileId) -> Result<bool, StoreError> {
        Ok(self.items.find(file).await?.is_some_and(|item| item.accepted))
    }

    /// Queues work for the `file-cleanup` worker, until it is due.
    pub(super) async fn defer(&self, body: FilesBody) -> Result<(), StoreError> {
        self.tasks.defer(body).await
    }

    /// The same for several tasks.
    pub(super) async fn defer_all(&self, bodies: &[FilesBody]) -> Result<(), StoreError> {
        self.tasks.defer_all(bodies).await
    }
}

/// Records in the item of a ready file that SQL has accepted it.
pub(super) async fn mark_accepted(items: &FileItems, file_id: FileId) {
    if let Err(error) = items.mark_accepted(file_id).await {
        tracing::warn!(%file_id, error = causes(&error), "the check of an accepted upload will read SQL");
    }
}
