//! SQS: the stack's queues, in this process, behind the real wire protocol.
//!
//! The queues are `rustack-sqs-core`'s actors. Visibility timeouts, delays, long polling, batches, FIFO groups, de-duplication
//! and redrive are theirs; delays and visibility timeouts end up to a second late for a waiting long poll. Not emulated: the
//! retention period, the limit of messages in flight, fair queues (`MessageGroupId` on a standard queue), messages above 256
//! KiB and message move tasks.
//!
//! A state file keeps the messages that were neither deleted nor purged. After a restart they have new ids and receive counts,
//! and those that were in flight are visible at once: SQS promises delivery at least once.

mod ledger;
mod operations;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use local_aws::http_server;
use local_template::model::Queue;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::CreateQueueInput;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio_util::sync::CancellationToken;

use ledger::Ledger;

/// Reasons for which the queues could not be started.
#[derive(Debug, thiserror::Error)]
pub enum QueuesError {
    /// SQS refuses the queue as the template has it.
    #[error("queue `{queue}`: {error}")]
    Queue { queue: String, error: SqsError },
    /// The queue would not be where `!Ref` says.
    #[error("queue `{queue}` has the URL {actual} instead of {expected}")]
    Url { queue: String, expected: String, actual: String },
    /// The messages of the last run cannot be read.
    #[error("{}: {error}", path.display())]
    State { path: PathBuf, error: io::Error },
}

/// Reasons for which the messages could not be saved.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct SaveError {
    path: PathBuf,
    error: io::Error,
}

/// The queues of a stack. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sqs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    provider: Arc<RustackSqs>,
    ledger: Ledger,
    /// URLs of the queues that other queues name as their dead-letter queue.
    dead_letter_queues: Vec<String>,
    state_file: Option<PathBuf>,
    /// Notifies waiting polls that a message may have become visible.
    changed: Notify,
}

impl Sqs {
    /// Creates the queues, reached at `address`, with the messages that `state_file` holds. Without a state file nothing is
    /// kept.
    pub async fn start(
        region: &str,
        account: &str,
        address: SocketAddr,
        queues: &[Queue],
        state_file: Option<PathBuf>,
    ) -> Result<Self, QueuesError> {
        let provider = RustackSqs::new(SqsConfig {
            skip_signature_validation: true,
            default_region: region.to_owned(),
            account_id: account.to_owned(),
            host: address.ip().to_string(),
            port: address.port(),
        });
        for queue in queues {
            create(&provider, queue).await?;
        }
        let delays = queues.iter().map(|queue| (queue.name.clone(), default_delay(queue))).collect();
        let sqs = Self {
            inner: Arc::new(Inner {
                provider: Arc::new(provider),
                ledger: Ledger::new(delays),
                dead_letter_queues: dead_letter_queues(queues),
                state_file,
                changed: Notify::new(),
            }),
        };
        sqs.restore(queues).await?;
        Ok(sqs)
    }

    /// Serves the SQS API (AWS JSON protocol) until the token fires. Signatures are not checked.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        let service = SqsHttpService::new(Arc::new(self.clone()), SqsHttpConfig::default());
        http_server::serve(service, listener, shutdown).await
    }

    /// Writes all messages to the state file, if there is one. To be called once nothing uses the queues any more.
    pub async fn save(&self) -> Result<(), SaveError> {
        let Some(path) = &self.inner.state_file else {
            return Ok(());
        };
        for url in &self.inner.dead_letter_queues {
            self.locate(url).await;
        }
        let messages = self.inner.ledger.snapshot().await;
        ledger::write(path, &messages).map_err(|error| SaveError { path: path.clone(), error })
    }

    /// Ready once a message is sent to any queue, or one is deleted that may have held back others of its group, counted
    /// from this call on, not from when the future is first polled.
    /// Returns a future that resolves when a message was added or became visible.
    pub fn changed(&self) -> Notified<'_> {
        self.inner.changed.notified()
    }

    async fn restore(&self, queues: &[Queue]) -> Result<(), QueuesError> {
        let Some(path) = &self.inner.state_file else {
            return Ok(());
        };
        let messages = ledger::read(path).map_err(|error| QueuesError::State { path: path.clone(), error })?;
        let by_name: HashMap<&str, &Queue> = queues.iter().map(|queue| (queue.name.as_str(), queue)).collect();
        for message in messages {
            let Some(queue) = by_name.get(message.queue.as_str()) else {
                tracing::warn!(queue = message.queue, "a message of a queue that is no longer in the stack is dropped");
                continue;
            };
            let sent = self.send(message.into_input(&queue.url)).await;
            sent.map_err(|error| QueuesError::Queue { queue: queue.logical_id.clone(), error })?;
        }
        Ok(())
    }
}

async fn create(provider: &RustackSqs, queue: &Queue) -> Result<(), QueuesError> {
    let input = CreateQueueInput {
        queue_name: queue.name.clone(),
        attributes: queue.attributes.clone().into_iter().collect(),
        tags: HashMap::new(),
    };
    let created = provider.create_queue(input).await;
    let created = created.map_err(|error| QueuesError::Queue { queue: queue.logical_id.clone(), error })?;
    let actual = created.queue_url.unwrap_or_default();
    if actual == queue.url {
        return Ok(());
    }
    Err(QueuesError::Url { queue: queue.logical_id.clone(), expected: queue.url.clone(), actual })
}

/// `DelaySeconds` of the queue, which SQS has validated.
fn default_delay(queue: &Queue) -> u64 {
    queue.attributes.get("DelaySeconds").and_then(|delay| delay.parse().ok()).unwrap_or_default()
}

fn dead_letter_queues(queues: &[Queue]) -> Vec<String> {
    let target = |queue: &Queue| -> Option<String> {
        let policy: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(queue.attributes.get("RedrivePolicy")?).ok()?;
        Some(policy.get("deadLetterTargetArn")?.as_str()?.to_owned())
    };
    let targets: Vec<String> = queues.iter().filter_map(target).collect();
    queues.iter().filter(|queue| targets.contains(&queue.arn)).map(|queue| queue.url.clone()).collect()
}
