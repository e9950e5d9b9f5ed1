//! The worker of the `relay` queue: completes changes that a crash left in an outbox, and deletions of users that ran out of
//! time.
//!
//! A request that changes a conversation relays the change itself, and a request that deletes an account ends the memberships
//! itself. So in nearly all cases there is nothing left to do when their queue message arrives. More memberships than one
//! invocation can end are split into ranges, each a queue message of its own; a range is never split again.

mod serve;

use std::error::Error;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use chat::accounts::{Deletion, Progress};
use chat::membership::Applied;
use chat::notify::Notifier;
use domain::error::causes;
use domain::{ConversationId, IdRange, Timestamp, UserId};
use store::sqs::{FilesBody, Queue, RelayBody};

pub use serve::serve;

/// Part of an invocation's time that is reserved for the last memberships that are being ended.
const LEAVE_ONE_RESERVE: Duration = Duration::from_secs(20);

/// Works on the queue.
#[derive(Debug)]
pub struct Worker {
    /// Finishes deletions, and with their parts everything else.
    pub deletion: Deletion,
    pub notifier: Notifier,
    /// The queue of the worker that deletes the files of deleted users.
    pub files: Queue,
}

impl Worker {
    /// Processes a batch until shortly before the Lambda timeout; returns the ids of the queue messages to retry.
    pub async fn handle(&self, event: SqsEvent, deadline: Timestamp) -> Vec<String> {
        let mut failed = Vec::new();
        let mut users = Vec::new();
        for message in event.records {
            let body = serde_json::from_str(message.body.as_deref().unwrap_or_default());
            let finished = match body {
                // A user may take all of the remaining time, so conversations are processed first.
                Ok(RelayBody::User { user_id, after, last }) => {
                    users.push((user_id, after, last, message.message_id));
                    continue;
                }
                Ok(RelayBody::Conversation { conversation_id }) => self.finish(conversation_id).await,
                Ok(RelayBody::Blocks { pair }) => self.finish_blocks(pair).await,
                Err(error) => Err(error.into()),
            };
            failed.extend(failed_message(finished, message.message_id));
        }
        for (user, after, last, message_id) in users {
            failed.extend(failed_message(self.finish_deletion(user, after, last, deadline).await, message_id));
        }
        failed
    }

    /// Applies the changes that wait in a conversation's outbox.
    async fn finish(&self, conversation: ConversationId) -> Result<(), Box<dyn Error>> {
        let applied = self.deletion.membership().finish(conversation).await?;
        Ok(self.notifier.changes(&applied).await?)
    }

    /// Projects the blocks of two users who have no private conversation.
    async fn finish_blocks(&self, pair: [UserId; 2]) -> Result<(), Box<dyn Error>> {
        Ok(self.deletion.membership().finish_blocks(pair).await?)
    }

    /// Continues the deletion of a user: ends the memberships in a range, or all after a conversation, which are split into ranges
    /// first if they are many. The queue repeats what the invocation has no time for.
    async fn finish_deletion(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        last: Option<ConversationId>,
        deadline: Timestamp,
    ) -> Result<(), Box<dyn Error>> {
        let after = after.unwrap_or(Deletion::all_memberships().after);
        let range = match last {
            Some(last) => IdRange { after, last },
            None if !self.resume(user).await? => return Ok(()),
            None => match self.deletion.split(user, after).await? {
                Some(range) => range,
                None => return Ok(()),
            },
        };
        let notify = async |applied: &[Applied]| self.notifier.departures(user, applied).await;
        let now = Timestamp::now();
        let until = now.plus(deadline.since(now).saturating_sub(LEAVE_ONE_RESERVE));
        match self.deletion.leave(user, range, until, notify).await? {
            Progress::Done => Ok(()),
            Progress::OutOfTime => Err("the time of the invocation is over".into()),
        }
    }

    /// Leaves the tombstones of a deleted user again, closes connections that began during the deletion, and queues the deletion of
    /// the user's files. Returns false for a user who is not deleted.
    async fn resume(&self, user: UserId) -> Result<bool, Box<dyn Error>> {
        let Some(connections) = self.deletion.resume(user).await? else { return Ok(false) };
        self.notifier.api().close(connections.iter().map(|connection| connection.connection_id.as_str())).await;
        self.deletion.remove_closed(&connections, Timestamp::now()).await?;
        self.files.send_files(FilesBody::all_of(user), Timestamp::now()).await?;
        Ok(true)
    }
}

/// Logs a failure and returns the id of the queue message, which has to be retried.
fn failed_message(finished: Result<(), Box<dyn Error>>, queue_message_id: Option<String>) -> Option<String> {
    let error = finished.err()?;
    tracing::error!(queue_message_id, error = causes(&*error), "a queue message will be retried");
    queue_message_id
}
