//! The event source mapping from a queue to a function, with Lambda's rules for batches, failures and throttling.
//!
//! Differs from AWS in one thing: how many batches run at once when `MaximumConcurrency` is not set. AWS starts with five
//! pollers and adds more; here it stays at five.

mod batch;
mod event;
mod polls;
mod response;

use std::sync::Arc;
use std::time::Duration;

use local_aws::Meter;
use local_aws::back_off::BackOff;
use local_lambda::{InvokeError, Lambda, Outcome, TraceHeader};
use local_sqs::Sqs;
use local_template::model::{Function, Queue, QueueEvent};
use rustack_sqs_model::input::DeleteMessageInput;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use batch::{Batch, Poller, Taken};
use polls::Polls;
use response::{Verdict, verdict};

/// Batches at once, unless the template says.
const INITIAL_CONCURRENCY: u32 = 5;
/// The wait after a poll that failed.
const POLL_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Polls the queue and invokes the function, until the token fires and the running batches have ended. Reports to the meter the
/// requests that AWS would bill.
pub async fn run(
    sqs: Sqs,
    queue: Queue,
    event: QueueEvent,
    function: Function,
    lambda: Lambda,
    meter: Meter,
    shutdown: CancellationToken,
) {
    let polls = Polls::new(meter.clone(), &queue.name, event.maximum_concurrency);
    let places = Arc::new(Semaphore::new(event.maximum_concurrency.unwrap_or(INITIAL_CONCURRENCY) as usize));
    let mapping = Arc::new(Mapping {
        visibility: visibility_timeout(&queue),
        report_failures: event.report_batch_item_failures,
        queue: queue.clone(),
        meter,
        function: function.logical_id,
        sqs: sqs.clone(),
        lambda,
        shutdown: shutdown.clone(),
    });
    let mut poller = Poller::new(&sqs, &queue, &event, polls);
    let mut batches = JoinSet::new();
    while let Some(Ok(place)) = shutdown.run_until_cancelled(Arc::clone(&places).acquire_owned()).await {
        match shutdown.run_until_cancelled(poller.next()).await {
            None => break,
            Some(Ok(batch)) => {
                let mapping = Arc::clone(&mapping);
                batches.spawn(async move {
                    mapping.process(batch).await;
                    drop(place);
                });
            }
            Some(Err(error)) => {
                tracing::error!(queue = queue.name, %error, "cannot poll");
                // `None`, the shutdown, ends the loop at its head.
                shutdown.run_until_cancelled(tokio::time::sleep(POLL_RETRY_DELAY)).await;
            }
        }
        while batches.try_join_next().is_some() {}
    }
    while batches.join_next().await.is_some() {}
}

struct Mapping {
    sqs: Sqs,
    queue: Queue,
    meter: Meter,
    visibility: Duration,
    report_failures: bool,
    function: String,
    lambda: Lambda,
    shutdown: CancellationToken,
}

impl Mapping {
    /// Invokes the function and deletes the messages that it has handled. Others become visible again after the visibility
    /// timeout.
    async fn process(&self, mut batch: Batch) {
        batch.leave_out(|cause| self.lambda.stops_loop(&self.function, cause));
        if batch.is_empty() {
            return;
        }
        let (event, cause) = (batch.take_event(), batch.cause());
        let Some(outcome) = self.invoke(event, cause, batch.received + self.visibility).await else {
            return;
        };
        let response = match outcome {
            Outcome::Success(response) => response,
            // Its error object is in the function's log.
            Outcome::FunctionError(_) => return,
        };
        if !self.report_failures {
            return self.delete(batch.messages).await;
        }
        match verdict(&response, &batch.ids()) {
            Verdict::Failed(failed) => {
                self.delete(batch.messages.into_iter().filter(|message| !failed.contains(&message.id))).await;
            }
            Verdict::Unusable(reason) => {
                tracing::warn!(function = self.function, reason, "the whole batch will be repeated");
            }
        }
    }

    /// A throttled invocation is repeated until the messages are visible again to others. `None`: it never ran.
    async fn invoke(&self, event: String, cause: Option<TraceHeader>, until: Instant) -> Option<Outcome> {
        let event = bytes::Bytes::from(event);
        let mut back_off = BackOff::default();
        loop {
            match self.lambda.invoke_in_chain(&self.function, event.clone(), cause.clone()).await {
                Ok(outcome) => return Some(outcome),
                Err(InvokeError::Throttled) => {
                    if Instant::now() + back_off.longest() >= until {
                        return None;
                    }
                    self.shutdown.run_until_cancelled(tokio::time::sleep(back_off.wait())).await?;
                }
                Err(InvokeError::Stopping | InvokeError::Recursive) => return None,
                Err(error @ (InvokeError::NotFound(_) | InvokeError::TooLarge | InvokeError::Unavailable(_))) => {
                    tracing::error!(function = self.function, %error, "cannot invoke");
                    return None;
                }
            }
        }
    }

    async fn delete(&self, messages: impl IntoIterator<Item = Taken>) {
        let mut deleted = 0;
        for Taken { id, receipt_handle, .. } in messages {
            deleted += 1;
            let input = DeleteMessageInput { queue_url: self.queue.url.clone(), receipt_handle };
            if let Err(error) = self.sqs.delete(input).await {
                tracing::error!(message = id, %error, "cannot delete a message that was processed; it will be repeated");
            }
        }
        polls::deleted(&self.meter, &self.queue.name, deleted);
    }
}

/// `VisibilityTimeout` of the queue, which SQS has validated; 30 s unless set.
fn visibility_timeout(queue: &Queue) -> Duration {
    let seconds = queue.attributes.get("VisibilityTimeout").and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(30))
}
