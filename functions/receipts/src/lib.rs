//! Worker of the `receipts` queue: merges a batch, moves watermarks, notifies the other users.

mod batch;
mod notifications;
mod serve;

use std::time::Duration;

use chat::notify::UserNotifier;
use chat::receipts::{Receipts, Recorded};
use domain::Timestamp;
use domain::error::causes;
use futures_util::{StreamExt, stream};

pub use batch::{Batch, Stream};
pub use serve::serve;

/// Streams of receipts that are processed concurrently; each needs a few calls to DynamoDB.
const CONCURRENCY: usize = 16;

/// Part of an invocation's time that is reserved for notifications of recorded receipts.
const NOTIFY_RESERVE: Duration = Duration::from_secs(4);

/// Works on the queue.
#[derive(Debug)]
pub struct Worker {
    pub receipts: Receipts,
    pub notifier: UserNotifier,
}

impl Worker {
    /// Processes a batch until shortly before the Lambda timeout; returns the ids of the queue messages to retry.
    pub async fn handle(&self, batch: Batch, deadline: Timestamp) -> Vec<String> {
        let (streams, mut failed) = batch.into_streams();
        let recording = stream::iter(streams).map(|stream| self.record(stream, deadline));
        let results: Vec<_> = recording.buffer_unordered(CONCURRENCY).collect().await;
        let mut recorded = Vec::new();
        for (notifications, retry) in results {
            recorded.extend(notifications);
            failed.extend(retry);
        }
        // One frame of each kind per connection and batch.
        self.notifier.notify(&notifications::frames(&notifications::by_user(&recorded))).await;
        failed.sort_unstable();
        failed.dedup();
        failed
    }

    /// Records the receipts of one stream one after the other: they contend for one watermark. Returns the notifications to
    /// send, also after a failure, and the ids of the queue messages to retry.
    async fn record(&self, stream: Stream, deadline: Timestamp) -> (Vec<Recorded>, Vec<String>) {
        let mut notifications = Vec::new();
        for receipt in stream.receipts {
            let (conversation_id, user_id) = (receipt.conversation_id, receipt.user_id);
            if deadline.since(Timestamp::now()) < NOTIFY_RESERVE {
                tracing::warn!(%conversation_id, %user_id, "receipts will be retried: the time of the invocation is over");
                return (notifications, stream.queue_message_ids);
            }
            match self.receipts.record(receipt).await {
                Ok(recorded) => notifications.extend(recorded),
                Err(error) => {
                    tracing::error!(%conversation_id, %user_id, error = causes(&error), "receipts will be retried");
                    return (notifications, stream.queue_message_ids);
                }
            }
        }
        (notifications, Vec::new())
    }
}
