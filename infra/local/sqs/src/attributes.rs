//! Attributes of a queue: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::error::{INVALID_ATTRIBUTE, SqsError, UNKNOWN_ATTRIBUTE};

/// Largest message, and the limit of a queue that sets none, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: u64 = 1_048_576;

/// Numeric attributes: name, least, most and default.
const NUMBERS: [(&str, u64, u64, u64); 5] = [
    ("DelaySeconds", 0, 900, 0),
    ("MaximumMessageSize", 1024, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES),
    ("MessageRetentionPeriod", 60, 1_209_600, 345_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20, 0),
    ("VisibilityTimeout", 0, 43_200, 30),
];

/// Attributes of FIFO queues, with their values; the first is the default.
const FIFO: [(&str, [&str; 2]); 4] = [
    ("FifoQueue", ["true", "true"]),
    ("ContentBasedDeduplication", ["false", "true"]),
    ("DeduplicationScope", ["queue", "messageGroup"]),
    ("FifoThroughputLimit", ["perQueue", "perMessageGroupId"]),
];

/// Attributes that are kept and have no effect.
const WITHOUT_EFFECT: [&str; 5] =
    ["KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "SqsManagedSseEnabled"];

/// Attributes that SQS computes.
const COMPUTED: [&str; 7] = [
    "All",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// The attributes that somebody has set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    set: BTreeMap<String, String>,
    redrive: Option<Redrive>,
}

/// Value of the attribute `RedrivePolicy`, which is JSON in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) target: String,
    pub(crate) max_receives: u32,
}

/// Clients write the count as a number or as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: serde_json::Value,
}

impl Attributes {
    /// Sets attributes; an empty redrive policy removes it.
    pub(crate) fn update(&mut self, attributes: &HashMap<String, String>, is_fifo: bool) -> Result<(), SqsError> {
        let mut new = self.clone();
        for (name, value) in attributes {
            check(name, value, is_fifo)?;
            if name == "RedrivePolicy" {
                new.redrive = if value.is_empty() { None } else { Some(redrive(value)?) };
            }
            if value.is_empty() {
                new.set.remove(name);
            } else {
                new.set.insert(name.clone(), value.clone());
            }
        }
        *self = new;
        Ok(())
    }

    /// The value of a numeric attribute.
    pub(crate) fn number(&self, name: &str) -> u64 {
        let default = NUMBERS.iter().find(|(number, ..)| *number == name).map_or(0, |(.., default)| *default);
        self.set.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.set.get(name).is_some_and(|set| set == value)
    }

    pub(crate) fn redrive(&self) -> Option<&Redrive> {
        self.redrive.as_ref()
    }

    /// All attributes with a value, set or by default.
    pub(crate) fn all(&self, is_fifo: bool) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> =
            NUMBERS.iter().map(|(name, .., default)| ((*name).to_owned(), default.to_string())).collect();
        if is_fifo {
            all.extend(FIFO.iter().map(|(name, [default, _])| ((*name).to_owned(), (*default).to_owned())));
        }
        all.insert("SqsManagedSseEnabled".to_owned(), "true".to_owned());
        all.extend(self.set.clone());
        all
    }
}

/// Refuses names that no queue has.
pub(crate) fn check_names(names: &[String]) -> Result<(), SqsError> {
    let numbers = NUMBERS.iter().map(|(name, ..)| *name);
    let known: Vec<_> =
        numbers.chain(FIFO.iter().map(|(name, _)| *name)).chain(WITHOUT_EFFECT).chain(COMPUTED).collect();
    match names.iter().find(|name| !known.contains(&name.as_str()) && *name != "RedrivePolicy") {
        Some(name) => Err(unknown(name)),
        None => Ok(()),
    }
}

fn check(name: &str, value: &str, is_fifo: bool) -> Result<(), SqsError> {
    let invalid = || SqsError::new(INVALID_ATTRIBUTE, format!("Invalid value for the parameter {name}."));
    if let Some((_, least, most, _)) = NUMBERS.iter().find(|(number, ..)| *number == name) {
        let number = value.parse::<u64>().map_err(|_| invalid())?;
        return if (*least..=*most).contains(&number) { Ok(()) } else { Err(invalid()) };
    }
    if let Some((_, values)) = FIFO.iter().find(|(fifo, _)| *fifo == name) {
        if !is_fifo {
            return Err(unknown(name));
        }
        return if values.contains(&value) { Ok(()) } else { Err(invalid()) };
    }
    if name == "RedrivePolicy" || WITHOUT_EFFECT.contains(&name) { Ok(()) } else { Err(unknown(name)) }
}

fn redrive(value: &str) -> Result<Redrive, SqsError> {
    let refuse = |reason: &str| SqsError::value(value, "RedrivePolicy", reason);
    let policy: RedrivePolicy =
        serde_json::from_str(value).map_err(|_| refuse("Redrive policy is not a valid JSON map."))?;
    let count = &policy.max_receive_count;
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
    match count.and_then(|count| u32::try_from(count).ok()) {
        Some(max_receives @ 1..=1000) => Ok(Redrive { target: policy.dead_letter_target_arn, max_receives }),
        _ => Err(refuse("Invalid value for maxReceiveCount: it must be from 1 to 1000.")),
    }
}

fn unknown(name: &str) -> SqsError {
    SqsError::new(UNKNOWN_ATTRIBUTE, format!("Unknown Attribute {name}."))
}
