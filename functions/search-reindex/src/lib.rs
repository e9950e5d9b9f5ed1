//! Fills the index of messages from the log: for operators, who begin the work, and on the queue that has its parts.
//!
//! A part that fails is received again; all of it is safe to repeat.

mod serve;

use aws_lambda_events::sqs::SqsEvent;
use chat::search::{Reindex, ReindexError};
use domain::error::causes;
use domain::{ConversationId, Timestamp};
use serde::{Deserialize, Serialize};

pub use serve::serve;

/// Event of an operator. Without a field, the index is filled from the logs of all conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// The only conversation whose log fills the index; `None` for all of them.
    pub conversation_id: Option<ConversationId>,
    /// A new index, `messages-v2` for example, which replaces the one of before once it is full.
    pub index: Option<String>,
    /// True to end the time of two indexes, once all parts are done.
    pub finish: bool,
    /// An index to delete that nothing uses.
    pub delete: Option<String>,
}

/// Answer to an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Parts of the work that were queued.
    Queued(usize),
    /// Parts that are not done yet: ask again.
    Unfinished(u64),
    /// The indexes that are deleted.
    Removed(Vec<String>),
}

/// Works for operators, and on the queue.
#[derive(Debug)]
pub struct Worker {
    pub reindex: Reindex,
}

impl Worker {
    /// Begins the work, or ends it.
    pub async fn begin(&self, request: Request) -> Result<Answer, ReindexError> {
        if request.finish {
            return match self.reindex.finish().await {
                Ok(removed) => Ok(Answer::Removed(removed)),
                Err(ReindexError::Unfinished(parts)) => Ok(Answer::Unfinished(parts)),
                Err(error) => Err(error),
            };
        }
        if let Some(index) = &request.delete {
            return self.reindex.delete(index).await.map(Answer::Removed);
        }
        let queued = match (&request.index, request.conversation_id) {
            (Some(index), _) => self.reindex.begin(index).await?,
            (None, Some(conversation)) => self.reindex.queue_conversation(conversation).await?,
            (None, None) => self.reindex.queue_all().await?,
        };
        Ok(Answer::Queued(queued))
    }

    /// Does the parts of a batch; returns the ids of the queue messages to retry.
    pub async fn handle(&self, event: SqsEvent, until: Timestamp) -> Vec<String> {
        let mut failed = Vec::new();
        for message in event.records {
            let part = message.body.as_deref().unwrap_or_default();
            let done = self.reindex.part(part, until).await;
            if let Err(error) = done {
                let queue_message_id = message.message_id.as_deref();
                tracing::error!(queue_message_id, part, error = causes(&error), "a queue message will be retried");
                failed.extend(message.message_id);
            }
        }
        failed
    }
}
