//! References of messages to files, and the expiry of a file with its last reference.

use std::time::Duration;

use domain::{Attachment, FileId, Seq, Timestamp, UserId};
use store::StoreError;
use store::dynamodb::FileItems;
use store::sqs::{FilesBody, Queue};

/// Keeps which messages reference a file.
#[derive(Clone, Debug)]
pub struct FileReferences {
    items: FileItems,
    queue: Queue,
    grace: Duration,
}

impl FileReferences {
    /// Keeps references in `items`. `queue` is the queue of the worker that deletes.
    ///
    /// `grace` is the time between a file's expiry and its deletion: longer than a send can take, and than the stream of `messages`
    /// can lag, so that a message on its way still finds its file.
    pub fn new(items: FileItems, queue: Queue, grace: Duration) -> Self {
        Self { items, queue, grace }
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

    /// Queues work for the `file-cleanup` worker, until it is due. SQS keeps a message back for at most 15 minutes; the worker queues
    /// it again.
    pub(super) async fn defer(&self, body: FilesBody) -> Result<(), StoreError> {
        self.queue.send_files(body, Timestamp::now()).await
    }

    /// The same for several tasks. Cost: one request for each ten.
    pub(super) async fn defer_all(&self, bodies: &[FilesBody]) -> Result<(), StoreError> {
        self.queue.send_all_files(bodies, Timestamp::now()).await
    }
}
