//! Telling the members of a conversation that is not public, page by page.

use domain::{ApiError, MemberRange, Timestamp};
use store::connections_api::Pace;
use store::dynamodb::connections::Found;
use store::dynamodb::members::ActiveMember;
use store::sqs::FanoutBody;

use crate::frames::Frames;
use crate::{PAGE_SIZE, Task, Worker};

/// Number of members that one worker notifies.
const SHARD_MEMBERS: u32 = 500;

impl Worker {
    /// Notifies the members of a shard, or queues the shards of a conversation that has too many members.
    pub(crate) async fn notify_members(
        &self,
        task: &Task,
        shard: MemberRange,
        pace: &mut Pace,
    ) -> Result<(), ApiError> {
        let shards = task.item_batch.member_count.div_ceil(SHARD_MEMBERS);
        if shard.is_whole() && shards > 1 {
            let bodies: Vec<FanoutBody> =
                MemberRange::split(shards).into_iter().map(|shard| body(task, shard)).collect();
            return self.hand_over(task, &bodies).await;
        }
        self.notify_shard(task, shard, pace).await
    }

    /// Notifies the members of a range, page by page. At the time limit the rest becomes a queue message.
    async fn notify_shard(&self, task: &Task, mut shard: MemberRange, pace: &mut Pace) -> Result<(), ApiError> {
        let mut frames = Frames::of(&task.item_batch);
        loop {
            let mut listed = Vec::new();
            let in_time = Timestamp::now() < task.limits.until && {
                listed =
                    self.notifier.recipients().members().list(task.conversation, shard.after_user, PAGE_SIZE).await?;
                let end = listed.iter().position(|member| shard.ends_before(member.user_id)).unwrap_or(listed.len());
                self.notify_page(task, &listed[..end], &mut frames, pace).await?
            };
            if !in_time {
                return self.hand_over(task, &[body(task, shard)]).await;
            }
            match listed.last() {
                Some(last) if listed.len() == PAGE_SIZE && !shard.ends_before(last.user_id) => {
                    shard.after_user = Some(last.user_id);
                }
                _ => return Ok(()),
            }
        }
    }

    /// Notifies these members; returns true if all were notified within the time limit.
    async fn notify_page(
        &self,
        task: &Task,
        members: &[ActiveMember],
        frames: &mut Frames<'_>,
        pace: &mut Pace,
    ) -> Result<bool, ApiError> {
        let now = Timestamp::now();
        let users: Vec<_> = members.iter().map(|member| member.user_id).collect();
        let Found { live: connections, expired } = self.notifier.recipients().connections().of(&users, now).await?;
        let to = connections.iter().filter_map(|connection| {
            let member = members.iter().find(|member| member.user_id == connection.user_id)?;
            Some((member, connection.connection_id.as_str()))
        });
        let (pushed, ()) = tokio::join!(self.post(task, to, frames, pace), self.notifier.end_expired(&expired));
        let pushed = pushed?;
        self.notifier.recipients().connections().remove_gone(&connections, &pushed.gone, now).await;
        Ok(pushed.in_time)
    }
}

fn body(task: &Task, shard: MemberRange) -> FanoutBody {
    FanoutBody { conversation_id: task.conversation, seqs: task.seqs.clone(), round: task.limits.next_round, shard }
}
