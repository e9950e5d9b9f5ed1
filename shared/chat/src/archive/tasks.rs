//! The work of the archive: a segment at a time, when it is due, without a scan.
//!
//! An item that ends a segment says that the segment before it may move. That becomes a task, which waits in a schedule until its segment is
//! old enough. So a conversation costs one schedule for each segment, and one that is asleep nothing. Conversations from before are
//! looked through once, by an operator's event.

use std::time::Duration;

use domain::{ConversationId, IdRange, SegmentSize, Seq, Timestamp};
use store::dynamodb::Members;
use store::sql::reconcile::Rows;
use store::sqs::{ArchiveBody, Queue};
use store::{Schedules, StoreError};
use uuid::Uuid;

use super::archiver::{ArchiveError, Archiver, Settled};

/// Conversations of a range.
const CONVERSATIONS_PER_RANGE: usize = 100;

/// Time for which changes of archived messages gather before they become part of their chunk.
const FOLD_DELAY: Duration = Duration::from_hours(24);

/// Plans and does the work of the archive.
#[derive(Clone, Debug)]
pub struct ArchiveTasks {
    pub archiver: Archiver,
    pub members: Members,
    pub rows: Rows,
    pub queue: Queue,
    /// Send to the same queue.
    pub schedules: Schedules,
}

impl ArchiveTasks {
    /// Queues the work for all conversations after this one. Returns the number of queue messages. Cost: one statement for each
    /// 500,000 conversations, and a request for each ten ranges.
    pub async fn queue_all(&self, after: Option<ConversationId>) -> Result<usize, StoreError> {
        let after = after.unwrap_or(ConversationId(Uuid::nil()));
        let ranges = self.rows.conversation_ranges(after, CONVERSATIONS_PER_RANGE).await?;
        let bodies: Vec<ArchiveBody> =
            ranges.into_iter().map(|(after, last)| ArchiveBody::Range { after, last }).collect();
        self.queue.send_archive(&bodies).await?;
        Ok(bodies.len())
    }

    /// Queues the segments of one conversation that may move. Returns their number. Cost: a read unit, and a request for each ten.
    pub async fn queue_conversation(&self, conversation_id: ConversationId) -> Result<usize, StoreError> {
        let head = self.archiver.messages.head_seq(conversation_id).await?;
        let segments = SegmentSize::STORED.movable(head);
        let bodies: Vec<ArchiveBody> = segments
            .map(|segment| ArchiveBody::Segment { conversation_id, first: segment.first, fold: false })
            .collect();
        self.queue.send_archive(&bodies).await?;
        Ok(bodies.len())
    }

    /// Does a task of the queue, as far as there is time.
    pub async fn work(&self, task: ArchiveBody, until: Timestamp) -> Result<(), ArchiveError> {
        match task {
            ArchiveBody::Segment { conversation_id, first, fold } => {
                self.segment(conversation_id, first, fold, until).await
            }
            ArchiveBody::Range { after, last: None } => Ok(self.queue_all(Some(after)).await.map(drop)?),
            ArchiveBody::Range { after, last: Some(last) } => Ok(self.range(IdRange { after, last }).await?),
        }
    }

    /// Returns true if something has expired from this seq on. Cost: one read unit.
    async fn has_expired(&self, conversation: ConversationId, first: Seq) -> Result<bool, StoreError> {
        let conversation = self.members.conversation(conversation).await?;
        Ok(conversation.is_some_and(|conversation| conversation.expired_seq >= first))
    }

    async fn segment(
        &self,
        conversation_id: ConversationId,
        first: Seq,
        fold: bool,
        until: Timestamp,
    ) -> Result<(), ArchiveError> {
        let segment = SegmentSize::STORED.segment_of(first);
        let first = segment.first;
        // An import is still writing its log, and queues the segments of a whole one.
        if self.members.conversation(conversation_id).await?.is_none() {
            tracing::debug!(%conversation_id, %first, "the conversation is not there yet, and is not archived");
            return Ok(());
        }
        let settled = match self.archiver.settle(conversation_id, segment, fold, until).await {
            // What has expired has no rows any more. The rest of such a segment stays in the table until it expires.
            Err(ArchiveError::Hole { .. }) if self.has_expired(conversation_id, first).await? => {
                tracing::debug!(%conversation_id, %first, "a segment expires, and is not archived");
                return Ok(());
            }
            settled => settled?,
        };
        match settled {
            Settled::NotDue(due) => {
                let task = ArchiveBody::Segment { conversation_id, first, fold: false };
                // Another time is another schedule: the one that is firing may still have its name.
                let name = format!("move-{conversation_id}-{first}-{}", due.epoch_seconds() / 60);
                self.schedules.send_at(&name, due, &task).await?;
            }
            Settled::Archived { rows: 0 } => {
                tracing::debug!(%conversation_id, %first, "a segment is archived");
            }
            Settled::Archived { rows } => {
                let task = ArchiveBody::Segment { conversation_id, first, fold: true };
                let due = Timestamp::now().plus(FOLD_DELAY);
                let day = due.epoch_seconds() / 86_400;
                let name = format!("fold-{conversation_id}-{first}-{day}");
                self.schedules.send_at(&name, due, &task).await?;
                tracing::debug!(%conversation_id, %first, rows, "changed messages of a segment will become part of its chunk");
            }
            // The next row that is put back is another task.
            Settled::Full { rows } => {
                tracing::warn!(%conversation_id, %first, rows, "changes of archived messages do not fit in their chunk: they stay");
            }
            // The next end of a segment is another task.
            Settled::Newest => {}
            Settled::TooLarge => {
                tracing::warn!(%conversation_id, %first, "the items of a segment are too large for the archive: they stay");
            }
        }
        Ok(())
    }

    /// Queues the segments of a range of conversations.
    async fn range(&self, range: IdRange<ConversationId>) -> Result<(), StoreError> {
        let mut left = Some(range);
        while let Some(range) = left {
            let (page, rest) = self.rows.conversations_of(range, CONVERSATIONS_PER_RANGE).await?;
            for conversation_id in page {
                self.queue_conversation(conversation_id).await?;
            }
            left = rest;
        }
        Ok(())
    }
}
