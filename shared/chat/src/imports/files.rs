//! The files of an import: ready at once, without thumbnails.

use domain::file::{File, FileName, FileStatus, Sha256Hex};
use domain::{Attachment, ConversationId, FileId, Timestamp, UserId, hex};
use sha2::{Digest, Sha256};
use store::StoreError;
use store::sql::files::StoredFile;

use super::destinations::Destinations;

/// A file to add.
pub(super) struct NewFile<'a> {
    pub(super) file_id: FileId,
    pub(super) conversation_id: ConversationId,
    pub(super) owner_id: UserId,
    pub(super) created_at: Timestamp,
    /// Name and type.
    pub(super) attachment: &'a Attachment,
}

impl Destinations {
    /// Returns true if a file is there. Cost: a read unit.
    pub(super) async fn has_file(&self, file: FileId) -> Result<bool, StoreError> {
        Ok(self.file_items.find(file).await?.is_some())
    }

    /// Adds a file: its row, with which nobody takes its bytes for an upload of nobody's, its bytes, and its item, with which messages can
    /// reference it. Safe to repeat. Cost: a statement, a request to S3 and two write units.
    pub(super) async fn add_file(&self, new: &NewFile<'_>, bytes: Vec<u8>) -> Result<(), StoreError> {
        let unexpected = |error: domain::ApiError| StoreError::Inconsistent(error.to_string());
        let file = File {
            file_id: new.file_id,
            conversation_id: new.conversation_id,
            name: FileName::parse(new.attachment.name.as_str()).map_err(unexpected)?,
            content_type: new.attachment.content_type.clone(),
            size: bytes.len() as u64,
            sha256: Sha256Hex::parse(&hex(&Sha256::digest(&bytes))).map_err(unexpected)?,
            status: FileStatus::Ready,
            reason: None,
            dimensions: None,
            created_at: new.created_at,
        };
        let stored = StoredFile { file, owner_id: new.owner_id, upload_id: None };
        self.rows.add_file(&stored).await?;
        self.objects.put(&stored.file, bytes).await?;
        self.file_items.put(&stored.item()).await?;
        self.file_items.mark_accepted(new.file_id).await
    }
}
