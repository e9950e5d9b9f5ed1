//! Taking back what an import has not brought to its end.

use domain::period::SeqRange;
use domain::{ConversationId, FileId, ImportId, Seq};
use store::StoreError;
use uuid::Uuid;

use super::destinations::Destinations;

/// Conversations that one statement finds.
const CONVERSATIONS_AT_ONCE: u32 = 100;

/// Files of a page.
const FILES_PER_PAGE: usize = 100;

impl Destinations {
    /// Deletes everything of conversations that an import has not brought to their end. Safe to repeat. No worker is at work on the import.
    pub(super) async fn discard_all(&self, import: ImportId) -> Result<(), StoreError> {
        loop {
            let unfinished = self.rows.unfinished(import, CONVERSATIONS_AT_ONCE).await?;
            if unfinished.is_empty() {
                return Ok(());
            }
            for conversation in unfinished {
                self.discard(import, conversation).await?;
            }
        }
    }

    /// Ends the claim of an import on a conversation that is visible: SQL has it closed only if it is to stay so. Safe to repeat.
    pub(super) async fn open(&self, import: ImportId, conversation: ConversationId) -> Result<(), StoreError> {
        let Some(visible) = self.members.conversation(conversation).await? else { return Ok(()) };
        if let Some(retention) = &self.retention {
            retention.send_retention_visit(conversation).await?;
        }
        self.rows.open(import, conversation, visible.closed).await
    }

    /// The same for one conversation, which goes to its users if they see it: what they have written there stays.
    pub(super) async fn discard(&self, import: ImportId, conversation: ConversationId) -> Result<(), StoreError> {
        if self.members.conversation(conversation).await?.is_some() {
            return self.open(import, conversation).await;
        }
        self.items.clear_members(conversation).await?;
        let last = self.items.clear_log(conversation).await?;
        if let (Some(search), true) = (&self.search, last > Seq::ZERO) {
            search.send_reindex_slice(conversation, SeqRange { first: Seq(1), last }).await?;
        }
        let mut after = FileId(Uuid::nil());
        loop {
            let files = self.metadata.of_conversation(conversation, after, FILES_PER_PAGE).await?;
            let Some(newest) = files.last() else { break };
            after = newest.file.file_id;
            for stored in &files {
                self.file_items.delete(stored.file.file_id).await?;
                self.objects.remove(stored.file.file_id).await?;
            }
        }
        self.rows.remove(import, conversation).await?;
        tracing::info!(import_id = %import, conversation_id = %conversation, "an unfinished conversation of an import was deleted");
        Ok(())
    }
}
