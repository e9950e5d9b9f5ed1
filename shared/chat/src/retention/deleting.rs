//! Deleting what has expired, wherever it is.

use std::time::Duration;

use domain::period::SeqRange;
use domain::reaction::Reactions;
use domain::{ConversationId, MessageKind, Seq, Timestamp};
use futures_util::future::join_all;
use store::StoreError;
use store::dynamodb::LogItem;
use store::sqs::RetentionBody;

use super::Retention;
use crate::archive::{ArchiveError, Pace, units_of};

/// Archived segments, and times a hundred rows, of one task. The rest is another one.
const STEPS_PER_TASK: usize = 20;

/// Wait before the rest, as a schedule: a queue message that follows another one lengthens a chain.
const REST_DELAY: Duration = Duration::from_mins(1);

/// Longest time of a step, however busy the table is.
const STEP_TIME: Duration = Duration::from_secs(30);

/// Rows that are read and deleted at once.
const ROWS_PER_STEP: i32 = 100;

impl Retention {
    /// Returns true if something at or below this seq is still stored, the head without its content apart.
    pub(super) async fn has_expired(
        &self,
        conversation: ConversationId,
        expired_seq: Seq,
        head: Seq,
    ) -> Result<bool, StoreError> {
        if expired_seq == Seq::ZERO {
            return Ok(false);
        }
        let (row, segment) = tokio::try_join!(
            self.expired.rows(conversation, expired_seq, 1),
            self.archiver.archive.oldest(conversation)
        )?;
        let row = row.first().is_some_and(|row| row.seq < head || has_content(row));
        Ok(row || segment.is_some_and(|segment| segment.segment().first <= expired_seq))
    }

    /// Deletes everything up to a seq, which has been hidden. Safe to repeat, and after a crash anywhere.
    ///
    /// Cost: for each row a write unit a KB, and one for each reference to a file; for each archived segment two requests to S3, and a
    /// few write units.
    pub(super) async fn delete(&self, conversation_id: ConversationId, expired_seq: Seq) -> Result<(), ArchiveError> {
        if self.is_held(conversation_id).await? {
            tracing::info!(%conversation_id, "the conversation is held: nothing is deleted");
            return Ok(());
        }
        for _ in 0..STEPS_PER_TASK {
            if !self.delete_some(conversation_id, expired_seq).await? {
                tracing::info!(%conversation_id, %expired_seq, "expired messages are deleted");
                return Ok(());
            }
        }
        let rest = RetentionBody::Delete { conversation_id, expired_seq };
        let due = Timestamp::now().plus(REST_DELAY);
        let name = format!("expired-{conversation_id}-{}", due.epoch_seconds() / 60);
        Ok(self.visits.schedules.send_at(&name, due, &rest).await?)
    }

    /// Deletes an archived segment or some rows; returns false if there are none.
    async fn delete_some(&self, conversation: ConversationId, expired_seq: Seq) -> Result<bool, ArchiveError> {
        if let Some(segment) = self.archiver.archive.oldest(conversation).await?
            && segment.segment().first <= expired_seq
        {
            let range = segment.segment();
            let range = SeqRange { last: range.last.min(expired_seq), ..range };
            self.remove_references(&self.archiver.items_until(&segment, expired_seq).await?).await?;
            self.remove_from_search(conversation, range).await?;
            if self.archiver.remove_until(&segment, expired_seq, &self.expired).await? {
                return Ok(true);
            }
        }
        let rows = self.expired.rows(conversation, expired_seq, ROWS_PER_STEP).await?;
        let head = self.items.messages.head(conversation, true).await?;
        let (kept, rows): (Vec<LogItem>, Vec<LogItem>) =
            rows.into_iter().partition(|row| head.as_ref().is_some_and(|head| head.seq == row.seq));
        for head in kept.into_iter().filter(has_content) {
            self.remove_content(head).await?;
        }
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(false) };
        let range = SeqRange { first: first.seq, last: last.seq };
        self.remove_references(&rows).await?;
        self.remove_from_search(conversation, range).await?;
        self.delete_rows(conversation, &rows).await?;
        Ok(true)
    }

    /// Deletes rows at the pace of the archive.
    async fn delete_rows(&self, conversation: ConversationId, rows: &[LogItem]) -> Result<(), ArchiveError> {
        let pace = Pace::new(self.archiver.deletion_rate, Timestamp::now().plus(STEP_TIME));
        let (mut left, mut pace) = (rows, pace);
        while !left.is_empty() {
            let (now, later) = pace.next(left).ok_or(ArchiveError::OutOfTime)?;
            let attempts = join_all(now.iter().map(|row| self.expired.delete_row(conversation, row.seq))).await;
            if pace.written(attempts, now.iter().map(size_in_units).sum()).await?.is_some() {
                left = later;
            }
        }
        Ok(())
    }

    async fn remove_references(&self, items: &[LogItem]) -> Result<(), StoreError> {
        for item in items {
            for attachment in item.kind.attachments() {
                self.references.reference_removed(attachment.file_id, item.seq).await?;
            }
        }
        Ok(())
    }

    /// Has the documents deleted of messages that the log no longer has.
    async fn remove_from_search(&self, conversation: ConversationId, range: SeqRange) -> Result<(), StoreError> {
        match &self.search {
            Some(queue) => queue.send_reindex_slice(conversation, range).await,
            None => Ok(()),
        }
    }

    /// Takes the content out of the newest item, whose seq says where the log goes on. Its references to files go with the change
    /// of the row, by the stream.
    async fn remove_content(&self, head: LogItem) -> Result<(), StoreError> {
        let before = head.amended;
        let emptied = LogItem {
            kind: MessageKind::Deleted { deleted_by: None, deleted_seq: None, deleted_at: None },
            edits: Vec::new(),
            reactions: Reactions::default(),
            ..head
        }
        .counted();
        let write = self.items.messages.replace_in_transaction(&emptied, before)?;
        // If it was amended meanwhile, by an event after it, it is the head no more, and the next visit deletes it as a row.
        self.items.messages.transact(vec![write]).await.map(drop)
    }
}

/// Returns the write units of deleting a row.
fn size_in_units(row: &LogItem) -> u32 {
    units_of(serde_json::to_string(row).map_or(0, |json| json.len()))
}

/// Returns true for an item with a user's words or files.
fn has_content(item: &LogItem) -> bool {
    matches!(item.kind, MessageKind::Text(_))
}
