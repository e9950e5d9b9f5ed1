//! Filling the index from the log: one conversation or all, by queue, while everything serves.
//!
//! Every document has the version of its message, so the order of the work does not matter, nor how often a part of it is done. The
//! work of all conversations is split into ranges of them, and a long log into slices. A slice is never split again.
//!
//! Of a new index, each part is recorded until it is done, so that the old one is not deleted before.

use std::collections::HashSet;
use std::error::Error;

use domain::period::SeqRange;
use domain::{ConversationId, IdRange, Seq, Timestamp};
use store::StoreError;
use store::dynamodb::messages::Order;
use store::opensearch::{Change, DocumentId, MessageIndex, Written};
use store::sql::reconcile::Rows;
use store::sql::reindex::ReindexProgress;
use store::sqs::{Queue, ReindexBody};
use uuid::Uuid;

use super::change_of;
use crate::archive::Items;

/// Conversations of a range.
const CONVERSATIONS_PER_RANGE: usize = 50;

/// Items of a slice.
const ITEMS_PER_SLICE: u64 = 2_000;

/// Items that are read and written at once.
const ITEMS_PER_READ: usize = 250;

/// Most requests for one read that end because they have read 1 MB.
const MEGABYTES_PER_READ: usize = 4;

/// Fills the index from the log.
#[derive(Clone, Debug)]
pub struct Reindex {
    pub index: MessageIndex,
    pub items: Items,
    pub rows: Rows,
    /// What is left of the work on a new index.
    pub progress: ReindexProgress,
    pub queue: Queue,
}

/// A part of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    conversation_id: ConversationId,
    seqs: SeqRange,
}

/// Reasons for which work is not done.
#[derive(Debug, thiserror::Error)]
pub enum ReindexError {
    /// Some of it may be done, and doing it again is safe.
    #[error("the time of the invocation is over")]
    OutOfTime,
    /// The index does not take a document. It has OpenSearch's type of the error.
    #[error("the index refused the document {id} ({kind})")]
    Refused { id: DocumentId, kind: String },
    /// Parts of an index that is being filled.
    #[error("{0} parts of the work are not done yet")]
    Unfinished(u64),
    #[error("searches look in the index {0} and in others, and nothing says that it is full: begin it again")]
    NotRecorded(String),
    #[error("the index {0} exists: begin one of another name, or delete it if nothing uses it")]
    Exists(String),
    #[error("the index {0} is in use")]
    InUse(String),
    #[error("another index was begun at the same time: begin again")]
    Overtaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<serde_json::Error> for ReindexError {
    fn from(error: serde_json::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Returns the work on the logs of all conversations.
pub(super) const fn everything(reindex_id: Option<Uuid>) -> ReindexBody {
    ReindexBody::Range { after: ConversationId(Uuid::nil()), last: None, reindex_id }
}

impl Reindex {
    /// Does a part of the work: the body of a queue message. One of an index that was finished or abandoned is left out, and so is
    /// one that was done before.
    pub async fn part(&self, part: &str, until: Timestamp) -> Result<(), ReindexError> {
        let body: ReindexBody = serde_json::from_str(part)?;
        let Some(reindex_id) = body.reindex_id() else { return self.work(body, until).await };
        if !self.progress.is_left(reindex_id, part).await? {
            tracing::info!(%reindex_id, part, "a part of the index is done already, or no longer needed");
            return Ok(());
        }
        self.work(body, until).await?;
        Ok(self.progress.done(reindex_id, part).await?)
    }

    async fn work(&self, body: ReindexBody, until: Timestamp) -> Result<(), ReindexError> {
        match body {
            ReindexBody::Slice { conversation_id, first, last, .. } => {
                self.slice(Slice { conversation_id, seqs: SeqRange { first, last } }, until).await
            }
            ReindexBody::Range { after, last: Some(last), reindex_id } => {
                self.range(IdRange { after, last }, reindex_id, until).await
            }
            ReindexBody::Range { after, last: None, reindex_id } => self.split(after, reindex_id).await.map(drop),
        }
    }

    /// Queues the work for all conversations. Returns the number of queue messages. Cost: one statement for each 250,000 conversations,
    /// and a request for each ten ranges.
    pub async fn queue_all(&self) -> Result<usize, ReindexError> {
        self.split(ConversationId(Uuid::nil()), None).await
    }

    async fn split(&self, after: ConversationId, reindex_id: Option<Uuid>) -> Result<usize, ReindexError> {
        self.index.ensure().await?;
        let ranges = self.rows.conversation_ranges(after, CONVERSATIONS_PER_RANGE).await?;
        self.queue(ranges.into_iter().map(|(after, last)| ReindexBody::Range { after, last, reindex_id }), reindex_id)
            .await
    }

    /// Queues the work for one conversation. Returns the number of queue messages.
    pub async fn queue_conversation(&self, conversation: ConversationId) -> Result<usize, ReindexError> {
        self.index.ensure().await?;
        let head = self.items.messages.head_seq(conversation).await?;
        self.queue_slices(conversation, head, None).await
    }

    async fn queue_slices(
        &self,
        conversation_id: ConversationId,
        head: Seq,
        reindex_id: Option<Uuid>,
    ) -> Result<usize, ReindexError> {
        let slice = |SeqRange { first, last }| ReindexBody::Slice { conversation_id, first, last, reindex_id };
        self.queue(slices(head).map(slice), reindex_id).await
    }

    /// Queues parts, which are recorded before if somebody waits for their end.
    async fn queue(
        &self,
        parts: impl Iterator<Item = ReindexBody>,
        reindex_id: Option<Uuid>,
    ) -> Result<usize, ReindexError> {
        let parts: Vec<String> = parts.map(|part| serde_json::to_string(&part)).collect::<Result<_, _>>()?;
        if let Some(reindex_id) = reindex_id {
            self.progress.add(reindex_id, &parts).await?;
        }
        let count = parts.len();
        self.queue.send_reindex(parts).await?;
        Ok(count)
    }

    /// Does the work of a range of conversations; queues the slices of those with long logs.
    async fn range(
        &self,
        range: IdRange<ConversationId>,
        reindex_id: Option<Uuid>,
        until: Timestamp,
    ) -> Result<(), ReindexError> {
        let (mut left, mut done) = (Some(range), None);
        while let Some(range) = left {
            let (page, rest) = self.rows.conversations_of(range, CONVERSATIONS_PER_RANGE).await?;
            for conversation_id in page {
                let head = self.items.messages.head_seq(conversation_id).await?;
                let seqs = SeqRange { first: Seq(1), last: head };
                if head.0 > ITEMS_PER_SLICE {
                    self.queue_slices(conversation_id, head, reindex_id).await?;
                } else if head > Seq::ZERO {
                    match (self.slice(Slice { conversation_id, seqs }, until).await, done) {
                        // The rest is other work.
                        (Err(ReindexError::OutOfTime), Some(after)) => {
                            let rest = ReindexBody::Range { after, last: Some(range.last), reindex_id };
                            return self.queue([rest].into_iter(), reindex_id).await.map(drop);
                        }
                        (worked, _) => worked?,
                    }
                }
                done = Some(conversation_id);
            }
            left = rest;
        }
        Ok(())
    }

    /// Writes the documents of a part of a log, and deletes those of deleted messages, and of messages that have expired.
    async fn slice(&self, slice: Slice, until: Timestamp) -> Result<(), ReindexError> {
        let Slice { conversation_id, mut seqs } = slice;
        while seqs.first <= seqs.last {
            if Timestamp::now() >= until {
                return Err(ReindexError::OutOfTime);
            }
            let read = self
                .items
                .read_bounded(conversation_id, seqs, Order::Ascending, ITEMS_PER_READ, MEGABYTES_PER_READ, true)
                .await?;
            let last = if read.more { read.items.last().map_or(seqs.last, |item| item.seq) } else { seqs.last };
            let there: HashSet<Seq> = read.items.iter().map(|item| item.seq).collect();
            let gone = (seqs.first.0..=last.0).map(Seq).filter(|seq| !there.contains(seq));
            let gone = gone.map(|seq| Change::Delete { id: DocumentId { conversation_id, seq }, version: Seq::MAX });
            let changes: Vec<Change> = read.items.iter().filter_map(change_of).chain(gone).collect();
            for changes in changes.chunks(ITEMS_PER_READ) {
                self.write(changes).await?;
            }
            seqs.first = last.next();
        }
        Ok(())
    }

    async fn write(&self, changes: &[Change]) -> Result<(), ReindexError> {
        for (change, written) in changes.iter().zip(self.index.write(changes).await?) {
            let id = change.id();
            match written {
                Written::Done => {}
                Written::Busy => {
                    let source: Box<dyn Error + Send + Sync> = format!("the document {id} was not written").into();
                    return Err(StoreError::Busy { service: "OpenSearch", source }.into());
                }
                Written::Refused(kind) => return Err(ReindexError::Refused { id, kind }),
            }
        }
        Ok(())
    }
}

/// Splits a log with this head.
fn slices(head: Seq) -> impl Iterator<Item = SeqRange> {
    (0..head.0.div_ceil(ITEMS_PER_SLICE)).map(move |n| SeqRange {
        first: Seq(n * ITEMS_PER_SLICE + 1),
        last: Seq(((n + 1) * ITEMS_PER_SLICE).min(head.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_a_log_without_gaps() {
        let of = |head| slices(Seq(head)).map(|slice| (slice.first.0, slice.last.0)).collect::<Vec<_>>();
        assert_eq!(of(0), []);
        assert_eq!(of(1), [(1, 1)]);
        assert_eq!(of(2_000), [(1, 2_000)]);
        assert_eq!(of(4_001), [(1, 2_000), (2_001, 4_000), (4_001, 4_001)]);
    }
}
