//! Worker of the `fanout` queue: notifies the members of large conversations, and the subscribers of public ones.
//!
//! A queue message names items of a log. The members of a conversation that is too large for one worker are split into ranges,
//! each a queue message of its own, so that several workers notify them at the same time; subscriptions of public conversations
//! lie in shards already. Everything is safe to repeat: clients drop by seq.
//!
//! Work that does not fit in an invocation's time is handed over to the queue again, a bounded number of times.

mod batch;
mod frames;
mod members;
mod serve;
mod subscribers;

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use chat::log::{ItemBatch, Log};
use chat::notify::Notifier;
use domain::error::causes;
use domain::{ApiError, ConversationId, Pushed, Seq, Timestamp};
use serde::Serialize;
use store::connections_api::{Frame, Pace};
use store::dynamodb::members::ActiveMember;

use batch::{Batch, Job, Share};
use frames::Frames;
pub use serve::serve;

/// Members or subscriptions of one page, which is also one batch of their connections or members.
const PAGE_SIZE: usize = 100;

/// Part of an invocation's time that is reserved for queuing the rest of the work.
const HAND_OVER_RESERVE: Duration = Duration::from_secs(5);

/// Most times that work is handed over. AWS ends a chain of about 16 invocations. Each round takes a minute, and clients sync every
/// five minutes, so they have received the items by then.
const MAX_ROUNDS: u32 = 12;

/// Works on the queue.
#[derive(Debug)]
pub struct Worker {
    pub log: Log,
    /// Finds and notifies members and subscribers; its queue gets the shards, and the tasks that did not fit in the time limit.
    pub notifier: Notifier,
    /// Most pushes a second.
    pub posts_per_second: u32,
}

/// Items to push, and the bounds of the invocation.
struct Task {
    conversation: ConversationId,
    seqs: Vec<Seq>,
    item_batch: ItemBatch,
    limits: Limits,
}

/// Bounds of an invocation.
#[derive(Clone, Copy)]
struct Limits {
    until: Timestamp,
    /// The round of what is handed over to the queue.
    next_round: u32,
}

impl Worker {
    /// Processes a batch until shortly before the Lambda timeout; returns the ids of the queue messages to retry.
    pub async fn handle(&self, event: SqsEvent, deadline: Timestamp) -> Vec<String> {
        let Batch { jobs, unreadable: mut failed, round } = batch::read(event);
        let now = Timestamp::now();
        let until = now.plus(deadline.since(now).saturating_sub(HAND_OVER_RESERVE));
        let mut pace = Pace::per_second(self.posts_per_second);
        for ((conversation, part), Job { seqs, queue_message_ids }) in jobs {
            let seqs: Vec<Seq> = seqs.into_iter().collect();
            let limits = Limits { until, next_round: round + 1 };
            if let Err(error) = self.work(conversation, seqs, part, limits, &mut pace).await {
                tracing::error!(
                    conversation_id = %conversation,
                    ?queue_message_ids,
                    error = causes(&error),
                    "the recipients of items will be notified again"
                );
                failed.extend(queue_message_ids);
            }
        }
        failed
    }

    async fn work(
        &self,
        conversation: ConversationId,
        seqs: Vec<Seq>,
        part: Share,
        limits: Limits,
        pace: &mut Pace,
    ) -> Result<(), ApiError> {
        let Some(item_batch) = self.log.item_batch(conversation, &seqs).await? else { return Ok(()) };
        let task = Task { conversation, seqs, item_batch, limits };
        match part {
            Share::Subscribers(range) => self.notify_subscribers(&task, range, pace).await,
            Share::Members(_) if conversation.is_public() => self.notify_all_subscribers(&task, pace).await,
            Share::Members(shard) => self.notify_members(&task, shard, pace).await,
        }
    }

    /// Posts to each connection the frames that its user may see.
    async fn post<'a>(
        &self,
        task: &Task,
        to: impl Iterator<Item = (&'a ActiveMember, &'a str)>,
        frames: &mut Frames<'_>,
        pace: &mut Pace,
    ) -> Result<Pushed, ApiError> {
        let mut all = Vec::new();
        for (member, connection_id) in to {
            all.extend(frames.prepare(member)?.map(|number| (connection_id, number)));
        }
        let frame = |(connection_id, number)| Frame { connection_id, json: frames.json(number) };
        Ok(self.notifier.api().push_at(pace, all.into_iter().map(frame).collect(), task.limits.until).await)
    }

    /// Queues parts of a task for other invocations. After too many rounds nothing is queued: the queue message of the task waits
    /// for its next receive instead, which lengthens no chain.
    async fn hand_over(&self, task: &Task, bodies: &[impl Serialize]) -> Result<(), ApiError> {
        if task.limits.next_round > MAX_ROUNDS {
            return Err(ApiError::busy(Duration::ZERO).caused_by(TooManyRounds));
        }
        Ok(self.notifier.fanout().send_fanout(bodies).await?)
    }
}

/// Work was handed over [`MAX_ROUNDS`] times.
#[derive(Debug, thiserror::Error)]
#[error("the work was handed over {MAX_ROUNDS} times")]
struct TooManyRounds;
