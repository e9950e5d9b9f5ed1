//! The erasure of a user in one conversation.

use domain::erasure::Span;
use domain::period::SeqRange;
use domain::{ConversationId, MessageKind, SegmentSize, Seq, Timestamp, UserId};
use store::StoreError;
use store::dynamodb::LogItem;
use store::dynamodb::members::{ErasedAt, LeftMember};
use store::dynamodb::messages::Transacted;
use store::dynamodb::retry::back_off;
use store::sql::erasures::{ErasedPart, Unfinished};

use super::ErasureJob;
use super::item::Eraser;
use crate::archive::ArchiveError;

/// Number of seqs that the item `user_erased` tries.
const MAX_ROUNDS: u32 = 12;

/// What is to be erased of a conversation.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) conversation: ConversationId,
    pub(super) eraser: Eraser,
    pub(super) spans: Vec<Span>,
}

/// State of a conversation after some work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing of the user is left there.
    Done,
    /// A hold keeps it. Its end lets the work go on.
    Held,
    /// The user's membership has not ended yet, which the deletion of the user does.
    NotLeft,
    /// It is erased, and is looked through again then.
    Waits(Timestamp),
    OutOfTime,
}

impl ErasureJob {
    /// Erases what the user wrote in a conversation, as far as there is time. Safe to repeat.
    pub(super) async fn erase_in(
        &self,
        user: UserId,
        unfinished: &Unfinished,
        until: Timestamp,
    ) -> Result<Outcome, ArchiveError> {
        let conversation = unfinished.conversation_id;
        if unfinished.is_held {
            tracing::info!(user_id = %user, conversation_id = %conversation, "the conversation is held: nothing is erased");
            self.erasures.progress(user, conversation, &ErasedPart::default()).await?;
            return Ok(Outcome::Held);
        }
        if !unfinished.is_left {
            return Ok(Outcome::NotLeft);
        }
        let Some(left) = self.members.left(conversation, user).await? else {
            return Err(StoreError::Inconsistent(format!("{conversation} knows no membership of {user}")).into());
        };
        let by = self.announce(conversation, user, &left).await?;
        if unfinished.next_seq == Seq::ZERO {
            self.fanout.fan_out(conversation, vec![by.seq]).await;
        }
        let spans = Span::all(&left.periods, conversation.is_public(), by.seq);
        let work = Work { conversation, eraser: Eraser { user, by }, spans };
        let Some(walked_at) = unfinished.walked_at else {
            return self.walk(&work, unfinished.next_seq, until).await;
        };
        let due = walked_at.plus(self.grace);
        if Timestamp::now() < due {
            return Ok(Outcome::Waits(due));
        }
        self.look_again(&work, unfinished.unarchived_seq, until).await
    }

    /// Appends the item that says that the user is erased, or finds it. Cost of a new one: a read unit, and a transaction with
    /// twice the write units of three items.
    async fn announce(
        &self,
        conversation: ConversationId,
        user: UserId,
        left: &LeftMember,
    ) -> Result<ErasedAt, StoreError> {
        let mut found = left.erased();
        for round in 0..MAX_ROUNDS {
            if let Some(found) = found {
                return Ok(found);
            }
            let head = self.items.messages.head(conversation, true).await?;
            let head = head.ok_or_else(|| StoreError::Inconsistent(format!("the log of {conversation} is empty")))?;
            let item = head.next(user, MessageKind::UserErased { user_id: user });
            let item = LogItem { members_seq: item.seq, ..item };
            let by = ErasedAt { seq: item.seq, at: item.sent_at };
            let mut writes = vec![self.items.messages.put_in_transaction(&item)?];
            writes.extend(self.members.mark_erased(conversation, user, by)?);
            if let Transacted::Written = self.items.messages.transact(writes).await? {
                return Ok(by);
            }
            // Another item took the seq, or an earlier attempt has succeeded.
            back_off(round).await;
            found = self.members.left(conversation, user).await?.and_then(|left| left.erased());
        }
        Err(StoreError::Busy { service: "DynamoDB", source: "other writers were faster".into() })
    }

    /// Goes through the log from a seq on, a segment after the other.
    async fn walk(&self, work: &Work, next_seq: Seq, until: Timestamp) -> Result<Outcome, ArchiveError> {
        let (user, conversation) = (work.eraser.user, work.conversation);
        for span in &work.spans {
            let mut at = next_seq.max(span.range.first);
            while at <= span.range.last {
                if Timestamp::now() >= until {
                    return Ok(Outcome::OutOfTime);
                }
                let segment = SegmentSize::STORED.segment_of(at);
                let range = SeqRange { first: at, last: segment.last.min(span.range.last) };
                let erased = self.erase_segment(work, segment, range, until).await?;
                at = range.last.next();
                if self.erasures.progress(user, conversation, &ErasedPart { next_seq: at, ..erased.part }).await? {
                    return Ok(Outcome::Held);
                }
                if erased.newest.is_some_and(|(seq, sent_at)| span.is_over(seq, sent_at)) {
                    break;
                }
            }
        }
        self.watermarks.remove(conversation, user).await?;
        self.erasures.walked(user, conversation).await?;
        Ok(Outcome::Waits(Timestamp::now().plus(self.grace)))
    }

    /// Looks through what others may have written since, who had read before: segments that have moved to the archive, and receipts.
    async fn look_again(
        &self,
        work: &Work,
        unarchived_seq: Option<Seq>,
        until: Timestamp,
    ) -> Result<Outcome, ArchiveError> {
        let (user, conversation) = (work.eraser.user, work.conversation);
        if let (Some(first), Some(last)) = (unarchived_seq, work.spans.last()) {
            let range = SeqRange { first, last: last.range.last };
            for moved in self.archiver.archive.chunks.within(conversation, range).await? {
                let segment = moved.segment();
                let erased = self.erase_segment(work, segment, segment, until).await?;
                let part = ErasedPart { next_seq: Seq::ZERO, unarchived_seq: None, ..erased.part };
                if self.erasures.progress(user, conversation, &part).await? {
                    return Ok(Outcome::Held);
                }
            }
        }
        self.watermarks.remove(conversation, user).await?;
        self.erasures.finish_conversation(user, conversation).await?;
        Ok(Outcome::Done)
    }
}
