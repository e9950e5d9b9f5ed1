//! Telling those who look at a public conversation, page by page of their subscriptions. Nobody else costs anything.

use domain::{ApiError, Timestamp};
use lambda_kit::push::Pace;
use store::dynamodb::members::ActiveMember;
use store::dynamodb::subscriptions::Subscription;
use store::queues::{LookerRange, LookersBody};

use crate::frames::Frames;
use crate::{PAGE, Task, Worker};

impl Worker {
    /// Tells everybody who looks, or queues the shards where there are several.
    pub(crate) async fn tell_all_lookers(&self, task: &Task, pace: &mut Pace) -> Result<(), ApiError> {
        let shards = task.news.subscription_shards;
        if shards <= 1 {
            return self.tell_lookers(task, LookerRange::default(), pace).await;
        }
        let range = |shard| LookerRange { shard, after_connection: None };
        let bodies: Vec<LookersBody> = (0..shards).map(|shard| body(task, range(shard))).collect();
        Ok(self.queue.send_fanout(&bodies).await?)
    }

    /// Tells those of a shard, from a connection on. What there is no time for becomes a queue message.
    pub(crate) async fn tell_lookers(
        &self,
        task: &Task,
        mut range: LookerRange,
        pace: &mut Pace,
    ) -> Result<(), ApiError> {
        let mut frames = Frames::of(&task.news);
        loop {
            let mut next = None;
            let in_time = Timestamp::now() < task.until && {
                let (after, now) = (range.after_connection.as_deref(), Timestamp::now());
                let listed =
                    self.listeners.subscriptions.page(task.conversation, range.shard, after, PAGE, now).await?;
                next = listed.next;
                let lookers = self.listeners.members_among(task.conversation, listed.subscriptions).await?;
                self.tell_some_lookers(task, &lookers, &mut frames, pace).await?
            };
            if !in_time {
                return Ok(self.queue.send_fanout(&[body(task, range)]).await?);
            }
            if next.is_none() {
                return Ok(());
            }
            range.after_connection = next;
        }
    }

    /// Tells these; whether there was time for all of them.
    async fn tell_some_lookers(
        &self,
        task: &Task,
        lookers: &[(ActiveMember, Subscription)],
        frames: &mut Frames<'_>,
        pace: &mut Pace,
    ) -> Result<bool, ApiError> {
        let to = lookers.iter().map(|(member, subscription)| (member, subscription.connection_id.as_str()));
        let pushed = self.post(task, to, frames, pace).await?;
        let gone = |subscription: &&Subscription| pushed.gone.contains(&subscription.connection_id);
        let gone: Vec<&Subscription> = lookers.iter().map(|(_, subscription)| subscription).filter(gone).collect();
        self.listeners.subscriptions.forget(&gone).await;
        Ok(pushed.in_time)
    }
}

fn body(task: &Task, lookers: LookerRange) -> LookersBody {
    LookersBody { conversation_id: task.conversation, seqs: task.seqs.clone(), lookers }
}
