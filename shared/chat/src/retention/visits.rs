//! Asking for visits: at once, or when something will be too old.

use std::time::Duration;

use domain::{ConversationId, Timestamp};
use store::sqs::{Queue, RetentionBody};
use store::{Schedules, StoreError};

const SECONDS_PER_DAY: i64 = 86_400;

/// Asks for visits of conversations.
#[derive(Clone, Debug)]
pub struct Visits {
    /// The queue of the retention.
    pub queue: Queue,
    /// Send to the same queue.
    pub schedules: Schedules,
    /// Time for which the stack keeps messages.
    pub kept: Duration,
}

impl Visits {
    /// Schedules the first visit of a conversation, for the time when its first item will be too old. Cost: one request.
    pub async fn begin(&self, conversation: ConversationId, sent_at: Timestamp) -> Result<(), StoreError> {
        self.schedule(conversation, sent_at.plus(self.kept)).await
    }

    /// Queues a visit. Cost: one request.
    pub async fn queue(&self, conversation_id: ConversationId) -> Result<(), StoreError> {
        self.queue.send_retention_visit(conversation_id).await
    }

    /// Schedules a visit; those of the same day are one. Cost: one request.
    pub(super) async fn schedule(&self, conversation_id: ConversationId, due: Timestamp) -> Result<(), StoreError> {
        let name = format!("retention-{conversation_id}-{}", due.epoch_seconds() / SECONDS_PER_DAY);
        self.schedules.send_at(&name, due, &RetentionBody::Visit { conversation_id }).await
    }
}
