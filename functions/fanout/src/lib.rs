//! The worker of the `fanout` queue: tells the members of large conversations what was said.
//!
//! A queue message names items of a log. The members of a conversation that is too large for one worker are split into shards, each a
//! queue message of its own, so that workers tell them at the same time. Everything is safe to repeat: clients drop by seq.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

mod batch;
mod frames;

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use domain::error::causes;
use domain::{ApiError, ConversationId, Seq, Shard, Timestamp};
use lambda_kit::push::{Frame, Pace, Pusher};
use store::dynamodb::Connections;
use store::dynamodb::members::ActiveMember;
use store::log::{Log, News};
use store::queues::{FanoutBody, Queue};

use batch::Job;
use frames::Frames;

/// Members that one worker tells.
const SHARD_MEMBERS: u32 = 500;

/// Members who are looked up at once: one page of them, and one batch of their connections.
const PAGE: usize = 100;

/// What is kept of an invocation's time to queue what it could not do.
const TIME_TO_HAND_OVER: Duration = Duration::from_secs(5);

/// What the worker needs.
#[derive(Debug)]
pub struct Worker {
    /// What was said, and to whom.
    pub log: Log,
    /// Where they are.
    pub connections: Connections,
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
        for ((conversation, shard), Job { seqs, queue_message_ids }) in jobs {
            let seqs: Vec<Seq> = seqs.into_iter().collect();
            if let Err(error) = self.work(conversation, seqs, shard, until, &mut pace).await {
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
        shard: Shard,
        until: Timestamp,
        pace: &mut Pace,
    ) -> Result<(), ApiError> {
        let Some(news) = self.log.news(conversation, &seqs).await? else { return Ok(()) };
        let shards = news.member_count.div_ceil(SHARD_MEMBERS);
        if shard.is_whole() && shards > 1 {
            let body = |shard| FanoutBody { conversation_id: conversation, seqs: seqs.clone(), shard };
            let bodies: Vec<FanoutBody> = Shard::split(shards).into_iter().map(body).collect();
            return Ok(self.queue.send_fanout(&bodies).await?);
        }
        self.tell(&Task { conversation, seqs, news, until }, shard, pace).await
    }

    /// Tells the members of a shard, page by page. What there is no time for becomes a queue message.
    async fn tell(&self, task: &Task, mut shard: Shard, pace: &mut Pace) -> Result<(), ApiError> {
        let mut frames = Frames::of(&task.news);
        loop {
            let mut listed = Vec::new();
            let in_time = Timestamp::now() < task.until && {
                listed = self.log.members.list(task.conversation, shard.after_user, PAGE).await?;
                let end = listed.iter().position(|member| shard.ends_before(member.user_id)).unwrap_or(listed.len());
                self.tell_page(task, &listed[..end], &mut frames, pace).await?
            };
            if !in_time {
                let Task { conversation, seqs, .. } = task;
                let rest = FanoutBody { conversation_id: *conversation, seqs: seqs.clone(), shard };
                return Ok(self.queue.send_fanout(&[rest]).await?);
            }
            match listed.last() {
                Some(last) if listed.len() == PAGE && !shard.ends_before(last.user_id) => {
                    shard.after_user = Some(last.user_id);
                }
                _ => return Ok(()),
            }
        }
    }

    /// Tells these members; whether there was time for all of them.
    async fn tell_page(
        &self,
        task: &Task,
        members: &[ActiveMember],
        frames: &mut Frames<'_>,
        pace: &mut Pace,
    ) -> Result<bool, ApiError> {
        let now = Timestamp::now();
        let users: Vec<_> = members.iter().map(|member| member.user_id).collect();
        let connections = self.connections.of(&users, now).await?;
        let mut all = Vec::new();
        for connection in &connections {
            let member = members.iter().find(|member| member.user_id == connection.user_id);
            let Some(member) = member else { continue };
            all.extend(frames.prepare(member)?.map(|json| (connection.connection_id.as_str(), json)));
        }
        let frame = |(connection_id, number)| Frame { connection_id, json: frames.json(number) };
        let pushed = self.pusher.push_at(pace, all.into_iter().map(frame).collect(), task.until).await;
        self.connections.forget_gone(&connections, &pushed.gone, now).await;
        Ok(pushed.in_time)
    }
}
