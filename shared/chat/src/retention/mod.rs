//! Retention: messages that are older than they are kept become invisible, and are then deleted wherever they are.
//!
//! * **Hidden first, deleted later.** A visit finds the newest item that is too old, and moves `expired_seq` there. From then on no
//!   reader sees the items up to it. They are deleted a quarter of an hour later, when no request is left that has read the
//!   conversation before.
//! * **From the oldest on.** Times never decrease within a log, so one seq says what has expired.
//! * **Everywhere.** Of each expired item go the row, its place in the archive, its document in the search, and its references to
//!   files, which are deleted with the last one. The row of the newest item stays, because it is the head of the log, without its
//!   content.
//! * **Driven by schedules.** A visit schedules the next one, for the day on which the oldest item that is left will be too old. So
//!   a conversation costs a schedule for each time that something of it expires, and nothing is looked for by a scan.
//! * **A hold stops it**: before hiding, and before deleting.

mod deleting;
mod visit;
mod visits;

use std::time::Duration;

use domain::{ConversationId, Seq};
use store::StoreError;
use store::dynamodb::{ExpiredItems, Members};
use store::sql::reconcile::Rows;
use store::sql::retention::RetentionRows;
use store::sqs::{Queue, RetentionBody};

use crate::archive::{ArchiveError, Archiver, Items};
use crate::files::FileReferences;

pub use visits::Visits;

/// Deletes what is older than it is kept.
#[derive(Clone, Debug)]
pub struct Retention {
    pub settings: RetentionRows,
    pub rows: Rows,
    pub members: Members,
    pub items: Items,
    pub archiver: Archiver,
    pub expired: ExpiredItems,
    pub references: FileReferences,
    /// The queue that deletes from the index of the search; `None` without a search.
    pub search: Option<Queue>,
    pub visits: Visits,
    /// Time between hiding and deleting: longer than a request takes, and at most a quarter of an hour.
    pub grace: Duration,
}

impl Retention {
    /// Does a task of the queue. Safe to repeat.
    pub async fn work(&self, task: RetentionBody) -> Result<(), ArchiveError> {
        match task {
            RetentionBody::Visit { conversation_id } => self.visit(conversation_id).await,
            RetentionBody::Delete { conversation_id, expired_seq } => self.delete(conversation_id, expired_seq).await,
            RetentionBody::Range { after, last } => self.range(after, last).await,
        }
    }

    /// Returns true while a conversation must not lose anything.
    async fn is_held(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        Ok(self.settings.get(conversation).await?.is_none_or(|row| row.is_held))
    }

    /// Queues the deletion of what has expired, for the time when nobody reads it any more.
    async fn queue_deletion(&self, conversation_id: ConversationId, expired_seq: Seq) -> Result<(), StoreError> {
        self.visits.queue.send_retention(&[RetentionBody::Delete { conversation_id, expired_seq }], self.grace).await
    }
}
