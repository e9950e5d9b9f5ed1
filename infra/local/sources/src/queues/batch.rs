//! Gathers messages into batches.

use std::collections::BTreeSet;
use std::time::Duration;

use local_lambda::{MAX_PAYLOAD_BYTES, TraceHeader};
use local_sqs::{Sqs, SqsError};
use local_template::model::{Queue, QueueEvent};
use rustack_sqs_model::input::{DeleteMessageInput, ReceiveMessageInput};
use rustack_sqs_model::types::Message;
use serde_json::Value;
use tokio::time::Instant;

use super::event::record;
use super::polls::Polls;

/// Interval at which a queue is polled without a known change: for messages that a delay, a visibility timeout or redrive has
/// made visible.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const ENVELOPE_BYTES: usize = 14;

/// Messages that go into one invocation.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) messages: Vec<Taken>,
    /// Size of the event in bytes.
    size: usize,
    /// Time at which the oldest message was received.
    pub(super) received: Instant,
}

/// A message of a batch.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) receipt_handle: String,
    /// Its record in the event.
    record: Value,
    /// The header of the invocation that sent it.
    cause: Option<TraceHeader>,
}

impl Batch {
    fn new() -> Self {
        Self { messages: Vec::new(), size: ENVELOPE_BYTES, received: Instant::now() }
    }

    /// Takes the message, or gives it back when the event would become too large.
    fn push(&mut self, message: Message, arn: &str) -> Option<Message> {
        let record = record(&message, arn);
        let size = self.size + record.to_string().len() + 1;
        if size > MAX_PAYLOAD_BYTES && !self.messages.is_empty() {
            return Some(message);
        }
        self.size = size;
        self.messages.push(Taken {
            record,
            cause: message.attributes.get("AWSTraceHeader").and_then(|header| header.parse().ok()),
            id: message.message_id.unwrap_or_default(),
            receipt_handle: message.receipt_handle.unwrap_or_default(),
        });
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Leaves out the messages whose chain of invocations is stopped. They become visible again after their visibility timeout.
    pub(super) fn leave_out(&mut self, is_stopped: impl Fn(&TraceHeader) -> bool) {
        self.messages.retain(|message| !message.cause.as_ref().is_some_and(&is_stopped));
    }

    /// The header that the invocation gets.
    pub(super) fn cause(&self) -> Option<TraceHeader> {
        TraceHeader::joined(self.messages.iter().filter_map(|message| message.cause.as_ref()))
    }

    /// The event, as JSON. Leaves the messages without their records.
    pub(super) fn take_event(&mut self) -> String {
        let records: Vec<Value> = self.messages.iter_mut().map(|message| message.record.take()).collect();
        serde_json::json!({ "Records": records }).to_string()
    }

    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.messages.iter().map(|message| message.id.clone()).collect()
    }
}

/// The poller of one event source mapping.
pub(super) struct Poller<'a> {
    sqs: &'a Sqs,
    queue: &'a Queue,
    event: &'a QueueEvent,
    /// The part of the polls that AWS would bill.
    polls: Polls,
    /// Received and not yet in a batch.
    carried: Vec<Message>,
    /// Time at which the newest messages were received.
    received: Instant,
}

impl<'a> Poller<'a> {
    pub(super) fn new(sqs: &'a Sqs, queue: &'a Queue, event: &'a QueueEvent, polls: Polls) -> Self {
        Self { sqs, queue, event, polls, carried: Vec::new(), received: Instant::now() }
    }

    /// The next batch: what one poll gives or, with a batching window, what comes until it ends, the batch is full or the
    /// event has 6 MiB. May be dropped while it waits for a first message.
    pub(super) async fn next(&mut self) -> Result<Batch, SqsError> {
        let full = usize::try_from(self.event.batch_size).unwrap_or(usize::MAX);
        let mut batch = Batch::new();
        loop {
            // Before the poll, so that a message which it misses by a hair is not waited for.
            let changed = self.sqs.changed();
            let mut came = !self.carried.is_empty();
            if self.carried.is_empty() {
                let received = self.receive(full - batch.messages.len()).await?;
                self.received = Instant::now();
                match received.as_slice() {
                    [] => self.polls.pass(self.received),
                    messages => self.polls.received(self.received, messages),
                }
                came = !received.is_empty();
                let unwanted;
                (self.carried, unwanted) = received.into_iter().partition(|message| self.wants(message));
                self.delete(unwanted).await;
            }
            if batch.is_empty() {
                batch.received = self.received;
            }
            let mut messages = std::mem::take(&mut self.carried).into_iter();
            self.carried.extend(messages.by_ref().find_map(|message| batch.push(message, &self.queue.arn)));
            self.carried.extend(messages);
            let mut wake = Instant::now() + POLL_INTERVAL;
            if !batch.is_empty() {
                let end = batch.received + self.event.batching_window;
                if batch.messages.len() >= full || !self.carried.is_empty() || Instant::now() >= end {
                    return Ok(batch);
                }
                wake = wake.min(end);
            }
            if !came {
                // Either way it is time to look again.
                let _ = tokio::time::timeout_at(wake, changed).await;
            }
        }
    }

    /// Returns true if the function gets a message: patterns look into a body that is JSON, but not a lone text or number.
    fn wants(&self, message: &Message) -> bool {
        let mut record = record(message, &self.queue.arn);
        let body = record["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
        if let Some(body) = body.filter(|body: &Value| body.is_object() || body.is_array()) {
            record["body"] = body;
        }
        self.event.filter.matches(&record)
    }

    async fn delete(&self, unwanted: Vec<Message>) {
        for message in unwanted {
            let receipt_handle = message.receipt_handle.unwrap_or_default();
            let input = DeleteMessageInput { queue_url: self.queue.url.clone(), receipt_handle };
            if let Err(error) = self.sqs.delete(input).await {
                tracing::error!(queue = self.queue.name, %error, "cannot delete a message that matches no filter; it will be received again");
            }
        }
    }

    /// Does not wait for messages. A long poll would: in whole seconds, and a message handed to one that has been dropped
    /// is gone until its visibility timeout.
    async fn receive(&self, limit: usize) -> Result<Vec<Message>, SqsError> {
        let input = ReceiveMessageInput {
            queue_url: self.queue.url.clone(),
            max_number_of_messages: Some(i32::try_from(limit.min(10)).unwrap_or(10)),
            wait_time_seconds: Some(0),
            message_system_attribute_names: vec!["All".to_owned()],
            message_attribute_names: vec!["All".to_owned()],
            ..ReceiveMessageInput::default()
        };
        Ok(self.sqs.receive(input).await?.messages)
    }
}
