//! Fills the index of messages from the log: for operators, who begin the work, and on the queue that has its parts.
//!
//! A part that fails is received again; all of it is safe to repeat.

mod serve;

use aws_lambda_events::sqs::SqsEvent;
use chat::search::{Reindex, ReindexError, Slice};
use domain::error::causes;
use domain::period::SeqRange;
use domain::{ConversationId, IdRange, Timestamp};
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::sqs::ReindexBody;

pub use serve::serve;

/// Event of an operator. Without a field, the index is filled from the logs of all conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// Only this conversation.
    pub conversation_id: Option<ConversationId>,
    /// A new index, `messages-v2` for example, which takes the place of the one of before once it is full.
    pub index: Option<String>,
    /// True to end the time of two indexes, once all parts are done.
    pub finish: bool,
}

/// Answer to an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Parts of the work that were queued.
    Queued(usize),
    /// Parts that are not done yet: ask again.
    Unfinished(u64),
    /// The indexes of before, which are deleted.
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
        if let Some(index) = &request.index {
            self.reindex.begin(index).await?;
        }
        let queued = match request.conversation_id {
            Some(conversation) => self.reindex.queue_conversation(conversation).await?,
            None => self.reindex.queue_all(None).await?,
        };
        Ok(Answer::Queued(queued))
    }

    /// Does the parts of a batch; returns the ids of the queue messages to retry.
    pub async fn handle(&self, event: SqsEvent, until: Timestamp) -> Vec<String> {
        let mut failed = Vec::new();
        for message in event.records {
            let part = message.body.as_deref().unwrap_or_default();
            let done = match serde_json::from_str(part) {
                Ok(body) => self.part(body, until).await,
                Err(error) => Err(StoreError::from(error).into()),
            };
            if let Err(error) = done {
                let queue_message_id = message.message_id.as_deref();
                tracing::error!(queue_message_id, part, error = causes(&error), "a queue message will be retried");
                failed.extend(message.message_id);
            }
        }
        failed
    }

    async fn part(&self, body: ReindexBody, until: Timestamp) -> Result<(), ReindexError> {
        match body {
            ReindexBody::Slice { conversation_id, first, last } => {
                self.reindex.slice(Slice { conversation_id, seqs: SeqRange { first, last } }, until).await
            }
            ReindexBody::Range { after, last: Some(last) } => self.reindex.range(IdRange { after, last }, until).await,
            ReindexBody::Range { after, last: None } => self.reindex.queue_all(Some(after)).await.map(drop),
        }
    }
}
