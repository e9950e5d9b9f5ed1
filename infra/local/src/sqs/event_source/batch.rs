//! Gathers messages into batches.

use std::collections::BTreeSet;
use std::time::Duration;

use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::ReceiveMessageInput;
use rustack_sqs_model::types::Message;
use serde_json::Value;
use tokio::time::Instant;

use super::event::record;
use crate::lambda::MAX_PAYLOAD;
use crate::sqs::Sqs;
use crate::template::model::{Queue, QueueEvent};

/// What one long poll waits at most: SQS's own limit.
const LONG_POLL: Duration = Duration::from_secs(20);
/// `{"Records":[]}`
const FRAME: usize = 14;

/// Messages that go into one invocation.
#[derive(Debug)]
pub(super) struct Batch {
    records: Vec<Value>,
    /// Size of the event in bytes.
    size: usize,
    /// Message id and receipt handle.
    pub(super) messages: Vec<(String, String)>,
    /// When the oldest message was received.
    pub(super) received: Instant,
}

impl Batch {
    fn new() -> Self {
        Self { records: Vec::new(), size: FRAME, messages: Vec::new(), received: Instant::now() }
    }

    /// Takes the message, or gives it back when the event would become too large.
    fn push(&mut self, message: Message, arn: &str) -> Option<Message> {
        let record = record(&message, arn);
        let size = self.size + record.to_string().len() + 1;
        if size > MAX_PAYLOAD && !self.records.is_empty() {
            return Some(message);
        }
        self.size = size;
        self.records.push(record);
        self.messages.push((message.message_id.unwrap_or_default(), message.receipt_handle.unwrap_or_default()));
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The event, as JSON. Leaves the batch without its records.
    pub(super) fn take_event(&mut self) -> String {
        serde_json::json!({ "Records": std::mem::take(&mut self.records) }).to_string()
    }

    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.messages.iter().map(|(id, _)| id.clone()).collect()
    }
}

/// The poller of one event source mapping.
pub(super) struct Poller<'a> {
    sqs: &'a Sqs,
    queue: &'a Queue,
    event: &'a QueueEvent,
    /// Received and not yet in a batch.
    carried: Vec<Message>,
    /// When the newest messages were received.
    received: Instant,
}

impl<'a> Poller<'a> {
    pub(super) fn new(sqs: &'a Sqs, queue: &'a Queue, event: &'a QueueEvent) -> Self {
        Self { sqs, queue, event, carried: Vec::new(), received: Instant::now() }
    }

    /// The next batch: what one poll gives or, with a batching window, what comes until it ends, the batch is full or the
    /// event has 6 MiB. Empty if nothing came within a long poll.
    pub(super) async fn next(&mut self) -> Result<Batch, SqsError> {
        let full = usize::try_from(self.event.batch_size).unwrap_or(usize::MAX);
        let mut batch = Batch::new();
        let mut wait = LONG_POLL;
        loop {
            if self.carried.is_empty() {
                self.carried = self.receive(full - batch.messages.len(), wait).await?;
                self.received = Instant::now();
            }
            if batch.is_empty() {
                if self.carried.is_empty() {
                    return Ok(batch);
                }
                batch.received = self.received;
            }
            let mut messages = std::mem::take(&mut self.carried).into_iter();
            self.carried.extend(messages.by_ref().find_map(|message| batch.push(message, &self.queue.arn)));
            self.carried.extend(messages);
            wait = self.event.batching_window.saturating_sub(batch.received.elapsed()).min(LONG_POLL);
            if batch.messages.len() >= full || !self.carried.is_empty() || wait.is_zero() {
                return Ok(batch);
            }
        }
    }

    async fn receive(&self, limit: usize, wait: Duration) -> Result<Vec<Message>, SqsError> {
        let input = ReceiveMessageInput {
            queue_url: self.queue.url.clone(),
            max_number_of_messages: Some(i32::try_from(limit.min(10)).unwrap_or(10)),
            // Rounded up: a window's last part of a second would be a poll that does not wait.
            wait_time_seconds: Some(i32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(20)),
            message_system_attribute_names: vec!["All".to_owned()],
            message_attribute_names: vec!["All".to_owned()],
            ..ReceiveMessageInput::default()
        };
        Ok(self.sqs.receive(input).await?.messages)
    }
}
