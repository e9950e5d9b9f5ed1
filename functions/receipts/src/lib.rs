//! The worker of the `receipts` queue: merges a batch, moves watermarks, tells those concerned.

mod batch;
mod tell;

use domain::{Receipt, Timestamp};
use futures_util::{StreamExt, stream};
use lambda_kit::push::Pusher;
use store::StoreError;
use store::dynamodb::Connections;
use store::receipts::{Receipts, Recorded};

pub use batch::{Batch, Stream};

/// Streams of receipts worked on at once; each takes a handful of calls to DynamoDB.
const CONCURRENCY: usize = 16;

/// What the worker needs.
#[derive(Debug)]
pub struct Worker {
    /// Where receipts are recorded.
    pub receipts: Receipts,
    /// Where those concerned are.
    pub connections: Connections,
    /// How they are told.
    pub pusher: Pusher,
}

impl Worker {
    /// Works on a batch; gives back the ids of the queue messages that have to come again.
    pub async fn handle(&self, batch: Batch) -> Vec<String> {
        let (streams, mut failed) = batch.into_streams();
        let results = stream::iter(streams).map(|stream| async move { (self.record(&stream.receipts).await, stream) });
        let results: Vec<_> = results.buffer_unordered(CONCURRENCY).collect().await;
        let mut recorded = Vec::new();
        for ((news, result), stream) in results {
            recorded.extend(news);
            if let Err(error) = result {
                tracing::error!(error = &error as &dyn std::error::Error, "receipts will come again");
                failed.extend(stream.queue_message_ids);
            }
        }
        self.tell(&recorded).await;
        failed.sort_unstable();
        failed.dedup();
        failed
    }

    /// Records the receipts of one stream one after the other: they contend for one watermark. What was recorded before
    /// a failure is told all the same.
    async fn record(&self, receipts: &[Receipt]) -> (Vec<Recorded>, Result<(), StoreError>) {
        let mut news = Vec::new();
        for receipt in receipts {
            match self.receipts.record(*receipt).await {
                Ok(recorded) => news.extend(recorded),
                Err(error) => return (news, Err(error)),
            }
        }
        (news, Ok(()))
    }

    /// One frame per connection and batch.
    async fn tell(&self, recorded: &[Recorded]) {
        let by_user = tell::by_user(recorded);
        if by_user.is_empty() {
            return;
        }
        let users: Vec<_> = by_user.keys().copied().collect();
        let now = Timestamp::now();
        match self.connections.of(&users, now).await {
            Ok(connections) => {
                let frames = tell::frames(&by_user);
                let gone = self.pusher.push(tell::address(&connections, &frames)).await;
                self.connections.forget_gone(&connections, &gone, now).await;
            }
            // The watermarks are the truth: clients read them when they next look.
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "nobody was told of receipts"),
        }
    }
}
