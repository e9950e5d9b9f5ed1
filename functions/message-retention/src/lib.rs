//! Deletes messages that are older than they are kept: for operators, who have conversations from before visited, and on the queue of
//! visits and deletions.
//!
//! A task that fails is received again; all of it is safe to repeat.

mod serve;

use aws_lambda_events::sqs::SqsEvent;
use chat::archive::ArchiveError;
use chat::retention::Retention;
use domain::ConversationId;
use lambda_kit::queue;
use serde::{Deserialize, Serialize};
use store::StoreError;

pub use serve::serve;

/// Event of an operator. Without a field, all conversations are visited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// Visits this conversation alone.
    pub conversation_id: Option<ConversationId>,
}

/// Answer to an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Tasks that were queued.
    pub queued: usize,
}

/// Works for operators, and on the queue.
#[derive(Debug)]
pub struct Worker {
    pub retention: Retention,
}

impl Worker {
    /// Begins visits, of all conversations or of one.
    pub async fn begin(&self, request: Request) -> Result<Answer, StoreError> {
        let queued = match request.conversation_id {
            Some(conversation) => self.retention.visits.queue(conversation).await.map(|()| 1)?,
            None => self.retention.queue_all(None).await?,
        };
        Ok(Answer { queued })
    }

    /// Does the tasks of a batch; returns the ids of the queue messages to retry.
    pub async fn handle(&self, event: SqsEvent) -> Vec<String> {
        queue::each::<ArchiveError>(event, async |task| {
            let body = serde_json::from_str(task).map_err(StoreError::from)?;
            self.retention.work(body).await
        })
        .await
    }
}
