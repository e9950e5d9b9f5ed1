//! Moves old items of the logs to the archive: for operators, who have conversations from before looked through, and on the queue that
//! has the segments.
//!
//! A task that fails is received again; all of it is safe to repeat.

mod serve;

use aws_lambda_events::sqs::SqsEvent;
use chat::archive::{ArchiveError, ArchiveTasks};
use domain::{ConversationId, Timestamp};
use lambda_kit::queue;
use serde::{Deserialize, Serialize};
use store::StoreError;

pub use serve::serve;

/// Event of an operator. Without a field, all conversations are looked through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// The one conversation to archive; without it all that are due.
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
    pub tasks: ArchiveTasks,
}

impl Worker {
    /// Begins the work on conversations from before.
    pub async fn begin(&self, request: Request) -> Result<Answer, StoreError> {
        let queued = match request.conversation_id {
            Some(conversation) => self.tasks.queue_conversation(conversation).await?,
            None => self.tasks.queue_all(None).await?,
        };
        Ok(Answer { queued })
    }

    /// Does the tasks of a batch until then; returns the ids of the queue messages to retry.
    pub async fn handle(&self, event: SqsEvent, until: Timestamp) -> Vec<String> {
        queue::each::<ArchiveError>(event, async |task| {
            let body = serde_json::from_str(task).map_err(StoreError::from)?;
            self.tasks.work(body, until).await
        })
        .await
    }
}
