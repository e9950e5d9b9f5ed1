//! A message, in the queue and on the wire.

use std::collections::{BTreeMap, HashMap};

use local_aws::hex;
use md5::{Digest, Md5};
use rustack_sqs_model::input::SendMessageInput;
use rustack_sqs_model::types::{Message, MessageAttributeValue, MessageSystemAttributeValue};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::trace::ATTRIBUTE;

/// SQS's id of an account's user, of whom there is one here.
const SENDER: &str = "AIDALOCALLOCALLOCALXX";

/// A message of a queue, as the journal keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) id: Uuid,
    /// Position among all messages; moving to another queue does not change it.
    pub(crate) number: u64,
    pub(crate) body: String,
    /// Milliseconds since the epoch, like all times here.
    pub(crate) sent: u64,
    /// Time before which it is hidden, by a delay or since it was received.
    pub(crate) hidden_until: u64,
    #[serde(default)]
    pub(crate) receives: u32,
    #[serde(default)]
    pub(crate) first_received: u64,
    /// Time at which it was received last.
    #[serde(default)]
    pub(crate) last_received: u64,
    #[serde(default)]
    pub(crate) group: Option<String>,
    #[serde(default)]
    pub(crate) deduplication: Option<String>,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, MessageAttributeValue>,
    #[serde(default)]
    pub(crate) system_attributes: BTreeMap<String, MessageSystemAttributeValue>,
    /// ARN of the queue from which it was moved to a dead-letter queue.
    #[serde(default)]
    pub(crate) moved_from: Option<String>,
}

/// What a receiver asks of a message.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) system: Vec<&'a str>,
    pub(crate) attributes: &'a [String],
}

impl Stored {
    pub(crate) fn new(number: u64, input: SendMessageInput, now: u64, delay_seconds: u64) -> Self {
        Self {
            id: Uuid::new_v4(),
            number,
            body: input.message_body,
            sent: now,
            hidden_until: now + delay_seconds * 1000,
            receives: 0,
            first_received: 0,
            last_received: 0,
            group: input.message_group_id,
            deduplication: input.message_deduplication_id,
            attributes: input.message_attributes.into_iter().collect(),
            system_attributes: input.message_system_attributes.into_iter().collect(),
            moved_from: None,
        }
    }

    /// Returns true if somebody has it and may delete it.
    pub(crate) fn is_in_flight(&self, now: u64) -> bool {
        self.receives > 0 && self.hidden_until > now && self.last_received > 0
    }

    pub(crate) fn body_digest(&self) -> String {
        hex(&Md5::digest(&self.body))
    }

    pub(crate) fn attributes_digest(&self) -> Option<String> {
        digest(self.attributes.iter().map(|(name, value)| {
            (name, &value.data_type, value.string_value.as_deref(), value.binary_value.as_deref())
        }))
    }

    pub(crate) fn system_attributes_digest(&self) -> Option<String> {
        digest(self.system_attributes.iter().map(|(name, value)| {
            (name, &value.data_type, value.string_value.as_deref(), value.binary_value.as_deref())
        }))
    }

    /// Of a message of a FIFO queue, in 20 digits.
    pub(crate) fn sequence_number(&self) -> String {
        format!("{:020}", 17_000_000_000_000_000_000_u64.saturating_add(self.number))
    }

    pub(crate) fn received(&self, handle: String, is_fifo: bool, wanted: &Wanted<'_>) -> Message {
        let message_attributes: BTreeMap<_, _> = self.attributes.iter().filter(|(name, _)| wanted.has(name)).collect();
        let digest = digest(message_attributes.iter().map(|(name, value)| {
            (*name, &value.data_type, value.string_value.as_deref(), value.binary_value.as_deref())
        }));
        let all = wanted.system.contains(&"All");
        let trace = self.system_attributes.get(ATTRIBUTE).and_then(|value| value.string_value.clone());
        let system = [
            ("SenderId", Some(SENDER.to_owned())),
            ("SentTimestamp", Some(self.sent.to_string())),
            ("ApproximateReceiveCount", Some(self.receives.to_string())),
            ("ApproximateFirstReceiveTimestamp", Some(self.first_received.to_string())),
            ("SequenceNumber", is_fifo.then(|| self.sequence_number())),
            ("MessageDeduplicationId", self.deduplication.clone()),
            ("MessageGroupId", self.group.clone()),
            ("DeadLetterQueueSourceArn", self.moved_from.clone()),
            (ATTRIBUTE, trace),
        ];
        let system = system.into_iter().filter(|(name, _)| all || wanted.system.contains(name));
        Message {
            message_id: Some(self.id.to_string()),
            receipt_handle: Some(handle),
            md5_of_body: Some(self.body_digest()),
            body: Some(self.body.clone()),
            md5_of_message_attributes: digest,
            message_attributes: message_attributes
                .into_iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<HashMap<_, _>>(),
            attributes: system.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        }
    }
}

impl Wanted<'_> {
    /// `All`, `.*`, a name, or the beginning of names before `.*`.
    fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|wanted| match wanted.strip_suffix(".*") {
            Some(start) => name.starts_with(start),
            None => wanted == "All" || wanted == name,
        })
    }
}

/// Body, and names, types and values of attributes, in bytes: what SQS limits.
pub(crate) fn size(body: &str, attributes: &HashMap<String, MessageAttributeValue>) -> usize {
    let attributes = attributes.iter().map(|(name, value)| {
        let text = value.string_value.as_ref().map_or(0, String::len);
        let bytes = value.binary_value.as_ref().map_or(0, Vec::len);
        name.len() + value.data_type.len() + text + bytes
    });
    body.len() + attributes.sum::<usize>()
}

type Attribute<'a> = (&'a String, &'a String, Option<&'a str>, Option<&'a [u8]>);

/// The MD5 of attributes in the order of their names:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>.
fn digest<'a>(attributes: impl Iterator<Item = Attribute<'a>>) -> Option<String> {
    let mut hasher = None;
    for (name, data_type, text, bytes) in attributes {
        let hasher = hasher.get_or_insert_with(Md5::new);
        let mut add = |part: &[u8]| {
            hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            hasher.update(part);
        };
        add(name.as_bytes());
        add(data_type.as_bytes());
        let (kind, value) = match (text, bytes) {
            (Some(text), _) => (1, text.as_bytes()),
            (None, bytes) => (2, bytes.unwrap_or_default()),
        };
        hasher.update([kind]);
        hasher.update(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(value);
    }
    hasher.map(|hasher| hex(&hasher.finalize()))
}
