//! The outstanding messages: sent, and neither deleted nor purged.
//!
//! `rustack-sqs-core`'s own snapshot holds queues without their messages, so every request that adds or removes a message is
//! recorded here.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rustack_sqs_model::input::SendMessageInput;
use rustack_sqs_model::types::{MessageAttributeValue, MessageSystemAttributeValue};
use serde::{Deserialize, Serialize};
use tokio::sync::{RwLock, RwLockReadGuard};

/// A message as the state file keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredMessage {
    /// Name of the queue.
    pub(super) queue: String,
    body: String,
    /// Milliseconds since the epoch before which it must not be delivered.
    due: u64,
    group: Option<String>,
    deduplication: Option<String>,
    attributes: HashMap<String, MessageAttributeValue>,
    system_attributes: HashMap<String, MessageSystemAttributeValue>,
}

impl StoredMessage {
    /// The request that puts the message back, with what is left of its delay.
    pub(super) fn into_input(self, queue_url: &str) -> SendMessageInput {
        let delay = self.due.saturating_sub(now()).div_ceil(1000);
        SendMessageInput {
            queue_url: queue_url.to_owned(),
            message_body: self.body,
            // SQS allows 900 s at most, and the clock may have been set back meanwhile.
            delay_seconds: Some(i32::try_from(delay.min(900)).unwrap_or_default()),
            message_deduplication_id: self.deduplication,
            message_group_id: self.group,
            message_attributes: self.attributes,
            message_system_attributes: self.system_attributes,
        }
    }
}

#[derive(Debug)]
pub(super) struct Ledger {
    /// `DelaySeconds` by queue name.
    delays: HashMap<String, u64>,
    /// Held for reading while a message is sent and noted, so that its deletion is not noted first.
    sending: RwLock<()>,
    messages: Mutex<Messages>,
}

#[derive(Debug, Default)]
struct Messages {
    next: u64,
    /// In the order of sending.
    by_number: BTreeMap<u64, StoredMessage>,
    numbers: HashMap<String, u64>,
    /// Ids of all messages to FIFO queues: a duplicate has the id of a message that may have been deleted since.
    fifo: HashSet<String>,
}

impl Ledger {
    pub(super) fn new(delays: HashMap<String, u64>) -> Self {
        Self { delays, sending: RwLock::default(), messages: Mutex::default() }
    }

    /// To be held from before a message is sent until it is [added](Self::add).
    pub(super) async fn sending(&self) -> RwLockReadGuard<'_, ()> {
        self.sending.read().await
    }

    pub(super) fn add(&self, id: &str, input: SendMessageInput) {
        let Some(queue) = queue_name(&input.queue_url) else {
            return;
        };
        let delay = match input.delay_seconds {
            Some(seconds) => u64::try_from(seconds).unwrap_or_default(),
            None => self.delays.get(queue).copied().unwrap_or_default(),
        };
        let is_fifo = input.message_group_id.is_some();
        let message = StoredMessage {
            queue: queue.to_owned(),
            body: input.message_body,
            due: now() + delay * 1000,
            group: input.message_group_id,
            // By content, two equal messages sent minutes apart would be one when both are put back.
            deduplication: input.message_deduplication_id.or_else(|| is_fifo.then(|| id.to_owned())),
            attributes: input.message_attributes,
            system_attributes: input.message_system_attributes,
        };
        let mut messages = self.messages();
        if is_fifo && !messages.fifo.insert(id.to_owned()) {
            return;
        }
        let number = messages.next;
        messages.next += 1;
        messages.by_number.insert(number, message);
        messages.numbers.insert(id.to_owned(), number);
    }

    /// Notes where a message was seen: redrive moves messages unasked.
    pub(super) fn seen(&self, id: &str, queue_url: &str) {
        let mut messages = self.messages();
        let Some(number) = messages.numbers.get(id).copied() else {
            return;
        };
        if let (Some(message), Some(queue)) = (messages.by_number.get_mut(&number), queue_name(queue_url)) {
            queue.clone_into(&mut message.queue);
        }
    }

    pub(super) async fn remove(&self, id: &str) {
        let _sent = self.sending.write().await;
        let mut messages = self.messages();
        if let Some(number) = messages.numbers.remove(id) {
            messages.by_number.remove(&number);
        }
    }

    /// Forgets everything in a queue.
    pub(super) async fn clear(&self, queue_url: &str) {
        let _sent = self.sending.write().await;
        let Some(queue) = queue_name(queue_url) else {
            return;
        };
        let mut messages = self.messages();
        messages.by_number.retain(|_, message| message.queue != queue);
        let Messages { by_number, numbers, .. } = &mut *messages;
        numbers.retain(|_, number| by_number.contains_key(number));
    }

    /// All messages, in the order of sending.
    pub(super) async fn snapshot(&self) -> Vec<StoredMessage> {
        let _sent = self.sending.write().await;
        self.messages().by_number.values().cloned().collect()
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No file, no messages.
pub(super) fn read(path: &Path) -> io::Result<Vec<StoredMessage>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Replaces the file as a whole.
pub(super) fn write(path: &Path, messages: &[StoredMessage]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, serde_json::to_vec(messages)?)?;
    std::fs::rename(partial, path)
}

fn queue_name(url: &str) -> Option<&str> {
    url.rsplit('/').next().filter(|name| !name.is_empty())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
