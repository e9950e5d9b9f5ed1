//! The queues, and the bodies of their messages.

use std::slice;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use domain::error::causes;
use domain::{ConversationId, FileId, MemberRange, Message, Receipt, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use uuid::Uuid;

use crate::StoreError;

/// Body of a message on the `receipts` queue: the receipts of one frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsBody {
    /// With the user and the time that the server set.
    pub receipts: Vec<Receipt>,
}

/// Body of a message on the `relay` queue: work that a crash may have left unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RelayBody {
    /// A conversation that may have changes in the outbox.
    Conversation { conversation_id: ConversationId },
    /// A user whose account may be deleted and whose memberships may not have ended.
    User { user_id: UserId },
}

/// Body of a message on the `files` queue: a cleanup task, with the time when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilesBody {
    /// An upload to delete unless it was accepted by then.
    Upload { file_id: FileId, due: Timestamp },
    /// A file that expired, and is deleted unless a message has referenced it by then.
    #[serde(rename = "released")]
    Expired { file_id: FileId, due: Timestamp },
    /// A deleted user, whose files are deleted except those that messages reference.
    User {
        user_id: UserId,
        /// Files up to this one are done.
        after: FileId,
    },
}

impl FilesBody {
    /// Returns the task for all files of a deleted user.
    pub const fn all_of(user_id: UserId) -> Self {
        Self::User { user_id, after: FileId(Uuid::nil()) }
    }

    /// Returns the time from which the worker acts on it.
    pub const fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Upload { due, .. } | Self::Expired { due, .. } => Some(*due),
            Self::User { .. } => None,
        }
    }
}

/// Body of a message on the `fanout` queue: items of a log, to be pushed to members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanoutBody {
    pub conversation_id: ConversationId,
    /// Seqs of the items.
    pub seqs: Vec<Seq>,
    /// The range of members; the whole range is split if it is too large for one worker.
    #[serde(flatten)]
    pub shard: MemberRange,
}

/// Body of a message on the `fanout` queue: items of a public conversation's log, to be pushed to the subscribers in one shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscribersBody {
    pub conversation_id: ConversationId,
    /// Seqs of the items.
    pub seqs: Vec<Seq>,
    #[serde(rename = "lookers")]
    pub subscribers: SubscriptionRange,
}

/// A range of the subscribers of a public conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubscriptionRange {
    /// The shard of their subscriptions.
    pub shard: u32,
    /// The last connection before the range; `None` to start with the first of the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_connection: Option<String>,
}

/// Name of the service in errors.
const SQS: &str = "SQS";

/// Time that a send waits for the `fanout` queue.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(1);

/// Most messages of one request to SQS.
const ENTRIES_PER_BATCH: usize = 10;

/// Delay of a message on the `relay` queue: longer than a request can take (29 s), so that by then it has relayed the change
/// itself or never will.
pub const RELAY_DELAY: Duration = Duration::from_secs(35);

/// Longest that SQS keeps a message back.
const MAX_DELAY: Duration = Duration::from_mins(15);

#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at this URL.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Queues receipts: accepted once this returns.
    pub async fn send_receipts(&self, body: &ReceiptsBody) -> Result<(), StoreError> {
        self.send(serde_json::to_string(body)?, None).await
    }

    /// Queues work that the caller is about to begin, so that the worker finishes it if the caller crashes. `delay` is in whole
    /// seconds, at most 15 minutes.
    pub async fn send_relay(&self, body: RelayBody, delay: Duration) -> Result<(), StoreError> {
        self.send(serde_json::to_string(&body)?, i32::try_from(delay.as_secs()).ok()).await
    }

    /// Queues work for the `file-cleanup` worker until it is due, or for the 15 minutes that SQS delays a message at most: then
    /// the worker queues it again.
    pub async fn send_files(&self, body: FilesBody, now: Timestamp) -> Result<(), StoreError> {
        let wait = body.due().map_or(Duration::ZERO, |due| due.since(now)).min(MAX_DELAY);
        // Whole seconds: rather late than early.
        let seconds = wait.as_millis().div_ceil(1000);
        self.send(serde_json::to_string(&body)?, i32::try_from(seconds).ok()).await
    }

    /// Leaves the push of an item to the `fanout` worker. If this fails, or takes more than a second, clients find the item
    /// when they sync.
    pub async fn fan_out(&self, item: &Message) {
        let body =
            FanoutBody { conversation_id: item.conversation_id, seqs: vec![item.seq], shard: MemberRange::default() };
        let queued = timeout(QUEUE_TIMEOUT, self.send_fanout(slice::from_ref(&body))).await;
        let queued = queued.unwrap_or_else(|elapsed| Err(StoreError::Busy { service: SQS, source: Box::new(elapsed) }));
        if let Err(error) = queued {
            tracing::warn!(
                conversation_id = %item.conversation_id,
                seq = item.seq.0,
                error = causes(&error),
                "an item was not queued for fan-out: its recipients find it when they sync"
            );
        }
    }

    /// Queues work for `fanout`; one request for each ten.
    pub async fn send_fanout(&self, bodies: &[impl Serialize]) -> Result<(), StoreError> {
        for bodies in bodies.chunks(ENTRIES_PER_BATCH) {
            let entry = |(n, body)| {
                let body = serde_json::to_string(body)?;
                let entry = SendMessageBatchRequestEntry::builder().id(usize::to_string(&n)).message_body(body).build();
                entry.map_err(|error| StoreError::Service { service: SQS, source: Box::new(error) })
            };
            let entries = bodies.iter().enumerate().map(entry).collect::<Result<_, StoreError>>()?;
            let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let sent = request.send().await.map_err(|error| StoreError::aws(SQS, error))?;
            // A batch may succeed in part: what was sent is pushed twice when the caller tries again, which is harmless.
            if let Some(failed) = sent.failed().first() {
                let refused = Refused(failed.code().to_owned());
                return Err(StoreError::Busy { service: SQS, source: Box::new(refused) });
            }
        }
        Ok(())
    }

    async fn send(&self, body: String, delay_seconds: Option<i32>) -> Result<(), StoreError> {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .set_delay_seconds(delay_seconds)
            .send()
            .await
            .map_err(|error| StoreError::aws(SQS, error))?;
        Ok(())
    }
}

/// SQS rejected a message of an accepted batch.
#[derive(Debug, thiserror::Error)]
#[error("SQS rejected an entry of a batch: {0}")]
struct Refused(String);
