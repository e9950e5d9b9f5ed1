//! The files of an import: ready at once, without thumbnails.

use std::collections::BTreeSet;

use domain::file::{File, FileName, FileStatus, Sha256Hex};
use domain::import::ImportCounts;
use domain::{Attachment, ConversationId, FileId, Message, MessageKind, Timestamp, UserId, hex};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use store::StoreError;
use store::sql::files::StoredFile;

use super::bring::Work;
use super::destinations::Destinations;
use super::errors::StepError;
use super::plan::Ids;

/// Files that are copied at once.
pub(super) const FILES_AT_ONCE: usize = 4;

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

impl Work<'_> {
    /// Copies the files of messages, before the messages are there that reference them. Returns the numbers of files of each conversation.
    pub(super) async fn copy_files(
        &self,
        all: &[(ConversationId, &[Message])],
    ) -> Result<Vec<ImportCounts>, StepError> {
        let ids = Ids::of(self.import, &self.saved.plan);
        let mut counts = vec![ImportCounts::default(); all.len()];
        let mut found: Vec<(ConversationId, &Attachment, &Message)> = Vec::new();
        for ((source, messages), counts) in all.iter().zip(&mut counts) {
            let mut names = BTreeSet::new();
            for message in *messages {
                let MessageKind::Text(content) = &message.kind else { continue };
                if content.attachments.is_empty() || self.saved.erased.contains(&ids.user(message.sender_id)) {
                    continue;
                }
                for attachment in &content.attachments {
                    if !self.layout.files.contains_key(&attachment.file_id) {
                        counts.missing_files += 1;
                    } else if names.insert(attachment.file_id) {
                        found.push((*source, attachment, message));
                    }
                }
            }
            counts.files += names.len() as u64;
        }
        let copies = found.into_iter().map(|(source, attachment, message)| self.copy(source, attachment, message));
        stream::iter(copies).buffered(FILES_AT_ONCE).try_collect::<()>().await?;
        Ok(counts)
    }

    /// Copies a file, owned by the sender of a message, unless it is there.
    async fn copy(&self, source: ConversationId, attachment: &Attachment, message: &Message) -> Result<(), StepError> {
        let planned = &self.saved.plan.conversations[&source];
        let ids = Ids::of(self.import, &self.saved.plan);
        let entry = &self.file.entries[self.layout.files[&attachment.file_id].place];
        let new = NewFile {
            file_id: ids.space.file(source, attachment.file_id),
            conversation_id: ids.space.conversation(source, planned.line.kind),
            owner_id: ids.user(message.sender_id),
            created_at: message.sent_at,
            attachment,
        };
        if self.to.has_file(new.file_id).await? {
            return Ok(());
        }
        let bytes = self.file.read(entry).await?;
        Ok(self.to.add_file(&new, bytes).await?)
    }
}
