//! The end of the claim of an import on a conversation: it goes to its users, or is taken back.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::period::SeqRange;
use domain::{ConversationId, FileId, ImportId, SegmentSize, Seq};
use store::StoreError;
use store::sqs::{ArchiveBody, RetentionBody};
use uuid::Uuid;

use super::destinations::Destinations;

/// Conversations that one statement finds.
const CONVERSATIONS_AT_ONCE: u32 = 100;

/// Files of a page.
const FILES_PER_PAGE: usize = 100;

/// A conversation that is visible, and still claimed.
pub(super) struct Visible {
    pub(super) id: ConversationId,
    /// True if it stays closed.
    pub(super) closed: bool,
    /// The last seq of its log, if there is an archive.
    pub(super) head: Seq,
    /// First seqs of the segments that are in the archive, if that is known.
    pub(super) archived: Option<BTreeSet<Seq>>,
}

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

    /// Ends the claim of an import on a conversation that is visible. Safe to repeat.
    pub(super) async fn open_visible(&self, import: ImportId, id: ConversationId) -> Result<(), StoreError> {
        let Some(visible) = self.members.conversation(id).await? else { return Ok(()) };
        let head = match &self.archive {
            Some(archive) => archive.archiver.messages.head_seq(id).await?,
            None => Seq::ZERO,
        };
        self.open(import, &[Visible { id, closed: visible.closed, head, archived: None }]).await
    }

    /// Ends the claim of an import on conversations that are visible, and tells those who work on what is visible: SQL has them closed only if
    /// they are to stay so. Safe to repeat.
    pub(super) async fn open(&self, import: ImportId, visible: &[Visible]) -> Result<(), StoreError> {
        let (mut tasks, mut parts) = (Vec::new(), Vec::new());
        for Visible { id, head, archived, .. } in visible {
            let segments: Vec<SeqRange> = SegmentSize::STORED.movable(*head).collect();
            let is_row =
                |segment: &SeqRange| archived.as_ref().is_none_or(|archived| !archived.contains(&segment.first));
            let task =
                |segment: &SeqRange| ArchiveBody::Segment { conversation_id: *id, first: segment.first, fold: false };
            tasks.extend(segments.iter().filter(|segment| is_row(segment)).map(task));
            // The stream of the table has brought the rows to the search.
            let is_chunk =
                |segment: &SeqRange| archived.as_ref().is_none_or(|archived| archived.contains(&segment.first));
            let chunks: Vec<SeqRange> = segments.into_iter().filter(is_chunk).collect();
            let runs = chunks.chunk_by(|a, b| a.last.next() == b.first);
            parts.extend(runs.map(|run| (*id, SeqRange { first: run[0].first, last: run[run.len() - 1].last })));
        }
        if let Some(archive) = &self.archive {
            archive.queue.send_archive(&tasks).await?;
            if let Some(search) = &self.search {
                search.send_reindex_slices(&parts).await?;
            }
        }
        if let Some(retention) = &self.retention {
            let visits = visible.iter().map(|visible| RetentionBody::Visit { conversation_id: visible.id });
            retention.send_retention(&visits.collect::<Vec<_>>(), Duration::ZERO).await?;
        }
        let rows: Vec<(ConversationId, bool)> = visible.iter().map(|visible| (visible.id, visible.closed)).collect();
        self.rows.open(import, &rows).await
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
            return self.open_visible(import, conversation).await;
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
