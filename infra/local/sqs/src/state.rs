//! All queues in memory, and the changes that make them what they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::message::Stored;
use crate::queue::{Deduplicated, Queue};

/// A change of messages, as the journal keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub(crate) enum Change {
    Sent {
        queue: String,
        message: Stored,
    },
    Received {
        queue: String,
        number: u64,
        at: u64,
        until: u64,
    },
    Hidden {
        queue: String,
        number: u64,
        until: u64,
    },
    Deleted {
        queue: String,
        number: u64,
    },
    /// To a dead-letter queue.
    Moved {
        queue: String,
        number: u64,
        to: String,
        at: u64,
    },
    Purged {
        queue: String,
    },
    /// A deduplication id whose message is gone.
    Deduplicated {
        queue: String,
        key: String,
        until: u64,
        id: Uuid,
        number: u64,
    },
}

/// The queues by name.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) queues: BTreeMap<String, Queue>,
    /// Number of the next message.
    next: u64,
}

impl State {
    /// Numbers a new message.
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Applies a change. One of a queue that does not exist is dropped with its message.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Sent { queue, message } => {
                self.next = self.next.max(message.number);
                match self.queues.get_mut(&queue) {
                    Some(queue) => queue.insert(message),
                    None => {
                        tracing::warn!(queue, message = %message.id, "a message of a queue that is no longer in the stack is dropped");
                    }
                }
            }
            Change::Received { queue, number, at, until } => self.on(&queue, |queue| queue.receive(number, at, until)),
            Change::Hidden { queue, number, until } => self.on(&queue, |queue| queue.hide(number, until)),
            Change::Deleted { queue, number } => self.on(&queue, |queue| drop(queue.remove(number))),
            Change::Moved { queue, number, to, at } => self.move_to(&queue, number, &to, at),
            Change::Purged { queue } => self.on(&queue, Queue::clear),
            Change::Deduplicated { queue, key, until, id, number } => {
                self.next = self.next.max(number);
                self.on(&queue, |queue| queue.remember(key, Deduplicated { until, id, number }));
            }
        }
    }

    fn on(&mut self, queue: &str, change: impl FnOnce(&mut Queue)) {
        if let Some(queue) = self.queues.get_mut(queue) {
            change(queue);
        }
    }

    fn move_to(&mut self, from: &str, number: u64, to: &str, at: u64) {
        let Some(from) = self.queues.get_mut(from) else { return };
        let Some(mut message) = from.remove(number) else { return };
        message.moved_from = Some(from.arn.clone());
        message.hidden_until = at;
        message.last_received = 0;
        if let Some(to) = self.queues.get_mut(to) {
            to.insert(message);
        }
    }

    /// The changes that lead to this state from nothing.
    pub(crate) fn changes(&self, now: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, queue) in &self.queues {
            let sent = queue.messages().map(|message| Change::Sent { queue: name.clone(), message: message.clone() });
            changes.extend(sent);
            let known = queue.deduplications().filter(|(_, known)| known.until > now);
            changes.extend(known.map(|(key, Deduplicated { until, id, number })| Change::Deduplicated {
                queue: name.clone(),
                key: key.clone(),
                until: *until,
                id: *id,
                number: *number,
            }));
        }
        changes
    }
}
