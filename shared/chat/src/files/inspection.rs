//! The outcome of an inspection: an upload is accepted as a ready file, or rejected.

use domain::FileId;
use domain::file::{Dimensions, File, FileStatus, Rejection};
use store::StoreError;
use store::dynamodb::FileItems;
use store::s3::Objects;
use store::sql::FileMetadata;
use store::sql::files::StoredFile;

use super::references::mark_accepted;

/// Records the outcomes of inspections of uploads.
#[derive(Clone, Debug)]
pub struct Inspections {
    items: FileItems,
    metadata: FileMetadata,
    objects: Objects,
}

impl Inspections {
    /// Records decisions in `items` and `metadata`; `objects` has the bytes.
    pub fn new(items: FileItems, metadata: FileMetadata, objects: Objects) -> Self {
        Self { items, metadata, objects }
    }

    /// Returns the bucket that has the bytes.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Returns the file to inspect after an upload. `None` if there is nothing to do: the file is ready, or it is no longer
    /// needed and its bytes were removed.
    pub async fn pending(&self, file: FileId) -> Result<Option<StoredFile>, StoreError> {
        let Some(stored) = self.metadata.get(file).await? else {
            self.objects.remove(file).await?;
            return Ok(None);
        };
        match stored.file.status {
            FileStatus::Pending => Ok(Some(stored)),
            // The signature binds the bytes: the same ones were uploaded again.
            FileStatus::Ready => Ok(None),
            FileStatus::Rejected => self.objects.remove(file).await.map(|()| None),
        }
    }

    /// Makes a file ready: its item first, which decides that it can be attached, then its status. Thumbnails have to be stored
    /// before. Returns the file as its owner sees it; `None` if another inspection was faster or the file was deleted meanwhile.
    pub async fn accept(
        &self,
        stored: &StoredFile,
        dimensions: Option<Dimensions>,
    ) -> Result<Option<File>, StoreError> {
        let mut inspected = stored.clone();
        inspected.file.dimensions = dimensions;
        self.items.put(&inspected.item()).await?;
        let file = &stored.file;
        if self.metadata.accept(file.file_id, dimensions).await? {
            mark_accepted(&self.items, file.file_id).await;
            return Ok(Some(File { status: FileStatus::Ready, ..inspected.file }));
        }
        self.undo_unless_ready(file.file_id).await?;
        Ok(None)
    }

    /// Removes what an acceptance wrote for a file that was deleted meanwhile. Does nothing for a ready file, whose event was
    /// delivered twice.
    async fn undo_unless_ready(&self, file: FileId) -> Result<(), StoreError> {
        if self.metadata.get(file).await?.is_some_and(|stored| stored.is_ready()) {
            return Ok(());
        }
        self.items.delete(file).await?;
        self.objects.remove(file).await
    }

    /// Rejects an upload and removes its bytes. Returns the file as its owner sees it; `None` if it was not pending any more.
    pub async fn reject(&self, stored: &StoredFile, reason: Rejection) -> Result<Option<File>, StoreError> {
        let file = &stored.file;
        let rejected = self.metadata.reject(file.file_id, reason).await?;
        self.objects.remove(file.file_id).await?;
        Ok(rejected.then(|| File { status: FileStatus::Rejected, reason: Some(reason), ..file.clone() }))
    }
}
