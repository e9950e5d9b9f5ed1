//! The worker of the `fanout` queue: tells the members of large conversations what was said, and of public ones those who look.
//!
//! A queue message names items of a log. The members of a conversation that is too large for one worker are split into shards, each a
//! queue message of its own, so that workers tell them at the same time; subscriptions of public conversations lie in shards already.
//! Everything is safe to repeat: clients drop by seq.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

mod batch;
mod frames;
mod lookers;
mod members;

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use domain::error::causes;
use domain::{ApiError, ConversationId, Pushed, Seq, Timestamp};
use lambda_kit::push::{Frame, Pace, Pusher};
use store::dynamodb::members::ActiveMember;
use store::listeners::Listeners;
use store::log::{Log, News};
use store::queues::Queue;

use batch::{Job, Part};
use frames::Frames;

/// Members or subscriptions that are looked up at once: one page of them, and one batch of their connections or members.
const PAGE: usize = 100;

/// What is kept of an invocation's time to queue what it could not do.
const TIME_TO_HAND_OVER: Duration = Duration::from_secs(5);

/// What the worker needs.
#[derive(Debug)]
pub struct Worker {
    /// What was said.
    pub log: Log,
    /// To whom.
    pub listeners: Listeners,
    /// How they are told.
    pub pusher: Pusher,
    /// For shards, and for what there was no time for.
    pub queue: Queue,
    /// Most pushes a second.
    pub posts_per_second: u32,
}

/// What is told to whom.
struct Task {
    conversation: ConversationId,
    seqs: Vec<Seq>,
    news: News,
    until: Timestamp,
}

impl Worker {
    /// Works on a batch until shortly before Lambda would end the process; gives back the ids of the queue messages that have to
    /// come again.
    pub async fn handle(&self, event: SqsEvent, deadline: Timestamp) -> Vec<String> {
        let (jobs, mut failed) = batch::jobs(event);
        let now = Timestamp::now();
        let until = now.plus(deadline.since(now).saturating_sub(TIME_TO_HAND_OVER));
        let mut pace = Pace::per_second(self.posts_per_second);
        for ((conversation, part), Job { seqs, queue_message_ids }) in jobs {
            let seqs: Vec<Seq> = seqs.into_iter().collect();
            if let Err(error) = self.work(conversation, seqs, part, until, &mut pace).await {
                tracing::error!(error = causes(&error), "a large conversation will be told again");
                failed.extend(queue_message_ids);
            }
        }
        failed
    }

    async fn work(
        &self,
        conversation: ConversationId,
        seqs: Vec<Seq>,
        part: Part,
        until: Timestamp,
        pace: &mut Pace,
    ) -> Result<(), ApiError> {
        let Some(news) = self.log.news(conversation, &seqs).await? else { return Ok(()) };
        let task = Task { conversation, seqs, news, until };
        match part {
            Part::Lookers(range) => self.tell_lookers(&task, range, pace).await,
            Part::Members(_) if conversation.is_public() => self.tell_all_lookers(&task, pace).await,
            Part::Members(shard) => self.tell_members(&task, shard, pace).await,
        }
    }

    /// Posts to these connections what their members see of it.
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
        Ok(self.pusher.push_at(pace, all.into_iter().map(frame).collect(), task.until).await)
    }
}
