//! The work of an invocation: a range of conversations, and at the end what belongs to none.

use std::time::Duration;

use domain::{ConversationId, IdRange, Timestamp, UserId};
use store::StoreError;
use store::sqs::{ErasureBody, FilesBody, MAX_DELAY, RELAY_DELAY};
use uuid::Uuid;

use super::ErasureJob;
use super::conversation::Outcome;
use crate::archive::ArchiveError;

/// Conversations of a range.
const RANGE_SIZE: usize = 25;

/// Most ranges that one invocation queues, in one request for each ten: 125,000 conversations.
const MAX_RANGES: usize = 5_000;

/// Time that is left of an invocation when it hands over.
const HANDOVER_RESERVE: Duration = Duration::from_secs(30);

/// Most times in a row that work is handed over by a queue message. Lambda ends a chain of 16.
const MAX_ROUNDS: u32 = 10;

/// First wait for the deletion of files; each one after it is twice as long.
const FILES_DELAY: Duration = Duration::from_secs(5);

/// Idempotency keys that one statement forgets.
const KEYS_PER_STATEMENT: usize = 1_000;

/// The conversation after all others.
const LAST: ConversationId = ConversationId(Uuid::max());

impl ErasureJob {
    /// Works on an erasure until the invocation that ends at `deadline` has to hand over. Safe to repeat and to run twice at once.
    pub async fn work(&self, body: ErasureBody, deadline: Timestamp) -> Result<(), ArchiveError> {
        let user = body.user_id;
        if !self.erasures.is_running(user).await? {
            return Ok(());
        }
        let after = body.after.unwrap_or(ConversationId(Uuid::nil()));
        let range = match body.last {
            Some(last) => IdRange { after, last },
            None => match self.split(user, after).await? {
                Some(range) => range,
                None => return Ok(()),
            },
        };
        self.erase_range(body, range, deadline.minus(HANDOVER_RESERVE)).await
    }

    /// Lists the conversations, and queues ranges of them for invocations of their own. Returns the range of conversations that are too few
    /// to be split. Cost: two statements, and a request for each 250 conversations.
    async fn split(
        &self,
        user_id: UserId,
        after: ConversationId,
    ) -> Result<Option<IdRange<ConversationId>>, StoreError> {
        self.erasures.list(user_id).await?;
        let all = IdRange { after, last: LAST };
        let borders = self.erasures.borders(user_id, after, RANGE_SIZE, MAX_RANGES).await?;
        if borders.is_empty() {
            return Ok(Some(all));
        }
        // The rest of a user with more ranges is split by an invocation of its own.
        let parts = all.split_as_far_as_known(&borders, MAX_RANGES).into_iter();
        let bodies = parts.map(|(after, last)| ErasureBody { user_id, after: Some(after), last, round: 0 });
        self.queue.send_erasure(&bodies.collect::<Vec<_>>(), Duration::ZERO).await?;
        Ok(None)
    }

    /// Erases what the user wrote in a range of conversations. One that fails does not stop the others; a failure is returned in the end.
    async fn erase_range(
        &self,
        body: ErasureBody,
        mut range: IdRange<ConversationId>,
        until: Timestamp,
    ) -> Result<(), ArchiveError> {
        let (user, last) = (body.user_id, Some(range.last));
        let rest = ErasureBody { after: Some(range.after), last, ..body };
        let (mut failure, mut wait) = (None, None::<Duration>);
        loop {
            let page = self.erasures.page(user, range, RANGE_SIZE).await?;
            for unfinished in &page {
                let mut wait_for = |time: Duration| wait = Some(wait.map_or(time, |wait| wait.max(time)));
                match self.erase_in(user, unfinished, until).await {
                    Ok(Outcome::Done | Outcome::Held) => {}
                    Ok(Outcome::NotLeft) => wait_for(RELAY_DELAY),
                    Ok(Outcome::Waits(due)) => wait_for(due.since(Timestamp::now())),
                    Ok(Outcome::OutOfTime) | Err(ArchiveError::OutOfTime) => {
                        return Ok(self.hand_over(rest, Duration::ZERO).await?);
                    }
                    // One stands for all: the next attempt meets each of them again.
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            match page.last() {
                Some(last) if page.len() == RANGE_SIZE => range.after = last.conversation_id,
                _ => break,
            }
        }
        match (failure, wait) {
            (Some(failure), _) => Err(failure),
            (None, Some(wait)) => Ok(self.hand_over(rest, wait).await?),
            (None, None) => self.finish(body).await,
        }
    }

    /// Erases what belongs to no conversation, if nothing is left in any, or only in held ones.
    async fn finish(&self, body: ErasureBody) -> Result<(), ArchiveError> {
        let user = body.user_id;
        let Some(erasure) = self.erasures.get(user).await? else { return Ok(()) };
        if erasure.finished_conversations + erasure.held_conversations < erasure.conversations {
            // Another range is not done.
            return Ok(());
        }
        // Files go with the last message that references them, and then after a grace of their own. Those of held conversations stay.
        if erasure.held_conversations == 0 && self.erasures.has_files(user).await? {
            self.files.send_files(FilesBody::all_of(user), Timestamp::now()).await?;
            let wait = FILES_DELAY * 2_u32.pow(body.round.min(MAX_ROUNDS));
            return Ok(self.hand_over(ErasureBody { round: body.round, ..ErasureBody::all_of(user) }, wait).await?);
        }
        let before = self.erasures.last_walked_at(user).await?.unwrap_or_else(Timestamp::now);
        self.cancel_exports(user, before).await?;
        self.mentions.remove_all(user).await?;
        while !self.erasures.forget_keys(user, KEYS_PER_STATEMENT).await? {}
        self.connections.empty_tombstone(user).await?;
        if let Some(took) = self.erasures.finish(user).await? {
            let (messages, seconds) = (erasure.messages, took.as_secs());
            tracing::info!(user_id = %user, messages, seconds, "everything of a user is erased");
        }
        Ok(())
    }

    /// Leaves the rest to another invocation, after a wait.
    async fn hand_over(&self, rest: ErasureBody, wait: Duration) -> Result<(), StoreError> {
        if rest.round < MAX_ROUNDS {
            // Whole seconds: rather late than early.
            let wait = Duration::from_secs(wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX));
            return self
                .queue
                .send_erasure(&[ErasureBody { round: rest.round + 1, ..rest }], wait.min(MAX_DELAY))
                .await;
        }
        let due = Timestamp::now().plus(wait);
        // Ends of ids differ, where their beginnings are times.
        let part = rest.last.map_or(0, |last| last.0.as_u128() & 0xffff_ffff);
        let name = format!("erasure-{}-{part:08x}-{}", rest.user_id, due.epoch_seconds() / 60);
        self.schedules.send_at(&name, due, &ErasureBody { round: 0, ..rest }).await
    }
}
