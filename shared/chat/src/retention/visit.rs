//! Visits: what of a conversation is too old now, and when the next visit is due.

use std::time::Duration;

use domain::{ConversationId, IdRange, Seq, Timestamp};
use store::StoreError;
use store::sqs::RetentionBody;
use uuid::Uuid;

use super::Retention;
use crate::archive::ArchiveError;

/// Conversations of a range.
const CONVERSATIONS_PER_RANGE: usize = 100;

/// Least time between two visits that nothing else asks for.
const DAY: Duration = Duration::from_hours(24);

impl Retention {
    /// Hides what is too old, has it deleted, and schedules the next visit.
    ///
    /// Cost: one SQL statement, some twenty reads of the log, and a request for the schedule.
    pub(super) async fn visit(&self, conversation_id: ConversationId) -> Result<(), ArchiveError> {
        let Some(row) = self.settings.get(conversation_id).await? else { return Ok(()) };
        // The end of a hold is followed by a visit.
        if row.is_held {
            tracing::info!(%conversation_id, "the conversation is held: nothing expires");
            return Ok(());
        }
        let Some(conversation) = self.members.conversation(conversation_id).await? else { return Ok(()) };
        let kept = row.days.map_or(self.visits.kept, |days| (DAY * days).min(self.visits.kept));
        let now = Timestamp::now();
        let head = self.items.messages.head_seq(conversation_id).await?;
        let expired_seq = self.newest_before(conversation_id, conversation.expired_seq, head, now.minus(kept)).await?;
        if expired_seq > conversation.expired_seq {
            self.members.expire(conversation_id, expired_seq).await?;
            tracing::info!(%conversation_id, %expired_seq, "messages have expired");
        }
        if self.has_expired(conversation_id, expired_seq, head).await? {
            self.queue_deletion(conversation_id, expired_seq).await?;
        }
        let oldest = self.items.get(conversation_id, expired_seq.next()).await?;
        // What is sent from now on stays for the whole time.
        let due = oldest.map_or_else(|| now.plus(kept), |oldest| oldest.sent_at.plus(kept));
        self.visits.schedule(conversation_id, due.max(now.plus(DAY))).await?;
        Ok(())
    }

    /// Finds the newest item that was sent before a time, after `from`, which was; `from` if there is none. Times never decrease, so
    /// it halves the log.
    async fn newest_before(
        &self,
        conversation: ConversationId,
        from: Seq,
        head: Seq,
        time: Timestamp,
    ) -> Result<Seq, StoreError> {
        let (mut before, mut after) = (from, head.next());
        while before.next() < after {
            let middle = Seq(before.0.midpoint(after.0));
            let item = self.items.get(conversation, middle).await?;
            let item =
                item.ok_or_else(|| StoreError::Inconsistent(format!("the log of {conversation} lacks {middle}")))?;
            if item.sent_at < time { before = middle } else { after = middle }
        }
        Ok(before)
    }

    /// Queues visits of all conversations, from before there was a retention. Returns the number of queue messages. Cost: one
    /// statement for each 500,000 conversations, and a request for each ten ranges.
    pub async fn queue_all(&self, after: Option<ConversationId>) -> Result<usize, StoreError> {
        let after = after.unwrap_or(ConversationId(Uuid::nil()));
        let ranges = self.rows.conversation_ranges(after, CONVERSATIONS_PER_RANGE).await?;
        let range = |(after, last)| RetentionBody::Range { after, last };
        let bodies: Vec<RetentionBody> = ranges.into_iter().map(range).collect();
        self.visits.queue.send_retention(&bodies, Duration::ZERO).await?;
        Ok(bodies.len())
    }

    /// Queues visits of a range of conversations.
    pub(super) async fn range(&self, after: ConversationId, last: Option<ConversationId>) -> Result<(), ArchiveError> {
        let Some(last) = last else { return Ok(self.queue_all(Some(after)).await.map(drop)?) };
        let mut left = Some(IdRange { after, last });
        while let Some(range) = left {
            let (page, rest) = self.rows.conversations_of(range, CONVERSATIONS_PER_RANGE).await?;
            let visit = |conversation_id| RetentionBody::Visit { conversation_id };
            let visits: Vec<RetentionBody> = page.into_iter().map(visit).collect();
            self.visits.queue.send_retention(&visits, Duration::ZERO).await?;
            left = rest;
        }
        Ok(())
    }
}
