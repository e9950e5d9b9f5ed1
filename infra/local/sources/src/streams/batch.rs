//! Gathers changes into batches.

use std::time::{Duration, SystemTime};

use local_dynamodb::stream::Change;
use serde_json::{Value, json};

/// Size in bytes of the JSON around the records of an event.
pub(super) const ENVELOPE_BYTES: usize = 14;
/// Time for which DynamoDB keeps the records of a stream.
pub(super) const RETENTION: Duration = Duration::from_hours(24);

/// Changes that go into one invocation, in the order of the stream. Never empty but before the first and after the last.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    /// Number of failed invocations with it.
    pub(super) failures: u32,
}

impl Batch {
    /// The event, as JSON.
    pub(super) fn event(&self) -> String {
        let records: Vec<&Value> = self.changes.iter().map(|change| &change.record).collect();
        json!({ "Records": records }).to_string()
    }

    /// Takes out the changes before that place.
    pub(super) fn take_before(&mut self, place: usize) -> Self {
        let rest = self.changes.split_off(place);
        Self { changes: std::mem::replace(&mut self.changes, rest), failures: self.failures }
    }

    /// Takes out the oldest changes, as far as they are too old.
    pub(super) fn take_expired(&mut self, age: Duration) -> Self {
        let is_expired = |change: &Change| SystemTime::now().duration_since(change.written).is_ok_and(|old| old > age);
        let fresh = self.changes.iter().position(|change| !is_expired(change));
        self.take_before(fresh.unwrap_or(self.changes.len()))
    }

    /// Sequence number of the last change.
    pub(super) fn last(&self) -> Option<&str> {
        self.changes.last().map(|change| change.sequence_number.as_str())
    }
}
