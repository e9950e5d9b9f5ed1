//! Taking back what an import has not brought to its end.

use std::collections::BTreeSet;

use domain::period::SeqRange;
use domain::{ConversationId, FileId, ImportId, SegmentSize, Seq};
use store::StoreError;
use store::sqs::ArchiveBody;
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

    /// Ends the claim of an import on a conversation that is visible, and tells those who work on what is visible: SQL has it closed only if it is
    /// to stay so. `archived` are the first seqs of the segments that are in the archive, if that is known. Safe to repeat.
    pub(super) async fn open(
        &self,
        import: ImportId,
        conversation: ConversationId,
        archived: Option<&BTreeSet<Seq>>,
    ) -> Result<(), StoreError> {
        let Some(visible) = self.members.conversation(conversation).await? else { return Ok(()) };
        if let Some(archive) = &self.archive {
            let head = archive.archiver.messages.head_seq(conversation).await?;
            let segments: Vec<SeqRange> = SegmentSize::STORED.movable(head).collect();
            let is_row = |segment: &SeqRange| archived.is_none_or(|archived| !archived.contains(&segment.first));
            let task = |first: Seq| ArchiveBody::Segment { conversation_id: conversation, first, fold: false };
            let tasks = segments.iter().filter(|segment| is_row(segment)).map(|segment| task(segment.first));
            archive.queue.send_archive(&tasks.collect::<Vec<_>>()).await?;
            // The stream of the table has brought the rows to the search.
            let is_chunk = |segment: &SeqRange| archived.is_none_or(|archived| archived.contains(&segment.first));
            let chunks: Vec<SeqRange> = segments.into_iter().filter(is_chunk).collect();
            if let Some(search) = &self.search {
                for run in chunks.chunk_by(|a, b| a.last.next() == b.first) {
                    let seqs = SeqRange { first: run[0].first, last: run[run.len() - 1].last };
                    search.send_reindex_slice(conversation, seqs).await?;
                }
            }
        }
        if let Some(retention) = &self.retention {
            retention.send_retention_visit(conversation).await?;
        }
        self.rows.open(import, conversation, visible.closed).await
    }

    /// Deletes the log of a conversation that nobody sees, up to this seq at most, with its chunks. Returns the seq of the last row. Safe to repeat.
    pub(super) async fn clear_log(&self, conversation: ConversationId, head: Seq) -> Result<Seq, StoreError> {
        let last = self.items.clear_log(conversation).await?;
        if let Some(archive) = self.archive.as_ref().filter(|_| SegmentSize::STORED.has_movable(head)) {
            archive.archiver.delete_all(conversation).await?;
        }
        Ok(last)
    }

    /// Deletes everything of one conversation, which goes to its users if they see it: what they have written there stays.
    pub(super) async fn discard(&self, import: ImportId, conversation: ConversationId) -> Result<(), StoreError> {
        if self.members.conversation(conversation).await?.is_some() {
            return self.open(import, conversation, None).await;
        }
        self.items.clear_members(conversation).await?;
        let last = self.clear_log(conversation, Seq::MAX).await?;
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
