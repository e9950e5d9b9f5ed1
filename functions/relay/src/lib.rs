//! The worker of the `relay` queue: finishes what a crash, or a lack of time, left in an outbox or of a user.
//!
//! Requests that change a conversation relay the change themselves, and who deletes an account ends the memberships; by the time
//! their queue message comes here there is nothing left to do, in all but a few cases.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use std::error::Error;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use chat::accounts::{Deletion, Progress};
use chat::membership::Applied;
use chat::notify::Delivery;
use domain::error::causes;
use domain::{ApiError, ConversationId, Timestamp, UserId};
use store::connections_api::ConnectionsApi;
use store::sqs::{FilesBody, Queue, RelayBody};

/// What is kept of an invocation's time for a membership that is ending when it is over.
const LEAVE_ONE_RESERVE: Duration = Duration::from_secs(20);

/// What the worker needs.
#[derive(Debug)]
pub struct Worker {
    /// Finishes deletions, and with their parts everything else.
    pub deletion: Deletion,
    /// Who is told.
    pub delivery: Delivery,
    /// How they are told.
    pub pusher: ConnectionsApi,
    /// Who removes the files of users who are gone.
    pub files: Queue,
}

impl Worker {
    /// Works on a batch until shortly before Lambda would end the process; gives back the ids of the queue messages that have to
    /// come again.
    pub async fn handle(&self, event: SqsEvent, deadline: Timestamp) -> Vec<String> {
        let mut failed = Vec::new();
        let mut users = Vec::new();
        for message in event.records {
            let body = serde_json::from_str(message.body.as_deref().unwrap_or_default());
            let finished = match body {
                // A user may take all the time that there is: conversations go first.
                Ok(RelayBody::User { user_id }) => {
                    users.push((user_id, message.message_id));
                    continue;
                }
                Ok(RelayBody::Conversation { conversation_id }) => self.finish(conversation_id).await,
                Err(error) => Err(error.into()),
            };
            failed.extend(again(finished, message.message_id));
        }
        for (user, message_id) in users {
            failed.extend(again(self.finish_deletion(user, deadline).await, message_id));
        }
        failed
    }

    /// Applies what waits in a conversation's outbox.
    async fn finish(&self, conversation: ConversationId) -> Result<(), Box<dyn Error>> {
        let applied = self.deletion.membership.relay.run(conversation).await?;
        Ok(self.announce(&applied).await?)
    }

    /// Ends the memberships of a user who is deleted, and closes connections that began while they were. What there is no time
    /// for gets another message.
    async fn finish_deletion(&self, user: UserId, deadline: Timestamp) -> Result<(), Box<dyn Error>> {
        let Some(connections) = self.deletion.resume(user).await? else { return Ok(()) };
        self.pusher.close(connections.iter().map(|connection| connection.connection_id.as_str())).await;
        self.deletion.connections.forget_closed(&connections, Timestamp::now()).await?;
        self.files.send_files(FilesBody::all_of(user), Timestamp::now()).await?;
        let tell = async |applied: &[Applied]| {
            if let Err(error) = self.announce(applied).await {
                // Who is not told finds it in the log.
                tracing::warn!(error = causes(&error), "nobody was told that somebody is gone");
            }
        };
        let now = Timestamp::now();
        let until = now.plus(deadline.since(now).saturating_sub(LEAVE_ONE_RESERVE));
        if self.deletion.leave_all(user, until, tell).await? == Progress::OutOfTime {
            self.deletion.hand_over(user).await?;
        }
        Ok(())
    }

    /// Tells everybody who sees it of what reached the log.
    async fn announce(&self, applied: &[Applied]) -> Result<(), ApiError> {
        self.delivery.announce(applied, self.pusher.messages()).await
    }
}

/// The id of a queue message that has to come again.
fn again(finished: Result<(), Box<dyn Error>>, message_id: Option<String>) -> Option<String> {
    let error = finished.err()?;
    tracing::error!(error = causes(&*error), "something is not finished yet");
    message_id
}
