//! Notifies the subscribers of a public conversation, page by page of their subscriptions. Other members cost nothing.

use domain::{ApiError, Timestamp};
use store::connections_api::Pace;
use store::dynamodb::members::ActiveMember;
use store::dynamodb::subscriptions::Subscription;
use store::sqs::{SubscribersBody, SubscriptionRange};

use crate::frames::Frames;
use crate::{PAGE_SIZE, Task, Worker};

impl Worker {
    /// Notifies all subscribers, or queues the shards if there are several.
    pub(crate) async fn notify_all_subscribers(&self, task: &Task, pace: &mut Pace) -> Result<(), ApiError> {
        let shards = task.item_batch.subscription_shards;
        if shards <= 1 {
            return self.notify_subscribers(task, SubscriptionRange::default(), pace).await;
        }
        let range = |shard| SubscriptionRange { shard, after_connection: None };
        let bodies: Vec<SubscribersBody> = (0..shards).map(|shard| body(task, range(shard))).collect();
        self.hand_over(task, &bodies).await
    }

    /// Notifies the subscribers of a shard, after a connection. At the time limit the rest becomes a queue message.
    pub(crate) async fn notify_subscribers(
        &self,
        task: &Task,
        mut range: SubscriptionRange,
        pace: &mut Pace,
    ) -> Result<(), ApiError> {
        let mut frames = Frames::of(&task.item_batch);
        loop {
            let mut next = None;
            let in_time = Timestamp::now() < task.limits.until && {
                let (after, now) = (range.after_connection.as_deref(), Timestamp::now());
                let listed = self
                    .notifier
                    .recipients()
                    .subscriptions()
                    .page(task.conversation, range.shard, after, PAGE_SIZE, now)
                    .await?;
                next = listed.next;
                let expired = self.notifier.recipients().remove_expired(&listed.expired).await;
                self.notifier.end_expired(&expired).await;
                let subscribers =
                    self.notifier.recipients().members_among(task.conversation, listed.subscriptions).await?;
                self.notify_some_subscribers(task, &subscribers, &mut frames, pace).await?
            };
            if !in_time {
                return self.hand_over(task, &[body(task, range)]).await;
            }
            if next.is_none() {
                return Ok(());
            }
            range.after_connection = next;
        }
    }

    /// Notifies these subscribers; returns true if all were notified within the time limit.
    async fn notify_some_subscribers(
        &self,
        task: &Task,
        subscribers: &[(ActiveMember, Subscription)],
        frames: &mut Frames<'_>,
        pace: &mut Pace,
    ) -> Result<bool, ApiError> {
        let to = subscribers.iter().map(|(member, subscription)| (member, subscription.connection_id.as_str()));
        let pushed = self.post(task, to, frames, pace).await?;
        let gone = |subscription: &&Subscription| pushed.gone.contains(&subscription.connection_id);
        let gone: Vec<&Subscription> = subscribers.iter().map(|(_, subscription)| subscription).filter(gone).collect();
        self.notifier.recipients().subscriptions().remove_stale(&gone).await;
        Ok(pushed.in_time)
    }
}

fn body(task: &Task, subscribers: SubscriptionRange) -> SubscribersBody {
    SubscribersBody {
        conversation_id: task.conversation,
        seqs: task.seqs.clone(),
        round: task.limits.next_round,
        subscribers,
    }
}
