//! The queues, and the bodies of their messages.

mod bodies;

use std::slice;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use domain::error::causes;
use domain::period::SeqRange;
use domain::{ConversationId, MemberRange, Seq, Timestamp};
use serde::Serialize;

use crate::StoreError;
use crate::clock::timeout;

pub use bodies::{
    ArchiveBody, ErasureBody, ExportBody, FanoutBody, FilesBody, ImportBody, ReceiptsBody, RefusedRecord, ReindexBody,
    RelayBody, RetentionBody, SubscribersBody, SubscriptionRange,
};

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
pub const MAX_DELAY: Duration = Duration::from_mins(15);

/// Seqs of a queue message for the index of the search.
const REINDEXED_SEQS: usize = 2_000;

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

    /// Queues parts of a deletion, each for an invocation of its own; one request for each ten.
    pub async fn send_all_relay(&self, bodies: &[RelayBody]) -> Result<(), StoreError> {
        self.send_all(bodies, |_| None).await
    }

    /// Queues work for the `file-cleanup` worker until it is due, or for the 15 minutes that SQS delays a message at most.
    pub async fn send_files(&self, body: FilesBody, now: Timestamp) -> Result<(), StoreError> {
        self.send(serde_json::to_string(&body)?, delay_seconds(body, now)).await
    }

    /// The same for several tasks; one request for each ten.
    pub async fn send_all_files(&self, bodies: &[FilesBody], now: Timestamp) -> Result<(), StoreError> {
        self.send_all(bodies, |body| delay_seconds(*body, now)).await
    }

    /// Leaves the push of items to the `fanout` worker, in one queue message. If this fails, or takes more than a second, clients
    /// find the items when they sync.
    pub async fn fan_out(&self, conversation_id: ConversationId, seqs: Vec<Seq>) {
        let body = FanoutBody { conversation_id, seqs, round: 0, shard: MemberRange::default() };
        let queued = timeout(QUEUE_TIMEOUT, self.send_fanout(slice::from_ref(&body))).await;
        let queued = queued.unwrap_or_else(|elapsed| Err(StoreError::Busy { service: SQS, source: Box::new(elapsed) }));
        if let Err(error) = queued {
            tracing::warn!(
                %conversation_id,
                seqs = ?body.seqs,
                error = causes(&error),
                "items were not queued for fan-out: their recipients find them when they sync"
            );
        }
    }

    /// Queues work for `fanout`; one request for each ten.
    pub async fn send_fanout(&self, bodies: &[impl Serialize]) -> Result<(), StoreError> {
        self.send_all(bodies, |_| None).await
    }

    /// Queues parts of the work of filling the index, the JSON of a [`ReindexBody`] each; one request for each ten.
    pub async fn send_reindex(&self, parts: Vec<String>) -> Result<(), StoreError> {
        self.send_batches(parts.into_iter().map(|part| (part, None)).collect()).await
    }

    /// Queues segments for the archive, or ranges of conversations; one request for each ten.
    pub async fn send_archive(&self, bodies: &[ArchiveBody]) -> Result<(), StoreError> {
        self.send_all(bodies, |_| None).await
    }

    /// Queues the work on an export. `delay` is in whole seconds, at most 15 minutes.
    pub async fn send_export(&self, body: ExportBody, delay: Duration) -> Result<(), StoreError> {
        self.send(serde_json::to_string(&body)?, i32::try_from(delay.as_secs()).ok()).await
    }

    /// Queues parts of an erasure, all after the same delay; one request for each ten.
    pub async fn send_erasure(&self, bodies: &[ErasureBody], delay: Duration) -> Result<(), StoreError> {
        let delay = i32::try_from(delay.min(MAX_DELAY).as_secs()).ok().filter(|delay| *delay > 0);
        self.send_all(bodies, |_| delay).await
    }

    /// Queues the work on an import. `delay` is in whole seconds, at most 15 minutes.
    pub async fn send_import(&self, body: ImportBody, delay: Duration) -> Result<(), StoreError> {
        self.send(serde_json::to_string(&body)?, i32::try_from(delay.as_secs()).ok()).await
    }

    /// Queues work of the retention, all after the same delay; one request for each ten.
    pub async fn send_retention(&self, bodies: &[RetentionBody], delay: Duration) -> Result<(), StoreError> {
        let delay = i32::try_from(delay.min(MAX_DELAY).as_secs()).ok().filter(|delay| *delay > 0);
        self.send_all(bodies, |_| delay).await
    }

    /// Queues a visit of one conversation.
    pub async fn send_retention_visit(&self, conversation_id: ConversationId) -> Result<(), StoreError> {
        self.send_retention(&[RetentionBody::Visit { conversation_id }], Duration::ZERO).await
    }

    /// Queues a part of a log whose documents are to be as the log is; one request for 20,000 seqs.
    pub async fn send_reindex_slice(&self, conversation_id: ConversationId, seqs: SeqRange) -> Result<(), StoreError> {
        self.send_reindex_slices(&[(conversation_id, seqs)]).await
    }

    /// Queues parts of logs whose documents are to be as the logs are: a queue message for 20,000 seqs of a part, and one request for each ten.
    pub async fn send_reindex_slices(&self, parts: &[(ConversationId, SeqRange)]) -> Result<(), StoreError> {
        let slices = |(conversation_id, seqs): &(ConversationId, SeqRange)| {
            let (conversation_id, last) = (*conversation_id, seqs.last);
            let firsts = (seqs.first.0..=last.0).step_by(REINDEXED_SEQS);
            firsts.map(move |first| ReindexBody::Slice {
                conversation_id,
                first: Seq(first),
                last: Seq(first + REINDEXED_SEQS as u64 - 1).min(last),
                reindex_id: None,
            })
        };
        let bodies = parts.iter().flat_map(slices).map(|slice| serde_json::to_string(&slice));
        self.send_reindex(bodies.collect::<Result<_, _>>()?).await
    }

    /// Sends a record that the index refuses, for an operator.
    pub async fn send_refused(&self, record: &RefusedRecord) -> Result<(), StoreError> {
        self.send(serde_json::to_string(record)?, None).await
    }

    async fn send_all<B: Serialize>(&self, bodies: &[B], delay: impl Fn(&B) -> Option<i32>) -> Result<(), StoreError> {
        let message = |body| Ok((serde_json::to_string(body)?, delay(body)));
        self.send_batches(bodies.iter().map(message).collect::<Result<_, StoreError>>()?).await
    }

    /// Queues messages with their delays in seconds. A batch may succeed in part: when the caller tries again, what was sent is
    /// sent twice, which is harmless.
    async fn send_batches(&self, messages: Vec<(String, Option<i32>)>) -> Result<(), StoreError> {
        for messages in messages.chunks(ENTRIES_PER_BATCH) {
            let entry = |(n, (body, delay)): (usize, &(String, Option<i32>))| {
                let entry = SendMessageBatchRequestEntry::builder().id(n.to_string());
                let entry = entry.message_body(body).set_delay_seconds(*delay).build();
                entry.map_err(|error| StoreError::Service { service: SQS, source: Box::new(error) })
            };
            let entries = messages.iter().enumerate().map(entry).collect::<Result<_, StoreError>>()?;
            let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let sent = request.send().await.map_err(|error| StoreError::aws(SQS, error))?;
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

/// Returns the delay of a task until it is due. Whole seconds: rather late than early.
fn delay_seconds(body: FilesBody, now: Timestamp) -> Option<i32> {
    let wait = body.due().map_or(Duration::ZERO, |due| due.since(now)).min(MAX_DELAY);
    i32::try_from(wait.as_millis().div_ceil(1000)).ok()
}

/// SQS rejected a message of an accepted batch.
#[derive(Debug, thiserror::Error)]
#[error("SQS rejected an entry of a batch: {0}")]
struct Refused(String);
